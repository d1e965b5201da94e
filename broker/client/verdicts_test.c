/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts that are kept: found while they hold, as they were given, within their bound. */
#include "base/str.h"
#include "base/test.h"
#include "client/verdicts.h"
#include "hook/fold.h"

#include <stdio.h>
#include <string.h>

static const struct gh_hash_key hash = { 1, 2 };

static struct gh_verdict_key key(const char *topic, uint32_t action)
{
	return (struct gh_verdict_key){
		.hash = &hash, .topic = gh_str(topic), .action = action, .generation = 1, .now_ms = 1000
	};
}

static struct gh_decision decision(enum gh_verdict verdict)
{
	struct gh_decision decision;

	gh_decision_init(&decision);
	decision.verdict = verdict;
	decision.module = "acl";
	decision.keep = true;
	return decision;
}

START_TEST(as_it_was_given)
{
	struct gh_verdicts *verdicts = NULL;
	struct gh_verdict_key publish = key("a/b", GH_PUBLISH), receive = key("a/b", GH_RECEIVE);
	struct gh_decision given = decision(GH_DENY), found;

	ck_assert(!gh_verdicts_find(verdicts, &publish, &found));
	given.reason = 0x99;
	given.reason_set = given.disconnect = true;
	given.cause = GH_CAUSE_POLICY;
	given.line = 12;
	strcpy(given.why, "because");
	strcpy(given.file, "/etc/acl");
	gh_verdicts_keep(&verdicts, &publish, &given);
	ck_assert(gh_verdicts_find(verdicts, &publish, &found));
	ck_assert_int_eq(found.verdict, GH_DENY);
	ck_assert(found.reason_set && found.reason == 0x99 && found.disconnect);
	ck_assert_uint_eq(found.cause, GH_CAUSE_POLICY);
	ck_assert_uint_eq(found.line, 12);
	ck_assert_str_eq(found.why, "because");
	ck_assert_str_eq(found.file, "/etc/acl");
	ck_assert_str_eq(found.module, "acl");
	ck_assert(!gh_verdicts_find(verdicts, &receive, &found));
	given = decision(GH_ALLOW);
	given.max_qos = 1;
	given.max_size = 10;
	given.no_retain = true;
	gh_verdicts_keep(&verdicts, &publish, &given);
	ck_assert(gh_verdicts_find(verdicts, &publish, &found));
	ck_assert(found.verdict == GH_ALLOW && found.max_qos == 1 && found.max_size == 10 &&
		  found.no_retain);
	gh_verdicts_free(&verdicts);
}
END_TEST

/* A message that is too large says nothing about a smaller one. */
START_TEST(beyond_the_limits)
{
	struct gh_verdicts *verdicts = NULL;
	struct gh_verdict_key publish = key("a", GH_PUBLISH);
	struct gh_decision given = decision(GH_DENY), found;

	given.beyond = true;
	given.cause = GH_CAUSE_LIMIT;
	given.max_size = 10;
	strcpy(given.why, "too large");
	gh_verdicts_keep(&verdicts, &publish, &given);
	ck_assert(gh_verdicts_find(verdicts, &publish, &found));
	ck_assert(found.verdict == GH_ALLOW && found.max_size == 10 && !found.why[0] && !found.cause);
	gh_verdicts_free(&verdicts);
}
END_TEST

START_TEST(not_longer_than_it_holds)
{
	struct gh_verdicts *verdicts = NULL;
	struct gh_verdict_key k = key("a", GH_PUBLISH);
	struct gh_decision given = decision(GH_ALLOW), found;

	given.keep = false;
	gh_verdicts_keep(&verdicts, &k, &given);
	ck_assert_ptr_null(verdicts);
	given.keep = true;
	given.keep_s = 2;
	gh_verdicts_keep(&verdicts, &k, &given);
	k.now_ms += 1999;
	ck_assert(gh_verdicts_find(verdicts, &k, &found));
	k.now_ms++;
	ck_assert(!gh_verdicts_find(verdicts, &k, &found));
	k.now_ms = 1000;
	k.generation++;
	ck_assert(!gh_verdicts_find(verdicts, &k, &found));
	gh_verdicts_free(&verdicts);
}
END_TEST

START_TEST(bounded)
{
	struct gh_verdicts *verdicts = NULL;
	struct gh_decision given = decision(GH_ALLOW), found;
	struct gh_verdict_key first = key("often", GH_PUBLISH);
	unsigned kept = 0;
	char topic[16];

	gh_verdicts_keep(&verdicts, &first, &given);
	for (unsigned i = 0; i < 1000; i++) {
		struct gh_verdict_key k;

		snprintf(topic, sizeof(topic), "t/%u", i);
		k = key(topic, GH_PUBLISH);
		gh_verdicts_keep(&verdicts, &k, &given);
		/* what is used stays */
		ck_assert(gh_verdicts_find(verdicts, &first, &found));
	}
	for (unsigned i = 0; i < 1000; i++) {
		struct gh_verdict_key k;

		snprintf(topic, sizeof(topic), "t/%u", i);
		k = key(topic, GH_PUBLISH);
		kept += gh_verdicts_find(verdicts, &k, &found);
	}
	ck_assert_uint_eq(kept, GH_VERDICTS - 1);
	gh_verdicts_free(&verdicts);
}
END_TEST

GH_TEST_MAIN("client/verdicts", as_it_was_given, beyond_the_limits, not_longer_than_it_holds, bounded)
