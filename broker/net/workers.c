/* SPDX-License-Identifier: Apache-2.0 */
/* The workers together: starting and stopping their threads. */
#include "net/conn_priv.h"

#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *worker_main(void *arg)
{
	struct gh_worker *worker = arg;
	struct gh_workers *workers = worker->peers;

	if (workers->fn->start)
		workers->fn->start(worker, workers->arg);
	sem_post(&workers->started);
	gh_loop_run(worker->loop);
	if (atomic_fetch_sub(&workers->running, 1) == 1 && workers->done)
		gh_inbox_post(workers->control, GH_LANE_CONTROL, workers->done);
	return NULL;
}

static int start_thread(struct gh_worker *worker)
{
	sigset_t all, before;
	char name[16];
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&worker->thread, NULL, worker_main, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		return failed;
	snprintf(name, sizeof name, "gh-worker-%u", worker->index % GH_WORKERS_MAX);
	pthread_setname_np(worker->thread, name);
	while (sem_wait(&worker->peers->started))
		;
	return 0;
}

static int make_all(struct gh_workers *workers, unsigned count, struct gh_error *error)
{
	for (; workers->count < count; workers->count++) {
		workers->workers[workers->count] = gh_worker_new(workers, workers->count);
		if (!workers->workers[workers->count])
			return gh_error_set(error, GH_EIO, "worker %u: can't make its loop: %s",
					    workers->count, strerror(errno));
	}
	return 0;
}

static int start_all(struct gh_workers *workers, struct gh_error *error)
{
	for (unsigned i = 0; i < workers->count; i++) {
		int failed = start_thread(workers->workers[i]);

		if (failed)
			return gh_error_set(error, GH_EIO, "worker %u: can't start its thread: %s",
					    i, strerror(failed));
		atomic_fetch_add(&workers->running, 1);
	}
	return 0;
}

int gh_workers_start(unsigned count, const struct gh_worker_fn *fn, void *arg,
		     struct gh_total *total, struct gh_workers **workers_r, struct gh_error *error)
{
	struct gh_workers *workers = gh_zalloc(sizeof *workers);
	int rc;

	workers->fn = fn;
	workers->arg = arg;
	workers->total = total;
	sem_init(&workers->started, 0, 0);
	rc = make_all(workers, count, error);
	if (!rc)
		rc = start_all(workers, error);
	if (rc) {
		gh_workers_free(&workers);
		return rc;
	}
	*workers_r = workers;
	return 0;
}

/* ---- the end ---- */

static void again_deliver(struct gh_mail *mail, void *owner)
{
	(void)mail;
	if (owner)
		((struct gh_worker *)owner)->idle = false;
}

static void over_deliver(struct gh_mail *mail, void *owner)
{
	(void)mail;
	if (owner)
		((struct gh_worker *)owner)->over = true;
}

static bool any_connection(const struct gh_workers *workers)
{
	for (unsigned i = 0; i < workers->count; i++)
		if (atomic_load(&workers->workers[i]->connections))
			return true;
	return false;
}

/* What was sent in this round arrives before the next one begins, and may lead to more. */
static void end_round(struct gh_workers *workers)
{
	bool again = atomic_exchange(&workers->busy, false) || any_connection(workers);

	atomic_store(&workers->left, workers->going);
	for (unsigned i = 0; i < workers->going; i++) {
		struct gh_worker *worker = workers->workers[i];

		worker->round.deliver = again ? again_deliver : over_deliver;
		gh_worker_post(worker, GH_LANE_DATA, &worker->round);
	}
}

void gh_workers_idle(struct gh_worker *worker)
{
	struct gh_workers *workers = worker->peers;

	worker->idle = true;
	if (worker->sent)
		atomic_store(&workers->busy, true);
	worker->sent = false;
	if (atomic_fetch_sub(&workers->left, 1) == 1)
		end_round(workers);
}

struct stop_order {
	struct gh_mail mail;
	uint32_t linger_ms;
};

static void stop_list(struct gh_node *conns, uint32_t linger_ms)
{
	gh_list_each(conns, node, next)
		gh_conn_stop(gh_container(node, struct gh_conn, node), linger_ms);
}

static void stop_deliver(struct gh_mail *mail, void *owner)
{
	struct stop_order *order = gh_container(mail, struct stop_order, mail);
	struct gh_worker *worker = owner;

	if (worker) {
		worker->stopping = true;
		worker->linger_ms = order->linger_ms;
		stop_list(&worker->conns, order->linger_ms);
		for (unsigned i = 0; i < worker->peers->count; i++)
			stop_list(&worker->held[i], order->linger_ms);
	}
	free(order);
}

void gh_workers_stop(struct gh_workers *workers, uint32_t linger_ms, struct gh_inbox *control,
		     struct gh_mail *done)
{
	workers->stop_asked = true;
	workers->going = atomic_load(&workers->running);
	atomic_store(&workers->left, workers->going);
	workers->control = control;
	workers->done = done;
	for (unsigned i = 0; i < workers->count; i++) {
		struct stop_order *order = gh_zalloc(sizeof *order);

		order->mail.deliver = stop_deliver;
		order->linger_ms = linger_ms;
		/* Behind what is on its way to it: that may still be for a connection of it. */
		gh_worker_post(workers->workers[i], GH_LANE_DATA, &order->mail);
	}
}

void gh_workers_free(struct gh_workers **workers_)
{
	struct gh_workers *workers = *workers_;

	if (!workers)
		return;
	if (!workers->stop_asked)
		gh_workers_stop(workers, 0, NULL, NULL);
	for (unsigned i = 0; i < workers->count; i++)
		if (workers->workers[i]->thread)
			pthread_join(workers->workers[i]->thread, NULL);
	/* Late mail may hold connections of any of them. */
	for (unsigned i = 0; i < workers->count; i++)
		gh_inbox_free(&workers->workers[i]->inbox);
	for (unsigned i = 0; i < workers->count; i++)
		gh_worker_free(workers->workers[i]);
	sem_destroy(&workers->started);
	free(workers);
	*workers_ = NULL;
}

unsigned gh_workers_count(const struct gh_workers *workers)
{
	return workers->count;
}

struct gh_worker *gh_workers_at(const struct gh_workers *workers, unsigned index)
{
	return workers->workers[index];
}

struct gh_worker *gh_workers_least_loaded(struct gh_workers *workers)
{
	unsigned first = atomic_fetch_add(&workers->turn, 1), least = UINT32_MAX;
	struct gh_worker *best = NULL;

	for (unsigned i = 0; i < workers->count; i++) {
		struct gh_worker *worker = workers->workers[(first + i) % workers->count];
		unsigned load = atomic_load_explicit(&worker->connections, memory_order_relaxed);

		if (load < least) {
			least = load;
			best = worker;
		}
	}
	return best;
}
