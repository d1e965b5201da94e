/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of topic levels, each kept once. */
#include "route/levels.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* Most levels are short: they take no allocation of their own. */
#define INLINE 16u

struct text {
	uint32_t refs; /* 0: free */
	uint16_t n;
	union {
		char *heap;
		char here[INLINE];
	} u;
};

void gh_levels_init(struct gh_levels *levels, const struct gh_hash_key *key)
{
	*levels = (struct gh_levels){ .key = *key };
	gh_slab_init(&levels->texts, sizeof(struct text));
}

static struct text *text_at(const struct gh_levels *levels, uint32_t level)
{
	return gh_slab_at(&levels->texts, level);
}

void gh_levels_done(struct gh_levels *levels)
{
	for (uint32_t i = 1; i < levels->texts.end; i++)
		if (text_at(levels, i)->n > INLINE)
			free(text_at(levels, i)->u.heap);
	gh_slab_done(&levels->texts);
	gh_slots_done(&levels->by_text);
}

struct gh_str gh_levels_text(const struct gh_levels *levels, uint32_t level)
{
	const struct text *text = text_at(levels, level);

	return gh_str_n(text->n > INLINE ? text->u.heap : text->u.here, text->n);
}

static uint32_t hash_of(const struct gh_levels *levels, struct gh_str text)
{
	return (uint32_t)gh_siphash(&levels->key, text.p, text.n);
}

static uint32_t find(const struct gh_levels *levels, uint32_t hash, struct gh_str text)
{
	uint32_t at, level = gh_slots_first(&levels->by_text, hash, &at);

	while (level && !gh_str_equal(gh_levels_text(levels, level), text))
		level = gh_slots_next(&levels->by_text, hash, &at);
	return level;
}

uint32_t gh_levels_find(const struct gh_levels *levels, struct gh_str text)
{
	return find(levels, hash_of(levels, text), text);
}

static void copy(struct gh_levels *levels, struct text *text, struct gh_str from)
{
	char *to = text->u.here;

	text->n = (uint16_t)from.n;
	if (from.n > INLINE) {
		to = text->u.heap = gh_alloc(from.n);
		levels->long_bytes += from.n;
	}
	if (from.n)
		memcpy(to, from.p, from.n);
}

uint32_t gh_levels_ref(struct gh_levels *levels, struct gh_str text)
{
	uint32_t hash = hash_of(levels, text);
	uint32_t level = find(levels, hash, text);

	if (!level) {
		level = gh_slab_take(&levels->texts);
		copy(levels, text_at(levels, level), text);
		gh_slots_add(&levels->by_text, hash, level);
	}
	text_at(levels, level)->refs++;
	return level;
}

void gh_levels_unref(struct gh_levels *levels, uint32_t level)
{
	struct text *text = text_at(levels, level);

	if (--text->refs)
		return;
	gh_slots_remove(&levels->by_text, hash_of(levels, gh_levels_text(levels, level)), level);
	if (text->n > INLINE) {
		levels->long_bytes -= text->n;
		free(text->u.heap);
	}
	gh_slab_give(&levels->texts, level);
}

size_t gh_levels_bytes(const struct gh_levels *levels)
{
	return gh_slab_bytes(&levels->texts) + levels->by_text.size * sizeof(struct gh_slots_cell) +
	       levels->long_bytes;
}
