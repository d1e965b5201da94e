/* SPDX-License-Identifier: Apache-2.0 */
/* Once a second, what each client with traffic has sent and got since. */
#include "client/usage.h"

#include "base/mem.h"

#include <stdlib.h>

#define TICK_MS 1000u
/* Sessions looked at in one turn. */
#define SLICE   1024u

struct gh_usage {
	struct gh_shard *shard;
	struct gh_timeout timeout; /* the next slice, or the next second */
	struct gh_registry_walk walk;
	uint64_t began_at;
	bool walking;
	bool counted; /* all have been seen once: what they did before anybody wanted to know isn't told */
};

/* What was told of a connection, made with its first traffic. */
struct gh_channel_usage {
	struct gh_channel_traffic received, sent;
};

static struct gh_traffic since(const struct gh_channel_traffic *now,
			       const struct gh_channel_traffic *then)
{
	return (struct gh_traffic){ now->messages - then->messages, now->bytes - then->bytes };
}

static void tell(struct gh_channel *channel, const struct gh_traffic *received,
		 const struct gh_traffic *sent)
{
	struct gh_event event = { .kind = GH_EV_USAGE,
				  .client = gh_channel_client(channel),
				  .username = channel->shown_user,
				  .received = *received,
				  .sent = *sent };

	gh_event_tell(channel->shard->runtime, &event);
}

static void look(struct gh_channel *channel, bool counted)
{
	static const struct gh_channel_usage nothing;
	const struct gh_channel_usage *told = channel->usage ? channel->usage : &nothing;
	struct gh_traffic received = since(&channel->received, &told->received);
	struct gh_traffic sent = since(&channel->sent, &told->sent);

	if (received.bytes + sent.bytes + received.messages + sent.messages == 0)
		return;
	if (!channel->usage)
		channel->usage = gh_zalloc(sizeof(*channel->usage));
	channel->usage->received = channel->received;
	channel->usage->sent = channel->sent;
	if (counted)
		tell(channel, &received, &sent);
}

void gh_usage_last(struct gh_channel *channel)
{
	const struct gh_usage *usage = channel->shard->usage;

	if (usage)
		look(channel, usage->counted);
}

static void end_walk(struct gh_usage *usage)
{
	uint64_t took = gh_shard_now(usage->shard) - usage->began_at;

	usage->walking = false;
	usage->counted = true;
	gh_loop_timeout(usage->shard->loop, &usage->timeout, took < TICK_MS ? TICK_MS - took : 0);
}

static void on_timeout(struct gh_timeout *timeout)
{
	struct gh_usage *usage = gh_container(timeout, struct gh_usage, timeout);
	struct gh_shard *shard = usage->shard;

	if (!usage->walking) {
		usage->walking = true;
		usage->began_at = gh_shard_now(shard);
		gh_registry_walk_begin(shard->sessions, &usage->walk);
	}
	for (unsigned i = 0; i < SLICE; i++) {
		struct gh_session *session = gh_registry_walk_next(shard->sessions, &usage->walk);

		if (!session) {
			end_walk(usage);
			return;
		}
		if (session->channel)
			look(session->channel, usage->counted);
	}
	gh_loop_timeout(shard->loop, &usage->timeout, 0);
}

void gh_usage_set(struct gh_shard *shard)
{
	struct gh_usage *usage;

	if (!gh_event_wanted(shard->runtime, GH_EV_USAGE)) {
		gh_usage_cancel(shard);
		return;
	}
	if (shard->usage)
		return;
	usage = shard->usage = gh_zalloc(sizeof(*usage));
	usage->shard = shard;
	gh_timeout_init(&usage->timeout, on_timeout);
	gh_loop_timeout(shard->loop, &usage->timeout, 0);
}

void gh_usage_cancel(struct gh_shard *shard)
{
	struct gh_usage *usage = shard->usage;

	if (!usage)
		return;
	if (usage->walking)
		gh_registry_walk_end(&usage->walk);
	gh_loop_timeout_cancel(shard->loop, &usage->timeout);
	free(usage);
	shard->usage = NULL;
}
