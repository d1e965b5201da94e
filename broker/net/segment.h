/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of output waiting to be sent, and a worker's store of used ones. */
#ifndef GH_NET_SEGMENT_H
#define GH_NET_SEGMENT_H

#include <gatehouse/types.h>

/* p[0..n) is to be sent; `room` more bytes may be written behind it. */
struct gh_segment {
	struct gh_segment *next;
	const uint8_t *p;
	size_t n, room;
	uint8_t kind;
	_Alignas(void *) uint8_t data[];
};

/* Whole segments of the two common sizes: 2 KiB for a connection's first, 16 KiB from then on. */
#define GH_SEGMENT_SMALL ((size_t)2048 - sizeof(struct gh_segment))
#define GH_SEGMENT_LARGE ((size_t)16384 - sizeof(struct gh_segment))

#define GH_SEGMENT_SIZES 2
/* { 0 } is empty. One thread. */
struct gh_segment_pool {
	struct gh_segment *free[GH_SEGMENT_SIZES];
	unsigned count[GH_SEGMENT_SIZES];
};

/* Empty, with room for n bytes at least; `large` asks for the larger size even if n is small. */
struct gh_segment *gh_segment_new(struct gh_segment_pool *pool, size_t n, bool large);
/* References p; release(arg) is called by gh_segment_free(). */
struct gh_segment *gh_segment_ref(const void *p, size_t n, void (*release)(void *arg), void *arg);
bool gh_segment_is_ref(const struct gh_segment *segment);
void gh_segment_free(struct gh_segment_pool *pool, struct gh_segment *segment);
void gh_segment_pool_done(struct gh_segment_pool *pool);

#endif
