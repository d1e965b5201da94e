/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "base/test.h"

#include <string.h>

static const struct {
	const char *name, *text;
	size_t n;
	bool valid, payload;
} rows[] = {
	{ "empty", "", 0, true, true },
	{ "ASCII", "plain text of more than eight bytes", 35, true, true },
	{ "DEL and controls", "\x7f\x01\x1f", 3, true, true },
	{ "NUL", "a\0b", 3, false, true },
	{ "NUL in the fast path", "12345678\00012345678", 17, false, true },
	{ "U+0080", "\xc2\x80", 2, true, true },
	{ "U+07FF", "\xdf\xbf", 2, true, true },
	{ "U+0800", "\xe0\xa0\x80", 3, true, true },
	{ "U+FFFF", "\xef\xbf\xbf", 3, true, true },
	{ "U+FEFF [MQTT-1.5.4-3]", "\xef\xbb\xbf", 3, true, true },
	{ "U+10000", "\xf0\x90\x80\x80", 4, true, true },
	{ "U+10FFFF", "\xf4\x8f\xbf\xbf", 4, true, true },
	{ "U+110000", "\xf4\x90\x80\x80", 4, false, false },
	{ "surrogate U+D800 [MQTT-1.5.4-1]", "\xed\xa0\x80", 3, false, false },
	{ "surrogate U+DFFF", "\xed\xbf\xbf", 3, false, false },
	{ "U+D7FF", "\xed\x9f\xbf", 3, true, true },
	{ "U+E000", "\xee\x80\x80", 3, true, true },
	{ "overlong NUL", "\xc0\x80", 2, false, false },
	{ "overlong /", "\xc0\xaf", 2, false, false },
	{ "overlong C1", "\xc1\xbf", 2, false, false },
	{ "overlong three", "\xe0\x9f\xbf", 3, false, false },
	{ "overlong four", "\xf0\x8f\xbf\xbf", 4, false, false },
	{ "lone continuation", "\x80", 1, false, false },
	{ "cut two", "\xc3", 1, false, false },
	{ "cut three", "\xe2\x82", 2, false, false },
	{ "cut four", "\xf0\x9f\x98", 3, false, false },
	{ "wrong second", "\xe2\x28\xa1", 3, false, false },
	{ "five bytes", "\xf8\x88\x80\x80\x80", 5, false, false },
	{ "FF", "\xff", 1, false, false },
};

START_TEST(accepts_only_what_the_standard_does)
{
	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		ck_assert_msg(gh_utf8_valid(rows[i].text, rows[i].n) == rows[i].valid, "%s",
			      rows[i].name);
		ck_assert_msg(gh_utf8_valid_payload(rows[i].text, rows[i].n) == rows[i].payload,
			      "%s", rows[i].name);
	}
	ck_assert(gh_utf8_valid(NULL, 0));
}
END_TEST

START_TEST(the_place_in_the_text_does_not_matter)
{
	char text[64];

	for (size_t i = 0; i < GH_COUNT(rows); i++)
		for (size_t at = 0; at + rows[i].n <= 40; at++) {
			memset(text, 'x', sizeof(text));
			memcpy(text + at, rows[i].text, rows[i].n);
			for (size_t n = at + rows[i].n; n < 42; n++) {
				ck_assert_msg(gh_utf8_valid(text, n) == rows[i].valid, "%s at %zu",
					      rows[i].name, at);
				ck_assert_msg(gh_utf8_valid_payload(text, n) == rows[i].payload,
					      "%s at %zu", rows[i].name, at);
			}
		}
}
END_TEST

static size_t encode(uint32_t code, uint8_t *p)
{
	if (code < 0x80) {
		p[0] = (uint8_t)code;
		return 1;
	}
	if (code < 0x800) {
		p[0] = (uint8_t)(0xc0 | code >> 6);
		p[1] = (uint8_t)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		p[0] = (uint8_t)(0xe0 | code >> 12);
		p[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		p[2] = (uint8_t)(0x80 | (code & 0x3f));
		return 3;
	}
	p[0] = (uint8_t)(0xf0 | code >> 18);
	p[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
	p[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
	p[3] = (uint8_t)(0x80 | (code & 0x3f));
	return 4;
}

START_TEST(every_character_is_decoded)
{
	uint32_t decoded;
	uint8_t p[4];
	size_t n;

	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		n = encode(code, p);
		decoded = UINT32_MAX;
		if (code >= 0xd800 && code <= 0xdfff) {
			ck_assert_uint_eq(gh_utf8_decode(p, n, &decoded), 0);
			continue;
		}
		ck_assert_uint_eq(gh_utf8_decode(p, n, &decoded), n);
		ck_assert_uint_eq(decoded, code);
		ck_assert_uint_eq(gh_utf8_decode(p, n - 1, &decoded), 0);
	}
}
END_TEST

GH_TEST_MAIN("base/utf8", accepts_only_what_the_standard_does,
	     the_place_in_the_text_does_not_matter, every_character_is_decoded)
