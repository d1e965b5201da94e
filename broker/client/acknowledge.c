/* SPDX-License-Identifier: Apache-2.0 */
/* PUBACK, PUBREC, PUBREL and PUBCOMP of a client. */
#include "client/acknowledge.h"

#include "client/deliver.h"
#include "client/persist.h"
#include "client/send.h"

/* ---- of what we have sent ---- */

static void done(struct gh_channel *channel, struct gh_window_entry *entry)
{
	gh_persist_window_end(channel->shard, channel->session, entry);
	gh_window_remove(&channel->session->window, entry, NULL);
}

/* An id we don't know, or one of the other QoS, changes nothing: after a resume an old acknowledgement may still come. */
static void on_puback(struct gh_channel *channel, uint16_t id)
{
	struct gh_window_entry *entry = gh_window_find(&channel->session->window, id);

	if (entry && entry->state == GH_WINDOW_SENT && entry->delivery.qos == 1)
		done(channel, entry);
}

static void on_pubrec(struct gh_channel *channel, const struct gh_packet_ack *ack)
{
	struct gh_window *window = &channel->session->window;
	struct gh_window_entry *entry = gh_window_find(window, ack->packet_id);
	bool known = entry && (entry->state == GH_WINDOW_RELEASED || entry->delivery.qos == 2);

	if (ack->reason >= GH_REASON_FAILURE) {
		if (known && entry->state == GH_WINDOW_SENT)
			done(channel, entry);
		return;
	}
	if (known) {
		gh_persist_received(channel->shard, channel->session, entry);
		gh_window_received(window, entry);
	}
	/* MQTT 3.1.1 has no way to say that it isn't known; a PUBREL ends it for the client. */
	gh_send_ack(channel, GH_PACKET_PUBREL, ack->packet_id,
		    known ? GH_REASON_SUCCESS : GH_REASON_PACKET_ID_NOT_FOUND, NULL);
}

static void on_pubcomp(struct gh_channel *channel, uint16_t id)
{
	struct gh_window_entry *entry = gh_window_find(&channel->session->window, id);

	if (entry && entry->state == GH_WINDOW_RELEASED)
		done(channel, entry);
}

/* ---- of what the client has sent ---- */

static void on_pubrel(struct gh_channel *channel, uint16_t id)
{
	bool known = gh_inbound_remove(&channel->session->inbound, id);

	/* Known or not: one that the store has failed to forget is there still. */
	gh_persist_inbound_end(channel->shard, channel->session, id);
	gh_send_ack(channel, GH_PACKET_PUBCOMP, id,
		    known ? GH_REASON_SUCCESS : GH_REASON_PACKET_ID_NOT_FOUND, NULL);
}

enum gh_next gh_acknowledge(struct gh_channel *channel, const struct gh_frame *frame)
{
	static const struct gh_malformed not_a_clients = { GH_REASON_PROTOCOL_ERROR,
							   "reason code that a client may not send" };
	struct gh_packet_ack ack;
	struct gh_malformed why;

	if (gh_decode_ack(channel->receiver.version, frame, &ack, &why) < 0)
		return gh_channel_malformed(channel, &why);
	if (!gh_reason_from_client(ack.reason, ack.type))
		return gh_channel_malformed(channel, &not_a_clients);
	switch (ack.type) {
	case GH_PACKET_PUBACK: on_puback(channel, ack.packet_id); break;
	case GH_PACKET_PUBREC: on_pubrec(channel, &ack); break;
	case GH_PACKET_PUBREL: on_pubrel(channel, ack.packet_id); return GH_GO_ON;
	default: on_pubcomp(channel, ack.packet_id); break;
	}
	gh_deliver_pump(channel);
	return channel->state == GH_CHANNEL_ENDED ? GH_STOP_HERE : GH_GO_ON;
}
