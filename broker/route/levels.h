/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of topic levels, each kept once, counted, and named by a 32-bit number. */
#ifndef GH_ROUTE_LEVELS_H
#define GH_ROUTE_LEVELS_H

#include "base/siphash.h"
#include "route/slab.h"
#include "route/slots.h"

struct gh_levels {
	struct gh_hash_key key;
	struct gh_slab texts;
	struct gh_slots by_text;
	size_t long_bytes; /* of texts that don't fit in a cell */
};

void gh_levels_init(struct gh_levels *levels, const struct gh_hash_key *key);
void gh_levels_done(struct gh_levels *levels);

/* 0: it isn't kept. */
uint32_t gh_levels_find(const struct gh_levels *levels, struct gh_str text);
/* A reference more; the text is copied if it is new. At most 65,535 bytes. */
uint32_t gh_levels_ref(struct gh_levels *levels, struct gh_str text);
void gh_levels_unref(struct gh_levels *levels, uint32_t level);
struct gh_str gh_levels_text(const struct gh_levels *levels,
			     uint32_t level); /* while it is referenced */
size_t gh_levels_bytes(const struct gh_levels *levels);

#endif
