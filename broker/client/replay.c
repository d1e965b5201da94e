/* SPDX-License-Identifier: Apache-2.0 */
/* What is true already, told to one instance. */
#include "client/replay.h"

#include "base/mem.h"
#include "base/str.h"
#include "client/acts.h"
#include "client/round.h"
#include "mqtt/topic.h"

#include <stdlib.h>

#define REPLAYED 1u /* the code of these events */

/* One worker's part. Holds the instance. */
struct replay {
	struct gh_mail mail;
	struct gh_visit visit;
	struct gh_instance *instance;
	uint64_t mask;
};

static void replay_free(struct replay *replay)
{
	gh_instance_unref(replay->instance);
	free(replay);
}

static void tell_connected(const struct replay *replay, const struct gh_channel *channel)
{
	struct gh_event event = { .kind = GH_EV_CONNECT,
				  .code = REPLAYED,
				  .client = gh_channel_client(channel),
				  .username = channel->shown_user };

	gh_event_tell_one(replay->instance, &event);
}

static void tell_subscribed(const struct replay *replay, struct gh_shard *shard,
			    const struct gh_session *session, const struct gh_subscriber *subscriber)
{
	struct gh_event event = { .kind = GH_EV_SUBSCRIBE,
				  .code = REPLAYED,
				  .client = gh_snapshot_client(session->identity),
				  .qos = subscriber->qos };
	struct gh_share share;

	shard->scratch.n = 0;
	gh_index_filter(shard->filters, subscriber, &shard->scratch);
	if (!gh_share_parse(gh_str_n((const char *)shard->scratch.p, shard->scratch.n), &share))
		return;
	event.topic = share.filter;
	event.share = share.group;
	gh_event_tell_one(replay->instance, &event);
}

static bool visit(struct gh_visit *visit, struct gh_shard *shard, struct gh_session *session)
{
	struct replay *replay = gh_container(visit, struct replay, visit);

	if (gh_instance_retired(replay->instance)) {
		visit->over = true;
		return true;
	}
	if (replay->mask & GH_EV_CONNECT && session->channel)
		tell_connected(replay, session->channel);
	if (!(replay->mask & GH_EV_SUBSCRIBE))
		return true;
	visit->cost = session->subscription_count;
	gh_list_each(&session->subscriptions, it, next) tell_subscribed(
		replay, shard, session, gh_container(it, struct gh_subscriber, in_session));
	return true;
}

static void done(struct gh_visit *visit)
{
	replay_free(gh_container(visit, struct replay, visit));
}

static void arrive(struct gh_mail *mail, void *owner)
{
	struct replay *replay = gh_container(mail, struct replay, mail);
	struct gh_worker *worker = owner;

	if (!worker) {
		replay_free(replay);
		return;
	}
	/* It comes to this worker in a moment: another one has it already. */
	if (gh_shard_of(worker)->runtime->generation < gh_instance_generation(replay->instance)) {
		gh_worker_post(worker, GH_LANE_CONTROL, mail);
		return;
	}
	gh_round_join(gh_shard_of(worker), &replay->visit);
}

static struct replay *replay_new(struct gh_instance *instance, uint64_t mask)
{
	struct replay *replay = gh_zalloc(sizeof(*replay));

	replay->mail.deliver = arrive;
	replay->visit.whom = (struct gh_whom){ .kind = GH_EVERYONE, .text = "" };
	replay->visit.visit = visit;
	replay->visit.done = done;
	replay->instance = instance;
	replay->mask = mask;
	gh_instance_ref(instance);
	return replay;
}

int gh_replay_to(void *arg, struct gh_instance *instance, uint64_t mask)
{
	struct gh_broker *broker = arg;

	if (!gh_acts_enter(broker))
		return GH_EBUSY;
	for (unsigned i = 0; i < broker->worker_count; i++)
		gh_worker_post(gh_workers_at(broker->workers, i), GH_LANE_CONTROL,
			       &replay_new(instance, mask)->mail);
	gh_acts_leave(broker);
	return 0;
}
