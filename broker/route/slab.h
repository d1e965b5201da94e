/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of one size in chunks, named by 32-bit numbers: no header each, and they never move. */
#ifndef GH_ROUTE_SLAB_H
#define GH_ROUTE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define GH_SLAB_CHUNK 256u

/* Numbers begin at 1: 0 is none. Memory comes back with gh_slab_done() only; freed elements are
 * used again. */
struct gh_slab {
	char **chunks;
	uint32_t chunk_count, chunk_size;
	uint32_t element; /* bytes of one, at least 4, a multiple of 8 */
	uint32_t end;     /* all numbers ever given are below */
	uint32_t free;    /* the first of the freed ones */
};

void gh_slab_init(struct gh_slab *slab, size_t element);
void gh_slab_done(struct gh_slab *slab);
uint32_t gh_slab_take(struct gh_slab *slab); /* zeroed. Aborts when 2^32 are in use */
/* Zeroed but for its first four bytes. */
void gh_slab_give(struct gh_slab *slab, uint32_t number);
size_t gh_slab_bytes(const struct gh_slab *slab);

static inline void *gh_slab_at(const struct gh_slab *slab, uint32_t number)
{
	return slab->chunks[number / GH_SLAB_CHUNK] +
	       (size_t)(number % GH_SLAB_CHUNK) * slab->element;
}

#endif
