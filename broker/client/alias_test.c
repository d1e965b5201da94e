/* SPDX-License-Identifier: Apache-2.0 */
/* Topic aliases: what a client sets, and what is set for it. */
#include "base/siphash.h"
#include "base/str.h"
#include "base/test.h"
#include "client/alias.h"

static const struct gh_hash_key key = { 1, 2 };

static uint16_t use(struct gh_alias_out *out, const char *topic, bool known)
{
	bool known_now;
	uint16_t alias = gh_alias_out_use(out, &key, gh_str(topic), &known_now);

	ck_assert_int_eq(known_now, known);
	return alias;
}

START_TEST(in_remembers_and_replaces)
{
	struct gh_alias_in in = { 0 };
	struct gh_str topic;

	ck_assert(!gh_alias_in_get(&in, 1, &topic));
	gh_alias_in_set(&in, 7, gh_str("a/b"));
	ck_assert(!gh_alias_in_get(&in, 0, &topic));
	ck_assert(!gh_alias_in_get(&in, 6, &topic));
	ck_assert(!gh_alias_in_get(&in, 8, &topic));
	ck_assert(gh_alias_in_get(&in, 7, &topic));
	ck_assert(gh_str_is(topic, "a/b"));
	gh_alias_in_set(&in, 7, gh_str("c"));
	ck_assert(gh_alias_in_get(&in, 7, &topic));
	ck_assert(gh_str_is(topic, "c"));
	gh_alias_in_done(&in);
}
END_TEST

START_TEST(out_uses_the_least_recent)
{
	struct gh_alias_out *out = gh_alias_out_new(2);

	ck_assert_uint_eq(use(out, "topic/1", false), 1);
	ck_assert_uint_eq(use(out, "topic/2", false), 2);
	ck_assert_uint_eq(use(out, "topic/1", true), 1);
	ck_assert_uint_eq(use(out, "topic/3", false), 2); /* in the place of topic/2 */
	ck_assert_uint_eq(use(out, "topic/1", true), 1);
	ck_assert_uint_eq(use(out, "topic/2", false), 2);
	gh_alias_out_free(&out);
	ck_assert_ptr_null(out);
}
END_TEST

START_TEST(out_leaves_out)
{
	struct gh_alias_out *out = gh_alias_out_new(65535);

	ck_assert_uint_eq(use(out, "short", false), 0);
	gh_alias_out_free(&out);
	ck_assert_ptr_null(gh_alias_out_new(0));
	ck_assert_uint_eq(use(NULL, "long enough", false), 0);
}
END_TEST

GH_TEST_MAIN("client/alias", in_remembers_and_replaces, out_uses_the_least_recent, out_leaves_out)
