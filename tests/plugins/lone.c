/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lone: has no flags, so no two calls into it may run at once. It counts its calls, and those that
 * began inside another. A user whose name begins with "late" is let in by a thread.
 */
#include "probe.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STAY_US = 20 };

struct config {
	uint64_t each;
};

struct lone {
	struct gh_host *host;
	const struct config *config;
	struct probe_later *later;
	struct gh_metric logins, rights, messages, timers, events, overlaps;
	atomic_uint inside;
	char late[5];
	unsigned long plain; /* what only a lock keeps whole */
};

static void stay(void)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += STAY_US * 1000;
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec);
}

static void enter(struct lone *lone, struct gh_metric counted)
{
	if (atomic_fetch_add(&lone->inside, 1) > 0)
		gh_metric_add(lone->host, lone->overlaps, 1);
	lone->plain++;
	gh_metric_add(lone->host, counted, 1);
	stay();
}

static void leave(struct lone *lone)
{
	atomic_fetch_sub(&lone->inside, 1);
}

static void fill(void *user, struct gh_answer *out)
{
	if (user)
		gh_answer_principal(out, user);
}

static enum gh_verdict allow_late(struct lone *lone, char *user, struct gh_answer *out)
{
	struct probe_due due = {
		.ticket = gh_pend(out), .delay_ms = 1, .rule = user, .verdict = GH_ALLOW, .twice = true
	};

	probe_later_add(lone->later, &due);
	return GH_PENDING;
}

static enum gh_verdict authenticate(void *instance, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	struct lone *lone = instance;
	const char *user = in->username ? in->username : "nobody";
	enum gh_verdict verdict = GH_ALLOW;

	enter(lone, lone->logins);
	if (strncmp(user, "late", 4) == 0)
		verdict = allow_late(lone, lone->late, out);
	else
		gh_answer_principal(out, user);
	leave(lone);
	return verdict;
}

static enum gh_verdict authorize(void *instance, const struct gh_authorize *in, struct gh_answer *out)
{
	struct lone *lone = instance;
	enum gh_verdict verdict = GH_ALLOW;

	enter(lone, lone->rights);
	if (in->action == GH_SUBSCRIBE)
		gh_answer_covers(out);
	else if (in->action == GH_PUBLISH)
		verdict = allow_late(lone, NULL, out);
	leave(lone);
	return verdict;
}

static enum gh_verdict publish(void *instance, const struct gh_publish *in, struct gh_answer *out)
{
	struct lone *lone = instance;

	(void)in, (void)out;
	enter(lone, lone->messages);
	leave(lone);
	return GH_PASS;
}

static void on_timer(void *instance, void *arg)
{
	struct lone *lone = instance;

	(void)arg;
	enter(lone, lone->timers);
	leave(lone);
}

static void event(void *instance, const struct gh_event *event)
{
	struct lone *lone = instance;

	(void)event;
	enter(lone, lone->events);
	leave(lone);
}

/* ---- life ---- */

static void start_timer(struct lone *lone)
{
	uint32_t each = (uint32_t)lone->config->each;

	if (each)
		gh_timer_start(lone->host, each, each, on_timer, NULL);
}

static void *thread_start(void *instance)
{
	start_timer(instance);
	return instance;
}

static void thread_stop(void *instance, void *local)
{
	(void)instance, (void)local;
}

static void destroy(void *instance)
{
	struct lone *lone = instance;

	probe_later_free(lone->later);
	free(lone);
}

static void count(struct lone *lone, struct gh_host *host)
{
	lone->logins = gh_metric_new(host, GH_COUNTER, "logins_total", NULL, "Calls.");
	lone->rights = gh_metric_new(host, GH_COUNTER, "rights_total", NULL, "Calls.");
	lone->messages = gh_metric_new(host, GH_COUNTER, "messages_total", NULL, "Calls.");
	lone->timers = gh_metric_new(host, GH_COUNTER, "timers_total", NULL, "Calls.");
	lone->events = gh_metric_new(host, GH_COUNTER, "events_total", NULL, "Calls.");
	lone->overlaps = gh_metric_new(host, GH_COUNTER, "overlaps_total", NULL, "Calls in calls.");
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct lone *lone = calloc(1, sizeof(*lone));

	(void)previous, (void)error;
	if (!lone)
		return GH_EIO;
	lone->host = host;
	lone->config = config;
	lone->later = probe_later_new(host, fill);
	if (!lone->later) {
		free(lone);
		return GH_EIO;
	}
	strcpy(lone->late, "late");
	count(lone, host);
	gh_observe(host, GH_EV_CONNECT | GH_EV_AUTH);
	start_timer(lone);
	*instance_r = lone;
	return 0;
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, each, GH_DURATION, "a timer on each thread", .standard = "0"), { 0 }
};

GH_PLUGIN(lone) = {
	GH_HEAD,
	.name = "lone",
	.version = "1",
	.summary = "notices calls that overlap",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.destroy = destroy,
	.authenticate = authenticate,
	.authorize = authorize,
	.publish = publish,
	.event = event,
};
