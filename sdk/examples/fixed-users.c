/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixed-users: a list of users in the configuration, each with a file that holds its password.
 * Shows: a table of options, principal, groups, why; a module that keeps nothing of its own.
 *
 *   plugins:
 *     users:
 *       module: fixed-users
 *       users:
 *         ann: { password: ann.secret, groups: [staff] }
 *         pump7: { password: pump7.secret }
 */
#include <gatehouse/lib.h>
#include <gatehouse/plugin.h>
#include <string.h>

struct user {
	const char *name;
	struct gh_bytes password;
	struct gh_list groups; /* of const char * */
};

struct config {
	struct gh_list users; /* of struct user */
};

static const struct user *find(const struct config *config, const char *name)
{
	const struct user *users = config->users.items;

	for (size_t i = 0; i < config->users.count; i++)
		if (strcmp(users[i].name, name) == 0)
			return &users[i];
	return NULL;
}

static enum gh_verdict grant(const struct user *user, struct gh_answer *out)
{
	const char *const *groups = user->groups.items;

	gh_answer_principal(out, user->name);
	for (size_t i = 0; i < user->groups.count; i++)
		gh_answer_group(out, groups[i]);
	return GH_ALLOW;
}

/* The instance is the configuration: it is const, and lives until destroy has returned. */
static enum gh_verdict authenticate(void *instance, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	const struct user *user = in->username ? find(instance, in->username) : NULL;

	if (!user) {
		gh_answer_cause(out, GH_CAUSE_UNKNOWN_USER); /* told if nobody knows it */
		return GH_PASS;
	}
	if (in->password.n != user->password.n ||
	    !gh_equal(in->password.p, user->password.p, user->password.n)) {
		gh_answer_cause(out, GH_CAUSE_BAD_SECRET);
		gh_answer_why(out, in->password.p ? "wrong password" : "no password");
		return GH_DENY;
	}
	return grant(user, out);
}

/* After a reload, for those who are connected: who is no longer in the list has to go. */
static enum gh_verdict lookup(void *instance, const struct gh_lookup *in, struct gh_answer *out)
{
	const struct user *user = find(instance, in->principal);

	if (user)
		return grant(user, out);
	gh_answer_cause(out, GH_CAUSE_UNKNOWN_USER);
	return GH_DENY;
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	const struct config *c = config;

	(void)previous, (void)error;
	gh_log(host, GH_LOG_INFO, "%zu users", c->users.count);
	*instance_r = (void *)config;
	return 0;
}

static void destroy(void *instance)
{
	(void)instance;
}

/* The option `name` of a table is the key where the table is written as a map. */
static const struct gh_option user_rows[] = {
	GH_OPTION(struct user, name, GH_STRING, "user name", .flags = GH_REQUIRED, .min = "1"),
	GH_OPTION(struct user, password, GH_SECRET, "file that holds the password",
		  .flags = GH_REQUIRED),
	GH_OPTION(struct user, groups, GH_STRINGS, "groups"),
	{ 0 },
};

static const struct gh_option options[] = {
	GH_OPTION(struct config, users, GH_TABLE, "the users", .flags = GH_REQUIRED, .min = "1",
		  .rows = user_rows, .row_size = sizeof(struct user)),
	{ 0 },
};

GH_PLUGIN(fixed_users) = {
	GH_HEAD,
	.flags = GH_CONCURRENT, /* nothing changes, so any number of threads may ask */
	.name = "fixed-users",
	.version = "1.0",
	.summary = "users from a list in the configuration",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.destroy = destroy,
	.authenticate = authenticate,
	.lookup = lookup,
};
