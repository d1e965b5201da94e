/* SPDX-License-Identifier: Apache-2.0 */
/* Acts upon many sessions of a worker, in rounds. */
#include "client/round.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

/* In one turn: sessions compared with errands, and visits. */
#define LOOKS  4096u
#define VISITS 64u

struct gh_round {
	struct gh_shard *shard;
	struct gh_registry_walk walk;
	struct gh_node now, next; /* errands of this round, and of the next one */
	unsigned count;           /* of this round */
	struct gh_timeout slice;
};

static void finish(struct gh_node *errands)
{
	gh_list_each(errands, it, next_)
	{
		struct gh_visit *visit = gh_container(it, struct gh_visit, in_round);

		gh_list_remove(it);
		visit->done(visit);
	}
}

static void begin(struct gh_round *round)
{
	gh_list_splice(&round->now, &round->next);
	round->count = 0;
	gh_list_each(&round->now, it, next_) round->count++;
	gh_registry_walk_begin(round->shard->sessions, &round->walk);
}

/* How many visits that were. */
static unsigned call_at(struct gh_round *round, struct gh_session *session)
{
	unsigned visits = 0;

	gh_list_each(&round->now, it, next_)
	{
		struct gh_visit *visit = gh_container(it, struct gh_visit, in_round);

		if (visit->over || !gh_whom_is(&visit->whom, gh_snapshot_client(session->identity)))
			continue;
		visit->cost = 0;
		if (!visit->visit(visit, round->shard, session))
			return visits + 1;
		visits += 1 + visit->cost;
	}
	return visits;
}

/* A timeout that is due: everything else has its turn too. */
static void soon(struct gh_round *round)
{
	gh_loop_timeout(round->shard->loop, &round->slice, 0);
}

static void on_slice(struct gh_timeout *timeout)
{
	struct gh_round *round = gh_container(timeout, struct gh_round, slice);
	struct gh_shard *shard = round->shard;

	for (unsigned looks = 0, visits = 0; looks < LOOKS && visits < VISITS; looks += round->count) {
		struct gh_session *session = gh_registry_walk_next(shard->sessions, &round->walk);

		if (session) {
			visits += call_at(round, session);
			continue;
		}
		finish(&round->now);
		if (gh_list_empty(&round->next)) {
			gh_round_cancel(shard);
			return;
		}
		begin(round);
	}
	soon(round);
}

static void start(struct gh_shard *shard)
{
	struct gh_round *round = shard->round = gh_zalloc(sizeof(*round));

	round->shard = shard;
	gh_list_init(&round->now);
	gh_list_init(&round->next);
	gh_timeout_init(&round->slice, on_slice);
	gh_registry_walk_begin(shard->sessions, &round->walk);
	gh_registry_walk_end(&round->walk); /* the first slice begins with those that wait */
	soon(round);
}

static void look_up(struct gh_shard *shard, struct gh_visit *visit)
{
	struct gh_session *session = gh_registry_find(shard->sessions, gh_str(visit->whom.text));

	if (session)
		visit->visit(visit, shard, session);
	visit->done(visit);
}

void gh_round_join(struct gh_shard *shard, struct gh_visit *visit)
{
	if (visit->whom.kind == GH_CLIENT_ID) {
		look_up(shard, visit);
		return;
	}
	if (!shard->round)
		start(shard);
	gh_list_append(&shard->round->next, &visit->in_round);
}

void gh_round_cancel(struct gh_shard *shard)
{
	struct gh_round *round = shard->round;

	if (!round)
		return;
	finish(&round->now);
	finish(&round->next);
	gh_registry_walk_end(&round->walk);
	gh_loop_timeout_cancel(shard->loop, &round->slice);
	free(round);
	shard->round = NULL;
}
