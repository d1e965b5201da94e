/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions: the shipped table, what the page promises case by case, and chance against the plain reading. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "file.h"
#include "match.h"
#include "oracle.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static int give(void *arg, const char *path, char **text_r, size_t *n_r, char *why, size_t why_size)
{
	(void)path, (void)why, (void)why_size;
	*text_r = acl_copy(arg, strlen(arg));
	*n_r = strlen(arg);
	return 0;
}

struct policy {
	struct acl_rules *rules;
	struct acl_index *index;
};

static struct policy policy(const char *text)
{
	struct policy made = { NULL, NULL };
	struct acl_problem problem;
	int rc = acl_rules_read("acl", give, (void *)(uintptr_t)text, &made.rules, &problem);

	ck_assert_msg(rc == 0, "%u:%u: %s in:\n%s", problem.line, problem.column, problem.text, text);
	made.index = acl_index_new(made.rules);
	return made;
}

static void done(struct policy *policy)
{
	acl_index_free(&policy->index);
	acl_rules_free(&policy->rules);
}

/* ---- case by case ----------------------------------------------------------------------------------------------- */

/* Who asks. "" for user: anonymous; bound unless `loose`. */
struct who {
	const char *client, *user, *group;
	bool loose;
};
/* `P topic`, `S filter`, `R topic`, `W topic`, then perhaps " q1" for QoS, " r" for retain, " sN" for size. */
static struct acl_decision ask(const struct policy *policy, const struct who *who, const char *what)
{
	const char *options = strchr(what + 2, ' ');
	struct gh_pair attribute = { "site", "lab" };
	struct gh_identity identity = { .principal = *who->user ? who->user : "anonymous",
					.realm = *who->user ? "users" : "",
					.groups = &who->group,
					.group_count = who->group != NULL,
					.attributes = &attribute,
					.attribute_count = 1 };
	struct gh_client client = { .client_id = who->client,
				    .identity = &identity,
				    .listener = "net",
				    .address = "192.0.2.7",
				    .ip = { [10] = 0xff, 0xff, 192, 0, 2, 7 },
				    .transport = GH_TCP,
				    .client_id_bound = !who->loose };
	struct gh_authorize in = { .client = &client };
	struct acl_decision decision;

	in.action = *what == 'P'   ? GH_PUBLISH
		    : *what == 'S' ? GH_SUBSCRIBE
		    : *what == 'R' ? GH_RECEIVE
				   : GH_WILL;
	in.topic = (struct gh_str){ what + 2,
				    options ? (size_t)(options - what - 2) : strlen(what + 2) };
	in.qos = options && strstr(options, " q") ? (uint8_t)(strstr(options, " q")[2] - '0') : 0;
	in.retain = options && strstr(options, " r");
	in.payload_size =
		options && strstr(options, " s") ? (size_t)atoi(strstr(options, " s") + 2) : 0;
	acl_decide(policy->index, &in, &decision);
	return decision;
}

/* The rule that decides, by its line, and the verdict: +1, -2, 0 for none; * behind it: covers. */
static void check(const char *text, struct who who, const char *what, const char *expected)
{
	struct policy made = policy(text);
	char got[32];
	struct acl_decision decision = ask(&made, &who, what);

	if (decision.rule)
		snprintf(got, sizeof(got), "%c%u%s", decision.allow ? '+' : '-',
			 decision.rule->line, decision.covers ? "*" : "");
	else
		strcpy(got, "0");
	ck_assert_msg(strcmp(got, expected) == 0, "%s, user '%s' of '%s', %s: %s, expected %s\n%s",
		      who.client, who.user, who.group ? who.group : "", what, got, expected, text);
	done(&made);
}

#define ANNA \
	{ \
		"dev-1", "anna", "staff", false \
	}
#define NOBODY \
	{ \
		"dev-1", "", NULL, false \
	}

static const struct {
	const char *text;
	struct who who;
	const char *what, *expected;
} cases[] = {
	{ "", ANNA, "P a", "0" },
	{ "* a publish allow", ANNA, "P a", "+1" },
	{ "* a publish allow", ANNA, "W a", "+1" },
	{ "* a publish allow", ANNA, "S a", "0" },
	{ "* a publish allow", ANNA, "R a", "0" },
	{ "* a subscribe allow", ANNA, "S a", "+1*" },
	{ "* a subscribe allow", ANNA, "R a", "+1" },
	{ "* a subscribe allow", ANNA, "P a", "0" },
	{ "* a receive allow", ANNA, "S a", "0" },
	{ "* a receive allow", ANNA, "R a", "+1" },
	{ "* a publish/subscribe allow", ANNA, "P a", "+1" },
	{ "* a publish/subscribe allow", ANNA, "S a", "+1*" },
	/* The first that matches decides. */
	{ "* a/b publish deny\n* a/# publish allow", ANNA, "P a/b", "-1" },
	{ "* a/b publish deny\n* a/# publish allow", ANNA, "P a", "+2" },
	{ "* a/# publish allow\n* a/b publish deny", ANNA, "P a/b", "+1" },
	/* A filter is allowed where it is covered; a deny that overlaps is left to the deliveries. */
	{ "* a/+ subscribe allow", ANNA, "S a/#", "0" },
	{ "* a/# subscribe allow", ANNA, "S a/+/b", "+1*" },
	{ "* a/b subscribe deny\n* a/# subscribe allow", ANNA, "S a/+", "+2" },
	{ "* a/b subscribe deny\n* a/# subscribe allow", ANNA, "S a/c", "+2*" },
	{ "* a/b subscribe deny\n* a/# subscribe allow", ANNA, "S a/b", "-1" },
	{ "* a/b subscribe deny\n* a/# subscribe allow", ANNA, "R a/b", "-1" },
	{ "* a/b subscribe deny user=bob\n* a/# subscribe allow", ANNA, "S a/+", "+2*" },
	{ "* a/b receive deny\n* a/# subscribe allow", ANNA, "S a/b", "+2" },
	{ "* a/b subscribe deny size<=5\n* a/# subscribe allow", ANNA, "S a/b", "+2" },
	{ "* a/b subscribe deny qos<=1\n* a/# subscribe allow", ANNA, "S a/b q1", "-1" },
	{ "* a/b subscribe deny qos<=1\n* a/# subscribe allow", ANNA, "S a/b q2", "+2" },
	{ "* # subscribe allow", ANNA, "S #", "+1*" },
	{ "* +/# subscribe allow", ANNA, "S #", "+1*" },
	{ "* # subscribe allow", ANNA, "S $SYS/#", "0" },
	{ "* # publish/subscribe allow", ANNA, "R $SYS/x", "0" },
	{ "* $SYS/# subscribe deny\n* # subscribe allow", ANNA, "S #", "+2*" },
	/* Literal: the text of the filter, nothing else. */
	{ "* # subscribe deny literal\n* # subscribe allow", ANNA, "S #", "-1" },
	{ "* # subscribe deny literal\n* # subscribe allow", ANNA, "S +/#", "+2*" },
	{ "* # subscribe deny literal\n* # subscribe allow", ANNA, "R a", "+2" },
	{ "* a/+ subscribe allow literal", ANNA, "S a/+", "+1" },
	{ "* a/+ subscribe allow literal", ANNA, "S a/b", "0" },
	{ "* {x} subscribe allow literal", ANNA, "S {x}", "+1" },
	{ "* # subscribe allow any-filter\n* a subscribe allow", ANNA, "S $SYS/#", "+1" },
	{ "* # subscribe allow any-filter\n* a subscribe allow", ANNA, "R b", "0" },
	/* Who. */
	{ "dev-* a publish allow", ANNA, "P a", "+1" },
	{ "dev-* a publish allow", { "dew-1", "anna", NULL, false }, "P a", "0" },
	{ "dev-* a publish allow", { "dev-1", "anna", NULL, true }, "P a", "0" },
	{ "* {clientid} publish allow", { "dev-1", "anna", NULL, true }, "P dev-1", "0" },
	{ "** a publish allow", { "dev-1", "anna", NULL, true }, "P a", "0" },
	{ "dev-* a publish deny\n* a publish allow", { "dev-1", "anna", NULL, true }, "P a", "-1" },
	{ "* a publish allow user=anna", ANNA, "P a", "+1" },
	{ "* a publish allow user=ann", ANNA, "P a", "0" },
	{ "* a publish allow user=an*", ANNA, "P a", "+1" },
	{ "* a publish allow user=anna realm=users", ANNA, "P a", "+1" },
	{ "* a publish allow user=anna realm=corp", ANNA, "P a", "0" },
	{ "* a publish allow user=*", NOBODY, "P a", "0" },
	{ "* a publish allow user=anonymous", NOBODY, "P a", "0" },
	{ "* a publish allow anonymous", NOBODY, "P a", "+1" },
	{ "* a publish allow anonymous", { "x", "anonymous", NULL, false }, "P a", "0" },
	{ "* a publish allow group=staff", ANNA, "P a", "+1" },
	{ "* a publish allow group=s*", ANNA, "P a", "+1" },
	{ "* a publish allow group=ops", ANNA, "P a", "0" },
	{ "* a publish allow group=staff", NOBODY, "P a", "0" },
	{ "\"a b\" t publish allow user=\"x y\"", { "a b", "x y", NULL, false }, "P t", "+1" },
	{ "\"a\\*\" t publish allow", { "a*", "u", NULL, false }, "P t", "+1" },
	{ "\"a\\*\" t publish allow", { "ab", "u", NULL, false }, "P t", "0" },
	/* Placeholders. */
	{ "* u/{username}/# publish allow", ANNA, "P u/anna/x", "+1" },
	{ "* u/{username}/# publish allow", ANNA, "P u/bob/x", "0" },
	{ "* u/{username}/# publish allow", { "c", "+", NULL, false }, "P u/bob/x", "0" },
	{ "* u/{username}/# publish allow", { "c", "#", NULL, false }, "P u/bob", "0" },
	{ "* u/{username} subscribe allow", { "c", "+", NULL, false }, "S u/+", "0" },
	{ "* {username}/# publish allow", { "c", "$SYS", NULL, false }, "P $SYS/a", "0" },
	{ "* u/{username}/# publish allow", { "c", "$x", NULL, false }, "P u/$x/a", "+1" },
	{ "* u/{username}/# publish allow", NOBODY, "P u/anonymous/x", "0" },
	{ "* g/{group}/{group} publish allow", ANNA, "P g/staff/staff", "+1" },
	{ "* s/{attr:site}.{username} publish allow", ANNA, "P s/lab.anna", "+1" },
	{ "* s/{attr:room} publish allow", ANNA, "P s/lab", "0" },
	{ "* {{x}/a publish allow", ANNA, "P {x}/a", "+1" },
	/* A DENY whose topic can't be told holds for all; one that lacks a value for none. */
	{ "* u/{username} publish deny\n* # publish allow", { "c", "a/b", NULL, false }, "P x", "-1" },
	{ "* u/{username} publish deny\n* # publish allow", { "c", "a/b", NULL, false }, "P u/a/b", "-1" },
	{ "* {username} publish deny\n* # publish allow", { "c", "$x", NULL, false }, "P x", "-1" },
	{ "* u/{username} publish deny\n* # publish allow", NOBODY, "P x", "+2" },
	{ "* u/{attr:room} publish deny\n* # publish allow", ANNA, "P x", "+2" },
	{ "* u/{username} subscribe deny size<=9\n* # subscribe allow",
	  { "c", "a/b", NULL, false },
	  "S x",
	  "+2" },
	/* Conditions. */
	{ "* a publish allow qos<=1", ANNA, "P a q1", "+1" },
	{ "* a publish allow qos<=1", ANNA, "P a q2", "0" },
	{ "* a subscribe allow qos<=1", ANNA, "S a q2", "+1" },
	{ "* a publish allow size<=1k", ANNA, "P a s1024", "+1" },
	{ "* a publish allow size<=1k", ANNA, "P a s1025", "0" },
	{ "* a publish allow retain", ANNA, "P a", "0" },
	{ "* a publish allow retain", ANNA, "P a r", "+1" },
	{ "* a publish allow no-retain", ANNA, "P a r", "0" },
	{ "* a publish allow address=192.0.2.0/24", ANNA, "P a", "+1" },
	{ "* a publish allow address=192.0.2.8/29", ANNA, "P a", "0" },
	{ "* a publish allow address=::ffff:192.0.2.7", ANNA, "P a", "+1" },
	{ "* a publish allow address=2001:db8::/32", ANNA, "P a", "0" },
	{ "* a publish allow listener=net", ANNA, "P a", "+1" },
	{ "* a publish allow listener=x*", ANNA, "P a", "0" },
	{ "* a publish allow tls", ANNA, "P a", "0" },
	{ "* a subscribe allow listener=net", ANNA, "S a", "+1" },
};

START_TEST(case_by_case)
{
	check(cases[_i].text, cases[_i].who, cases[_i].what, cases[_i].expected);
}
END_TEST

START_TEST(max_qos_of_a_filter)
{
	struct policy made = policy("* a subscribe allow qos<=1");
	struct who anna = ANNA;

	ck_assert_uint_eq(ask(&made, &anna, "S a q2").max_qos, 1);
	ck_assert_uint_eq(ask(&made, &anna, "S a q0").max_qos, 1);
	done(&made);
}
END_TEST

/* ---- the shipped table ------------------------------------------------------------------------------------------ */

static const char *const table[][4] = {
	{ "device-*", "devices/{clientid}/#", "publish", "allow" },
	{ "device-*", "commands/{clientid}", "subscribe", "allow" },
	{ "admin", "#", "publish/subscribe", "allow" },
	{ "*", "$SYS/#", "subscribe", "deny" },
};

static char *shipped(void)
{
	unsigned flags = GH_SECRET_ANY_OWNER | GH_SECRET_ANY_MODE;
	const char *source = getenv("srcdir");
	char path[4096], why[1024], *text;
	size_t n;

	snprintf(path, sizeof(path), "%s/plugins/acl/table-9-1.acl", source ? source : ".");
	ck_assert_msg(acl_file_load(&flags, path, &text, &n, why, sizeof(why)) == 0, "%s", why);
	text = acl_grow(text, n + 1, 1);
	text[n] = '\0';
	return text;
}

START_TEST(table_is_shipped_verbatim)
{
	char *text = shipped(), *save = NULL;
	int row = 0;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char cells[5][64] = { "" };

		if (*line == '#')
			continue;
		ck_assert_int_eq(sscanf(line, "%63s %63s %63s %63s %63s", cells[0], cells[1],
					cells[2], cells[3], cells[4]),
				 4);
		ck_assert_int_lt(row, COUNT(table));
		for (int i = 0; i < 4; i++)
			ck_assert_str_eq(cells[i], table[row][i]);
		row++;
	}
	ck_assert_int_eq(row, COUNT(table));
	free(text);
}
END_TEST

START_TEST(table_decides)
{
	static const struct {
		struct who who;
		const char *what;
		int verdict; /* row, negative: denied by it, 0: by none */
	} asked[] = {
		{ { "device-7", "device-7", NULL, false }, "P devices/device-7/t", 1 },
		{ { "device-7", "device-7", NULL, false }, "P devices/device-8/t", 0 },
		{ { "device-7", "device-7", NULL, false }, "S commands/device-7", 2 },
		{ { "device-7", "device-7", NULL, false }, "R commands/device-7", 2 },
		{ { "device-7", "device-7", NULL, false }, "S commands/+", 0 },
		{ { "device-7", "device-7", NULL, false }, "S $SYS/#", -4 },
		{ { "admin", "admin", NULL, false }, "S #", 3 },
		{ { "admin", "admin", NULL, false }, "P devices/device-8/t", 3 },
		{ { "admin", "admin", NULL, false }, "S $SYS/broker/x", -4 },
		/* mallory takes the id `admin` where ids aren't bound: nothing. */
		{ { "admin", "mallory", NULL, true }, "S #", 0 },
		{ { "admin", "mallory", NULL, true }, "P a", 0 },
		{ { "admin", "mallory", NULL, true }, "R a", 0 },
		{ { "admin", "mallory", NULL, true }, "W a", 0 },
		{ { "admin", "mallory", NULL, true }, "S $SYS/#", -4 },
		{ { "device-7", "mallory", NULL, true }, "P devices/device-7/t", 0 },
		{ { "device-7", "mallory", NULL, true }, "S commands/device-7", 0 },
	};
	char *text = shipped();
	struct policy made = policy(text);

	for (int i = 0; i < COUNT(asked); i++) {
		struct acl_decision decision = ask(&made, &asked[i].who, asked[i].what);
		int row = decision.rule ? (int)(decision.rule - made.rules->rules) + 1 : 0;

		ck_assert_msg((decision.allow ? row : -row) == asked[i].verdict, "%s %s: %d",
			      asked[i].who.user, asked[i].what, row);
	}
	done(&made);
	free(text);
}
END_TEST

/* ---- chance ----------------------------------------------------------------------------------------------------- */

static void compare(const struct policy *made, const struct acl_oracle *oracle,
		    const struct gh_authorize *in, const char *text)
{
	struct acl_oracle_answer expected = acl_oracle_ask(oracle, in);
	struct acl_decision got;
	int rule;

	acl_decide(made->index, in, &got);
	rule = got.rule ? (int)(got.rule - made->rules->rules) : -1;
	ck_assert_msg(
		rule == expected.rule && got.allow == expected.allow &&
			got.max_qos == expected.max_qos &&
			(got.covers == expected.covers || (oracle->groups_twice && !got.covers)),
		"action %u topic '%.*s' client '%s' user '%s' qos %u: rule %d covers %d, expected %d covers %d\n%s",
		in->action, (int)in->topic.n, in->topic.p, in->client->client_id,
		in->client->identity->principal, in->qos, rule + 1, got.covers, expected.rule + 1,
		expected.covers, text);
}

/* What a filter covers is allowed whatever the message is and wherever the client is connected. */
static void covered_is_received(struct acl_chance *chance, const struct policy *made,
				const struct gh_authorize *subscribe)
{
	struct gh_authorize in = *subscribe;
	struct gh_client client = *in.client;
	struct acl_decision decision;
	char topic[64];

	acl_decide(made->index, &in, &decision);
	if (!decision.covers)
		return;
	client.listener = "elsewhere";
	client.transport = GH_UNIX;
	in.client = &client;
	in.action = GH_RECEIVE;
	for (int i = 0; i < 20; i++) {
		acl_oracle_topic(chance, topic);
		in.topic = (struct gh_str){ topic, strlen(topic) };
		in.retain = acl_chance(chance, 2);
		in.payload_size = acl_chance(chance, 2000);
		in.qos = (uint8_t)acl_chance(chance, 3);
		if (!gh_topic_match(subscribe->topic, in.topic))
			continue;
		acl_decide(made->index, &in, &decision);
		ck_assert_msg(decision.allow, "'%.*s' covered, '%s' denied",
			      (int)subscribe->topic.n, subscribe->topic.p, topic);
	}
}

START_TEST(agrees_by_chance)
{
	struct acl_chance chance = { 4711 };
	unsigned verdicts[3] = { 0 };

	for (int set = 0; set < 2000; set++) {
		struct acl_oracle oracle;
		struct policy made;
		char *text;

		acl_oracle_rules(&chance, &oracle);
		text = acl_oracle_text(&oracle);
		made = policy(text);
		for (int i = 0; i < 20; i++) {
			struct acl_oracle_question question;
			struct acl_oracle_answer answer;

			acl_oracle_question(&chance, &question);
			compare(&made, &oracle, &question.in, text);
			answer = acl_oracle_ask(&oracle, &question.in);
			verdicts[answer.allow ? answer.covers ? 2 : 1 : 0]++;
			covered_is_received(&chance, &made, &question.in);
		}
		done(&made);
		free(text);
		for (size_t i = 0; i < oracle.count; i++)
			free((void *)(uintptr_t)oracle.rules[i].topic);
	}
	/* Chance must have asked something. */
	for (int i = 0; i < COUNT(verdicts); i++)
		ck_assert_uint_gt(verdicts[i], 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("acl decisions");
	TCase *tcase = tcase_create("decisions");
	SRunner *runner = srunner_create(suite);

	tcase_add_loop_test(tcase, case_by_case, 0, COUNT(cases));
	tcase_add_test(tcase, max_qos_of_a_filter);
	tcase_add_test(tcase, table_is_shipped_verbatim);
	tcase_add_test(tcase, table_decides);
	tcase_add_test(tcase, agrees_by_chance);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
