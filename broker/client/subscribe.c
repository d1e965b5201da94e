/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE and UNSUBSCRIBE. */
#include "client/subscribe.h"

#include "base/mem.h"
#include "base/str.h"
#include "client/class.h"
#include "client/deliver.h"
#include "client/groups.h"
#include "client/limit.h"
#include "client/persist.h"
#include "client/review.h"
#include "client/rights.h"
#include "client/send.h"
#include "mqtt/topic.h"

#include <stdlib.h>

/* One filter of the packet. */
struct item {
	struct gh_subscribing *act;
	struct gh_ask *ask;                  /* open */
	struct gh_subscription subscription; /* its filter is in the act's copy */
	struct gh_share share;
	struct gh_subscriber *subscriber; /* made; NULL: refused */
	uint8_t reason;
	uint8_t max_qos;
	struct gh_cover cover;
	bool is_new;
};

struct gh_subscribing {
	struct gh_channel *channel;
	uint8_t *packet; /* a copy of the filters */
	struct gh_group_wait *wait;
	uint32_t id, count, open;
	uint32_t generation; /* of the policy that is asked */
	uint16_t packet_id;
	bool waits;  /* the client isn't read */
	bool unsafe; /* the store hasn't taken one of them */
	bool disconnect;

	/* Retained messages: what is too much for one turn is gathered in slices. */
	uint32_t gathered; /* items */
	size_t work;       /* places of the store that may still be visited in this turn */
	bool sliced;       /* the next item is, */
	struct gh_retained_cursor cursor; /* from here on */
	struct gh_retained_list found;
	struct gh_timeout slice;

	struct item items[];
};

/* Places of the store that a SUBSCRIBE may visit in one turn, a few milliseconds at most; and that it goes through, matching
 * each topic, in each of the turns that follow where that wasn't enough. */
#define RETAINED_WORK  20000u
#define RETAINED_SLICE 8192u
/* So many filters are asked about before other clients have their turn. */
#define FILTERS_A_TURN 64u

struct gh_group_wait {
	struct gh_subscribing *act; /* NULL: nobody waits any more */
	uint32_t open;
};

void gh_subscribing_free(struct gh_subscribing **subscribing)
{
	struct gh_subscribing *act = *subscribing;

	if (!act)
		return;
	for (uint32_t i = 0; i < act->count; i++)
		gh_ask_cancel(&act->items[i].ask);
	if (act->wait)
		act->wait->act = NULL;
	gh_loop_timeout_cancel(act->channel->shard->loop, &act->slice);
	gh_retained_list_done(&act->found);
	free(act->packet);
	free(act);
	*subscribing = NULL;
}

/* ---- taking effect ---- */

static void tell_subscribed(struct gh_channel *channel, const struct item *item)
{
	struct gh_event event = { .kind = GH_EV_SUBSCRIBE,
				  .topic = item->share.filter,
				  .share = item->share.group };

	if (!gh_event_wanted(channel->shard->runtime, GH_EV_SUBSCRIBE))
		return;
	event.client = gh_channel_client(channel);
	event.qos = item->subscriber->qos;
	gh_event_tell(channel->shard->runtime, &event);
}

static bool one_too_many(const struct gh_channel *channel, const struct item *item)
{
	const struct gh_session *session = channel->session;
	const struct gh_subscription *want = &item->subscription;

	return (int64_t)session->subscription_count >= gh_channel_limits(channel)->subscriptions &&
	       !gh_index_find(channel->shard->filters, session, want->filter,
			      item->share.group.n > 0);
}

/* The policy was replaced while it was asked: what it said of later deliveries says nothing any more. */
static bool outdated(const struct gh_subscribing *act)
{
	return act->generation != gh_shard_generation(act->channel->shard);
}

static void set_options(const struct gh_subscribing *act, const struct item *item)
{
	const struct gh_subscription *want = &item->subscription;
	struct gh_subscriber *subscriber = item->subscriber;
	const struct gh_cover nothing = { 0 };

	subscriber->id = act->id;
	subscriber->qos = want->qos < item->max_qos ? want->qos : item->max_qos;
	subscriber->no_local = want->no_local;
	subscriber->retain_as_published = want->retain_as_published;
	subscriber->retain_handling = want->retain_handling & 3;
	gh_cover_keep(act->channel->shard, subscriber, outdated(act) ? &nothing : &item->cover);
}

static void make(struct gh_subscribing *act, struct item *item)
{
	struct gh_channel *channel = act->channel;
	struct gh_shard *shard = channel->shard;
	bool share = item->share.group.n > 0, full = one_too_many(channel, item);

	if (full)
		gh_tell_limit(shard, gh_channel_client(channel), "subscriptions");
	if (full || channel->session->backlog.count > GH_BACKLOG_MAX) {
		item->reason = GH_REASON_QUOTA_EXCEEDED;
		return;
	}
	item->subscriber = gh_index_add(shard->filters, channel->session, item->subscription.filter,
					share, &item->is_new);
	if (item->is_new)
		atomic_fetch_add(&shard->broker->subscriptions, 1);
	set_options(act, item);
	gh_persist_subscription(shard, item->subscriber, item->subscription.filter);
	act->unsafe |= shard->store_failed;
	item->reason = item->subscriber->qos;
	tell_subscribed(channel, item);
	if (share) {
		act->wait->open++;
		gh_group_join(shard, channel->session, &item->share, item->subscriber, act->wait);
	}
}

static bool wants_retained(const struct item *item)
{
	const struct gh_subscription *want = &item->subscription;

	return item->subscriber && item->share.group.n == 0 &&
	       (want->retain_handling == 0 || (want->retain_handling == 1 && item->is_new));
}

/* A SUBSCRIBE of many filters may match every retained message with each: so much isn't gathered. */
static void refuse_backlog(struct gh_channel *channel, struct item *item,
			   struct gh_subscriber *subscriber)
{
	item->reason = GH_REASON_QUOTA_EXCEEDED;
	if (item->is_new && subscriber)
		gh_subscription_end(channel->shard, channel->session, subscriber, false);
}

/* All of the store, topic by topic; true: there is more. */
static bool gather_slice(struct gh_subscribing *act, struct gh_str filter)
{
	struct gh_shard *shard = act->channel->shard;
	struct gh_retained_list list = { 0 };
	bool more = gh_retained_walk(shard->broker->retained, &act->cursor, RETAINED_SLICE,
				     gh_shard_now(shard), &list);

	for (size_t i = 0; i < list.count; i++)
		if (gh_topic_match(filter, gh_publication_topic(list.publications[i])))
			gh_retained_list_add(&act->found, list.publications[i]);
		else
			gh_publication_unref(&list.publications[i]);
	free(list.publications);
	return more;
}

/* True: all that the filter matches is in act->found. */
static bool gather_all(struct gh_subscribing *act, struct gh_str filter)
{
	struct gh_shard *shard = act->channel->shard;
	bool whole_turn = act->work == RETAINED_WORK;

	if (act->sliced)
		return !gather_slice(act, filter);
	if (gh_retained_match(shard->broker->retained, filter, gh_shard_now(shard), &act->found,
			      &act->work))
		return true;
	gh_retained_list_done(&act->found);
	act->cursor = (struct gh_retained_cursor){ 0 };
	act->sliced = whole_turn;
	return false;
}

/* It is looked for each time: meanwhile a recheck may have ended it. False: not all for now. */
static bool gather_retained(struct gh_subscribing *act, struct item *item)
{
	struct gh_channel *channel = act->channel;
	struct gh_str filter = item->subscription.filter;
	struct gh_subscriber *subscriber =
		gh_index_find(channel->shard->filters, channel->session, filter, false);

	if (channel->session->backlog.count > GH_BACKLOG_MAX)
		refuse_backlog(channel, item, subscriber);
	else if (subscriber && !gather_all(act, filter))
		return false;
	else if (subscriber)
		gh_deliver_retained(channel, subscriber, &act->found);
	gh_retained_list_done(&act->found);
	act->sliced = false;
	return true;
}

static void send_suback(struct gh_subscribing *act)
{
	uint8_t *reasons = gh_alloc(act->count);
	struct gh_packet_suback packet = { .type = GH_PACKET_SUBACK,
					   .packet_id = act->packet_id,
					   .reasons = reasons,
					   .count = act->count };

	for (uint32_t i = 0; i < act->count; i++)
		reasons[i] = act->items[i].reason;
	act->channel->shard->store_failed |= act->unsafe; /* maybe turns ago */
	gh_send_suback(act->channel, &packet);
	free(reasons);
}

static void answer(struct gh_subscribing *act)
{
	struct gh_channel *channel = act->channel;

	send_suback(act);
	if (act->waits)
		gh_channel_go_on(channel);
	if (act->disconnect) {
		gh_channel_end(channel, GH_REASON_NOT_AUTHORIZED, "not authorized to subscribe");
		return;
	}
	gh_subscribing_free(&channel->subscribing);
	gh_deliver_pump(channel);
}

static void finish(struct gh_subscribing *act)
{
	act->work = RETAINED_WORK;
	for (; act->gathered < act->count; act->gathered++) {
		struct item *item = &act->items[act->gathered];

		if (wants_retained(item) && !gather_retained(act, item)) {
			gh_loop_timeout(act->channel->shard->loop, &act->slice, 0);
			return;
		}
	}
	answer(act);
}

static void on_slice(struct gh_timeout *timeout)
{
	struct gh_subscribing *act = gh_container(timeout, struct gh_subscribing, slice);

	if (gh_channel_refresh(act->channel))
		finish(act);
}

void gh_group_wait_end(struct gh_group_wait **wait, bool joined)
{
	struct gh_group_wait *w = *wait;
	struct gh_subscribing *act;

	*wait = NULL;
	if (!w || --w->open > 0)
		return;
	act = w->act;
	free(w);
	if (!act)
		return;
	act->wait = NULL;
	if (joined)
		finish(act);
}

/* All verdicts are in. The wait holds one for this function itself, so that joins which end at once don't end it. */
static void take_effect(struct gh_subscribing *act)
{
	struct gh_group_wait *wait = gh_alloc(sizeof(*wait));
	struct gh_channel *channel = act->channel;
	bool again = outdated(act);

	*wait = (struct gh_group_wait){ .act = act, .open = 1 };
	act->wait = wait;
	for (uint32_t i = 0; i < act->count; i++)
		if (act->items[i].reason < GH_REASON_FAILURE)
			make(act, &act->items[i]);
	gh_group_wait_end(&wait, true);
	if (again && channel->session)
		gh_review_session(channel->shard, channel->session);
}

/* ---- asking ---- */

static void judged(struct item *item, const struct gh_decision *decision)
{
	struct gh_channel *channel = item->act->channel;

	if (decision->verdict == GH_ALLOW) {
		item->max_qos = decision->max_qos;
		item->cover = decision->cover;
		return;
	}
	item->reason = decision->reason_set && decision->reason >= GH_REASON_FAILURE
			       ? decision->reason
			       : GH_REASON_NOT_AUTHORIZED;
	item->act->disconnect |= decision->disconnect;
	gh_tell_denied(channel->shard, gh_channel_client(channel), GH_SUBSCRIBE, item->share.filter,
		       decision);
}

static void on_judged(void *arg, struct gh_decision *decision)
{
	struct item *item = arg;
	struct gh_subscribing *act = item->act;

	item->ask = NULL;
	if (!gh_channel_refresh(act->channel))
		return;
	judged(item, decision);
	if (--act->open == 0)
		take_effect(act);
}

static void ask(struct gh_subscribing *act, struct item *item, struct gh_bytes properties)
{
	struct gh_channel *channel = act->channel;
	struct gh_asking asking =
		gh_channel_asking(channel, channel->policy->authorize, on_judged, item);
	struct gh_authorize in = { .client = gh_channel_client(channel),
				   .action = GH_SUBSCRIBE,
				   .qos = item->subscription.qos,
				   .topic = item->share.filter,
				   .share = item->share.group,
				   .properties = properties };
	struct gh_decision decision;
	const char *beyond;

	beyond = gh_topic_beyond(gh_channel_limits(channel), item->share.filter);
	if (beyond) {
		gh_tell_limit(channel->shard, in.client, beyond);
		item->reason = GH_REASON_FILTER_INVALID;
		return;
	}
	item->ask = gh_ask_authorize(&asking, &in, NULL, &decision);
	if (item->ask)
		act->open++;
	else
		judged(item, &decision);
}

static struct gh_subscribing *act_new(struct gh_channel *channel,
				      const struct gh_packet_subscribe *packet)
{
	struct gh_subscribing *act = gh_zalloc(sizeof(*act) + packet->count * sizeof(act->items[0]));
	struct gh_bytes rest;

	act->channel = channel;
	gh_timeout_init(&act->slice, on_slice);
	act->generation = gh_shard_generation(channel->shard);
	act->packet = gh_alloc(packet->filters.n);
	memcpy(act->packet, packet->filters.p, packet->filters.n);
	act->packet_id = packet->packet_id;
	act->id = packet->subscription_id;
	act->count = packet->count;
	rest = (struct gh_bytes){ act->packet, packet->filters.n };
	for (uint32_t i = 0; i < act->count; i++) {
		struct item *item = &act->items[i];

		item->act = act;
		gh_subscription_next(&rest, &item->subscription);
		gh_share_parse(item->subscription.filter, &item->share);
	}
	return act;
}

/* A buffer full of SUBSCRIBEs is seconds of work where rules are many. */
static enum gh_next others_first(struct gh_channel *channel, uint32_t filters)
{
	channel->filters_asked += filters;
	if (channel->filters_asked < FILTERS_A_TURN)
		return GH_GO_ON;
	channel->filters_asked = 0;
	gh_conn_yield(channel->conn);
	return GH_STOP_HERE;
}

enum gh_next gh_subscribe(struct gh_channel *channel, const struct gh_frame *frame)
{
	struct gh_packet_subscribe packet;
	struct gh_subscribing *act;
	struct gh_malformed why;

	if (gh_decode_subscribe(channel->receiver.version, frame, &packet, &why) < 0)
		return gh_channel_malformed(channel, &why);
	/* A filter is 4 bytes on the wire and a hundred here: more of them than could be granted aren't looked at. */
	if (packet.count > gh_channel_limits(channel)->subscriptions) {
		gh_tell_limit(channel->shard, gh_channel_client(channel), "subscriptions");
		return gh_channel_end(channel, GH_REASON_QUOTA_EXCEEDED,
				      "more filters in a SUBSCRIBE than subscriptions");
	}
	act = channel->subscribing = act_new(channel, &packet);
	act->open = 1;
	for (uint32_t i = 0; i < act->count; i++)
		ask(act, &act->items[i], packet.properties);
	if (--act->open == 0)
		take_effect(act);
	if (channel->state == GH_CHANNEL_ENDED)
		return GH_STOP_HERE;
	if (!channel->subscribing)
		return others_first(channel, packet.count);
	channel->subscribing->waits = true;
	gh_channel_wait(channel);
	return GH_STOP_HERE;
}

/* ---- UNSUBSCRIBE, and other ends ---- */

static void tell_ended(struct gh_shard *shard, struct gh_session *session,
		       const struct gh_share *share, bool revoked)
{
	struct gh_event event = { .kind = GH_EV_UNSUBSCRIBE,
				  .topic = share->filter,
				  .share = share->group,
				  .code = revoked ? 1 : 0 };

	if (!gh_event_wanted(shard->runtime, GH_EV_UNSUBSCRIBE))
		return;
	event.client = gh_snapshot_client(session->identity);
	gh_event_tell(shard->runtime, &event);
}

void gh_subscription_end(struct gh_shard *shard, struct gh_session *session,
			 struct gh_subscriber *subscriber, bool revoked)
{
	struct gh_share share;
	struct gh_str filter;

	shard->scratch.n = 0;
	gh_index_filter(shard->filters, subscriber, &shard->scratch);
	filter = gh_str_n((const char *)shard->scratch.p, shard->scratch.n);
	gh_persist_subscription_end(shard, session, filter);
	if (gh_share_parse(filter, &share)) {
		tell_ended(shard, session, &share, revoked);
		if (subscriber->share)
			gh_group_leave(shard, session, &share);
	}
	gh_backlog_cancel(&session->backlog, subscriber);
	gh_index_remove(shard->filters, subscriber);
	atomic_fetch_sub(&shard->broker->subscriptions, 1);
}

static uint8_t unsubscribe_one(struct gh_channel *channel, struct gh_str filter)
{
	struct gh_share share;
	struct gh_subscriber *subscriber = NULL;

	if (gh_share_parse(filter, &share))
		subscriber = gh_index_find(channel->shard->filters, channel->session, filter,
					   share.group.n > 0);
	if (!subscriber) { /* one that the store has failed to forget is there still */
		gh_persist_subscription_end(channel->shard, channel->session, filter);
		return GH_REASON_NO_SUBSCRIPTION_EXISTED;
	}
	gh_subscription_end(channel->shard, channel->session, subscriber, false);
	return GH_REASON_SUCCESS;
}

enum gh_next gh_unsubscribe(struct gh_channel *channel, const struct gh_frame *frame)
{
	struct gh_packet_unsubscribe packet;
	struct gh_packet_suback unsuback;
	struct gh_malformed why;
	struct gh_str filter;
	uint8_t *reasons;
	size_t n = 0;

	if (gh_decode_unsubscribe(channel->receiver.version, frame, &packet, &why) < 0)
		return gh_channel_malformed(channel, &why);
	reasons = gh_alloc(packet.count);
	while (n < packet.count && gh_filter_next(&packet.filters, &filter))
		reasons[n++] = unsubscribe_one(channel, filter);
	unsuback = (struct gh_packet_suback){ .type = GH_PACKET_UNSUBACK,
					      .packet_id = packet.packet_id,
					      .reasons = reasons,
					      .count = n };
	gh_send_suback(channel, &unsuback);
	free(reasons);
	return GH_GO_ON;
}
