/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that take jobs from a fair queue. */
#include "hook/pool.h"

#include "base/mem.h"
#include "hook/host.h"
#include "hook/instance_priv.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct gh_pool {
	struct gh_instance *instance;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct gh_fair lanes[GH_POOL_LANES];
	unsigned turn; /* the lane that was served last */
	bool stop;
	unsigned running;
	unsigned count;
	pthread_t threads[];
};

void gh_job_init(struct gh_job *job, void (*run)(struct gh_job *job),
		 void (*free_fn)(struct gh_job *job))
{
	job->node.source = NULL;
	atomic_init(&job->refs, 1);
	job->run = run;
	job->free = free_fn;
}

void gh_job_unref(struct gh_job **job)
{
	struct gh_job *gone = *job;

	*job = NULL;
	if (gone && atomic_fetch_sub_explicit(&gone->refs, 1, memory_order_acq_rel) == 1)
		gone->free(gone);
}

static struct gh_fair_node *pop(struct gh_pool *pool)
{
	struct gh_fair_node *node = NULL;

	for (unsigned i = 0; !node && i < GH_POOL_LANES; i++) {
		pool->turn = (pool->turn + 1) % GH_POOL_LANES;
		node = gh_fair_pop(&pool->lanes[pool->turn]);
	}
	return node;
}

/* done: the one before has ended. */
static struct gh_job *next_job(struct gh_pool *pool, bool done)
{
	struct gh_fair_node *node;

	pthread_mutex_lock(&pool->lock);
	pool->running -= done;
	while (!(node = pop(pool)) && !pool->stop)
		pthread_cond_wait(&pool->more, &pool->lock);
	pool->running += node != NULL;
	pthread_mutex_unlock(&pool->lock);
	return node ? gh_container(node, struct gh_job, node) : NULL;
}

static void *pool_main(void *arg)
{
	struct gh_pool *pool = arg;
	const struct gh_plugin *plugin = pool->instance->plugin;
	struct gh_here *here = gh_here();
	struct gh_job *job;
	bool done = false;

	here->instance = pool->instance;
	if (plugin->thread_start)
		here->local = plugin->thread_start(pool->instance->self);
	for (; (job = next_job(pool, done)); done = true) {
		job->run(job);
		gh_job_unref(&job);
	}
	if (plugin->thread_stop)
		plugin->thread_stop(pool->instance->self, here->local);
	return NULL;
}

int gh_pool_thread(pthread_t *thread_r, void *(*main)(void *), void *arg)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(thread_r, NULL, main, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

int gh_pool_new(struct gh_instance *instance, unsigned threads, unsigned max,
		struct gh_pool **pool_r, struct gh_error *error)
{
	struct gh_pool *pool = gh_zalloc(sizeof(*pool) + threads * sizeof(pthread_t));

	pool->instance = instance;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->more, NULL);
	for (unsigned i = 0; i < GH_POOL_LANES; i++)
		gh_fair_init(&pool->lanes[i], max, max / 4 ? max / 4 : 1);
	while (pool->count < threads) {
		int rc = gh_pool_thread(&pool->threads[pool->count], pool_main, pool);

		if (rc) {
			gh_error_set(error, GH_EIO, "no thread for it: %s", strerror(rc));
			gh_pool_free(&pool);
			return GH_EIO;
		}
		pool->count++;
	}
	*pool_r = pool;
	return 0;
}

void gh_pool_free(struct gh_pool **pool)
{
	struct gh_pool *gone = *pool;

	*pool = NULL;
	if (!gone)
		return;
	pthread_mutex_lock(&gone->lock);
	gone->stop = true;
	pthread_cond_broadcast(&gone->more);
	pthread_mutex_unlock(&gone->lock);
	for (unsigned i = 0; i < gone->count; i++)
		pthread_join(gone->threads[i], NULL);
	for (unsigned i = 0; i < GH_POOL_LANES; i++)
		gh_fair_done(&gone->lanes[i]);
	pthread_cond_destroy(&gone->more);
	pthread_mutex_destroy(&gone->lock);
	free(gone);
}

bool gh_pool_submit(struct gh_pool *pool, enum gh_pool_lane lane, const uint8_t ip[16],
		    struct gh_job *job)
{
	bool queued;

	job->lane = lane;
	pthread_mutex_lock(&pool->lock);
	queued = gh_fair_push(&pool->lanes[lane], ip, &job->node);
	if (queued) {
		atomic_fetch_add_explicit(&job->refs, 1, memory_order_relaxed);
		pthread_cond_signal(&pool->more);
	}
	pthread_mutex_unlock(&pool->lock);
	return queued;
}

void gh_pool_submit_always(struct gh_pool *pool, const uint8_t ip[16], struct gh_job *job)
{
	job->lane = GH_POOL_QUESTIONS;
	pthread_mutex_lock(&pool->lock);
	gh_fair_push_first(&pool->lanes[job->lane], ip, &job->node);
	atomic_fetch_add_explicit(&job->refs, 1, memory_order_relaxed);
	pthread_cond_signal(&pool->more);
	pthread_mutex_unlock(&pool->lock);
}

void gh_pool_withdraw(struct gh_pool *pool, struct gh_job *job)
{
	bool queued;

	pthread_mutex_lock(&pool->lock);
	queued = gh_fair_remove(&pool->lanes[job->lane], &job->node);
	pthread_mutex_unlock(&pool->lock);
	if (queued)
		gh_job_unref(&job);
}

unsigned gh_pool_queued(struct gh_pool *pool)
{
	unsigned count = 0;

	pthread_mutex_lock(&pool->lock);
	for (unsigned i = 0; i < GH_POOL_LANES; i++)
		count += (unsigned)pool->lanes[i].count;
	pthread_mutex_unlock(&pool->lock);
	return count;
}

unsigned gh_pool_running(struct gh_pool *pool)
{
	unsigned running;

	pthread_mutex_lock(&pool->lock);
	running = pool->running;
	pthread_mutex_unlock(&pool->lock);
	return running;
}
