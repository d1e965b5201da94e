/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hashed-files: a directory with one file a user, which holds the hash of its password
 * (gatehouse-passwd(1) and mkpasswd(1) make some). Reading it and computing the hash take time, so the
 * module blocks, on threads of its own (`threads:`). Links gatehouse-password.
 * Shows: GH_BLOCKING, gh_local(), the password library, a name from outside that becomes a path.
 *
 *   plugins:
 *     users: { module: hashed-files, directory: users.d, threads: 2 }
 */
#include <gatehouse/lib.h>
#include <gatehouse/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct config {
	const char *directory;
};

struct hashed_files {
	struct gh_host *host;
	const struct config *config;
};

/* Each thread's own, so that nothing is locked. */
struct scratch {
	char path[4096];
	char why[512];
};

static void *thread_start(void *instance)
{
	(void)instance;
	return calloc(1, sizeof(struct scratch));
}

static void thread_stop(void *instance, void *local)
{
	(void)instance;
	free(local);
}

/* Nothing but the name of a file in that directory. */
static bool name_ok(const char *name)
{
	return *name && *name != '.' && strlen(name) <= 64 &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")];
}

/* 0 with the text of the file; GH_ENOENT: no such user; else why it can't be told is logged. */
static int read_hash(struct hashed_files *self, const char *name, char hash_r[GH_PASSWORD_HASH_SIZE])
{
	struct scratch *scratch = gh_local(self->host);
	struct gh_secret_file file;
	ssize_t n;
	int rc;

	if (!name_ok(name))
		return GH_ENOENT;
	if (!scratch)
		return GH_EIO;
	snprintf(scratch->path, sizeof(scratch->path), "%s/%s", self->config->directory, name);
	rc = gh_secret_open(scratch->path, 0, &file, scratch->why, sizeof(scratch->why));
	if (rc == GH_ENOENT)
		return rc;
	if (rc < 0) {
		gh_log(self->host, GH_LOG_ERROR, "%s", scratch->why);
		return rc;
	}
	n = read(file.fd, hash_r, GH_PASSWORD_HASH_SIZE - 1);
	gh_secret_close(&file);
	if (n < 0)
		return GH_EIO;
	hash_r[n] = 0;
	hash_r[strcspn(hash_r, "\n")] = 0;
	return 0;
}

static enum gh_verdict judge(enum gh_password_result result, const char *name, struct gh_answer *out)
{
	switch (result) {
	case GH_PASSWORD_RIGHT: gh_answer_principal(out, name); return GH_ALLOW;
	case GH_PASSWORD_WRONG: gh_answer_cause(out, GH_CAUSE_BAD_SECRET); return GH_DENY;
	default: /* not a hash, or no memory for it */
		gh_answer_cause(out, GH_CAUSE_BACKEND);
		return GH_ERROR;
	}
}

static enum gh_verdict authenticate(void *instance, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	char hash[GH_PASSWORD_HASH_SIZE];
	enum gh_verdict verdict;
	int rc;

	if (!in->username)
		return GH_PASS;
	rc = read_hash(instance, in->username, hash);
	if (rc == GH_ENOENT) {
		gh_password_dummy(NULL, in->password); /* the time doesn't tell who exists */
		gh_answer_cause(out, GH_CAUSE_UNKNOWN_USER);
		return GH_PASS;
	}
	if (rc < 0)
		return GH_ERROR;
	verdict = judge(gh_password_verify(hash, in->password), in->username, out);
	gh_wipe(hash, sizeof(hash));
	return verdict;
}

static enum gh_verdict lookup(void *instance, const struct gh_lookup *in, struct gh_answer *out)
{
	char hash[GH_PASSWORD_HASH_SIZE];
	int rc = read_hash(instance, in->principal, hash);

	if (rc < 0 && rc != GH_ENOENT)
		return GH_ERROR; /* who was let in stays so, for `recheck-grace` at most */
	if (rc == GH_ENOENT) {
		gh_answer_cause(out, GH_CAUSE_UNKNOWN_USER);
		return GH_DENY;
	}
	gh_wipe(hash, sizeof(hash));
	gh_answer_principal(out, in->principal);
	return GH_ALLOW;
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	const struct config *c = config;
	struct hashed_files *self;

	(void)previous;
	if (access(c->directory, R_OK | X_OK) != 0) {
		gh_fail(error, "directory", "'%s' can't be read", c->directory);
		return GH_EIO;
	}
	self = calloc(1, sizeof(*self));
	if (!self)
		return GH_EIO;
	self->host = host;
	self->config = config;
	*instance_r = self;
	return 0;
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, directory, GH_PATH, "a file a user, with the hash of its password",
		  .flags = GH_REQUIRED),
	{ 0 },
};

GH_PLUGIN(hashed_files) = {
	GH_HEAD,
	.flags = GH_BLOCKING | GH_CONCURRENT,
	.name = "hashed-files",
	.version = "1.0",
	.summary = "a directory with one password hash a user",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.destroy = free,
	.authenticate = authenticate,
	.lookup = lookup,
};
