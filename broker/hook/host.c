/* SPDX-License-Identifier: Apache-2.0 */
/* The services behind <gatehouse/host.h>. */
#include "hook/host.h"

#include "base/clock.h"
#include "base/log.h"
#include "hook/acts.h"
#include "hook/ask_priv.h"
#include "hook/barrier.h"
#include "hook/directory.h"
#include "hook/keep.h"
#include "hook/offload.h"
#include "hook/timer.h"
#include "hook/watch.h"
#include "hook/reply.h"
#include "hook/sink.h"
#include "hook/attach.h"

#include <stdio.h>
#include <string.h>

struct gh_here *gh_here(void)
{
	static _Thread_local struct gh_here here;

	return &here;
}

static struct gh_instance *instance_of(struct gh_host *host)
{
	return (struct gh_instance *)(void *)host;
}

void gh_host_refused(struct gh_instance *instance, enum gh_host_call called, const char *why)
{
	static const char *const names[] = {
		[GH_CALL_TIMER_START] = "gh_timer_start",
		[GH_CALL_TIMER_STOP] = "gh_timer_stop",
		[GH_CALL_WATCH_START] = "gh_watch_start",
		[GH_CALL_WATCH_CHANGE] = "gh_watch_change",
		[GH_CALL_WATCH_STOP] = "gh_watch_stop",
		[GH_CALL_DIRECTORY] = "gh_directory",
	};
	unsigned bit = 1u << called;

	if (atomic_fetch_or_explicit(&instance->refused, bit, memory_order_relaxed) & bit)
		return;
	gh_log_warning("module '%s': %s is refused: %s (said once)", instance->name, names[called],
		       why);
}

/* ---- log, time, place ---- */

static void GH_PRINTF(3, 0) host_log(struct gh_host *host, int level, const char *fmt, va_list ap)
{
	struct gh_log_field field = { .name = "module",
				      .text = { instance_of(host)->name,
						strlen(instance_of(host)->name) } };

	if (level < GH_LOG_ERROR || level > GH_LOG_DEBUG)
		level = GH_LOG_INFO;
	gh_log_vline((enum gh_level)level, &field, 1, fmt, ap);
}

static uint64_t host_now(struct gh_host *host)
{
	(void)host;
	return gh_clock_ns();
}

static int64_t host_wall(struct gh_host *host)
{
	(void)host;
	return gh_clock_wall_us() / 1000000;
}

static void *host_local(struct gh_host *host)
{
	struct gh_instance *instance = instance_of(host);
	const struct gh_here *here = gh_here();

	if (here->instance)
		return here->instance == instance ? here->local : NULL;
	return here->asker ? instance->locals[gh_asker_index(here->asker)] : NULL;
}

static const char *host_name(struct gh_host *host)
{
	return instance_of(host)->name;
}

static const char *host_directory(struct gh_host *host)
{
	return gh_directory_of(instance_of(host));
}

static void GH_PRINTF(3, 0)
	host_error(struct gh_error *error, const char *option, const char *fmt, va_list ap)
{
	snprintf(error->option, sizeof(error->option), "%s", option ? option : "");
	vsnprintf(error->text, sizeof(error->text), fmt, ap);
}

static bool creating(const struct gh_instance *instance, const char *call)
{
	if (gh_here()->creating == instance)
		return true;
	gh_log_warning("module '%s' calls %s outside of create: refused", instance->name, call);
	return false;
}

static int host_observe(struct gh_host *host, uint64_t mask)
{
	struct gh_instance *instance = instance_of(host);

	if (!creating(instance, "gh_observe"))
		return GH_EINVAL;
	if (!instance->plugin->event)
		return GH_ENOTSUP;
	instance->events = mask;
	return 0;
}

/* ---- tickets ---- */

static uint32_t host_time_left(struct gh_answer *answer)
{
	uint64_t now = gh_clock_ms();

	if (answer->due_ms <= now)
		return 0;
	return answer->due_ms - now < UINT32_MAX ? (uint32_t)(answer->due_ms - now) : UINT32_MAX;
}

static struct gh_answer *host_answer_begin(struct gh_host *host, struct gh_ticket ticket)
{
	struct gh_instance *instance = instance_of(host);
	struct gh_late *late;
	uint64_t due_ms;

	if (!gh_ticket_claim(instance->hooks->askers, instance, GH_TICKET_ANSWER, ticket, &due_ms))
		return NULL;
	late = gh_late_new(instance, ticket, due_ms);
	late->answer.late = true;
	return &late->answer;
}

static void host_answer_end(struct gh_answer *answer, enum gh_verdict verdict)
{
	if (!answer->late) {
		gh_log_warning("module '%s' ends an answer that it has not begun: ignored",
			       answer->instance->name);
		return;
	}
	verdict = gh_call_later(verdict, answer);
	gh_late_post(gh_container(answer, struct gh_late, answer), verdict);
}

static bool host_ticket_open(struct gh_host *host, struct gh_ticket ticket)
{
	return gh_ticket_waits(instance_of(host)->hooks->askers, instance_of(host), ticket);
}

/* ---- metrics ---- */

/* The handle: the place in the instance's table, and the runtime's number, so that one of a former
 * instance is noticed. */
static struct gh_metric metric_of(const struct gh_instance *instance, unsigned index)
{
	return (struct gh_metric){ instance->generation << 16 | (index + 1) };
}

static void metric_name(struct gh_buf *buf, const char *module, const char *name)
{
	gh_buf_printf(buf, "gatehouse_%s_%s", module, name);
	for (size_t i = 0; i < buf->n; i++)
		if (buf->p[i] == '-')
			buf->p[i] = '_';
	gh_buf_u8(buf, 0);
}

struct gh_series *gh_host_series(struct gh_instance *instance, enum gh_metric_kind kind,
				 const char *name, const char *labels, const char *help)
{
	struct gh_buf full = { 0 }, with = { 0 };
	struct gh_series *series;

	metric_name(&full, instance->plugin->name, name ? name : "");
	gh_metrics_label(&with, "instance", instance->name);
	gh_buf_printf(&with, "%s%s", labels && *labels ? "," : "", labels ? labels : "");
	series = gh_metrics_series(instance->hooks->metrics, kind, (char *)full.p, (char *)with.p,
				   help);
	gh_buf_done(&full);
	gh_buf_done(&with);
	return series;
}

static struct gh_metric host_metric(struct gh_host *host, uint32_t kind, const char *name,
				    const char *labels, const char *help)
{
	struct gh_instance *instance = instance_of(host);
	struct gh_series *series = NULL;

	if (!creating(instance, "gh_metric_new"))
		return (struct gh_metric){ 0 };
	if (instance->metric_count < GH_INSTANCE_METRICS_MAX)
		series = gh_host_series(instance, (enum gh_metric_kind)kind, name, labels, help);
	if (series) {
		instance->metrics[instance->metric_count++] = series;
		return metric_of(instance, instance->metric_count - 1);
	}
	gh_log_warning("module '%s': metric '%s' is refused: its name isn't one, it exists with another kind, or "
		       "there are %u already",
		       instance->name, name ? name : "", instance->metric_count);
	return (struct gh_metric){ 0 };
}

bool gh_host_metric_index(const struct gh_instance *instance, struct gh_metric metric,
			  unsigned *index_r)
{
	unsigned index = (unsigned)(metric.id & 0xffff) - 1;

	if (index >= instance->metric_count || metric.id != metric_of(instance, index).id)
		return false;
	*index_r = index;
	return true;
}

static void host_metric_add(struct gh_host *host, struct gh_metric metric, double v)
{
	struct gh_instance *instance = instance_of(host);
	unsigned index;

	if (gh_host_metric_index(instance, metric, &index))
		gh_series_put(instance->metrics[index], v);
}

static void host_barrier_end(struct gh_host *host, struct gh_barrier barrier, int rc)
{
	gh_barriers_end(instance_of(host), barrier, rc);
}

struct each {
	gh_sample_fn *fn;
	void *arg;
};

static void tell_sample(void *arg, const struct gh_metric_sample *figure)
{
	const struct each *each = arg;
	struct gh_sample sample = { .size = sizeof(sample),
				    .kind = (uint32_t)figure->kind,
				    .name = figure->name,
				    .labels = figure->labels,
				    .help = figure->help,
				    .value = figure->value,
				    .count = figure->count };

	each->fn(each->arg, &sample);
}

static int host_metrics_each(struct gh_host *host, gh_sample_fn *fn, void *arg)
{
	struct each each = { fn, arg };

	if (!fn)
		return GH_EINVAL;
	gh_metrics_walk(instance_of(host)->hooks->metrics, tell_sample, &each);
	return 0;
}

/* ---- work ---- */

static int host_offload(struct gh_host *host, gh_work_fn *fn, void *arg)
{
	return gh_offload_add(instance_of(host), fn, arg);
}

static struct gh_timer host_timer(struct gh_host *host, uint32_t first_ms, uint32_t repeat_ms,
				  gh_work_fn *fn, void *arg)
{
	return gh_timer_new(instance_of(host), first_ms, repeat_ms, fn, arg);
}

static void host_timer_stop(struct gh_host *host, struct gh_timer timer)
{
	gh_timer_end(instance_of(host), timer);
}

static struct gh_watch host_watch(struct gh_host *host, int fd, unsigned events, gh_watch_fn *fn,
				  void *arg)
{
	return gh_watch_new(instance_of(host), fd, events, fn, arg);
}

static int host_watch_change(struct gh_host *host, struct gh_watch watch, unsigned events)
{
	return gh_watch_set(instance_of(host), watch, events);
}

static void host_watch_stop(struct gh_host *host, struct gh_watch watch)
{
	gh_watch_end(instance_of(host), watch);
}

const struct gh_host_api gh_host_table = {
	.size = sizeof(struct gh_host_api),
	.abi = GH_ABI,
	.log = host_log,
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
	.pend = gh_ask_pend,
	.time_left = host_time_left,
	.answer_begin = host_answer_begin,
	.answer_end = host_answer_end,
	.ticket_open = host_ticket_open,
	.metric = host_metric,
	.metric_add = host_metric_add,
	.barrier_end = host_barrier_end,
	.directory = host_directory,
	.offload = host_offload,
	.timer = host_timer,
	.timer_stop = host_timer_stop,
	.watch = host_watch,
	.watch_change = host_watch_change,
	.watch_stop = host_watch_stop,
	.metrics_each = host_metrics_each,
	.reply_field = gh_reply_write_field,
	.reply_row = gh_reply_next_row,
	.reply_secret = gh_reply_told_secret,
	.reply_pend = gh_reply_ticket,
	.reply_begin = gh_reply_claim,
	.reply_end = gh_reply_finish,
	.disconnect = gh_act_disconnect,
	.replay = gh_act_replay,
	.recheck = gh_act_recheck,
	.ban = gh_act_ban,
	.set_class = gh_act_set_class,
	.inject = gh_act_inject,
	.attach = gh_attach_set,
	.attached = gh_attach_get,
	.keep = gh_keep_bytes,
	.recall = gh_keep_recall,
	.sink_put = gh_sink_take,
	.sink_pend = gh_sink_ticket,
	.sink_begin = gh_sink_claim,
	.sink_end = gh_sink_finish,
};
