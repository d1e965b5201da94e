/* SPDX-License-Identifier: Apache-2.0 */
/* A PUBLISH of a client: alias, limits, right, QoS state, routing, acknowledgement. */
#include "client/publish.h"

#include "base/mem.h"
#include "base/str.h"
#include "client/author.h"
#include "client/class.h"
#include "client/limit.h"
#include "client/persist.h"
#include "client/rights.h"
#include "client/route.h"
#include "client/send.h"

/* ---- answers ---- */

static void acknowledge(struct gh_channel *channel, const struct gh_packet_publish *packet,
			enum gh_reason reason, const char *text)
{
	if (packet->qos == 1)
		gh_send_ack(channel, GH_PACKET_PUBACK, packet->packet_id, reason, text);
	else if (packet->qos == 2)
		gh_send_ack(channel, GH_PACKET_PUBREC, packet->packet_id, reason, text);
}

/* A PUBREC that refuses ends it in MQTT 5; in 3.1.1 a PUBREL will still come, and finds nothing, which is fine. */
enum gh_next gh_publish_refuse(struct gh_channel *channel, const struct gh_packet_publish *packet,
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

/* Only user properties are edited, and all of them are forwarded. */
static size_t forwarded(const struct gh_incoming *in)
{
	const struct gh_message_properties *properties = &in->packet.properties;

	return properties->forward_n + gh_incoming_properties(in).n - properties->raw.n;
}

static struct gh_publication_facts facts_of(struct gh_channel *channel, const struct gh_incoming *in)
{
	const struct gh_packet_publish *packet = &in->packet;
	struct gh_publication_facts facts = { .topic = gh_incoming_topic(in),
					      .payload = gh_incoming_payload(in),
					      .properties = gh_incoming_properties(in),
					      .forward_n = forwarded(in),
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

/* Behind the message itself: where it is known that it came, it has come. A PUBREC that refuses ends its id [MQTT-4.3.3-9]. */
static void note_inbound(struct gh_channel *channel, const struct gh_packet_publish *packet,
			 enum gh_reason reason)
{
	struct gh_session *session = channel->session;

	if (packet->qos < 2)
		return;
	if (reason >= GH_REASON_FAILURE && channel->receiver.version == GH_MQTT_5)
		gh_inbound_remove(&session->inbound, packet->packet_id);
	else
		gh_persist_inbound(channel->shard, session, packet->packet_id);
}

static enum gh_next route(struct gh_channel *channel, const struct gh_incoming *in)
{
	const struct gh_packet_publish *packet = &in->packet;
	struct gh_publication_facts facts = facts_of(channel, in);
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
	note_inbound(channel, packet, reason);
	if (reason >= GH_REASON_FAILURE)
		return gh_publish_refuse(channel, packet, reason,
					 "retained messages: a limit is reached");
	acknowledge(channel, packet, reason, NULL);
	return GH_GO_ON;
}

/* QoS 2: what came before is acknowledged again and not routed again [MQTT-4.3.3-10]. */
enum gh_next gh_publish_accept(struct gh_channel *channel, const struct gh_incoming *in)
{
	const struct gh_packet_publish *packet = &in->packet;
	uint16_t maximum = channel->receiver.version == GH_MQTT_5 ? channel->receive_maximum : 65535;
	enum gh_next next;

	if (packet->qos == 2) {
		switch (gh_inbound_add(&channel->session->inbound, packet->packet_id, maximum)) {
		case GH_INBOUND_AGAIN:
			acknowledge(channel, packet, GH_REASON_SUCCESS, NULL);
			return GH_GO_ON;
		case GH_INBOUND_FULL:
			gh_tell_limit(channel->shard, gh_channel_client(channel), "receive-maximum");
			return gh_channel_end(channel, GH_REASON_RECEIVE_MAXIMUM_EXCEEDED,
					      "receive maximum exceeded");
		case GH_INBOUND_NEW: break;
		}
	}
	next = route(channel, in);
	if (channel->state == GH_CHANNEL_ENDED)
		return GH_STOP_HERE;
	return gh_conn_paused(channel->conn) ? GH_STOP_HERE : next;
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
		gh_tell_limit(channel->shard, gh_channel_client(channel), "topic-alias-max");
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

/* What the core's limits say, observers told; NULL: nothing against it. */
static const char *unacceptable(const struct gh_channel *channel,
				const struct gh_packet_publish *packet, enum gh_reason *reason_r)
{
	const struct gh_limits *limits = gh_channel_limits(channel);
	const char *key = packet->topic.n > 0 ? gh_topic_beyond(limits, packet->topic) : NULL;
	const char *problem = "topic longer than topic-length or topic-levels";

	*reason_r = GH_REASON_TOPIC_INVALID;
	if (!key && packet->properties.user_count > limits->user_properties) {
		*reason_r = GH_REASON_QUOTA_EXCEEDED;
		key = "user-properties";
		problem = "more user properties than allowed";
	}
	if (!key)
		return NULL;
	gh_tell_limit(channel->shard, gh_channel_client(channel), key);
	return problem;
}

enum gh_next gh_publish_in(struct gh_channel *channel, const struct gh_frame *frame)
{
	struct gh_incoming in;
	const struct gh_packet_publish *packet = &in.packet;
	struct gh_malformed why;
	enum gh_reason reason;
	const char *problem;

	if (gh_decode_publish(channel->receiver.version, frame, &in.packet, &why) < 0)
		return gh_channel_malformed(channel, &why);
	gh_count(channel->shard->broker, GH_COUNT_PUBLISH_IN);
	channel->received.messages++;
	channel->received.bytes += frame->total;
	problem = unacceptable(channel, packet, &reason);
	if (problem) /* before its alias is set: nothing that is refused for its size is kept */
		return gh_publish_refuse(channel, packet, reason, problem);
	if (!resolve(channel, packet, &in.topic))
		return GH_STOP_HERE;
	if (packet->qos == 2 && gh_inbound_has(&channel->session->inbound, packet->packet_id)) {
		acknowledge(channel, packet, GH_REASON_SUCCESS, NULL);
		return GH_GO_ON;
	}
	return gh_permit(channel, frame, &in);
}
