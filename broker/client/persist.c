/* SPDX-License-Identifier: Apache-2.0 */
/* What is to outlive the process is told to the store. */
#include "client/persist.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/unread.h"
#include "hook/storage.h"

#include <stdlib.h>

struct gh_record_clock gh_persist_clock(void)
{
	return (struct gh_record_clock){ .now_ms = gh_clock_ms(),
					 .wall_ms = gh_clock_wall_us() / 1000 };
}

/* ---- to the store ---- */

static struct gh_record record_of(enum gh_record_kind kind, struct gh_str owner, struct gh_bytes key)
{
	return (struct gh_record){
		.size = sizeof(struct gh_record), .kind = kind, .owner = owner, .key = key
	};
}

/* A message that was long once isn't to keep its memory. */
#define VALUE_KEPT 65536u

static struct gh_buf *value_begin(struct gh_shard *shard)
{
	if (shard->value.size > VALUE_KEPT)
		gh_buf_done(&shard->value);
	shard->value.n = 0;
	return &shard->value;
}

static void put(struct gh_shard *shard, struct gh_record *record)
{
	record->value = (struct gh_bytes){ shard->value.p, shard->value.n };
	shard->stored = true;
	if (gh_storage_put(shard->broker->hooks.storage, record) < 0)
		shard->store_failed = true;
}

static void erase(struct gh_shard *shard, const struct gh_record *record)
{
	shard->stored = true;
	if (gh_storage_erase(shard->broker->hooks.storage, record) < 0)
		shard->store_failed = true;
}

static void erase_one(struct gh_shard *shard, const struct gh_session *session,
		      enum gh_record_kind kind, struct gh_bytes key)
{
	struct gh_record record = record_of(kind, gh_session_client_id(session), key);

	erase(shard, &record);
}

static const struct gh_bytes no_key;

/* ---- the session ---- */

static int64_t offline_since(const struct gh_session *session)
{
	struct gh_lasting *lasting = session->lasting;

	if (session->channel)
		lasting->offline_since = 0;
	else if (!lasting->offline_since)
		lasting->offline_since = gh_clock_wall_us() / 1000000;
	return lasting->offline_since;
}

/* So many packet ids are reserved; far more than are sent before a store has committed. */
#define IDS_AHEAD 4096u

static uint16_t reserve_ids(const struct gh_session *session)
{
	struct gh_lasting *lasting = session->lasting;

	lasting->last_id = (uint16_t)(session->window.last_id + IDS_AHEAD);
	if (!lasting->last_id)
		lasting->last_id = 1; /* 0 isn't one */
	return lasting->last_id;
}

/* Half of them are used, or (passing over many that are in use) more than all. */
static bool ids_run_out(const struct gh_lasting *lasting, uint16_t id)
{
	uint16_t left = (uint16_t)(lasting->last_id - id);

	return left < IDS_AHEAD / 2 || left > IDS_AHEAD;
}

static void put_session(struct gh_shard *shard, const struct gh_session *session)
{
	struct gh_record record = record_of(GH_REC_SESSION, gh_session_client_id(session), no_key);
	const struct gh_stored_session stored = {
		.realm = gh_session_realm(session),
		.principal = gh_session_principal(session),
		.version = session->version,
		.expiry_interval = session->expiry_interval,
		.created_at = session->created_at,
		.offline_since = offline_since(session),
		.last_id = reserve_ids(session),
		.identity = session->identity,
	};

	gh_record_put_session(value_begin(shard), &stored);
	put(shard, &record);
}

void gh_persist_session(struct gh_shard *shard, struct gh_session *session)
{
	if (!session->lasting) {
		if (!shard->stores || session->expiry_interval == 0)
			return;
		session->lasting = gh_zalloc(sizeof(struct gh_lasting));
		erase_one(shard, session, 0,
			  no_key); /* what couldn't be read at the start may be there still */
	}
	put_session(shard, session);
}

void gh_persist_leave(struct gh_session *session)
{
	struct gh_lasting *lasting = session->lasting;

	if (lasting)
		gh_unread_free(&lasting->unread);
	free(lasting);
	session->lasting = NULL;
}

void gh_persist_session_end(struct gh_shard *shard, struct gh_session *session)
{
	if (!session->lasting)
		return;
	erase_one(shard, session, 0, no_key);
	gh_persist_leave(session);
}

/* ---- subscriptions ---- */

static struct gh_bytes key_of(struct gh_str text)
{
	return (struct gh_bytes){ text.p, text.n };
}

void gh_persist_subscription(struct gh_shard *shard, const struct gh_subscriber *subscriber,
			     struct gh_str filter)
{
	const struct gh_session *session = subscriber->who.session;
	struct gh_record record =
		record_of(GH_REC_SUBSCRIPTION, gh_session_client_id(session), key_of(filter));
	const struct gh_stored_subscription stored = {
		.id = subscriber->id,
		.qos = subscriber->qos,
		.retain_handling = subscriber->retain_handling,
		.no_local = subscriber->no_local,
		.retain_as_published = subscriber->retain_as_published,
	};

	if (!session->lasting)
		return;
	gh_record_put_subscription(value_begin(shard), &stored);
	put(shard, &record);
}

void gh_persist_subscription_end(struct gh_shard *shard, struct gh_session *session,
				 struct gh_str filter)
{
	if (session->lasting)
		erase_one(shard, session, GH_REC_SUBSCRIPTION, key_of(filter));
}

/* ---- messages ---- */

void gh_persist_order(struct gh_session *session, struct gh_delivery *delivery)
{
	struct gh_lasting *lasting = session->lasting;

	if (lasting && delivery->qos > 0 && !delivery->order)
		delivery->order = ++lasting->order;
}

void gh_persist_message(struct gh_shard *shard, struct gh_session *session,
			struct gh_delivery *delivery, bool sent)
{
	struct gh_record_clock clock;
	struct gh_record record;
	uint8_t key[8];

	if (!session->lasting || delivery->qos == 0)
		return;
	gh_persist_order(session, delivery);
	clock = gh_persist_clock();
	gh_record_order(key, delivery->order);
	record = record_of(GH_REC_QUEUED, gh_session_client_id(session),
			   (struct gh_bytes){ key, sizeof(key) });
	if (!sent)
		record.expires = gh_record_expires(delivery->publication, &clock);
	gh_record_put_delivery(value_begin(shard), delivery, &clock);
	put(shard, &record);
}

static void erase_message(struct gh_shard *shard, const struct gh_session *session, uint64_t order)
{
	uint8_t key[8];

	gh_record_order(key, order);
	erase_one(shard, session, GH_REC_QUEUED, (struct gh_bytes){ key, sizeof(key) });
}

void gh_persist_message_end(struct gh_shard *shard, const struct gh_session *session,
			    const struct gh_delivery *delivery)
{
	if (session->lasting && delivery->order)
		erase_message(shard, session, delivery->order);
}

/* ---- packet ids ---- */

static struct gh_record record_of_id(const struct gh_session *session, enum gh_record_kind kind,
				     uint16_t id, uint8_t key[2])
{
	gh_record_packet_id(key, id);
	return record_of(kind, gh_session_client_id(session), (struct gh_bytes){ key, 2 });
}

static void put_inflight(struct gh_shard *shard, const struct gh_session *session, uint16_t id,
			 const struct gh_stored_inflight *inflight)
{
	uint8_t key[2];
	struct gh_record record = record_of_id(session, GH_REC_INFLIGHT, id, key);

	gh_record_put_inflight(value_begin(shard), inflight);
	put(shard, &record);
}

void gh_persist_sent(struct gh_shard *shard, const struct gh_session *session,
		     const struct gh_window_entry *entry)
{
	struct gh_lasting *lasting = session->lasting;
	struct gh_stored_inflight inflight = { .order = entry->delivery.order };

	if (!lasting)
		return;
	inflight.place = ++lasting->order;
	put_inflight(shard, session, entry->id, &inflight);
	if (ids_run_out(lasting, entry->id))
		put_session(shard, session);
}

void gh_persist_received(struct gh_shard *shard, const struct gh_session *session,
			 const struct gh_window_entry *entry)
{
	struct gh_lasting *lasting = session->lasting;
	struct gh_stored_inflight inflight = { .released = true };

	if (!lasting || entry->state == GH_WINDOW_RELEASED)
		return;
	inflight.place = ++lasting->order;
	put_inflight(shard, session, entry->id, &inflight);
	gh_persist_message_end(shard, session, &entry->delivery);
}

static void erase_id(struct gh_shard *shard, const struct gh_session *session,
		     enum gh_record_kind kind, uint16_t id)
{
	uint8_t key[2];
	struct gh_record record = record_of_id(session, kind, id, key);

	erase(shard, &record);
}

void gh_persist_window_end(struct gh_shard *shard, const struct gh_session *session,
			   const struct gh_window_entry *entry)
{
	if (!session->lasting)
		return;
	gh_persist_message_end(shard, session, &entry->delivery);
	erase_id(shard, session, GH_REC_INFLIGHT, entry->id);
}

void gh_persist_inbound(struct gh_shard *shard, const struct gh_session *session, uint16_t id)
{
	struct gh_record record;
	uint8_t key[2];

	if (!session->lasting)
		return;
	record = record_of_id(session, GH_REC_INBOUND, id, key);
	value_begin(shard);
	put(shard, &record);
}

void gh_persist_inbound_end(struct gh_shard *shard, const struct gh_session *session, uint16_t id)
{
	if (session->lasting)
		erase_id(shard, session, GH_REC_INBOUND, id);
}

/* ---- the will ---- */

static void put_will(struct gh_shard *shard, struct gh_record *record,
		     const struct gh_session_will *will)
{
	const struct gh_stored_will stored = { .publication = will->publication,
					       .delay = will->delay,
					       .expiry = will->expiry,
					       .has_expiry = will->has_expiry };

	gh_record_put_will(value_begin(shard), &stored);
	put(shard, record);
}

void gh_persist_will(struct gh_shard *shard, const struct gh_session *session)
{
	struct gh_record record = record_of(GH_REC_WILL, gh_session_client_id(session), no_key);

	if (!session->lasting)
		return;
	if (session->will)
		put_will(shard, &record, session->will);
	else
		erase(shard, &record);
}

static const struct gh_str nobody = { "", 0 };

static void firing_key(struct gh_buf *out, uint64_t serial, const struct gh_session_will *will)
{
	uint8_t order[8];

	gh_record_order(order, serial);
	gh_buf_add(out, order, sizeof(order));
	gh_buf_str(out, gh_publication_origin(will->publication));
}

void gh_persist_firing(struct gh_shard *shard, uint64_t serial, const struct gh_session_will *will)
{
	struct gh_buf key = { 0 };
	struct gh_record record;

	firing_key(&key, serial, will);
	record = record_of(GH_REC_WILL, nobody, (struct gh_bytes){ key.p, key.n });
	put_will(shard, &record, will);
	gh_buf_done(&key);
}

void gh_persist_firing_end(struct gh_shard *shard, uint64_t serial, const struct gh_session_will *will)
{
	struct gh_buf key = { 0 };
	struct gh_record record;

	firing_key(&key, serial, will);
	record = record_of(GH_REC_WILL, nobody, (struct gh_bytes){ key.p, key.n });
	erase(shard, &record);
	gh_buf_done(&key);
}

/* ---- of the broker ---- */

/* The right order is that of the store's shard, whose lock is held: a buffer of this call's own. */
static int retained_put(void *arg, const struct gh_publication *publication)
{
	struct gh_broker *broker = arg;
	const struct gh_record_clock clock = gh_persist_clock();
	struct gh_record record =
		record_of(GH_REC_RETAINED, nobody, key_of(gh_publication_topic(publication)));
	struct gh_buf value = { 0 };
	int rc;

	gh_record_put_publication(&value, publication, &clock);
	record.value = (struct gh_bytes){ value.p, value.n };
	record.expires = gh_record_expires(publication, &clock);
	rc = gh_storage_put(broker->hooks.storage, &record);
	gh_buf_done(&value);
	return rc;
}

static int retained_erase(void *arg, struct gh_str topic)
{
	struct gh_broker *broker = arg;
	const struct gh_record record = record_of(GH_REC_RETAINED, nobody, key_of(topic));

	return gh_storage_erase(broker->hooks.storage, &record);
}

const struct gh_retained_keeper gh_persist_retained = { retained_put, retained_erase };
