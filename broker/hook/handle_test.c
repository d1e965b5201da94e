/* SPDX-License-Identifier: Apache-2.0 */
/* Handles: none comes back, none is taken for another. */
#include "hook/handle.h"

#include "base/test.h"

static int things[100];

START_TEST(given_and_dropped)
{
	struct gh_handles handles;
	uint64_t ids[100], again;

	gh_handles_init(&handles, 3);
	ck_assert_ptr_null(gh_handles_any(&handles));
	for (unsigned i = 0; i < 100; i++) {
		ids[i] = gh_handle_new(&handles, &things[i]);
		ck_assert(ids[i] != 0);
		ck_assert_uint_eq(gh_handle_owner(ids[i]), 3);
	}
	for (unsigned i = 0; i < 100; i++)
		ck_assert_ptr_eq(gh_handle_get(&handles, ids[i]), &things[i]);
	gh_handle_drop(&handles, ids[7]);
	ck_assert_ptr_null(gh_handle_get(&handles, ids[7]));
	again = gh_handle_new(&handles, &things[7]); /* the same slot */
	ck_assert_uint_ne(again, ids[7]);
	ck_assert_ptr_null(gh_handle_get(&handles, ids[7]));
	ck_assert_ptr_eq(gh_handle_get(&handles, again), &things[7]);
	ck_assert_ptr_nonnull(gh_handles_any(&handles));
	gh_handles_done(&handles);
}
END_TEST

START_TEST(invented)
{
	struct gh_handles handles, others;
	uint64_t id, theirs;

	gh_handles_init(&handles, 0);
	gh_handles_init(&others, 1);
	ck_assert_ptr_null(gh_handle_get(&handles, 1));
	id = gh_handle_new(&handles, &things[0]);
	theirs = gh_handle_new(&others, &things[1]);
	ck_assert_ptr_null(gh_handle_get(&handles, theirs));
	ck_assert_ptr_null(gh_handle_get(&handles, 0));
	ck_assert_ptr_null(gh_handle_get(&handles, UINT64_MAX));
	ck_assert_ptr_null(gh_handle_get(&handles, id + 0x100));
	ck_assert_ptr_null(gh_handle_get(&handles, id + 0x100000000));
	ck_assert_ptr_null(gh_handle_get(&handles, id | 0xffffff00));
	ck_assert_uint_eq(gh_handle_owner(0), 255);
	gh_handles_done(&handles);
	gh_handles_done(&others);
}
END_TEST

GH_TEST_MAIN("hook/handle", given_and_dropped, invented)
