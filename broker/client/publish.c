/* SPDX-License-Identifier: Apache-2.0 */
/* A PUBLISH of a client: alias, limits, right, QoS state, routing, acknowledgement. */
#include "client/publish.h"

#include "base/mem.h"
#include "base/str.h"
#include "client/author.h"
#include "client/rights.h"
#include "client/route.h"
#include "client/send.h"

#include <stdlib.h>

struct gh_parked {
	struct gh_channel *channel;
	struct gh_ask *ask;
	uint32_t generation; /* of the policy that is asked */
	uint8_t *body;
	struct gh_packet_publish packet; /* views into body */
	struct gh_str topic; /* resolved; in body or in the alias table, which doesn't change while we wait */
};

void gh_parked_free(struct gh_parked **parked)
{
	struct gh_parked *p = *parked;

	if (!p)
		return;
	gh_ask_cancel(&p->ask);
	free(p->body);
	free(p);
	*parked = NULL;
}

/* ---- answers ---- */

static void acknowledge(struct gh_channel *channel, const struct gh_packet_publish *packet,
			enum gh_reason reason, const char *text)
{
	if (packet->qos == 1)
		gh_send_ack(channel, GH_PACKET_PUBACK, packet->packet_id, reason, text);
	else if (packet->qos == 2)
		gh_send_ack(channel, GH_PACKET_PUBREC, packet->packet_id, reason, text);
}

/* Not accepted: told so where the version can (3.1.1 gets a plain acknowledgement), and dropped. A PUBREC that refuses
 * ends it in MQTT 5; in 3.1.1 a PUBREL will still come, and finds nothing, which is fine. */
static enum gh_next refuse(struct gh_channel *channel, const struct gh_packet_publish *packet,
			   enum gh_reason reason, const char *text)
{
	if (channel->receiver.version < GH_MQTT_5)
		reason = GH_REASON_SUCCESS;
	acknowledge(channel, packet, reason, text);
	return GH_GO_ON;
}

void gh_tell_published(struct gh_shard *shard, const struct gh_client *client,
		       const struct gh_publication_facts *facts)
{
	struct gh_message message = { .size = sizeof(message),
				      .qos = facts->qos,
				      .retain = facts->retain,
				      .topic = facts->topic,
				      .payload = facts->payload,
				      .properties = facts->properties };
	struct gh_event event = { .kind = GH_EV_PUBLISH,
				  .client = client,
				  .message = &message,
				  .topic = facts->topic,
				  .qos = facts->qos,
				  .retain = facts->retain,
				  .bytes = facts->payload.n };

	if (gh_event_wanted(shard->runtime, GH_EV_PUBLISH))
		gh_event_tell(shard->runtime, &event);
}

/* ---- an allowed one ---- */

static struct gh_publication_facts facts_of(struct gh_channel *channel,
					    const struct gh_packet_publish *packet,
					    struct gh_str topic)
{
	struct gh_publication_facts facts = { .topic = topic,
					      .payload = packet->payload,
					      .properties = packet->properties.raw,
					      .forward_n = packet->properties.forward_n,
					      .origin = gh_session_client_id(channel->session),
					      .qos = packet->qos,
					      .retain = packet->retain,
					      .is_text = packet->properties.is_text,
					      .author = gh_author_of(channel) };

	if (packet->properties.has_expiry) {
		/* 0 seconds: nobody who isn't there already; 1 ms is the least that isn't "never". */
		uint64_t ms = packet->properties.expiry ? packet->properties.expiry * 1000ull : 1;

		facts.expires_at = gh_shard_now(channel->shard) + ms;
	}
	return facts;
}

static enum gh_next route(struct gh_channel *channel, const struct gh_packet_publish *packet,
			  struct gh_str topic)
{
	struct gh_publication_facts facts = facts_of(channel, packet, topic);
	enum gh_reason reason = GH_REASON_SUCCESS;
	struct gh_transit transit;

	gh_transit_init(&transit, &facts);
	switch (gh_route(channel->shard, &transit, channel)) {
	case GH_ROUTED:
		gh_tell_published(channel->shard, gh_channel_client(channel), &facts);
		break;
	case GH_ROUTED_NOBODY:
		gh_tell_published(channel->shard, gh_channel_client(channel), &facts);
		reason = GH_REASON_NO_MATCHING_SUBSCRIBERS;
		break;
	case GH_ROUTED_REFUSED: reason = GH_REASON_QUOTA_EXCEEDED; break;
	}
	gh_transit_done(&transit);
	if (reason >= GH_REASON_FAILURE)
		return refuse(channel, packet, reason, "retained messages: a limit is reached");
	acknowledge(channel, packet, reason, NULL);
	return GH_GO_ON;
}

/* QoS 2: what came before is acknowledged again and not routed again [MQTT-4.3.3-10]. */
static enum gh_next accept(struct gh_channel *channel, const struct gh_packet_publish *packet,
			   struct gh_str topic)
{
	uint16_t maximum = channel->receiver.version == GH_MQTT_5 ? channel->receive_maximum : 65535;
	enum gh_next next;

	if (packet->qos == 2) {
		switch (gh_inbound_add(&channel->session->inbound, packet->packet_id, maximum)) {
		case GH_INBOUND_AGAIN:
			acknowledge(channel, packet, GH_REASON_SUCCESS, NULL);
			return GH_GO_ON;
		case GH_INBOUND_FULL:
			return gh_channel_end(channel, GH_REASON_RECEIVE_MAXIMUM_EXCEEDED,
					      "receive maximum exceeded");
		case GH_INBOUND_NEW: break;
		}
	}
	next = route(channel, packet, topic);
	if (channel->state == GH_CHANNEL_ENDED)
		return GH_STOP_HERE;
	return gh_conn_paused(channel->conn) ? GH_STOP_HERE : next;
}

/* ---- its right ---- */

static enum gh_next denied(struct gh_channel *channel, const struct gh_packet_publish *packet,
			   struct gh_str topic, const struct gh_decision *decision)
{
	enum gh_reason reason = decision->reason_set && decision->reason >= GH_REASON_FAILURE
					? decision->reason
					: GH_REASON_NOT_AUTHORIZED;

	gh_tell_denied(channel->shard, gh_channel_client(channel), GH_PUBLISH, topic, decision);
	if (decision->disconnect || channel->listener->on_deny_disconnect)
		return gh_channel_end(channel, GH_REASON_NOT_AUTHORIZED, "not authorized to publish");
	return refuse(channel, packet, reason, NULL);
}

static enum gh_next judged(struct gh_channel *channel, const struct gh_packet_publish *packet,
			   struct gh_str topic, const struct gh_decision *decision)
{
	if (!gh_right_given(decision, packet->qos, packet->retain, packet->payload.n))
		return denied(channel, packet, topic, decision);
	if (!gh_payload_acceptable(channel, packet->properties.is_text, packet->payload))
		return refuse(channel, packet, GH_REASON_PAYLOAD_FORMAT_INVALID,
			      "payload isn't the text it says it is");
	return accept(channel, packet, topic);
}

static void on_judged(void *arg, struct gh_decision *decision);

static struct gh_ask *ask_right(struct gh_channel *channel, const struct gh_packet_publish *packet,
				struct gh_str topic, struct gh_decision *decision_r)
{
	struct gh_authorize in = { .client = gh_channel_client(channel),
				   .action = GH_PUBLISH,
				   .qos = packet->qos,
				   .retain = packet->retain,
				   .topic = topic,
				   .payload_size = packet->payload.n,
				   .properties = packet->properties.raw };
	struct gh_asking asking =
		gh_channel_asking(channel, channel->policy->authorize, on_judged, channel);

	return gh_ask_authorize(&asking, &in, NULL, decision_r);
}

/* True: the policy was replaced while the one before was asked, and the new one thinks about it. */
static bool asked_again(struct gh_channel *channel, struct gh_parked *parked,
			struct gh_decision *decision)
{
	uint32_t generation = gh_shard_generation(channel->shard);

	if (parked->generation == generation)
		return false;
	parked->generation = generation;
	parked->ask = ask_right(channel, &parked->packet, parked->topic, decision);
	if (parked->ask)
		channel->parked = parked;
	return parked->ask;
}

static void on_judged(void *arg, struct gh_decision *decision)
{
	struct gh_channel *channel = arg;
	struct gh_parked *parked = channel->parked;

	parked->ask = NULL;
	channel->parked = NULL; /* so that an end on the way doesn't free it under us */
	if (gh_channel_refresh(channel)) {
		if (asked_again(channel, parked, decision))
			return;
		gh_channel_go_on(channel);
		judged(channel, &parked->packet, parked->topic, decision);
	}
	gh_parked_free(&parked);
}

static void park(struct gh_channel *channel, const struct gh_frame *frame, struct gh_str topic,
		 struct gh_ask *ask)
{
	struct gh_parked *parked = gh_zalloc(sizeof(*parked));
	struct gh_frame copy = *frame;
	struct gh_malformed why;

	channel->parked = parked;
	parked->ask = ask;
	parked->generation = gh_shard_generation(channel->shard);
	parked->body = gh_alloc(frame->body.n);
	memcpy(parked->body, frame->body.p, frame->body.n);
	copy.body.p = parked->body;
	gh_decode_publish(channel->receiver.version, &copy, &parked->packet,
			  &why); /* it has been decoded once already */
	parked->topic = parked->packet.topic.n ? parked->packet.topic : topic;
	gh_channel_wait(channel);
}

static enum gh_next ask(struct gh_channel *channel, const struct gh_frame *frame,
			const struct gh_packet_publish *packet, struct gh_str topic)
{
	struct gh_decision decision;
	struct gh_ask *waits = ask_right(channel, packet, topic, &decision);

	if (!waits)
		return judged(channel, packet, topic, &decision);
	park(channel, frame, topic, waits);
	return GH_STOP_HERE;
}

/* ---- what comes in ---- */

/* False: the client has been sent away. */
static bool resolve(struct gh_channel *channel, const struct gh_packet_publish *packet,
		    struct gh_str *topic_r)
{
	static const struct gh_malformed too_large = { GH_REASON_TOPIC_ALIAS_INVALID,
						       "topic alias above the maximum" };
	static const struct gh_malformed unknown = { GH_REASON_PROTOCOL_ERROR,
						     "topic alias that was never set" };
	uint16_t alias = packet->properties.topic_alias;

	*topic_r = packet->topic;
	if (alias == 0)
		return true;
	if (alias > channel->alias_maximum) {
		gh_channel_malformed(channel, &too_large);
		return false;
	}
	if (packet->topic.n > 0) {
		gh_alias_in_set(&channel->alias_in, alias, packet->topic);
		return true;
	}
	if (gh_alias_in_get(&channel->alias_in, alias, topic_r))
		return true;
	gh_channel_malformed(channel, &unknown);
	return false;
}

/* What the core's limits say; NULL: nothing against it. */
static const char *unacceptable(const struct gh_channel *channel,
				const struct gh_packet_publish *packet, enum gh_reason *reason_r)
{
	const struct gh_limits *limits = &channel->listener->limits;

	*reason_r = GH_REASON_TOPIC_INVALID;
	if (packet->topic.n > 0 && !gh_topic_within(limits, packet->topic))
		return "topic longer than topic-length or topic-levels";
	*reason_r = GH_REASON_QUOTA_EXCEEDED;
	return packet->properties.user_count > limits->user_properties
		       ? "more user properties than allowed"
		       : NULL;
}

enum gh_next gh_publish_in(struct gh_channel *channel, const struct gh_frame *frame)
{
	struct gh_packet_publish packet;
	struct gh_malformed why;
	enum gh_reason reason;
	const char *problem;
	struct gh_str topic;

	if (gh_decode_publish(channel->receiver.version, frame, &packet, &why) < 0)
		return gh_channel_malformed(channel, &why);
	gh_count(channel->shard->broker, GH_COUNT_PUBLISH_IN);
	channel->received.messages++;
	channel->received.bytes += frame->total;
	problem = unacceptable(channel, &packet, &reason);
	if (problem) /* before its alias is set: nothing that is refused for its size is kept */
		return refuse(channel, &packet, reason, problem);
	if (!resolve(channel, &packet, &topic))
		return GH_STOP_HERE;
	if (packet.qos == 2 && gh_inbound_has(&channel->session->inbound, packet.packet_id)) {
		acknowledge(channel, &packet, GH_REASON_SUCCESS, NULL);
		return GH_GO_ON;
	}
	return ask(channel, frame, &packet, topic);
}
