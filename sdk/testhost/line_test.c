/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of scripts: words, quotes, and what is expected. */
#include "line.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct gh_line parsed(const char *text)
{
	struct gh_line line;
	const char *problem;
	size_t column;

	ck_assert_int_eq(gh_line_parse(text, &line, &problem, &column), 0);
	return line;
}

static const struct {
	const char *text, *words[4]; /* to NULL */
} good[] = {
	{ "", { NULL } },
	{ "   # a comment", { NULL } },
	{ "a b\tc\r", { "a", "b", "c", NULL } },
	{ "a #b", { "a", "#b", NULL } },
	{ "a \"b c\"", { "a", "b c", NULL } },
	{ "a b\"c d\"e", { "a", "bc de", NULL } },
	{ "a \"\"", { "a", "", NULL } },
	{ "\"\\\\\\\"\\n\\r\\t\\x41\"", { "\\\"\n\r\tA", NULL } },
	{ "a as \"b\"", { "a", NULL } },
	{ "a \"->\" b", { "a", "->", "b", NULL } },
};

START_TEST(words)
{
	struct gh_line line = parsed(good[_i].text);
	size_t count = 0;

	for (; good[_i].words[count]; count++) {
		ck_assert_uint_gt(line.count, count);
		ck_assert_str_eq(line.words[count].p, good[_i].words[count]);
	}
	ck_assert_uint_eq(line.count, count);
	ck_assert(!line.expects);
	gh_line_done(&line);
}
END_TEST

static const struct {
	const char *text, *problem;
	size_t column;
} bad[] = {
	{ "a \"b", "nothing ends", 3 },
	{ "a b\"\\y\"", "expected \\\\", 3 },
	{ "\"\\x4\"", "\\xHH", 1 },
	{ "\"a\\", "expected", 1 },
	{ "-> allow", "expected a command", 1 },
	{ "a ->", "expected a command", 1 },
};

START_TEST(what_is_refused)
{
	struct gh_line line = { 0 };
	const char *problem = NULL;
	size_t column = 0;

	ck_assert_int_eq(gh_line_parse(bad[_i].text, &line, &problem, &column), GH_EINVAL);
	ck_assert_ptr_nonnull(strstr(problem, bad[_i].problem));
	ck_assert_uint_eq(column, bad[_i].column);
	ck_assert_ptr_null(line.words);
}
END_TEST

START_TEST(keys)
{
	struct gh_line line = parsed(
		"ask joe k=1 group=a group=b attribute.x=y \"q=r\" p\"=\"s z=\"\\x00\" as t -> allow");
	struct gh_bytes value;
	struct gh_str rest;
	size_t at = 0;

	ck_assert_str_eq(line.as, "t");
	ck_assert_str_eq(gh_line_word(&line, 1)->p, "joe");
	ck_assert_str_eq(gh_line_word(&line, 2)->p, "q=r");
	ck_assert_str_eq(gh_line_word(&line, 3)->p, "p=s");
	ck_assert_ptr_null(gh_line_word(&line, 4));
	ck_assert(gh_is(gh_line_value(&line, "k"), "1"));
	ck_assert_ptr_null(gh_line_value(&line, "none").p);
	ck_assert_uint_eq(gh_line_value(&line, "z").n, 1);
	ck_assert(gh_line_next(&line, "group", &at, &value) && gh_is(value, "a"));
	ck_assert(gh_line_next(&line, "group", &at, &value) && gh_is(value, "b"));
	ck_assert(!gh_line_next(&line, "group", &at, &value));
	ck_assert_str_eq(gh_line_unused(&line)->p, "ask");
	gh_line_word(&line, 0);
	ck_assert_str_eq(gh_line_unused(&line)->p, "attribute.x=y");
	at = 0;
	ck_assert(gh_line_next_with(&line, "attribute.", &at, &rest, &value));
	ck_assert(rest.n == 1 && *rest.p == 'x' && gh_is(value, "y"));
	ck_assert_ptr_null(gh_line_unused(&line));
	gh_line_done(&line);
}
END_TEST

static const struct {
	const char *expected;
	bool fits;
} expectations[] = {
	{ "allow", true },
	{ "deny", false },
	{ "al*w", true },
	{ "*", true },
	{ "allow a=1", true },
	{ "allow a=2", false },
	{ "b=2 b=1", true },
	{ "b=3", false },
	{ "allow !c", true },
	{ "allow !b", false },
	{ "c=*", false },
	{ "d=*", true },
	{ "d=\"one * three\"", true },
	{ "d=one*", true },
	{ "d=*two*e", true },
	{ "d=*tow*", false },
	{ "e=\"x\\x00*\"", true },
	{ "e=x", false },
	{ "d=o*t*t*e", true },
	{ "\"!c\"", false },
};

START_TEST(what_fits)
{
	struct gh_facts facts = { 0 };
	char *text = gh_format("ask -> %s", expectations[_i].expected);
	struct gh_line line = parsed(text);

	gh_facts_word(&facts, "allow");
	gh_facts_text(&facts, "a", "1");
	gh_facts_text(&facts, "b", "1");
	gh_facts_text(&facts, "b", "2");
	gh_facts_text(&facts, "d", "one two three");
	gh_facts_bytes(&facts, "e", "x\0y", 3);
	ck_assert_str_eq(line.expected_text, expectations[_i].expected);
	ck_assert_int_eq(gh_line_fits(&line, &facts), expectations[_i].fits);
	gh_facts_done(&facts);
	gh_line_done(&line);
	free(text);
}
END_TEST

/* What is printed is what a script would say. */
START_TEST(printed_as_it_is_read)
{
	struct gh_facts facts = { 0 };
	struct gh_text text = { 0 };
	struct gh_line line;
	char *whole;

	gh_facts_word(&facts, "allow");
	gh_facts_bytes(&facts, "a", "x \"\\\n\0=\x7f", 8);
	gh_facts_text(&facts, "b", "");
	gh_facts_text(&facts, "c", "->");
	gh_facts_line(&facts, &text);
	whole = gh_format("ask -> %s", text.p);
	line = parsed(whole);
	ck_assert(gh_line_fits(&line, &facts));
	ck_assert_uint_eq(line.expected_count, 4);
	gh_line_done(&line);
	free(whole);
	gh_text_done(&text);
	gh_facts_done(&facts);
}
END_TEST

static const struct {
	const char *text;
	bool valid;
} texts[] = {
	{ "", true },
	{ "a\xc3\xb6\xe2\x82\xac\xf0\x9f\x98\x80", true },
	{ "\xc3", false },
	{ "\xc0\x80", false },
	{ "\xed\xa0\x80", false },
	{ "\xf4\x90\x80\x80", false },
	{ "\xff", false },
	{ "\xe2\x82", false },
};

START_TEST(utf8)
{
	ck_assert_int_eq(gh_utf8(texts[_i].text, strlen(texts[_i].text)), texts[_i].valid);
	ck_assert(!gh_utf8("a\0b", 3));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("testhost/line");
	TCase *tcase = tcase_create("testhost/line");
	SRunner *runner = srunner_create(suite);
	int failures;

	tcase_add_loop_test(tcase, words, 0, COUNT(good));
	tcase_add_loop_test(tcase, what_is_refused, 0, COUNT(bad));
	tcase_add_test(tcase, keys);
	tcase_add_loop_test(tcase, what_fits, 0, COUNT(expectations));
	tcase_add_test(tcase, printed_as_it_is_read);
	tcase_add_loop_test(tcase, utf8, 0, COUNT(texts));
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
