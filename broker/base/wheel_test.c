/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wheel.h"
#include "base/test.h"

struct alarm {
	struct gh_timeout timeout; /* first */
	unsigned fired;
	uint64_t at;
};

static uint64_t now;
static struct gh_wheel *wheel;

static void ring(struct gh_timeout *timeout)
{
	struct alarm *alarm = (struct alarm *)timeout;

	alarm->fired++;
	alarm->at = now;
}

static void again_in_5(struct gh_timeout *timeout)
{
	ring(timeout);
	gh_timeout_set(wheel, timeout, now + 5);
}

static void again_at_once(struct gh_timeout *timeout)
{
	ring(timeout);
	gh_timeout_set(wheel, timeout, now - 10);
}

static void frees_itself(struct gh_timeout *timeout)
{
	free(timeout);
}

static struct alarm victim;

static void cancels_victim(struct gh_timeout *timeout)
{
	ring(timeout);
	gh_timeout_cancel(wheel, &victim.timeout);
}

static void run_to(uint64_t ms)
{
	for (; now < ms; now++)
		gh_wheel_run(wheel, now);
	gh_wheel_run(wheel, now);
}

START_TEST(fires_on_the_millisecond)
{
	static const uint64_t delays[] = { 1, 2, 63, 64, 65, 4095, 4096, 4097, 10000, 262144, 300000 };
	static const uint64_t starts[] = {
		1, 60, 4000, 262140, (uint64_t)1 << 40, ((uint64_t)1 << 42) - 3
	};
	struct alarm alarms[GH_COUNT(delays)];

	for (size_t s = 0; s < GH_COUNT(starts); s++) {
		now = starts[s];
		wheel = gh_wheel_new(now);
		for (size_t i = 0; i < GH_COUNT(delays); i++) {
			alarms[i] = (struct alarm){ 0 };
			gh_timeout_init(&alarms[i].timeout, ring);
			gh_timeout_set(wheel, &alarms[i].timeout, now + delays[i]);
		}
		run_to(now + 300001);
		for (size_t i = 0; i < GH_COUNT(delays); i++) {
			ck_assert_uint_eq(alarms[i].fired, 1);
			ck_assert_uint_eq(alarms[i].at, starts[s] + delays[i]);
		}
		gh_wheel_free(&wheel);
		ck_assert_ptr_null(wheel);
	}
}
END_TEST

START_TEST(one_late_run_fires_all_in_order)
{
	struct alarm alarms[1000];

	now = 12345;
	wheel = gh_wheel_new(now);
	for (size_t i = 0; i < GH_COUNT(alarms); i++) {
		alarms[i] = (struct alarm){ 0 };
		gh_timeout_init(&alarms[i].timeout, ring);
		gh_timeout_set(wheel, &alarms[i].timeout, now + 1 + i * 97);
	}
	now += 1000 * 97 / 2;
	gh_wheel_run(wheel, now);
	for (size_t i = 0; i < GH_COUNT(alarms); i++)
		ck_assert_uint_eq(alarms[i].fired, 1 + i * 97 <= 1000 * 97 / 2);
	gh_wheel_free(&wheel);
}
END_TEST

START_TEST(callbacks_may_set_and_cancel_and_free)
{
	struct alarm often = { 0 }, eager = { 0 }, first = { 0 };
	struct alarm *gone = calloc(1, sizeof(*gone));

	now = 100;
	wheel = gh_wheel_new(now);
	gh_timeout_init(&often.timeout, again_in_5);
	gh_timeout_init(&eager.timeout, again_at_once);
	gh_timeout_init(&first.timeout, cancels_victim);
	gh_timeout_init(&victim.timeout, ring);
	gh_timeout_init(&gone->timeout, frees_itself);
	gh_timeout_set(wheel, &often.timeout, 105);
	gh_timeout_set(wheel, &first.timeout, 120);
	gh_timeout_set(wheel, &victim.timeout, 120);
	gh_timeout_set(wheel, &gone->timeout, 120);
	run_to(200);
	ck_assert_uint_eq(often.fired, 20);
	ck_assert_uint_eq(first.fired, 1);
	ck_assert_uint_eq(victim.fired, 0);
	ck_assert_uint_eq(victim.timeout.due, 0);
	gh_timeout_set(wheel, &eager.timeout, 1);
	gh_wheel_run(wheel, now);
	ck_assert_uint_eq(eager.fired,
			  1); /* set again in the past: the next run, not for ever in this one */
	ck_assert_uint_eq(gh_wheel_wait(wheel, now, 1000), 0);
	gh_wheel_run(wheel, now);
	ck_assert_uint_eq(eager.fired, 2);
	gh_wheel_free(&wheel);
	ck_assert_uint_eq(eager.timeout.due, 0);
}
END_TEST

START_TEST(waiting_is_a_lower_bound)
{
	struct alarm alarm = { 0 };
	uint64_t wait;

	now = 5000;
	wheel = gh_wheel_new(now);
	ck_assert_uint_eq(gh_wheel_wait(wheel, now, 777), 777);
	gh_timeout_init(&alarm.timeout, ring);
	gh_timeout_cancel(wheel, &alarm.timeout);
	gh_timeout_set(wheel, &alarm.timeout, now + 100000);
	for (int turns = 0; !alarm.fired; turns++) {
		wait = gh_wheel_wait(wheel, now, UINT64_MAX);
		ck_assert_uint_le(now + wait, 105000);
		ck_assert_int_lt(turns, 10);
		now += wait;
		gh_wheel_run(wheel, now);
	}
	ck_assert_uint_eq(now, 105000);
	gh_timeout_set(wheel, &alarm.timeout, now + 50);
	ck_assert_uint_eq(gh_wheel_wait(wheel, now, 10), 10);
	gh_timeout_cancel(wheel, &alarm.timeout);
	ck_assert_uint_eq(gh_wheel_wait(wheel, now, UINT64_MAX), UINT64_MAX);
	gh_timeout_set(wheel, &alarm.timeout, UINT64_MAX);
	ck_assert_uint_gt(gh_wheel_wait(wheel, now, UINT64_MAX), (uint64_t)1 << 62);
	gh_wheel_free(&wheel);
}
END_TEST

/* Against the simplest thing that is right: an array looked through every time. */
START_TEST(agrees_with_a_plain_list)
{
	static struct alarm alarms[300];
	static uint64_t due[300];
	uint64_t random = 7;

	now = 1000000;
	wheel = gh_wheel_new(now);
	for (size_t i = 0; i < GH_COUNT(alarms); i++)
		gh_timeout_init(&alarms[i].timeout, ring);
	for (int round = 0; round < 20000; round++) {
		size_t i;

		random = random * 6364136223846793005u + 1442695040888963407u;
		i = (random >> 33) % GH_COUNT(alarms);
		if (random >> 60 < 4) {
			gh_timeout_cancel(wheel, &alarms[i].timeout);
			due[i] = 0;
		} else {
			due[i] = now + ((random >> 20) & ((1u << (random >> 59)) - 1));
			gh_timeout_set(wheel, &alarms[i].timeout, due[i]);
		}
		now += (random >> 40) % 50;
		gh_wheel_run(wheel, now);
		for (i = 0; i < GH_COUNT(alarms); i++) {
			if (alarms[i].fired != (due[i] && due[i] <= now))
				ck_abort_msg("round %d, alarm %zu: fired %u times", round, i,
					     alarms[i].fired);
			if (alarms[i].fired)
				due[i] = alarms[i].fired = 0;
		}
	}
	gh_wheel_free(&wheel);
}
END_TEST

GH_TEST_MAIN("base/wheel", fires_on_the_millisecond, one_late_run_fires_all_in_order,
	     callbacks_may_set_and_cancel_and_free, waiting_is_a_lower_bound,
	     agrees_with_a_plain_list)
