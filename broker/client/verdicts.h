/* SPDX-License-Identifier: Apache-2.0 */
/* What modules said that may be kept: the verdicts of one connection, by action and topic. */
#ifndef GH_CLIENT_VERDICTS_H
#define GH_CLIENT_VERDICTS_H

#include "base/siphash.h"
#include "hook/ask.h"

/*
 * At most so many of a connection, the least recently used goes first: what a device publishes and a dashboard gets is a few
 * topics; whoever uses thousands has each asked about, which is what happens without it.
 */
#define GH_VERDICTS 64u

/* Made by the first verdict that is kept; NULL is an empty one. */
struct gh_verdicts;
void gh_verdicts_free(struct gh_verdicts **verdicts);

struct gh_verdict_key {
	const struct gh_hash_key *hash;
	struct gh_str topic;
	uint32_t action;     /* enum gh_action */
	uint32_t generation; /* of the policy: a verdict of another one is none */
	uint64_t now_ms;     /* monotonic */
};

/* True: *decision_r is what was decided, its limits as they were given; they are the caller's to apply. */
bool gh_verdicts_find(struct gh_verdicts *verdicts, const struct gh_verdict_key *key,
		      struct gh_decision *decision_r);

/* If the decision may be kept (decision->keep). decision->module must live as long as the generation. */
void gh_verdicts_keep(struct gh_verdicts **verdicts, const struct gh_verdict_key *key,
		      const struct gh_decision *decision);

#endif
