/* SPDX-License-Identifier: Apache-2.0 */
/* What is so now, as gauges of the registry. */
#include "ctl/figures.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the whole broker. */
enum whole {
	CONNECTIONS,
	CONNECTIONS_MAX,
	CLIENTS,
	SESSIONS,
	SUBSCRIPTIONS,
	RETAINED,
	RETAINED_BYTES,
	TICKETS_TIMED_OUT,
	TICKETS_IGNORED,
	UPTIME,
	WHOLE
};
static const struct {
	const char *name, *help;
} whole_names[WHOLE] = {
	[CONNECTIONS] = { "gatehouse_connections", "Connections, logins and lingering ones included" },
	[CONNECTIONS_MAX] = { "gatehouse_connections_max", "Connections that there may be" },
	[CLIENTS] = { "gatehouse_clients", "Clients that are logged in" },
	[SESSIONS] = { "gatehouse_sessions", "Sessions, connected or not" },
	[SUBSCRIPTIONS] = { "gatehouse_subscriptions", "Subscriptions of all sessions" },
	[RETAINED] = { "gatehouse_retained_messages", "Retained messages" },
	[RETAINED_BYTES] = { "gatehouse_retained_bytes", "Memory they take" },
	[TICKETS_TIMED_OUT] = { "gatehouse_tickets_timed_out_total",
				"Answers of modules that didn't come in time" },
	[TICKETS_IGNORED] = { "gatehouse_tickets_ignored_total",
			      "Answers that were late, double or invented" },
	[UPTIME] = { "gatehouse_uptime_seconds", "Since the start" },
};

/* Of each worker. */
enum each { LAG_P50, LAG_P99, LAG_MAX, INBOX, READS, WRITES, HELD, CUT, EACH };
static const struct {
	const char *name, *label, *help;
} each_names[EACH] = {
	[LAG_P50] = { "gatehouse_loop_lag_seconds", "quantile=\"0.5\"",
		      "How long turns of the loop took, at most" },
	[LAG_P99] = { "gatehouse_loop_lag_seconds", "quantile=\"0.99\"", NULL },
	[LAG_MAX] = { "gatehouse_loop_lag_seconds", "quantile=\"1\"", NULL },
	[INBOX] = { "gatehouse_inbox_bytes", NULL, "What other workers have sent and that waits" },
	[READS] = { "gatehouse_reads_total", NULL, "System calls that read" },
	[WRITES] = { "gatehouse_writes_total", NULL, "System calls that wrote" },
	[HELD] = { "gatehouse_publishers_held_total", NULL,
		   "Times a publisher was held back for a crowded worker" },
	[CUT] = { "gatehouse_connections_cut_total", NULL,
		  "Connections closed with output that wasn't taken" },
};

struct gh_figures {
	struct gh_daemon *daemon;
	struct gh_series *whole[WHOLE];
	struct gh_series *(*each)[EACH]; /* by worker */
};

/* Upper bound of the bucket that the q-th of all turns falls into, in seconds. */
static double quantile(const struct gh_loop_lag *lag, double q)
{
	uint64_t all = 0, sum = 0;

	for (unsigned i = 0; i < GH_LAG_BUCKETS; i++)
		all += lag->turns[i];
	for (unsigned i = 0; i < GH_LAG_BUCKETS; i++) {
		sum += lag->turns[i];
		if (sum > 0 && (double)sum >= q * (double)all)
			return (double)(1ull << i) / 1e6;
	}
	return 0;
}

static void set_each(struct gh_figures *figures, unsigned worker)
{
	struct gh_series **series = figures->each[worker];
	struct gh_worker_stats stats;

	gh_worker_stats(gh_workers_at(figures->daemon->broker.workers, worker), &stats);
	gh_series_set(series[LAG_P50], quantile(&stats.lag, 0.5));
	gh_series_set(series[LAG_P99], quantile(&stats.lag, 0.99));
	gh_series_set(series[LAG_MAX], quantile(&stats.lag, 1));
	gh_series_set(series[INBOX], (double)stats.inbox_bytes);
	gh_series_set(series[READS], (double)stats.reads);
	gh_series_set(series[WRITES], (double)stats.writes);
	gh_series_set(series[HELD], (double)stats.held);
	gh_series_set(series[CUT], (double)stats.cut);
}

static void set_whole(struct gh_figures *figures)
{
	struct gh_broker *broker = &figures->daemon->broker;
	struct gh_series **series = figures->whole;
	struct gh_ticket_stats tickets;

	gh_askers_stats(broker->askers, &tickets);
	gh_series_set(series[CONNECTIONS], gh_total_used(&broker->total));
	gh_series_set(series[CONNECTIONS_MAX], gh_total_max(&broker->total));
	gh_series_set(series[CLIENTS], (double)atomic_load(&broker->channels));
	gh_series_set(series[SESSIONS], (double)atomic_load(&broker->sessions));
	gh_series_set(series[SUBSCRIPTIONS], (double)atomic_load(&broker->subscriptions));
	gh_series_set(series[RETAINED], (double)gh_retained_count(broker->retained));
	gh_series_set(series[RETAINED_BYTES], (double)gh_retained_bytes(broker->retained));
	gh_series_set(series[TICKETS_TIMED_OUT], (double)tickets.timed_out);
	gh_series_set(series[TICKETS_IGNORED],
		      (double)(tickets.orphaned + tickets.doubled + tickets.invented));
	gh_series_set(series[UPTIME], (double)(gh_clock_wall_us() / 1000000 - broker->started_at));
}

/* By the convention of names. */
static enum gh_metric_kind kind_of(const char *name)
{
	size_t n = strlen(name);

	return n > 6 && strcmp(name + n - 6, "_total") == 0 ? GH_COUNTER : GH_GAUGE;
}

static void on_read(void *arg)
{
	struct gh_figures *figures = arg;

	set_whole(figures);
	for (unsigned i = 0; i < figures->daemon->broker.worker_count; i++)
		set_each(figures, i);
}

static struct gh_series *each_series(struct gh_metrics *metrics, enum each which, unsigned worker)
{
	char labels[64];

	snprintf(labels, sizeof(labels), "worker=\"%u\"%s%s", worker,
		 each_names[which].label ? "," : "",
		 each_names[which].label ? each_names[which].label : "");
	return gh_metrics_series(metrics, kind_of(each_names[which].name), each_names[which].name,
				 labels, each_names[which].help);
}

struct gh_figures *gh_figures_new(struct gh_daemon *daemon)
{
	struct gh_figures *figures = gh_zalloc(sizeof(*figures));
	struct gh_metrics *metrics = daemon->broker.metrics;

	figures->daemon = daemon;
	figures->each = gh_alloc_array(daemon->broker.worker_count, sizeof(*figures->each));
	for (int i = 0; i < WHOLE; i++)
		figures->whole[i] = gh_metrics_series(metrics, kind_of(whole_names[i].name),
						      whole_names[i].name, NULL, whole_names[i].help);
	for (unsigned w = 0; w < daemon->broker.worker_count; w++)
		for (int i = 0; i < EACH; i++)
			figures->each[w][i] = each_series(metrics, (enum each)i, w);
	gh_metrics_on_read(metrics, on_read, figures);
	return figures;
}

void gh_figures_free(struct gh_figures **figures)
{
	struct gh_figures *f = *figures;

	if (!f)
		return;
	gh_metrics_on_read(f->daemon->broker.metrics, NULL, NULL);
	free(f->each);
	free(f);
	*figures = NULL;
}
