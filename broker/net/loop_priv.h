/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a loop, for this folder only: the one place besides connections and inboxes
 * that knows libev. */
#ifndef GH_NET_LOOP_PRIV_H
#define GH_NET_LOOP_PRIV_H

#include "net/loop.h"

#include <ev.h>
#include <stdatomic.h>

struct gh_loop {
	struct ev_loop *ev;
	struct gh_wheel *wheel;
	ev_prepare before_sleep;
	ev_check after_sleep;
	ev_timer timer;     /* drives the wheel */
	ev_idle idle;       /* while active the loop doesn't sleep */
	uint64_t timer_due; /* what the timer is set to; 0: not set */
	uint64_t now_ms;
	uint64_t turn_began_ns; /* 0: no turn has begun since the last turn end */
	bool again;
	gh_turn_end_fn *turn_end;
	void *turn_end_arg;

	/* Written by the loop's thread, read by any. */
	_Atomic uint64_t turns, busy_since_ms, lag_us, lag[GH_LAG_BUCKETS];
};

/* A counter with one writer: no locked instruction is needed. */
static inline void gh_counter_add(_Atomic uint64_t *counter, uint64_t n)
{
	uint64_t was = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, was + n, memory_order_relaxed);
}

static inline uint64_t gh_counter_get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
