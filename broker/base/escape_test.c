/* SPDX-License-Identifier: Apache-2.0 */
#include "base/escape.h"
#include "base/str.h"
#include "base/test.h"

static const struct {
	const char *in;
	size_t n;
	const char *text, *json;
} rows[] = {
	{ "plain", 5, "plain", "plain" },
	{ "", 0, "", "" },
	{ "a'b\\c\"d", 7, "a\\'b\\\\c\"d", "a'b\\\\c\\\"d" },
	{ "a\nb\tc\rd", 7, "a\\nb\\tc\\rd", "a\\nb\\tc\\rd" },
	{ "a\0b", 3, "a\\x00b", "a\\u0000b" },
	{ "\x1b[31m\x7f", 6, "\\x1b[31m\\x7f", "\\u001b[31m\\u007f" },
	{ "x\xff\xc3", 3, "x\\xff\\xc3", "x\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xed\xa0\x80", 3, "\\xed\\xa0\\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "\xc2\x85", 2, "\\u{85}", "\\u0085" },
	{ "a\xe2\x80\xae"
	  "b",
	  5, "a\\u{202e}b", "a\\u202eb" },
	{ "\xe2\x80\xa8", 3, "\\u{2028}", "\\u2028" },
	{ "\xef\xbb\xbf", 3, "\\u{feff}", "\\ufeff" },
	{ "\xf3\xa0\x80\x81", 4, "\\u{e0001}", "\\udb40\\udc01" },
	{ "\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
};

START_TEST(nothing_leaves_its_line)
{
	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_buf text = { 0 }, json = { 0 };

		gh_escape_text(&text, gh_str_n(rows[i].in, rows[i].n));
		gh_escape_json(&json, gh_str_n(rows[i].in, rows[i].n));
		gh_buf_u8(&text, 0);
		gh_buf_u8(&json, 0);
		ck_assert_str_eq((char *)text.p, rows[i].text);
		ck_assert_str_eq((char *)json.p, rows[i].json);
		gh_buf_done(&text);
		gh_buf_done(&json);
	}
}
END_TEST

START_TEST(messages_keep_their_quotes)
{
	struct gh_buf buf = { 0 };

	gh_escape_message(&buf, gh_str("cannot open 'x\n\\'"));
	gh_buf_u8(&buf, 0);
	ck_assert_str_eq((char *)buf.p, "cannot open 'x\\n\\\\'");
	gh_buf_done(&buf);
}
END_TEST

GH_TEST_MAIN("base/escape", nothing_leaves_its_line, messages_keep_their_quotes)
