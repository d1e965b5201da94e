/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is given back all at once, and wiped: what a configuration and its secrets live in. */
#ifndef GH_CONF_ARENA_H
#define GH_CONF_ARENA_H

#include <gatehouse/types.h>

/* { 0 } is empty. One thread while it grows; what is in it may be read by any. */
struct gh_arena {
	struct gh_arena_block *blocks;
};

/* Zeroed, aligned for anything; never NULL. */
void *gh_arena_alloc(struct gh_arena *arena, size_t n);
char *gh_arena_strndup(struct gh_arena *arena, const char *s, size_t n);
char *gh_arena_printf(struct gh_arena *arena, const char *fmt, ...) GH_PRINTF(2, 3)
	__attribute__((nonnull(2)));
/* Wipes and frees everything. */
void gh_arena_done(struct gh_arena *arena);

#endif
