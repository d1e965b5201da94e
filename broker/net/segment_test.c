/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: sizes, reuse, references. */
#include "net/segment.h"

#include "base/test.h"

#include <string.h>

struct size_row {
	size_t n;
	bool large;
	size_t room; /* 0: just n */
};

static const struct size_row sizes[] = {
	{ 1, false, GH_SEGMENT_SMALL },
	{ GH_SEGMENT_SMALL, false, GH_SEGMENT_SMALL },
	{ GH_SEGMENT_SMALL + 1, false, GH_SEGMENT_LARGE },
	{ 1, true, GH_SEGMENT_LARGE },
	{ GH_SEGMENT_LARGE, true, GH_SEGMENT_LARGE },
	{ GH_SEGMENT_LARGE + 1, false, 0 },
	{ 1 << 20, true, 0 },
};

START_TEST(room_and_reuse)
{
	struct gh_segment_pool pool = { 0 };

	for (size_t i = 0; i < GH_COUNT(sizes); i++) {
		const struct size_row *row = &sizes[i];
		struct gh_segment *one = gh_segment_new(&pool, row->n, row->large), *two;

		ck_assert_uint_eq(one->room, row->room ? row->room : row->n);
		memset((void *)(uintptr_t)one->p, 'x', one->room);
		one->n = one->room;
		one->room = 0;
		gh_segment_free(&pool, one);
		two = gh_segment_new(&pool, row->n, row->large);
		if (row->room) /* the pooled sizes come back, as good as new */
			ck_assert_ptr_eq(one, two);
		ck_assert_uint_eq(two->room, row->room ? row->room : row->n);
		ck_assert_uint_eq(two->n, 0);
		gh_segment_free(&pool, two);
	}
	gh_segment_pool_done(&pool);
	ck_assert_ptr_null(pool.free[0]);
}
END_TEST

/* A burst is not held for ever. */
START_TEST(the_pool_is_bounded)
{
	static struct gh_segment *burst[5000];
	struct gh_segment_pool pool = { 0 };

	for (size_t i = 0; i < GH_COUNT(burst); i++)
		burst[i] = gh_segment_new(&pool, 1, i % 2);
	for (size_t i = 0; i < GH_COUNT(burst); i++)
		gh_segment_free(&pool, burst[i]);
	ck_assert_uint_le(pool.count[0] * 2048 + pool.count[1] * 16384, 8 << 20);
	ck_assert_uint_gt(pool.count[0], 0);
	ck_assert_uint_gt(pool.count[1], 0);
	gh_segment_pool_done(&pool);
}
END_TEST

static void release(void *arg)
{
	++*(int *)arg;
}

START_TEST(references)
{
	struct gh_segment_pool pool = { 0 };
	int released = 0;
	struct gh_segment *segment = gh_segment_ref("abc", 3, release, &released);

	ck_assert(gh_segment_is_ref(segment));
	ck_assert_uint_eq(segment->room, 0);
	ck_assert_uint_eq(segment->n, 3);
	ck_assert_int_eq(released, 0);
	gh_segment_free(&pool, segment);
	ck_assert_int_eq(released, 1);
	gh_segment_pool_done(&pool);
}
END_TEST

GH_TEST_MAIN("net/segment", room_and_reuse, the_pool_is_bounded, references)
