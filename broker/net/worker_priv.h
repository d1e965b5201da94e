/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a worker, for this folder only. */
#ifndef GH_NET_WORKER_PRIV_H
#define GH_NET_WORKER_PRIV_H

#include "net/loop_priv.h"
#include "net/nursery.h"
#include "net/segment.h"
#include "net/worker.h"

#include <pthread.h>
#include <semaphore.h>

/* A growing array of connections; NULL where one has left. */
struct gh_conn_array {
	struct gh_conn **p;
	size_t n, size;
};

struct gh_worker {
	struct gh_workers *peers;
	unsigned index;
	pthread_t thread;
	struct gh_loop *loop;
	struct gh_inbox *inbox;
	struct gh_nursery *nursery;
	void *user;

	struct gh_node conns;                /* all but those held */
	struct gh_node held[GH_WORKERS_MAX]; /* paused because that worker is crowded */
	struct gh_conn_array attention;      /* to be looked at when the turn ends */
	struct gh_conn_array ended;          /* freed when the turn ends */
	struct gh_segment_pool pool;
	struct gh_mail_run outbox[GH_WORKERS_MAX][GH_LANES];
	uint64_t outbox_used; /* which of them aren't empty */

	/* Of the one connection whose input() runs. */
	size_t expect;
	struct gh_worker *move_to;
	struct gh_mail *move_mail;

	bool stopping, stopped; /* asked to end; stop() has been called */
	bool sent;              /* mail to others, since it was last idle */
	bool idle, over;        /* it has no connection left; nor has anybody else */
	struct gh_mail round;   /* tells it how the round of the end went on */
	uint32_t linger_ms;

	atomic_uint connections; /* also those on their way here */
	_Atomic uint64_t bytes_in, bytes_out, reads, writes, held_count, cut;

	uint8_t read_buffer[]; /* GH_CONN_READ + GH_CONN_SMALL */
};

struct gh_workers {
	unsigned count;
	const struct gh_worker_fn *fn;
	void *arg;
	struct gh_total *total;
	atomic_uint turn; /* whose turn it is among equally loaded ones */
	atomic_uint running;
	bool stop_asked;
	/* The end: rounds in which each becomes idle, until there is one in which nobody has sent anything. */
	unsigned going;   /* threads that take part */
	atomic_uint left; /* of them, in this round */
	atomic_bool busy; /* there is to be another */
	struct gh_inbox *control;
	struct gh_mail *done;
	sem_t started;
	struct gh_worker *workers[GH_WORKERS_MAX];
};

/* Its thread isn't started. NULL when the kernel gives no descriptor. */
struct gh_worker *gh_worker_new(struct gh_workers *workers, unsigned index);
void gh_worker_free(struct gh_worker *worker); /* its inbox is freed before */

/* workers.c: it has no connection left, and what it had for others is posted. */
void gh_workers_idle(struct gh_worker *worker);

/* turn.c: the end of a worker's turn. */
void gh_worker_turn_end(void *worker);

#endif
