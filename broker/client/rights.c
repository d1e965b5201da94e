/* SPDX-License-Identifier: Apache-2.0 */
/* What a decision of the authorize list means for one act, and who is told when it means no. */
#include "client/rights.h"

#include "base/log.h"
#include "base/str.h"
#include "base/utf8.h"
#include "client/renewal.h"
#include "client/verdicts.h"
#include "mqtt/topic.h"

bool gh_right_given(const struct gh_decision *decision, uint8_t qos, bool retain, uint64_t size)
{
	return decision->verdict == GH_ALLOW && qos <= decision->max_qos &&
	       size <= decision->max_size && !(retain && decision->no_retain);
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
	case GH_PUBLISH: return "denied publish";
	case GH_SUBSCRIBE: return "denied subscribe";
	case GH_RECEIVE: return "denied receive";
	case GH_WILL: break;
	}
	return "denied will";
}

static const char *why_of(const struct gh_decision *decision)
{
	if (decision->why[0])
		return decision->why;
	return decision->verdict == GH_ALLOW ? "beyond the limits of the rule that allows it"
					     : "no rule allows it";
}

static void log_denied(struct gh_shard *shard, const struct gh_client *client, enum gh_action action,
		       struct gh_str topic, const struct gh_decision *decision, const char *rule)
{
	uint64_t left_out = 0;
	bool folded = gh_repeated(shard->denials, gh_shard_subject(shard, client), "",
				  gh_shard_now(shard), &left_out);
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
		GH_FIELD_NUMBER("repeated", (int64_t)left_out),
	};

	if (!folded)
		gh_log_line(action == GH_RECEIVE ? GH_LOG_DEBUG : GH_LOG_NOTICE, fields,
			    left_out ? 10 : 9, "%s", verb(action));
}

void gh_tell_denied(struct gh_shard *shard, const struct gh_client *client, enum gh_action action,
		    struct gh_str topic, const struct gh_decision *decision)
{
	struct gh_event event = {
		.kind = GH_EV_DENY, .verdict = GH_DENY, .action = action, .topic = topic
	};
	bool wanted = gh_event_wanted(shard->runtime, GH_EV_DENY);
	char rule[GH_FILE_MAX + 16];

	count(shard, action);
	if (!wanted && !gh_log_wanted(action == GH_RECEIVE ? GH_LOG_DEBUG : GH_LOG_NOTICE))
		return;
	gh_decision_rule(decision, rule, sizeof(rule));
	log_denied(shard, client, action, topic, decision, rule);
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

void gh_cover_keep(struct gh_shard *shard, struct gh_subscriber *subscriber,
		   const struct gh_cover *cover)
{
	uint32_t generation = gh_shard_generation(shard);

	subscriber->covered = cover->whole ? generation : 0;
	subscriber->judged = cover->pass | cover->allow ? generation : 0;
	subscriber->cover_pass = cover->pass;
	subscriber->cover_allow = cover->allow;
	if (cover->seconds)
		gh_renew_before(shard, subscriber->who.session,
				gh_shard_now(shard) + cover->seconds * 1000ull);
}

static bool uncover(void *arg, struct gh_delivery *delivery)
{
	(void)arg;
	delivery->covered = 0;
	return false;
}

void gh_cover_forget_waiting(struct gh_session *session)
{
	for (struct gh_window_entry *e = gh_window_first(&session->window); e;
	     e = gh_window_next(&session->window, e))
		uncover(NULL, &e->delivery);
	gh_queue_filter(&session->queue, uncover, NULL);
	gh_backlog_uncover(&session->backlog);
}

void gh_cover_forget(struct gh_shard *shard, struct gh_session *session)
{
	const struct gh_cover nothing = { 0 };
	struct gh_channel *channel = session->channel;

	if (channel)
		gh_verdicts_free(&channel->verdicts);
	gh_list_each(&session->subscriptions, it, next)
		gh_cover_keep(shard, gh_container(it, struct gh_subscriber, in_session), &nothing);
	gh_cover_forget_waiting(session);
}

/* Some modules of the list have covered it, others want to be asked: a rare mixture, so the subscription that a message
 * came by is looked for, not carried along. False: none has covered anything. */
static bool partly_covered(struct gh_shard *shard, const struct gh_session *session,
			   struct gh_str topic, struct gh_cover *cover_r)
{
	gh_list_each(&session->subscriptions, it, next)
	{
		const struct gh_subscriber *subscriber =
			gh_container(it, struct gh_subscriber, in_session);
		struct gh_share share;

		if (subscriber->judged != gh_shard_generation(shard))
			continue;
		shard->scratch.n = 0;
		gh_index_filter(shard->filters, subscriber, &shard->scratch);
		if (!gh_share_parse(gh_str_n((const char *)shard->scratch.p, shard->scratch.n),
				    &share) ||
		    !gh_topic_match(share.filter, topic))
			continue;
		*cover_r = (struct gh_cover){ .pass = subscriber->cover_pass,
					      .allow = subscriber->cover_allow };
		return true;
	}
	return false;
}

static struct gh_authorize question_of(const struct gh_session *session,
				       const struct gh_publication_facts *message, uint8_t qos)
{
	const struct gh_client *author = message->author ? gh_snapshot_client(message->author) : NULL;
	struct gh_authorize in = { .client = gh_snapshot_client(session->identity),
				   .action = GH_RECEIVE,
				   .qos = qos,
				   .retain = message->retain,
				   .topic = message->topic,
				   .payload_size = message->payload.n,
				   .properties = message->properties };

	if (author && author->identity) {
		in.author = author->identity->principal;
		in.author_realm = author->identity->realm;
	}
	return in;
}

static bool ask_receive(struct gh_shard *shard, const struct gh_session *session,
			const struct gh_publication_facts *message, uint8_t qos,
			struct gh_decision *decision_r)
{
	struct gh_authorize in = question_of(session, message, qos);
	const struct gh_policy *policy = gh_runtime_policy(shard->runtime, in.client->listener);
	struct gh_asking asking = { .asker = shard->asker };
	struct gh_cover cover;

	if (!policy)
		return false;
	asking.chain = policy->authorize;
	gh_ask_authorize(&asking, &in,
			 partly_covered(shard, session, in.topic, &cover) ? &cover : NULL,
			 decision_r);
	return true;
}

static struct gh_verdict_key key_of(const struct gh_shard *shard, struct gh_str topic)
{
	return (struct gh_verdict_key){ .hash = &shard->broker->key,
					.topic = topic,
					.action = GH_RECEIVE,
					.generation = gh_shard_generation(shard),
					.now_ms = gh_shard_now(shard) };
}

/* Verdicts are its connection's: an offline session keeps none. */
static bool is_kept(const struct gh_shard *shard, const struct gh_session *session,
		    struct gh_str topic, struct gh_decision *decision_r)
{
	const struct gh_channel *channel = session->channel;
	struct gh_verdict_key key;

	if (!channel || !channel->verdicts)
		return false;
	key = key_of(shard, topic);
	return gh_verdicts_find(channel->verdicts, &key, decision_r);
}

static void keep(const struct gh_shard *shard, const struct gh_session *session,
		 struct gh_str topic, const struct gh_decision *decision)
{
	struct gh_channel *channel = session->channel;
	struct gh_verdict_key key;

	if (!channel || !decision->keep)
		return;
	key = key_of(shard, topic);
	gh_verdicts_keep(&channel->verdicts, &key, decision);
}

/* Its filters are to be judged anew, or are being judged. */
static bool in_review(const struct gh_shard *shard, const struct gh_session *session)
{
	return session->review || session->reviewed != gh_shard_generation(shard);
}

enum gh_may gh_may_receive(struct gh_shard *shard, struct gh_session *session,
			   const struct gh_publication_facts *message, uint8_t qos, uint32_t covered)
{
	struct gh_decision decision;

	if (covered == gh_shard_generation(shard))
		return GH_MAY;
	if (!is_kept(shard, session, message->topic, &decision)) {
		if (!ask_receive(shard, session, message, qos, &decision))
			return GH_MAY_NOT;
		keep(shard, session, message->topic, &decision);
	}
	if (gh_right_given(&decision, qos, false, message->payload.n))
		return GH_MAY;
	if (decision.uncovered && in_review(shard, session))
		return GH_MAY_LATER;
	gh_tell_denied(shard, gh_snapshot_client(session->identity), GH_RECEIVE, message->topic,
		       &decision);
	return GH_MAY_NOT;
}

bool gh_payload_acceptable(const struct gh_channel *channel, bool is_text, struct gh_bytes payload)
{
	return !is_text || !channel->listener->check_payload_format ||
	       gh_utf8_valid_payload(payload.p, payload.n);
}
