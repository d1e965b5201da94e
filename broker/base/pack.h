/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and texts as bytes that are kept, and back out of bytes that somebody else may have written. */
#ifndef GH_BASE_PACK_H
#define GH_BASE_PACK_H

#include "base/buf.h"
#include "base/error.h"

/*
 * A number: seven bits a byte, the lowest first, the last byte below 0x80. Bytes and text: their
 * length as a number, then they. What may be missing: 0, or the length plus one.
 */
void gh_pack_number(struct gh_buf *out, uint64_t v);
void gh_pack_bytes(struct gh_buf *out, struct gh_bytes bytes);
void gh_pack_text(struct gh_buf *out, struct gh_str text);
void gh_pack_maybe(struct gh_buf *out, const char *text); /* NULL: missing */

/*
 * Reads from the front. It fails once, with a text in *error that names the field, and stays
 * failed: everything read afterwards is 0 or empty, so that one look at `rc` in the end is enough
 * (before something is allocated, too). Nothing is copied: what it gives are views.
 */
struct gh_unpack {
	const uint8_t *p, *end;
	struct gh_error *error;
	int rc; /* 0, or GH_EINVAL */
};

/* For Unix seconds: the last one of the year 9999, which can be counted in microseconds too. */
#define GH_PACK_TIME_MAX UINT64_C(253402300799)

struct gh_unpack gh_unpack(struct gh_bytes value, struct gh_error *error);
static inline size_t gh_unpack_left(const struct gh_unpack *in)
{
	return (size_t)(in->end - in->p);
}

/* Refuses what was read; the first text stays. */
void gh_unpack_fail(struct gh_unpack *in, const char *fmt, ...) GH_PRINTF(2, 3);

/* The first byte of a value: its form, of which the caller knows 1 to `known`. Failed: 0. */
uint8_t gh_unpack_version(struct gh_unpack *in, uint8_t known);
uint8_t gh_unpack_u8(struct gh_unpack *in, const char *field);
/* min to max, in the shortest form only. Failed: 0, even where min is above. */
uint64_t gh_unpack_number(struct gh_unpack *in, const char *field, uint64_t min, uint64_t max);
/* A byte of which only the bits of `known` are set. */
uint8_t gh_unpack_flags(struct gh_unpack *in, const char *field, uint8_t known);
struct gh_bytes gh_unpack_run(struct gh_unpack *in, const char *field, size_t n); /* exactly n */
struct gh_bytes gh_unpack_bytes(struct gh_unpack *in, const char *field, size_t max);
/* UTF-8 without U+0000, at most max bytes. */
struct gh_str gh_unpack_text(struct gh_unpack *in, const char *field, size_t max);
/* As before, or p NULL: missing. */
struct gh_str gh_unpack_maybe(struct gh_unpack *in, const char *field, size_t max);
/* Nothing may be left. Returns rc. */
int gh_unpack_end(struct gh_unpack *in);

#endif
