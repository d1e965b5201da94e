/* SPDX-License-Identifier: Apache-2.0 */
/* Identities and snapshots come back from bytes as they were, part by part. */
#include "base/pack.h"
#include "base/str.h"
#include "base/test.h"
#include "hook/snapshot.h"

#include <stdio.h>

static struct gh_bytes bytes(const struct gh_buf *buf)
{
	return (struct gh_bytes){ buf->p, buf->n };
}

static void add(struct gh_merge *merge, const char *source, const char *principal, int64_t expires)
{
	struct gh_grant grant = { 0 };
	struct gh_error error = { 0 };

	if (principal)
		gh_grant_principal(&grant, gh_str(principal));
	gh_grant_group(&grant, gh_str(source));
	gh_grant_attribute(&grant, source, "");
	gh_grant_attribute(&grant, "b", "value");
	gh_grant_expires(&grant, expires);
	ck_assert_int_eq(gh_merge_add(merge, source, "realm", &grant, &error), 0);
}

static struct gh_shared_identity *again(const struct gh_shared_identity *identity)
{
	struct gh_error error = { 0 };
	struct gh_buf buf = { 0 };
	struct gh_shared_identity *back;
	struct gh_unpack in;

	gh_identity_pack(&buf, identity);
	in = gh_unpack(bytes(&buf), &error);
	back = gh_identity_unpack(&in);
	ck_assert_msg(gh_unpack_end(&in) == 0, "%s", error.text);
	gh_buf_done(&buf);
	return back;
}

static void same_share(const struct gh_identity_share *a, const struct gh_identity_share *b)
{
	ck_assert_str_eq(a->source, b->source);
	ck_assert_str_eq(a->realm, b->realm);
	ck_assert_pstr_eq(a->principal, b->principal);
	ck_assert_pstr_eq(a->limits_class, b->limits_class);
	ck_assert_int_eq(a->expires, b->expires);
	ck_assert_uint_eq(a->group_count, b->group_count);
	ck_assert_uint_eq(a->attribute_count, b->attribute_count);
	for (size_t i = 0; i < a->group_count; i++)
		ck_assert_str_eq(a->groups[i], b->groups[i]);
	for (size_t i = 0; i < a->attribute_count; i++) {
		ck_assert_str_eq(a->attributes[i].name, b->attributes[i].name);
		ck_assert_str_eq(a->attributes[i].value, b->attributes[i].value);
	}
}

START_TEST(parts_come_back)
{
	struct gh_shared_identity *identity, *back;
	struct gh_identity_share a, b;
	struct gh_merge merge = { 0 };
	struct gh_error error = { 0 };

	add(&merge, "x509", "joe", 0);
	add(&merge, "ldap", NULL, 500);
	add(&merge, "otp", "joe", 400);
	identity = gh_merge_identity(&merge);
	back = again(identity);
	for (size_t i = 0; i < 3; i++) {
		ck_assert(gh_identity_share(identity, i, &a) && gh_identity_share(back, i, &b));
		same_share(&a, &b);
	}
	ck_assert(!gh_identity_share(back, 3, &b));
	ck_assert(gh_identity_same(gh_identity_view(identity), gh_identity_view(back)));
	ck_assert_int_eq(gh_identity_view(back)->expires, 400);
	gh_merge_done(&merge);
	/* one module's share can be replaced in it as in any other */
	ck_assert_int_eq(gh_merge_keep(&merge, back, "x509", &error), 0);
	ck_assert_int_eq(gh_merge_keep(&merge, back, "otp", &error), 0);
	ck_assert_uint_eq(gh_identity_view(gh_merge_identity(&merge))->group_count, 2);
	gh_merge_done(&merge);
	gh_identity_unref(&back);
}
END_TEST

START_TEST(the_largest)
{
	struct gh_shared_identity *identity, *back;
	struct gh_grant grant = { 0 };
	struct gh_merge merge = { 0 };
	struct gh_error error = { 0 };
	char name[GH_PRINCIPAL_MAX + 1] = "";

	memset(name, 'p', GH_PRINCIPAL_MAX);
	gh_grant_principal(&grant, gh_str(name));
	for (unsigned i = 0; i < GH_GROUPS_MAX; i++) {
		snprintf(name, sizeof(name), "g%u", i);
		gh_grant_group(&grant, gh_str(name));
	}
	for (unsigned i = 0; i < GH_ATTRIBUTES_MAX; i++) {
		snprintf(name, sizeof(name), "a%u", i);
		gh_grant_attribute(&grant, name, name);
	}
	ck_assert_ptr_null(grant.bad);
	ck_assert_int_eq(gh_merge_add(&merge, "all", "", &grant, &error), 0);
	identity = gh_merge_identity(&merge);
	back = again(identity);
	ck_assert_uint_eq(gh_identity_view(back)->group_count, GH_GROUPS_MAX);
	ck_assert_str_eq(gh_identity_view(back)->groups[GH_GROUPS_MAX - 1], "g255");
	ck_assert_uint_eq(gh_identity_view(back)->attribute_count, GH_ATTRIBUTES_MAX);
	ck_assert_str_eq(gh_identity_view(back)->attributes[31].value, "a31");
	ck_assert(gh_identity_same(gh_identity_view(identity), gh_identity_view(back)));
	gh_identity_unref(&back);
	gh_merge_done(&merge);
}
END_TEST

START_TEST(nobody_and_anonymous)
{
	struct gh_shared_identity *identity = again(gh_identity_anonymous());

	ck_assert(gh_identity_is_anonymous(identity));
	ck_assert_ptr_null(again(NULL));
}
END_TEST

/* What parts begin with: 2, their number. A part: source, realm, principal, expires, groups, attributes, limits class. */
static const struct {
	const char *value;
	size_t n;
	const char *why;
} refused_rows[] = {
	{ "\x03", 1, "'identity' is 3" },
	{ "\x02\x00", 2, "'parts' is 0" },
	{ "\x02\x21", 2, "'parts' is 33" },
	{ "\x02\x01\x02x\xff", 5, "'source' isn't UTF-8" },
	{ "\x02\x01\x01x\x01\x00", 6, "'identity realm' isn't UTF-8" },
	{ "\x02\x01\x01x\x01r\x01\x00\x00\x00\x00", 11, "the principal is empty" },
	{ "\x02\x01\x01x\x01r\x00\x00\x00\x00\x00", 11, "without naming a principal" },
	{ "\x02\x01\x01x\x01r\x02\xff\x00\x00\x00", 11, "'principal' isn't UTF-8" },
	{ "\x02\x01\x01x\x01r\x03jo\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00\x00\x00", 21,
	  "year 9999" },
	{ "\x02\x01\x01x\x01r\x03jo\x00\x81\x02", 12, "'groups' is 257" },
	{ "\x02\x01\x01x\x01r\x03jo\x00\x01\x00\x00\x00", 14, "a group is empty" },
	{ "\x02\x01\x01x\x01r\x03jo\x00\x01\x01\x00", 13, "'group' isn't UTF-8" },
	{ "\x02\x01\x01x\x01r\x03jo\x00\x00\x21", 12, "'attributes' is 33" },
	{ "\x02\x01\x01x\x01r\x03jo\x00\x00\x01\x00\x01v\x00", 16, "an attribute has no name" },
	{ "\x02\x01\x01x\x01r\x03jo\x00\x00\x01\x01n\x01\x00", 16, "'attribute value' isn't" },
	{ "\x02\x02\x01x\x01r\x03jo\x00\x00\x00\x00\x01y\x01r\x03ji\x00\x00\x00\x00", 24,
	  "'x' has named" },
	{ "\x02\x01\x01x\x01r\x03jo\x00\x00\x00\x01", 13, "the limits class has no name" },
	{ "\x02\x01\x01x\x01r\x03jo\x00\x00\x00\x02\xff", 14, "'limits class' isn't UTF-8" },
};

START_TEST(refused)
{
	for (size_t i = 0; i < GH_COUNT(refused_rows); i++) {
		struct gh_bytes value = { refused_rows[i].value, refused_rows[i].n };
		struct gh_error error = { 0 };
		struct gh_unpack in = gh_unpack(value, &error);

		ck_assert_ptr_null(gh_identity_unpack(&in));
		ck_assert_int_eq(in.rc, GH_EINVAL);
		ck_assert_msg(strstr(error.text, refused_rows[i].why), "row %zu: %s", i, error.text);
	}
}
END_TEST

START_TEST(snapshots_come_back)
{
	struct gh_client facts = { .protocol = 5,
				   .connection = 77,
				   .client_id = "c\xc3\xa9",
				   .listener = "tls",
				   .address = "192.0.2.7",
				   .ip = { [10] = 255, [11] = 255, 192, 0, 2, 7 },
				   .port = 65535,
				   .transport = GH_UNIX,
				   .local = true,
				   .tls = &(struct gh_tls){ 0 },
				   .connected_at = 1700000000,
				   .client_id_bound = true };
	struct gh_snapshot *snapshot = gh_snapshot_new(&facts, gh_identity_anonymous()), *back;
	struct gh_error error = { 0 };
	struct gh_buf buf = { 0 };
	const struct gh_client *client;
	struct gh_unpack in;

	gh_snapshot_pack(&buf, snapshot);
	gh_snapshot_pack(&buf, NULL);
	in = gh_unpack(bytes(&buf), &error);
	back = gh_snapshot_unpack(&in);
	ck_assert_msg(back && in.rc == 0, "%s", error.text);
	ck_assert_ptr_null(gh_snapshot_unpack(&in));
	ck_assert_int_eq(gh_unpack_end(&in), 0);
	client = gh_snapshot_client(back);
	ck_assert(client->protocol == 5 && client->connection == 0 && !client->tls);
	ck_assert_str_eq(client->client_id, facts.client_id);
	ck_assert_str_eq(client->listener, facts.listener);
	ck_assert_str_eq(client->address, facts.address);
	ck_assert_mem_eq(client->ip, facts.ip, sizeof(facts.ip));
	ck_assert(client->port == 65535 && client->transport == GH_UNIX && client->local);
	ck_assert(client->connected_at == 1700000000 && client->client_id_bound);
	ck_assert(gh_identity_is_anonymous(gh_snapshot_identity(back)));
	gh_snapshot_unref(&back);
	gh_snapshot_unref(&snapshot);
	gh_buf_done(&buf);
}
END_TEST

GH_TEST_MAIN("hook/pack", parts_come_back, the_largest, nobody_and_anonymous, refused,
	     snapshots_come_back)
