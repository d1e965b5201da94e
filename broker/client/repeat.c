/* SPDX-License-Identifier: Apache-2.0 */
/* Folding what repeats: a small table with a few places for each. */
#include "client/repeat.h"

#include <string.h>

static bool is_live(const struct gh_repeat *repeat, uint64_t now_ms)
{
	return repeat->at_ms && now_ms - repeat->at_ms < 1000;
}

static bool is_of(const struct gh_repeat *repeat, uint64_t subject, const char *kind)
{
	return repeat->subject == subject && repeat->kind && strcmp(repeat->kind, kind) == 0;
}

/* Its own, or one that is free; NULL: neither. */
static struct gh_repeat *find(struct gh_repeat *repeats, uint64_t subject, const char *kind,
			      uint64_t now_ms)
{
	uint64_t first = subject + GH_REPEATS_WAYS * strlen(kind);
	struct gh_repeat *found = NULL;

	for (unsigned i = 0; i < GH_REPEATS_WAYS; i++) {
		struct gh_repeat *repeat = &repeats[(first + i) % GH_REPEATS];

		if (is_of(repeat, subject, kind))
			return repeat;
		if (!found && !is_live(repeat, now_ms))
			found = repeat;
	}
	return found;
}

bool gh_repeated(struct gh_repeat repeats[GH_REPEATS], uint64_t subject, const char *kind,
		 uint64_t now_ms, uint64_t *left_out_r)
{
	struct gh_repeat *repeat = find(repeats, subject, kind, now_ms);
	bool same = repeat && is_of(repeat, subject, kind);

	if (!repeat)
		return true;
	if (same && is_live(repeat, now_ms)) {
		repeat->left_out++;
		return true;
	}
	*left_out_r = same ? repeat->left_out : 0;
	*repeat = (struct gh_repeat){ .subject = subject, .at_ms = now_ms, .kind = kind };
	return false;
}
