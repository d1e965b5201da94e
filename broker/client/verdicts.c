/* SPDX-License-Identifier: Apache-2.0 */
/* What modules said that may be kept: sets of a few ways, found by a keyed hash. */
#include "client/verdicts.h"

#include "base/mem.h"
#include "base/str.h"
#include "hook/fold.h"

#include <stdlib.h>

#define WAYS 4u
#define SETS (GH_VERDICTS / WAYS)

struct verdict {
	uint64_t hash;
	uint64_t until_ms; /* UINT64_MAX: until something changes */
	uint64_t max_size;
	const char *module;
	uint32_t action, generation, used, cause, line;
	uint16_t topic_n, why_n, file_n;
	uint8_t verdict, reason, max_qos;
	bool reason_set, no_retain, disconnect;
	char text[]; /* topic, why, file */
};

struct gh_verdicts {
	uint32_t clock;
	struct verdict *sets[SETS][WAYS];
};

void gh_verdicts_free(struct gh_verdicts **verdicts)
{
	struct gh_verdicts *gone = *verdicts;

	*verdicts = NULL;
	if (!gone)
		return;
	for (unsigned set = 0; set < SETS; set++)
		for (unsigned way = 0; way < WAYS; way++)
			free(gone->sets[set][way]);
	free(gone);
}

static uint64_t hash_of(const struct gh_verdict_key *key)
{
	return gh_siphash(key->hash, key->topic.p, key->topic.n) + key->action;
}

static bool is_of(const struct verdict *verdict, const struct gh_verdict_key *key, uint64_t hash)
{
	return verdict && verdict->hash == hash && verdict->action == key->action &&
	       verdict->topic_n == key->topic.n &&
	       memcmp(verdict->text, key->topic.p, key->topic.n) == 0;
}

static bool is_live(const struct verdict *verdict, const struct gh_verdict_key *key)
{
	return verdict->generation == key->generation && key->now_ms < verdict->until_ms;
}

static void tell(const struct verdict *verdict, struct gh_decision *decision)
{
	const char *why = verdict->text + verdict->topic_n;

	gh_decision_init(decision);
	decision->verdict = (enum gh_verdict)verdict->verdict;
	decision->reason = verdict->reason;
	decision->reason_set = verdict->reason_set;
	decision->cause = verdict->cause;
	decision->module = verdict->module;
	decision->max_qos = verdict->max_qos;
	decision->max_size = verdict->max_size;
	decision->no_retain = verdict->no_retain;
	decision->disconnect = verdict->disconnect;
	decision->line = verdict->line;
	memcpy(decision->why, why, verdict->why_n + 1u);
	memcpy(decision->file, why + verdict->why_n + 1, verdict->file_n + 1u);
}

bool gh_verdicts_find(struct gh_verdicts *verdicts, const struct gh_verdict_key *key,
		      struct gh_decision *decision_r)
{
	uint64_t hash;
	struct verdict **set;

	if (!verdicts)
		return false;
	hash = hash_of(key);
	set = verdicts->sets[hash % SETS];
	for (unsigned way = 0; way < WAYS; way++) {
		if (!is_of(set[way], key, hash))
			continue;
		if (!is_live(set[way], key))
			return false;
		set[way]->used = ++verdicts->clock;
		tell(set[way], decision_r);
		return true;
	}
	return false;
}

/* Its own, a free one, one that is no good any more, or the one that nobody has asked for the longest. */
static struct verdict **place(struct gh_verdicts *verdicts, const struct gh_verdict_key *key,
			      uint64_t hash)
{
	struct verdict **set = verdicts->sets[hash % SETS], **oldest = set;

	for (unsigned way = 0; way < WAYS; way++)
		if (is_of(set[way], key, hash))
			return &set[way];
	for (unsigned way = 0; way < WAYS; way++) {
		if (!set[way] || !is_live(set[way], key))
			return &set[way];
		/* as distances, so that a clock that has gone round is right too */
		if (verdicts->clock - set[way]->used > verdicts->clock - (*oldest)->used)
			oldest = &set[way];
	}
	return oldest;
}

static void note(struct verdict *verdict, const struct gh_decision *decision, uint64_t now_ms)
{
	verdict->until_ms = decision->keep_s ? now_ms + decision->keep_s * 1000ull : UINT64_MAX;
	/* a request that went beyond the limits says nothing about the next one */
	verdict->verdict = (uint8_t)(decision->beyond ? GH_ALLOW : decision->verdict);
	verdict->module = decision->module;
	verdict->reason = decision->reason;
	verdict->reason_set = decision->reason_set;
	verdict->cause = decision->beyond ? GH_CAUSE_OTHER : decision->cause;
	verdict->line = decision->line;
	verdict->max_qos = decision->max_qos;
	verdict->max_size = decision->max_size;
	verdict->no_retain = decision->no_retain;
	verdict->disconnect = decision->disconnect;
}

static struct verdict *verdict_new(const struct gh_verdict_key *key,
				   const struct gh_decision *decision)
{
	const char *why = decision->beyond ? "" : decision->why;
	size_t why_n = strlen(why), file_n = strlen(decision->file);
	struct verdict *verdict = gh_alloc(sizeof(*verdict) + key->topic.n + why_n + 1 + file_n + 1);
	char *at = verdict->text;

	verdict->topic_n = (uint16_t)key->topic.n;
	verdict->why_n = (uint16_t)why_n;
	verdict->file_n = (uint16_t)file_n;
	memcpy(at, key->topic.p, key->topic.n);
	memcpy(at + key->topic.n, why, why_n + 1);
	memcpy(at + key->topic.n + why_n + 1, decision->file, file_n + 1);
	verdict->action = key->action;
	verdict->generation = key->generation;
	note(verdict, decision, key->now_ms);
	return verdict;
}

void gh_verdicts_keep(struct gh_verdicts **verdicts, const struct gh_verdict_key *key,
		      const struct gh_decision *decision)
{
	uint64_t hash = hash_of(key);
	struct verdict *verdict, **at;

	if (!decision->keep)
		return;
	if (!*verdicts)
		*verdicts = gh_zalloc(sizeof(**verdicts));
	verdict = verdict_new(key, decision);
	verdict->hash = hash;
	verdict->used = ++(*verdicts)->clock;
	at = place(*verdicts, key, hash);
	free(*at);
	*at = verdict;
}
