/* SPDX-License-Identifier: Apache-2.0 */
/* auth-file: users with password hashes in a file, their groups, client ids and expiry. */
#include <gatehouse/lib.h>
#include <gatehouse/plugin.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "change.h"
#include "parse.h"

struct config {
	const char *file;
	bool rehash;
};

struct auth_file {
	struct gh_host *host;
	const struct config *config;
	struct auth_file_users *users; /* what changes in it are hashes, under the lock */
	pthread_mutex_t lock;
	uint8_t decoy_key[16];
};

/* ---- life ------------------------------------------------------------------------------------ */

static void destroy(void *instance)
{
	struct auth_file *self = instance;

	if (!self)
		return;
	auth_file_users_free(&self->users);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

static void warn(void *arg, const struct auth_file_problem *problem)
{
	struct auth_file *self = arg;

	gh_log(self->host, GH_LOG_WARNING, "%s:%u:%u: %s", self->config->file, problem->line,
	       problem->column, problem->text);
}

static int load(struct auth_file *self, struct gh_error *error)
{
	struct auth_file_problem problem;
	struct auth_file_change file;
	char why[1024];
	int rc = auth_file_open(self->config->file, 0, &file, why, sizeof(why));

	if (rc < 0) {
		gh_fail(error, "file", "%s", why);
		return rc;
	}
	rc = auth_file_parse((struct gh_str){ file.text, file.n }, warn, self, &self->users,
			     &problem);
	auth_file_close(&file);
	if (rc < 0)
		gh_fail(error, "file", "%s:%u:%u: %s", self->config->file, problem.line,
			problem.column, problem.text);
	return rc;
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct auth_file *self = auth_file_grow(NULL, 1, sizeof(*self));
	int rc;

	(void)previous;
	memset(self, 0, sizeof(*self));
	self->host = host;
	self->config = config;
	pthread_mutex_init(&self->lock, NULL);
	if (getrandom(self->decoy_key, sizeof(self->decoy_key), 0) !=
	    (ssize_t)sizeof(self->decoy_key)) {
		gh_fail(error, NULL, "no random numbers");
		rc = GH_EIO;
	} else {
		rc = load(self, error);
	}
	if (rc < 0) {
		destroy(self);
		return rc;
	}
	gh_log(host, GH_LOG_INFO, "%zu users in '%s'", self->users->count, self->config->file);
	*instance_r = self;
	return 0;
}

/* ---- who somebody is ------------------------------------------------------------------------- */

static enum gh_verdict refuse(struct gh_answer *out, enum gh_cause cause, const char *why)
{
	gh_answer_cause(out, cause);
	gh_answer_why(out, "%s", why);
	return GH_DENY;
}

/* What a right password doesn't help against. 0: nothing; else out is filled. */
static enum gh_verdict barred(struct auth_file *self, const struct auth_file_user *user,
			      const struct gh_client *client, struct gh_answer *out)
{
	if (user->disabled)
		return refuse(out, GH_CAUSE_DISABLED, "user is disabled");
	if (user->expires && gh_wall(self->host) >= user->expires)
		return refuse(out, GH_CAUSE_EXPIRED, "user has expired");
	if (user->bound_id && (!client->client_id || strcmp(client->client_id, user->bound_id) != 0))
		return refuse(out, GH_CAUSE_CLIENT_ID, "user is bound to another client id");
	return 0;
}

static enum gh_verdict grant(const struct auth_file_user *user, struct gh_answer *out)
{
	gh_answer_principal(out, user->name);
	for (size_t i = 0; i < user->group_count; i++)
		gh_answer_group(out, user->groups[i]);
	if (user->bound_id)
		gh_answer_client_id(out, user->bound_id);
	if (user->expires)
		gh_answer_expires(out, user->expires);
	return GH_ALLOW;
}

static void place(struct auth_file *self, const struct auth_file_user *user, struct gh_answer *out)
{
	gh_answer_file(out, self->config->file);
	gh_answer_line(out, user->line);
}

/* ---- passwords ------------------------------------------------------------------------------- */

static void hash_of(struct auth_file *self, const struct auth_file_user *user,
		    char hash_r[GH_PASSWORD_HASH_SIZE])
{
	pthread_mutex_lock(&self->lock);
	snprintf(hash_r, GH_PASSWORD_HASH_SIZE, "%s", user->hash);
	pthread_mutex_unlock(&self->lock);
}

/* The work that a known user costs: of one of the file's own hashes, so that kinds and costs don't
 * tell either. */
static void work_for_nobody(struct auth_file *self, const struct gh_authenticate *in)
{
	struct gh_str name = { in->username, strlen(in->username) };
	char hash[GH_PASSWORD_HASH_SIZE];

	if (!self->users->count) {
		gh_password_dummy(NULL, in->password);
		return;
	}
	hash_of(self,
		&self->users->users[gh_password_decoy(self->decoy_key, name, self->users->count)],
		hash);
	gh_password_dummy(hash, in->password);
	gh_wipe(hash, sizeof(hash));
}

/* yescrypt, or for what it can't take, argon2id. */
static int strong_hash(struct gh_bytes password, char hash_r[GH_PASSWORD_HASH_SIZE],
		       const char **problem_r)
{
	int rc = gh_password_make(GH_PASSWORD_YESCRYPT, password, hash_r, problem_r);

	return rc == GH_EINVAL ? gh_password_make(GH_PASSWORD_ARGON2ID, password, hash_r, problem_r)
			       : rc;
}

static void remember(struct auth_file *self, struct auth_file_user *user, const char *hash)
{
	char *copy = auth_file_copy(hash, strlen(hash)), *old;

	pthread_mutex_lock(&self->lock);
	old = user->hash;
	user->hash = copy;
	pthread_mutex_unlock(&self->lock);
	gh_wipe(old, strlen(old));
	free(old);
}

/* A login succeeds whether this does or not; what is busy or was changed is left to the next
 * login. */
static void rehash(struct auth_file *self, struct auth_file_user *user, const char *old,
		   struct gh_bytes password)
{
	char hash[GH_PASSWORD_HASH_SIZE], why[1024];
	const char *problem = NULL;
	int rc = strong_hash(password, hash, &problem);

	if (rc < 0)
		snprintf(why, sizeof(why), "%s", problem);
	else
		rc = auth_file_rehash(self->config->file, user->name, old, hash, why, sizeof(why));
	if (rc == 0) {
		remember(self, user, hash);
		gh_log(self->host, GH_LOG_INFO, "%s: user '%s' has a stronger hash now",
		       self->config->file, user->name);
	} else {
		gh_log(self->host, rc == GH_EBUSY || rc == GH_ENOENT ? GH_LOG_DEBUG : GH_LOG_WARNING,
		       "%s: user '%s' keeps the weak hash: %s", self->config->file, user->name, why);
	}
	gh_wipe(hash, sizeof(hash));
}

static enum gh_verdict known(struct auth_file *self, struct auth_file_user *user,
			     const struct gh_authenticate *in, struct gh_answer *out)
{
	char hash[GH_PASSWORD_HASH_SIZE];
	enum gh_password_result result;
	enum gh_verdict verdict;

	hash_of(self, user, hash);
	result = gh_password_verify(hash, in->password);
	place(self, user, out);
	if (result == GH_PASSWORD_FAILED) {
		refuse(out, GH_CAUSE_BACKEND, "no memory to compute the hash");
		verdict = GH_ERROR;
	} else if (result == GH_PASSWORD_WRONG) {
		verdict = refuse(out, GH_CAUSE_BAD_SECRET,
				 in->password.p ? "wrong password" : "no password");
	} else {
		verdict = barred(self, user, in->client, out);
		if (!verdict && self->config->rehash && gh_password_weak(hash))
			rehash(self, user, hash, in->password);
		if (!verdict)
			verdict = grant(user, out);
	}
	gh_wipe(hash, sizeof(hash));
	return verdict;
}

/* ---- hooks ----------------------------------------------------------------------------------- */

static enum gh_verdict authenticate(void *instance, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	struct auth_file *self = instance;
	struct auth_file_user *user;

	if (!in->username)
		return GH_PASS;
	user = auth_file_users_find(self->users, in->username);
	if (user)
		return known(self, user, in, out);
	work_for_nobody(self, in);
	refuse(out, GH_CAUSE_UNKNOWN_USER, "no such user");
	return GH_PASS;
}

static enum gh_verdict lookup(void *instance, const struct gh_lookup *in, struct gh_answer *out)
{
	struct auth_file *self = instance;
	const struct auth_file_user *user = auth_file_users_find(self->users, in->principal);
	enum gh_verdict verdict;

	if (!user)
		return refuse(out, GH_CAUSE_UNKNOWN_USER, "no such user");
	place(self, user, out);
	verdict = barred(self, user, in->client, out);
	return verdict ? verdict : grant(user, out);
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, file, GH_PATH, "users and their password hashes",
		  .flags = GH_REQUIRED),
	GH_OPTION(struct config, rehash, GH_BOOL, "replace weak hashes when their users log in",
		  .standard = "no"),
	{ 0 },
};

GH_PLUGIN(auth_file) = {
	GH_HEAD,
	.flags = GH_BLOCKING | GH_CONCURRENT,
	.name = "auth-file",
	.version = "1.0",
	.summary = "users and groups from a file",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.destroy = destroy,
	.authenticate = authenticate,
	.lookup = lookup,
};
