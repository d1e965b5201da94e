/* SPDX-License-Identifier: Apache-2.0 */
/* Handles that a module keeps: numbers checked by generation, so that an old one is harmless. */
#ifndef GH_HOOK_HANDLE_H
#define GH_HOOK_HANDLE_H

#include <gatehouse/types.h>

/*
 * id = generation (32 bits) | slot (24) | owner + 1 (8), so 0 is never one; a number never comes
 * back. Not thread-safe: its owner has a lock.
 */
struct gh_handle_slot;
struct gh_handles {
	struct gh_handle_slot *slots;
	uint32_t count, free; /* free: the head of a list; UINT32_MAX: none */
	unsigned owner;
};

void gh_handles_init(struct gh_handles *handles, unsigned owner); /* 0..254 */
void gh_handles_done(struct gh_handles *handles); /* what they stood for is the caller's */

/* 0: there are 16 million already. what: not NULL. */
uint64_t gh_handle_new(struct gh_handles *handles, void *what);
void *gh_handle_get(const struct gh_handles *handles, uint64_t id); /* NULL: dropped, invented */
void gh_handle_drop(struct gh_handles *handles, uint64_t id);       /* must be there */
void *gh_handles_any(const struct gh_handles *handles);             /* NULL: none is left */

/* Whose it is, or 255: it was never given. */
static inline unsigned gh_handle_owner(uint64_t id)
{
	return ((unsigned)id - 1) & 0xff;
}

#endif
