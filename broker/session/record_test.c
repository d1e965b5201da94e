/* SPDX-License-Identifier: Apache-2.0 */
/* Values of each kind come back as they were; cut short or with one wrong byte they are refused, and the field is named. */
#include "session/record.h"

#include "base/mem.h"
#include "base/pack.h"
#include "base/str.h"
#include "base/test.h"
#include "hook/snapshot.h"

#include <stdio.h>
#include <string.h>

/* payload format 1; user property "k" -> "v" */
static const uint8_t properties[] = { 0x01, 1, 0x26, 0, 1, 'k', 0, 1, 'v' };
static const struct gh_record_clock clock_now = { 5000, 1700000000000 };

static struct gh_bytes bytes(const struct gh_buf *buf)
{
	return (struct gh_bytes){ buf->p, buf->n };
}

/* ---- samples ---- */

static struct gh_snapshot *joe(void)
{
	struct gh_client client = { .protocol = 5,
				    .client_id = "c1",
				    .listener = "l",
				    .address = "192.0.2.7",
				    .transport = GH_TCP,
				    .connected_at = 1700000000 };
	struct gh_grant grant = { 0 };
	struct gh_merge merge = { 0 };
	struct gh_error error = { 0 };
	struct gh_snapshot *snapshot;

	gh_grant_principal(&grant, gh_str("joe"));
	gh_grant_group(&grant, gh_str("staff"));
	gh_grant_class(&grant, gh_str("few"));
	ck_assert_int_eq(gh_merge_add(&merge, "ldap", "corp", &grant, &error), 0);
	snapshot = gh_snapshot_new(&client, gh_merge_identity(&merge));
	gh_merge_done(&merge);
	return snapshot;
}

static struct gh_publication *message(uint64_t expires_at)
{
	struct gh_snapshot *author = joe();
	struct gh_publication_facts facts = { .topic = gh_str("a/b"),
					      .payload = { "x\0y", 3 },
					      .properties = { properties, sizeof(properties) },
					      .forward_n = sizeof(properties),
					      .origin = gh_str("c1"),
					      .qos = 2,
					      .retain = true,
					      .is_text = true,
					      .expires_at = expires_at,
					      .author = author };
	struct gh_publication *publication = gh_publication_new(&facts);

	gh_snapshot_unref(&author);
	return publication;
}

static void put_session(struct gh_buf *out)
{
	struct gh_stored_session session = { .realm = gh_str("corp"),
					     .principal = gh_str("joe"),
					     .version = 5,
					     .expiry_interval = UINT32_MAX,
					     .created_at = 1700000000,
					     .offline_since = 1700000001,
					     .last_id = UINT16_MAX,
					     .identity = joe() };

	gh_record_put_session(out, &session);
	gh_snapshot_unref(&session.identity);
}

static void put_subscription(struct gh_buf *out)
{
	gh_record_put_subscription(out,
				   &(struct gh_stored_subscription){ 268435455, 2, 1, true, true });
}

static void put_inflight(struct gh_buf *out)
{
	gh_record_put_inflight(out, &(struct gh_stored_inflight){ false, 5, UINT64_MAX });
}

static void put_released(struct gh_buf *out)
{
	gh_record_put_inflight(out, &(struct gh_stored_inflight){ .released = true, .place = 7 });
}

static void put_delivery(struct gh_buf *out)
{
	struct gh_delivery delivery = { .publication = message(65000), .qos = 1, .retain = true };

	gh_delivery_set_ids(&delivery, (const uint32_t[]){ 1, 200, 268435455 }, 3);
	gh_record_put_delivery(out, &delivery, &clock_now);
	gh_delivery_drop(&delivery);
}

static void put_will(struct gh_buf *out)
{
	struct gh_stored_will will = { message(0), 30, UINT32_MAX, true };

	gh_record_put_will(out, &will);
	gh_publication_unref(&will.publication);
}

static void put_publication(struct gh_buf *out)
{
	struct gh_publication *publication = message(65000);

	gh_record_put_publication(out, publication, &clock_now);
	gh_publication_unref(&publication);
}

/* ---- each kind read, and put again when it was right ---- */

static int again_session(struct gh_bytes value, struct gh_buf *out, struct gh_error *error)
{
	struct gh_stored_session session = { 0 };
	int rc = gh_record_get_session(value, &session, error);

	if (rc == 0)
		gh_record_put_session(out, &session);
	gh_snapshot_unref(&session.identity);
	return rc;
}

static int again_subscription(struct gh_bytes value, struct gh_buf *out, struct gh_error *error)
{
	struct gh_stored_subscription subscription;
	int rc = gh_record_get_subscription(value, &subscription, error);

	if (rc == 0)
		gh_record_put_subscription(out, &subscription);
	return rc;
}

static int again_inflight(struct gh_bytes value, struct gh_buf *out, struct gh_error *error)
{
	struct gh_stored_inflight inflight;
	int rc = gh_record_get_inflight(value, &inflight, error);

	if (rc == 0)
		gh_record_put_inflight(out, &inflight);
	return rc;
}

static int again_delivery(struct gh_bytes value, struct gh_buf *out, struct gh_error *error)
{
	struct gh_delivery delivery = { 0 };
	int rc = gh_record_get_delivery(value, &clock_now, &delivery, error);

	if (rc == 0)
		gh_record_put_delivery(out, &delivery, &clock_now);
	gh_delivery_drop(&delivery);
	return rc;
}

static int again_will(struct gh_bytes value, struct gh_buf *out, struct gh_error *error)
{
	struct gh_stored_will will = { 0 };
	int rc = gh_record_get_will(value, &will, error);

	if (rc == 0)
		gh_record_put_will(out, &will);
	gh_publication_unref(&will.publication);
	return rc;
}

static int again_publication(struct gh_bytes value, struct gh_buf *out, struct gh_error *error)
{
	struct gh_publication *publication = NULL;
	int rc = gh_record_get_publication(value, &clock_now, &publication, error);

	if (rc == 0)
		gh_record_put_publication(out, publication, &clock_now);
	gh_publication_unref(&publication);
	return rc;
}

static const struct {
	const char *name;
	void (*put)(struct gh_buf *out);
	int (*again)(struct gh_bytes value, struct gh_buf *out, struct gh_error *error);
	uint8_t form;
} kinds[] = {
	{ "session", put_session, again_session, 2 },
	{ "subscription", put_subscription, again_subscription, 1 },
	{ "inflight", put_inflight, again_inflight, 2 },
	{ "delivery", put_delivery, again_delivery, 1 },
	{ "will", put_will, again_will, 1 },
	{ "publication", put_publication, again_publication, 1 },
	{ "released", put_released, again_inflight, 2 },
};

START_TEST(come_back)
{
	for (size_t i = 0; i < GH_COUNT(kinds); i++) {
		struct gh_buf first = { 0 }, second = { 0 };
		struct gh_error error = { 0 };

		kinds[i].put(&first);
		ck_assert_msg(kinds[i].again(bytes(&first), &second, &error) == 0, "%s: %s",
			      kinds[i].name, error.text);
		ck_assert_uint_eq(first.n, second.n);
		ck_assert_mem_eq(first.p, second.p, first.n);
		gh_buf_done(&first);
		gh_buf_done(&second);
	}
}
END_TEST

/* In an allocation of just its size, so that a read beyond it is found out. */
static int read_exactly(size_t kind, const struct gh_buf *buf, size_t n, struct gh_error *error)
{
	struct gh_buf out = { 0 };
	uint8_t *copy = gh_alloc(n);
	int rc;

	memcpy(copy, buf->p, n < buf->n ? n : buf->n);
	if (n > buf->n)
		memset(copy + buf->n, 0, n - buf->n);
	rc = kinds[kind].again((struct gh_bytes){ copy, n }, &out, error);
	gh_buf_done(&out);
	free(copy);
	return rc;
}

START_TEST(cut_short_or_too_long)
{
	for (size_t i = 0; i < GH_COUNT(kinds); i++) {
		struct gh_error error = { 0 };
		struct gh_buf buf = { 0 };
		char why[80];

		kinds[i].put(&buf);
		for (size_t n = 0; n < buf.n; n++) {
			ck_assert_int_eq(read_exactly(i, &buf, n, &error), GH_EINVAL);
			ck_assert_msg(strstr(error.text, "it ends in the middle of '"), "%s",
				      error.text);
		}
		ck_assert_int_eq(read_exactly(i, &buf, buf.n + 2, &error), GH_EINVAL);
		ck_assert_str_eq(error.text, "2 bytes are left over at its end");
		buf.p[0] = kinds[i].form + 1;
		ck_assert_int_eq(read_exactly(i, &buf, buf.n, &error), GH_EINVAL);
		snprintf(why, sizeof(why), "a form of version %u, this broker knows %u", buf.p[0],
			 kinds[i].form);
		ck_assert_str_eq(error.text, why);
		gh_buf_done(&buf);
	}
}
END_TEST

/* Where a sample has the bytes `at` first, the byte `offset` behind their begin becomes `byte`. */
static const struct {
	size_t kind;
	const char *at;
	size_t at_n, offset;
	uint8_t byte;
	const char *why;
} wrong_rows[] = {
	{ 0, "corp", 4, 0, 0xff, "'realm' isn't UTF-8" },
	{ 0, "joe", 3, 1, 0, "'principal' isn't UTF-8" },
	{ 0, "joe", 3, 1, 'i', "'identity' is another than the 'principal'" },
	{ 0, "joe", 3, 3, 2, "'MQTT version' is 2, expected 3 to 5" },
	{ 0, "\x03\x63\x31", 3, 0, 0x7f, "'client id'" },
	{ 0, "c1", 2, 0, 0xff, "'client id' isn't UTF-8" },
	{ 0, "192.0.2.7", 9, 0, 0, "'address' isn't UTF-8" },
	{ 0, "192.0.2.7", 9, 26, 3, "'transport' is 3" },
	{ 0, "staff", 5, 0, 0x80, "'group' isn't UTF-8" },
	{ 0, "few", 3, 1, 0x80, "'limits class' isn't UTF-8" },
	{ 0, "\x04\x66\x65\x77", 4, 0, 0x7f, "it ends in the middle of 'limits class'" },
	{ 0, "\xff\xff\x03", 3, 2, 4, "'last packet id' is 81919, expected 0 to 65535" },
	{ 1, "\x01\x03", 2, 1, 4, "'flags' has bits that are not known" },
	{ 1, "\x01\x03", 2, 2, 3, "'qos' is 3" },
	{ 1, "\x01\x03", 2, 3, 3, "'retain handling' is 3" },
	{ 2, "\x02\x00", 2, 1, 2, "'released' has bits" },
	{ 2, "\xff\xff", 2, 9, 2, "'place' is a number of over 64 bits" },
	{ 2, "\x01\x05", 2, 1, 0x80, "it ends in the middle of 'order'" },
	{ 3, "\x01\x01", 2, 1, 2, "'flags' has bits" },
	{ 3, "\x01\x01", 2, 2, 3, "'qos' is 3" },
	{ 3, "\x01\x01", 2, 4, 0, "'subscription id' is 0" },
	{ 3, "a/b", 3, 1, '+', "'topic' isn't one" },
	{ 4, "\x01\x01", 2, 1, 3, "'has expiry' has bits" },
	{ 4, "a/b", 3, 1, '#', "'topic' isn't one" },
	{ 4, "\x02l", 2, 0, 0, "'listener' is missing" },
	{ 5, "\x01\x01", 2, 1, 2, "'expires' has bits" },
	{ 5,
	  "\x03\x02\x03"
	  "a/b",
	  6, 0, 4, "'message flags' has bits" },
	{ 5,
	  "\x03\x02\x03"
	  "a/b",
	  6, 1, 3, "'message qos' is 3" },
	{ 5, "a/b", 3, 0, 0xc0, "'topic' isn't UTF-8" },
	{ 5,
	  "a/b\x02"
	  "c1",
	  6, 4, 0xff, "'origin' isn't UTF-8" },
	{ 5, "\x01\x01\x26", 3, 0, 0x7f, "'properties': unknown property" },
	{ 5, "\x01\x01\x26", 3, 1, 2, "'properties': a property that is 0 or 1" },
	{ 5, "\x26\x00\x01k", 4, 3, 0xff, "'properties': property text isn't valid UTF-8" },
	{ 5, "x\0y", 3, 3, 2, "'client flags' are of nobody" },
	{ 5, "x\0y", 3, 3, 8, "'client flags' has bits" },
	{ 5, "x\0y", 3, 4, 6, "'protocol' is 6" },
};

static uint8_t *find(const struct gh_buf *buf, const char *at, size_t n)
{
	for (size_t i = 0; i + n <= buf->n; i++)
		if (memcmp(buf->p + i, at, n) == 0)
			return buf->p + i;
	ck_abort_msg("the sample doesn't have it");
}

START_TEST(wrong_bytes)
{
	for (size_t i = 0; i < GH_COUNT(wrong_rows); i++) {
		size_t kind = wrong_rows[i].kind;
		struct gh_error error = { 0 };
		struct gh_buf buf = { 0 };

		kinds[kind].put(&buf);
		find(&buf, wrong_rows[i].at, wrong_rows[i].at_n)[wrong_rows[i].offset] =
			wrong_rows[i].byte;
		ck_assert_msg(read_exactly(kind, &buf, buf.n, &error) == GH_EINVAL, "row %zu", i);
		ck_assert_msg(strstr(error.text, wrong_rows[i].why), "row %zu: %s", i, error.text);
		gh_buf_done(&buf);
	}
}
END_TEST

/* As brokers before this one have put them. */
START_TEST(earlier_forms)
{
	static const uint8_t sent[] = { 1, 0, 0xac, 2 }, released[] = { 1, 1, 9 };
	struct gh_stored_session session = { .last_id = 1 };
	struct gh_stored_inflight inflight;
	struct gh_buf buf = { 0 };
	struct gh_error error;
	uint8_t *last_id;

	ck_assert_int_eq(gh_record_get_inflight((struct gh_bytes){ sent, 4 }, &inflight, &error), 0);
	ck_assert(!inflight.released && inflight.order == 300 && inflight.place == 300);
	ck_assert_int_eq(gh_record_get_inflight((struct gh_bytes){ released, 3 }, &inflight, &error),
			 0);
	ck_assert(inflight.released && inflight.order == 0 && inflight.place == 9);
	put_session(&buf);
	last_id = find(&buf, "\xff\xff\x03", 3);
	memmove(last_id, last_id + 3, (size_t)(buf.p + buf.n - last_id) - 3);
	buf.p[0] = 1;
	ck_assert_int_eq(
		gh_record_get_session((struct gh_bytes){ buf.p, buf.n - 3 }, &session, &error), 0);
	ck_assert(session.last_id == 0 && session.identity);
	gh_snapshot_unref(&session.identity);
	gh_buf_done(&buf);
}
END_TEST

START_TEST(will_of_nobody)
{
	struct gh_publication_facts facts = { .topic = gh_str("a") };
	struct gh_stored_will will = { .publication = gh_publication_new(&facts) }, back = { 0 };
	struct gh_buf buf = { 0 };
	struct gh_error error;

	gh_record_put_will(&buf, &will);
	ck_assert_int_eq(gh_record_get_will(bytes(&buf), &back, &error), GH_EINVAL);
	ck_assert_str_eq(error.text, "it is nobody's");
	gh_publication_unref(&will.publication);
	gh_buf_done(&buf);
}
END_TEST

START_TEST(extremes)
{
	char *topic = gh_alloc(65535);
	struct gh_publication_facts facts = { .topic = { topic, 65535 }, .origin = { "\0module", 7 } };
	struct gh_delivery delivery = { 0 }, back = { 0 };
	uint32_t *ids = gh_alloc_array(70000, sizeof(*ids));
	struct gh_error error = { 0 };
	struct gh_buf buf = { 0 };

	memset(topic, 't', 65535);
	for (uint32_t i = 0; i < 70000; i++)
		ids[i] = 268435455 - i;
	delivery = (struct gh_delivery){ gh_publication_new(&facts), .group = 7, .covered = 9 };
	gh_delivery_set_ids(&delivery, ids, 70000);
	gh_record_put_delivery(&buf, &delivery, &clock_now);
	ck_assert_int_eq(gh_record_get_delivery(bytes(&buf), &clock_now, &back, &error), 0);
	ck_assert_uint_eq(back.id_count, 65535);
	ck_assert_mem_eq(gh_delivery_ids(&back), ids, 65535 * sizeof(*ids));
	ck_assert(back.group == 0 && back.covered == 0);
	ck_assert(gh_str_equal(gh_publication_topic(back.publication), facts.topic));
	ck_assert(gh_str_equal(gh_publication_origin(back.publication), facts.origin));
	ck_assert_uint_eq(gh_publication_payload(back.publication).n, 0);
	ck_assert(back.publication->expires_at == 0 && !back.publication->author);
	gh_delivery_drop(&back);
	gh_delivery_drop(&delivery);
	gh_buf_done(&buf);
	free(ids);
	free(topic);
}
END_TEST

static const struct {
	uint64_t expires_at;
	struct gh_record_clock then, now;
	uint64_t expires_at_r;
	int64_t unix_seconds;
} expiry_rows[] = {
	{ 0, { 5000, 1000000 }, { 9000, 2000000 }, 0, 0 },
	{ 65000, { 5000, 1000000 }, { 5000, 1000000 }, 65000, 1060 },
	{ 65001, { 5000, 1000000 }, { 5000, 1000000 }, 65001, 1061 },
	/* another boot, 10 s later */
	{ 65000, { 5000, 1000000 }, { 100, 1010000 }, 50100, 1060 },
	/* it ran out meanwhile, or had before: expired, not "never" */
	{ 65000, { 5000, 1000000 }, { 100, 9000000 }, 100, 1060 },
	{ 65000, { 5000, 1000000 }, { 0, 9000000 }, 1, 1060 },
	{ 4000, { 5000, 1000000 }, { 7000, 1000000 }, 7000, 1000 },
	{ 4000, { 5000, 0 }, { 7000, 0 }, 7000, 1 },
	/* the wall clock went back: no more than was left */
	{ 65000, { 5000, 1000000 }, { 100, 500 }, 60100, 1060 },
	{ 65000, { 5000, 1000000 }, { 100, INT64_MIN }, 60100, 1060 },
	/* nothing overflows */
	{ 65000, { 5000, 1000000 }, { UINT64_MAX - 5, 1000000 }, UINT64_MAX, 1060 },
	{ UINT64_MAX, { 1, 0 }, { 1, 0 }, 1 + UINT32_MAX *UINT64_C(1000), UINT32_MAX },
	{ UINT64_MAX,
	  { 1, INT64_MAX },
	  { 1, INT64_MAX },
	  1 + UINT32_MAX *UINT64_C(1000),
	  253402300799 + (int64_t)UINT32_MAX },
};

START_TEST(expiry)
{
	for (size_t i = 0; i < GH_COUNT(expiry_rows); i++) {
		struct gh_publication *publication = message(expiry_rows[i].expires_at), *back = NULL;
		struct gh_error error = { 0 };
		struct gh_buf buf = { 0 };

		gh_record_put_publication(&buf, publication, &expiry_rows[i].then);
		ck_assert_int_eq(gh_record_get_publication(bytes(&buf), &expiry_rows[i].now, &back,
							   &error),
				 0);
		ck_assert_msg(back->expires_at == expiry_rows[i].expires_at_r, "row %zu: %llu", i,
			      (unsigned long long)back->expires_at);
		ck_assert_int_eq(gh_record_expires(publication, &expiry_rows[i].then),
				 expiry_rows[i].unix_seconds);
		gh_publication_unref(&publication);
		gh_publication_unref(&back);
		gh_buf_done(&buf);
	}
}
END_TEST

START_TEST(keys)
{
	static const uint64_t orders[] = { 0, 1, 255, 256, UINT32_MAX, GH_RECORD_ORDER_MAX };
	uint8_t key[8], before[8] = { 0 };
	uint64_t order;
	uint16_t id = 0;

	for (size_t i = 0; i < GH_COUNT(orders); i++) {
		gh_record_order(key, orders[i]);
		ck_assert(gh_record_order_of((struct gh_bytes){ key, 8 }, &order));
		ck_assert(order == orders[i] && (i == 0 || memcmp(before, key, 8) < 0));
		memcpy(before, key, 8);
	}
	ck_assert(!gh_record_order_of((struct gh_bytes){ key, 7 }, &order));
	gh_record_order(key, GH_RECORD_ORDER_MAX + 1); /* the next one must have room */
	ck_assert(!gh_record_order_of((struct gh_bytes){ key, 8 }, &order));
	ck_assert(!gh_record_order_of((struct gh_bytes){ NULL, 0 }, &order));
	gh_record_packet_id(key, 0xfffe);
	ck_assert(gh_record_packet_id_of((struct gh_bytes){ key, 2 }, &id) && id == 0xfffe);
	ck_assert(!gh_record_packet_id_of((struct gh_bytes){ "\0\0", 2 }, &id));
	ck_assert(!gh_record_packet_id_of((struct gh_bytes){ key, 3 }, &id) && id == 0xfffe);
}
END_TEST

GH_TEST_MAIN("session/record", come_back, cut_short_or_too_long, wrong_bytes, earlier_forms,
	     will_of_nobody, extremes, expiry, keys)
