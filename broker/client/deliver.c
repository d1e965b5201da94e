/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to one session: at once, or by its queue and window. */
#include "client/deliver.h"

#include "base/str.h"
#include "client/author.h"
#include "client/class.h"
#include "client/groups.h"
#include "client/limit.h"
#include "client/rights.h"
#include "client/send.h"
#include "client/unread.h"

static bool has_room(const struct gh_channel *channel)
{
	return gh_conn_pending(channel->conn) <= gh_channel_limits(channel)->output_bytes;
}

/* ---- into the queue ---- */

struct queueing {
	struct gh_shard *shard;
	struct gh_session *session;
	uint64_t order; /* of the one that comes, in the store */
	bool dropped;   /* that one */
};

static void on_drop(void *arg, const struct gh_delivery *delivery)
{
	struct queueing *q = arg;

	gh_tell_dropped(q->shard, q->session, gh_publication_topic(delivery->publication),
			GH_COUNT_DROP_QUEUE);
	if (delivery->order && delivery->order == q->order) /* it hasn't been put */
		q->dropped = true;
	else
		gh_persist_message_end(q->shard, q->session, delivery);
}

static void on_expired(void *arg, const struct gh_delivery *delivery)
{
	struct queueing *q = arg;

	gh_persist_message_end(q->shard, q->session, delivery);
}

static struct gh_queue_limits queue_limits(const struct gh_limits *limits)
{
	return (struct gh_queue_limits){ .messages = (uint32_t)limits->queue_messages,
					 .bytes = limits->queue_bytes,
					 .policy = limits->queue_policy == GH_SETTINGS_DROP_OLDEST
							   ? GH_QUEUE_DROP_OLDEST
							   : GH_QUEUE_DROP_NEWEST };
}

/* By which of the two bounds. */
static void tell_full(struct gh_shard *shard, const struct gh_session *session,
		      const struct gh_limits *limits)
{
	uint64_t waiting = gh_unread_count(session) + session->queue.count;

	gh_tell_limit(shard, gh_snapshot_client(session->identity),
		      waiting >= (uint64_t)limits->queue_messages ? "queue-messages" : "queue-bytes");
}

static bool make(struct gh_transit *transit, const struct gh_delivering *how, uint8_t qos,
		 struct gh_delivery *delivery_r)
{
	struct gh_publication *publication = gh_transit_publication(transit);

	if (!publication)
		return false;
	*delivery_r = (struct gh_delivery){ .publication = gh_publication_ref(publication),
					    .group = how->group,
					    .covered = how->covered,
					    .qos = qos,
					    .retain = how->retain };
	gh_delivery_set_ids(delivery_r, how->ids, how->id_count);
	return true;
}

static enum gh_delivered enqueue(struct gh_shard *shard, struct gh_session *session,
				 struct gh_transit *transit, const struct gh_delivering *how,
				 uint8_t qos)
{
	const struct gh_limits *configured = gh_session_limits(shard, session);
	struct gh_queue_limits limits = queue_limits(configured);
	bool unread = gh_unread_count(session) > 0;
	struct queueing q = { .shard = shard, .session = session };
	struct gh_delivery delivery, copy;
	uint32_t dropped;
	bool full;

	if (!gh_unread_room(shard, session, &limits)) {
		tell_full(shard, session, configured);
		gh_tell_dropped(shard, session, transit->facts.topic, GH_COUNT_DROP_QUEUE);
		return GH_DROPPED;
	}
	/* There was none: one in the store will be given up for it. */
	full = unread && limits.messages == (uint32_t)configured->queue_messages;
	if (!make(transit, how, qos, &delivery)) {
		gh_tell_dropped(shard, session, transit->facts.topic, GH_COUNT_DROP_MEMORY);
		return GH_DROPPED;
	}
	/* What is over must not cost what isn't its place. */
	if (!gh_queue_fits(&session->queue, &limits, &delivery))
		gh_queue_expire(&session->queue, gh_shard_now(shard), on_expired, &q);
	gh_persist_order(session, &delivery);
	q.order = delivery.order;
	copy = delivery;
	dropped = gh_queue_push(&session->queue, &limits, &delivery, on_drop, &q);
	if (!q.dropped)
		gh_persist_message(shard, session, &copy,
				   false); /* what it points to is in the queue now */
	if (dropped || full)
		tell_full(shard, session, configured);
	return dropped ? GH_DROPPED : GH_DELIVERED;
}

/* ---- out ---- */

/* Sends what is in the window. */
static void send_entry(struct gh_channel *channel, struct gh_window_entry *entry, bool dup)
{
	struct gh_sending how = { .packet_id = entry->id,
				  .qos = entry->delivery.qos,
				  .dup = dup,
				  .retain = entry->delivery.retain,
				  .ids = gh_delivery_ids(&entry->delivery),
				  .id_count = entry->delivery.id_count };
	struct gh_transit transit;

	gh_transit_of(&transit, entry->delivery.publication);
	if (!gh_send_publish(channel, &transit, &how)) {
		gh_tell_dropped(channel->shard, channel->session, transit.facts.topic,
				GH_COUNT_DROP_SIZE);
		gh_persist_window_end(channel->shard, channel->session, entry);
		gh_window_remove(&channel->session->window, entry, NULL);
	}
	gh_transit_done(&transit);
}

/* Takes over the delivery, which may be in the store already. */
static void send_first(struct gh_channel *channel, struct gh_delivery *delivery)
{
	struct gh_session *session = channel->session;
	struct gh_window_entry *entry;

	if (!delivery->order || delivery->publication->expires_at)
		gh_persist_message(channel->shard, session, delivery, true);
	entry = gh_window_find(&session->window, gh_window_add(&session->window, delivery));
	gh_persist_sent(channel->shard, session, entry);
	send_entry(channel, entry, false);
}

static enum gh_delivered send_now(struct gh_channel *channel, struct gh_transit *transit,
				  const struct gh_delivering *how)
{
	const struct gh_sending sending = { .retain = how->retain,
					    .ids = how->ids,
					    .id_count = how->id_count };

	if (!has_room(channel)) {
		gh_tell_limit(channel->shard, gh_channel_client(channel), "output-bytes");
		gh_tell_dropped(channel->shard, channel->session, transit->facts.topic,
				GH_COUNT_DROP_OUTPUT);
		return GH_DROPPED;
	}
	if (gh_send_publish(channel, transit, &sending))
		return GH_DELIVERED;
	gh_tell_dropped(channel->shard, channel->session, transit->facts.topic, GH_COUNT_DROP_SIZE);
	return GH_DROPPED;
}

/* Nothing waits that would have to go first, and there is room. */
static bool is_free(const struct gh_channel *channel)
{
	const struct gh_session *session = channel->session;

	return session->queue.count == 0 && session->backlog.count == 0 && !gh_unread_of(session) &&
	       gh_window_room(&session->window) > 0 && has_room(channel);
}

static bool must_queue(const struct gh_channel *channel, uint8_t qos)
{
	return channel->session->held || (qos > 0 && !is_free(channel));
}

enum gh_delivered gh_deliver(struct gh_shard *shard, struct gh_session *session,
			     struct gh_transit *transit, const struct gh_delivering *how)
{
	uint8_t qos = how->qos < transit->facts.qos ? how->qos : transit->facts.qos;
	struct gh_channel *channel = session->channel;
	struct gh_delivery delivery;
	enum gh_may may;

	if (qos == 0 && !channel)
		return GH_REFUSED;
	/* Commonly the right is asked when it is sent; of a shared group another member may want it now. */
	if (channel && !how->group && must_queue(channel, qos))
		return enqueue(shard, session, transit, how, qos);
	may = gh_may_receive(shard, session, &transit->facts, qos, how->covered);
	if (may == GH_MAY_NOT)
		return GH_REFUSED;
	if (may == GH_MAY_LATER && how->group && !how->hold)
		return GH_UNSETTLED;
	session->held |= may == GH_MAY_LATER;
	if (!channel || must_queue(channel, qos))
		return enqueue(shard, session, transit, how, qos);
	if (qos == 0)
		return send_now(channel, transit, how);
	if (!make(transit, how, qos, &delivery)) {
		gh_tell_dropped(shard, session, transit->facts.topic, GH_COUNT_DROP_MEMORY);
		return GH_DROPPED;
	}
	send_first(channel, &delivery);
	return GH_DELIVERED;
}

/* ---- what has waited ---- */

static enum gh_may may_still(struct gh_channel *channel, const struct gh_delivery *delivery)
{
	struct gh_transit transit;
	enum gh_may may;

	gh_transit_of(&transit, delivery->publication);
	may = gh_may_receive(channel->shard, channel->session, &transit.facts, delivery->qos,
			     delivery->covered);
	gh_transit_done(&transit);
	return may;
}

/* After a resume: PUBREL, or PUBLISH with DUP where the right is still there. False: nothing more for now. */
static bool resend_one(struct gh_channel *channel)
{
	struct gh_window *window = &channel->session->window;
	struct gh_window_entry *entry = gh_window_resend_next(window);
	enum gh_may may = GH_MAY;

	if (entry && entry->state == GH_WINDOW_SENT)
		may = may_still(channel, &entry->delivery);
	if (!entry || may == GH_MAY_LATER)
		return false;
	gh_window_resend(window);
	if (entry->state == GH_WINDOW_RELEASED)
		gh_send_ack(channel, GH_PACKET_PUBREL, entry->id, GH_REASON_SUCCESS, NULL);
	else if (may == GH_MAY)
		send_entry(channel, entry, true);
	else {
		if (entry->delivery.group && entry->delivery.qos == 1)
			gh_group_return(channel->shard, &entry->delivery);
		gh_persist_window_end(channel->shard, channel->session, entry);
		gh_window_remove(window, entry, NULL);
	}
	return true;
}

/* Takes over the delivery. may: GH_MAY or GH_MAY_NOT. */
static void send_waiting(struct gh_channel *channel, struct gh_delivery *delivery, enum gh_may may)
{
	struct gh_sending how = { .retain = delivery->retain,
				  .ids = gh_delivery_ids(delivery),
				  .id_count = delivery->id_count };
	struct gh_transit transit;

	if (may == GH_MAY_NOT) {
		if (delivery->group)
			gh_group_return(channel->shard, delivery);
		gh_persist_message_end(channel->shard, channel->session, delivery);
		gh_delivery_drop(delivery);
		return;
	}
	if (delivery->qos > 0) {
		send_first(channel, delivery);
		return;
	}
	gh_transit_of(&transit, delivery->publication);
	if (!gh_send_publish(channel, &transit, &how))
		gh_tell_dropped(channel->shard, channel->session, transit.facts.topic,
				GH_COUNT_DROP_SIZE);
	gh_transit_done(&transit);
	gh_delivery_drop(delivery);
}

static bool window_allows(const struct gh_channel *channel, const struct gh_delivery *delivery)
{
	return delivery->qos == 0 || gh_window_room(&channel->session->window) > 0;
}

static bool pump_backlog(struct gh_channel *channel)
{
	struct gh_session *session = channel->session;
	struct gh_delivery delivery;
	enum gh_may may;

	if (gh_author_waits(channel) ||
	    !gh_backlog_peek(&session->backlog, gh_shard_now(channel->shard), &delivery) ||
	    !window_allows(channel, &delivery))
		return false;
	switch (gh_author_check(channel, delivery.publication)) {
	case GH_AUTHOR_WAITS: return false;
	case GH_AUTHOR_UNKNOWN:
	case GH_AUTHOR_ENTITLED:
		may = may_still(channel, &delivery);
		if (may == GH_MAY_LATER)
			return false;
		gh_backlog_take(&session->backlog);
		send_waiting(channel, &delivery, may);
		return true;
	case GH_AUTHOR_NOT: break;
	}
	gh_backlog_take(&session->backlog);
	gh_tell_dropped(channel->shard, session, gh_publication_topic(delivery.publication),
			GH_COUNT_DROP_AUTHOR);
	gh_delivery_drop(&delivery);
	return true;
}

/* Takes over the delivery. */
static void expire(struct gh_channel *channel, struct gh_delivery *delivery)
{
	gh_tell_dropped(channel->shard, channel->session,
			gh_publication_topic(delivery->publication), GH_COUNT_DROP_EXPIRED);
	gh_persist_message_end(channel->shard, channel->session, delivery);
	gh_delivery_drop(delivery);
}

static bool pump_queue(struct gh_channel *channel)
{
	struct gh_queue *queue = gh_unread_queue(channel->shard, channel->session);
	struct gh_delivery *first = queue ? gh_queue_peek(queue) : NULL, delivery;
	enum gh_may may;

	if (!first || !window_allows(channel, first))
		return false;
	if (gh_publication_expired(first->publication, gh_shard_now(channel->shard))) {
		gh_queue_pop(queue, &delivery);
		expire(channel, &delivery);
		return true;
	}
	may = may_still(channel, first);
	if (may == GH_MAY_LATER)
		return false;
	gh_queue_pop(queue, &delivery);
	send_waiting(channel, &delivery, may);
	return true;
}

void gh_deliver_pump(struct gh_channel *channel)
{
	struct gh_session *session = channel->session;

	if (!gh_channel_refresh(channel) || !gh_unread_settled(channel))
		return;
	while (has_room(channel) && resend_one(channel))
		;
	if (!gh_window_resending(&session->window))
		while (has_room(channel) && (pump_backlog(channel) || pump_queue(channel)))
			;
	session->held &= session->queue.count > 0;
	if (!has_room(channel))
		gh_conn_want_room(channel->conn);
}

/* No local holds for what the client itself had retained too [MQTT-3.8.3-3]. */
static void leave_out_own(const struct gh_session *session, struct gh_retained_list *list)
{
	struct gh_str own = gh_session_client_id(session);
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (gh_str_equal(gh_publication_origin(list->publications[i]), own))
			gh_publication_unref(&list->publications[i]);
		else
			list->publications[kept++] = list->publications[i];
	list->count = kept;
}

void gh_deliver_retained(struct gh_channel *channel, struct gh_subscriber *subscriber,
			 struct gh_retained_list *list)
{
	const struct gh_backlog_facts facts = { .owner = subscriber,
						.subscription_id = subscriber->id,
						.covered = subscriber->covered,
						.qos = subscriber->qos };

	if (subscriber->no_local)
		leave_out_own(channel->session, list);
	gh_backlog_add(&channel->session->backlog, &facts, list->publications, list->count);
	*list = (struct gh_retained_list){ 0 };
}
