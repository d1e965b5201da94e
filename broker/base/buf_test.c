/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/str.h"
#include "base/test.h"

START_TEST(starts_with_nothing)
{
	struct gh_buf buf = { 0 };

	gh_buf_add(&buf, NULL, 0);
	ck_assert_ptr_null(buf.p);
	ck_assert_ptr_nonnull(gh_buf_reserve(&buf, 0));
	ck_assert_uint_eq(buf.n, 0);
	gh_buf_done(&buf);
	ck_assert_ptr_null(buf.p);
	gh_buf_done(&buf);
}
END_TEST

START_TEST(keeps_what_is_added)
{
	struct gh_buf buf = { 0 };

	for (unsigned i = 0; i < 100000; i++)
		gh_buf_u8(&buf, (uint8_t)i);
	ck_assert_uint_eq(buf.n, 100000);
	ck_assert_uint_ge(buf.size, buf.n);
	for (unsigned i = 0; i < 100000; i++)
		ck_assert_uint_eq(buf.p[i], (uint8_t)i);
	gh_buf_done(&buf);
}
END_TEST

START_TEST(numbers_are_big_endian)
{
	static const uint8_t expected[] = { 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 'h', 'i' };
	struct gh_buf buf = { 0 };

	gh_buf_u16(&buf, 0x1234);
	gh_buf_u32(&buf, 0xdeadbeef);
	gh_buf_str(&buf, gh_str("hi"));
	ck_assert_uint_eq(buf.n, sizeof(expected));
	ck_assert_mem_eq(buf.p, expected, sizeof(expected));
	gh_buf_done(&buf);
}
END_TEST

START_TEST(prints_behind_what_there_is)
{
	struct gh_buf buf = { 0 };

	gh_buf_printf(&buf, "%s", "");
	gh_buf_printf(&buf, "%0*d|", 200, 7);
	gh_buf_printf(&buf, "%s", "end");
	ck_assert_uint_eq(buf.n, 204);
	ck_assert_mem_eq(buf.p + 199, "7|end", 5);
	gh_buf_done(&buf);
}
END_TEST

START_TEST(drops_from_the_front)
{
	struct gh_buf buf = { 0 };

	gh_buf_add(&buf, "abcdef", 6);
	gh_buf_drop(&buf, 0);
	gh_buf_drop(&buf, 2);
	ck_assert_uint_eq(buf.n, 4);
	ck_assert_mem_eq(buf.p, "cdef", 4);
	gh_buf_drop(&buf, 4);
	ck_assert_uint_eq(buf.n, 0);
	gh_buf_done(&buf);
}
END_TEST

GH_TEST_MAIN("base/buf", starts_with_nothing, keeps_what_is_added, numbers_are_big_endian,
	     prints_behind_what_there_is, drops_from_the_front)
