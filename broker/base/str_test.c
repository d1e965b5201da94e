/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "base/test.h"

START_TEST(views_compare_by_content)
{
	ck_assert(gh_str_equal(gh_str("abc"), gh_str_n("abcd", 3)));
	ck_assert(!gh_str_equal(gh_str("abc"), gh_str("abd")));
	ck_assert(!gh_str_equal(gh_str("abc"), gh_str("ab")));
	ck_assert(gh_str_equal(gh_str(NULL), gh_str("")));
	ck_assert(gh_str_is(gh_str_n("abcd", 2), "ab"));
	ck_assert(gh_str_starts(gh_str("$share/x"), gh_str("$share/")));
	ck_assert(!gh_str_starts(gh_str("$sh"), gh_str("$share/")));
	ck_assert(gh_str_starts(gh_str("x"), gh_str(NULL)));
}
END_TEST

START_TEST(copies_are_terminated)
{
	char *copy = gh_str_dup(gh_str_n("abcd", 2));

	ck_assert_str_eq(copy, "ab");
	free(copy);
}
END_TEST

START_TEST(numbers)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool good;
		uint64_t value;
	} rows[] = {
		{ "0", 0, true, 0 },
		{ "65535", 65535, true, 65535 },
		{ "65536", 65535, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999999", UINT64_MAX, false, 0 },
		{ "", 9, false, 0 },
		{ " 1", 9, false, 0 },
		{ "1 ", 9, false, 0 },
		{ "+1", 9, false, 0 },
		{ "-1", 9, false, 0 },
		{ "0x1", 9, false, 0 },
	};
	uint64_t value;

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		value = 4711;
		ck_assert_msg(gh_str_number(gh_str(rows[i].text), rows[i].max, &value) == rows[i].good,
			      "'%s'", rows[i].text);
		ck_assert_msg(value == (rows[i].good ? rows[i].value : 4711), "'%s'", rows[i].text);
	}
}
END_TEST

START_TEST(distances)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} rows[] = {
		{ "", "", 0 },
		{ "", "abc", 3 },
		{ "abc", "", 3 },
		{ "listener", "listeners", 1 },
		{ "listners", "listeners", 1 },
		{ "lisetners", "listeners", 1 },
		{ "Listeners", "listeners", 0 },
		{ "kitten", "sitting", 3 },
		{ "ab", "ba", 1 },
	};
	char longer[200];

	for (size_t i = 0; i < GH_COUNT(rows); i++)
		ck_assert_msg(gh_str_distance(rows[i].a, rows[i].b) == rows[i].distance,
			      "'%s' '%s'", rows[i].a, rows[i].b);
	memset(longer, 'x', 199);
	longer[199] = 0;
	ck_assert_uint_eq(gh_str_distance(longer, "x"), 199);
	ck_assert_uint_eq(gh_str_distance(longer, longer), 0);
}
END_TEST

START_TEST(nearest_word)
{
	static const char *const words[] = { "listeners", "plugins", "limits", "log", "packet-size" };
	static const struct {
		const char *word, *nearest;
	} rows[] = {
		{ "listner", "listeners" },
		{ "plugin", "plugins" },
		{ "lgo", "log" },
		{ "limit", "limits" },
		{ "max-packet-size", "packet-size" },
		{ "zzz", NULL },
		{ "", NULL },
	};
	const char *found;

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		found = gh_str_nearest(rows[i].word, words, GH_COUNT(words));
		ck_assert_msg(found == rows[i].nearest ||
				      (found && rows[i].nearest && !strcmp(found, rows[i].nearest)),
			      "'%s': '%s'", rows[i].word, found ? found : "NULL");
	}
}
END_TEST

GH_TEST_MAIN("base/str", views_compare_by_content, copies_are_terminated, numbers, distances,
	     nearest_word)
