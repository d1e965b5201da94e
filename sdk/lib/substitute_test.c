/* SPDX-License-Identifier: Apache-2.0 */
/* Substitution: what it makes of a client's values, and what it never makes of them. */
#include <check.h>
#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define NOTHING      NULL

static const struct gh_pair attributes[] = {
	{ "site", "oslo" }, { "empty", "" }, { "tree", "a/b" }, { "sys", "$SYS" }
};
static const struct gh_template_values values = {
	.client_id = "meter-7",
	.username = "alice",
	.group = "staff",
	.attributes = attributes,
	.attribute_count = COUNT(attributes),
};

static struct gh_template *parsed(const char *text)
{
	struct gh_template *tmpl = NULL;
	const char *problem;
	size_t at;

	ck_assert_int_eq(
		gh_template_parse((struct gh_str){ text, strlen(text) }, &tmpl, &at, &problem), 0);
	return tmpl;
}

/* What a template makes of values; NULL: nothing. */
static char *expanded(const char *text, const struct gh_template_values *of)
{
	struct gh_template *tmpl = parsed(text);
	char out[64];
	size_t n;
	bool some = gh_template_expand(tmpl, of, out, sizeof(out), &n);

	gh_template_free(&tmpl);
	ck_assert_ptr_null(tmpl);
	return some ? strndup(out, n) : NULL;
}

static const struct {
	const char *text, *expansion;
	unsigned uses;
} good[] = {
	{ "", "", 0 },
	{ "a/+/#", "a/+/#", 0 },
	{ "devices/{clientid}/#", "devices/meter-7/#", GH_USES_CLIENT_ID },
	{ "{username}", "alice", GH_USES_USERNAME },
	{ "{group}/{username}/{clientid}", "staff/alice/meter-7",
	  GH_USES_GROUP | GH_USES_USERNAME | GH_USES_CLIENT_ID },
	{ "x{attr:site}y", "xosloy", GH_USES_ATTRIBUTE },
	{ "a/{attr:sys}", "a/$SYS", GH_USES_ATTRIBUTE },
	{ "{attr:none}", NOTHING, GH_USES_ATTRIBUTE },
	{ "{attr:empty}/x", NOTHING, GH_USES_ATTRIBUTE },
	{ "{attr:tree}", NOTHING, GH_USES_ATTRIBUTE },
	{ "{attr:sys}/x", NOTHING, GH_USES_ATTRIBUTE },
	{ "{{clientid}", "{clientid}", 0 },
	{ "a{{b}}c", "a{b}}c", 0 },
	{ "}", "}", 0 },
	{ "{{{clientid}}", "{meter-7}", GH_USES_CLIENT_ID },
};

START_TEST(expands)
{
	char *expansion = expanded(good[_i].text, &values);
	struct gh_template *tmpl = parsed(good[_i].text);

	ck_assert_pstr_eq(expansion, good[_i].expansion);
	ck_assert_uint_eq(gh_template_uses(tmpl), good[_i].uses);
	gh_template_free(&tmpl);
	free(expansion);
}
END_TEST

static const struct {
	const char *text;
	size_t at;
} bad[] = {
	{ "a/{clientId}", 2 },    { "{", 0 },         { "{}", 0 },
	{ "{attr:}", 0 },         { "{clientid", 0 }, { "ab{ clientid}", 2 },
	{ "{group}{groups}", 7 }, { "{{{", 2 },
};

START_TEST(tells_what_is_wrong)
{
	struct gh_template *tmpl = NULL;
	const char *problem = NULL;
	size_t at = 99;

	ck_assert_int_eq(gh_template_parse((struct gh_str){ bad[_i].text, strlen(bad[_i].text) },
					   &tmpl, &at, &problem),
			 GH_EINVAL);
	ck_assert_ptr_null(tmpl);
	ck_assert_uint_eq(at, bad[_i].at);
	ck_assert_ptr_nonnull(strstr(problem, "expected"));
}
END_TEST

static const char *const hostile[] = { "+", "#", "a/b", "/", "a+", "#b", "", NULL };

START_TEST(never_becomes_structure)
{
	struct gh_template_values v = values;

	v.client_id = hostile[_i];
	ck_assert_ptr_null(expanded("devices/{clientid}/x", &v));
	v = values;
	v.username = hostile[_i];
	ck_assert_ptr_null(expanded("devices/{username}", &v));
	v = values;
	v.group = hostile[_i];
	ck_assert_ptr_null(expanded("{group}", &v));
}
END_TEST

START_TEST(never_becomes_a_topic_of_the_broker)
{
	struct gh_template_values v = values;
	char *inside;

	v.username = "$SYS";
	ck_assert_ptr_null(expanded("{username}/#", &v));
	inside = expanded("u/{username}", &v);
	ck_assert_str_eq(inside, "u/$SYS");
	free(inside);
}
END_TEST

START_TEST(never_writes_past_the_end)
{
	struct gh_template *tmpl = parsed("u/{username}");
	char out[8] = "-------";
	size_t n = 0;

	ck_assert(!gh_template_expand(tmpl, &values, out, 6, &n));
	ck_assert_int_eq(out[6], '-');
	ck_assert(gh_template_expand(tmpl, &values, out, 7, &n));
	ck_assert_uint_eq(n, 7);
	gh_template_free(&tmpl);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sdk/substitute");
	TCase *tcase = tcase_create("sdk/substitute");
	SRunner *runner = srunner_create(suite);
	int failures;

	tcase_add_loop_test(tcase, expands, 0, COUNT(good));
	tcase_add_loop_test(tcase, tells_what_is_wrong, 0, COUNT(bad));
	tcase_add_loop_test(tcase, never_becomes_structure, 0, COUNT(hostile));
	tcase_add_test(tcase, never_becomes_a_topic_of_the_broker);
	tcase_add_test(tcase, never_writes_past_the_end);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
