/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slow-users: users whose passwords are compared elsewhere, later: by a thread that takes whatever
 * has been asked meanwhile and answers all of it after `delay`, as one request to a server would.
 * Shows: tickets, a thread of the module's own, what is copied and wiped, how that thread ends.
 *
 *   plugins:
 *     users: { module: slow-users, delay: 50ms, password: everybodys.secret, users: [ann, joe] }
 */
#include <gatehouse/lib.h>
#include <gatehouse/plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct config {
	struct gh_list users; /* of const char * */
	struct gh_bytes password;
	uint64_t delay; /* ms */
};

/* What the hook was asked, copied: its arguments are gone when it returns. */
struct question {
	struct question *next;
	struct gh_ticket ticket;
	char *user, *password;
	size_t password_n;
};

struct slow_users {
	struct gh_host *host;
	const struct config *config;
	pthread_t thread;
	pthread_mutex_t lock; /* over those below */
	pthread_cond_t changed;
	struct question *first;
	bool stop;
};

static void question_free(struct question *question)
{
	if (!question)
		return;
	gh_wipe(question->password, question->password_n);
	free(question->password);
	free(question->user);
	free(question);
}

static struct question *question_new(const struct gh_authenticate *in)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return NULL;
	question->user = strdup(in->username);
	question->password = malloc(in->password.n + 1);
	if (!question->user || !question->password) {
		question_free(question);
		return NULL;
	}
	if (in->password.n)
		memcpy(question->password, in->password.p, in->password.n);
	question->password_n = in->password.n;
	return question;
}

/* ---- the thread ---- */

/* Everything that was asked since; NULL: stop. */
static struct question *take_all(struct slow_users *self)
{
	struct question *all;

	pthread_mutex_lock(&self->lock);
	while (!self->first && !self->stop)
		pthread_cond_wait(&self->changed, &self->lock);
	all = self->stop ? NULL : self->first;
	if (all)
		self->first = NULL;
	pthread_mutex_unlock(&self->lock);
	return all;
}

static bool known(const struct config *config, const char *user)
{
	const char *const *users = config->users.items;

	for (size_t i = 0; i < config->users.count; i++)
		if (strcmp(users[i], user) == 0)
			return true;
	return false;
}

static bool right(const struct config *config, const struct question *question)
{
	return question->password_n == config->password.n &&
	       gh_equal(question->password, config->password.p, config->password.n) &&
	       known(config, question->user);
}

/* The asker may be gone by now, or the deadline over: then there is nothing to do. */
static void answer(struct slow_users *self, const struct question *question)
{
	struct gh_answer *out = gh_answer_begin(self->host, question->ticket);

	if (!out)
		return;
	if (right(self->config, question)) {
		gh_answer_principal(out, question->user);
		gh_answer_end(out, GH_ALLOW);
	} else {
		gh_answer_cause(out, GH_CAUSE_BAD_SECRET);
		gh_answer_end(out, GH_DENY);
	}
}

static void *run(void *instance)
{
	struct slow_users *self = instance;
	struct timespec delay = { (time_t)(self->config->delay / 1000),
				  (long)(self->config->delay % 1000) * 1000000 };
	struct question *all, *next;

	while ((all = take_all(self))) {
		nanosleep(&delay, NULL); /* a real module asks its server here */
		for (; all; all = next) {
			next = all->next;
			answer(self, all);
			question_free(all);
		}
	}
	return NULL;
}

/* ---- hooks ---- */

static enum gh_verdict authenticate(void *instance, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	struct slow_users *self = instance;
	struct question *question;

	if (!in->username)
		return GH_PASS;
	question = question_new(in);
	if (!question)
		return GH_ERROR;
	question->ticket = gh_pend(out);
	if (!question->ticket.id) { /* refused: `max-pending` of this instance are open */
		question_free(question);
		return GH_ERROR;
	}
	pthread_mutex_lock(&self->lock);
	question->next = self->first;
	self->first = question;
	pthread_cond_signal(&self->changed);
	pthread_mutex_unlock(&self->lock);
	return GH_PENDING;
}

/* A hook that may answer later may also answer at once. */
static enum gh_verdict lookup(void *instance, const struct gh_lookup *in, struct gh_answer *out)
{
	struct slow_users *self = instance;

	if (!known(self->config, in->principal))
		return GH_DENY;
	gh_answer_principal(out, in->principal);
	return GH_ALLOW;
}

/* ---- life ---- */

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct slow_users *self = calloc(1, sizeof(*self));

	(void)previous;
	if (!self)
		return GH_EIO;
	self->host = host;
	self->config = config;
	pthread_mutex_init(&self->lock, NULL);
	pthread_cond_init(&self->changed, NULL);
	if (pthread_create(&self->thread, NULL, run, self) != 0) {
		gh_fail(error, NULL, "can't start a thread");
		free(self);
		return GH_EIO;
	}
	*instance_r = self;
	return 0;
}

/* By now every ticket was answered, or its time is over: what is left waits for nobody. */
static void destroy(void *instance)
{
	struct slow_users *self = instance;
	struct question *next;

	pthread_mutex_lock(&self->lock);
	self->stop = true;
	pthread_cond_signal(&self->changed);
	pthread_mutex_unlock(&self->lock);
	pthread_join(self->thread, NULL);
	for (; self->first; self->first = next) {
		next = self->first->next;
		question_free(self->first);
	}
	pthread_cond_destroy(&self->changed);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, users, GH_STRINGS, "names of users", .flags = GH_REQUIRED),
	GH_OPTION(struct config, password, GH_SECRET, "file that holds their password",
		  .flags = GH_REQUIRED),
	GH_OPTION(struct config, delay, GH_DURATION, "how long an answer takes", .standard = "50ms",
		  .max = "4s"),
	{ 0 },
};

GH_PLUGIN(slow_users) = {
	GH_HEAD,
	.flags = GH_CONCURRENT, /* the lock above is enough */
	.name = "slow-users",
	.version = "1.0",
	.summary = "answers later",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.destroy = destroy,
	.authenticate = authenticate,
	.lookup = lookup,
};
