/* SPDX-License-Identifier: Apache-2.0 */
/* Subjects of acts: what is one, who is meant, and many of them. */
#include "hook/whom.h"

#include "base/test.h"

#include <stdio.h>
#include <string.h>

static const struct gh_identity joe = { .principal = "joe", .realm = "a" };
static const struct gh_client tcp = { .connection = 7,
				      .client_id = "c1",
				      .identity = &joe,
				      .transport = GH_TCP,
				      .ip = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 7 } };
static const struct gh_client local = { .connection = 8, .client_id = "c2", .transport = GH_UNIX };

static bool meant(uint32_t kind, uint64_t number, const char *text, const struct gh_client *client)
{
	const struct gh_subject subject = { .kind = kind, .number = number, .text = text };
	struct gh_whom whom;

	ck_assert_msg(gh_whom_parse(&subject, &whom), "%u '%s'", kind, text ? text : "");
	return gh_whom_is(&whom, client);
}

START_TEST(who_is_meant)
{
	ck_assert(meant(GH_CONNECTION, 7, NULL, &tcp));
	ck_assert(!meant(GH_CONNECTION, 8, NULL, &tcp));
	ck_assert(meant(GH_CLIENT_ID, 0, "c1", &tcp));
	ck_assert(!meant(GH_CLIENT_ID, 0, "c", &tcp));
	ck_assert(meant(GH_PRINCIPAL, 0, "joe", &tcp));
	ck_assert(!meant(GH_PRINCIPAL, 0, "ann", &tcp));
	ck_assert(!meant(GH_PRINCIPAL, 0, "joe", &local));
	ck_assert(meant(GH_ADDRESS, 0, "192.0.2.0/28", &tcp));
	ck_assert(!meant(GH_ADDRESS, 0, "192.0.2.8", &tcp));
	ck_assert(!meant(GH_ADDRESS, 0, "::/0", &local));
	ck_assert(meant(GH_EVERYONE, 0, NULL, &tcp) && meant(GH_EVERYONE, 0, "x", &local));
}
END_TEST

START_TEST(what_is_none)
{
	static char long_text[70000];
	const struct gh_subject wrong[] = { { 0, 1, "x" },
					    { GH_EVERYONE + 1, 1, "x" },
					    { GH_CONNECTION, 0, "x" },
					    { GH_CLIENT_ID, 1, NULL },
					    { GH_CLIENT_ID, 1, "" },
					    { GH_CLIENT_ID, 1, long_text },
					    { GH_PRINCIPAL, 1, NULL },
					    { GH_PRINCIPAL, 1, long_text },
					    { GH_ADDRESS, 1, NULL },
					    { GH_ADDRESS, 1, "example.org" } };
	struct gh_whom whom;

	memset(long_text, 'x', sizeof(long_text) - 1);
	for (size_t i = 0; i < GH_COUNT(wrong); i++)
		ck_assert_msg(!gh_whom_parse(&wrong[i], &whom), "%zu", i);
}
END_TEST

static void add(struct gh_whoms *whoms, enum gh_subject_kind kind, const char *text)
{
	const struct gh_subject subject = { .kind = kind, .text = text };
	struct gh_whom whom;

	ck_assert(gh_whom_parse(&subject, &whom));
	gh_whoms_add(whoms, &whom);
}

START_TEST(many)
{
	struct gh_whoms whoms = { 0 };
	char text[16];

	ck_assert(gh_whoms_empty(&whoms) && !gh_whoms_have(&whoms, &tcp));
	for (unsigned i = 0; i < GH_WHOMS_MAX; i++) {
		snprintf(text, sizeof(text), "u%u", i);
		add(&whoms, GH_PRINCIPAL, text);
		add(&whoms, GH_PRINCIPAL, text);
	}
	ck_assert_uint_eq(whoms.count, GH_WHOMS_MAX);
	ck_assert(!gh_whoms_have(&whoms, &tcp));
	gh_whoms_done(&whoms);
	add(&whoms, GH_PRINCIPAL, "joe");
	ck_assert(gh_whoms_have(&whoms, &tcp) && !gh_whoms_have(&whoms, &local));
	for (unsigned i = 0; i < GH_WHOMS_MAX; i++) {
		snprintf(text, sizeof(text), "u%u", i);
		add(&whoms, GH_CLIENT_ID, text);
	}
	ck_assert(whoms.everyone && whoms.count == 0 && gh_whoms_have(&whoms, &local));
	gh_whoms_done(&whoms);
	add(&whoms, GH_EVERYONE, NULL);
	add(&whoms, GH_PRINCIPAL, "joe");
	ck_assert(!gh_whoms_empty(&whoms) && whoms.count == 0 && gh_whoms_have(&whoms, &local));
	gh_whoms_done(&whoms);
}
END_TEST

GH_TEST_MAIN("hook/whom", who_is_meant, what_is_none, many)
