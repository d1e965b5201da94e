/* SPDX-License-Identifier: Apache-2.0 */
/* Terms: who is meant, how long, and a table that is full. */
#include "limit/term.h"

#include "base/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct gh_term_key key_of(enum gh_subject_kind kind, const char *text)
{
	struct gh_term_key key = { .kind = kind, .text = text };

	if (kind == GH_ADDRESS)
		ck_assert(gh_prefix_parse(text, &key.prefix));
	return key;
}

static int put(struct gh_terms *terms, enum gh_subject_kind kind, const char *text,
	       uint32_t seconds, uint64_t now)
{
	const struct gh_term_key key = key_of(kind, text);

	return gh_terms_put(terms, &key, seconds, text, now);
}

static bool lift(struct gh_terms *terms, enum gh_subject_kind kind, const char *text)
{
	const struct gh_term_key key = key_of(kind, text);

	return gh_terms_lift(terms, &key, 0);
}

static bool from(struct gh_terms *terms, const char *address, uint64_t now, const char *by)
{
	const struct gh_term_key key = key_of(GH_ADDRESS, address);
	struct gh_client client = { .size = sizeof(client) };
	struct gh_term term = { .text = "" };
	bool found;

	memcpy(client.ip, key.prefix.ip, sizeof(client.ip));
	found = gh_terms_find(terms, &client, now, &term);
	ck_assert_str_eq(term.text, found && by ? by : term.text);
	return found;
}

static bool named(struct gh_terms *terms, enum gh_subject_kind kind, const char *text, uint64_t now)
{
	const struct gh_identity joe = { .size = sizeof(joe), .principal = text };
	struct gh_client client = { .size = sizeof(client), .transport = GH_UNIX };
	struct gh_term term;

	if (kind == GH_CLIENT_ID)
		client.client_id = text;
	else
		client.identity = &joe;
	return gh_terms_find(terms, &client, now, &term);
}

START_TEST(addresses)
{
	struct gh_terms *terms = gh_terms_new(100);

	ck_assert(!from(terms, "192.0.2.7", 1, NULL));
	put(terms, GH_ADDRESS, "192.0.2.0/24", 10, 0);
	put(terms, GH_ADDRESS, "192.0.2.7", 10, 0);
	put(terms, GH_ADDRESS, "2001:db8::/64", 10, 0);
	ck_assert(from(terms, "192.0.2.7", 1, "192.0.2.7"));
	ck_assert(from(terms, "192.0.2.8", 1, "192.0.2.0/24"));
	ck_assert(from(terms, "2001:db8::7", 1, "2001:db8::/64"));
	ck_assert(!from(terms, "192.0.3.7", 1, NULL));
	ck_assert(!from(terms, "2001:db8:0:1::7", 1, NULL));
	ck_assert(lift(terms, GH_ADDRESS, "192.0.2.0/24"));
	ck_assert(!lift(terms, GH_ADDRESS, "192.0.2.0/24"));
	ck_assert(from(terms, "192.0.2.7", 1, "192.0.2.7"));
	ck_assert(!from(terms, "192.0.2.8", 1, NULL));
	put(terms, GH_ADDRESS, "::/0", 10, 0);
	ck_assert(from(terms, "2001:db9::1", 1, "::/0"));
	ck_assert(!from(terms, "192.0.2.8", 1, NULL));
	put(terms, GH_ADDRESS, "0.0.0.0/0", 10, 0);
	ck_assert(from(terms, "192.0.2.8", 1, "0.0.0.0/0"));
	gh_terms_free(&terms);
	ck_assert_ptr_null(terms);
}
END_TEST

START_TEST(names)
{
	struct gh_terms *terms = gh_terms_new(100);

	put(terms, GH_CLIENT_ID, "joe", 10, 0);
	ck_assert(named(terms, GH_CLIENT_ID, "joe", 1));
	ck_assert(!named(terms, GH_PRINCIPAL, "joe", 1));
	ck_assert(!named(terms, GH_CLIENT_ID, "jo", 1));
	put(terms, GH_PRINCIPAL, "joe", 10, 0);
	ck_assert(lift(terms, GH_CLIENT_ID, "joe"));
	ck_assert(named(terms, GH_PRINCIPAL, "joe", 1));
	gh_terms_free(&terms);
}
END_TEST

/* Client id, principal, the narrowest address. */
START_TEST(order)
{
	static const struct {
		enum gh_subject_kind kind;
		const char *text;
	} all[] = { { GH_ADDRESS, "::/0" },
		    { GH_ADDRESS, "2001:db8::/64" },
		    { GH_ADDRESS, "2001:db8::7" },
		    { GH_PRINCIPAL, "joe" },
		    { GH_CLIENT_ID, "c1" } };
	const struct gh_identity joe = { .size = sizeof(joe), .principal = "joe" };
	struct gh_client client = {
		.size = sizeof(client), .client_id = "c1", .identity = &joe, .transport = GH_TCP
	};
	struct gh_terms *terms = gh_terms_new(100);
	struct gh_term term;

	memcpy(client.ip, key_of(GH_ADDRESS, "2001:db8::7").prefix.ip, sizeof(client.ip));
	ck_assert(!gh_terms_find(terms, &client, 0, &term));
	for (unsigned i = 0; i < GH_COUNT(all); i++) {
		put(terms, all[i].kind, all[i].text, i + 1, 0);
		ck_assert(gh_terms_find(terms, &client, 0, &term));
		ck_assert_str_eq(term.text, all[i].text);
		ck_assert_uint_eq(term.until_ms, (i + 1) * 1000);
	}
	gh_terms_lift_all(terms);
	ck_assert(!gh_terms_find(terms, &client, 0, &term));
	gh_terms_free(&terms);
}
END_TEST

START_TEST(ends)
{
	struct gh_terms *terms = gh_terms_new(100);

	put(terms, GH_PRINCIPAL, "joe", 10, 1000);
	ck_assert(named(terms, GH_PRINCIPAL, "joe", 10999));
	ck_assert(!named(terms, GH_PRINCIPAL, "joe", 11000));
	put(terms, GH_PRINCIPAL, "joe", 10, 11000);
	put(terms, GH_PRINCIPAL, "joe", 1, 11000); /* the last one holds, the shorter too */
	ck_assert(!named(terms, GH_PRINCIPAL, "joe", 12000));
	put(terms, GH_ADDRESS, "192.0.2.7", UINT32_MAX, 11000);
	ck_assert(from(terms, "192.0.2.7", 1ull << 40, NULL));
	gh_terms_free(&terms);
}
END_TEST

START_TEST(full)
{
	struct gh_terms *terms = gh_terms_new(1000);
	char text[16];

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "c%u", i);
		ck_assert_int_eq(put(terms, GH_CLIENT_ID, text, i % 2 ? 10 : 20, 0), 0);
	}
	ck_assert_int_eq(put(terms, GH_CLIENT_ID, "more", 10, 0), GH_EBUSY);
	ck_assert_int_eq(put(terms, GH_CLIENT_ID, "c1", 10, 0), 0); /* it is there already */
	ck_assert_int_eq(put(terms, GH_CLIENT_ID, "more", 100, 10000), 0);
	for (unsigned i = 0; i < 499; i++) {
		snprintf(text, sizeof(text), "d%u", i);
		ck_assert_int_eq(put(terms, GH_CLIENT_ID, text, 100, 10000), 0);
	}
	ck_assert_int_eq(put(terms, GH_CLIENT_ID, "d", 10, 10000), GH_EBUSY);
	ck_assert(named(terms, GH_CLIENT_ID, "c0", 10000) && !named(terms, GH_CLIENT_ID, "c1", 10000));
	gh_terms_set_max(terms, 1001);
	ck_assert_int_eq(put(terms, GH_CLIENT_ID, "d", 10, 10000), 0);
	gh_terms_free(&terms);
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
	struct gh_terms *terms = gh_terms_new(500);
	pthread_t ids[4];

	for (size_t i = 0; i < GH_COUNT(ids); i++)
		pthread_create(&ids[i], NULL, many, terms);
	for (size_t i = 0; i < GH_COUNT(ids); i++)
		pthread_join(ids[i], NULL);
	gh_terms_free(&terms);
}
END_TEST

GH_TEST_MAIN("limit/term", addresses, names, order, ends, full, threads)
