/* SPDX-License-Identifier: Apache-2.0 */
/* What is packed comes back; what is anything else is refused, once and by its name. */
#include "base/pack.h"

#include "base/str.h"
#include "base/test.h"

static struct gh_bytes bytes(const struct gh_buf *buf)
{
	return (struct gh_bytes){ buf->p, buf->n };
}

START_TEST(numbers)
{
	static const struct {
		uint64_t v;
		size_t n;
	} rows[] = { { 0, 1 },          { 1, 1 },     { 127, 1 },      { 128, 2 },
		     { 16383, 2 },      { 16384, 3 }, { 1u << 28, 5 }, { UINT64_MAX >> 1, 9 },
		     { UINT64_MAX, 10 } };

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_error error = { 0 };
		struct gh_buf buf = { 0 };
		struct gh_unpack in;

		gh_pack_number(&buf, rows[i].v);
		ck_assert_uint_eq(buf.n, rows[i].n);
		in = gh_unpack(bytes(&buf), &error);
		ck_assert(gh_unpack_number(&in, "n", rows[i].v, rows[i].v) == rows[i].v);
		ck_assert_int_eq(gh_unpack_end(&in), 0);
		ck_assert_str_eq(error.text, "");
		gh_buf_done(&buf);
	}
}
END_TEST

START_TEST(texts)
{
	struct gh_error error = { 0 };
	struct gh_buf buf = { 0 };
	struct gh_unpack in;
	struct gh_str s;

	gh_pack_text(&buf, gh_str("h\xc3\xa9"));
	gh_pack_maybe(&buf, NULL);
	gh_pack_maybe(&buf, "");
	gh_pack_maybe(&buf, "x");
	gh_pack_bytes(&buf, (struct gh_bytes){ NULL, 0 });
	gh_buf_u8(&buf, 5);
	gh_buf_add(&buf, "run", 3);
	in = gh_unpack(bytes(&buf), &error);
	ck_assert(gh_str_is(gh_unpack_text(&in, "a", 3), "h\xc3\xa9"));
	ck_assert_ptr_null(gh_unpack_maybe(&in, "b", 0).p);
	s = gh_unpack_maybe(&in, "c", 0);
	ck_assert(s.p && s.n == 0);
	ck_assert(gh_str_is(gh_unpack_maybe(&in, "d", 1), "x"));
	ck_assert_uint_eq(gh_unpack_bytes(&in, "e", 0).n, 0);
	ck_assert_uint_eq(gh_unpack_flags(&in, "f", 7), 5);
	ck_assert_uint_eq(gh_unpack_run(&in, "g", 3).n, 3);
	ck_assert_int_eq(gh_unpack_end(&in), 0);
	gh_buf_done(&buf);
}
END_TEST

static void u8(struct gh_unpack *in)
{
	gh_unpack_u8(in, "it");
}

static void version(struct gh_unpack *in)
{
	gh_unpack_version(in, 1);
}

static void two_versions(struct gh_unpack *in)
{
	if (gh_unpack_version(in, 2) == 1)
		gh_unpack_fail(in, "the first");
}

static void number(struct gh_unpack *in)
{
	gh_unpack_number(in, "it", 1, 300);
}

static void any_number(struct gh_unpack *in)
{
	gh_unpack_number(in, "it", 0, UINT64_MAX);
}

static void flags(struct gh_unpack *in)
{
	gh_unpack_flags(in, "it", 3);
}

static void run(struct gh_unpack *in)
{
	gh_unpack_run(in, "it", 3);
}

static void text(struct gh_unpack *in)
{
	gh_unpack_text(in, "it", 4);
}

static void maybe(struct gh_unpack *in)
{
	gh_unpack_maybe(in, "it", 4);
}

static const struct {
	void (*read)(struct gh_unpack *in);
	const char *value;
	size_t n;
	const char *why;
} refused_rows[] = {
	{ u8, "", 0, "it ends in the middle of 'it'" },
	{ u8, "ab", 2, "1 bytes are left over" },
	{ version, "", 0, "it ends in the middle of 'version'" },
	{ version, "\x02", 1, "a form of version 2, this broker knows 1" },
	{ version, "\x00", 1, "a form of version 0" },
	{ two_versions, "\x01", 1, "the first" },
	{ two_versions, "\x02x", 2, "1 bytes are left over" },
	{ two_versions, "\x03", 1, "a form of version 3, this broker knows 2" },
	{ number, "\x80", 1, "it ends in the middle of 'it'" },
	{ number, "\x00", 1, "'it' is 0, expected 1 to 300" },
	{ number, "\xad\x02", 2, "'it' is 301, expected 1 to 300" },
	{ number, "\x81\x00", 2, "'it' isn't in the shortest form" },
	{ any_number, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, "over 64 bits" },
	{ any_number, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "over 64 bits" },
	{ flags, "\x04", 1, "'it' has bits that are not known (0x04)" },
	{ run, "ab", 2, "it ends in the middle of 'it'" },
	{ text, "\x03zz", 3, "it ends in the middle of 'it'" },
	{ text, "\x05zzzzz", 6, "'it' is of 5 bytes, at most 4" },
	{ text, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, "at most 4" },
	{ text, "\x01\x00", 2, "'it' isn't UTF-8" },
	{ text, "\x02\xc0\x80", 3, "'it' isn't UTF-8" },
	{ maybe, "\x06zzzzz", 6, "'it' is of 5 bytes, at most 4" },
	{ maybe, "\x03z", 2, "it ends in the middle of 'it'" },
	{ maybe, "\x02\xff", 2, "'it' isn't UTF-8" },
};

START_TEST(refused)
{
	for (size_t i = 0; i < GH_COUNT(refused_rows); i++) {
		struct gh_bytes value = { refused_rows[i].value, refused_rows[i].n };
		struct gh_error error = { 0 };
		struct gh_unpack in = gh_unpack(value, &error), silent = gh_unpack(value, NULL);

		refused_rows[i].read(&in);
		ck_assert_int_eq(gh_unpack_end(&in), GH_EINVAL);
		ck_assert_msg(strstr(error.text, refused_rows[i].why), "%s", error.text);
		refused_rows[i].read(&silent);
		ck_assert_int_eq(gh_unpack_end(&silent), GH_EINVAL);
	}
}
END_TEST

START_TEST(stays_failed)
{
	struct gh_error error = { 0 };
	struct gh_unpack in = gh_unpack((struct gh_bytes){ "\x07\x01z\x01", 4 }, &error);

	gh_unpack_flags(&in, "first", 3);
	ck_assert_int_eq(in.rc, GH_EINVAL);
	ck_assert_uint_eq(gh_unpack_text(&in, "second", 10).n, 0);
	ck_assert(gh_unpack_number(&in, "third", 5, 10) == 0);
	gh_unpack_fail(&in, "fourth");
	ck_assert_int_eq(gh_unpack_end(&in), GH_EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "'first'"));
}
END_TEST

GH_TEST_MAIN("base/pack", numbers, texts, refused, stays_failed)
