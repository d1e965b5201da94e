/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the control socket: what is taken and what isn't. */
#include "base/test.h"
#include "ctl/wire.h"

static int parse(const char *text, size_t n, struct gh_words *words)
{
	static struct gh_buf in;

	in.n = 0;
	gh_buf_add(&in, text, n);
	return gh_wire_parse(&in, words);
}

START_TEST(round_trip)
{
	const char *const sent[] = { "disconnect", "", "a b\nc" };
	struct gh_words words;
	struct gh_buf out = { 0 };

	gh_wire_request(&out, sent, 3, (struct gh_bytes){ 0 });
	for (size_t n = 0; n < out.n; n++) {
		struct gh_buf part = { out.p, n, n };

		ck_assert_int_eq(gh_wire_parse(&part, &words), 0);
	}
	ck_assert_int_eq(gh_wire_parse(&out, &words), 1);
	ck_assert_uint_eq(words.count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(words.word[i], sent[i]);
	ck_assert_ptr_null(words.secret);
	gh_buf_done(&out);
}
END_TEST

/* Any bytes, and none, are a secret. */
START_TEST(secrets)
{
	static const struct gh_bytes sent[] = { { "a:b\0+", 5 }, { "", 0 } };
	const char *const word = "one";
	struct gh_words words;

	for (size_t i = 0; i < GH_COUNT(sent); i++) {
		struct gh_buf out = { 0 };

		gh_wire_request(&out, &word, 1, sent[i]);
		for (size_t n = 0; n < out.n; n++) {
			struct gh_buf part = { out.p, n, n };

			ck_assert_int_eq(gh_wire_parse(&part, &words), 0);
		}
		ck_assert_int_eq(gh_wire_parse(&out, &words), 1);
		ck_assert_uint_eq(words.count, 1);
		ck_assert_str_eq(words.word[0], "one");
		ck_assert_ptr_nonnull(words.secret);
		ck_assert_uint_eq(words.secret_size, sent[i].n);
		ck_assert_int_eq(memcmp(words.secret, sent[i].p, sent[i].n), 0);
		gh_buf_done(&out);
	}
}
END_TEST

static const struct {
	const char *text;
	size_t n;
} refused[] = {
	{ "x:", 2 },             /* no number */
	{ "0:", 2 },             /* no word */
	{ "3:abc", 5 },          /* the word doesn't end */
	{ "2:a\0b", 5 },         /* more than it said */
	{ "65537:", 6 },         /* longer than is taken */
	{ "0000000000000", 13 }, /* no colon where one must be by now */
	{ "-1:", 3 },
	{ "4+:one", 6 }, /* no size */
	{ "4++1:one\0x", 10 },
	{ "4+1+1:one\0xx", 12 },
	{ "4+65536:one", 11 }, /* a longer secret than is taken */
	{ "4+1:one\0xy", 10 }, /* more than it said */
	{ "+1:x", 4 },
};

START_TEST(refuses)
{
	struct gh_words words;

	for (size_t i = 0; i < GH_COUNT(refused); i++)
		ck_assert_int_eq(parse(refused[i].text, refused[i].n, &words), GH_EINVAL);
}
END_TEST

START_TEST(bounds_words)
{
	char text[4 + GH_WIRE_WORDS * 2 + 3] = "130:";
	struct gh_words words;

	memset(text + 4, 0, 130);
	ck_assert_int_eq(parse(text, 134, &words), GH_EINVAL);
}
END_TEST

GH_TEST_MAIN("ctl/wire", round_trip, secrets, refuses, bounds_words)
