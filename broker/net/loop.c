/* SPDX-License-Identifier: Apache-2.0 */
/* The loop's turn: sleeping, the clock, timeouts, the turn end and how long it took. */
#include "net/loop_priv.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

/* Nothing set in the wheel: look again after this long. */
#define GH_LOOP_IDLE_MS 60000

static unsigned lag_bucket(uint64_t us)
{
	unsigned bucket = us ? 64 - (unsigned)__builtin_clzll(us) : 0;

	return bucket < GH_LAG_BUCKETS ? bucket : GH_LAG_BUCKETS - 1;
}

static void turn_begin(struct gh_loop *loop)
{
	uint64_t now = gh_clock_ns();

	loop->turn_began_ns = now;
	loop->now_ms = now / 1000000 ? now / 1000000 : 1;
	atomic_store_explicit(&loop->busy_since_ms, loop->now_ms, memory_order_relaxed);
}

static void count_turn(struct gh_loop *loop)
{
	uint64_t us;

	if (!loop->turn_began_ns)
		return;
	us = (gh_clock_ns() - loop->turn_began_ns) / 1000;
	loop->turn_began_ns = 0;
	gh_counter_add(&loop->lag[lag_bucket(us)], 1);
	gh_counter_add(&loop->lag_us, us);
	gh_counter_add(&loop->turns, 1);
	atomic_store_explicit(&loop->busy_since_ms, 0, memory_order_relaxed);
}

/* Only ever moved earlier here: a timer that fires before anything is due costs one turn,
 * moving it at each turn costs more. */
static void arm_timer(struct gh_loop *loop)
{
	uint64_t wait = gh_wheel_wait(loop->wheel, loop->now_ms, GH_LOOP_IDLE_MS);

	if (loop->timer_due && loop->timer_due <= loop->now_ms + wait)
		return;
	loop->timer_due = loop->now_ms + wait;
	ev_timer_stop(loop->ev, &loop->timer);
	/* Half a millisecond more: the wheel counts whole ones and would find nothing due. */
	ev_timer_set(&loop->timer, (double)wait / 1e3 + 0.0005, 0.);
	ev_timer_start(loop->ev, &loop->timer);
}

static void turn_finish(struct gh_loop *loop)
{
	if (loop->turn_end)
		loop->turn_end(loop->turn_end_arg);
	if (loop->again)
		ev_idle_start(loop->ev, &loop->idle);
	else
		ev_idle_stop(loop->ev, &loop->idle);
	loop->again = false;
	arm_timer(loop);
	count_turn(loop);
}

static void on_before_sleep(struct ev_loop *ev, ev_prepare *watcher, int events)
{
	(void)ev, (void)events;
	turn_finish(watcher->data);
}

static void on_after_sleep(struct ev_loop *ev, ev_check *watcher, int events)
{
	(void)ev, (void)events;
	turn_begin(watcher->data);
}

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int events)
{
	struct gh_loop *loop = watcher->data;

	(void)ev, (void)events;
	loop->timer_due = 0;
	gh_wheel_run(loop->wheel, loop->now_ms);
}

static void on_idle(struct ev_loop *ev, ev_idle *watcher, int events)
{
	(void)ev, (void)watcher, (void)events;
}

static void start_watchers(struct gh_loop *loop)
{
	ev_prepare_init(&loop->before_sleep, on_before_sleep);
	ev_check_init(&loop->after_sleep, on_after_sleep);
	ev_timer_init(&loop->timer, on_timer, 0., 0.);
	ev_idle_init(&loop->idle, on_idle);
	loop->before_sleep.data = loop->after_sleep.data = loop->timer.data = loop;
	/* The clock is read before any other watcher of the turn runs. */
	ev_set_priority(&loop->after_sleep, EV_MAXPRI);
	ev_prepare_start(loop->ev, &loop->before_sleep);
	ev_check_start(loop->ev, &loop->after_sleep);
}

struct gh_loop *gh_loop_new(void)
{
	/* NOENV: LIBEV_FLAGS of whoever started the broker doesn't steer it. */
	struct ev_loop *ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	struct gh_loop *loop;

	if (!ev)
		return NULL;
	loop = gh_zalloc(sizeof *loop);
	loop->ev = ev;
	loop->now_ms = gh_clock_ms();
	loop->wheel = gh_wheel_new(loop->now_ms);
	start_watchers(loop);
	return loop;
}

void gh_loop_free(struct gh_loop **loop_)
{
	struct gh_loop *loop = *loop_;

	if (!loop)
		return;
	gh_wheel_free(&loop->wheel);
	ev_loop_destroy(loop->ev);
	free(loop);
	*loop_ = NULL;
}

void gh_loop_run(struct gh_loop *loop)
{
	turn_begin(loop);
	ev_run(loop->ev, 0);
	turn_finish(loop);
}

void gh_loop_poll(struct gh_loop *loop)
{
	turn_begin(loop);
	ev_run(loop->ev, EVRUN_NOWAIT);
	turn_finish(loop);
}

void gh_loop_stop(struct gh_loop *loop)
{
	ev_break(loop->ev, EVBREAK_ALL);
}

uint64_t gh_loop_now_ms(const struct gh_loop *loop)
{
	return loop->now_ms;
}

void gh_loop_again(struct gh_loop *loop)
{
	loop->again = true;
}

void gh_loop_on_turn_end(struct gh_loop *loop, gh_turn_end_fn *fn, void *arg)
{
	loop->turn_end = fn;
	loop->turn_end_arg = arg;
}

void gh_loop_timeout(struct gh_loop *loop, struct gh_timeout *timeout, uint64_t delay_ms)
{
	gh_timeout_set(loop->wheel, timeout, loop->now_ms + delay_ms);
}

void gh_loop_timeout_at(struct gh_loop *loop, struct gh_timeout *timeout, uint64_t due_ms)
{
	gh_timeout_set(loop->wheel, timeout, due_ms);
}

void gh_loop_timeout_cancel(struct gh_loop *loop, struct gh_timeout *timeout)
{
	gh_timeout_cancel(loop->wheel, timeout);
}

void gh_loop_lag(const struct gh_loop *loop, struct gh_loop_lag *lag_r)
{
	for (unsigned i = 0; i < GH_LAG_BUCKETS; i++)
		lag_r->turns[i] = gh_counter_get(&loop->lag[i]);
	lag_r->total_us = gh_counter_get(&loop->lag_us);
}

uint64_t gh_loop_busy_ms(const struct gh_loop *loop, uint64_t now_ms)
{
	uint64_t since = gh_counter_get(&loop->busy_since_ms);

	return since && now_ms > since ? now_ms - since : 0;
}

uint64_t gh_loop_turns(const struct gh_loop *loop)
{
	return gh_counter_get(&loop->turns);
}
