/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and the connections that fit. */
#include "limit/nofile.h"

#include "base/test.h"

#include <sys/resource.h>

START_TEST(raised_to_the_hard_limit)
{
	struct rlimit limit = { 50, 200 }, after;
	struct gh_error error;
	unsigned got = 0;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(gh_nofile_raise(&got, &error), 0);
	ck_assert_uint_eq(got, 200);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &after), 0);
	ck_assert_uint_eq(after.rlim_cur, 200);
	ck_assert_int_eq(gh_nofile_raise(&got, &error), 0);
	ck_assert_uint_eq(got, 200);
}
END_TEST

struct row {
	unsigned nofile, workers, connections;
};

static const struct row rows[] = {
	{ 1024, 2, 915 }, { 1048576, 16, 1015622 }, { 64, 1, 1 }, { 0, 1, 1 }, { 73, 1, 1 },
	{ 74, 1, 2 },
};

START_TEST(connections)
{
	for (size_t i = 0; i < GH_COUNT(rows); i++)
		ck_assert_uint_eq(gh_nofile_connections(rows[i].nofile, rows[i].workers),
				  rows[i].connections);
}
END_TEST

GH_TEST_MAIN("limit/nofile", raised_to_the_hard_limit, connections)
