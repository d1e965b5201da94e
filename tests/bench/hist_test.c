/* SPDX-License-Identifier: Apache-2.0 */
/* A percentile is within 1 % of the value that was added, from nanoseconds to minutes. */
#include "hist.h"

#include <math.h>

#include "base/test.h"

START_TEST(a_single_value_is_told_within_one_percent)
{
	static const uint64_t values[] = {
		0,    1,     63,    64,      65,           127,           128,
		1000, 65535, 65536, 1234567, 60000000000u, 600000000000u,
	};

	for (size_t i = 0; i < GH_COUNT(values); i++) {
		struct hist hist = { 0 };
		double us = (double)values[i] / 1000;

		hist_add(&hist, values[i]);
		ck_assert_msg(fabs(hist_us(&hist, 0.5) - us) <= us / 100, "%f us told as %f", us,
			      hist_us(&hist, 0.5));
		ck_assert_uint_eq(hist.max, values[i]);
	}
}
END_TEST

START_TEST(percentiles_part_what_was_added)
{
	struct hist hist = { 0 };

	for (uint64_t us = 1; us <= 1000; us++)
		hist_add(&hist, us * 1000);
	ck_assert_double_eq_tol(hist_us(&hist, 0.5), 500, 5);
	ck_assert_double_eq_tol(hist_us(&hist, 0.99), 990, 10);
	ck_assert_double_eq_tol(hist_us(&hist, 0.999), 1000, 10);
	ck_assert_double_eq(hist_us(&hist, 1), 1000);
}
END_TEST

START_TEST(reset_forgets)
{
	struct hist hist = { 0 };

	hist_add(&hist, 5000);
	hist_reset(&hist);
	ck_assert_uint_eq(hist.count, 0);
	ck_assert_double_eq(hist_us(&hist, 0.99), 0);
}
END_TEST

GH_TEST_MAIN("tests/bench/hist", a_single_value_is_told_within_one_percent,
	     percentiles_part_what_was_added, reset_forgets)
