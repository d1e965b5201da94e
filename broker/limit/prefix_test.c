/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and prefixes: what is one, and what is in it. */
#include "limit/prefix.h"

#include "base/test.h"

#include <arpa/inet.h>
#include <string.h>

static void address(const char *text, uint8_t ip[16])
{
	memset(ip, 0, 16);
	if (strchr(text, ':')) {
		ck_assert_int_eq(inet_pton(AF_INET6, text, ip), 1);
		return;
	}
	ip[10] = ip[11] = 0xff;
	ck_assert_int_eq(inet_pton(AF_INET, text, ip + 12), 1);
}

static const struct {
	const char *prefix, *ip;
	bool holds;
} cases[] = {
	{ "192.0.2.7", "192.0.2.7", true },
	{ "192.0.2.7", "192.0.2.6", false },
	{ "192.0.2.7/32", "192.0.2.7", true },
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.9/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.0/31", "192.0.2.1", true },
	{ "192.0.2.0/31", "192.0.2.2", false },
	{ "0.0.0.0/0", "203.0.113.1", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "192.0.2.7", false },
	{ "::ffff:0:0/90", "192.0.2.7", false },
	{ "::ffff:192.0.2.7", "192.0.2.7", true },
	{ "::ffff:192.0.2.0/120", "192.0.2.9", true },
	{ "2001:db8::/64", "2001:db8::ffff", true },
	{ "2001:db8::/64", "2001:db8:0:1::1", false },
	{ "2001:db8::1", "2001:db8::1", true },
	{ "2001:db8::1", "2001:db8::2", false },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
};

START_TEST(holds)
{
	for (size_t i = 0; i < GH_COUNT(cases); i++) {
		struct gh_prefix prefix;
		uint8_t ip[16];

		address(cases[i].ip, ip);
		ck_assert(gh_prefix_parse(cases[i].prefix, &prefix));
		ck_assert_msg(gh_prefix_holds(&prefix, ip) == cases[i].holds, "%s in %s",
			      cases[i].ip, cases[i].prefix);
	}
}
END_TEST

static const char *const wrong[] = { "",
				     "/",
				     "/24",
				     "192.0.2",
				     "192.0.2.7/",
				     "192.0.2.7/33",
				     "192.0.2.7/-1",
				     "192.0.2.7/ 8",
				     "192.0.2.7 ",
				     "192.0.2.7/8/8",
				     "2001:db8::/129",
				     "2001:db8::%eth0",
				     "example.org",
				     "unix:1000",
				     "2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/1" };

START_TEST(refused)
{
	struct gh_prefix prefix;

	for (size_t i = 0; i < GH_COUNT(wrong); i++)
		ck_assert_msg(!gh_prefix_parse(wrong[i], &prefix), "'%s'", wrong[i]);
	ck_assert(!gh_prefix_parse(NULL, &prefix));
}
END_TEST

GH_TEST_MAIN("limit/prefix", holds, refused)
