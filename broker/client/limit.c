/* SPDX-License-Identifier: Apache-2.0 */
/* Telling that a limit was met. */
#include "client/limit.h"

#include "mqtt/topic.h"

static void tell(struct gh_shard *shard, struct gh_event *event)
{
	uint64_t left_out;

	if (!gh_event_wanted(shard->runtime, GH_EV_LIMIT) ||
	    gh_repeated(shard->limits, gh_shard_subject(shard, event->client), event->text,
			gh_shard_now(shard), &left_out))
		return;
	event->count = left_out + 1;
	gh_event_tell(shard->runtime, event);
}

void gh_tell_limit(struct gh_shard *shard, const struct gh_client *client, const char *key)
{
	struct gh_event event = { .kind = GH_EV_LIMIT, .client = client, .text = key };

	tell(shard, &event);
}

void gh_tell_limit_of(struct gh_shard *shard, const char *module, const char *key)
{
	struct gh_event event = { .kind = GH_EV_LIMIT, .module = module, .text = key };

	tell(shard, &event);
}

const char *gh_topic_beyond(const struct gh_limits *limits, struct gh_str topic)
{
	if (topic.n > (uint64_t)limits->topic_length)
		return "topic-length";
	return gh_topic_levels(topic) > (uint64_t)limits->topic_levels ? "topic-levels" : NULL;
}
