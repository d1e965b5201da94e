/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/str.h"
#include "base/test.h"

#include <math.h>

static struct gh_buf buf;
static struct gh_json json;

static void check(const char *expected)
{
	gh_buf_u8(&buf, 0);
	ck_assert_str_eq((char *)buf.p, expected);
	gh_buf_done(&buf);
	ck_assert_uint_eq(json.depth, 0);
}

START_TEST(values)
{
	gh_json_init(&json, &buf);
	gh_json_object(&json, NULL);
	gh_json_str(&json, "text", gh_str("a\"b"));
	gh_json_str(&json, "none", gh_str(NULL));
	gh_json_number(&json, "least", INT64_MIN);
	gh_json_float(&json, "half", 0.5);
	gh_json_float(&json, "nan", NAN);
	gh_json_float(&json, "infinite", INFINITY);
	gh_json_bool(&json, "yes", true);
	gh_json_bool(&json, "n\no", false);
	gh_json_raw(&json, "raw", gh_str("[1,2]"));
	gh_json_end_object(&json);
	check("{\"text\":\"a\\\"b\",\"none\":null,\"least\":-9223372036854775808,\"half\":0.5,\"nan\":null,"
	      "\"infinite\":null,\"yes\":true,\"n\\no\":false,\"raw\":[1,2]}");
}
END_TEST

START_TEST(nesting)
{
	gh_json_init(&json, &buf);
	gh_json_array(&json, NULL);
	gh_json_object(&json, NULL);
	gh_json_end_object(&json);
	gh_json_object(&json, NULL);
	gh_json_array(&json, "a");
	gh_json_number(&json, NULL, 1);
	gh_json_number(&json, NULL, 2);
	gh_json_array(&json, NULL);
	gh_json_end_array(&json);
	gh_json_end_array(&json);
	gh_json_number(&json, "b", 3);
	gh_json_end_object(&json);
	gh_json_end_array(&json);
	check("[{},{\"a\":[1,2,[]],\"b\":3}]");
}
END_TEST

START_TEST(as_deep_as_promised)
{
	gh_json_init(&json, &buf);
	for (int i = 0; i < 31; i++)
		gh_json_array(&json, NULL);
	gh_json_number(&json, NULL, 1);
	gh_json_number(&json, NULL, 2);
	for (int i = 0; i < 31; i++)
		gh_json_end_array(&json);
	check("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1,2]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
}
END_TEST

GH_TEST_MAIN("base/json", values, nesting, as_deep_as_promised)
