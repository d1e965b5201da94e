/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for an address, prefix, client id or principal until its time is over: a ban and its reason, or a limits class. */
#ifndef GH_LIMIT_TERM_H
#define GH_LIMIT_TERM_H

#include "limit/prefix.h"

/* Any thread: one lock, taken only while there are any. Times are monotonic ms. */
struct gh_terms;

struct gh_term_key {
	enum gh_subject_kind kind; /* GH_ADDRESS, GH_CLIENT_ID or GH_PRINCIPAL */
	struct gh_prefix prefix;   /* GH_ADDRESS */
	const char *text;          /* the others; borrowed */
};

#define GH_TERM_TEXT 200 /* a longer text is cut, between two characters */

struct gh_term {
	uint64_t until_ms;
	char text[GH_TERM_TEXT];
};

/* max: entries; what has expired makes room. */
struct gh_terms *gh_terms_new(uint32_t max);
void gh_terms_free(struct gh_terms **terms);
void gh_terms_set_max(struct gh_terms *terms, uint32_t max); /* what is there stays */

/* Once more: the new end and text hold. GH_EBUSY: the table is full. */
int gh_terms_put(struct gh_terms *terms, const struct gh_term_key *key, uint32_t seconds,
		 const char *text, uint64_t now_ms);
/* False: there was none. */
bool gh_terms_lift(struct gh_terms *terms, const struct gh_term_key *key, uint64_t now_ms);
void gh_terms_lift_all(struct gh_terms *terms);

/* What of the client is known is looked at, in this order: client id, principal, address, of prefixes the narrowest. */
bool gh_terms_find(struct gh_terms *terms, const struct gh_client *client, uint64_t now_ms,
		   struct gh_term *term_r);

#endif
