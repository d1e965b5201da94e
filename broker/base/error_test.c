/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/test.h"

#include <string.h>

START_TEST(formats_and_returns_the_code)
{
	struct gh_error error = { 0 };

	ck_assert_int_eq(gh_error_set(&error, GH_EIO, "cannot open '%s'", "x"), GH_EIO);
	ck_assert_str_eq(error.text, "cannot open 'x'");
	ck_assert_int_eq(gh_error_set(NULL, GH_EINVAL, "nobody listens"), GH_EINVAL);
}
END_TEST

START_TEST(prefixes)
{
	struct gh_error error = { 0 };

	gh_error_set(&error, GH_EIO, "no such file");
	gh_error_prefix(&error, "plugin '%s'", "acl");
	ck_assert_str_eq(error.text, "plugin 'acl': no such file");
	gh_error_prefix(NULL, "nobody listens");
}
END_TEST

START_TEST(cuts_what_is_too_long)
{
	struct gh_error error = { 0 };
	char text[2 * sizeof(error.text)];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	gh_error_set(&error, GH_EIO, "%s", text);
	ck_assert_uint_eq(strlen(error.text), sizeof(error.text) - 1);
	gh_error_prefix(&error, "%s", "where");
	ck_assert_uint_eq(strlen(error.text), sizeof(error.text) - 1);
	ck_assert_mem_eq(error.text, "where: xxx", 10);
	gh_error_prefix(&error, "%s", text);
	ck_assert_uint_eq(strlen(error.text), sizeof(error.text) - 1);
}
END_TEST

GH_TEST_MAIN("base/error", formats_and_returns_the_code, prefixes, cuts_what_is_too_long)
