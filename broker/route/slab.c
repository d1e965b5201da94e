/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of one size in chunks, named by numbers. */
#include "route/slab.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void gh_slab_init(struct gh_slab *slab, size_t element)
{
	*slab = (struct gh_slab){ .element = (uint32_t)element, .end = 1 };
}

void gh_slab_done(struct gh_slab *slab)
{
	for (uint32_t i = 0; i < slab->chunk_count; i++)
		free(slab->chunks[i]);
	free(slab->chunks);
	*slab = (struct gh_slab){ 0 };
}

static void add_chunk(struct gh_slab *slab)
{
	if (slab->chunk_count == slab->chunk_size) {
		slab->chunk_size = slab->chunk_size ? slab->chunk_size * 2 : 4;
		slab->chunks =
			gh_realloc_array(slab->chunks, slab->chunk_size, sizeof(*slab->chunks));
	}
	slab->chunks[slab->chunk_count++] = gh_zalloc((size_t)GH_SLAB_CHUNK * slab->element);
}

uint32_t gh_slab_take(struct gh_slab *slab)
{
	uint32_t number = slab->free;

	if (number) {
		memcpy(&slab->free, gh_slab_at(slab, number), sizeof(slab->free));
		memset(gh_slab_at(slab, number), 0, sizeof(slab->free));
		return number;
	}
	assert(slab->end < UINT32_MAX);
	number = slab->end++;
	if (number / GH_SLAB_CHUNK == slab->chunk_count)
		add_chunk(slab);
	return number;
}

void gh_slab_give(struct gh_slab *slab, uint32_t number)
{
	void *element = gh_slab_at(slab, number);

	memset(element, 0, slab->element);
	memcpy(element, &slab->free, sizeof(slab->free));
	slab->free = number;
}

size_t gh_slab_bytes(const struct gh_slab *slab)
{
	return slab->chunk_size * sizeof(*slab->chunks) +
	       (size_t)slab->chunk_count * GH_SLAB_CHUNK * slab->element;
}
