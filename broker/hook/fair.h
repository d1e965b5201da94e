/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded queue that serves its sources in turn: one that asks a lot waits behind its own, not
 * before others. */
#ifndef GH_HOOK_FAIR_H
#define GH_HOOK_FAIR_H

#include "base/list.h"
#include "base/siphash.h"
#include "base/table.h"

/* Not thread-safe. Sources with something queued stand in a ring; each turn takes the oldest of the
 * one in front. */
struct gh_fair {
	struct gh_node ring;
	struct gh_table sources;
	struct gh_hash_key key;
	size_t count, max, max_each;
};

/* Sits in what is queued. */
struct gh_fair_node {
	struct gh_node node;
	struct gh_fair_source *source; /* NULL: not queued */
};

/* max_each: of one source. */
void gh_fair_init(struct gh_fair *fair, size_t max, size_t max_each);
void gh_fair_done(struct gh_fair *fair); /* what is queued is forgotten */
/* ip as in gh_client: IPv6 sources are counted by their /64. False: full, or this source has its
 * share. */
bool gh_fair_push(struct gh_fair *fair, const uint8_t ip[16], struct gh_fair_node *node);
/* Past the bounds, before all others of its source: what must be run to clean up. */
void gh_fair_push_first(struct gh_fair *fair, const uint8_t ip[16], struct gh_fair_node *node);
struct gh_fair_node *gh_fair_pop(struct gh_fair *fair); /* NULL: empty */
/* False: it isn't queued (any more). */
bool gh_fair_remove(struct gh_fair *fair, struct gh_fair_node *node);

#endif
