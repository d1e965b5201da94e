/* SPDX-License-Identifier: Apache-2.0 */
/* Acts upon many sessions of a worker: all that were asked for meanwhile in one round, in slices between turns. */
#ifndef GH_CLIENT_ROUND_H
#define GH_CLIENT_ROUND_H

#include "client/channel.h"
#include "hook/whom.h"

struct gh_visit {
	struct gh_node in_round; /* the round's */
	struct gh_whom whom;     /* its text lives as long as the visit */
	/* For each session that is meant; offline ones too. False: it may be gone. */
	bool (*visit)(struct gh_visit *visit, struct gh_shard *shard, struct gh_session *session);
	/* The last call: all were visited, or the worker stops. */
	void (*done)(struct gh_visit *visit);
	unsigned cost; /* set by visit: how much work it was, where it was much */
	bool over;     /* set by visit: nobody else is meant */
};

/* A client id is looked up at once; everybody else is visited from the next turn on. */
void gh_round_join(struct gh_shard *shard, struct gh_visit *visit);
void gh_round_cancel(struct gh_shard *shard);

#endif
