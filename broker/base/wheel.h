/* SPDX-License-Identifier: Apache-2.0 */
/* A hierarchical timer wheel: O(1) to set, move and cancel. One per loop; not thread-safe. */
#ifndef GH_BASE_WHEEL_H
#define GH_BASE_WHEEL_H

#include "base/list.h"

#include <stdint.h>

struct gh_timeout;
typedef void gh_timeout_fn(struct gh_timeout *timeout);

/* Sits in what it belongs to. Zeroed + gh_timeout_init() before first use. Millisecond granularity; never fires early. */
struct gh_timeout {
	struct gh_node node;
	uint64_t due; /* absolute monotonic ms; 0: not set */
	gh_timeout_fn *fn;
};

struct gh_wheel;

struct gh_wheel *gh_wheel_new(uint64_t now_ms);
void gh_wheel_free(struct gh_wheel **wheel); /* what is still set is forgotten */

void gh_timeout_init(struct gh_timeout *timeout, gh_timeout_fn *fn);
/* (Re)arms. A due time that is past fires at the next gh_wheel_run(). */
void gh_timeout_set(struct gh_wheel *wheel, struct gh_timeout *timeout, uint64_t due_ms);
void gh_timeout_cancel(struct gh_wheel *wheel, struct gh_timeout *timeout); /* safe when not set */

/* Runs what is due. A callback may set or cancel any timeout, its own too, or free what it sits in. */
void gh_wheel_run(struct gh_wheel *wheel, uint64_t now_ms);
/* Milliseconds until something may be due (a lower bound, at most `max`); `max` when nothing is set. */
uint64_t gh_wheel_wait(const struct gh_wheel *wheel, uint64_t now_ms, uint64_t max);

#endif
