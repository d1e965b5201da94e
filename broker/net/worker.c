/* SPDX-License-Identifier: Apache-2.0 */
/* One worker: its making, what comes into its inbox, what other threads may ask. */
#include "net/conn_priv.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <unistd.h>

static void on_nursery(void *ptr, unsigned events)
{
	gh_conn_ready(ptr, events);
}

/* ---- back-pressure ---- */

/* This worker's inbox has room again: whoever waits for it is told. */
static void on_drained(void *owner, uint64_t senders)
{
	struct gh_worker *worker = owner;

	for (; senders; senders &= senders - 1)
		gh_inbox_wake(worker->peers->workers[__builtin_ctzll(senders)]->inbox, worker->index);
}

static void resume_held(struct gh_worker *worker, struct gh_node *held)
{
	gh_list_each(held, node, next)
	{
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

/* ---- connections that arrive ---- */

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

/* ---- making ---- */

void gh_worker_free(struct gh_worker *worker)
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

struct gh_worker *gh_worker_new(struct gh_workers *workers, unsigned index)
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
		gh_worker_free(worker);
		return NULL;
	}
	worker->inbox = gh_inbox_new(worker->loop, worker);
	gh_inbox_on_drained(worker->inbox, on_drained);
	gh_inbox_on_wake(worker->inbox, on_wake);
	gh_loop_on_turn_end(worker->loop, gh_worker_turn_end, worker);
	return worker;
}

/* ---- questions ---- */

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

void gh_worker_charge(struct gh_worker *worker, size_t weight)
{
	gh_inbox_charge(worker->inbox, weight);
}

bool gh_worker_crowded(const struct gh_worker *worker)
{
	return gh_inbox_crowded(worker->inbox, 0);
}

void gh_worker_discharge(struct gh_worker *worker, size_t weight)
{
	gh_inbox_discharge(worker->inbox, weight);
}
