/* SPDX-License-Identifier: Apache-2.0 */
/* What gatehousectl and the broker say to each other: words one way, one JSON document back. */
#ifndef GH_CTL_WIRE_H
#define GH_CTL_WIRE_H

#include "base/buf.h"

/*
 * A request is LENGTH:WORDS - the length of WORDS in decimal, each word ended by NUL - one a connection. With a secret it is
 * LENGTH+SIZE:WORDS and SIZE bytes of it. The reply is a JSON object and the end of the stream:
 *   {"ok":true,"rows":[{...}, ...]}        a table
 *   {"ok":true,"text":"..."}               printed as it is
 *   {"ok":false,"code":"not-found","error":"..."}, maybe with "rows" too: what there is nevertheless
 * Code "secret-wanted": nothing has been done; the same words are wanted again, with a secret.
 */
#define GH_WIRE_MAX        65536u /* bytes of WORDS */
#define GH_WIRE_WORDS      64u
#define GH_WIRE_SECRET_MAX 65535u
/* No request is longer. */
#define GH_WIRE_WHOLE      (GH_WIRE_MAX + GH_WIRE_SECRET_MAX + 16u)

/* Words of a request, NULL behind them; they point into its bytes. */
struct gh_words {
	const char *word[GH_WIRE_WORDS + 1];
	size_t count;
	uint8_t *secret; /* NULL: none came */
	size_t secret_size;
};

/* secret p NULL: none. `out` may hold a copy of it then: to be wiped. */
void gh_wire_request(struct gh_buf *out, const char *const *words, size_t count,
		     struct gh_bytes secret);

/* 1: whole; 0: more is to come; GH_EINVAL: not a request, or too long. */
int gh_wire_parse(const struct gh_buf *in, struct gh_words *words_r);

#endif
