/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping for one line of text, and for the inside of a JSON string. */
#include "base/escape.h"
#include "base/utf8.h"

/* Characters that show nothing, or that make a terminal show something else than what is there. */
static bool hidden(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x7f, 0x9f },       { 0xad, 0xad },       { 0x34f, 0x34f },
		{ 0x61c, 0x61c },     { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },
		{ 0x180b, 0x180f },   { 0x200b, 0x200f },   { 0x2028, 0x202e },
		{ 0x2060, 0x206f },   { 0x3164, 0x3164 },   { 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },
		{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

static void control(struct gh_buf *buf, uint32_t code)
{
	switch (code) {
	case '\n': gh_buf_add(buf, "\\n", 2); break;
	case '\t': gh_buf_add(buf, "\\t", 2); break;
	case '\r': gh_buf_add(buf, "\\r", 2); break;
	default: gh_buf_printf(buf, "\\x%02x", (unsigned)code);
	}
}

static void text(struct gh_buf *buf, struct gh_str s, bool quoted)
{
	const uint8_t *p = (const uint8_t *)s.p, *end = p + s.n;
	unsigned length;
	uint32_t code;

	for (; p < end; p += length) {
		length = gh_utf8_decode(p, (size_t)(end - p), &code);
		if (length == 0) {
			gh_buf_printf(buf, "\\x%02x", *p);
			length = 1;
		} else if (code < 0x20 || code == 0x7f) {
			control(buf, code);
		} else if (code == '\\' || (code == '\'' && quoted)) {
			gh_buf_u8(buf, '\\');
			gh_buf_u8(buf, (uint8_t)code);
		} else if (code >= 0x80 && hidden(code)) {
			gh_buf_printf(buf, "\\u{%x}", (unsigned)code);
		} else {
			gh_buf_add(buf, p, length);
		}
	}
}

void gh_escape_text(struct gh_buf *buf, struct gh_str s)
{
	text(buf, s, true);
}

void gh_escape_message(struct gh_buf *buf, struct gh_str s)
{
	text(buf, s, false);
}

static void json_unit(struct gh_buf *buf, uint32_t unit)
{
	gh_buf_printf(buf, "\\u%04x", (unsigned)unit);
}

static void json_hidden(struct gh_buf *buf, uint32_t code)
{
	if (code < 0x10000) {
		json_unit(buf, code);
		return;
	}
	json_unit(buf, 0xd800 + ((code - 0x10000) >> 10));
	json_unit(buf, 0xdc00 + ((code - 0x10000) & 0x3ff));
}

void gh_escape_json(struct gh_buf *buf, struct gh_str s)
{
	const uint8_t *p = (const uint8_t *)s.p, *end = p + s.n;
	unsigned length;
	uint32_t code;

	for (; p < end; p += length) {
		length = gh_utf8_decode(p, (size_t)(end - p), &code);
		if (length == 0) {
			gh_buf_add(buf, "\xef\xbf\xbd", 3);
			length = 1;
		} else if (code == '"' || code == '\\') {
			gh_buf_u8(buf, '\\');
			gh_buf_u8(buf, (uint8_t)code);
		} else if (code == '\n' || code == '\t' || code == '\r') {
			control(buf, code);
		} else if (code < 0x20 || hidden(code)) {
			json_hidden(buf, code);
		} else {
			gh_buf_add(buf, p, length);
		}
	}
}
