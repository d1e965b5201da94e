/* SPDX-License-Identifier: Apache-2.0 */
/* What a message list makes of a message: who is asked, what they see, what becomes of their edits. */
#include "hook/edited.h"
#include "hook/fixture.h"

#include <gatehouse/lib.h>

/* A module that answers what the test says. */
struct editor {
	struct gh_instance *instance;
	enum gh_verdict verdict;
	bool later;
	struct gh_ticket ticket;
	const char *topic, *payload, *property, *value;
	int reason;
	char seen[100]; /* "" where it wasn't asked */
};

static void show(char *to, size_t size, const struct gh_message *message)
{
	struct gh_bytes rest = message->properties;
	struct gh_property property;
	size_t n = (size_t)snprintf(to, size, "%.*s=%.*s", (int)message->topic.n, message->topic.p,
				    (int)message->payload.n, (const char *)message->payload.p);

	while (gh_property_next(&rest, &property) > 0)
		n += (size_t)snprintf(to + n, size - n, " %x:%.*s:%.*s", property.id,
				      (int)property.name.n, property.name.p, (int)property.value.n,
				      (const char *)property.value.p);
}

static void fill(const struct editor *editor, struct gh_answer *out)
{
	if (editor->topic)
		gh_answer_topic(out, editor->topic, strlen(editor->topic));
	if (editor->payload)
		gh_answer_payload(out, editor->payload, strlen(editor->payload));
	if (editor->property)
		gh_answer_property(out, editor->property, editor->value);
	if (editor->reason >= 0)
		gh_answer_reason(out, editor->reason);
}

static enum gh_verdict publish(void *self, const struct gh_publish *in, struct gh_answer *out)
{
	struct editor *editor = self;

	ck_assert_uint_eq(in->size, sizeof(*in));
	ck_assert_uint_eq(in->message->size, sizeof(*in->message));
	show(editor->seen, sizeof(editor->seen), in->message);
	if (editor->later) {
		editor->ticket = gh_pend(out);
		return GH_PENDING;
	}
	fill(editor, out);
	return editor->verdict;
}

static struct gh_plugin plugin = { .flags = GH_CONCURRENT, .name = "editor", .publish = publish };
static struct gh_plugin blocking = { .flags = GH_CONCURRENT | GH_BLOCKING,
				     .name = "blocking",
				     .publish = publish };

struct editors {
	struct fixture fixture;
	struct editor at[3];
	struct gh_chain *chain;
};

static void editors_init(struct editors *editors, struct gh_plugin *of, const char *list)
{
	static const char *const names[] = { "a", "b", "c" };

	fixture_init(&editors->fixture);
	for (unsigned i = 0; i < 3; i++) {
		editors->at[i] = (struct editor){ .verdict = GH_PASS, .reason = -1 };
		editors->at[i].instance =
			fixture_add(&editors->fixture, names[i], of, &editors->at[i]);
	}
	editors->chain = fixture_chain(&editors->fixture, GH_LIST_MESSAGE, false, list);
}

static void editors_done(struct editors *editors)
{
	gh_chain_free(&editors->chain);
	fixture_done(&editors->fixture);
}

static void answer_later(struct editors *editors)
{
	for (unsigned i = 0; i < 3; i++) {
		struct editor *editor = &editors->at[i];
		struct gh_host *host = (struct gh_host *)(void *)editor->instance;
		struct gh_answer *out =
			editor->ticket.id ? gh_answer_begin(host, editor->ticket) : NULL;

		editor->ticket.id = 0;
		if (!out)
			continue;
		fill(editor, out);
		gh_answer_end(out, editor->verdict);
	}
}

/* a/b=hello with a content type and three user properties. */
static const uint8_t properties[] = { 3, 0,   1, 't', 38,  0,  1, 'k', 0,   1, '1', 38, 0,
				      1, 'k', 0, 1,   '2', 38, 0, 1,   'x', 0, 1,   '3' };
static const struct gh_message message = { .size = sizeof(message),
					   .topic = { "a/b", 3 },
					   .payload = { "hello", 5 },
					   .properties = { properties, sizeof(properties) } };
#define AS_IT_WAS "a/b=hello 3::t 26:k:1 26:k:2 26:x:3"

static const struct gh_decision *ask(struct editors *editors)
{
	struct gh_asking asking = fixture_asking(&editors->fixture, editors->chain);
	struct gh_publish in = { .client = gh_snapshot_client(editors->fixture.client),
				 .message = &message };
	struct gh_decision decision;
	uint64_t end = gh_clock_ms() + 20000;

	editors->fixture.done = 0;
	for (unsigned i = 0; i < 3; i++)
		editors->at[i].seen[0] = 0;
	if (!gh_ask_publish(&asking, &in, &decision))
		fixture_decided(&editors->fixture, &decision);
	while (!editors->fixture.done && gh_clock_ms() < end) {
		answer_later(editors);
		gh_loop_poll(editors->fixture.loop);
		sched_yield();
	}
	ck_assert_uint_eq(editors->fixture.done, 1);
	return &editors->fixture.decision;
}

/* P A D E, e: ERROR with on-error next, -: not asked. */
static const struct {
	const char *list, *verdicts;
	bool passes;
	const char *module;
} rows[] = {
	{ "a", "P", true, "" },         { "a", "A", true, "" },
	{ "a", "D", false, "a" },       { "a", "E", false, "a" },
	{ "a", "e", true, "" },         { "!a", "P", true, "" },
	{ "!a", "e", false, "a" },      { "a b", "PP", true, "" },
	{ "a b", "AD", false, "b" },    { "a b", "D-", false, "a" },
	{ "a b", "E-", false, "a" },    { "a b", "eP", true, "" },
	{ "a b", "eD", false, "b" },    { "a !b", "Pe", false, "b" },
	{ "a b c", "APA", true, "" },   { "a b c", "PPD", false, "c" },
	{ "a b c", "PE-", false, "b" }, { "a b c", "Aee", true, "" },
};

static enum gh_verdict verdict_of(char c)
{
	return c == 'P' ? GH_PASS : c == 'A' ? GH_ALLOW : c == 'D' ? GH_DENY : GH_ERROR;
}

static void check_row(unsigned row, struct gh_plugin *of, bool later)
{
	const char *verdicts = rows[row].verdicts;
	const struct gh_decision *decision;
	struct editors editors;

	editors_init(&editors, of, rows[row].list);
	for (unsigned i = 0; i < strlen(verdicts); i++) {
		editors.at[i].verdict = verdict_of(verdicts[i]);
		editors.at[i].instance->on_error_next = verdicts[i] == 'e';
		editors.at[i].later = later;
	}
	decision = ask(&editors);
	ck_assert_msg(decision->verdict == (rows[row].passes ? GH_ALLOW : GH_DENY), "%s %s",
		      rows[row].list, verdicts);
	ck_assert_str_eq(decision->module, rows[row].module);
	ck_assert_ptr_null(decision->edited);
	for (unsigned i = 0; i < strlen(verdicts); i++)
		ck_assert_msg((editors.at[i].seen[0] != 0) == (verdicts[i] != '-'), "%s %s: %u",
			      rows[row].list, verdicts, i);
	editors_done(&editors);
}

START_TEST(table)
{
	for (unsigned i = 0; i < GH_COUNT(rows); i++) {
		check_row(i, &plugin, false);
		check_row(i, &plugin, true);
		check_row(i, &blocking, false);
	}
}
END_TEST

static void check_edits(struct gh_plugin *of, bool later)
{
	const struct gh_decision *decision;
	struct editors editors;
	char text[100];

	editors_init(&editors, of, "a b c");
	editors.at[0].payload = "bye";
	editors.at[1].topic = "c";
	editors.at[2].property = "k";
	editors.at[2].value = "9";
	for (unsigned i = 0; i < 3; i++)
		editors.at[i].later = later;
	decision = ask(&editors);
	ck_assert_int_eq(decision->verdict, GH_ALLOW);
	ck_assert_str_eq(editors.at[0].seen, AS_IT_WAS);
	ck_assert_str_eq(editors.at[1].seen, "a/b=bye 3::t 26:k:1 26:k:2 26:x:3");
	ck_assert_str_eq(editors.at[2].seen, "c=bye 3::t 26:k:1 26:k:2 26:x:3");
	show(text, sizeof(text), &decision->edited->message);
	ck_assert_str_eq(text, "c=bye 3::t 26:k:9 26:k:2 26:x:3");
	ck_assert(decision->edited->topic_changed);
	/* back where it was: nothing that needs another right */
	editors.at[2].topic = "a/b";
	ck_assert(!ask(&editors)->edited->topic_changed);
	/* what is refused is as if it had not been edited */
	editors.at[2].verdict = GH_DENY;
	ck_assert_int_eq(ask(&editors)->verdict, GH_DENY);
	editors_done(&editors);
}

START_TEST(each_sees_the_edits_before)
{
	check_edits(&plugin, false);
	check_edits(&plugin, true);
	check_edits(&blocking, false);
}
END_TEST

START_TEST(user_properties)
{
	static const struct {
		const char *name, *value, *result;
	} edits[] = {
		{ "x", "4", "a/b=hello 3::t 26:k:1 26:k:2 26:x:4" },
		{ "k", NULL, "a/b=hello 3::t 26:x:3" },
		{ "new", "", AS_IT_WAS " 26:new:" },
		{ "none", NULL, AS_IT_WAS },
	};
	struct editors editors;
	char text[100];

	editors_init(&editors, &plugin, "a");
	for (unsigned i = 0; i < GH_COUNT(edits); i++) {
		editors.at[0].property = edits[i].name;
		editors.at[0].value = edits[i].value;
		ask(&editors);
		show(text, sizeof(text), &editors.fixture.decision.edited->message);
		ck_assert_str_eq(text, edits[i].result);
	}
	editors_done(&editors);
}
END_TEST

/* An edit that can't be taken is an ERROR of who made it; the fixture's packet-size is 100. */
START_TEST(edits_that_are_refused)
{
	static const struct {
		const char *topic, *payload, *property, *why;
	} edits[] = {
		{ "", NULL, NULL, "topic" },
		{ "a/+", NULL, NULL, "topic" },
		{ "\xff", NULL, NULL, "topic" },
		{ NULL, NULL, "\xc0", "user property" },
		{ NULL,
		  "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
		  NULL, "packet-size" },
	};
	const struct gh_decision *decision;
	struct editors editors;

	editors_init(&editors, &plugin, "a b");
	for (unsigned i = 0; i < GH_COUNT(edits); i++) {
		editors.at[0].topic = edits[i].topic;
		editors.at[0].payload = edits[i].payload;
		editors.at[0].property = edits[i].property;
		decision = ask(&editors);
		ck_assert_int_eq(decision->verdict, GH_DENY);
		ck_assert(decision->failed);
		ck_assert_str_eq(decision->module, "a");
		ck_assert_msg(strstr(decision->why, edits[i].why) != NULL, "%s", decision->why);
		ck_assert_str_eq(editors.at[1].seen, "");
	}
	editors.at[0].instance->on_error_next = true;
	ck_assert_int_eq(ask(&editors)->verdict, GH_ALLOW);
	ck_assert_str_eq(editors.at[1].seen, AS_IT_WAS);
	editors_done(&editors);
}
END_TEST

START_TEST(reason_of_a_denial)
{
	const struct gh_decision *decision;
	struct editors editors;

	editors_init(&editors, &plugin, "a");
	editors.at[0].verdict = GH_DENY;
	editors.at[0].reason = 0;
	decision = ask(&editors);
	ck_assert(decision->reason_set && decision->reason == 0);
	editors.at[0].reason = -1;
	ck_assert(!ask(&editors)->reason_set);
	editors_done(&editors);
}
END_TEST

GH_TEST_MAIN("hook/edited", table, each_sees_the_edits_before, user_properties,
	     edits_that_are_refused, reason_of_a_denial)
