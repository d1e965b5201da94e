/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of one thread: descriptors, timeouts, signals. Everything of it belongs to
 * that thread. */
#ifndef GH_NET_LOOP_H
#define GH_NET_LOOP_H

#include "base/wheel.h"

#include <gatehouse/types.h>

/*
 * A turn: sleep until something happens, run what is due (descriptors, timeouts, mail), call the
 * turn end, sleep again. All work of a turn sees the same gh_loop_now_ms().
 */
struct gh_loop;

/* NULL when the kernel gives no descriptor for it. */
struct gh_loop *gh_loop_new(void);
/* Everything that was made with this loop must be freed before. */
void gh_loop_free(struct gh_loop **loop);

/* Runs turns until gh_loop_stop(); returns after the turn end of the turn in which it was
 * called. */
void gh_loop_run(struct gh_loop *loop);
void gh_loop_stop(struct gh_loop *loop);
/* One turn that doesn't sleep (tests, and draining at the end). */
void gh_loop_poll(struct gh_loop *loop);

/* Monotonic milliseconds at the beginning of this turn (base/clock's clock). */
uint64_t gh_loop_now_ms(const struct gh_loop *loop);

/* The next turn follows without sleeping. For work that was cut into slices. */
void gh_loop_again(struct gh_loop *loop);

/* Called before each sleep; what it writes, sends or arms still counts for this turn. One per
 * loop; NULL: none. */
typedef void gh_turn_end_fn(void *arg);
void gh_loop_on_turn_end(struct gh_loop *loop, gh_turn_end_fn *fn, void *arg);

/* ---- timeouts: base/wheel.h's, relative to gh_loop_now_ms() ---- */
/* (Re)arms. */
void gh_loop_timeout(struct gh_loop *loop, struct gh_timeout *timeout, uint64_t delay_ms);
void gh_loop_timeout_at(struct gh_loop *loop, struct gh_timeout *timeout, uint64_t due_ms);
/* Safe when not set. */
void gh_loop_timeout_cancel(struct gh_loop *loop, struct gh_timeout *timeout);

/* ---- descriptors ---- */
enum gh_io_event { GH_IO_READ = 1, GH_IO_WRITE = 2 };
struct gh_io;
typedef void gh_io_fn(struct gh_io *io, unsigned events, void *arg);

/* Watches fd, level triggered; events 0 watches nothing for now. The descriptor stays the
 * caller's: free the watch, THEN close it. */
struct gh_io *gh_io_new(struct gh_loop *loop, int fd, unsigned events, gh_io_fn *fn, void *arg);
void gh_io_set(struct gh_io *io, unsigned events);
int gh_io_fd(const struct gh_io *io);
void gh_io_free(struct gh_io **io); /* also inside its callback; no call comes afterwards */

/* ---- signals: on the control thread's loop only; workers block all signals ---- */
struct gh_signal;
typedef void gh_signal_fn(int number, void *arg);
struct gh_signal *gh_signal_new(struct gh_loop *loop, int number, gh_signal_fn *fn, void *arg);
void gh_signal_free(struct gh_signal **sig);

/* ---- how busy it is: these three may be called by any thread ---- */
#define GH_LAG_BUCKETS 24
/* Turns by how long their work took: bucket 0 below 1 us, bucket i below 2^i us, the last one
 * everything above. */
struct gh_loop_lag {
	uint64_t turns[GH_LAG_BUCKETS];
	uint64_t total_us;
};
void gh_loop_lag(const struct gh_loop *loop, struct gh_loop_lag *lag_r);
/* How long the turn that runs now has been running; 0 when asleep. A watchdog's question. */
uint64_t gh_loop_busy_ms(const struct gh_loop *loop, uint64_t now_ms);
uint64_t gh_loop_turns(const struct gh_loop *loop);

#endif
