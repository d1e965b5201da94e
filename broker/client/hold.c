/* SPDX-License-Identifier: Apache-2.0 */
/* Acknowledgements that wait for a barrier. */
#include "client/hold.h"

#include "base/mem.h"
#include "client/persist.h"
#include "client/send.h"
#include "hook/barrier.h"

#include <stdlib.h>

/* One acknowledgement. */
struct held {
	struct gh_node in_turn; /* of shard->held, then of a turn */
	struct gh_node in_channel;
	struct gh_channel *channel;
	size_t n;
	uint16_t packet_id;
	uint8_t type;
	uint8_t p[];
};

/* Those of one turn: what a barrier is raised for. */
struct turn {
	struct gh_node acks;
};

bool gh_hold_needed(const struct gh_shard *shard)
{
	return shard->stores || gh_barriers_needed(shard->barriers, shard->runtime);
}

static void held_free(struct held *held)
{
	gh_list_remove(&held->in_turn);
	gh_list_remove(&held->in_channel);
	held->channel->held_count--;
	free(held);
}

void gh_hold(struct gh_channel *channel, enum gh_packet_type type, uint16_t packet_id,
	     const uint8_t *p, size_t n)
{
	struct held *held;

	/* What is sent behind it may be written before it has passed: so it has its place already. */
	if (type == GH_PACKET_CONNACK) {
		gh_conn_write(channel->conn, p, n);
		gh_conn_cork(channel->conn);
		n = 0;
	}
	held = gh_alloc(sizeof(*held) + n);
	held->channel = channel;
	held->type = type;
	held->packet_id = packet_id;
	held->n = n;
	memcpy(held->p, p, n);
	gh_list_append(&channel->shard->held, &held->in_turn);
	gh_list_append(&channel->held, &held->in_channel);
	if (++channel->held_count > channel->receive_maximum)
		gh_conn_pause(channel->conn, GH_PAUSE_BARRIER);
}

void gh_hold_drop(struct gh_channel *channel)
{
	gh_list_each(&channel->held, it, next) held_free(gh_container(it, struct held, in_channel));
}

/* ---- it has passed ---- */

static void send(struct held *held)
{
	struct gh_conn *conn = held->channel->conn;

	gh_conn_write(conn, held->p, held->n);
	if (held->type == GH_PACKET_CONNACK)
		gh_conn_uncork(conn);
}

static void refuse(struct held *held)
{
	struct gh_channel *channel = held->channel;

	/* It may come again, rather than never. */
	if (held->type == GH_PACKET_PUBREC && channel->session) {
		gh_inbound_remove(&channel->session->inbound, held->packet_id);
		gh_persist_inbound_end(channel->shard, channel->session, held->packet_id);
	}
	if (channel->receiver.version == GH_MQTT_5 &&
	    (held->type == GH_PACKET_PUBACK || held->type == GH_PACKET_PUBREC))
		gh_send_ack_now(channel, (enum gh_packet_type)held->type, held->packet_id,
				GH_REASON_IMPLEMENTATION_SPECIFIC, NULL);
	else
		gh_channel_end(channel, GH_REASON_IMPLEMENTATION_SPECIFIC,
			       "what it asked for can't be made safe");
}

static void passed(void *owner, void *what, int rc)
{
	struct turn *turn = what;

	(void)owner;
	gh_list_each(&turn->acks, it, next)
	{
		struct held *held = gh_container(it, struct held, in_turn);
		struct gh_channel *channel = held->channel;

		if (rc == 0)
			send(held);
		else
			refuse(held);
		held_free(held);
		if (channel->held_count <= channel->receive_maximum)
			gh_conn_resume(channel->conn, GH_PAUSE_BARRIER);
	}
	free(turn);
}

void gh_hold_turn_end(struct gh_shard *shard)
{
	int rc = shard->store_failed ? GH_EIO : 0;
	bool stored = shard->stored && shard->runtime->barrier_count;
	struct turn *turn;

	/* Where nothing is to be confirmed, one barrier at a time is enough. */
	if (gh_list_empty(&shard->held) && (!stored || gh_barriers_open(shard->barriers))) {
		shard->store_failed = false;
		return;
	}
	shard->stored = shard->store_failed = false;
	turn = gh_alloc(sizeof(*turn));
	gh_list_init(&turn->acks);
	gh_list_splice(&turn->acks, &shard->held);
	gh_barriers_raise(shard->barriers, shard->runtime, turn, rc);
}

void gh_hold_start(struct gh_shard *shard)
{
	gh_list_init(&shard->held);
	shard->barriers = gh_barriers_new(shard->asker, passed, shard);
}

void gh_hold_stop(struct gh_shard *shard)
{
	gh_barriers_free(&shard->barriers);
}
