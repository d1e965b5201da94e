/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of 32-bit numbers in eight bytes each. The caller hashes, and tells whether a
 * number is meant. */
#ifndef GH_ROUTE_SLOTS_H
#define GH_ROUTE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

/* { 0 } is empty and owns nothing. Linear probing, at most four fifths full; it grows and
 * shrinks by itself. */
struct gh_slots {
	struct gh_slots_cell *cells;
	uint32_t size, count; /* size: a power of two */
};
struct gh_slots_cell {
	uint32_t hash;
	uint32_t value; /* 0: free */
};

void gh_slots_done(struct gh_slots *slots);
void gh_slots_add(struct gh_slots *slots, uint32_t hash, uint32_t value);    /* isn't in it yet */
void gh_slots_remove(struct gh_slots *slots, uint32_t hash, uint32_t value); /* is in it */

/* The values that have this hash, one after another: for (v = gh_slots_first(s, hash, &at); v; v
 * = gh_slots_next(s, hash, &at)) and take the one that is meant. 0: no more. */
static inline uint32_t gh_slots_next(const struct gh_slots *slots, uint32_t hash, uint32_t *at)
{
	const struct gh_slots_cell *cell;

	do
		cell = &slots->cells[ *at = (*at + 1) & (slots->size - 1)];
	while (cell->value && cell->hash != hash);
	return cell->value;
}

static inline uint32_t gh_slots_first(const struct gh_slots *slots, uint32_t hash, uint32_t *at)
{
	if (!slots->count)
		return 0;
	*at = hash - 1;
	return gh_slots_next(slots, hash, at);
}

/* Spreads two numbers, neither of which a peer chooses, over 32 bits. */
static inline uint32_t gh_slots_hash(uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t x = (a ^ seed) * 0x9e3779b97f4a7c15u + b;

	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	x = (x ^ x >> 32) * (seed | 1);
	return (uint32_t)(x >> 32);
}

#endif
