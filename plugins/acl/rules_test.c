/* SPDX-License-Identifier: Apache-2.0 */
/* The text of rule files: what is read, and each error with its place. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rules.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

/* Files by name; each pair is a path and its text. */
static int give(void *arg, const char *path, char **text_r, size_t *n_r, char *why, size_t why_size)
{
	const char *const *files = arg;

	for (; *files; files += 2)
		if (strcmp(files[0], path) == 0) {
			*n_r = strlen(files[1]);
			*text_r = acl_copy(files[1], *n_r);
			return 0;
		}
	snprintf(why, why_size, "cannot open '%s'", path);
	return GH_ENOENT;
}

static int read_files(const char *const *files, struct acl_rules **rules_r,
		      struct acl_problem *problem)
{
	memset(problem, 0, sizeof(*problem));
	*rules_r = NULL;
	return acl_rules_read(files[0], give, (void *)(uintptr_t)files, rules_r, problem);
}

static struct acl_rules *parsed(const char *text)
{
	const char *files[] = { "acl", text, NULL };
	struct acl_problem problem;
	struct acl_rules *rules;
	int rc = read_files(files, &rules, &problem);

	ck_assert_msg(rc == 0, "%u:%u: %s", problem.line, problem.column, problem.text);
	return rules;
}

START_TEST(reads_columns_and_conditions)
{
	struct acl_rules *rules = parsed(
		"# comment\n"
		"\t  # comment\r\n"
		"\n"
		"dev-*\t\"a b/#\" publish allow user=\"joe \\\"s\\\"\" qos<=1 size<=2k\r\n"
		"\"#x\\*y*\" # publish/subscribe deny realm=corp group=a* address=10.0.0.0/8 retain\n"
		"* # subscribe allow tls listener=net no-retain\n"
		"* a/b/c receive allow anonymous");
	const struct acl_rule *rule = rules ? rules->rules : NULL;

	ck_assert_uint_eq(rules->count, 4);
	ck_assert_uint_eq(rule->line, 4);
	ck_assert_str_eq(rule->file, "acl");
	ck_assert(rule->allow && rule->actions == ACL_PUBLISH);
	ck_assert(acl_pattern_match(&rule->client, "dev-") &&
		  acl_pattern_match(&rule->client, "dev-x"));
	ck_assert(!acl_pattern_match(&rule->client, "dev"));
	ck_assert(acl_pattern_match(&rule->user, "joe \"s\""));
	ck_assert_uint_eq(rule->conditions, ACL_IF_USER | ACL_IF_QOS | ACL_IF_SIZE);
	ck_assert_uint_eq(rule->size_max, 2048);
	ck_assert_uint_eq(rule->level_count, 2);
	rule++;
	ck_assert(!rule->allow && rule->actions == (ACL_PUBLISH | ACL_SUBSCRIBE | ACL_RECEIVE));
	ck_assert(acl_pattern_match(&rule->client, "#x*yz") &&
		  !acl_pattern_match(&rule->client, "#x1yz"));
	ck_assert_uint_eq(rule->prefix_bits, 96 + 8);
	rule++;
	ck_assert_uint_eq(rule->conditions, ACL_IF_TLS | ACL_IF_LISTENER | ACL_IF_NO_RETAIN);
	acl_rules_free(&rules);
	ck_assert_ptr_null(rules);
}
END_TEST

static const struct {
	const char *text;
	unsigned line, column;
	const char *told;
} errors[] = {
	{ "* a publish", 1, 12, "found no permission" },
	{ "* a", 1, 4, "found no action" },
	{ "*", 1, 2, "found no topic pattern" },
	{ "\n* a publish allow x", 2, 19, "found 'x'" },
	{ "* a publish allow # comment", 1, 19, "found '#'" },
	{ "* a publish allow userr=x", 1, 19, "user=, realm=" },
	{ "* a publish allow tlsx", 1, 19, "found 'tlsx'" },
	{ "* a readwrite allow", 1, 5, "found 'readwrite', expected an action" },
	{ "* a publish permit", 1, 13, "expected a permission: allow or deny" },
	{ "* a/#/b publish allow", 1, 3, "expected a topic filter" },
	{ "* a+ publish allow", 1, 3, "expected a topic filter" },
	{ "* \"\" publish allow", 1, 3, "expected a topic filter" },
	{ "* a/* publish allow", 1, 5, "found '*' as a level" },
	{ "* \"a\\*\" publish allow", 1, 3, "nothing special" },
	{ "* $share/g/a subscribe allow", 1, 3, "$share" },
	{ "* a/{clientId} publish allow", 1, 5, "{clientid}" },
	{ "* a/{clientid publish allow", 1, 5, "}" },
	{ "* a/{attr:x/y} publish allow", 1, 5, "}" },
	{ "\"\" a publish allow", 1, 1, "empty client id" },
	{ "\"a a publish allow", 1, 1, "nothing closes" },
	{ "\"a\"b a publish allow", 1, 4, "behind a closing" },
	{ "a\"b\" a publish allow", 1, 2, "inside a word" },
	{ "\"a\\n\" a publish allow", 1, 3, "'\\'" },
	{ "* a publish allow user=", 1, 24, "nothing behind" },
	{ "* a publish allow user=a user=b", 1, 26, "second" },
	{ "* a publish allow user=a anonymous", 1, 26, "no client fulfils" },
	{ "* a publish allow retain no-retain", 1, 26, "no message fulfils" },
	{ "* a publish allow qos<=3", 1, 24, "0, 1 or 2" },
	{ "* a publish allow qos<=", 1, 24, "0, 1 or 2" },
	{ "* a publish allow size<=1T", 1, 25, "k, M or G" },
	{ "* a publish allow size<=-1", 1, 25, "k, M or G" },
	{ "* a publish allow size<=9999999999999", 1, 25, "k, M or G" },
	{ "* a publish allow address=10.0.0.0/33", 1, 27, "network" },
	{ "* a publish allow address=10.0.0.1/8", 1, 27, "bits set" },
	{ "* a publish allow address=host", 1, 27, "network" },
	{ "* a publish allow address=::1/", 1, 27, "network" },
	{ "* a publish allow literal", 1, 3, "action subscribe" },
	{ "* a subscribe allow literal retain", 1, 3, "filters only" },
	{ "* a subscribe allow any-filter", 1, 3, "any-filter" },
	{ "* # subscribe deny any-filter", 1, 3, "any-filter" },
	{ "* # subscribe allow any-filter literal", 1, 32, "one of them" },
	{ "* \xff publish allow", 1, 3, "0xff" },
	{ "* \xed\xa0\x80 publish allow", 1, 3, "0xed" },
	{ "* \xc0\x80 publish allow", 1, 3, "0xc0" },
	{ "* \xe2\x82", 1, 3, "0xe2" },
	{ "\xef\xbb\xbf* a publish allow", 1, 1, "byte order mark" },
	{ "include", 1, 8, "no file" },
	{ "include a b", 1, 11, "in quotes" },
	{ "include \"\"", 1, 9, "empty path" },
	{ "\ninclude none", 2, 9, "cannot open 'none'" },
	{ "include acl", 1, 9, "8 deep" },
};

START_TEST(each_error_has_its_place)
{
	const char *files[] = { "acl", errors[_i].text, NULL };
	struct acl_problem problem;
	struct acl_rules *rules;

	ck_assert_int_lt(read_files(files, &rules, &problem), 0);
	ck_assert_ptr_null(rules);
	ck_assert_msg(problem.line == errors[_i].line && problem.column == errors[_i].column &&
			      strstr(problem.text, errors[_i].told) &&
			      strcmp(problem.file, "acl") == 0,
		      "'%s': %s:%u:%u: %s", errors[_i].text, problem.file, problem.line,
		      problem.column, problem.text);
}
END_TEST

START_TEST(a_nul_is_an_error)
{
	struct acl_line line = { .p = "a\0b", .n = 3, .file = "acl", .number = 1 };
	struct acl_problem problem;

	line.problem = &problem;
	ck_assert_int_lt(acl_line_check(&line), 0);
	ck_assert_uint_eq(problem.column, 2);
}
END_TEST

START_TEST(includes_stand_where_they_are_named)
{
	const char *files[] = {
		"/etc/acl",    "* a publish allow\ninclude more/b\n* d publish allow\n",
		"/etc/more/b", "* b publish allow\ninclude /abs/c\n",
		"/abs/c",      "* c publish deny\n",
		NULL
	};
	static const struct {
		const char *file, *topic;
		unsigned line;
	} expected[] = { { "/etc/acl", "a", 1 },
			 { "/etc/more/b", "b", 1 },
			 { "/abs/c", "c", 1 },
			 { "/etc/acl", "d", 3 } };
	struct acl_problem problem;
	struct acl_rules *rules;

	ck_assert_int_eq(read_files(files, &rules, &problem), 0);
	ck_assert_uint_eq(rules->count, 4);
	for (int i = 0; i < COUNT(expected); i++) {
		ck_assert_str_eq(rules->rules[i].file, expected[i].file);
		ck_assert_uint_eq(rules->rules[i].line, expected[i].line);
		ck_assert_int_eq(rules->rules[i].topic.p[0], expected[i].topic[0]);
	}
	acl_rules_free(&rules);
}
END_TEST

START_TEST(errors_in_includes_name_that_file)
{
	const char *files[] = { "/etc/acl", "include b", "/etc/b", "\n* a", NULL };
	struct acl_problem problem;
	struct acl_rules *rules;

	ck_assert_int_lt(read_files(files, &rules, &problem), 0);
	ck_assert_str_eq(problem.file, "/etc/b");
	ck_assert_uint_eq(problem.line, 2);
}
END_TEST

START_TEST(by_client_id)
{
	static const struct {
		const char *rule;
		bool by_id;
	} asked[] = {
		{ "* a publish allow", false },
		{ "a publish publish allow", true },
		{ "a* a publish allow", true },
		{ "a* a publish deny", false },
		{ "* a/{clientid} publish allow", true },
		{ "* a/{clientid} publish deny", false },
		{ "* a/{username} publish allow", false },
	};

	for (int i = 0; i < COUNT(asked); i++) {
		struct acl_rules *rules = parsed(asked[i].rule);

		ck_assert_msg(acl_rule_by_client_id(rules->rules) == asked[i].by_id, "%s",
			      asked[i].rule);
		acl_rules_free(&rules);
	}
}
END_TEST

START_TEST(patterns)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} asked[] = {
		{ "*", "", true },      { "*", "x", true },      { "a*", "a", true },
		{ "a*b", "ab", true },  { "a*b", "axxb", true }, { "a*b", "axxbc", false },
		{ "*a*", "bab", true }, { "*a*", "bb", false },  { "a*b*c", "abbc", true },
		{ "a", "a", true },     { "a", "ab", false },    { "a**b", "ab", true },
		{ "*ab", "aab", true }, { "", "", true },
	};

	for (int i = 0; i < COUNT(asked); i++) {
		struct acl_pattern pattern;

		acl_pattern_set(&pattern, asked[i].pattern, strlen(asked[i].pattern));
		ck_assert_msg(acl_pattern_match(&pattern, asked[i].text) == asked[i].match, "%s %s",
			      asked[i].pattern, asked[i].text);
		free(pattern.p);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("acl rules");
	TCase *tcase = tcase_create("rules");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tcase, reads_columns_and_conditions);
	tcase_add_loop_test(tcase, each_error_has_its_place, 0, COUNT(errors));
	tcase_add_test(tcase, a_nul_is_an_error);
	tcase_add_test(tcase, includes_stand_where_they_are_named);
	tcase_add_test(tcase, errors_in_includes_name_that_file);
	tcase_add_test(tcase, by_client_id);
	tcase_add_test(tcase, patterns);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
