/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and texts as bytes, and back. */
#include "base/pack.h"

#include "base/str.h"
#include "base/utf8.h"

#include <stdio.h>

void gh_pack_number(struct gh_buf *out, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		gh_buf_u8(out, (uint8_t)(v | 0x80));
	gh_buf_u8(out, (uint8_t)v);
}

void gh_pack_bytes(struct gh_buf *out, struct gh_bytes bytes)
{
	gh_pack_number(out, bytes.n);
	gh_buf_add(out, bytes.p, bytes.n);
}

void gh_pack_text(struct gh_buf *out, struct gh_str text)
{
	gh_pack_bytes(out, (struct gh_bytes){ text.p, text.n });
}

void gh_pack_maybe(struct gh_buf *out, const char *text)
{
	struct gh_str s = gh_str(text);

	gh_pack_number(out, text ? s.n + 1 : 0);
	gh_buf_str(out, s);
}

struct gh_unpack gh_unpack(struct gh_bytes value, struct gh_error *error)
{
	const uint8_t *p = value.n ? value.p : (const uint8_t *)"";

	return (struct gh_unpack){ .p = p, .end = p + value.n, .error = error };
}

void gh_unpack_fail(struct gh_unpack *in, const char *fmt, ...)
{
	char text[sizeof(in->error->text)];
	va_list ap;

	if (in->rc)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	in->rc = gh_error_set(in->error, GH_EINVAL, "%s", text);
	in->p = in->end;
}

static const uint8_t *take(struct gh_unpack *in, const char *field, size_t n)
{
	const uint8_t *at = in->p;

	if (gh_unpack_left(in) < n) {
		gh_unpack_fail(in, "it ends in the middle of '%s'", field);
		return NULL;
	}
	in->p += n;
	return at;
}

uint8_t gh_unpack_u8(struct gh_unpack *in, const char *field)
{
	const uint8_t *p = take(in, field, 1);

	return p ? *p : 0;
}

uint8_t gh_unpack_version(struct gh_unpack *in, uint8_t known)
{
	uint8_t version = gh_unpack_u8(in, "version");

	if (version >= 1 && version <= known)
		return version;
	gh_unpack_fail(in, "a form of version %u, this broker knows %u", version, known);
	return 0;
}

uint64_t gh_unpack_number(struct gh_unpack *in, const char *field, uint64_t min, uint64_t max)
{
	uint64_t v = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = gh_unpack_u8(in, field);
		/* The tenth byte has room for one bit. */
		if (shift == 63 && byte > 1) {
			gh_unpack_fail(in, "'%s' is a number of over 64 bits", field);
			return 0;
		}
		v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (shift > 7 && byte == 0)
		gh_unpack_fail(in, "'%s' isn't in the shortest form", field);
	else if (v < min || v > max)
		gh_unpack_fail(in, "'%s' is %llu, expected %llu to %llu", field,
			       (unsigned long long)v, (unsigned long long)min,
			       (unsigned long long)max);
	return in->rc ? 0 : v;
}

uint8_t gh_unpack_flags(struct gh_unpack *in, const char *field, uint8_t known)
{
	uint8_t flags = gh_unpack_u8(in, field);

	if (flags & ~known)
		gh_unpack_fail(in, "'%s' has bits that are not known (0x%02x)", field, flags);
	return in->rc ? 0 : flags;
}

struct gh_bytes gh_unpack_run(struct gh_unpack *in, const char *field, size_t n)
{
	const uint8_t *p = take(in, field, n);

	return (struct gh_bytes){ p, p ? n : 0 };
}

static struct gh_bytes bounded(struct gh_unpack *in, const char *field, uint64_t n, size_t max)
{
	if (n > max)
		gh_unpack_fail(in, "'%s' is of %llu bytes, at most %zu expected", field,
			       (unsigned long long)n, max);
	if (in->rc)
		return (struct gh_bytes){ 0 };
	return gh_unpack_run(in, field, (size_t)n);
}

struct gh_bytes gh_unpack_bytes(struct gh_unpack *in, const char *field, size_t max)
{
	return bounded(in, field, gh_unpack_number(in, field, 0, UINT64_MAX), max);
}

static struct gh_str as_text(struct gh_unpack *in, const char *field, struct gh_bytes bytes)
{
	if (!gh_utf8_valid(bytes.p, bytes.n))
		gh_unpack_fail(in, "'%s' isn't UTF-8", field);
	if (in->rc)
		return (struct gh_str){ 0 };
	return (struct gh_str){ bytes.p, bytes.n };
}

struct gh_str gh_unpack_text(struct gh_unpack *in, const char *field, size_t max)
{
	return as_text(in, field, gh_unpack_bytes(in, field, max));
}

struct gh_str gh_unpack_maybe(struct gh_unpack *in, const char *field, size_t max)
{
	uint64_t n = gh_unpack_number(in, field, 0, UINT64_MAX);

	if (!n)
		return (struct gh_str){ 0 };
	return as_text(in, field, bounded(in, field, n - 1, max));
}

int gh_unpack_end(struct gh_unpack *in)
{
	if (gh_unpack_left(in))
		gh_unpack_fail(in, "%zu bytes are left over at its end", gh_unpack_left(in));
	return in->rc;
}
