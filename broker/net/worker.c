/* SPDX-License-Identifier: Apache-2.0 */
/* Workers: making, starting, stopping, and what other threads may ask of them. */
#include "net/conn_priv.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_nursery(void *ptr, unsigned events)
{
	gh_conn_ready(ptr, events);
}

/* ---- back-pressure ------------------------------------------------------------------------------ */

/* This worker's inbox has room again: whoever waits for it is told. */
static void on_drained(void *owner, uint64_t senders)
{
	struct gh_worker *worker = owner;

	for (; senders; senders &= senders - 1)
		gh_inbox_wake(worker->peers->workers[__builtin_ctzll(senders)]->inbox,
			      worker->index);
}

static void resume_held(struct gh_worker *worker, struct gh_node *held)
{
	gh_list_each (held, node, next) {
		gh_list_remove(node);
		gh_list_append(&worker->conns, node);
		gh_conn_resume(gh_container(node, struct gh_conn, node), GH_PAUSE_INBOX);
	}
}

static void on_wake(void *owner, uint64_t by)
{
	struct gh_worker *worker = owner;

	for (; by; by &= by - 1)
		resume_held(worker, &worker->held[__builtin_ctzll(by)]);
}

/* ---- connections that arrive -------------------------------------------------------------------- */

struct arrival {
	struct gh_mail mail;
	int fd;
	struct gh_peer peer;
	struct gh_worker *to;
	void *listener;
	uint64_t at_ms;
};

static void turn_away(const struct arrival *arrival)
{
	close(arrival->fd);
	atomic_fetch_sub(&arrival->to->connections, 1);
	if (arrival->to->peers->total)
		gh_total_give(arrival->to->peers->total);
}

static void arrival_deliver(struct gh_mail *mail, void *owner)
{
	struct arrival *arrival = gh_container(mail, struct arrival, mail);
	struct gh_worker *worker = owner;

	if (!worker || worker->stopping) {
		turn_away(arrival);
	} else {
		bool local = arrival->peer.transport == GH_UNIX;
		struct gh_accepted accepted = {
			.conn = gh_conn_new(worker, arrival->fd,
					    local ? &gh_transport_unix : &gh_transport_tcp,
					    &arrival->peer),
			.listener = arrival->listener,
			.at_ms = arrival->at_ms,
		};

		worker->peers->fn->accepted(worker, &accepted);
	}
	free(arrival);
}

void gh_worker_hand_over(struct gh_worker *to, int fd, const struct gh_peer *peer, void *listener,
			 uint64_t at_ms)
{
	struct arrival *arrival = gh_zalloc(sizeof *arrival);

	arrival->mail.deliver = arrival_deliver;
	arrival->fd = fd;
	arrival->peer = *peer;
	arrival->to = to;
	arrival->listener = listener;
	arrival->at_ms = at_ms;
	/* Now, so that a burst is spread. */
	atomic_fetch_add(&to->connections, 1);
	gh_worker_post(to, GH_LANE_CONTROL, &arrival->mail);
}

/* ---- start and stop ----------------------------------------------------------------------------- */

static void worker_free(struct gh_worker *worker)
{
	if (!worker)
		return;
	gh_nursery_free(&worker->nursery);
	gh_loop_free(&worker->loop);
	gh_segment_pool_done(&worker->pool);
	free(worker->attention.p);
	free(worker->ended.p);
	free(worker);
}

static struct gh_worker *worker_new(struct gh_workers *workers, unsigned index)
{
	struct gh_worker *worker = gh_zalloc(sizeof *worker + GH_CONN_READ + GH_CONN_SMALL);

	worker->peers = workers;
	worker->index = index;
	gh_list_init(&worker->conns);
	for (int i = 0; i < GH_WORKERS_MAX; i++)
		gh_list_init(&worker->held[i]);
	worker->loop = gh_loop_new();
	if (worker->loop)
		worker->nursery = gh_nursery_new(worker->loop, on_nursery);
	if (!worker->nursery) {
		worker_free(worker);
		return NULL;
	}
	worker->inbox = gh_inbox_new(worker->loop, worker);
	gh_inbox_on_drained(worker->inbox, on_drained);
	gh_inbox_on_wake(worker->inbox, on_wake);
	gh_loop_on_turn_end(worker->loop, gh_worker_turn_end, worker);
	return worker;
}

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
		workers->workers[workers->count] = worker_new(workers, workers->count);
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

struct stop_order {
	struct gh_mail mail;
	uint32_t linger_ms;
};

static void stop_list(struct gh_node *conns, uint32_t linger_ms)
{
	gh_list_each (conns, node, next)
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
	workers->control = control;
	workers->done = done;
	for (unsigned i = 0; i < workers->count; i++) {
		struct stop_order *order = gh_zalloc(sizeof *order);

		order->mail.deliver = stop_deliver;
		order->linger_ms = linger_ms;
		gh_worker_post(workers->workers[i], GH_LANE_CONTROL, &order->mail);
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
		worker_free(workers->workers[i]);
	sem_destroy(&workers->started);
	free(workers);
	*workers_ = NULL;
}

/* ---- questions ---------------------------------------------------------------------------------- */

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

void gh_worker_set_user(struct gh_worker *worker, void *user)
{
	worker->user = user;
}

void *gh_worker_user(const struct gh_worker *worker)
{
	return worker->user;
}

struct gh_loop *gh_worker_loop(const struct gh_worker *worker)
{
	return worker->loop;
}

unsigned gh_worker_index(const struct gh_worker *worker)
{
	return worker->index;
}

struct gh_workers *gh_worker_peers(const struct gh_worker *worker)
{
	return worker->peers;
}

void gh_worker_send(struct gh_worker *from, struct gh_worker *to, enum gh_lane lane,
		    struct gh_mail *mail)
{
	gh_mail_run_add(&from->outbox[to->index][lane], mail);
	from->outbox_used |= UINT64_C(1) << to->index;
}

void gh_worker_post(struct gh_worker *to, enum gh_lane lane, struct gh_mail *mail)
{
	gh_inbox_post(to->inbox, lane, mail);
}

void gh_worker_stats(const struct gh_worker *worker, struct gh_worker_stats *stats_r)
{
	*stats_r = (struct gh_worker_stats){
		.connections = atomic_load_explicit(&worker->connections, memory_order_relaxed),
		.bytes_in = gh_counter_get(&worker->bytes_in),
		.bytes_out = gh_counter_get(&worker->bytes_out),
		.reads = gh_counter_get(&worker->reads),
		.writes = gh_counter_get(&worker->writes),
		.mails = gh_inbox_delivered(worker->inbox),
		.wakes = gh_inbox_wakes(worker->inbox),
		.inbox_bytes = gh_inbox_weight(worker->inbox),
		.held = gh_counter_get(&worker->held_count),
		.cut = gh_counter_get(&worker->cut),
		.busy_ms = gh_loop_busy_ms(worker->loop, gh_clock_ms()),
	};
	gh_loop_lag(worker->loop, &stats_r->lag);
}
