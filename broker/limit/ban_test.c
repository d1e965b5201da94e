/* SPDX-License-Identifier: Apache-2.0 */
/* Bans: who is meant, how long, and a table that is full. */
#include "limit/ban.h"

#include "base/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct gh_ban_key key_of(enum gh_subject_kind kind, const char *text)
{
	struct gh_ban_key key = { .kind = kind, .text = text };

	if (kind == GH_ADDRESS)
		ck_assert(gh_prefix_parse(text, &key.prefix));
	return key;
}

static int put(struct gh_bans *bans, enum gh_subject_kind kind, const char *text, uint32_t seconds,
	       uint64_t now)
{
	const struct gh_ban_key key = key_of(kind, text);

	return gh_bans_put(bans, &key, seconds, text, now);
}

static bool lift(struct gh_bans *bans, enum gh_subject_kind kind, const char *text)
{
	const struct gh_ban_key key = key_of(kind, text);

	return gh_bans_lift(bans, &key, 0);
}

static bool from(struct gh_bans *bans, const char *address, uint64_t now, const char *by)
{
	const struct gh_ban_key key = key_of(GH_ADDRESS, address);
	char why[GH_BAN_WHY] = "";
	bool banned = gh_bans_have_address(bans, key.prefix.ip, now, why);

	ck_assert_str_eq(why, banned && by ? by : why);
	return banned;
}

static bool named(struct gh_bans *bans, enum gh_subject_kind kind, const char *text, uint64_t now)
{
	char why[GH_BAN_WHY];

	return gh_bans_have_name(bans, kind, text, now, why);
}

START_TEST(addresses)
{
	struct gh_bans *bans = gh_bans_new(100);

	ck_assert(!from(bans, "192.0.2.7", 1, NULL));
	put(bans, GH_ADDRESS, "192.0.2.0/24", 10, 0);
	put(bans, GH_ADDRESS, "192.0.2.7", 10, 0);
	put(bans, GH_ADDRESS, "2001:db8::/64", 10, 0);
	ck_assert(from(bans, "192.0.2.7", 1, "192.0.2.7"));
	ck_assert(from(bans, "192.0.2.8", 1, "192.0.2.0/24"));
	ck_assert(from(bans, "2001:db8::7", 1, "2001:db8::/64"));
	ck_assert(!from(bans, "192.0.3.7", 1, NULL));
	ck_assert(!from(bans, "2001:db8:0:1::7", 1, NULL));
	ck_assert(lift(bans, GH_ADDRESS, "192.0.2.0/24"));
	ck_assert(!lift(bans, GH_ADDRESS, "192.0.2.0/24"));
	ck_assert(from(bans, "192.0.2.7", 1, "192.0.2.7"));
	ck_assert(!from(bans, "192.0.2.8", 1, NULL));
	put(bans, GH_ADDRESS, "::/0", 10, 0);
	ck_assert(from(bans, "2001:db9::1", 1, "::/0"));
	ck_assert(!from(bans, "192.0.2.8", 1, NULL));
	put(bans, GH_ADDRESS, "0.0.0.0/0", 10, 0);
	ck_assert(from(bans, "192.0.2.8", 1, "0.0.0.0/0"));
	gh_bans_free(&bans);
	ck_assert_ptr_null(bans);
}
END_TEST

START_TEST(names)
{
	struct gh_bans *bans = gh_bans_new(100);

	put(bans, GH_CLIENT_ID, "joe", 10, 0);
	ck_assert(named(bans, GH_CLIENT_ID, "joe", 1));
	ck_assert(!named(bans, GH_PRINCIPAL, "joe", 1));
	ck_assert(!named(bans, GH_CLIENT_ID, "jo", 1));
	put(bans, GH_PRINCIPAL, "joe", 10, 0);
	ck_assert(lift(bans, GH_CLIENT_ID, "joe"));
	ck_assert(named(bans, GH_PRINCIPAL, "joe", 1));
	gh_bans_free(&bans);
}
END_TEST

START_TEST(ends)
{
	struct gh_bans *bans = gh_bans_new(100);

	put(bans, GH_PRINCIPAL, "joe", 10, 1000);
	ck_assert(named(bans, GH_PRINCIPAL, "joe", 10999));
	ck_assert(!named(bans, GH_PRINCIPAL, "joe", 11000));
	put(bans, GH_PRINCIPAL, "joe", 10, 11000);
	put(bans, GH_PRINCIPAL, "joe", 1, 11000); /* the last one holds, the shorter too */
	ck_assert(!named(bans, GH_PRINCIPAL, "joe", 12000));
	put(bans, GH_ADDRESS, "192.0.2.7", UINT32_MAX, 11000);
	ck_assert(from(bans, "192.0.2.7", 1ull << 40, NULL));
	gh_bans_free(&bans);
}
END_TEST

START_TEST(full)
{
	struct gh_bans *bans = gh_bans_new(1000);
	char text[16];

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "c%u", i);
		ck_assert_int_eq(put(bans, GH_CLIENT_ID, text, i % 2 ? 10 : 20, 0), 0);
	}
	ck_assert_int_eq(put(bans, GH_CLIENT_ID, "more", 10, 0), GH_EBUSY);
	ck_assert_int_eq(put(bans, GH_CLIENT_ID, "c1", 10, 0), 0); /* it is there already */
	ck_assert_int_eq(put(bans, GH_CLIENT_ID, "more", 100, 10000), 0);
	for (unsigned i = 0; i < 499; i++) {
		snprintf(text, sizeof(text), "d%u", i);
		ck_assert_int_eq(put(bans, GH_CLIENT_ID, text, 100, 10000), 0);
	}
	ck_assert_int_eq(put(bans, GH_CLIENT_ID, "d", 10, 10000), GH_EBUSY);
	ck_assert(named(bans, GH_CLIENT_ID, "c0", 10000) && !named(bans, GH_CLIENT_ID, "c1", 10000));
	gh_bans_set_max(bans, 1001);
	ck_assert_int_eq(put(bans, GH_CLIENT_ID, "d", 10, 10000), 0);
	gh_bans_free(&bans);
}
END_TEST

static void *many(void *arg)
{
	char text[32];

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "10.0.%u.%u", i / 256 % 4, i % 256);
		put(arg, GH_ADDRESS, text, 1, i);
		from(arg, text, i, NULL);
		lift(arg, GH_ADDRESS, text);
	}
	return NULL;
}

START_TEST(threads)
{
	struct gh_bans *bans = gh_bans_new(500);
	pthread_t ids[4];

	for (size_t i = 0; i < GH_COUNT(ids); i++)
		pthread_create(&ids[i], NULL, many, bans);
	for (size_t i = 0; i < GH_COUNT(ids); i++)
		pthread_join(ids[i], NULL);
	gh_bans_free(&bans);
}
END_TEST

GH_TEST_MAIN("limit/ban", addresses, names, ends, full, threads)
