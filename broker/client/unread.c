/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are in the store alone. */
#include "client/unread.h"

#include "base/log.h"
#include "base/mem.h"
#include "client/deliver.h"
#include "hook/fetch.h"
#include "hook/storage.h"

#include <stdlib.h>

#define BATCH 32u

struct gh_unread *gh_unread_new(struct gh_session *session)
{
	struct gh_unread *unread = gh_zalloc(sizeof(*unread));

	unread->session = session;
	return unread;
}

void gh_unread_free(struct gh_unread **unread)
{
	if (!*unread)
		return;
	gh_fetch_cancel(&(*unread)->fetch);
	gh_queue_done(&(*unread)->queue);
	for (size_t i = 0; i < (*unread)->sent_count; i++)
		gh_delivery_drop(&(*unread)->sent[i].delivery);
	free((*unread)->sent);
	free(*unread);
	*unread = NULL;
}

uint64_t gh_unread_count(const struct gh_session *session)
{
	const struct gh_unread *unread = gh_unread_of(session);

	return unread ? unread->count + unread->queue.count : 0;
}

/* ---- what was read ---- */

static void tell_unreadable(const struct gh_session *session, const char *why)
{
	const struct gh_log_field fields[] = { GH_FIELD_STR("client", gh_session_client_id(session)),
					       GH_FIELD("reason", why) };

	gh_log_line(GH_LOG_WARNING, fields, 2, "a message in the store can't be read: left there");
}

/* Sent once, and its message isn't there any more: it has expired. */
static void forget_sent(struct gh_shard *shard, struct gh_unread *unread)
{
	struct gh_window_entry gone = { .id = unread->sent[unread->sent_at++].packet_id };

	gh_persist_window_end(shard, unread->session, &gone);
}

static bool was_sent(struct gh_shard *shard, struct gh_unread *unread, uint64_t order)
{
	while (unread->sent_at < unread->sent_count && unread->sent[unread->sent_at].order < order)
		forget_sent(shard, unread);
	return unread->sent_at < unread->sent_count && unread->sent[unread->sent_at].order == order;
}

static void drop(struct gh_shard *shard, struct gh_unread *unread, struct gh_delivery *delivery)
{
	unread->surplus--;
	gh_tell_dropped(shard, unread->session, gh_publication_topic(delivery->publication),
			GH_COUNT_DROP_QUEUE);
	gh_persist_message_end(shard, unread->session, delivery);
	gh_delivery_drop(delivery);
}

static void take(struct gh_shard *shard, struct gh_unread *unread, struct gh_delivery *delivery)
{
	static const struct gh_queue_limits no_limits = { .messages = UINT32_MAX,
							  .bytes = UINT64_MAX };

	if (was_sent(shard, unread, delivery->order))
		unread->sent[unread->sent_at++].delivery = *delivery;
	else if (unread->surplus)
		drop(shard, unread, delivery);
	else
		gh_queue_push(&unread->queue, &no_limits, delivery, NULL, NULL);
}

/* False: from here on they are in memory. */
static bool take_record(struct gh_shard *shard, struct gh_unread *unread,
			const struct gh_record *record)
{
	const struct gh_record_clock clock = gh_persist_clock();
	struct gh_delivery delivery;
	struct gh_error error;
	uint64_t order;

	if (!gh_record_order_of(record->key, &order) || order > unread->last)
		return false;
	unread->count -= unread->count > 0;
	unread->bytes -= record->value.n < unread->bytes ? record->value.n : unread->bytes;
	unread->after = order;
	if (gh_record_get_delivery(record->value, &clock, &delivery, &error) < 0) {
		tell_unreadable(unread->session, error.text);
		return true;
	}
	delivery.order = order;
	take(shard, unread, &delivery);
	return true;
}

static void end_of_it(struct gh_shard *shard, struct gh_unread *unread)
{
	unread->complete = true;
	unread->count = unread->bytes = unread->surplus = 0;
	while (unread->sent_at < unread->sent_count)
		forget_sent(shard, unread);
}

static bool is_settled(const struct gh_unread *unread)
{
	return unread->sent_at == unread->sent_count;
}

int gh_unread_by_place(const void *a, const void *b)
{
	const struct gh_unread_sent *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

static void put_back(struct gh_session *session, struct gh_unread_sent *sent)
{
	if (!sent->delivery.publication)
		return;
	if (sent->delivery.qos == 0 ||
	    !gh_window_restore(&session->window, sent->packet_id, &sent->delivery))
		tell_unreadable(session, "it can't have been sent under this packet id");
}

/* The window is as it was, and is sent again from its beginning. */
static void settle(struct gh_unread *unread)
{
	struct gh_session *session = unread->session;
	struct gh_channel *channel = session->channel;

	qsort(unread->sent, unread->sent_count, sizeof(*unread->sent), gh_unread_by_place);
	for (size_t i = 0; i < unread->sent_count; i++)
		put_back(session, &unread->sent[i]);
	gh_window_open(&session->window, session->window.limit);
	if (channel)
		gh_conn_resume(channel->conn, GH_PAUSE_STORE);
}

static void fetched(void *arg, int rc, const struct gh_record *const *records, size_t count)
{
	struct gh_unread *unread = arg;
	struct gh_session *session = unread->session;
	struct gh_channel *channel = session->channel;
	struct gh_shard *shard = session->keeper;
	bool was_settled = is_settled(unread), more = true;

	unread->fetch = NULL;
	if (rc < 0) {
		gh_log_error("store: messages can't be read (%d)", rc);
		if (channel)
			gh_channel_end(channel, GH_REASON_IMPLEMENTATION_SPECIFIC,
				       "what waits for it can't be read");
		return;
	}
	for (size_t i = 0; i < count && more; i++)
		more = take_record(shard, unread, records[i]);
	if (!more || count < BATCH || unread->after == unread->last)
		end_of_it(shard, unread);
	if (!was_settled && is_settled(unread))
		settle(unread);
	if (channel)
		gh_deliver_pump(channel);
}

/* ---- reading ---- */

static void fetch(struct gh_shard *shard, struct gh_unread *unread)
{
	const struct gh_fetch_call call = {
		.asker = shard->asker,
		.timeout_ms = gh_shard_settings(shard)->limits.hook_timeout,
		.done = fetched,
		.arg = unread,
	};
	uint8_t key[8];
	struct gh_record after = { .size = sizeof(after),
				   .kind = GH_REC_QUEUED,
				   .owner = gh_session_client_id(unread->session),
				   .key = { key, sizeof(key) } };

	if (unread->fetch || unread->complete)
		return;
	gh_record_order(key, unread->after);
	unread->fetch = gh_fetch_start(&call, gh_storage_instance(shard->broker->hooks.storage),
				       &after, BATCH);
}

bool gh_unread_settled(struct gh_channel *channel)
{
	struct gh_unread *unread = gh_unread_of(channel->session);

	if (!unread || is_settled(unread))
		return true;
	gh_conn_pause(channel->conn, GH_PAUSE_STORE);
	fetch(channel->shard, unread);
	return false;
}

struct gh_queue *gh_unread_queue(struct gh_shard *shard, struct gh_session *session)
{
	struct gh_lasting *lasting = session->lasting;

	if (!lasting || !lasting->unread)
		return &session->queue;
	if (lasting->unread->queue.count > 0)
		return &lasting->unread->queue;
	if (lasting->unread->complete) {
		gh_unread_free(&lasting->unread);
		return &session->queue;
	}
	fetch(shard, lasting->unread);
	return NULL;
}

/* Drop-oldest: the oldest goes when it has been read; meanwhile there are at most twice as many. */
static bool make_room(struct gh_shard *shard, struct gh_unread *unread)
{
	struct gh_delivery oldest;

	if (gh_queue_pop(&unread->queue, &oldest)) {
		unread->surplus++;
		drop(shard, unread, &oldest);
		return true;
	}
	if (unread->surplus >= unread->count)
		return unread->session->queue.count > 0;
	unread->surplus++;
	fetch(shard, unread);
	return true;
}

bool gh_unread_room(struct gh_shard *shard, struct gh_session *session, struct gh_queue_limits *limits)
{
	struct gh_unread *unread = gh_unread_of(session);
	uint64_t waiting = gh_unread_count(session);
	uint64_t bytes = unread ? unread->bytes + unread->queue.bytes : 0;

	if (!unread || (waiting + session->queue.count < limits->messages &&
			bytes + session->queue.bytes < limits->bytes)) {
		limits->messages -= (uint32_t)waiting;
		limits->bytes -= bytes;
		return true;
	}
	return limits->policy == GH_QUEUE_DROP_OLDEST && make_room(shard, unread);
}
