/* SPDX-License-Identifier: Apache-2.0 */
/* What a decision of the authorize list means for one act, and who is told when it means no. */
#include "client/rights.h"

#include "base/log.h"
#include "base/str.h"
#include "base/utf8.h"
#include "mqtt/topic.h"

bool gh_right_given(const struct gh_decision *decision, uint8_t qos, bool retain, uint64_t size)
{
	return decision->verdict == GH_ALLOW && qos <= decision->max_qos && size <= decision->max_size &&
	       !(retain && decision->no_retain);
}

static void count(struct gh_shard *shard, enum gh_action action)
{
	if (action == GH_SUBSCRIBE)
		gh_count(shard->broker, GH_COUNT_SUBSCRIBE_DENIED);
	else if (action == GH_RECEIVE)
		gh_count(shard->broker, GH_COUNT_RECEIVE_DENIED);
	else
		gh_count(shard->broker, GH_COUNT_PUBLISH_DENIED);
}

static const char *verb(enum gh_action action)
{
	switch (action) {
	case GH_PUBLISH:
		return "denied publish";
	case GH_SUBSCRIBE:
		return "denied subscribe";
	case GH_RECEIVE:
		return "denied receive";
	case GH_WILL:
		break;
	}
	return "denied will";
}

static const char *why_of(const struct gh_decision *decision)
{
	if (decision->why[0])
		return decision->why;
	return decision->verdict == GH_ALLOW ? "beyond the limits of the rule that allows it" : "no rule allows it";
}

static void log_denied(const struct gh_client *client, enum gh_action action, struct gh_str topic,
		       const struct gh_decision *decision, const char *rule)
{
	const struct gh_log_field fields[] = {
		GH_FIELD("address", client->address),
		GH_FIELD("client", client->client_id),
		GH_FIELD("user", client->identity ? client->identity->principal : ""),
		GH_FIELD("listener", client->listener),
		GH_FIELD_NUMBER("protocol", client->protocol),
		GH_FIELD_STR("topic", topic),
		GH_FIELD("module", decision->module),
		GH_FIELD("rule", rule),
		GH_FIELD("reason", why_of(decision)),
	};

	/* What a device does again and again must not fill the disk: deliveries are told at debug only. */
	gh_log_line(action == GH_RECEIVE ? GH_LOG_DEBUG : GH_LOG_NOTICE, fields, 9, "%s", verb(action));
}

void gh_tell_denied(struct gh_shard *shard, const struct gh_client *client, enum gh_action action, struct gh_str topic,
		    const struct gh_decision *decision)
{
	struct gh_event event = { .kind = GH_EV_DENY, .verdict = GH_DENY, .action = action, .topic = topic };
	bool wanted = gh_event_wanted(shard->runtime, GH_EV_DENY);
	char rule[GH_FILE_MAX + 16];

	count(shard, action);
	if (!wanted && !gh_log_wanted(action == GH_RECEIVE ? GH_LOG_DEBUG : GH_LOG_NOTICE))
		return;
	gh_decision_rule(decision, rule, sizeof(rule));
	log_denied(client, action, topic, decision, rule);
	if (!wanted)
		return;
	event.client = client;
	event.module = decision->module;
	event.why = decision->why;
	event.rule = rule;
	event.cause = decision->cause;
	event.reason = GH_REASON_NOT_AUTHORIZED;
	gh_event_tell(shard->runtime, &event);
}

bool gh_may_receive(struct gh_shard *shard, struct gh_session *session, const struct gh_publication_facts *message,
		    uint8_t qos, uint32_t covered)
{
	const struct gh_client *client = gh_snapshot_client(session->identity);
	const struct gh_client *author = message->author ? gh_snapshot_client(message->author) : NULL;
	struct gh_authorize in = { .client = client, .action = GH_RECEIVE, .qos = qos, .retain = message->retain,
				   .topic = message->topic, .payload_size = message->payload.n,
				   .properties = message->properties };
	const struct gh_policy *policy;
	struct gh_asking asking = { .asker = shard->asker };
	struct gh_decision decision;

	if (covered == gh_shard_generation(shard))
		return true;
	policy = gh_runtime_policy(shard->runtime, client->listener);
	if (!policy)
		return false;
	asking.chain = policy->authorize;
	if (author && author->identity) {
		in.author = author->identity->principal;
		in.author_realm = author->identity->realm;
	}
	gh_ask_authorize(&asking, &in, NULL, &decision);
	if (gh_right_given(&decision, qos, false, message->payload.n))
		return true;
	gh_tell_denied(shard, client, GH_RECEIVE, message->topic, &decision);
	return false;
}

bool gh_topic_within(const struct gh_limits *limits, struct gh_str topic)
{
	return topic.n <= (uint64_t)limits->topic_length && gh_topic_levels(topic) <= (uint64_t)limits->topic_levels;
}

bool gh_payload_acceptable(const struct gh_channel *channel, bool is_text, struct gh_bytes payload)
{
	return !is_text || !channel->listener->check_payload_format || gh_utf8_valid_payload(payload.p, payload.n);
}
