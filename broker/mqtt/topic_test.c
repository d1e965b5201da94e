/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "base/test.h"
#include "mqtt/topic.h"

START_TEST(shares)
{
	static const struct {
		const char *text, *group, *filter; /* filter NULL: refused */
	} rows[] = {
		{ "a/b", "", "a/b" },
		{ "#", "", "#" },
		{ "$SYS/#", "", "$SYS/#" },
		{ "$share", "", "$share" },
		{ "$shared/g/x", "", "$shared/g/x" },
		{ "x/$share/g/x", "", "x/$share/g/x" },
		{ "$share/g/x", "g", "x" },
		{ "$share/g/#", "g", "#" },
		{ "$share/g//", "g", "/" },
		{ "$share/a b/+/x", "a b", "+/x" },
		{ "$share/g/$SYS/#", "g", "$SYS/#" },
		{ "$share/$g/x", "$g", "x" },
		{ "$share/g/$share/h/x", "g", "$share/h/x" },
		{ "", NULL, NULL },
		{ "a#", NULL, NULL },
		{ "$share/", NULL, NULL },
		{ "$share/g", NULL, NULL },
		{ "$share/g/", NULL, NULL },
		{ "$share//x", NULL, NULL },
		{ "$share/+/x", NULL, NULL },
		{ "$share/#", NULL, NULL },
		{ "$share/#/x", NULL, NULL },
		{ "$share/g+/x", NULL, NULL },
		{ "$share/g#/x", NULL, NULL },
		{ "$share/g/#/x", NULL, NULL },
		{ "$share/g/x+", NULL, NULL },
	};
	struct gh_share share;

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		bool good = gh_share_parse(gh_str(rows[i].text), &share);

		ck_assert_msg(good == (rows[i].filter != NULL), "'%s'", rows[i].text);
		if (!good)
			continue;
		ck_assert_msg(gh_str_is(share.group, rows[i].group), "'%s'", rows[i].text);
		ck_assert_msg(gh_str_is(share.filter, rows[i].filter), "'%s'", rows[i].text);
	}
}
END_TEST

START_TEST(levels)
{
	ck_assert_uint_eq(gh_topic_levels(gh_str("a")), 1);
	ck_assert_uint_eq(gh_topic_levels(gh_str("/")), 2);
	ck_assert_uint_eq(gh_topic_levels(gh_str("a/b/c")), 3);
	ck_assert_uint_eq(gh_topic_levels(gh_str("a//c/")), 4);
}
END_TEST

GH_TEST_MAIN("mqtt/topic", shares, levels)
