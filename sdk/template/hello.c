/* SPDX-License-Identifier: Apache-2.0 */
/* One user, whose name and password stand in the configuration. */
#include <gatehouse/lib.h>
#include <gatehouse/plugin.h>
#include <stdlib.h>
#include <string.h>

struct config {
	const char *user;
	struct gh_bytes password;
};

struct hello {
	struct gh_host *host;
	const struct config *config;
};

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct hello *hello = calloc(1, sizeof(*hello));

	(void)previous; /* nothing to take over from the instance that this one replaces */
	if (!hello) {
		gh_fail(error, NULL, "no memory");
		return GH_EIO;
	}
	hello->host = host;
	hello->config = config; /* lives as long as the instance */
	*instance_r = hello;
	return 0;
}

static void destroy(void *instance)
{
	free(instance);
}

static enum gh_verdict authenticate(void *instance, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	struct hello *hello = instance;
	const struct config *config = hello->config;

	if (!in->username || strcmp(in->username, config->user) != 0) {
		gh_answer_cause(out, GH_CAUSE_UNKNOWN_USER);
		return GH_PASS; /* not mine: the next of the list knows, or it is denied */
	}
	if (in->password.n != config->password.n ||
	    !gh_equal(in->password.p, config->password.p, config->password.n)) {
		gh_answer_cause(out, GH_CAUSE_BAD_SECRET);
		gh_answer_why(out, "wrong password");
		return GH_DENY;
	}
	gh_log(hello->host, GH_LOG_DEBUG, "hello, %s", config->user);
	gh_answer_principal(out, config->user);
	return GH_ALLOW;
}

/* After a reload, for those who are connected: is it still so? */
static enum gh_verdict lookup(void *instance, const struct gh_lookup *in, struct gh_answer *out)
{
	struct hello *hello = instance;

	if (strcmp(in->principal, hello->config->user) != 0)
		return GH_DENY;
	gh_answer_principal(out, hello->config->user);
	return GH_ALLOW;
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, user, GH_STRING, "the one user", .flags = GH_REQUIRED, .min = "1"),
	GH_OPTION(struct config, password, GH_SECRET, "file that holds the password",
		  .flags = GH_REQUIRED),
	{ 0 },
};

/* MODULE and MODULE_NAME come from the Makefile: my_users and "my-users". */
#define PLUGIN(module) GH_PLUGIN(module)
PLUGIN(MODULE) = {
	GH_HEAD,
	.flags = GH_CONCURRENT, /* nothing changes: any number of threads may ask */
	.name = MODULE_NAME,
	.version = "1.0",
	.summary = "one user",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.destroy = destroy,
	.authenticate = authenticate,
	.lookup = lookup,
};
