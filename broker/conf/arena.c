/* SPDX-License-Identifier: Apache-2.0 */
/* A list of blocks: each allocation is one, since a configuration is small and read rarely. */
#include "conf/arena.h"
#include "base/mem.h"

#include <gatehouse/lib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gh_arena_block {
	struct gh_arena_block *next;
	size_t n;
	max_align_t data[];
};

void *gh_arena_alloc(struct gh_arena *arena, size_t n)
{
	struct gh_arena_block *block = gh_zalloc(sizeof(*block) + n);

	block->n = n;
	block->next = arena->blocks;
	arena->blocks = block;
	return block->data;
}

char *gh_arena_strndup(struct gh_arena *arena, const char *s, size_t n)
{
	char *copy = gh_arena_alloc(arena, n + 1);

	if (n)
		memcpy(copy, s, n);
	return copy;
}

char *gh_arena_printf(struct gh_arena *arena, const char *fmt, ...)
{
	va_list ap, again;
	char *text;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	text = gh_arena_alloc(arena, (size_t)(n < 0 ? 0 : n) + 1);
	if (n > 0)
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return text;
}

void gh_arena_done(struct gh_arena *arena)
{
	struct gh_arena_block *block, *next;

	for (block = arena->blocks; block; block = next) {
		next = block->next;
		gh_wipe(block->data, block->n);
		free(block);
	}
	arena->blocks = NULL;
}
