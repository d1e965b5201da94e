/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counter: counts what happens, and logs each login that was refused.
 * Shows: an observer: gh_observe() in create, then events; metrics, which outlive a reload. It stands in
 * no list of a listener: that it is configured is enough.
 *
 *   plugins:
 *     counter: { log: yes }
 *
 * gatehousectl metrics shows gatehouse_counter_events_total{instance="counter",kind="connect"} and others.
 */
#include <gatehouse/plugin.h>
#include <stdlib.h>

struct config {
	bool log;
};

static const struct kind {
	uint64_t bit;
	const char *labels;
} kinds[] = {
	{ GH_EV_AUTH, "kind=\"login\"" },
	{ GH_EV_CONNECT, "kind=\"connect\"" },
	{ GH_EV_DISCONNECT, "kind=\"disconnect\"" },
	{ GH_EV_DENY, "kind=\"deny\"" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct counter {
	struct gh_host *host;
	const struct config *config;
	struct gh_metric metrics[KINDS];
};

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct counter *counter = calloc(1, sizeof(*counter));
	uint64_t mask = 0;

	(void)previous, (void)error;
	if (!counter)
		return GH_EIO;
	counter->host = host;
	counter->config = config;
	for (size_t i = 0; i < KINDS; i++) {
		mask |= kinds[i].bit;
		counter->metrics[i] = gh_metric_new(host, GH_COUNTER, "events_total",
						    kinds[i].labels, "Events by kind.");
	}
	gh_observe(host, mask); /* other kinds don't come, and cost nothing */
	*instance_r = counter;
	return 0;
}

static const char *or_none(const char *text)
{
	return text ? text : "-";
}

/* Any worker, several at once: metrics may be added to by any thread. It mustn't wait for anything. */
static void event(void *instance, const struct gh_event *event)
{
	struct counter *counter = instance;

	for (size_t i = 0; i < KINDS; i++)
		if (event->kind == kinds[i].bit)
			gh_metric_add(counter->host, counter->metrics[i], 1);
	if (counter->config->log && event->kind == GH_EV_AUTH && event->verdict != GH_ALLOW)
		gh_log(counter->host, GH_LOG_NOTICE, "refused: '%s' from %s, cause %u, %s",
		       or_none(event->username), event->client ? event->client->address : "-",
		       event->cause, or_none(event->why));
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, log, GH_BOOL, "log refused logins", .standard = "yes"),
	{ 0 },
};

GH_PLUGIN(counter) = {
	GH_HEAD,
	.flags = GH_CONCURRENT,
	.name = "counter",
	.version = "1.0",
	.summary = "counts events by kind",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.destroy = free,
	.event = event,
};
