/* SPDX-License-Identifier: Apache-2.0 */
/* Who is banned, by address, prefix, client id or principal, and for how long. */
#ifndef GH_LIMIT_BAN_H
#define GH_LIMIT_BAN_H

#include "limit/prefix.h"

/* Any thread: one lock, taken only while anybody is banned. Times are monotonic ms. */
struct gh_bans;

struct gh_ban_key {
	enum gh_subject_kind kind; /* GH_ADDRESS, GH_CLIENT_ID or GH_PRINCIPAL */
	struct gh_prefix prefix;   /* GH_ADDRESS */
	const char *text;          /* the others; borrowed */
};

#define GH_BAN_TEXT 65536 /* of a client id or principal, terminated */
#define GH_BAN_WHY 200 /* a longer reason is cut, between two characters */

/* max: entries; what has expired makes room. */
struct gh_bans *gh_bans_new(uint32_t max);
void gh_bans_free(struct gh_bans **bans);
void gh_bans_set_max(struct gh_bans *bans, uint32_t max); /* what is there stays */

/* Once more: the new end and reason hold. GH_EBUSY: the table is full. */
int gh_bans_put(struct gh_bans *bans, const struct gh_ban_key *key, uint32_t seconds,
		const char *why, uint64_t now_ms);
/* False: it wasn't banned. */
bool gh_bans_lift(struct gh_bans *bans, const struct gh_ban_key *key, uint64_t now_ms);

/* ip as in struct gh_peer, never that of a UNIX socket. why_r: filled where it is banned. */
bool gh_bans_have_address(struct gh_bans *bans, const uint8_t ip[16], uint64_t now_ms,
			  char why_r[GH_BAN_WHY]);
bool gh_bans_have_name(struct gh_bans *bans, enum gh_subject_kind kind, const char *text,
		       uint64_t now_ms, char why_r[GH_BAN_WHY]);

#endif
