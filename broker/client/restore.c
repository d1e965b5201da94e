/* SPDX-License-Identifier: Apache-2.0 */
/* From records to sessions. */
#include "client/restore.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/attach.h"
#include "client/class.h"
#include "client/groups.h"
#include "client/recheck.h"
#include "client/unread.h"
#include "client/will.h"
#include "hook/sink.h"
#include "hook/storage.h"

#include <stdlib.h>
#include <string.h>

/* Of each worker, in the order in which it was loaded. */
struct gh_restoring {
	unsigned worker_count;
	atomic_uint bad; /* records that can't be read */
	struct gh_record_list workers[];
};

/* ---- what can't be read ---- */

#define BAD_TOLD 10u
#define BAN_TEXT 65536u /* of a client id or principal, terminated */

static const char *kind_name(uint32_t kind)
{
	static const char *const names[] = { [GH_REC_SESSION] = "session",
					     [GH_REC_SUBSCRIPTION] = "subscription",
					     [GH_REC_QUEUED] = "queue",
					     [GH_REC_INFLIGHT] = "packet id",
					     [GH_REC_INBOUND] = "packet id of the client",
					     [GH_REC_WILL] = "will",
					     [GH_REC_RETAINED] = "retained message",
					     [GH_REC_BAN] = "ban" };

	return kind < sizeof(names) / sizeof(*names) && names[kind] ? names[kind] : "unknown kind";
}

static void tell_bad(struct gh_restoring *restoring, const struct gh_record *record, const char *why)
{
	const struct gh_log_field fields[] = { GH_FIELD("kind", kind_name(record->kind)),
					       GH_FIELD_STR("owner", record->owner),
					       GH_FIELD("reason", why) };

	if (atomic_fetch_add(&restoring->bad, 1) < BAD_TOLD)
		gh_log_line(GH_LOG_WARNING, fields, 3,
			    "a record of the store can't be used: left there");
}

/* ---- the load, on the control thread ---- */

static struct gh_restoring *restoring_of(struct gh_broker *broker)
{
	struct gh_restoring *restoring = broker->restoring;

	if (!restoring) {
		restoring = gh_zalloc(sizeof(*restoring) +
				      broker->worker_count * sizeof(restoring->workers[0]));
		restoring->worker_count = broker->worker_count;
		broker->restoring = restoring;
	}
	return restoring;
}

static void load_retained(struct gh_broker *broker, const struct gh_record *record)
{
	const struct gh_record_clock clock = gh_persist_clock();
	struct gh_publication *publication;
	struct gh_error error;

	if (gh_record_get_publication(record->value, &clock, &publication, &error) < 0) {
		tell_bad(restoring_of(broker), record, error.text);
		return;
	}
	if (!gh_str_equal(gh_publication_topic(publication), gh_str_n(record->key.p, record->key.n)))
		tell_bad(restoring_of(broker), record, "its key isn't its topic");
	else if (!gh_publication_expired(publication, clock.now_ms) && publication->payload_n > 0 &&
		 gh_retained_set(broker->retained, publication) == GH_RETAINED_FULL)
		tell_bad(restoring_of(broker), record,
			 "retained-messages or retained-bytes is reached");
	gh_publication_unref(&publication);
}

/* False: no key of a ban. text is the key's own, terminated by a copy. */
static bool ban_key_of(struct gh_bytes key, char text[BAN_TEXT], struct gh_term_key *key_r)
{
	const uint8_t *p = key.p;

	if (key.n < 2)
		return false;
	*key_r = (struct gh_term_key){ .kind = (enum gh_subject_kind)p[0], .text = text };
	if (p[0] == GH_ADDRESS && key.n == 2 + sizeof(key_r->prefix.ip) && p[key.n - 1] <= 128) {
		memcpy(key_r->prefix.ip, p + 1, sizeof(key_r->prefix.ip));
		key_r->prefix.bits = p[key.n - 1];
		return true;
	}
	if ((p[0] != GH_CLIENT_ID && p[0] != GH_PRINCIPAL) || key.n > BAN_TEXT || memchr(p, 0, key.n))
		return false;
	memcpy(text, p + 1, key.n - 1);
	text[key.n - 1] = '\0';
	return true;
}

static void load_ban(struct gh_broker *broker, const struct gh_record *record)
{
	int64_t left = record->expires - gh_clock_wall_us() / 1000000;
	char text[BAN_TEXT], why[GH_TERM_TEXT];
	size_t n = record->value.n < sizeof(why) - 1 ? record->value.n : sizeof(why) - 1;
	struct gh_term_key key;

	if (!ban_key_of(record->key, text, &key)) {
		tell_bad(restoring_of(broker), record, "its key isn't that of a ban");
		return;
	}
	if (n > 0)
		memcpy(why, record->value.p, n);
	why[n] = '\0';
	if (left > 0 &&
	    gh_terms_put(broker->bans, &key, left < UINT32_MAX ? (uint32_t)left : UINT32_MAX, why,
			 gh_clock_ms()) < 0)
		tell_bad(restoring_of(broker), record, "limits.bans is reached");
}

static bool is_firing(const struct gh_record *record)
{
	return record->kind == GH_REC_WILL && record->owner.n == 0 && record->key.n > 8;
}

/* Whose it is, or was. */
static struct gh_str client_of(const struct gh_record *record)
{
	const char *key = record->key.p;

	return is_firing(record) ? gh_str_n(key + 8, record->key.n - 8) : record->owner;
}

static void load_of_session(struct gh_broker *broker, const struct gh_record *record)
{
	struct gh_restoring *restoring = restoring_of(broker);
	struct gh_str client = client_of(record);
	uint64_t hash = gh_registry_hash(&broker->key, client);

	if (client.n > UINT16_MAX)
		tell_bad(restoring, record, "its owner is too long for a client id");
	else
		gh_record_list_add(&restoring->workers[hash % restoring->worker_count],
				   gh_record_copy_new(record));
}

int gh_restore_loaded(void *arg, const struct gh_record *record)
{
	struct gh_broker *broker = arg;

	switch (record->kind) {
	case GH_REC_RETAINED: load_retained(broker, record); break;
	case GH_REC_BAN: load_ban(broker, record); break;
	case GH_REC_SESSION:
	case GH_REC_SUBSCRIPTION:
	case GH_REC_QUEUED:
	case GH_REC_INFLIGHT:
	case GH_REC_INBOUND:
	case GH_REC_WILL: load_of_session(broker, record); break;
	default: tell_bad(restoring_of(broker), record, "this broker doesn't know it"); break;
	}
	return 0;
}

void gh_restore_begin(struct gh_broker *broker)
{
	if (gh_storage_instance(broker->hooks.storage))
		gh_retained_keep(broker->retained, &gh_persist_retained, broker);
}

void gh_restore_end(struct gh_broker *broker)
{
	struct gh_restoring *restoring = broker->restoring;
	unsigned bad;

	if (!restoring)
		return;
	bad = atomic_load(&restoring->bad);
	if (bad > BAD_TOLD)
		gh_log_warning("%u records of the store can't be used, the first %u are told", bad,
			       BAD_TOLD);
	for (unsigned i = 0; i < restoring->worker_count; i++)
		gh_record_list_done(&restoring->workers[i]);
	free(restoring);
	broker->restoring = NULL;
}

/* ---- sessions, on their worker ---- */

struct restore {
	struct gh_shard *shard;
	const struct gh_record *record;
	struct gh_session *session; /* NULL: not this record's */
};

static void bad(const struct restore *r, const char *why)
{
	tell_bad(r->shard->broker->restoring, r->record, why);
}

static bool is_ones_own(const struct gh_record *record, const struct gh_stored_session *stored)
{
	const char *client_id = gh_snapshot_client(stored->identity)->client_id;

	return client_id && gh_str_equal(gh_str(client_id), record->owner);
}

static void make_session(struct restore *r, const struct gh_stored_session *stored)
{
	const struct gh_session_owner owner = { .realm = stored->realm,
						.principal = stored->principal };
	struct gh_session *session;
	struct gh_lasting *lasting;

	if (gh_registry_find(r->shard->sessions, r->record->owner)) {
		bad(r, "a second one of its client id");
		return;
	}
	session = gh_session_begin(r->shard, r->record->owner, &owner);
	lasting = session->lasting = gh_zalloc(sizeof(*lasting));
	lasting->offline_since = stored->offline_since;
	session->version = stored->version;
	session->expiry_interval = stored->expiry_interval;
	session->created_at = stored->created_at;
	session->window.last_id = lasting->last_id = stored->last_id;
	gh_session_set_identity(session, stored->identity);
	gh_class_follow(r->shard, session);
}

static void restore_session(struct restore *r)
{
	struct gh_stored_session stored;
	struct gh_error error;

	if (gh_record_get_session(r->record->value, &stored, &error) < 0) {
		bad(r, error.text);
		return;
	}
	if (is_ones_own(r->record, &stored))
		make_session(r, &stored);
	else
		bad(r, "it isn't the identity of its owner");
	gh_snapshot_unref(&stored.identity);
}

static void restore_subscription(struct restore *r)
{
	struct gh_str filter = gh_str_n(r->record->key.p, r->record->key.n);
	struct gh_stored_subscription stored;
	struct gh_subscriber *subscriber;
	struct gh_share share;
	struct gh_error error;
	bool is_new;

	if (gh_record_get_subscription(r->record->value, &stored, &error) < 0) {
		bad(r, error.text);
		return;
	}
	if (filter.n > UINT16_MAX || !gh_share_parse(filter, &share)) {
		bad(r, "its key isn't a topic filter");
		return;
	}
	subscriber = gh_index_add(r->shard->filters, r->session, filter, share.group.n > 0, &is_new);
	atomic_fetch_add(&r->shard->broker->subscriptions, is_new);
	subscriber->id = stored.id;
	subscriber->qos = stored.qos & 3;
	subscriber->no_local = stored.no_local;
	subscriber->retain_as_published = stored.retain_as_published;
	subscriber->retain_handling = stored.retain_handling & 3;
	if (share.group.n > 0)
		gh_group_join(r->shard, r->session, &share, subscriber, NULL);
}

static void see_order(struct gh_session *session, uint64_t order)
{
	struct gh_lasting *lasting = session->lasting;

	if (order > lasting->order)
		lasting->order = order;
}

static struct gh_unread *unread_of(struct gh_session *session)
{
	struct gh_lasting *lasting = session->lasting;

	if (!lasting->unread)
		lasting->unread = gh_unread_new(session);
	return lasting->unread;
}

static void restore_queue(struct restore *r)
{
	struct gh_unread *unread;
	uint64_t last;

	if (!gh_record_order_of(r->record->key, &last)) {
		bad(r, "its key isn't that of a message");
		return;
	}
	see_order(r->session, last);
	unread = unread_of(r->session);
	unread->last = last;
	unread->count = r->record->count;
	unread->bytes = r->record->bytes;
}

static void restore_inflight(struct restore *r)
{
	struct gh_stored_inflight stored;
	struct gh_unread *unread;
	struct gh_error error;
	uint16_t id;

	if (!gh_record_packet_id_of(r->record->key, &id)) {
		bad(r, "its key isn't a packet id");
		return;
	}
	if (gh_record_get_inflight(r->record->value, &stored, &error) < 0) {
		bad(r, error.text);
		return;
	}
	see_order(r->session, stored.place);
	unread = unread_of(r->session);
	unread->sent = gh_realloc_array(unread->sent, unread->sent_count + 1, sizeof(*unread->sent));
	unread->sent[unread->sent_count++] = (struct gh_unread_sent){ .order = stored.order,
								      .place = stored.place,
								      .packet_id = id,
								      .released = stored.released };
}

static void restore_inbound(struct restore *r)
{
	uint16_t id;

	if (gh_record_packet_id_of(r->record->key, &id))
		gh_inbound_add(&r->session->inbound, id, UINT16_MAX);
	else
		bad(r, "its key isn't a packet id");
}

static void restore_will(struct restore *r)
{
	struct gh_stored_will stored;
	struct gh_error error;

	if (gh_record_get_will(r->record->value, &stored, &error) < 0) {
		bad(r, error.text);
		return;
	}
	if (r->session->will)
		bad(r, "a second one of its client id");
	else
		gh_will_restore(r->session, &stored);
	gh_publication_unref(&stored.publication);
}

static void restore_firing(struct restore *r)
{
	struct gh_bytes serial = { r->record->key.p, 8 };
	struct gh_stored_will stored;
	struct gh_error error;
	uint64_t number;

	if (gh_record_get_will(r->record->value, &stored, &error) < 0) {
		bad(r, error.text);
		return;
	}
	if (gh_record_order_of(serial, &number) &&
	    gh_str_equal(gh_publication_origin(stored.publication), client_of(r->record)))
		gh_will_restore_firing(r->shard, number, &stored);
	else
		bad(r, "its key isn't that of a will");
	gh_publication_unref(&stored.publication);
}

static void restore_part(struct restore *r)
{
	switch (r->record->kind) {
	case GH_REC_SUBSCRIPTION: restore_subscription(r); break;
	case GH_REC_QUEUED: restore_queue(r); break;
	case GH_REC_INFLIGHT: restore_inflight(r); break;
	case GH_REC_INBOUND: restore_inbound(r); break;
	default: restore_will(r); break;
	}
}

/* Each record of the worker: the sessions themselves, or what belongs to them. */
static void restore_all(struct gh_shard *shard, const struct gh_record_list *list, bool sessions)
{
	struct restore r = { .shard = shard };

	for (size_t i = 0; i < list->count; i++) {
		r.record = &list->at[i]->record;
		if (sessions != (r.record->kind == GH_REC_SESSION))
			continue;
		r.session = sessions ? NULL : gh_registry_find(shard->sessions, r.record->owner);
		if (sessions)
			restore_session(&r);
		else if (r.session)
			restore_part(&r);
		else if (is_firing(r.record))
			restore_firing(&r);
		else
			bad(&r, "there is no session of its owner");
	}
}

static int by_order(const void *a, const void *b)
{
	const struct gh_unread_sent *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

/* What the client has only to release needs no message. */
static void settle_released(struct gh_session *session, struct gh_unread *unread)
{
	size_t kept = 0;

	qsort(unread->sent, unread->sent_count, sizeof(*unread->sent), gh_unread_by_place);
	for (size_t i = 0; i < unread->sent_count; i++)
		if (unread->sent[i].released)
			gh_window_restore(&session->window, unread->sent[i].packet_id, NULL);
		else
			unread->sent[kept++] = unread->sent[i];
	unread->sent_count = kept;
	if (kept && !session->window.last_id) /* of an earlier form */
		session->window.last_id = unread->sent[kept - 1].packet_id;
	qsort(unread->sent, unread->sent_count, sizeof(*unread->sent), by_order);
}

static void make_sessions(struct gh_shard *shard, const struct gh_record_list *list)
{
	struct gh_registry_walk walk;
	struct gh_session *session;

	restore_all(shard, list, true);
	restore_all(shard, list, false);
	gh_registry_walk_begin(shard->sessions, &walk);
	while ((session = gh_registry_walk_next(shard->sessions, &walk)))
		if (gh_unread_of(session) && gh_unread_of(session)->sent_count > 0)
			settle_released(session, gh_unread_of(session));
}

/* ---- what is due ---- */

/* One that was connected is away since now: the broker wasn't there either. */
static void begin_clocks(struct gh_shard *shard, struct gh_session *session, int64_t now)
{
	struct gh_lasting *lasting = session->lasting;
	uint64_t away = 0, interval = session->expiry_interval;

	if (lasting->offline_since && now > lasting->offline_since)
		away = (uint64_t)(now - lasting->offline_since);
	if (!lasting->offline_since)
		gh_persist_session(shard, session);
	gh_will_due(shard, session, away);
	if (interval == 0 || (interval != GH_EXPIRY_NEVER && interval <= away))
		gh_session_end(shard, session, GH_SESSION_EXPIRED);
	else if (interval != GH_EXPIRY_NEVER)
		gh_loop_timeout(shard->loop, &session->expiry, (interval - away) * 1000);
}

static void do_what_is_due(struct gh_shard *shard)
{
	int64_t now = gh_clock_wall_us() / 1000000;
	size_t count = gh_registry_count(shard->sessions);
	struct gh_registry_walk walk;
	struct gh_session *session;

	gh_wills_go_on(shard);
	gh_registry_walk_begin(shard->sessions, &walk);
	while ((session = gh_registry_walk_next(shard->sessions, &walk)))
		begin_clocks(shard, session, now);
	if (count > 0) {
		gh_log_debug("worker %u: %zu sessions restored", shard->index, count);
		gh_recheck_begin(shard);
	}
}

/* ---- a step ---- */

struct step {
	struct gh_mail mail;
	struct gh_timeout told; /* what this turn has for other workers has been posted by then */
	enum gh_restore_step step;
	gh_restored_fn *done;
	void *arg;
};

static void on_told(struct gh_timeout *timeout)
{
	struct step *step = gh_container(timeout, struct step, told);

	step->done(step->arg);
	free(step);
}

static void on_step(struct gh_mail *mail, void *owner)
{
	struct step *step = gh_container(mail, struct step, mail);
	struct gh_shard *shard = owner ? gh_shard_of(owner) : NULL;

	if (!shard) {
		free(step);
		return;
	}
	if (step->step == GH_RESTORE_SESSIONS)
		make_sessions(shard, &shard->broker->restoring->workers[shard->index]);
	else
		do_what_is_due(shard);
	gh_timeout_init(&step->told, on_told);
	gh_loop_timeout(shard->loop, &step->told, 0);
}

void gh_restore_step(struct gh_broker *broker, enum gh_restore_step which, gh_restored_fn *done,
		     void *arg)
{
	for (unsigned i = 0; i < broker->worker_count; i++) {
		struct step *step = gh_zalloc(sizeof(*step));

		step->mail.deliver = on_step;
		step->step = which;
		step->done = done;
		step->arg = arg;
		gh_worker_post(gh_workers_at(broker->workers, i), GH_LANE_CONTROL, &step->mail);
	}
}
