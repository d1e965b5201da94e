/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated clock, against a list that is searched. */
#include "clock.h"

#include <check.h>
#include <stdlib.h>

static void nothing(void *instance, void *arg)
{
	(void)instance, (void)arg;
}

static struct gh_due due_of(void *owner, uintptr_t number)
{
	return (struct gh_due){ owner, nothing, (void *)number };
}

static uint64_t start(struct gh_clock *clock, uintptr_t number, uint64_t first, uint64_t repeat)
{
	struct gh_due due = due_of(clock, number);

	return gh_clock_start(clock, &due, first, repeat, false);
}

/* The number of the next; 0: none until then. */
static uintptr_t next(struct gh_clock *clock, uint64_t until)
{
	struct gh_due due;

	return gh_clock_next(clock, until, &due) ? (uintptr_t)due.arg : 0;
}

START_TEST(in_order)
{
	struct gh_clock clock;

	gh_clock_init(&clock, 5000000);
	start(&clock, 1, 30, 0);
	start(&clock, 2, 10, 0);
	start(&clock, 3, 30, 0);
	start(&clock, 4, 20, 0);
	ck_assert_uint_eq(next(&clock, 5), 0);
	ck_assert_uint_eq(gh_clock_now(&clock), 5);
	ck_assert_uint_eq(next(&clock, 100), 2);
	ck_assert_uint_eq(gh_clock_now(&clock), 10);
	ck_assert_uint_eq(next(&clock, 100), 4);
	ck_assert_uint_eq(next(&clock, 100), 1); /* started before 3 */
	ck_assert_uint_eq(next(&clock, 100), 3);
	ck_assert_uint_eq(next(&clock, 3000), 0);
	ck_assert_int_eq(gh_clock_wall(&clock), 5000003);
	ck_assert_uint_eq(next(&clock, 10), 0);
	ck_assert_uint_eq(gh_clock_now(&clock), 3000); /* never back */
	gh_clock_done(&clock);
}
END_TEST

START_TEST(repeated_and_stopped)
{
	struct gh_clock clock;
	int other;
	uint64_t id;

	gh_clock_init(&clock, 0);
	id = start(&clock, 1, 10, 20);
	ck_assert_uint_eq(next(&clock, 100), 1);
	ck_assert_uint_eq(gh_clock_now(&clock), 10);
	ck_assert_uint_eq(next(&clock, 100), 1);
	ck_assert_uint_eq(gh_clock_now(&clock), 30);
	gh_clock_stop(&clock, id, &other); /* not its owner */
	ck_assert_uint_eq(next(&clock, 50), 1);
	gh_clock_stop(&clock, id, &clock);
	ck_assert_uint_eq(next(&clock, 1000), 0);
	ck_assert_uint_ne(start(&clock, 2, 10, 0), id);
	gh_clock_stop(&clock, id, &clock); /* an old one */
	ck_assert_uint_eq(next(&clock, 2000), 2);
	gh_clock_done(&clock);
}
END_TEST

START_TEST(held_until_released)
{
	struct gh_clock clock;
	struct gh_due due;

	gh_clock_init(&clock, 0);
	due = due_of(&clock, 1);
	gh_clock_start(&clock, &due, 10, 0, true);
	ck_assert_uint_eq(next(&clock, 100), 0);
	gh_clock_release(&clock, &due); /* somebody else's */
	ck_assert_uint_eq(next(&clock, 200), 0);
	gh_clock_release(&clock, &clock);
	ck_assert_uint_eq(next(&clock, 209), 0);
	ck_assert_uint_eq(next(&clock, 210), 1);
	gh_clock_start(&clock, &due, 10, 0, true);
	start(&clock, 2, 10, 0);
	gh_clock_stop_all(&clock, &clock);
	gh_clock_release(&clock, &clock);
	ck_assert_uint_eq(next(&clock, 1000), 0);
	gh_clock_done(&clock);
}
END_TEST

enum { TIMERS = 500, STEPS = 20000 };

static struct {
	uint64_t id, at, order;
} model[TIMERS];

static int first_due(uint64_t until)
{
	int first = -1;

	for (int i = 0; i < TIMERS; i++)
		if (model[i].id && model[i].at <= until &&
		    (first < 0 || model[i].at < model[first].at ||
		     (model[i].at == model[first].at && model[i].order < model[first].order)))
			first = i;
	return first;
}

START_TEST(as_a_list_would)
{
	struct gh_clock clock;
	uint64_t order = 0, until;
	int first;

	gh_clock_init(&clock, 0);
	srandom(7);
	for (int step = 0; step < STEPS; step++) {
		int i = (int)(random() % TIMERS);

		if (model[i].id && random() % 4 == 0) {
			gh_clock_stop(&clock, model[i].id, &clock);
			model[i].id = 0;
		} else if (!model[i].id) {
			uint64_t delay = (uint64_t)random() % 50;

			model[i].at = gh_clock_now(&clock) + delay;
			model[i].order = order++;
			model[i].id = start(&clock, (uintptr_t)i + 1, delay, 0);
		}
		until = gh_clock_now(&clock) + (uint64_t)random() % 3;
		first = first_due(until);
		if (next(&clock, until) != (uintptr_t)(first + 1))
			ck_abort_msg("step %d", step);
		if (first >= 0)
			model[first].id = 0;
	}
	gh_clock_done(&clock);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("testhost/clock");
	TCase *tcase = tcase_create("testhost/clock");
	SRunner *runner = srunner_create(suite);
	int failures;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, in_order);
	tcase_add_test(tcase, repeated_and_stopped);
	tcase_add_test(tcase, held_until_released);
	tcase_add_test(tcase, as_a_list_would);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
