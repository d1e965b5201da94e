/* SPDX-License-Identifier: Apache-2.0 */
/* What a session has, as bytes and back. Messages are in record_message.c. */
#include "session/record.h"

#include "base/pack.h"
#include "base/str.h"
#include "hook/snapshot.h"
#include "mqtt/packet.h"
#include "session/record_priv.h"

#include <string.h>

static uint64_t seconds(int64_t t)
{
	return t < 0 ? 0 : (uint64_t)t > GH_PACK_TIME_MAX ? GH_PACK_TIME_MAX : (uint64_t)t;
}

/* ---- sessions ---- */

#define SESSION_FORM 2 /* 1 had no last_id */

void gh_record_put_session(struct gh_buf *out, const struct gh_stored_session *session)
{
	gh_buf_u8(out, SESSION_FORM);
	gh_pack_text(out, session->realm);
	gh_pack_text(out, session->principal);
	gh_pack_number(out, session->version);
	gh_pack_number(out, session->expiry_interval);
	gh_pack_number(out, seconds(session->created_at));
	gh_pack_number(out, seconds(session->offline_since));
	gh_pack_number(out, session->last_id);
	gh_snapshot_pack(out, session->identity);
}

/* The principal that owns a session is the one that has last connected to it. */
static void check_owner(struct gh_unpack *in, const struct gh_stored_session *session)
{
	const struct gh_identity *identity =
		session->identity ? gh_snapshot_client(session->identity)->identity : NULL;

	if (!identity)
		gh_unpack_fail(in, "'identity' is of nobody");
	else if (!gh_str_is(session->principal, identity->principal) ||
		 !gh_str_is(session->realm, identity->realm))
		gh_unpack_fail(in, "'identity' is another than the 'principal' of the session");
}

int gh_record_get_session(struct gh_bytes value, struct gh_stored_session *session_r,
			  struct gh_error *error)
{
	struct gh_unpack in = gh_unpack(value, error);
	struct gh_stored_session session = { 0 };
	uint8_t form = gh_unpack_version(&in, SESSION_FORM);

	session.realm = gh_unpack_text(&in, "realm", UINT16_MAX);
	session.principal = gh_unpack_text(&in, "principal", GH_PRINCIPAL_MAX);
	session.version = (uint8_t)gh_unpack_number(&in, "MQTT version", GH_MQTT_3_1, GH_MQTT_5);
	session.expiry_interval = (uint32_t)gh_unpack_number(&in, "expiry interval", 0, UINT32_MAX);
	session.created_at = (int64_t)gh_unpack_number(&in, "created at", 0, GH_PACK_TIME_MAX);
	session.offline_since = (int64_t)gh_unpack_number(&in, "offline since", 0, GH_PACK_TIME_MAX);
	if (form >= 2)
		session.last_id = (uint16_t)gh_unpack_number(&in, "last packet id", 0, UINT16_MAX);
	session.identity = gh_snapshot_unpack(&in);
	check_owner(&in, &session);
	if (gh_unpack_end(&in)) {
		gh_snapshot_unref(&session.identity);
		return in.rc;
	}
	*session_r = session;
	return 0;
}

/* ---- subscriptions ---- */

enum { NO_LOCAL = 1, RETAIN_AS_PUBLISHED = 2 };

void gh_record_put_subscription(struct gh_buf *out, const struct gh_stored_subscription *subscription)
{
	gh_buf_u8(out, GH_RECORD_FORM);
	gh_buf_u8(out, (uint8_t)((subscription->no_local ? NO_LOCAL : 0) |
				 (subscription->retain_as_published ? RETAIN_AS_PUBLISHED : 0)));
	gh_pack_number(out, subscription->qos);
	gh_pack_number(out, subscription->retain_handling);
	gh_pack_number(out, subscription->id);
}

int gh_record_get_subscription(struct gh_bytes value, struct gh_stored_subscription *subscription_r,
			       struct gh_error *error)
{
	struct gh_unpack in = gh_unpack(value, error);
	struct gh_stored_subscription subscription = { 0 };
	uint8_t flags;

	gh_unpack_version(&in, GH_RECORD_FORM);
	flags = gh_unpack_flags(&in, "flags", NO_LOCAL | RETAIN_AS_PUBLISHED);
	subscription.no_local = flags & NO_LOCAL;
	subscription.retain_as_published = flags & RETAIN_AS_PUBLISHED;
	subscription.qos = (uint8_t)gh_unpack_number(&in, "qos", 0, 2);
	subscription.retain_handling = (uint8_t)gh_unpack_number(&in, "retain handling", 0, 2);
	subscription.id = (uint32_t)gh_unpack_number(&in, "subscription id", 0, GH_RECORD_ID_MAX);
	if (gh_unpack_end(&in))
		return in.rc;
	*subscription_r = subscription;
	return 0;
}

/* ---- packet ids under way ---- */

#define INFLIGHT_FORM 2 /* 1 had no place: what was sent had that of its order */

void gh_record_put_inflight(struct gh_buf *out, const struct gh_stored_inflight *inflight)
{
	gh_buf_u8(out, INFLIGHT_FORM);
	gh_buf_u8(out, inflight->released);
	gh_pack_number(out, inflight->place);
	if (!inflight->released)
		gh_pack_number(out, inflight->order);
}

int gh_record_get_inflight(struct gh_bytes value, struct gh_stored_inflight *inflight_r,
			   struct gh_error *error)
{
	struct gh_unpack in = gh_unpack(value, error);
	struct gh_stored_inflight inflight = { 0 };
	uint8_t form = gh_unpack_version(&in, INFLIGHT_FORM);

	inflight.released = gh_unpack_flags(&in, "released", 1);
	inflight.place = gh_unpack_number(&in, "place", 0, UINT64_MAX);
	if (!inflight.released)
		inflight.order =
			form >= 2 ? gh_unpack_number(&in, "order", 0, UINT64_MAX) : inflight.place;
	if (gh_unpack_end(&in))
		return in.rc;
	*inflight_r = inflight;
	return 0;
}

/* ---- keys ---- */

void gh_record_order(uint8_t key_r[8], uint64_t order)
{
	for (unsigned i = 0; i < 8; i++)
		key_r[i] = (uint8_t)(order >> (56 - 8 * i));
}

bool gh_record_order_of(struct gh_bytes key, uint64_t *order_r)
{
	const uint8_t *p = key.p;

	if (key.n != 8)
		return false;
	*order_r = 0;
	for (unsigned i = 0; i < 8; i++)
		*order_r = *order_r << 8 | p[i];
	return *order_r <= GH_RECORD_ORDER_MAX;
}

void gh_record_packet_id(uint8_t key_r[2], uint16_t id)
{
	key_r[0] = (uint8_t)(id >> 8);
	key_r[1] = (uint8_t)id;
}

bool gh_record_packet_id_of(struct gh_bytes key, uint16_t *id_r)
{
	const uint8_t *p = key.p;

	if (key.n != 2 || (p[0] | p[1]) == 0)
		return false;
	*id_r = (uint16_t)(p[0] << 8 | p[1]);
	return true;
}
