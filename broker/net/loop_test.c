/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: timeouts, descriptors, signals, turn ends. */
#include "net/loop.h"

#include "base/clock.h"
#include "base/test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

struct alarm {
	struct gh_timeout timeout;
	struct gh_loop *loop;
	uint64_t fired_ms;
	unsigned order, *count;
	bool last;
};

static void on_alarm(struct gh_timeout *timeout)
{
	struct alarm *alarm = gh_container(timeout, struct alarm, timeout);

	alarm->fired_ms = gh_loop_now_ms(alarm->loop);
	alarm->order = ++*alarm->count;
	if (alarm->last)
		gh_loop_stop(alarm->loop);
}

static void alarm_set(struct alarm *alarm, struct gh_loop *loop, unsigned *count, uint64_t delay)
{
	*alarm = (struct alarm){ .loop = loop, .count = count };
	gh_timeout_init(&alarm->timeout, on_alarm);
	gh_loop_timeout(loop, &alarm->timeout, delay);
}

START_TEST(timeouts_fire_in_order_and_not_early)
{
	static const uint64_t delays[] = { 120, 15, 60, 1, 90, 30 };
	struct gh_loop *loop = gh_loop_new();
	struct alarm alarms[GH_COUNT(delays)], cancelled;
	uint64_t began = gh_loop_now_ms(loop);
	unsigned count = 0;

	for (size_t i = 0; i < GH_COUNT(delays); i++)
		alarm_set(&alarms[i], loop, &count, delays[i]);
	alarm_set(&cancelled, loop, &count, 20);
	gh_loop_timeout_cancel(loop, &cancelled.timeout);
	alarms[0].last = true;
	gh_loop_run(loop);
	ck_assert_uint_eq(count, GH_COUNT(delays));
	for (size_t i = 0; i < GH_COUNT(delays); i++) {
		unsigned before = 0;

		ck_assert_uint_ge(alarms[i].fired_ms, began + delays[i]);
		ck_assert_uint_lt(alarms[i].fired_ms, began + delays[i] + 5000);
		for (size_t j = 0; j < GH_COUNT(delays); j++)
			before += delays[j] < delays[i];
		ck_assert_uint_eq(alarms[i].order, before + 1);
	}
	ck_assert_uint_eq(cancelled.fired_ms, 0);
	/* A sleep for each of them, not a poll for each millisecond. */
	ck_assert_uint_lt(gh_loop_turns(loop), 40);
	gh_loop_free(&loop);
	ck_assert_ptr_null(loop);
}
END_TEST

/* One that is set while the loop's timer stands later. */
static void set_earlier(struct gh_io *io, unsigned events, void *arg)
{
	char byte;

	(void)events;
	ck_assert_int_eq(read(gh_io_fd(io), &byte, 1), 1);
	gh_loop_timeout(((struct alarm *)arg)->loop, &((struct alarm *)arg)->timeout, 5);
}

START_TEST(an_earlier_timeout_is_in_time)
{
	struct gh_loop *loop = gh_loop_new();
	struct alarm far, near = { .loop = loop, .last = true };
	unsigned count = 0;
	struct gh_io *io;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	alarm_set(&far, loop, &count, 50000);
	near.count = &count;
	gh_timeout_init(&near.timeout, on_alarm);
	io = gh_io_new(loop, fds[0], GH_IO_READ, set_earlier, &near);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	gh_loop_run(loop);
	ck_assert_uint_eq(near.order, 1);
	ck_assert_uint_eq(far.fired_ms, 0);
	gh_io_free(&io);
	gh_loop_free(&loop);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

struct turns {
	struct gh_loop *loop;
	unsigned ends, again;
};

static void on_turn_end(void *arg)
{
	struct turns *turns = arg;

	turns->ends++;
	if (turns->again && turns->again--)
		gh_loop_again(turns->loop);
	else
		gh_loop_stop(turns->loop);
}

START_TEST(again_does_not_sleep)
{
	struct turns turns = { .loop = gh_loop_new(), .again = 100 };
	uint64_t began = gh_clock_ms();
	struct gh_loop_lag lag;
	uint64_t sum = 0;
	struct alarm far;
	unsigned count = 0;

	alarm_set(&far, turns.loop, &count, 50000);
	gh_loop_on_turn_end(turns.loop, on_turn_end, &turns);
	gh_loop_run(turns.loop);
	ck_assert_uint_ge(turns.ends, 101);
	ck_assert_uint_lt(gh_clock_ms(), began + 10000);
	gh_loop_lag(turns.loop, &lag);
	for (int i = 0; i < GH_LAG_BUCKETS; i++)
		sum += lag.turns[i];
	ck_assert_uint_eq(sum, gh_loop_turns(turns.loop));
	gh_loop_on_turn_end(turns.loop, NULL, NULL);
	gh_loop_free(&turns.loop);
}
END_TEST

static void slow_once(void *arg)
{
	struct turns *turns = arg;

	if (!turns->ends++)
		poll(NULL, 0, 50);
}

START_TEST(a_slow_turn_shows)
{
	struct turns turns = { .loop = gh_loop_new() };
	struct gh_loop_lag lag;
	uint64_t slow = 0;

	ck_assert_uint_eq(gh_loop_busy_ms(turns.loop, gh_clock_ms() + 1000), 0);
	gh_loop_on_turn_end(turns.loop, slow_once, &turns);
	gh_loop_poll(turns.loop);
	gh_loop_lag(turns.loop, &lag);
	for (int i = 15; i < GH_LAG_BUCKETS; i++) /* from 2^15 us on: 50 ms are in bucket 16 */
		slow += lag.turns[i];
	ck_assert_uint_ge(slow, 1);
	ck_assert_uint_ge(lag.total_us, 50000);
	gh_loop_free(&turns.loop);
}
END_TEST

struct watcher {
	unsigned calls, events;
	struct gh_io **freed;
};

static void on_event(struct gh_io *io, unsigned events, void *arg)
{
	struct watcher *watcher = arg;

	(void)io;
	watcher->calls++;
	watcher->events |= events;
	if (watcher->freed)
		gh_io_free(watcher->freed);
}

START_TEST(descriptors)
{
	struct gh_loop *loop = gh_loop_new();
	struct watcher in = { 0 }, out = { 0 };
	struct gh_io *reader, *writer;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	reader = gh_io_new(loop, fds[0], GH_IO_READ, on_event, &in);
	writer = gh_io_new(loop, fds[1], 0, on_event, &out);
	gh_loop_poll(loop);
	ck_assert_uint_eq(in.calls + out.calls, 0);
	gh_io_set(writer, GH_IO_WRITE);
	gh_loop_poll(loop);
	ck_assert_uint_eq(out.calls, 1);
	ck_assert_uint_eq(out.events, GH_IO_WRITE);
	gh_io_set(writer, 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	gh_loop_poll(loop);
	gh_loop_poll(loop); /* level triggered */
	ck_assert_uint_eq(in.calls, 2);
	ck_assert_uint_eq(in.events, GH_IO_READ);
	ck_assert_uint_eq(out.calls, 1);
	in.freed = &reader;
	gh_loop_poll(loop);
	gh_loop_poll(loop);
	ck_assert_uint_eq(in.calls, 3);
	ck_assert_ptr_null(reader);
	gh_io_free(&writer);
	gh_io_free(&writer);
	gh_loop_free(&loop);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static void on_signal(int number, void *arg)
{
	*(int *)arg += number;
}

START_TEST(signals)
{
	struct gh_loop *loop = gh_loop_new();
	int sum = 0;
	struct gh_signal *sig = gh_signal_new(loop, SIGUSR1, on_signal, &sum);

	kill(getpid(), SIGUSR1);
	for (uint64_t deadline = gh_clock_ms() + 10000; !sum && gh_clock_ms() < deadline;)
		gh_loop_poll(loop);
	ck_assert_int_eq(sum, SIGUSR1);
	gh_signal_free(&sig);
	gh_loop_free(&loop);
}
END_TEST

GH_TEST_MAIN("net/loop", timeouts_fire_in_order_and_not_early, an_earlier_timeout_is_in_time,
	     again_does_not_sleep, a_slow_turn_shows, descriptors, signals)
