/* SPDX-License-Identifier: Apache-2.0 */
/* Instances: loaded, configured, created, started, and the way back. */
#include "hook/instance_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "hook/call.h"
#include "hook/host.h"
#include "hook/pool.h"

#include <stdlib.h>
#include <string.h>

#define THREADS 4u /* of a blocking instance that may run several at once */

const char *gh_instance_name(const struct gh_instance *instance)
{
	return instance->name;
}

const char *gh_instance_realm(const struct gh_instance *instance)
{
	return instance->realm;
}

const struct gh_plugin *gh_instance_plugin(const struct gh_instance *instance)
{
	return instance->plugin;
}

struct gh_runtime *gh_instance_runtime(const struct gh_instance *instance)
{
	return instance->runtime;
}

const struct gh_module *gh_instance_module(const struct gh_instance *instance)
{
	return instance->module;
}

const char *gh_hook_point_name(enum gh_hook_point point)
{
	static const char *const names[GH_HOOK_POINTS] = { "accept", "authenticate", "exchange",
							   "lookup", "authorize",    "event" };

	return (unsigned)point < GH_HOOK_POINTS ? names[point] : "unknown";
}

/* ---- figures ---- */

static struct gh_series *series(const struct gh_instance *instance, enum gh_metric_kind kind,
				const char *name, const char *help)
{
	struct gh_buf labels = { 0 };
	struct gh_series *made;

	gh_metrics_label(&labels, "instance", instance->name);
	gh_buf_u8(&labels, 0);
	made = gh_metrics_series(instance->hooks->metrics, kind, name, (char *)labels.p, help);
	gh_buf_done(&labels);
	return made;
}

static void make_answers(struct gh_instance *instance, enum gh_hook_point point)
{
	static const char *const verdicts[] = { NULL,    "pass", "allow",   "deny",
						"error", NULL,   "continue" };
	struct gh_buf labels = { 0 };

	for (unsigned i = GH_PASS; i <= GH_CONTINUE; i++) {
		if (!verdicts[i] || (i == GH_CONTINUE && point != GH_HOOK_EXCHANGE))
			continue;
		gh_metrics_label(&labels, "instance", instance->name);
		gh_metrics_label(&labels, "hook", gh_hook_point_name(point));
		gh_metrics_label(&labels, "verdict", verdicts[i]);
		gh_buf_u8(&labels, 0);
		instance->answers[point][i] =
			gh_metrics_series(instance->hooks->metrics, GH_COUNTER,
					  "gatehouse_plugin_answers_total", (char *)labels.p,
					  "Answers of a module's hook, whenever they came.");
		gh_buf_done(&labels);
	}
}

void gh_instance_make_series(struct gh_instance *instance)
{
	for (unsigned point = 0; point < GH_HOOK_EVENT; point++)
		if (gh_call_has(instance, (enum gh_hook_point)point))
			make_answers(instance, (enum gh_hook_point)point);
	instance->told = series(instance, GH_COUNTER, "gatehouse_plugin_events_total",
				"Events that a module was told.");
	instance->timeouts = series(instance, GH_COUNTER, "gatehouse_plugin_timeouts_total",
				    "Answers that did not come within hook-timeout.");
	instance->latency = series(instance, GH_HISTOGRAM, "gatehouse_plugin_latency_seconds",
				   "How long a hook ran: each call, of authorize one in 64.");
	instance->open = series(instance, GH_GAUGE, "gatehouse_plugin_pending",
				"Answers of a module that are waited for.");
}

void gh_instance_stats(const struct gh_instance *instance, struct gh_instance_stats *stats_r)
{
	*stats_r = (struct gh_instance_stats){ 0 };
	for (unsigned point = 0; point < GH_HOOK_POINTS; point++)
		for (unsigned i = GH_PASS; i <= GH_CONTINUE; i++) {
			const struct gh_series *answers = instance->answers[point][i];
			uint64_t count = answers ? (uint64_t)gh_series_value(answers) : 0;

			stats_r->calls[point] += count;
			stats_r->verdicts[i] += count;
		}
	stats_r->calls[GH_HOOK_EVENT] = (uint64_t)gh_series_value(instance->told);
	stats_r->timeouts = (uint64_t)gh_series_value(instance->timeouts);
	stats_r->pending = atomic_load_explicit(&instance->pending, memory_order_relaxed);
	stats_r->threads = instance->pool ? instance->threads : 0;
	stats_r->queued = instance->pool ? gh_pool_queued(instance->pool) : 0;
}

/* ---- life ---- */

static int set_threads(struct gh_instance *instance, struct gh_error *error)
{
	const struct gh_plugin *plugin = instance->plugin;
	const struct gh_plugin_settings *settings = instance->settings;

	instance->blocking = plugin->flags & GH_BLOCKING;
	instance->serialized = !(plugin->flags & (GH_CONCURRENT | GH_BLOCKING));
	if (!instance->blocking && settings->threads)
		return gh_error_set(error, GH_EINVAL,
				    "%s: 'threads' is for modules that block, '%s' doesn't",
				    settings->where, plugin->name);
	if (!(plugin->flags & GH_CONCURRENT) && settings->threads > 1)
		return gh_error_set(error, GH_EINVAL,
				    "%s: module '%s' can run on one thread only, not on %lld",
				    settings->where, plugin->name, (long long)settings->threads);
	instance->threads = settings->threads ? (unsigned)settings->threads
					      : (plugin->flags & GH_CONCURRENT ? THREADS : 1);
	return 0;
}

static int configure(struct gh_instance *instance, struct gh_error *error)
{
	const struct gh_plugin_settings *settings = instance->settings;
	int rc = gh_module_open(instance->hooks->loader, settings->module, &instance->module, error);

	if (rc) {
		gh_error_prefix(error, "%s", settings->where);
		return rc;
	}
	instance->plugin = gh_module_plugin(instance->module);
	rc = set_threads(instance, error);
	if (rc)
		return rc;
	return gh_section_fill(settings->section, &settings->place, instance->plugin->options,
			       instance->plugin->config_size, &instance->section, error);
}

int gh_instance_new(struct gh_runtime *runtime, const struct gh_plugin_settings *settings,
		    struct gh_instance **instance_r, struct gh_error *error)
{
	struct gh_instance *instance = gh_zalloc(sizeof(*instance));
	int rc;

	instance->api = &gh_host_table;
	instance->hooks = runtime->hooks;
	instance->runtime = runtime;
	instance->settings = settings;
	instance->name = settings->name;
	instance->realm = settings->realm;
	instance->on_error_next = settings->on_error_next;
	instance->max_pending = (unsigned)settings->max_pending;
	pthread_mutex_init(&instance->lock, NULL);
	rc = configure(instance, error);
	if (rc) {
		gh_instance_free(&instance);
		return rc;
	}
	gh_instance_make_series(instance);
	*instance_r = instance;
	return 0;
}

/* What create said, with the place of the option it named. */
static int create_failed(const struct gh_instance *instance, int code, struct gh_error *failure,
			 struct gh_error *error)
{
	const struct gh_plugin_settings *settings = instance->settings;
	const struct gh_conf_place *place = &settings->place;
	const char *text =
		failure->text[0] ? failure->text : "it could not be created and gives no reason";

	if (failure->option[0])
		place = gh_conf_locate(settings->section, failure->option);
	code = code < 0 ? code : GH_EINVAL;
	if (place->line)
		return gh_error_set(error, code, "%s:%u:%u: '%s': %s", place->file, place->line,
				    place->column, instance->name, text);
	return gh_error_set(error, code, "'%s': %s", instance->name, text);
}

int gh_instance_create(struct gh_instance *instance, const struct gh_instance *previous,
		       struct gh_error *error)
{
	struct gh_error failure = { .api = &gh_host_table };
	void *before = previous && gh_module_same(previous->module, instance->module) ? previous->self
										      : NULL;
	int rc;

	instance->creating = true;
	rc = instance->plugin->create((struct gh_host *)(void *)instance,
				      gh_section_config(instance->section), before, &instance->self,
				      &failure);
	instance->creating = false;
	if (rc)
		return create_failed(instance, rc, &failure, error);
	instance->created = true;
	return 0;
}

int gh_instance_start(struct gh_instance *instance, struct gh_error *error)
{
	if (!instance->blocking)
		return 0;
	if (gh_pool_new(instance, instance->threads, instance->max_pending, &instance->pool,
			error) == 0)
		return 0;
	gh_error_prefix(error, "%s: '%s'", instance->settings->where, instance->name);
	return GH_EIO;
}

void gh_instance_free(struct gh_instance **instance)
{
	struct gh_instance *gone = *instance;

	*instance = NULL;
	if (!gone)
		return;
	gh_pool_free(&gone->pool);
	if (gone->created)
		gone->plugin->destroy(gone->self);
	gh_section_free(&gone->section);
	gh_module_close(&gone->module);
	pthread_mutex_destroy(&gone->lock);
	free(gone);
}
