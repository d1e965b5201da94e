/* SPDX-License-Identifier: Apache-2.0 */
/* What one worker has: its sessions, their connections, its part of the subscriptions. Only its own thread touches it. */
#ifndef GH_CLIENT_SHARD_H
#define GH_CLIENT_SHARD_H

#include "base/buf.h"
#include "client/broker.h"
#include "client/repeat.h"
#include "conf/settings.h"
#include "hook/ask.h"
#include "hook/event.h"
#include "hook/instance.h"
#include "route/match.h"
#include "route/shared.h"
#include "session/registry.h"

struct gh_recheck;
struct gh_barriers;
struct gh_round;
struct gh_usage;
struct gh_drops;

struct gh_shard {
	struct gh_broker *broker;
	struct gh_worker *worker;
	struct gh_loop *loop;
	unsigned index;
	struct gh_asker *asker;
	struct gh_runtime *runtime; /* the present one; changes between two turns */

	struct gh_registry *sessions;
	struct gh_index *filters;
	struct gh_match match;
	struct gh_shared *groups;
	struct gh_node channels; /* of struct gh_channel.in_shard: connections on this worker; behind them its logins */
	struct gh_node wills;      /* will.c's: wills that wait for their authorization */
	uint64_t will_serial;      /* and the last number under which the store has had one */
	struct gh_node classes;    /* class.c's: limits classes that sessions have */
	struct gh_node held;       /* hold.c's: acknowledgements of this turn */
	struct gh_node afterwards; /* hold.c's: what is done when this turn is safe */
	struct gh_node turns;      /* hold.c's: those before it that wait */
	struct gh_node asked; /* hold.c's: other workers that want to know what this turn has made safe */
	uint64_t sent_to; /* in this turn: workers that messages went to, as bits; where there is a store */
	struct gh_barriers *barriers;
	struct gh_recheck *recheck; /* going through what is live after a policy change; NULL: not */
	uint32_t recheck_warned;    /* the policy generation whose first failure has been told */
	uint64_t recheck_ended_at;  /* monotonic ms */
	uint32_t rechecks, rechecks_of_everyone; /* how many of the broker's are known here */
	uint64_t policy_at,
		author_failed_at; /* monotonic ms: the last change, and failure of asking about an author */
	struct gh_usage *usage; /* NULL: nobody wants to know */
	struct gh_drops *drops; /* what wasn't told yet of what was dropped and was for nobody in particular */
	struct gh_round *round;  /* acts upon many sessions under way; NULL: none */
	struct gh_timeout sweep; /* expired retained messages: the first worker's */
	struct gh_retained_cursor swept;
	/* What repeats: denials that are logged, limits that are told. */
	struct gh_repeat denials[GH_REPEATS], limits[GH_REPEATS];
	bool stores;           /* there is a store */
	bool stored;           /* in this turn: something was put or erased, */
	bool store_failed;     /* and one of these has failed */
	struct gh_buf value;   /* persist.c's: of the record that is put */
	struct gh_buf scratch; /* for one call; nobody keeps a pointer into it */
	bool stopping;
};

/* The table for gh_workers_start(); its `arg` is the gh_broker. */
extern const struct gh_worker_fn gh_shard_fn;

static inline struct gh_shard *gh_shard_of(const struct gh_worker *worker)
{
	return gh_worker_user(worker);
}

static inline const struct gh_settings *gh_shard_settings(const struct gh_shard *shard)
{
	return shard->runtime->settings;
}

/*
 * The policy generation that verdicts are kept under: of the runtime, and of how often a module has asked for a re-check of
 * everyone. Never 0. The same number is the same policy on all workers, whichever they heard of first: the factor keeps
 * the two apart.
 */
static inline uint32_t gh_shard_generation(const struct gh_shard *shard)
{
	uint32_t generation =
		(uint32_t)shard->runtime->generation * 0x9E3779B1u + shard->rechecks_of_everyone;

	return generation ? generation : 1;
}

static inline uint64_t gh_shard_now(const struct gh_shard *shard)
{
	return gh_loop_now_ms(shard->loop);
}

/* Whose doing it is, where repeated things are folded: its connection's, or that of who has none any more. NULL: nobody's. */
uint64_t gh_shard_subject(const struct gh_shard *shard, const struct gh_client *client);

/* Another worker is to do something: fn(shard, mail) there. The mail is the head of the sender's struct. */
static inline void gh_shard_send(struct gh_shard *from, unsigned to, enum gh_lane lane,
				 struct gh_mail *mail)
{
	gh_worker_send(from->worker, gh_workers_at(from->broker->workers, to), lane, mail);
}

/*
 * Any thread, the control thread above all: swaps this worker's runtime between two turns and re-checks what is live. `left`
 * is called on the worker when it is done with the old one.
 */
typedef void gh_shard_left_fn(void *arg, struct gh_runtime *old, unsigned worker);
void gh_shard_swap(struct gh_worker *worker, struct gh_runtime *runtime, gh_shard_left_fn *left,
		   void *arg);

/* From the control thread: gh_instance_worker_stop(instance), then `stopped` is called on the worker. */
typedef void gh_shard_stopped_fn(void *arg, struct gh_instance *instance, unsigned worker);
void gh_shard_stop_instance(struct gh_worker *worker, struct gh_instance *instance,
			    gh_shard_stopped_fn *stopped, void *arg);

/* From the control thread at shutdown: says 0x8B to all clients, closes them, cancels what waits. */
void gh_shard_shutdown(struct gh_worker *worker);

#endif
