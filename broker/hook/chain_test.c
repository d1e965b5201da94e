/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that would be wrong by accident are errors with their place. */
#include "hook/fixture.h"

static enum gh_verdict login(void *self, const struct gh_authenticate *in, struct gh_answer *out)
{
	(void)self, (void)in, (void)out;
	return GH_PASS;
}

static enum gh_verdict right(void *self, const struct gh_authorize *in, struct gh_answer *out)
{
	(void)self, (void)in, (void)out;
	return GH_PASS;
}

static enum gh_verdict door(void *self, const struct gh_client *in, struct gh_answer *out)
{
	(void)self, (void)in, (void)out;
	return GH_PASS;
}

static struct gh_plugin logins = { .name = "logins", .authenticate = login };
static struct gh_plugin rights = { .name = "rights", .authorize = right };
static struct gh_plugin doors = { .name = "doors", .accept = door };

static int build(struct fixture *fixture, enum gh_list_kind kind, bool open, size_t count,
		 const struct gh_entry_settings *entries, struct gh_error *error)
{
	struct gh_list_settings list = { entries, count, open, "g.yaml:3:5" };
	struct gh_chain *chain = NULL;
	int rc = gh_chain_build(kind, &list, &fixture->runtime, fixture->instances,
				fixture->runtime.instance_count, &chain, error);

	gh_chain_free(&chain);
	return rc;
}

START_TEST(refused)
{
	static const struct {
		enum gh_list_kind kind;
		struct gh_entry_settings entries[2];
		size_t count;
		const char *words[3];
	} rows[] = {
		{ GH_LIST_AUTHENTICATE, { { 0 } }, 0, { "g.yaml:3:5", "authenticate is empty", "" } },
		{ GH_LIST_AUTHORIZE, { { 0 } }, 0, { "g.yaml:3:5", "authorize is empty", "" } },
		{ GH_LIST_AUTHORIZE,
		  { { "right", false, "g.yaml:4:9" } },
		  1,
		  { "g.yaml:4:9", "no 'right'", "did you mean 'rights'" } },
		{ GH_LIST_AUTHORIZE,
		  { { "logins", false, "g.yaml:4:9" } },
		  1,
		  { "g.yaml:4:9", "'logins'", "no authorize hook" } },
		{ GH_LIST_AUTHENTICATE,
		  { { "rights", false, "g.yaml:4:9" } },
		  1,
		  { "g.yaml:4:9", "'rights'", "no accept, authenticate or exchange" } },
		{ GH_LIST_AUTHENTICATE,
		  { { "doors", true, "g.yaml:4:9" } },
		  1,
		  { "g.yaml:4:9", "can't be required", "" } },
		{ GH_LIST_AUTHENTICATE,
		  { { "doors", false, "g.yaml:4:9" } },
		  1,
		  { "g.yaml:3:5", "nobody could log in", "" } },
		{ GH_LIST_AUTHORIZE,
		  { { "rights", false, "g.yaml:4:9" }, { "rights", true, "g.yaml:5:9" } },
		  2,
		  { "g.yaml:5:9", "twice", "" } },
	};
	struct fixture fixture;

	fixture_init(&fixture);
	fixture_add(&fixture, "logins", &logins, NULL);
	fixture_add(&fixture, "rights", &rights, NULL);
	fixture_add(&fixture, "doors", &doors, NULL);
	for (unsigned i = 0; i < GH_COUNT(rows); i++) {
		struct gh_error error = { 0 };

		ck_assert_int_eq(build(&fixture, rows[i].kind, false, rows[i].count,
				       rows[i].entries, &error),
				 GH_EINVAL);
		for (unsigned w = 0; w < 3; w++)
			ck_assert_msg(strstr(error.text, rows[i].words[w]) != NULL, "%u: %s", i,
				      error.text);
	}
	fixture_done(&fixture);
}
END_TEST

START_TEST(accepted)
{
	static const struct gh_entry_settings both[] = { { "doors", false, "" },
							 { "logins", true, "" } };
	struct fixture fixture;
	struct gh_error error = { 0 };

	fixture_init(&fixture);
	fixture_add(&fixture, "logins", &logins, NULL);
	fixture_add(&fixture, "doors", &doors, NULL);
	ck_assert_int_eq(build(&fixture, GH_LIST_AUTHENTICATE, false, 2, both, &error), 0);
	ck_assert_int_eq(build(&fixture, GH_LIST_AUTHENTICATE, true, 0, NULL, &error), 0);
	ck_assert_int_eq(build(&fixture, GH_LIST_AUTHENTICATE, true, 1, both, &error), 0);
	fixture_done(&fixture);
}
END_TEST

GH_TEST_MAIN("hook/chain", refused, accepted)
