/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries that wait for a session: for its connection, its window or its socket. First in,
 * first out, bounded. */
#ifndef GH_SESSION_QUEUE_H
#define GH_SESSION_QUEUE_H

#include "session/delivery.h"

enum gh_queue_policy {
	GH_QUEUE_DROP_NEWEST, /* what comes to a full queue is dropped */
	GH_QUEUE_DROP_OLDEST  /* it takes the place of the oldest */
};

struct gh_queue_limits {
	uint32_t messages; /* at most this many wait */
	uint64_t bytes; /* the sum of gh_publication_cost(); one that is longer alone is dropped */
	enum gh_queue_policy policy;
};

/* { 0 } is empty and owns nothing. One worker. */
struct gh_queue {
	struct gh_delivery *ring; /* `size`, a power of two */
	uint32_t size, head, count;
	uint32_t full_count; /* dropped because of a bound, ever */
	uint64_t bytes;
	uint64_t expires_at; /* monotonic ms: before that nothing in it is over; 0: nothing ever will be */
	uint64_t expired_count; /* dropped because their time was over, ever */
};

/* Told of each delivery that is dropped, before it is; it stays the queue's. */
typedef void gh_queue_drop_fn(void *arg, const struct gh_delivery *delivery);

void gh_queue_done(struct gh_queue *queue); /* drops all, telling nobody */

/* Takes over *delivery (zeroed then), also when it is the one dropped. How many were dropped, 0
 * commonly; fn may be NULL. */
uint32_t gh_queue_push(struct gh_queue *queue, const struct gh_queue_limits *limits,
		       struct gh_delivery *delivery, gh_queue_drop_fn *fn, void *arg);

/* The oldest, NULL when empty; valid until the next push or pop. */
struct gh_delivery *gh_queue_peek(const struct gh_queue *queue);
/* Moves the oldest to *delivery_r, the caller's then; false: empty. */
bool gh_queue_pop(struct gh_queue *queue, struct gh_delivery *delivery_r);
/* Puts one back at the front, bounds or not (it was there before). */
void gh_queue_unpop(struct gh_queue *queue, struct gh_delivery *delivery);

/* Drops those that `fn` says true to, keeping order; how many. For a policy change, and to hand
 * back what a shared group gave. */
typedef bool gh_queue_judge_fn(void *arg, struct gh_delivery *delivery);
uint32_t gh_queue_filter(struct gh_queue *queue, gh_queue_judge_fn *fn, void *arg);

/* Would it be pushed without another one being dropped? */
bool gh_queue_fits(const struct gh_queue *queue, const struct gh_queue_limits *limits,
		   const struct gh_delivery *delivery);

/* Drops what is expired at `now` (monotonic ms), and tells; how many. Looks at every element, unless
 * none can have expired. */
uint32_t gh_queue_expire(struct gh_queue *queue, uint64_t now, gh_queue_drop_fn *fn, void *arg);

/* The ring grows and shrinks by itself, but keeps its smallest size; this gives back that too,
 * if it is empty. */
void gh_queue_trim(struct gh_queue *queue);

#endif
