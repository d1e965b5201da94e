/* SPDX-License-Identifier: Apache-2.0 */
/* The answers of an isolated instance come back as they were set; bad ones are errors that say why. */
#include "base/str.h"
#include "hook/carry_fixture.h"

#include <gatehouse/host.h>
#include <stdio.h>

static void set(struct gh_answer *answer, uint32_t key, const char *text)
{
	gh_answer_set_bytes(answer, key, text, strlen(text));
}

/* *back is the caller's; the verdict is what comes back. */
static enum gh_verdict answer_again(const struct gh_answer *answer, enum gh_verdict verdict,
				    struct gh_answer *back)
{
	struct gh_error error = { 0 };
	struct gh_buf buf = { 0 };
	struct gh_unpack in;

	gh_carry_answer(&buf, answer, verdict);
	whole_only(answer->login ? LOGIN_ANSWER : ANSWER, &buf);
	in = gh_unpack(bytes(&buf), &error);
	gh_answer_init(back, NULL, answer->login, 7);
	verdict = gh_carried_answer(&in, back);
	ck_assert_msg(gh_unpack_end(&in) == 0, "%s", error.text);
	ck_assert(back->due_ms == 7 && !back->instance);
	gh_buf_done(&buf);
	return verdict;
}

static void same_answer(const struct gh_answer *a, const struct gh_answer *b)
{
	ck_assert_str_eq(a->why, b->why);
	ck_assert_str_eq(a->file, b->file);
	ck_assert(a->line == b->line && a->cause == b->cause);
	ck_assert(a->reason_set == b->reason_set && a->reason == b->reason);
	ck_assert(a->max_qos == b->max_qos && a->max_size == b->max_size);
	ck_assert(a->no_retain == b->no_retain && a->covers == b->covers);
	ck_assert(a->disconnect == b->disconnect);
	ck_assert(a->cache == b->cache && a->cache_s == b->cache_s);
	ck_assert_int_eq(a->in == NULL, b->in == NULL);
	ck_assert_int_eq(a->edits == NULL, b->edits == NULL);
}

START_TEST(nothing_set)
{
	static const enum gh_verdict verdicts[] = { GH_PASS, GH_ALLOW, GH_DENY, GH_ERROR,
						    GH_CONTINUE };

	for (size_t i = 0; i < 2 * GH_COUNT(verdicts); i++) {
		struct gh_answer answer, back;

		gh_answer_init(&answer, NULL, i & 1, 0);
		ck_assert_int_eq(answer_again(&answer, verdicts[i / 2], &back), verdicts[i / 2]);
		same_answer(&answer, &back);
		ck_assert(back.max_qos == 2 && back.max_size == GH_NO_MAX_SIZE && !back.cache);
		gh_answer_done(&back);
		gh_answer_done(&answer);
	}
}
END_TEST

static const struct {
	uint32_t key;
	int64_t value;
} number_rows[] = {
	{ GH_A_LINE, 12 },         { GH_A_LINE, INT64_MAX }, { GH_A_LINE, -1 },
	{ GH_A_CAUSE, 3 },         { GH_A_CAUSE, -1 },       { GH_A_REASON, 0 },
	{ GH_A_REASON, 0xff },     { GH_A_REASON, 0x100 },   { GH_A_MAX_QOS, 0 },
	{ GH_A_MAX_QOS, 1 },       { GH_A_MAX_QOS, 2 },      { GH_A_MAX_QOS, -1 },
	{ GH_A_MAX_SIZE, 0 },      { GH_A_MAX_SIZE, 1024 },  { GH_A_MAX_SIZE, INT64_MAX },
	{ GH_A_MAX_SIZE, -1 },     { GH_A_NO_RETAIN, 1 },    { GH_A_COVERS, 1 },
	{ GH_A_DISCONNECT, 1 },    { GH_A_CACHE, 0 },        { GH_A_CACHE, 60 },
	{ GH_A_CACHE, INT64_MAX }, { GH_A_CACHE, -1 },
};

START_TEST(numbers)
{
	for (size_t i = 0; i < GH_COUNT(number_rows); i++) {
		struct gh_answer answer, back;

		gh_answer_init(&answer, NULL, false, 0);
		gh_answer_set_number(&answer, number_rows[i].key, number_rows[i].value);
		ck_assert_int_eq(answer_again(&answer, GH_ALLOW, &back), GH_ALLOW);
		same_answer(&answer, &back);
		gh_answer_done(&back);
		gh_answer_done(&answer);
	}
}
END_TEST

/* A why is text, never a format, and longer ones are cut on the first side already. */
START_TEST(words)
{
	char longest[GH_WHY_MAX];
	const char *whys[] = { "100 %s of it %n", NOT_UTF8, longest };

	memset(longest, 'w', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	for (size_t i = 0; i < GH_COUNT(whys); i++) {
		struct gh_answer answer, back;

		gh_answer_init(&answer, NULL, true, 0);
		gh_answer_explain(&answer, GH_CAUSE_BAD_SECRET, "%s", whys[i]);
		set(&answer, GH_A_FILE, whys[i]);
		ck_assert_int_eq(answer_again(&answer, GH_DENY, &back), GH_DENY);
		ck_assert_str_eq(back.why, whys[i]);
		same_answer(&answer, &back);
		gh_answer_done(&back);
		gh_answer_done(&answer);
	}
}
END_TEST

static void fill_login(struct gh_answer *answer)
{
	set(answer, GH_A_PRINCIPAL, "joe");
	set(answer, GH_A_GROUP, "staff");
	gh_answer_set_pair(answer, GH_A_ATTRIBUTE, "tenant", "");
	set(answer, GH_A_GROUP, "admins");
	gh_answer_set_pair(answer, GH_A_ATTRIBUTE, "tenant", "two");
	gh_answer_set_number(answer, GH_A_EXPIRES, 1800000000);
	set(answer, GH_A_CLASS, "slow");
	set(answer, GH_A_CLIENT_ID, "c1");
	set(answer, GH_A_SHOWN_USER, NOT_UTF8);
	gh_answer_set_bytes(answer, GH_A_AUTH_DATA, "v=\0sig", 6);
	gh_answer_set_number(answer, GH_A_REASON, 0x87);
}

START_TEST(logins_answered)
{
	struct gh_answer answer, back;
	const struct gh_login_answer *in;
	const struct gh_grant *grant;

	gh_answer_init(&answer, NULL, true, 0);
	fill_login(&answer);
	ck_assert_int_eq(answer_again(&answer, GH_ALLOW, &back), GH_ALLOW);
	gh_answer_done(&answer);
	in = back.in;
	grant = &in->grant;
	ck_assert_str_eq(grant->principal, "joe");
	ck_assert_uint_eq(grant->group_count, 2);
	ck_assert_str_eq(grant->groups[0], "staff");
	ck_assert_str_eq(grant->groups[1], "admins");
	ck_assert_uint_eq(grant->attribute_count, 2);
	ck_assert_str_eq(grant->attributes[0].value, "");
	ck_assert_str_eq(grant->attributes[1].name, "tenant");
	ck_assert_str_eq(grant->attributes[1].value, "two");
	ck_assert_int_eq(grant->expires, 1800000000);
	ck_assert_str_eq(grant->limits_class, "slow");
	ck_assert_str_eq(in->client_id, "c1");
	ck_assert_str_eq(in->shown_user, NOT_UTF8);
	ck_assert_uint_eq(in->auth_data_size, 6);
	ck_assert_mem_eq(in->auth_data, "v=\0sig", 6);
	ck_assert(back.reason_set && back.reason == 0x87 && !back.in->bad && !grant->bad);
	gh_answer_done(&back);
}
END_TEST

/* Set to nothing isn't unset. */
START_TEST(set_to_nothing)
{
	struct gh_answer answer, back;

	gh_answer_init(&answer, NULL, true, 0);
	set(&answer, GH_A_SHOWN_USER, "");
	ck_assert_int_eq(answer_again(&answer, GH_PASS, &back), GH_PASS);
	ck_assert_str_eq(back.in->shown_user, "");
	ck_assert_ptr_null(back.in->auth_data);
	gh_answer_done(&back);
	gh_answer_done(&answer);
	gh_answer_init(&answer, NULL, true, 0);
	set(&answer, GH_A_AUTH_DATA, "");
	ck_assert_int_eq(answer_again(&answer, GH_CONTINUE, &back), GH_CONTINUE);
	ck_assert(back.in->auth_data && !back.in->auth_data_size && !back.in->shown_user);
	gh_answer_done(&back);
	gh_answer_done(&answer);
}
END_TEST

START_TEST(the_most_groups)
{
	struct gh_answer answer, back;
	char name[16];

	gh_answer_init(&answer, NULL, true, 0);
	for (unsigned i = 0; i < GH_GROUPS_MAX; i++) {
		snprintf(name, sizeof(name), "g%u", i);
		set(&answer, GH_A_GROUP, name);
	}
	for (unsigned i = 0; i < GH_ATTRIBUTES_MAX; i++)
		gh_answer_set_pair(&answer, GH_A_ATTRIBUTE, "a", "v");
	ck_assert_int_eq(answer_again(&answer, GH_ALLOW, &back), GH_ALLOW);
	ck_assert_uint_eq(back.in->grant.group_count, GH_GROUPS_MAX);
	ck_assert_str_eq(back.in->grant.groups[255], "g255");
	ck_assert_uint_eq(back.in->grant.attribute_count, GH_ATTRIBUTES_MAX);
	gh_answer_done(&back);
	gh_answer_done(&answer);
}
END_TEST

static void edited(const char *payload)
{
	struct gh_answer answer, back;
	struct gh_edits_view view;

	gh_answer_init(&answer, NULL, false, 0);
	set(&answer, GH_A_TOPIC, "b/a");
	set(&answer, GH_A_PAYLOAD, payload);
	gh_answer_set_pair(&answer, GH_A_PROPERTY, "gone", NULL);
	gh_answer_set_pair(&answer, GH_A_PROPERTY, "gone", "back");
	gh_answer_set_pair(&answer, GH_A_PROPERTY, "", "");
	ck_assert_int_eq(answer_again(&answer, GH_ALLOW, &back), GH_ALLOW);
	gh_answer_done(&answer);
	view = gh_edits_view(back.edits);
	ck_assert(view.has_topic && gh_str_is(view.topic, "b/a"));
	ck_assert(view.has_payload && view.payload.n == strlen(payload) && !view.bad);
	ck_assert_uint_eq(view.property_count, 3);
	ck_assert_str_eq(gh_edits_pair(back.edits, 0).name, "gone");
	ck_assert_ptr_null(gh_edits_pair(back.edits, 0).value);
	ck_assert_str_eq(gh_edits_pair(back.edits, 1).value, "back");
	ck_assert_str_eq(gh_edits_pair(back.edits, 2).name, "");
	gh_answer_done(&back);
}

START_TEST(edits)
{
	struct gh_answer answer, back;

	edited("other");
	edited("");
	gh_answer_init(&answer, NULL, false, 0);
	gh_answer_set_pair(&answer, GH_A_PROPERTY, "n", "v");
	ck_assert_int_eq(answer_again(&answer, GH_PASS, &back), GH_PASS);
	ck_assert(!gh_edits_view(back.edits).has_topic && !gh_edits_view(back.edits).has_payload);
	gh_answer_done(&back);
	gh_answer_done(&answer);
}
END_TEST

/* With each verdict that would take it. */
static const struct {
	bool login;
	uint32_t key;
	const char *value;
	enum gh_verdict verdict, wanted;
	const char *why;
} bad_rows[] = {
	{ true, GH_A_PRINCIPAL, "\xff", GH_ALLOW, GH_ERROR, "the principal isn't UTF-8" },
	{ true, GH_A_PRINCIPAL, "\xff", GH_PASS, GH_PASS, "mine" },
	{ true, GH_A_PRINCIPAL, "\xff", GH_DENY, GH_DENY, "mine" },
	{ true, GH_A_GROUP, "", GH_ALLOW, GH_ERROR, "a group is empty or isn't UTF-8" },
	{ true, GH_A_CLASS, "", GH_ALLOW, GH_ERROR, "the limits class has no name, or isn't UTF-8" },
	{ true, GH_A_CLIENT_ID, "", GH_ALLOW, GH_ERROR,
	  "the client id is empty, too long or not UTF-8" },
	{ true, GH_A_CLIENT_ID, "", GH_PASS, GH_ERROR,
	  "the client id is empty, too long or not UTF-8" },
	{ true, GH_A_CLIENT_ID, "", GH_CONTINUE, GH_ERROR,
	  "the client id is empty, too long or not UTF-8" },
	{ true, GH_A_CLIENT_ID, "", GH_DENY, GH_DENY, "mine" },
	{ true, GH_A_TOPIC, "#", GH_ALLOW, GH_ALLOW, "mine" }, /* isn't looked at */
	{ false, GH_A_TOPIC, "#", GH_ALLOW, GH_ERROR, "the topic that it names is none" },
	{ false, GH_A_TOPIC, "#", GH_PASS, GH_ERROR, "the topic that it names is none" },
	{ false, GH_A_TOPIC, "#", GH_DENY, GH_DENY, "mine" },
	{ false, GH_A_FILE, "", GH_PENDING, GH_ERROR, "it answered what is no verdict here" },
	{ false, GH_A_FILE, "", (enum gh_verdict)0, GH_ERROR, "it answered what is no verdict here" },
	{ false, GH_A_FILE, "", (enum gh_verdict)99, GH_ERROR, "it answered what is no verdict here" },
};

START_TEST(bad_answers)
{
	for (size_t i = 0; i < GH_COUNT(bad_rows); i++) {
		struct gh_answer answer, back;

		gh_answer_init(&answer, NULL, bad_rows[i].login, 0);
		gh_answer_explain(&answer, GH_CAUSE_OTHER, "mine");
		set(&answer, GH_A_SHOWN_USER, "hidden");
		set(&answer, bad_rows[i].key, bad_rows[i].value);
		ck_assert_int_eq(answer_again(&answer, bad_rows[i].verdict, &back),
				 bad_rows[i].wanted);
		ck_assert_msg(strcmp(back.why, bad_rows[i].why) == 0, "row %zu: %s", i, back.why);
		ck_assert_uint_eq(back.cause, bad_rows[i].wanted == bad_rows[i].verdict
						      ? GH_CAUSE_OTHER
						      : GH_CAUSE_BACKEND);
		if (bad_rows[i].login)
			ck_assert_str_eq(back.in->shown_user, "hidden");
		gh_answer_done(&back);
		gh_answer_done(&answer);
	}
}
END_TEST

/* The setter keeps it beside its refusal; it doesn't cross. */
START_TEST(expires_too_late)
{
	struct gh_answer answer, back;

	gh_answer_init(&answer, NULL, true, 0);
	gh_answer_set_number(&answer, GH_A_EXPIRES, INT64_MAX);
	ck_assert_int_eq(answer_again(&answer, GH_ALLOW, &back), GH_ERROR);
	ck_assert_str_eq(back.why, "it expires after the year 9999");
	gh_answer_done(&back);
	ck_assert_int_eq(answer_again(&answer, GH_DENY, &back), GH_DENY);
	gh_answer_done(&back);
	gh_answer_done(&answer);
}
END_TEST

START_TEST(too_many_edits)
{
	struct gh_answer answer, back;

	gh_answer_init(&answer, NULL, false, 0);
	for (unsigned i = 0; i < 1025; i++)
		gh_answer_set_pair(&answer, GH_A_PROPERTY, "", NULL);
	ck_assert_int_eq(answer_again(&answer, GH_ALLOW, &back), GH_ERROR);
	ck_assert_ptr_nonnull(strstr(back.why, "one too many"));
	gh_answer_done(&back);
	gh_answer_done(&answer);
}
END_TEST

GH_TEST_MAIN("hook/carry_answer", nothing_set, numbers, words, logins_answered, set_to_nothing,
	     the_most_groups, edits, bad_answers, expires_too_late, too_many_edits)
