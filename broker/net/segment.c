/* SPDX-License-Identifier: Apache-2.0 */
/* Segments of output: two pooled sizes, larger ones and references made as needed. */
#include "net/segment.h"

#include "base/mem.h"

#include <stdlib.h>

enum segment_kind { SMALL, LARGE, HUGE_ONE, REF };

struct segment_ref {
	void (*release)(void *arg);
	void *arg;
};

static const size_t segment_room[GH_SEGMENT_SIZES] = { GH_SEGMENT_SMALL, GH_SEGMENT_LARGE };
/* At most 4 MiB of each size is kept for later. */
static const unsigned pool_max[GH_SEGMENT_SIZES] = { 2048, 256 };

static struct gh_segment *segment_make(size_t n, enum segment_kind kind)
{
	struct gh_segment *segment = gh_alloc(sizeof *segment + n);

	segment->kind = (uint8_t)kind;
	segment->room = n;
	return segment;
}

static struct gh_segment *from_pool(struct gh_segment_pool *pool, enum segment_kind kind)
{
	struct gh_segment *segment = pool->free[kind];

	if (!segment)
		return segment_make(segment_room[kind], kind);
	pool->free[kind] = segment->next;
	pool->count[kind]--;
	segment->room = segment_room[kind];
	return segment;
}

struct gh_segment *gh_segment_new(struct gh_segment_pool *pool, size_t n, bool large)
{
	struct gh_segment *segment;

	if (n > GH_SEGMENT_LARGE)
		segment = segment_make(n, HUGE_ONE);
	else
		segment = from_pool(pool, large || n > GH_SEGMENT_SMALL ? LARGE : SMALL);
	segment->next = NULL;
	segment->p = segment->data;
	segment->n = 0;
	return segment;
}

struct gh_segment *gh_segment_ref(const void *p, size_t n, void (*release)(void *arg), void *arg)
{
	struct gh_segment *segment = segment_make(sizeof(struct segment_ref), REF);

	*(struct segment_ref *)(void *)segment->data = (struct segment_ref){ release, arg };
	segment->next = NULL;
	segment->p = p;
	segment->n = n;
	segment->room = 0;
	return segment;
}

bool gh_segment_is_ref(const struct gh_segment *segment)
{
	return segment->kind == REF;
}

void gh_segment_free(struct gh_segment_pool *pool, struct gh_segment *segment)
{
	unsigned kind = segment->kind;

	if (kind == REF) {
		struct segment_ref *ref = (void *)segment->data;

		ref->release(ref->arg);
	}
	if (kind >= GH_SEGMENT_SIZES || pool->count[kind] == pool_max[kind]) {
		free(segment);
		return;
	}
	segment->next = pool->free[kind];
	pool->free[kind] = segment;
	pool->count[kind]++;
}

void gh_segment_pool_done(struct gh_segment_pool *pool)
{
	for (int kind = 0; kind < GH_SEGMENT_SIZES; kind++)
		while (pool->free[kind]) {
			struct gh_segment *segment = pool->free[kind];

			pool->free[kind] = segment->next;
			free(segment);
		}
	*pool = (struct gh_segment_pool){ 0 };
}
