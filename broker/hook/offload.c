/* SPDX-License-Identifier: Apache-2.0 */
/* A few threads that take work from one queue. */
#include "hook/offload.h"

#include "base/log.h"
#include "base/mem.h"
#include "hook/call.h"
#include "hook/host.h"
#include "hook/pool.h"

#include <stdlib.h>
#include <string.h>

struct gh_offload {
	pthread_mutex_t lock;
	pthread_cond_t more, less; /* one was queued; one has been run */
	struct gh_node queue;
	unsigned queued; /* those that are held too */
	unsigned threads;
	bool stop;
	pthread_t thread[GH_OFFLOAD_THREADS];
};

struct task {
	struct gh_node node;
	struct gh_instance *instance;
	gh_work_fn *fn;
	void *arg;
};

struct gh_offload *gh_offload_new(void)
{
	struct gh_offload *offload = gh_zalloc(sizeof(*offload));

	pthread_mutex_init(&offload->lock, NULL);
	pthread_cond_init(&offload->more, NULL);
	pthread_cond_init(&offload->less, NULL);
	gh_list_init(&offload->queue);
	return offload;
}

/* ---- its threads ---- */

/* NULL: the end. Locked. */
static struct task *next_task(struct gh_offload *offload)
{
	struct gh_node *node;

	while (gh_list_empty(&offload->queue) && !offload->stop)
		pthread_cond_wait(&offload->more, &offload->lock);
	if (gh_list_empty(&offload->queue))
		return NULL;
	node = offload->queue.next;
	gh_list_remove(node);
	offload->queued--;
	return gh_container(node, struct task, node);
}

static void run(struct task *task)
{
	gh_call_offloaded(task->instance, task->fn, task->arg);
	gh_instance_unref(task->instance);
	free(task);
}

static void *offload_main(void *arg)
{
	struct gh_offload *offload = arg;
	struct gh_instance *instance;
	struct task *task;

	gh_here()->offloaded = true;
	pthread_mutex_lock(&offload->lock);
	while ((task = next_task(offload))) {
		instance = task->instance;
		pthread_mutex_unlock(&offload->lock);
		run(task);
		pthread_mutex_lock(&offload->lock);
		/* Whoever ends the instance waits for this: it isn't touched afterwards. */
		instance->offloaded--;
		pthread_cond_broadcast(&offload->less);
	}
	pthread_mutex_unlock(&offload->lock);
	return NULL;
}

/* One more while there may be; false: there is none at all. Locked. */
static bool have_thread(struct gh_offload *offload)
{
	if (offload->threads < GH_OFFLOAD_THREADS) {
		int rc = gh_pool_thread(&offload->thread[offload->threads], offload_main, offload);

		offload->threads += rc == 0;
		if (rc && !offload->threads)
			gh_log_warning("no thread for the work of modules: %s", strerror(rc));
	}
	return offload->threads > 0;
}

void gh_offload_free(struct gh_offload **offload)
{
	struct gh_offload *gone = *offload;

	*offload = NULL;
	if (!gone)
		return;
	pthread_mutex_lock(&gone->lock);
	gone->stop = true;
	pthread_cond_broadcast(&gone->more);
	pthread_mutex_unlock(&gone->lock);
	for (unsigned i = 0; i < gone->threads; i++)
		pthread_join(gone->thread[i], NULL);
	pthread_cond_destroy(&gone->more);
	pthread_cond_destroy(&gone->less);
	pthread_mutex_destroy(&gone->lock);
	free(gone);
}

/* ---- any thread ---- */

static bool accepts(struct gh_offload *offload, struct gh_instance *instance)
{
	return !instance->offload_ended && offload->queued < GH_OFFLOAD_MAX &&
	       have_thread(offload) && gh_instance_ref_if_held(instance);
}

int gh_offload_add(struct gh_instance *instance, gh_work_fn *fn, void *arg)
{
	struct gh_offload *offload = instance->hooks->offload;
	struct task *task;
	bool accepted;

	if (!fn)
		return GH_EINVAL;
	if (!offload)
		return GH_EBUSY;
	task = gh_alloc(sizeof(*task));
	*task = (struct task){ .instance = instance, .fn = fn, .arg = arg };
	pthread_mutex_lock(&offload->lock);
	accepted = accepts(offload, instance);
	if (accepted) {
		gh_list_append(instance->offload_held ? &instance->offload_waits : &offload->queue,
			       &task->node);
		offload->queued++;
		instance->offloaded++;
		pthread_cond_signal(&offload->more);
	}
	pthread_mutex_unlock(&offload->lock);
	if (!accepted)
		free(task);
	return accepted ? 0 : GH_EBUSY;
}

void gh_offload_hold(struct gh_instance *instance)
{
	struct gh_offload *offload = instance->hooks->offload;

	if (!offload)
		return;
	pthread_mutex_lock(&offload->lock);
	gh_list_init(&instance->offload_waits);
	instance->offload_held = true;
	pthread_mutex_unlock(&offload->lock);
}

void gh_offload_release(struct gh_instance *instance)
{
	struct gh_offload *offload = instance->hooks->offload;

	if (!offload)
		return;
	pthread_mutex_lock(&offload->lock);
	instance->offload_held = false;
	gh_list_splice(&offload->queue, &instance->offload_waits);
	pthread_cond_broadcast(&offload->more);
	pthread_mutex_unlock(&offload->lock);
}

void gh_offload_end(struct gh_instance *instance)
{
	struct gh_offload *offload = instance->hooks->offload;

	if (!offload)
		return;
	pthread_mutex_lock(&offload->lock);
	instance->offload_ended = true;
	while (instance->offloaded > 0)
		pthread_cond_wait(&offload->less, &offload->lock);
	pthread_mutex_unlock(&offload->lock);
}
