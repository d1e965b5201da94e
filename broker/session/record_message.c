/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as bytes and back: retained, on their way to a session, or of a will. */
#include "base/mem.h"
#include "base/pack.h"
#include "base/str.h"
#include "base/utf8.h"
#include "hook/snapshot.h"
#include "mqtt/property.h"
#include "session/record.h"
#include "session/record_priv.h"

#include <stdlib.h>
#include <string.h>

#define EXPIRY_MAX (UINT32_MAX * UINT64_C(1000)) /* ms: MQTT can't say more */
#define WALL_MAX   (GH_PACK_TIME_MAX * 1000)     /* Unix ms */

/* ---- expiry: what was left of it, and when ---- */

static uint64_t wall_of(const struct gh_record_clock *clock)
{
	uint64_t wall = clock->wall_ms < 0 ? 0 : (uint64_t)clock->wall_ms;

	return wall > WALL_MAX ? WALL_MAX : wall;
}

static uint64_t left(const struct gh_publication *publication, const struct gh_record_clock *clock)
{
	uint64_t ms = publication->expires_at > clock->now_ms
			      ? publication->expires_at - clock->now_ms
			      : 0;

	return ms > EXPIRY_MAX ? EXPIRY_MAX : ms;
}

static void put_expiry(struct gh_buf *out, const struct gh_publication *publication,
		       const struct gh_record_clock *clock)
{
	gh_buf_u8(out, publication->expires_at != 0);
	if (!publication->expires_at)
		return;
	gh_pack_number(out, wall_of(clock));
	gh_pack_number(out, left(publication, clock));
}

/* A wall clock that went back gives a message no more time than it had. */
static uint64_t get_expiry(struct gh_unpack *in, const struct gh_record_clock *clock)
{
	uint64_t then, ms, gone;

	if (!gh_unpack_flags(in, "expires", 1))
		return 0;
	then = gh_unpack_number(in, "kept at", 0, WALL_MAX);
	ms = gh_unpack_number(in, "expiry", 0, EXPIRY_MAX);
	gone = wall_of(clock) > then ? wall_of(clock) - then : 0;
	ms = ms > gone ? ms - gone : 0;
	if (clock->now_ms > UINT64_MAX - ms)
		return UINT64_MAX;
	return clock->now_ms + ms ? clock->now_ms + ms : 1;
}

int64_t gh_record_expires(const struct gh_publication *publication,
			  const struct gh_record_clock *clock)
{
	uint64_t at;

	if (!publication->expires_at)
		return 0;
	at = (wall_of(clock) + left(publication, clock) + 999) / 1000;
	return at ? (int64_t)at : 1;
}

/* ---- a message, but for its expiry ---- */

enum { RETAIN = 1, IS_TEXT = 2 };

static void put_message(struct gh_buf *out, const struct gh_publication *publication)
{
	gh_buf_u8(out, (uint8_t)((publication->retain ? RETAIN : 0) |
				 (publication->is_text ? IS_TEXT : 0)));
	gh_pack_number(out, publication->qos);
	gh_pack_text(out, gh_publication_topic(publication));
	gh_pack_text(out, gh_publication_origin(publication));
	gh_pack_bytes(out, gh_publication_properties(publication));
	gh_pack_bytes(out, gh_publication_payload(publication));
	gh_snapshot_pack(out, publication->author);
}

static void check_properties(struct gh_unpack *in, struct gh_bytes raw)
{
	struct gh_property_reader reader = { .rest = raw, .packet = GH_IN(GH_PACKET_PUBLISH) };
	struct gh_property property;
	struct gh_malformed why;
	int got;

	while ((got = gh_property_read(&reader, &property, &why)) > 0)
		if (!gh_property_forwarded(property.id))
			gh_unpack_fail(in, "'properties' have one that isn't passed on (0x%02x)",
				       property.id);
	if (got < 0)
		gh_unpack_fail(in, "'properties': %s", why.text);
}

/* A client id; or of a module's message a zero byte and the module's name, which is no client's. */
static struct gh_str get_origin(struct gh_unpack *in)
{
	struct gh_bytes bytes = gh_unpack_bytes(in, "origin", UINT16_MAX);
	struct gh_str origin = { bytes.p, bytes.n };
	struct gh_str name = origin;

	if (name.n && !*name.p)
		name = gh_str_n(name.p + 1, name.n - 1);
	if (!gh_utf8_valid(name.p, name.n))
		gh_unpack_fail(in, "'origin' isn't UTF-8");
	return origin;
}

/* Refers to the value; the author is a reference, dropped by the caller. */
static void get_message(struct gh_unpack *in, struct gh_publication_facts *facts)
{
	uint8_t flags = gh_unpack_flags(in, "message flags", RETAIN | IS_TEXT);

	facts->retain = flags & RETAIN;
	facts->is_text = flags & IS_TEXT;
	facts->qos = (uint8_t)gh_unpack_number(in, "message qos", 0, 2);
	facts->topic = gh_unpack_text(in, "topic", UINT16_MAX);
	if (!gh_topic_name_valid(facts->topic))
		gh_unpack_fail(in, "'topic' isn't one that can be published to");
	facts->origin = get_origin(in);
	facts->properties = gh_unpack_bytes(in, "properties", GH_PACKET_MAX);
	facts->forward_n = facts->properties.n;
	check_properties(in, facts->properties);
	facts->payload = gh_unpack_bytes(in, "payload", GH_PACKET_MAX);
	if (facts->topic.n + facts->properties.n + facts->payload.n > GH_PACKET_MAX)
		gh_unpack_fail(in, "'payload' and all else are longer than a packet can be");
	facts->author = gh_snapshot_unpack(in);
}

/* At the value's end: all of it is known to be right before the message is made. */
static struct gh_publication *finish(struct gh_unpack *in, struct gh_publication_facts *facts)
{
	struct gh_publication *publication = NULL;

	if (!gh_unpack_end(in)) {
		publication = gh_publication_new(facts);
		if (!publication)
			gh_unpack_fail(in, "memory is out");
	}
	gh_snapshot_unref(&facts->author);
	return publication;
}

/* ---- retained ---- */

void gh_record_put_publication(struct gh_buf *out, const struct gh_publication *publication,
			       const struct gh_record_clock *clock)
{
	gh_buf_u8(out, GH_RECORD_FORM);
	put_expiry(out, publication, clock);
	put_message(out, publication);
}

int gh_record_get_publication(struct gh_bytes value, const struct gh_record_clock *clock,
			      struct gh_publication **publication_r, struct gh_error *error)
{
	struct gh_unpack in = gh_unpack(value, error);
	struct gh_publication_facts facts = { 0 };
	struct gh_publication *publication;

	gh_unpack_version(&in, GH_RECORD_FORM);
	facts.expires_at = get_expiry(&in, clock);
	get_message(&in, &facts);
	publication = finish(&in, &facts);
	if (publication)
		*publication_r = publication;
	return in.rc;
}

/* ---- queued ---- */

void gh_record_put_delivery(struct gh_buf *out, const struct gh_delivery *delivery,
			    const struct gh_record_clock *clock)
{
	const uint32_t *ids = gh_delivery_ids(delivery);

	gh_buf_u8(out, GH_RECORD_FORM);
	gh_buf_u8(out, delivery->retain);
	gh_pack_number(out, delivery->qos);
	gh_pack_number(out, delivery->id_count);
	for (size_t i = 0; i < delivery->id_count; i++)
		gh_pack_number(out, ids[i]);
	put_expiry(out, delivery->publication, clock);
	put_message(out, delivery->publication);
}

/* On the heap; NULL: there are none. Each takes a byte at least, which bounds what is allocated. */
static uint32_t *get_ids(struct gh_unpack *in, size_t *count_r)
{
	size_t count = (size_t)gh_unpack_number(in, "subscription ids", 0, UINT16_MAX);
	uint32_t *ids;

	if (count > gh_unpack_left(in))
		gh_unpack_fail(in, "it ends in the middle of 'subscription ids'");
	*count_r = in->rc ? 0 : count;
	if (!*count_r)
		return NULL;
	ids = gh_alloc_array(count, sizeof(*ids));
	for (size_t i = 0; i < count; i++)
		ids[i] = (uint32_t)gh_unpack_number(in, "subscription id", 1, GH_RECORD_ID_MAX);
	return ids;
}

int gh_record_get_delivery(struct gh_bytes value, const struct gh_record_clock *clock,
			   struct gh_delivery *delivery_r, struct gh_error *error)
{
	struct gh_unpack in = gh_unpack(value, error);
	struct gh_publication_facts facts = { 0 };
	struct gh_delivery delivery = { 0 };
	size_t id_count;
	uint32_t *ids;

	gh_unpack_version(&in, GH_RECORD_FORM);
	delivery.retain = gh_unpack_flags(&in, "flags", 1);
	delivery.qos = (uint8_t)gh_unpack_number(&in, "qos", 0, 2);
	ids = get_ids(&in, &id_count);
	facts.expires_at = get_expiry(&in, clock);
	get_message(&in, &facts);
	delivery.publication = finish(&in, &facts);
	if (delivery.publication) {
		gh_delivery_set_ids(&delivery, ids, id_count);
		*delivery_r = delivery;
	}
	free(ids);
	return in.rc;
}

/* ---- wills ---- */

void gh_record_put_will(struct gh_buf *out, const struct gh_stored_will *will)
{
	gh_buf_u8(out, GH_RECORD_FORM);
	gh_buf_u8(out, will->has_expiry);
	if (will->has_expiry)
		gh_pack_number(out, will->expiry);
	gh_pack_number(out, will->delay);
	put_message(out, will->publication);
}

int gh_record_get_will(struct gh_bytes value, struct gh_stored_will *will_r, struct gh_error *error)
{
	struct gh_unpack in = gh_unpack(value, error);
	struct gh_publication_facts facts = { 0 };
	struct gh_stored_will will = { 0 };

	gh_unpack_version(&in, GH_RECORD_FORM);
	will.has_expiry = gh_unpack_flags(&in, "has expiry", 1);
	if (will.has_expiry)
		will.expiry = (uint32_t)gh_unpack_number(&in, "expiry", 0, UINT32_MAX);
	will.delay = (uint32_t)gh_unpack_number(&in, "delay", 0, UINT32_MAX);
	get_message(&in, &facts);
	if (!facts.author)
		gh_unpack_fail(&in, "it is nobody's");
	will.publication = finish(&in, &facts);
	if (will.publication)
		*will_r = will;
	return in.rc;
}
