/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/test.h"

#include <time.h>

START_TEST(monotonic_clock_never_goes_back)
{
	uint64_t last = gh_clock_ns(), now;

	for (int i = 0; i < 10000; i++) {
		now = gh_clock_ns();
		ck_assert_uint_ge(now, last);
		last = now;
	}
	ck_assert_uint_ge(gh_clock_ms(), last / 1000000u);
	ck_assert_uint_ne(gh_clock_ms(), 0);
}
END_TEST

START_TEST(wall_clock_is_unix_time)
{
	int64_t before = (int64_t)time(NULL) - 1, us = gh_clock_wall_us();

	ck_assert_int_ge(us / 1000000, before);
	ck_assert_int_le(us / 1000000, (int64_t)time(NULL) + 1);
}
END_TEST

GH_TEST_MAIN("base/clock", monotonic_clock_never_goes_back, wall_clock_is_unix_time)
