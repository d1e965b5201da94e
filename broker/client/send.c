/* SPDX-License-Identifier: Apache-2.0 */
/* Packets to one client, encoded for its version straight into its output. */
#include "client/send.h"

#include "base/str.h"
#include "client/hold.h"

/* Reserve what the encoder asks for, then let it write: its room is the same both times. */
#define SEND(channel, call_sizing, call_writing) \
	do { \
		size_t n_ = (call_sizing); \
		if (n_ > 0) { \
			uint8_t *out_ = gh_conn_reserve((channel)->conn, n_); \
			gh_conn_commit((channel)->conn, (call_writing)); \
		} \
	} while (0)

/* The same, for what waits for a barrier. */
#define HOLD(channel, type, packet_id, call_sizing, call_writing) \
	do { \
		size_t n_ = (call_sizing); \
		uint8_t *out_ = gh_buf_reserve((scratch_of(channel)), n_); \
		if (n_ > 0) \
			gh_hold((channel), (type), (packet_id), out_, (call_writing)); \
	} while (0)

static struct gh_buf *scratch_of(struct gh_channel *channel)
{
	channel->shard->scratch.n = 0;
	return &channel->shard->scratch;
}

void gh_send_connack(struct gh_channel *channel, const struct gh_packet_connack *packet)
{
	if (packet->reason == GH_REASON_SUCCESS && gh_hold_needed(channel->shard)) {
		HOLD(channel, GH_PACKET_CONNACK, 0,
		     gh_encode_connack(&channel->receiver, packet, NULL, 0),
		     gh_encode_connack(&channel->receiver, packet, out_, n_));
		return;
	}
	SEND(channel, gh_encode_connack(&channel->receiver, packet, NULL, 0),
	     gh_encode_connack(&channel->receiver, packet, out_, n_));
}

void gh_send_refusal(struct gh_channel *channel, enum gh_reason reason)
{
	const struct gh_packet_connack packet = { .reason = reason,
						  .maximum_qos = 2,
						  .receive_maximum = 65535 };

	if (channel->receiver.version)
		gh_send_connack(channel, &packet);
}

void gh_send_disconnect(struct gh_channel *channel, enum gh_reason reason, const char *text)
{
	const struct gh_explanation explanation = { .has_reason_string = text != NULL,
						    .reason_string = gh_str(text) };
	const struct gh_str none = { 0 };

	SEND(channel, gh_encode_disconnect(&channel->receiver, reason, none, &explanation, NULL, 0),
	     gh_encode_disconnect(&channel->receiver, reason, none, &explanation, out_, n_));
}

void gh_send_auth(struct gh_channel *channel, const struct gh_packet_auth *packet)
{
	SEND(channel, gh_encode_auth(&channel->receiver, packet, NULL, 0),
	     gh_encode_auth(&channel->receiver, packet, out_, n_));
}

static struct gh_packet_ack ack_of(enum gh_packet_type type, uint16_t packet_id,
				   enum gh_reason reason, const char *text)
{
	return (struct gh_packet_ack){ .type = type,
				       .reason = reason,
				       .packet_id = packet_id,
				       .explanation = { .has_reason_string = text != NULL,
							.reason_string = gh_str(text) } };
}

void gh_send_ack_now(struct gh_channel *channel, enum gh_packet_type type, uint16_t packet_id,
		     enum gh_reason reason, const char *text)
{
	const struct gh_packet_ack packet = ack_of(type, packet_id, reason, text);

	if (!text) { /* the common case: its length is known */
		uint8_t *out = gh_conn_reserve(channel->conn, GH_ACK_SIZE);

		gh_conn_commit(channel->conn,
			       gh_encode_ack(&channel->receiver, &packet, out, GH_ACK_SIZE));
		return;
	}
	SEND(channel, gh_encode_ack(&channel->receiver, &packet, NULL, 0),
	     gh_encode_ack(&channel->receiver, &packet, out_, n_));
}

void gh_send_ack(struct gh_channel *channel, enum gh_packet_type type, uint16_t packet_id,
		 enum gh_reason reason, const char *text)
{
	const struct gh_packet_ack packet = ack_of(type, packet_id, reason, text);

	/* PUBREL confirms nothing of the client's; but where the session lasts, the client forgets the id that we must not forget. */
	if ((type == GH_PACKET_PUBREL && !channel->session->lasting) ||
	    !gh_hold_needed(channel->shard))
		gh_send_ack_now(channel, type, packet_id, reason, text);
	else
		HOLD(channel, type, packet_id, gh_encode_ack(&channel->receiver, &packet, NULL, 0),
		     gh_encode_ack(&channel->receiver, &packet, out_, n_));
}

void gh_send_suback(struct gh_channel *channel, const struct gh_packet_suback *packet)
{
	if (gh_hold_needed(channel->shard)) {
		HOLD(channel, (enum gh_packet_type)packet->type, packet->packet_id,
		     gh_encode_suback(&channel->receiver, packet, NULL, 0),
		     gh_encode_suback(&channel->receiver, packet, out_, n_));
		return;
	}
	SEND(channel, gh_encode_suback(&channel->receiver, packet, NULL, 0),
	     gh_encode_suback(&channel->receiver, packet, out_, n_));
}

/* ---- PUBLISH ---- */

static void release(void *arg)
{
	struct gh_publication *publication = arg;

	gh_publication_unref(&publication);
}

static void write_payload(struct gh_channel *channel, struct gh_transit *transit)
{
	struct gh_publication *publication = gh_transit_publication(transit);
	struct gh_bytes payload;

	if (!publication) {
		gh_conn_write(channel->conn, transit->facts.payload.p, transit->facts.payload.n);
		return;
	}
	payload = gh_publication_payload(publication);
	gh_conn_write_ref(channel->conn, payload.p, payload.n, release,
			  gh_publication_ref(publication));
}

static void write_publish(struct gh_channel *channel, struct gh_transit *transit,
			  const struct gh_publish_head *head, size_t head_n)
{
	const struct gh_bytes payload = transit->facts.payload;
	bool copy = payload.n < GH_CONN_REF_MIN;
	uint8_t *out = gh_conn_reserve(channel->conn, head_n + (copy ? payload.n : 0));

	gh_publish_head_write(head, out);
	if (!copy) {
		gh_conn_commit(channel->conn, head_n);
		write_payload(channel, transit);
		return;
	}
	if (payload.n > 0)
		memcpy(out + head_n, payload.p, payload.n);
	gh_conn_commit(channel->conn, head_n + payload.n);
}

/* What the alias property adds while the topic is still sent with it. */
#define ALIAS_SIZE 3u

static void use_alias(struct gh_channel *channel, struct gh_publish_head *head, size_t total)
{
	bool known;

	if (total + ALIAS_SIZE + 4 > channel->receiver.max)
		return;
	head->topic_alias = gh_alias_out_use(channel->alias_out, &channel->shard->broker->key,
					     head->topic, &known);
	if (known)
		head->topic.n = 0;
}

static void fill_mqtt5(struct gh_channel *channel, struct gh_transit *transit,
		       const struct gh_sending *how, struct gh_publish_head *head)
{
	uint64_t now = gh_shard_now(channel->shard), expires_at = transit->facts.expires_at;

	if (expires_at) {
		head->has_expiry = true;
		head->expiry = expires_at > now ? (uint32_t)((expires_at - now + 999) / 1000) : 0;
	}
	head->subscription_ids = how->ids;
	head->subscription_id_count = how->id_count;
	head->forward = gh_transit_forward(transit);
}

bool gh_send_publish(struct gh_channel *channel, struct gh_transit *transit,
		     const struct gh_sending *how)
{
	struct gh_publish_head head = { .version = channel->receiver.version,
					.qos = how->qos,
					.dup = how->dup,
					.retain = how->retain,
					.packet_id = how->packet_id,
					.topic = transit->facts.topic,
					.payload_n = transit->facts.payload.n };
	size_t total, head_n;

	if (head.version == GH_MQTT_5)
		fill_mqtt5(channel, transit, how, &head);
	head_n = gh_publish_head_size(&head, &total);
	if (head_n == 0 || total > channel->receiver.max)
		return false;
	if (channel->alias_out) {
		use_alias(channel, &head, total);
		head_n = gh_publish_head_size(&head, &total);
	}
	write_publish(channel, transit, &head, head_n);
	channel->sent.messages++;
	channel->sent.bytes += total;
	gh_count(channel->shard->broker, GH_COUNT_PUBLISH_OUT);
	return true;
}
