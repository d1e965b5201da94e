/* SPDX-License-Identifier: Apache-2.0 */
/* Worker threads: each has a loop, an inbox, and the connections that are its own. */
#ifndef GH_NET_WORKER_H
#define GH_NET_WORKER_H

#include "base/error.h"
#include "limit/total.h"
#include "net/conn.h"

#define GH_WORKERS_MAX 64

struct gh_workers;
struct gh_worker;

/* A connection that the control thread accepted. */
struct gh_accepted {
	struct gh_conn *conn; /* in the nursery; bind it or close it before accepted() returns */
	void *listener;       /* gh_listener_want.user at the time of accept(2) */
	uint64_t at_ms;       /* monotonic time of accept(2): deadlines count from here */
};

/* The rooms above. All on the worker's thread; any but accepted may be NULL. */
struct gh_worker_fn {
	void (*start)(struct gh_worker *worker, void *arg); /* before its first turn */
	void (*accepted)(struct gh_worker *worker, const struct gh_accepted *accepted);
	/* Before connections are flushed and mail is posted. */
	void (*turn_end)(struct gh_worker *worker);
	/* The last call: its connections are gone. */
	void (*stop)(struct gh_worker *worker);
};

/*
 * Makes `count` (1..GH_WORKERS_MAX) workers and starts their threads, with all signals
 * blocked; returns when every start() has returned. `total` counts the connections (a slot is
 * taken by the listener, given back when the descriptor is closed); it is the caller's and
 * outlives the workers.
 */
int gh_workers_start(unsigned count, const struct gh_worker_fn *fn, void *arg,
		     struct gh_total *total, struct gh_workers **workers_r, struct gh_error *error);
/*
 * Asks all to end; returns at once. Connections that are still open are closed (closed() with
 * GH_CONN_STOP); what still drains is cut after linger_ms. They end together, when none has a
 * connection left and what they have sent to each other has been delivered; then `done` is posted
 * to `control` (control lane).
 */
void gh_workers_stop(struct gh_workers *workers, uint32_t linger_ms, struct gh_inbox *control,
		     struct gh_mail *done);
/* Joins the threads (stop first, else with linger 0) and frees; mail that arrived too late is
 * delivered with owner NULL. */
void gh_workers_free(struct gh_workers **workers);

unsigned gh_workers_count(const struct gh_workers *workers);
struct gh_worker *gh_workers_at(const struct gh_workers *workers, unsigned index);
/* Any thread: the one with the fewest connections. */
struct gh_worker *gh_workers_least_loaded(struct gh_workers *workers);

/* ---- of one worker, on its own thread ---- */
void gh_worker_set_user(struct gh_worker *worker, void *user);
void *gh_worker_user(const struct gh_worker *worker);
struct gh_loop *gh_worker_loop(const struct gh_worker *worker);
/* Collected until the end of the turn, then posted at once. `to` may be the worker itself. */
void gh_worker_send(struct gh_worker *from, struct gh_worker *to, enum gh_lane lane,
		    struct gh_mail *mail);

/* ---- any thread ---- */
unsigned gh_worker_index(const struct gh_worker *worker);
struct gh_workers *gh_worker_peers(const struct gh_worker *worker);
/* From a thread that is no worker: the control thread, a module's. */
void gh_worker_post(struct gh_worker *to, enum gh_lane lane, struct gh_mail *mail);

/* Any thread: gh_inbox_charge() of its inbox. */
void gh_worker_charge(struct gh_worker *worker, size_t weight);
void gh_worker_discharge(struct gh_worker *worker, size_t weight);
/* Any thread: gh_inbox_crowded() of its inbox. */
bool gh_worker_crowded(const struct gh_worker *worker);

/* A connected socket becomes a connection of `to`, which tells it by accepted(). Takes fd
 * over, and its slot of the total. */
void gh_worker_hand_over(struct gh_worker *to, int fd, const struct gh_peer *peer, void *listener,
			 uint64_t at_ms);

struct gh_worker_stats {
	unsigned connections;         /* lingering ones included */
	uint64_t bytes_in, bytes_out; /* of the transports' payload */
	uint64_t reads, writes;       /* system calls */
	uint64_t mails, wakes;        /* of the inbox */
	uint64_t inbox_bytes;         /* data that waits now */
	uint64_t held;                /* times a connection was paused for a crowded inbox */
	uint64_t cut;                 /* connections cut with output unsent */
	uint64_t busy_ms;             /* how long its present turn has run */
	struct gh_loop_lag lag;
};
void gh_worker_stats(const struct gh_worker *worker, struct gh_worker_stats *stats_r);

#endif
