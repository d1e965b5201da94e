/* SPDX-License-Identifier: Apache-2.0 */
/* The table that modules call. */
#include "priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static uint64_t host_now(struct gh_host *theirs)
{
	return gh_clock_now(&gh_instance_of(theirs)->host->clock);
}

static int64_t host_wall(struct gh_host *theirs)
{
	return gh_clock_wall(&gh_instance_of(theirs)->host->clock) / 1000000;
}

static void *host_local(struct gh_host *theirs)
{
	const struct gh_here *here = gh_here();
	bool there = here->instance == gh_instance_of(theirs) &&
		     (here->place == GH_IN_HOOK || here->place == GH_IN_LOOP || !here->worker);

	return there ? here->local : NULL;
}

static const char *host_name(struct gh_host *theirs)
{
	return gh_instance_of(theirs)->host->name;
}

static void GH_PRINTF(3, 0)
	host_error(struct gh_error *error, const char *option, const char *fmt, va_list ap)
{
	char *text = gh_format_list(fmt, ap);

	snprintf(error->option, sizeof(error->option), "%s", option ? option : "");
	snprintf(error->text, sizeof(error->text), "%s", text);
	free(text);
}

static bool in_place(struct gh_instance *instance, enum gh_place place, const char *call,
		     const char *where)
{
	const struct gh_here *here = gh_here();
	bool there = here->instance == instance && here->place == place;

	if (!there)
		gh_misuse(instance, "%s outside of %s", call, where);
	return there;
}

static int host_observe(struct gh_host *theirs, uint64_t mask)
{
	struct gh_instance *instance = gh_instance_of(theirs);

	if (!in_place(instance, GH_IN_CREATE, "gh_observe()", "create"))
		return GH_EINVAL;
	if (!instance->host->plugin.event)
		return GH_ENOTSUP;
	instance->events = mask;
	return 0;
}

static int host_replay(struct gh_host *theirs, uint64_t mask)
{
	struct gh_instance *instance = gh_instance_of(theirs);

	if (!in_place(instance, GH_IN_ALONE, "gh_replay()", "alone"))
		return GH_EINVAL;
	if (!instance->host->plugin.event)
		return GH_ENOTSUP;
	instance->replay = mask & (GH_EV_CONNECT | GH_EV_SUBSCRIBE);
	return mask == instance->replay ? 0 : GH_EINVAL;
}

/* ---- a directory ---- */

static int make_base(struct gh_testhost *host)
{
	const char *tmp = getenv("TMPDIR");
	char *path;

	if (host->directory)
		return 0;
	path = gh_format("%s/gatehouse-testhost-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	if (!mkdtemp(path)) {
		free(path);
		return -1;
	}
	host->directory = path;
	host->own_directory = true;
	return 0;
}

static const char *host_directory(struct gh_host *theirs)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	struct gh_testhost *host = instance->host;
	const char *failed = NULL;
	char *path;

	pthread_mutex_lock(&host->lock);
	if (!instance->directory && make_base(host) != 0) {
		failed = "no temporary directory";
	} else if (!instance->directory) {
		path = gh_format("%s/%s", host->directory, host->name);
		if (mkdir(path, 0700) == 0 || errno == EEXIST) {
			instance->directory = path;
		} else {
			failed = strerror(errno);
			free(path);
		}
	}
	pthread_mutex_unlock(&host->lock);
	if (failed)
		gh_log_line(host, "testhost", GH_LOG_ERROR, "gh_directory(): %s", failed);
	return instance->directory;
}

/* ---- metrics ---- */

static struct gh_metric host_metric(struct gh_host *theirs, uint32_t kind, const char *name,
				    const char *labels, const char *help)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	unsigned number;

	if (!in_place(instance, GH_IN_CREATE, "gh_metric_new()", "create"))
		return (struct gh_metric){ 0 };
	number = gh_metrics_add(&instance->host->metrics, instance->host->plugin.name, kind, name,
				labels, help);
	if (!number)
		gh_misuse(instance,
			  "metric '%s' is refused: its name isn't one, it exists with another kind, or there are too many",
			  name ? name : "");
	return (struct gh_metric){ number };
}

static void host_metric_add(struct gh_host *theirs, struct gh_metric metric, double value)
{
	struct gh_instance *instance = gh_instance_of(theirs);

	if (metric.id > GH_METRICS_MOST ||
	    !gh_metrics_put(&instance->host->metrics, (unsigned)metric.id, value))
		gh_misuse(instance, "gh_metric_add(): no such metric, or a counter that goes back");
}

static int host_metrics_each(struct gh_host *theirs, gh_sample_fn *fn, void *arg)
{
	gh_metrics_walk(&gh_instance_of(theirs)->host->metrics, fn, arg);
	return 0;
}

void gh_testhost_figure(struct gh_testhost *host, const char *name, const char *labels, double value)
{
	unsigned number = gh_metrics_add(&host->metrics, NULL, GH_GAUGE, name, labels, "");

	gh_metrics_put(&host->metrics, number, value);
}

bool gh_testhost_metric(struct gh_testhost *host, const char *name, const char *labels,
			struct gh_sample *sample_r)
{
	return gh_metrics_find(&host->metrics, name, labels, sample_r);
}

const struct gh_host_api gh_testhost_api = {
	.size = sizeof(struct gh_host_api),
	.abi = GH_ABI,
	.log = gh_host_log,
	.now = host_now,
	.wall = host_wall,
	.local = host_local,
	.name = host_name,
	.error = host_error,
	.observe = host_observe,
	.answer_bytes = gh_answer_set_bytes,
	.answer_pair = gh_answer_set_pair,
	.answer_number = gh_answer_set_number,
	.answer_why = gh_answer_set_why,
	.pend = gh_host_pend,
	.time_left = gh_host_time_left,
	.answer_begin = gh_host_answer_begin,
	.answer_end = gh_host_answer_end,
	.ticket_open = gh_host_ticket_open,
	.metric = host_metric,
	.metric_add = host_metric_add,
	.directory = host_directory,
	.replay = host_replay,
	.offload = gh_host_offload,
	.timer = gh_host_timer,
	.timer_stop = gh_host_timer_stop,
	.watch = gh_host_watch,
	.watch_change = gh_host_watch_change,
	.watch_stop = gh_host_watch_stop,
	.inject = gh_host_inject,
	.disconnect = gh_host_disconnect,
	.ban = gh_host_ban,
	.set_class = gh_host_set_class,
	.recheck = gh_host_recheck,
	.attach = gh_host_attach,
	.attached = gh_host_attached,
	.metrics_each = host_metrics_each,
	.reply_field = gh_host_reply_field,
	.reply_row = gh_host_reply_row,
	.reply_secret = gh_host_reply_secret,
	.reply_pend = gh_host_reply_pend,
	.reply_begin = gh_host_reply_begin,
	.reply_end = gh_host_reply_end,
	.barrier_end = gh_host_barrier_end,
	.keep = gh_host_keep,
	.recall = gh_host_recall,
	.sink_put = gh_host_sink_put,
	.sink_pend = gh_host_sink_pend,
	.sink_begin = gh_host_sink_begin,
	.sink_end = gh_host_sink_end,
};
