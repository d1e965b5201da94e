/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 validation; eight ASCII bytes at a time, since most topics are nothing else. */
#include "base/utf8.h"

#include <string.h>

#define ONES 0x0101010101010101u
#define HIGH 0x8080808080808080u

static bool follows(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

unsigned gh_utf8_decode(const uint8_t *p, size_t n, uint32_t *code_r)
{
	uint32_t code;

	if (n >= 1 && p[0] < 0x80) {
		*code_r = p[0];
		return 1;
	}
	if (n >= 2 && p[0] >= 0xc2 && p[0] <= 0xdf && follows(p[1])) {
		*code_r = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
		return 2;
	}
	if (n >= 3 && (p[0] & 0xf0) == 0xe0 && follows(p[1]) && follows(p[2])) {
		code = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
		if (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))
			return 0;
		*code_r = code;
		return 3;
	}
	if (n >= 4 && (p[0] & 0xf8) == 0xf0 && follows(p[1]) && follows(p[2]) && follows(p[3])) {
		code = (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 |
		       (p[3] & 0x3fu);
		if (code < 0x10000 || code > 0x10ffff)
			return 0;
		*code_r = code;
		return 4;
	}
	return 0;
}

static inline uint64_t load(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, 8);
	return word;
}

/* ASCII without NUL: no high bit, and subtracting one from each byte sets none either. */
static const uint8_t *skip_text(const uint8_t *p, const uint8_t *end)
{
	uint64_t word;

	while (end - p >= 8) {
		word = load(p);
		if ((word | (word - ONES)) & HIGH)
			break;
		p += 8;
	}
	return p;
}

static const uint8_t *skip_ascii(const uint8_t *p, const uint8_t *end)
{
	while (end - p >= 8 && !(load(p) & HIGH))
		p += 8;
	return p;
}

static bool valid(const uint8_t *p, size_t n, bool nul_allowed)
{
	const uint8_t *end = p + n;
	unsigned length;
	uint32_t code;

	while (p < end) {
		p = nul_allowed ? skip_ascii(p, end) : skip_text(p, end);
		/* what stopped it is in the next eight bytes, or these are the last */
		for (unsigned i = 0; i < 8 && p < end; i++) {
			length = gh_utf8_decode(p, (size_t)(end - p), &code);
			if (length == 0 || (code == 0 && !nul_allowed))
				return false;
			p += length;
		}
	}
	return true;
}

bool gh_utf8_valid(const void *p, size_t n)
{
	return n == 0 || valid(p, n, false);
}

bool gh_utf8_valid_payload(const void *p, size_t n)
{
	return n == 0 || valid(p, n, true);
}
