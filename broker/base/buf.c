/* SPDX-License-Identifier: Apache-2.0 */
/* A growing run of bytes in one piece. */
#include "base/buf.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SMALLEST = 64 };

void gh_buf_done(struct gh_buf *buf)
{
	free(buf->p);
	*buf = (struct gh_buf){ 0 };
}

static void grow(struct gh_buf *buf, size_t more)
{
	size_t need, size = buf->size < SMALLEST ? SMALLEST : buf->size;

	if (__builtin_add_overflow(buf->n, more, &need))
		need = SIZE_MAX; /* can't be had: gh_realloc() says so */
	while (size < need && size <= SIZE_MAX / 2)
		size *= 2;
	if (size < need)
		size = need;
	buf->p = gh_realloc(buf->p, size);
	buf->size = size;
}

uint8_t *gh_buf_reserve(struct gh_buf *buf, size_t more)
{
	if (buf->size - buf->n < more || !buf->p)
		grow(buf, more);
	return buf->p + buf->n;
}

void gh_buf_add(struct gh_buf *buf, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(gh_buf_reserve(buf, n), p, n);
	buf->n += n;
}

void gh_buf_printf(struct gh_buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	gh_buf_vprintf(buf, fmt, ap);
	va_end(ap);
}

void gh_buf_vprintf(struct gh_buf *buf, const char *fmt, va_list ap)
{
	enum { USUAL = 128 };
	char *at = (char *)gh_buf_reserve(buf, USUAL);
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(at, USUAL, fmt, ap);
	if (n >= USUAL) {
		/* vsnprintf() terminates: room for that too, though it isn't counted */
		at = (char *)gh_buf_reserve(buf, (size_t)n + 1);
		vsnprintf(at, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	if (n > 0)
		buf->n += (size_t)n;
}

void gh_buf_drop(struct gh_buf *buf, size_t n)
{
	buf->n -= n;
	if (buf->n)
		memmove(buf->p, buf->p + n, buf->n);
}
