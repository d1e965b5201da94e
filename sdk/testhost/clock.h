/* SPDX-License-Identifier: Apache-2.0 */
/* A clock that stands still until it is told to go on, and what is due on the way. */
#ifndef GH_TESTHOST_CLOCK_H
#define GH_TESTHOST_CLOCK_H

#include <pthread.h>
#include <gatehouse/host.h>
#include <stdatomic.h>

#define GH_NS_PER_MS 1000000u

/* What runs at a time. */
struct gh_due {
	void *owner;
	gh_work_fn *fn;
	void *arg;
};

/* Any thread may start and stop; one thread moves the time. */
struct gh_clock {
	_Atomic uint64_t now_ns;
	int64_t wall_us; /* Unix microseconds when now_ns was 0 */
	pthread_mutex_t lock;
	struct gh_clock_slot *slots;
	uint32_t *heap; /* slots, the earliest first; of one time, the one started first */
	uint32_t slot_count, heap_count, free;
	uint64_t started;
};
void gh_clock_init(struct gh_clock *clock, int64_t wall_us);
void gh_clock_done(struct gh_clock *clock);

uint64_t gh_clock_now(struct gh_clock *clock);
int64_t gh_clock_wall(struct gh_clock *clock); /* microseconds */

/* repeat_ns 0: once. held: it doesn't run before gh_clock_release(). The id is never 0 and never
 * used twice. */
uint64_t gh_clock_start(struct gh_clock *clock, const struct gh_due *due, uint64_t first_ns,
			uint64_t repeat_ns, bool held);
void gh_clock_release(struct gh_clock *clock, void *owner);           /* first_ns counts from now */
void gh_clock_stop(struct gh_clock *clock, uint64_t id, void *owner); /* an old id does nothing */
void gh_clock_stop_all(struct gh_clock *clock, void *owner);

/* Moves the time to the next that is due by then and takes it (a repeating one is due again later);
 * false: nothing is, the time is until_ns. Time never goes back. */
bool gh_clock_next(struct gh_clock *clock, uint64_t until_ns, struct gh_due *due_r);

#endif
