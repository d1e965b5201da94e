/* SPDX-License-Identifier: Apache-2.0 */
/* acl_files of mosquitto: imported rules against a restatement of how mosquitto judges, and errors. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "import.h"
#include "match.h"
#include "oracle.h"

#define COUNT(array)        ((int)(sizeof(array) / sizeof(*(array))))
#define PICK(chance, array) ((array)[acl_chance(chance, COUNT(array))])
#define LINES               12

static int give(void *arg, const char *path, char **text_r, size_t *n_r, char *why, size_t why_size)
{
	(void)path, (void)why, (void)why_size;
	*text_r = acl_copy(arg, strlen(arg));
	*n_r = strlen(arg);
	return 0;
}

/* "!" and the problem if it can't be imported. To be freed. */
static char *imported(const char *text)
{
	struct acl_problem problem;
	char *out = NULL;
	size_t size;
	FILE *to = open_memstream(&out, &size);

	ck_assert_ptr_nonnull(to);
	if (acl_import("acl_file", (struct gh_str){ text, strlen(text) }, to, &problem) < 0)
		fprintf(to, "!%u: %s", problem.line, problem.text);
	fclose(to);
	return out;
}

/* ---- as mosquitto judges ---------------------------------------------------------------------------------------- */

struct line {
	const char *user; /* of a topic: the section's; NULL: before the first one */
	bool pattern;
	const char *access, *topic;
};

struct client {
	const char *id, *user;
};

static bool wanted(const struct line *line, bool write)
{
	return strcmp(line->access, "readwrite") == 0 ||
	       strcmp(line->access, write ? "write" : "read") == 0;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* +1, -1, or 0 for no match; first the denials, then the rest. */
static int run_through(const struct line *lines, int count, bool pattern,
		       const struct client *client, const char *topic, bool write)
{
	for (int denials = 1; denials >= 0; denials--)
		for (int i = 0; i < count; i++) {
			const struct line *line = &lines[i];
			bool deny = strcmp(line->access, "deny") == 0;
			char filter[256] = "", *to = filter;

			if (line->pattern != pattern || deny != denials ||
			    (!pattern && !same(line->user, client->user)) ||
			    (pattern && strstr(line->topic, "%u") && !client->user))
				continue;
			for (const char *from = line->topic; *from; from++)
				if (pattern && from[0] == '%' && (from[1] == 'c' || from[1] == 'u'))
					to = stpcpy(to, *++from == 'c' ? client->id : client->user);
				else
					*to++ = *from;
			*to = '\0';
			if (gh_topic_match((struct gh_str){ filter, strlen(filter) },
					   (struct gh_str){ topic, strlen(topic) }) &&
			    (deny || wanted(line, write)))
				return deny ? -1 : 1;
		}
	return 0;
}

static bool mosquitto(const struct line *lines, int count, const struct client *client,
		      const char *topic, bool write)
{
	bool patterns = false;
	int verdict;

	if (write && strncmp(topic, "$SYS/", 5) == 0)
		return false;
	for (int i = 0; i < count; i++)
		patterns |= lines[i].pattern;
	verdict = run_through(lines, count, false, client, topic, write);
	if (verdict == 0 && patterns &&
	    (strpbrk(client->id, "+#") || (client->user && strpbrk(client->user, "+#"))))
		return false;
	if (verdict == 0)
		verdict = run_through(lines, count, true, client, topic, write);
	return verdict > 0;
}

/* ---- chance ----------------------------------------------------------------------------------------------------- */

static char *lines_by_chance(struct acl_chance *chance, struct line lines[LINES])
{
	static const char *const users[] = { "anna", "bob", "joe smith", "x*" };
	static const char *const access[] = { "read", "write", "readwrite", "deny", "read" };
	static const char *const topics[] = { "a",      "a/b",   "a/#", "+/b",   "#",   "$x/#",
					      "$SYS/#", "a b/c", "+",   "{a}/*", "read" };
	static const char *const patterns[] = { "a/%c",  "%u/#", "%c/%u", "x%cy",   "a/b",
						"$x/%u", "#",    "$x/a",  "%d/{%u}" };
	const char *user = NULL;
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(to);
	fputs("# chance\n\n", to);
	for (int i = 0; i < LINES; i++) {
		bool pattern = acl_chance(chance, 3) == 0;

		if (acl_chance(chance, 3) == 0)
			fprintf(to, "user  %s \n", user = PICK(chance, users));
		lines[i] = (struct line){ .user = user,
					  .pattern = pattern,
					  .access = PICK(chance, access) };
		lines[i].topic = pattern ? PICK(chance, patterns) : PICK(chance, topics);
		if (strcmp(lines[i].access, "readwrite") == 0 && !strchr(lines[i].topic, ' '))
			fprintf(to, "%s  %s\n", pattern ? "pattern" : "topic", lines[i].topic);
		else
			fprintf(to, " %s %s  %s\t\n", pattern ? "pattern" : "topic",
				lines[i].access, lines[i].topic);
	}
	fclose(to);
	return text;
}

static void compare(const struct acl_index *index, const struct line *lines,
		    struct acl_chance *chance, const char *text)
{
	static const char *const ids[] = { "c1", "anna", "a", "c+", "#c", "b" };
	static const char *const users[] = { NULL, "anna", "bob", "joe smith", "x*", "xy", "u#", "a" };
	static const char *const topics[] = { "a",       "a/b",      "a/c1",    "anna/x",
					      "c1/anna", "xc1y",     "$x/anna", "$x/a",
					      "$SYS/b",  "a b/c",    "{a}/*",   "b",
					      "x/b",     "%d/{bob}", "read",    "bob" };
	struct client client = { PICK(chance, ids), PICK(chance, users) };
	const char *topic = PICK(chance, topics);
	struct gh_identity identity = { .principal = client.user ? client.user : "anonymous",
					.realm = client.user ? "users" : "" };
	struct gh_client who = { .client_id = client.id,
				 .identity = &identity,
				 .listener = "net",
				 .client_id_bound = true };
	struct gh_authorize in = { .client = &who, .topic = { topic, strlen(topic) } };
	struct acl_decision decision;

	for (int write = 0; write < 2; write++) {
		bool expected = mosquitto(lines, LINES, &client, topic, write);

		in.action = write ? GH_PUBLISH : GH_RECEIVE;
		acl_decide(index, &in, &decision);
		ck_assert_msg(decision.allow == expected,
			      "%s '%s' by '%s' of '%s': %d by line %u\n%s", write ? "write" : "read",
			      topic, client.id, client.user ? client.user : "(nobody)",
			      decision.allow, decision.rule ? decision.rule->line : 0, text);
	}
	in.action = GH_SUBSCRIBE;
	acl_decide(index, &in, &decision);
	ck_assert(decision.allow && !decision.covers);
}

START_TEST(agrees_by_chance)
{
	struct acl_chance chance = { 815 };

	for (int file = 0; file < 1000; file++) {
		struct line lines[LINES];
		char *text = lines_by_chance(&chance, lines), *ours = imported(text);
		struct acl_problem problem;
		struct acl_rules *rules;
		struct acl_index *index;

		ck_assert_msg(acl_rules_read("acl", give, ours, &rules, &problem) == 0,
			      "%u:%u: %s\n%s", problem.line, problem.column, problem.text, ours);
		index = acl_index_new(rules);
		for (int i = 0; i < 10; i++)
			compare(index, lines, &chance, ours);
		acl_index_free(&index);
		acl_rules_free(&rules);
		free(ours);
		free(text);
	}
}
END_TEST

/* ---- texts ------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *text, *told;
} errors[] = {
	{ "topic", "!1: found no topic" },
	{ "\npattern write", "* write publish/subscribe allow" },
	{ "topic maybe a", "!1: found 'maybe', expected read, write, readwrite or deny" },
	{ "topic read a+", "!1: found 'a+', expected a topic filter" },
	{ "user", "!1: found no user name" },
	{ "users anna", "!1: found 'users', expected user, topic or pattern" },
	{ " # no comment", "!1: found '#'" },
	{ "topic read \xff", "!1: found the byte 0xff" },
	{ "#topic read a\n", "everything is denied" },
	{ "user anna\n", "everything is denied" },
};

START_TEST(texts)
{
	char *out = imported(errors[_i].text);

	ck_assert_msg(strstr(out, errors[_i].told), "'%s': %s", errors[_i].text, out);
	free(out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("acl import");
	TCase *tcase = tcase_create("import");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tcase, agrees_by_chance);
	tcase_add_loop_test(tcase, texts, 0, COUNT(errors));
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
