/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abi-0-1: compiled against the headers of ABI 0.1 as they were (0.1/), loaded by the present broker.
 * It uses what they had: a table of options, threads' own data, tickets, limits, covers, events and
 * metrics. User "later" is answered by a thread of the module's own.
 */
#include <gatehouse/plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(GH_ABI == 1, "the headers of 0.1");

struct user {
	const char *name, *group;
};

struct config {
	const char *password;
	int64_t qos;
	struct gh_list users;
};

struct old {
	struct gh_host *host;
	const struct config *config;
	struct gh_metric logins, threads;
	pthread_t thread;
	bool answering;
};

struct later {
	struct old *old;
	struct gh_ticket ticket;
	const struct user *user;
};

static const struct user *find(const struct old *old, const char *name)
{
	const struct user *users = old->config->users.items;

	for (size_t i = 0; name && i < old->config->users.count; i++)
		if (strcmp(users[i].name, name) == 0)
			return &users[i];
	return NULL;
}

static void grant(const struct user *user, struct gh_answer *out)
{
	gh_answer_principal(out, user->name);
	gh_answer_group(out, user->group);
	gh_answer_attribute(out, "abi", "0.1");
}

static void *answer_later(void *arg)
{
	struct later *later = arg;
	struct gh_answer *out = gh_answer_begin(later->old->host, later->ticket);

	if (out) {
		grant(later->user, out);
		gh_answer_end(out, GH_ALLOW);
	}
	free(later);
	return NULL;
}

/* Once: the thread is joined at the end. */
static enum gh_verdict pend(struct old *old, const struct user *user, struct gh_answer *out)
{
	struct later *later = calloc(1, sizeof(*later));

	if (!later || old->answering) {
		free(later);
		return GH_ERROR;
	}
	later->old = old;
	later->ticket = gh_pend(out);
	later->user = user;
	old->answering = pthread_create(&old->thread, NULL, answer_later, later) == 0;
	return old->answering ? GH_PENDING : GH_ERROR;
}

static enum gh_verdict authenticate(void *instance, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	struct old *old = instance;
	const struct user *user = find(old, in->username);

	if (gh_local(old->host) != old || in->client->size < sizeof(struct gh_client))
		return GH_ERROR;
	if (!user)
		return GH_PASS;
	if (in->password.n != strlen(old->config->password) ||
	    memcmp(in->password.p, old->config->password, in->password.n) != 0) {
		gh_answer_cause(out, GH_CAUSE_BAD_SECRET);
		gh_answer_why(out, "wrong password for %s", user->name);
		return GH_DENY;
	}
	if (strcmp(user->name, "later") == 0)
		return pend(old, user, out);
	grant(user, out);
	return GH_ALLOW;
}

static enum gh_verdict lookup(void *instance, const struct gh_lookup *in, struct gh_answer *out)
{
	const struct user *user = find(instance, in->principal);

	if (!user)
		return GH_DENY;
	grant(user, out);
	return GH_ALLOW;
}

/* "GROUP/..." is its own; nothing else is anybody's. */
static enum gh_verdict authorize(void *instance, const struct gh_authorize *in, struct gh_answer *out)
{
	struct old *old = instance;
	const struct gh_identity *who = in->client->identity;
	size_t n = who && who->group_count ? strlen(who->groups[0]) : 0;

	if (!n || in->topic.n <= n || in->topic.p[n] != '/' ||
	    memcmp(in->topic.p, who->groups[0], n) != 0) {
		gh_answer_why(out, "not of this group");
		return GH_DENY;
	}
	if (in->action == GH_SUBSCRIBE) {
		gh_answer_max_qos(out, old->config->qos);
		gh_answer_covers(out);
	}
	return GH_ALLOW;
}

static void event(void *instance, const struct gh_event *event)
{
	struct old *old = instance;

	if (event->kind == GH_EV_AUTH && event->verdict == GH_ALLOW)
		gh_metric_add(old->host, old->logins, 1);
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct old *old = calloc(1, sizeof(*old));

	(void)previous;
	if (!old) {
		gh_fail(error, NULL, "no memory");
		return GH_EIO;
	}
	old->host = host;
	old->config = config;
	old->logins = gh_metric_new(host, GH_COUNTER, "logins_total", NULL, "Logins.");
	old->threads = gh_metric_new(host, GH_GAUGE, "threads", NULL, "Threads it runs on.");
	gh_observe(host, GH_EV_AUTH | GH_EV_CONNECT | GH_EV_DISCONNECT);
	*instance_r = old;
	return 0;
}

static void *thread_start(void *instance)
{
	struct old *old = instance;

	gh_metric_add(old->host, old->threads, 1);
	return old;
}

static void thread_stop(void *instance, void *local)
{
	struct old *old = instance;

	gh_metric_add(old->host, old->threads, old == local ? -1 : 1000);
}

static void destroy(void *instance)
{
	struct old *old = instance;

	if (old->answering)
		pthread_join(old->thread, NULL);
	free(old);
}

static const struct gh_option user_rows[] = {
	GH_OPTION(struct user, name, GH_STRING, "user name"),
	GH_OPTION(struct user, group, GH_STRING, "its group", .standard = "all"),
	{ 0 },
};

static const struct gh_option options[] = {
	GH_OPTION(struct config, password, GH_STRING, "everybody's", .flags = GH_REQUIRED),
	GH_OPTION(struct config, qos, GH_INT, "at most", .standard = "1", .min = "0", .max = "2"),
	GH_OPTION(struct config, users, GH_TABLE, "users", .rows = user_rows,
		  .row_size = sizeof(struct user)),
	{ 0 },
};

/* Without flags: its calls never overlap, so `answering` needs no lock. */
GH_PLUGIN(abi_0_1) = {
	GH_HEAD,
	.name = "abi-0-1",
	.version = "1.0",
	.summary = "built with the headers of 0.1",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.destroy = destroy,
	.authenticate = authenticate,
	.lookup = lookup,
	.authorize = authorize,
	.event = event,
};
