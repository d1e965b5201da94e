/* SPDX-License-Identifier: Apache-2.0 */
/* Which workers may have subscribers for a topic. */
#include "route/interest.h"

#include "base/mem.h"

#include <gatehouse/lib.h>
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

/* 512 KiB for all, 256 KiB a worker of which only touched pages are in memory. */
#define PLACES 65536u
#define LEVELS 4u

struct gh_interest {
	struct gh_hash_key key;
	unsigned workers;
	uint32_t *counts[GH_INTEREST_WORKERS]; /* of the filters of each place; each worker's own */
	_Atomic uint64_t masks[PLACES];
};

struct gh_interest *gh_interest_new(const struct gh_hash_key *key, unsigned workers)
{
	struct gh_interest *interest = gh_zalloc(sizeof(*interest));

	assert(workers >= 1 && workers <= GH_INTEREST_WORKERS);
	interest->key = *key;
	interest->workers = workers;
	for (unsigned i = 0; i < workers; i++)
		interest->counts[i] = gh_zalloc(PLACES * sizeof(uint32_t));
	return interest;
}

void gh_interest_free(struct gh_interest **interest)
{
	if (!*interest)
		return;
	for (unsigned i = 0; i < (*interest)->workers; i++)
		free((*interest)->counts[i]);
	free(*interest);
	*interest = NULL;
}

/* The hash of a prefix from that of the one a level shorter: so "" and "/" differ by how often
 * this was done. */
static uint64_t extend(const struct gh_interest *interest, uint64_t hash, struct gh_str level)
{
	hash = (hash ^ gh_siphash(&interest->key, level.p, level.n)) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

static uint32_t place(uint64_t hash)
{
	return (uint32_t)(hash >> 16) % PLACES;
}

static bool is_wildcard(struct gh_str level)
{
	return level.n == 1 && (level.p[0] == '+' || level.p[0] == '#');
}

static uint32_t place_of_filter(const struct gh_interest *interest, struct gh_str filter)
{
	uint64_t hash = interest->key.k0;
	struct gh_str level;

	for (unsigned i = 0; i < LEVELS; i++) {
		if (!gh_topic_level(&filter, &level) || is_wildcard(level))
			break;
		hash = extend(interest, hash, level);
	}
	return place(hash);
}

/* Only the worker itself sets and clears its bit, so that its own counter says what the bit has
 * to be; the others' bits of the word are theirs, hence read-modify-write. Release: what the worker
 * did before (it is in its index) is seen by whoever sees the bit. */
void gh_interest_add(struct gh_interest *interest, unsigned worker, struct gh_str filter)
{
	uint32_t at = place_of_filter(interest, filter);

	if (interest->counts[worker][at]++ == 0)
		atomic_fetch_or_explicit(&interest->masks[at], (uint64_t)1 << worker,
					 memory_order_release);
}

void gh_interest_remove(struct gh_interest *interest, unsigned worker, struct gh_str filter)
{
	uint32_t at = place_of_filter(interest, filter);

	assert(interest->counts[worker][at]);
	if (--interest->counts[worker][at] == 0)
		atomic_fetch_and_explicit(&interest->masks[at], ~((uint64_t)1 << worker),
					  memory_order_release);
}

static uint64_t mask_at(const struct gh_interest *interest, uint64_t hash)
{
	return atomic_load_explicit(&interest->masks[place(hash)], memory_order_acquire);
}

uint64_t gh_interest_lookup(const struct gh_interest *interest, struct gh_str topic)
{
	uint64_t hash = interest->key.k0;
	/* A filter without literal prefix begins with a wildcard: nothing that begins with '$'
	 * is its. */
	uint64_t mask = topic.n && topic.p[0] == '$' ? 0 : mask_at(interest, hash);
	struct gh_str level;

	for (unsigned i = 0; i < LEVELS && gh_topic_level(&topic, &level); i++) {
		hash = extend(interest, hash, level);
		mask |= mask_at(interest, hash);
	}
	return mask;
}
