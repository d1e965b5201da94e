/* SPDX-License-Identifier: Apache-2.0 */
/* A growing run of bytes in one piece. */
#ifndef GH_BASE_BUF_H
#define GH_BASE_BUF_H

#include <gatehouse/types.h>
#include <stdarg.h>
#include <string.h>

/* { 0 } is an empty buffer that owns nothing. p[0..n) is valid; size is what is allocated. */
struct gh_buf {
	uint8_t *p;
	size_t n, size;
};

void gh_buf_done(struct gh_buf *buf); /* frees, leaves an empty one */

/* Room for `more` bytes after n; returns where they go. Aborts when memory is out: charge what a peer caused first. */
uint8_t *gh_buf_reserve(struct gh_buf *buf, size_t more);
void gh_buf_add(struct gh_buf *buf, const void *p, size_t n);
void gh_buf_printf(struct gh_buf *buf, const char *fmt, ...) GH_PRINTF(2, 3);
void gh_buf_vprintf(struct gh_buf *buf, const char *fmt, va_list ap) GH_PRINTF(2, 0)
	__attribute__((nonnull(2)));
/* Drops the first n bytes; the rest moves to the front. */
void gh_buf_drop(struct gh_buf *buf, size_t n);

static inline void gh_buf_u8(struct gh_buf *buf, uint8_t v)
{
	*gh_buf_reserve(buf, 1) = v;
	buf->n++;
}

static inline void gh_buf_u16(struct gh_buf *buf, uint16_t v)
{
	uint8_t *p = gh_buf_reserve(buf, 2);

	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	buf->n += 2;
}

static inline void gh_buf_u32(struct gh_buf *buf, uint32_t v)
{
	gh_buf_u16(buf, (uint16_t)(v >> 16));
	gh_buf_u16(buf, (uint16_t)v);
}

static inline void gh_buf_str(struct gh_buf *buf, struct gh_str s)
{
	gh_buf_add(buf, s.p, s.n);
}

#endif
