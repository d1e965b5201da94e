/* SPDX-License-Identifier: Apache-2.0 */
/* Packets as the unit tests write them. Not part of the broker. */
#ifndef GH_MQTT_NOTATION_H
#define GH_MQTT_NOTATION_H

#include "base/buf.h"
#include "base/test.h"
#include "mqtt/decode.h"
#include "mqtt/wire.h"

/*
 *   0a ff   bytes                    'text'  two bytes of length, then the text
 *   <text>  text without a length    [ ... ] a variable byte integer of length, then what is inside
 * So "10 [ 'MQTT' 04 02 003c 'id' ]" is a CONNECT. Blanks mean nothing.
 */
static inline const char *notation_part(struct gh_buf *buf, const char *s);

static inline const char *notation_text(struct gh_buf *buf, const char *s, char end)
{
	size_t n = (size_t)(strchr(s + 1, end) - s) - 1;

	if (end == '\'')
		gh_buf_u16(buf, (uint16_t)n);
	gh_buf_add(buf, s + 1, n);
	return s + n + 2;
}

static inline const char *notation_group(struct gh_buf *buf, const char *s)
{
	struct gh_buf inside = { 0 };
	uint8_t length[4];

	for (s++; *s != ']';)
		s = notation_part(&inside, s);
	gh_buf_add(buf, length, (size_t)(put_varint(length, inside.n) - length));
	gh_buf_add(buf, inside.p, inside.n);
	gh_buf_done(&inside);
	return s + 1;
}

static inline const char *notation_part(struct gh_buf *buf, const char *s)
{
	char digits[3] = { 0 };

	if (*s == ' ')
		return s + 1;
	if (*s == '[')
		return notation_group(buf, s);
	if (*s == '\'')
		return notation_text(buf, s, '\'');
	if (*s == '<')
		return notation_text(buf, s, '>');
	memcpy(digits, s, 2);
	gh_buf_u8(buf, (uint8_t)strtoul(digits, NULL, 16));
	return s + 2;
}

/* The bytes; done with gh_buf_done(). */
static inline struct gh_buf notation(const char *s)
{
	struct gh_buf buf = { 0 };

	while (*s)
		s = notation_part(&buf, s);
	return buf;
}

/* Bytes that nothing follows, so that a sanitizer sees each step too far. They stay until the
 * test's process ends, and can be reached until then. */
struct exact {
	struct exact *next;
	uint8_t bytes[];
};

static inline const uint8_t *exactly(const void *p, size_t n)
{
	static struct exact *all;
	struct exact *exact = malloc(sizeof(*exact) + n);

	exact->next = all;
	all = exact;
	if (n)
		memcpy(exact->bytes, p, n);
	return exact->bytes;
}

/* Cuts the packet out, and fails the test unless it is exactly one. */
static inline struct gh_frame frame_of(unsigned version, const char *packet)
{
	struct gh_buf buf = notation(packet);
	const uint8_t *p = exactly(buf.p, buf.n);
	struct gh_malformed why = { 0, "" };
	struct gh_frame frame;

	ck_assert_msg(gh_frame(version, p, buf.n, GH_PACKET_MAX, &frame, &why) == GH_FRAME_WHOLE,
		      "%s: %s", packet, why.text);
	ck_assert_msg(frame.total == buf.n, "%s", packet);
	gh_buf_done(&buf);
	return frame;
}

/* What a row of a table of refusals says. */
struct refusal {
	unsigned version;
	const char *packet;
	uint8_t reason;
};

static inline void refused(const struct refusal *row, int result, const struct gh_malformed *why)
{
	ck_assert_msg(result == GH_EINVAL, "%s: accepted", row->packet);
	ck_assert_msg(why->reason == row->reason, "%s: 0x%02x %s", row->packet, why->reason,
		      why->text);
	ck_assert_msg(why->text && *why->text, "%s: no text", row->packet);
}

static inline bool bytes_are(struct gh_bytes bytes, const char *text)
{
	return bytes.n == strlen(text) && (bytes.n == 0 || memcmp(bytes.p, text, bytes.n) == 0);
}

#endif
