/* SPDX-License-Identifier: Apache-2.0 */
/* Merging what modules give, within the bounds of what is kept; snapshots. */
#include "hook/snapshot.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/test.h"

#include <stdio.h>

static int add(struct gh_merge *merge, const char *source, const char *principal, const char *group,
	       int64_t expires, struct gh_error *error)
{
	struct gh_grant grant = { 0 };
	int rc;

	if (principal)
		gh_grant_principal(&grant, gh_str(principal));
	if (group)
		gh_grant_group(&grant, gh_str(group));
	gh_grant_attribute(&grant, source, "value");
	gh_grant_expires(&grant, expires);
	rc = gh_merge_add(merge, source, "realm", &grant, error);
	gh_grant_done(&grant);
	return rc;
}

START_TEST(adds_up)
{
	struct gh_merge merge = { 0 };
	struct gh_error error = { 0 };
	const struct gh_identity *view;
	struct gh_shared_identity *first, *kept;

	ck_assert_ptr_null(gh_merge_identity(&merge));
	ck_assert_int_eq(add(&merge, "x509", "joe", "a", 0, &error), 0);
	first = gh_identity_ref(gh_merge_identity(&merge));
	ck_assert_int_eq(add(&merge, "ldap", NULL, "b", 500, &error), 0);
	ck_assert_int_eq(add(&merge, "otp", "joe", NULL, 400, &error), 0);
	view = gh_identity_view(gh_merge_identity(&merge));
	ck_assert_str_eq(view->principal, "joe");
	ck_assert_str_eq(view->source, "x509");
	ck_assert_uint_eq(view->group_count, 2);
	ck_assert_str_eq(view->groups[1], "b");
	ck_assert_uint_eq(view->attribute_count, 3);
	ck_assert_str_eq(view->attributes[2].name, "otp");
	ck_assert_int_eq(view->expires, 400);
	ck_assert_uint_eq(gh_identity_view(first)->group_count, 1); /* immutable */
	kept = gh_identity_ref(gh_merge_identity(&merge));
	gh_merge_done(&merge);
	/* one part taken from an older identity */
	ck_assert_int_eq(gh_merge_keep(&merge, kept, "nobody", &error), GH_ENOENT);
	ck_assert_int_eq(gh_merge_keep(&merge, kept, "x509", &error), 0);
	ck_assert_int_eq(gh_merge_keep(&merge, kept, "otp", &error), 0);
	view = gh_identity_view(gh_merge_identity(&merge));
	ck_assert_uint_eq(view->group_count, 1);
	ck_assert_str_eq(view->attributes[1].name, "otp");
	ck_assert(gh_identity_same(view, gh_identity_view(kept)));
	gh_merge_done(&merge);
	gh_identity_unref(&first);
	gh_identity_unref(&kept);
}
END_TEST

START_TEST(refused)
{
	struct gh_merge merge = { 0 };
	struct gh_error error = { 0 };
	static const char *const principals[] = { "", "a\xff", "\xed\xa0\x80", NULL };
	char longest[258];

	for (unsigned i = 0; i < GH_COUNT(principals); i++)
		ck_assert_int_eq(add(&merge, "a", principals[i], NULL, 0, &error), GH_EINVAL);
	ck_assert_int_eq(add(&merge, "a", "joe", NULL, 253402300800, &error), GH_EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "year 9999"));
	memset(longest, 'x', sizeof(longest));
	longest[257] = 0;
	ck_assert_int_eq(add(&merge, "a", longest, NULL, 0, &error), GH_EINVAL);
	longest[256] = 0;
	ck_assert_int_eq(add(&merge, "a", longest, NULL, 0, &error), 0);
	ck_assert_int_eq(add(&merge, "b", "other", NULL, 0, &error), GH_EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "'other'"));
	ck_assert_int_eq(add(&merge, "b", NULL, "", 0, &error), GH_EINVAL);
	ck_assert_uint_eq(merge.count, 1);
	gh_merge_done(&merge);
}
END_TEST

START_TEST(bounds)
{
	struct gh_merge merge = { 0 };
	struct gh_error error = { 0 };
	struct gh_grant grant = { 0 };
	char value[8200], name[8];

	gh_grant_principal(&grant, gh_str("joe"));
	for (unsigned i = 0; i < GH_ATTRIBUTES_MAX; i++) {
		snprintf(name, sizeof(name), "a%u", i);
		gh_grant_attribute(&grant, name, "v");
	}
	ck_assert_ptr_null(grant.bad);
	gh_grant_attribute(&grant, "one-more", "v");
	ck_assert_ptr_nonnull(grant.bad);
	gh_grant_done(&grant);
	/* one attribute of nearly 8 KiB; two modules together are counted too */
	memset(value, 'v', sizeof(value));
	value[8190] = 0;
	gh_grant_principal(&grant, gh_str("joe"));
	gh_grant_attribute(&grant, "a", value);
	ck_assert_ptr_null(grant.bad);
	ck_assert_int_eq(gh_merge_add(&merge, "a", "r", &grant, &error), 0);
	ck_assert_int_eq(add(&merge, "b", NULL, NULL, 0, &error), GH_EINVAL);
	gh_merge_done(&merge);
	value[8190] = 'v';
	value[8192] = 0;
	gh_grant_attribute(&grant, "a", value);
	ck_assert_ptr_nonnull(grant.bad);
	gh_grant_done(&grant);
}
END_TEST

START_TEST(snapshots)
{
	char id[] = "c1", address[] = "192.0.2.7";
	struct gh_client facts = {
		.connection = 9, .client_id = id, .listener = "mqtt", .address = address
	};
	struct gh_merge merge = { 0 };
	struct gh_error error = { 0 };
	struct gh_snapshot *first, *second, *offline;
	const struct gh_client *client;

	ck_assert_int_eq(add(&merge, "a", "joe", "g", 0, &error), 0);
	first = gh_snapshot_new(&facts, NULL);
	memset(id, 'x', 2);
	memset(address, 'x', 9);
	client = gh_snapshot_client(first);
	ck_assert_str_eq(client->client_id, "c1");
	ck_assert_str_eq(client->address, "192.0.2.7");
	ck_assert_ptr_null(client->identity);
	ck_assert_ptr_eq(gh_snapshot_of(client), first);
	second = gh_snapshot_with_identity(first, gh_merge_identity(&merge), "c2");
	gh_merge_done(&merge);
	gh_snapshot_unref(&first);
	offline = gh_snapshot_offline(second);
	gh_snapshot_unref(&second);
	client = gh_snapshot_client(offline);
	ck_assert_uint_eq(client->connection, 0);
	ck_assert_str_eq(client->client_id, "c2");
	ck_assert_str_eq(client->identity->groups[0], "g");
	gh_snapshot_unref(&offline);
}
END_TEST

/* A class that somebody was put into shows in the snapshot alone, and stays with the client. */
START_TEST(classes)
{
	struct gh_client facts = { .connection = 9, .client_id = "c1", .listener = "mqtt" };
	struct gh_grant grant = { 0 };
	struct gh_merge merge = { 0 };
	struct gh_error error = { 0 };
	struct gh_snapshot *own, *put, *other;

	gh_grant_principal(&grant, gh_str("joe"));
	gh_grant_class(&grant, gh_str("first"));
	gh_grant_class(&grant, gh_str("second"));
	ck_assert_int_eq(gh_merge_add(&merge, "a", "r", &grant, &error), 0);
	own = gh_snapshot_new(&facts, gh_merge_identity(&merge));
	put = gh_snapshot_with_class(own, "slow");
	ck_assert_str_eq(gh_snapshot_client(own)->identity->limits_class, "first");
	ck_assert_str_eq(gh_snapshot_client(put)->identity->limits_class, "slow");
	ck_assert_str_eq(gh_snapshot_client(put)->identity->principal, "joe");
	ck_assert_ptr_eq(gh_snapshot_identity(put), gh_snapshot_identity(own));
	gh_snapshot_unref(&own);
	/* another identity, offline, anonymous; then its own again */
	other = gh_snapshot_with_identity(put, gh_identity_anonymous(), NULL);
	ck_assert_str_eq(gh_snapshot_client(other)->identity->limits_class, "slow");
	ck_assert_ptr_null(gh_identity_view(gh_identity_anonymous())->limits_class);
	gh_snapshot_unref(&other);
	other = gh_snapshot_offline(put);
	gh_snapshot_unref(&put);
	ck_assert_str_eq(gh_snapshot_client(other)->identity->limits_class, "slow");
	own = gh_snapshot_with_class(other, NULL);
	gh_snapshot_unref(&other);
	ck_assert_str_eq(gh_snapshot_client(own)->identity->limits_class, "first");
	gh_snapshot_unref(&own);
	gh_merge_done(&merge);
}
END_TEST

GH_TEST_MAIN("hook/identity", adds_up, refused, bounds, snapshots, classes)
