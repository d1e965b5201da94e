/* SPDX-License-Identifier: Apache-2.0 */
/* An accepted message to all who are to get it. */
#include "client/route.h"

#include "base/mem.h"
#include "client/author.h"
#include "client/class.h"
#include "client/deliver.h"
#include "client/groups.h"
#include "client/limit.h"

#include <stdlib.h>

/* ---- on one worker ---- */

static void deliver_to(struct gh_shard *shard, struct gh_transit *transit,
		       const struct gh_target *target)
{
	const struct gh_delivering how = { .ids = gh_match_ids(&shard->match, target),
					   .id_count = target->id_count,
					   .covered = target->covered,
					   .qos = target->qos,
					   .retain = target->retain_as_published &&
						     transit->facts.retain };

	gh_deliver(shard, target->session, transit, &how);
}

static bool route_here(struct gh_shard *shard, struct gh_transit *transit)
{
	struct gh_match *match = &shard->match;

	gh_match_run(match, transit->facts.topic, transit->facts.origin);
	for (uint32_t i = 0; i < match->target_count; i++)
		deliver_to(shard, transit, &match->targets[i]);
	for (uint32_t i = 0; i < match->group_count; i++)
		gh_group_give(shard, match->groups[i], transit);
	return match->target_count + match->group_count > 0;
}

/* ---- to the others ---- */

struct travelling {
	struct gh_mail mail;
	struct gh_publication *publication;
};

static void arrive(struct gh_mail *mail, void *owner)
{
	struct travelling *t = (struct travelling *)(void *)mail;
	struct gh_transit transit;

	if (owner) {
		gh_transit_of(&transit, t->publication);
		route_here(gh_shard_of(owner), &transit);
		gh_transit_done(&transit);
	}
	gh_publication_unref(&t->publication);
	free(t);
}

static void send_to(struct gh_shard *shard, unsigned worker, struct gh_publication *publication)
{
	struct travelling *t = gh_alloc(sizeof(*t));

	t->mail.deliver = arrive;
	t->mail.weight = (uint32_t)(sizeof(*t) + gh_publication_cost(publication));
	t->publication = gh_publication_ref(publication);
	gh_shard_send(shard, worker, GH_LANE_DATA, &t->mail);
}

static bool route_away(struct gh_shard *shard, struct gh_transit *transit,
		       struct gh_channel *publisher)
{
	struct gh_publication *publication;
	uint64_t others;

	if (shard->broker->worker_count == 1)
		return false;
	others = gh_interest_lookup(shard->broker->interest, transit->facts.topic) &
		 ~(1ull << shard->index);
	if (!others)
		return false;
	publication = gh_transit_publication(transit);
	if (!publication) {
		gh_tell_dropped(shard, NULL, transit->facts.topic, GH_COUNT_DROP_MEMORY);
		return true;
	}
	shard->sent_to |= shard->stores ? others : 0;
	for (uint64_t left = others; left; left &= left - 1) {
		unsigned worker = (unsigned)__builtin_ctzll(left);

		send_to(shard, worker, publication);
		if (publisher)
			gh_conn_hold(publisher->conn, gh_workers_at(shard->broker->workers, worker));
	}
	return true;
}

/* ---- retained ---- */

static bool may_be_kept(const struct gh_shard *shard, const struct gh_transit *transit,
			const struct gh_channel *publisher)
{
	const struct gh_limits *limits =
		publisher ? gh_channel_limits(publisher) : &gh_shard_settings(shard)->limits;

	return transit->facts.payload.n <= limits->retained_size;
}

/* What was full may have room again by now: then it is memory. */
static void tell_refused(struct gh_shard *shard, const struct gh_channel *publisher, bool small)
{
	uint64_t messages = (uint64_t)gh_shard_settings(shard)->limits.retained_messages;
	const char *key = "retained-size";

	if (small)
		key = gh_retained_count(shard->broker->retained) >= messages ? "retained-messages"
									     : "retained-bytes";
	gh_tell_limit(shard, publisher ? gh_channel_client(publisher) : NULL, key);
	gh_count(shard->broker, GH_COUNT_RETAINED_REFUSED);
}

static bool keep(struct gh_shard *shard, struct gh_transit *transit,
		 const struct gh_channel *publisher)
{
	bool small = may_be_kept(shard, transit, publisher);
	struct gh_publication *publication = small ? gh_transit_publication(transit) : NULL;
	enum gh_retained_result result;

	if (publication) {
		gh_author_entitled(shard, publication);
		result = gh_retained_set(shard->broker->retained, publication);
		shard->stored |= shard->stores;
		shard->store_failed |= result == GH_RETAINED_UNKEPT;
		if (result != GH_RETAINED_FULL)
			return true;
	}
	tell_refused(shard, publisher, small);
	return false;
}

/* The store first, then the subscribers: so a SUBSCRIBE, which does it the other way round, never misses the newest value. */
enum gh_routed gh_route(struct gh_shard *shard, struct gh_transit *transit,
			struct gh_channel *publisher)
{
	bool here, away;

	if (transit->facts.retain && !keep(shard, transit, publisher))
		return GH_ROUTED_REFUSED;
	here = route_here(shard, transit);
	if (publisher && shard->match.group_count > 0) /* what went on to members elsewhere weighs here */
		gh_conn_hold(publisher->conn, shard->worker);
	away = route_away(shard, transit, publisher);
	return here || away ? GH_ROUTED : GH_ROUTED_NOBODY;
}
