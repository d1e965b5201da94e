/* SPDX-License-Identifier: Apache-2.0 */
/* Failed logins: doubling, decay, what shares a count, what a table that is full forgets. */
#include "limit/penalty.h"

#include "base/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

static const struct gh_penalty_settings usual = { 100, 5000, 60000, 4096 };
static const struct gh_bytes nobody;

/* "" is a UNIX socket. */
static void address(const char *text, uint8_t ip[16])
{
	memset(ip, 0, 16);
	if (strchr(text, ':')) {
		ck_assert_int_eq(inet_pton(AF_INET6, text, ip), 1);
	} else if (text[0]) {
		ip[10] = ip[11] = 0xff;
		ck_assert_int_eq(inet_pton(AF_INET, text, ip + 12), 1);
	}
}

static uint32_t failed(struct gh_penalties *penalties, const char *from, const char *user,
		       uint64_t now)
{
	uint8_t ip[16];

	address(from, ip);
	return gh_penalties_fail(penalties, ip, (struct gh_bytes){ user, user ? strlen(user) : 0 },
				 now);
}

START_TEST(doubles_up_to_the_maximum)
{
	static const uint32_t delays[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000 };
	struct gh_penalties *penalties = gh_penalties_new(&usual);

	for (size_t i = 0; i < GH_COUNT(delays); i++)
		ck_assert_uint_eq(failed(penalties, "192.0.2.1", NULL, 60000), delays[i]);
	for (int i = 0; i < 1000; i++)
		ck_assert_uint_eq(failed(penalties, "192.0.2.1", NULL, 60000), 5000);
	ck_assert_uint_eq(failed(penalties, "192.0.2.2", NULL, 60000), 100);
	gh_penalties_free(&penalties);
	ck_assert_ptr_null(penalties);
}
END_TEST

START_TEST(decays)
{
	struct gh_penalties *penalties = gh_penalties_new(&usual);

	for (int i = 0; i < 5; i++)
		failed(penalties, "192.0.2.1", NULL, 600000);
	ck_assert_uint_eq(failed(penalties, "192.0.2.1", NULL, 600000 + 3 * 60000), 400);
	ck_assert_uint_eq(failed(penalties, "192.0.2.1", NULL, 100 * 600000), 100);
	gh_penalties_free(&penalties);
}
END_TEST

START_TEST(who_shares_a_count)
{
	struct gh_penalties *penalties = gh_penalties_new(&usual);

	/* A /64 is one subject, its neighbour another; so are two IPv4 addresses. */
	ck_assert_uint_eq(failed(penalties, "2001:db8::1", NULL, 1), 100);
	ck_assert_uint_eq(failed(penalties, "2001:db8::ffff:2", NULL, 1), 200);
	ck_assert_uint_eq(failed(penalties, "2001:db8:0:1::1", NULL, 1), 100);
	ck_assert_uint_eq(failed(penalties, "192.0.2.1", NULL, 1), 100);
	ck_assert_uint_eq(failed(penalties, "192.0.2.2", NULL, 1), 100);
	/* One user from many addresses; many users from one address. */
	ck_assert_uint_eq(failed(penalties, "192.0.2.10", "ann", 1), 100);
	ck_assert_uint_eq(failed(penalties, "192.0.2.11", "ann", 1), 200);
	ck_assert_uint_eq(failed(penalties, "192.0.2.12", "ann", 1), 400);
	ck_assert_uint_eq(failed(penalties, "192.0.2.10", "bob", 1), 200);
	ck_assert_uint_eq(failed(penalties, "192.0.2.10", "eve", 1), 400);
	/* UNIX sockets have no address; names may hold any bytes. */
	ck_assert_uint_eq(failed(penalties, "", "zoe", 1), 100);
	ck_assert_uint_eq(failed(penalties, "", "yan", 1), 100);
	ck_assert_uint_eq(failed(penalties, "", NULL, 1), 0);
	gh_penalties_free(&penalties);
}
END_TEST

START_TEST(success_clears_the_user_only)
{
	struct gh_penalties *penalties = gh_penalties_new(&usual);

	for (int i = 0; i < 4; i++)
		failed(penalties, "192.0.2.1", "ann", 1);
	gh_penalties_succeed(penalties, (struct gh_bytes){ "ann", 3 });
	ck_assert_uint_eq(failed(penalties, "192.0.2.9", "ann", 1), 100);
	ck_assert_uint_eq(failed(penalties, "192.0.2.1", NULL, 1), 1600);
	gh_penalties_succeed(penalties, nobody);
	gh_penalties_free(&penalties);
}
END_TEST

/* A flood of new names doesn't wash out the one that is being guessed. */
START_TEST(full_table_keeps_the_worst)
{
	struct gh_penalty_settings small = usual;
	struct gh_penalties *penalties;

	small.entries = 1;
	penalties = gh_penalties_new(&small);
	for (int i = 0; i < 7; i++)
		failed(penalties, "192.0.2.1", NULL, 1);
	for (uint32_t i = 0; i < 100000; i++) {
		uint8_t ip[16] = { 0x20, 1, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };

		gh_penalties_fail(penalties, ip, nobody, 1);
	}
	ck_assert_uint_eq(failed(penalties, "192.0.2.1", NULL, 1), 5000);
	gh_penalties_free(&penalties);
}
END_TEST

START_TEST(settings_change)
{
	struct gh_penalty_settings other = { 10, 40, 1000, 0 };
	struct gh_penalties *penalties = gh_penalties_new(&usual);

	failed(penalties, "192.0.2.1", NULL, 1000000);
	gh_penalties_configure(penalties, &other);
	ck_assert_uint_eq(failed(penalties, "192.0.2.1", NULL, 1000000), 10);
	ck_assert_uint_eq(failed(penalties, "192.0.2.1", NULL, 1000000), 20);
	other.base_ms = 0;
	gh_penalties_configure(penalties, &other);
	ck_assert_uint_eq(failed(penalties, "192.0.2.1", "ann", 1000000), 0);
	gh_penalties_free(&penalties);
}
END_TEST

static void *fail_often(void *arg)
{
	struct gh_penalty_settings settings = usual;

	for (int i = 0; i < 20000; i++) {
		char name = (char)('a' + i % 26);

		gh_penalties_fail(arg, (const uint8_t[16]){ [15] = 1 },
				  (struct gh_bytes){ &name, 1 }, 1);
		gh_penalties_succeed(arg, (struct gh_bytes){ &name, 1 });
		if (i % 1000 == 0)
			gh_penalties_configure(arg, &settings);
	}
	return NULL;
}

START_TEST(threads)
{
	struct gh_penalties *penalties = gh_penalties_new(&usual);
	pthread_t ids[4];

	for (size_t i = 0; i < GH_COUNT(ids); i++)
		pthread_create(&ids[i], NULL, fail_often, penalties);
	for (size_t i = 0; i < GH_COUNT(ids); i++)
		pthread_join(ids[i], NULL);
	ck_assert_uint_eq(failed(penalties, "::1", NULL, 1), 5000);
	gh_penalties_free(&penalties);
}
END_TEST

GH_TEST_MAIN("limit/penalty", doubles_up_to_the_maximum, decays, who_shares_a_count,
	     success_clears_the_user_only, full_table_keeps_the_worst, settings_change, threads)
