/* SPDX-License-Identifier: Apache-2.0 */
/* How MQTT writes numbers and lengths; private to this room. */
#ifndef GH_MQTT_WIRE_H
#define GH_MQTT_WIRE_H

#include <gatehouse/types.h>
#include <string.h>
#include "base/utf8.h"
#include "mqtt/packet.h"
#include "mqtt/reason.h"

/* What is left to read. take functions return false, and leave the cursor alone, when there
 * isn't enough. */
struct cursor {
	const uint8_t *p, *end;
};

static inline struct cursor cursor_of(struct gh_bytes bytes)
{
	const uint8_t *p = bytes.p;

	return (struct cursor){ p, bytes.n ? p + bytes.n : p };
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

static inline struct gh_bytes cursor_rest(const struct cursor *c)
{
	return (struct gh_bytes){ c->p, cursor_left(c) };
}

static inline bool take_u8(struct cursor *c, uint8_t *v_r)
{
	if (cursor_left(c) < 1)
		return false;
	*v_r = *c->p++;
	return true;
}

static inline bool take_u16(struct cursor *c, uint16_t *v_r)
{
	if (cursor_left(c) < 2)
		return false;
	*v_r = (uint16_t)(c->p[0] << 8 | c->p[1]);
	c->p += 2;
	return true;
}

static inline bool take_run(struct cursor *c, size_t n, struct gh_bytes *bytes_r)
{
	if (cursor_left(c) < n)
		return false;
	*bytes_r = (struct gh_bytes){ c->p, n };
	c->p += n;
	return true;
}

/* Two bytes of length, then so many. */
static inline bool take_bytes(struct cursor *c, struct gh_bytes *bytes_r)
{
	size_t n;

	if (cursor_left(c) < 2)
		return false;
	n = (size_t)c->p[0] << 8 | c->p[1];
	if (cursor_left(c) - 2 < n)
		return false;
	*bytes_r = (struct gh_bytes){ c->p + 2, n };
	c->p += 2 + n;
	return true;
}

static inline struct gh_str as_text(struct gh_bytes bytes)
{
	return (struct gh_str){ bytes.p, bytes.n };
}

/* As take_bytes, where the standard has a UTF-8 encoded string [MQTT-1.5.4-1, -2]. */
static inline bool take_text(struct cursor *c, struct gh_str *text_r)
{
	struct gh_bytes bytes;

	if (!take_bytes(c, &bytes) || !gh_utf8_valid(bytes.p, bytes.n))
		return false;
	*text_r = as_text(bytes);
	return true;
}

/* A variable byte integer at p, of which n bytes are there [MQTT-1.5.5-1]: how many it takes, 0:
 * more are needed, -1: longer than four, or not the shortest form. */
static inline int varint_read(const uint8_t *p, size_t n, uint32_t *v_r)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		if (i == n)
			return 0;
		v |= (uint32_t)(p[i] & 0x7f) << 7 * i;
		if (p[i] & 0x80)
			continue;
		*v_r = v;
		return i > 0 && p[i] == 0 ? -1 : (int)i + 1;
	}
	return -1;
}

static inline size_t varint_size(size_t v)
{
	return v < 128 ? 1 : v < 16384 ? 2 : v < 2097152 ? 3 : 4;
}

/* All put functions return where to go on. */
static inline uint8_t *put_varint(uint8_t *p, size_t v)
{
	while (v > 127) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

static inline uint8_t *put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static inline uint8_t *put_u32(uint8_t *p, uint32_t v)
{
	return put_u16(put_u16(p, (uint16_t)(v >> 16)), (uint16_t)v);
}

static inline uint8_t *put_run(uint8_t *p, const void *bytes, size_t n)
{
	if (n)
		memcpy(p, bytes, n);
	return p + n;
}

static inline int refuse(struct gh_malformed *why, uint8_t reason, const char *text)
{
	*why = (struct gh_malformed){ reason, text };
	return GH_EINVAL;
}

static inline int malformed(struct gh_malformed *why, const char *text)
{
	return refuse(why, GH_REASON_MALFORMED_PACKET, text);
}

static inline int protocol_error(struct gh_malformed *why, const char *text)
{
	return refuse(why, GH_REASON_PROTOCOL_ERROR, text);
}

/* The length-prefixed properties of an MQTT 5 packet, not looked into. */
static inline bool take_properties(struct cursor *c, struct gh_bytes *raw_r)
{
	uint32_t n;
	int width = varint_read(c->p, cursor_left(c), &n);

	if (width <= 0 || cursor_left(c) - (size_t)width < n)
		return false;
	*raw_r = (struct gh_bytes){ c->p + width, n };
	c->p += (size_t)width + n;
	return true;
}

#endif
