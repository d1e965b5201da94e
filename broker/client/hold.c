/* SPDX-License-Identifier: Apache-2.0 */
/* Acknowledgements that wait for a barrier, and for other workers to have put into the store what they were sent. */
#include "client/hold.h"

#include "base/mem.h"
#include "client/persist.h"
#include "client/send.h"
#include "hook/barrier.h"

#include <stdlib.h>

/* One acknowledgement. */
struct held {
	struct gh_node in_turn;                /* of shard->held, then of a turn */
	struct gh_node in_channel, in_session; /* in_session: PUBREC alone */
	struct gh_channel *channel;            /* NULL: it is gone */
	struct gh_session *session;            /* PUBREC; NULL: it has ended */
	size_t n;
	uint16_t packet_id;
	uint8_t type;
	bool refused; /* whatever its own turn comes to */
	uint8_t p[];
};

/* What a barrier is raised for: the acknowledgements of one turn, and the workers that have asked in it. */
struct turn {
	struct gh_node node; /* of shard->turns */
	struct gh_node acks, afterwards, asked;
	unsigned waits; /* for its barrier, and for other workers */
	int rc;
};

/* To another worker behind the messages for it, and back when its barrier has passed. */
struct asking {
	struct gh_mail mail;
	struct gh_node node; /* of the asked one's turn */
	unsigned from;       /* the worker that asks */
	struct turn *turn;   /* its own: it waits for this */
	int rc;
};

bool gh_hold_needed(const struct gh_shard *shard)
{
	return shard->stores || gh_barriers_needed(shard->barriers, shard->runtime);
}

static void leave_channel(struct held *held)
{
	if (!held->channel)
		return;
	gh_list_remove(&held->in_channel);
	held->channel->held_count--;
	held->channel = NULL;
}

static void leave_session(struct held *held)
{
	if (held->session)
		gh_list_remove(&held->in_session);
	held->session = NULL;
}

static void held_free(struct held *held)
{
	gh_list_remove(&held->in_turn);
	leave_channel(held);
	leave_session(held);
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
	*held = (struct held){ .channel = channel };
	if (type == GH_PACKET_PUBREC && channel->session) {
		held->session = channel->session;
		gh_list_append(&channel->session->unsure, &held->in_session);
	}
	held->type = type;
	held->packet_id = packet_id;
	held->n = n;
	memcpy(held->p, p, n);
	gh_list_append(&channel->shard->held, &held->in_turn);
	gh_list_append(&channel->held, &held->in_channel);
	if (++channel->held_count > channel->receive_maximum)
		gh_conn_pause(channel->conn, GH_PAUSE_BARRIER);
}

void gh_hold_afterwards(struct gh_shard *shard, struct gh_afterwards *afterwards)
{
	gh_list_append(&shard->afterwards, &afterwards->node);
}

/* One that comes behind another of its packet id says no more than that: it was known already. */
static bool is_first(const struct held *held)
{
	gh_list_each(&held->session->unsure, it, next)
	{
		const struct held *other = gh_container(it, struct held, in_session);

		if (other->packet_id == held->packet_id)
			return other == held;
	}
	return true;
}

void gh_hold_drop(struct gh_channel *channel)
{
	gh_list_each(&channel->held, it, next)
	{
		struct held *held = gh_container(it, struct held, in_channel);

		/* If it is refused, its message must be taken again. */
		if (held->session && is_first(held))
			leave_channel(held);
		else
			held_free(held);
	}
}

void gh_hold_forget(struct gh_session *session)
{
	gh_list_each(&session->unsure, it, next)
		leave_session(gh_container(it, struct held, in_session));
}

/* ---- it has passed ---- */

static void send(struct held *held)
{
	struct gh_conn *conn = held->channel->conn;

	gh_conn_write(conn, held->p, held->n);
	if (held->type == GH_PACKET_CONNACK)
		gh_conn_uncork(conn);
}

/* It may come again, rather than never; also if it has come again already, by another connection. */
static void take_again(struct gh_shard *shard, struct held *held)
{
	struct gh_session *session = held->session;

	gh_inbound_remove(&session->inbound, held->packet_id);
	gh_persist_inbound_end(shard, session, held->packet_id);
	gh_list_each(&session->unsure, it, next)
	{
		struct held *other = gh_container(it, struct held, in_session);

		other->refused |= other->packet_id == held->packet_id;
	}
}

static void refuse(struct gh_shard *shard, struct held *held)
{
	struct gh_channel *channel = held->channel;

	if (held->session)
		take_again(shard, held);
	if (!channel)
		return;
	if (channel->receiver.version == GH_MQTT_5 &&
	    (held->type == GH_PACKET_PUBACK || held->type == GH_PACKET_PUBREC))
		gh_send_ack_now(channel, (enum gh_packet_type)held->type, held->packet_id,
				GH_REASON_IMPLEMENTATION_SPECIFIC, NULL);
	else
		gh_channel_end(channel, GH_REASON_IMPLEMENTATION_SPECIFIC,
			       "what it asked for can't be made safe");
}

static void confirm(struct gh_shard *shard, struct turn *turn)
{
	gh_list_each(&turn->acks, it, next)
	{
		struct held *held = gh_container(it, struct held, in_turn);
		struct gh_channel *channel = held->channel;

		if (turn->rc != 0 || held->refused)
			refuse(shard, held);
		else if (channel)
			send(held);
		held_free(held);
		if (channel && channel->held_count <= channel->receive_maximum)
			gh_conn_resume(channel->conn, GH_PAUSE_BARRIER);
	}
	gh_list_each(&turn->afterwards, it, next)
	{
		struct gh_afterwards *afterwards = gh_container(it, struct gh_afterwards, node);

		gh_list_remove(&afterwards->node);
		afterwards->fn(afterwards, turn->rc == 0);
	}
	gh_list_remove(&turn->node);
	free(turn);
}

/* In the order of the turns. */
static void heard(struct gh_shard *shard, struct turn *turn, int rc)
{
	turn->waits--;
	if (rc != 0)
		turn->rc = rc;
	while (!gh_list_empty(&shard->turns)) {
		struct turn *oldest = gh_container(shard->turns.next, struct turn, node);

		if (oldest->waits > 0)
			return;
		confirm(shard, oldest);
	}
}

/* ---- between workers ---- */

static void on_answer(struct gh_mail *mail, void *owner)
{
	struct asking *asking = gh_container(mail, struct asking, mail);

	if (owner)
		heard(gh_shard_of(owner), asking->turn, asking->rc);
	free(asking);
}

static void on_asking(struct gh_mail *mail, void *owner)
{
	struct asking *asking = gh_container(mail, struct asking, mail);

	if (owner)
		gh_list_append(&gh_shard_of(owner)->asked, &asking->node);
	else
		free(asking);
}

static void ask(struct gh_shard *shard, struct turn *turn, uint64_t workers)
{
	for (; workers; workers &= workers - 1) {
		struct asking *asking = gh_zalloc(sizeof(*asking));

		asking->mail.deliver = on_asking;
		asking->from = shard->index;
		asking->turn = turn;
		turn->waits++;
		gh_shard_send(shard, (unsigned)__builtin_ctzll(workers), GH_LANE_DATA, &asking->mail);
	}
}

/* At once, whatever acknowledgements here wait for: two workers may be waiting for each other. */
static void answer(struct gh_shard *shard, struct turn *turn, int rc)
{
	gh_list_each(&turn->asked, it, next)
	{
		struct asking *asking = gh_container(it, struct asking, node);

		gh_list_remove(&asking->node);
		asking->mail.deliver = on_answer;
		asking->rc = rc;
		gh_shard_send(shard, asking->from, GH_LANE_DATA, &asking->mail);
	}
}

/* ---- turns ---- */

static void passed(void *owner, void *what, int rc)
{
	answer(owner, what, rc);
	heard(owner, what, rc);
}

static struct turn *turn_new(struct gh_shard *shard)
{
	struct turn *turn = gh_zalloc(sizeof(*turn));

	gh_list_init(&turn->acks);
	gh_list_init(&turn->afterwards);
	gh_list_init(&turn->asked);
	gh_list_splice(&turn->afterwards, &shard->afterwards);
	gh_list_splice(&turn->acks, &shard->held);
	gh_list_splice(&turn->asked, &shard->asked);
	gh_list_append(&shard->turns, &turn->node);
	turn->waits = 1;
	return turn;
}

void gh_hold_turn_end(struct gh_shard *shard)
{
	int rc = shard->store_failed ? GH_EIO : 0;
	bool stored = shard->stored && shard->runtime->barrier_count;
	bool ours = !gh_list_empty(&shard->held) || !gh_list_empty(&shard->afterwards);
	bool awaited = ours || !gh_list_empty(&shard->asked);
	uint64_t sent_to = ours ? shard->sent_to : 0;
	struct turn *turn;

	shard->sent_to = 0;
	/* Where nothing is to be confirmed, one barrier at a time is enough. */
	if (!awaited && (!stored || gh_barriers_open(shard->barriers))) {
		shard->store_failed = false;
		return;
	}
	shard->stored = shard->store_failed = false;
	turn = turn_new(shard);
	ask(shard, turn, sent_to);
	gh_barriers_raise(shard->barriers, shard->runtime, turn, rc);
}

void gh_hold_start(struct gh_shard *shard)
{
	gh_list_init(&shard->held);
	gh_list_init(&shard->turns);
	gh_list_init(&shard->afterwards);
	gh_list_init(&shard->asked);
	shard->barriers = gh_barriers_new(shard->asker, passed, shard);
}

/* What becomes of it nobody knows: what the store has of it stays. */
static void forget_all(struct gh_node *acks)
{
	gh_list_each(acks, it, next) held_free(gh_container(it, struct held, in_turn));
}

static void give_up(struct gh_shard *shard)
{
	gh_list_each(&shard->turns, it, next) confirm(shard, gh_container(it, struct turn, node));
	gh_list_each(&shard->asked, it, next) free(gh_container(it, struct asking, node));
}

void gh_hold_stop(struct gh_shard *shard)
{
	forget_all(&shard->held);
	gh_list_each(&shard->turns, it, next) forget_all(&gh_container(it, struct turn, node)->acks);
	gh_barriers_free(&shard->barriers);
	give_up(shard);
}
