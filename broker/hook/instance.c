/* SPDX-License-Identifier: Apache-2.0 */
/* Instances: loaded, configured, created, started, and the way back. */
#include "hook/instance_priv.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "hook/asker_priv.h"
#include "hook/call.h"
#include "hook/host.h"
#include "hook/isolate.h"
#include "hook/offload.h"

#include <stdio.h>
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

const char *gh_instance_file(const struct gh_instance *instance)
{
	if (instance->isolate)
		return gh_isolate_file(instance->isolate);
	return instance->module ? gh_module_file(instance->module) : "";
}

int gh_instance_pid(const struct gh_instance *instance)
{
	return instance->isolate ? gh_isolate_pid(instance->isolate) : -1;
}

const char *gh_instance_elsewhere(const struct gh_instance *instance)
{
	return instance->blocking ? "it blocks" : "it runs in a process of its own";
}

uint64_t gh_instance_generation(const struct gh_instance *instance)
{
	return instance->generation;
}

int64_t gh_instance_since(const struct gh_instance *instance)
{
	return instance->since;
}

bool gh_instance_disabled(const struct gh_instance *instance)
{
	return instance->disabled;
}

const char *gh_instance_off(const struct gh_instance *instance)
{
	return gh_off(instance);
}

const char *gh_hook_point_name(enum gh_hook_point point)
{
	static const char *const names[GH_HOOK_POINTS] = { "accept", "authenticate", "exchange",
							   "lookup", "authorize",    "publish",
							   "event" };

	return (unsigned)point < GH_HOOK_POINTS ? names[point] : "unknown";
}

const char *gh_store_call_name(enum gh_store_call call)
{
	static const char *const names[GH_STORE_CALLS] = { "load", "put", "erase", "fetch" };

	return (unsigned)call < GH_STORE_CALLS ? names[call] : "unknown";
}

/* ---- figures ---- */

/* call: NULL, or of the store. */
static struct gh_series *series_of(const struct gh_instance *instance, enum gh_metric_kind kind,
				   const char *name, const char *call, const char *help)
{
	struct gh_buf labels = { 0 };
	struct gh_series *made;

	gh_metrics_label(&labels, "instance", instance->name);
	if (call)
		gh_metrics_label(&labels, "call", call);
	gh_buf_u8(&labels, 0);
	made = gh_metrics_series(instance->hooks->metrics, kind, name, (char *)labels.p, help);
	gh_buf_done(&labels);
	return made;
}

static struct gh_series *series(const struct gh_instance *instance, enum gh_metric_kind kind,
				const char *name, const char *help)
{
	return series_of(instance, kind, name, NULL, help);
}

static void make_store(struct gh_instance *instance)
{
	for (unsigned i = 0; i < GH_STORE_CALLS; i++) {
		const char *call = gh_store_call_name((enum gh_store_call)i);

		instance->store[i] =
			series_of(instance, GH_COUNTER, "gatehouse_plugin_store_calls_total", call,
				  "What a store was asked.");
		instance->store_failures[i] =
			series_of(instance, GH_COUNTER, "gatehouse_plugin_store_failures_total",
				  call, "What a store could not do.");
	}
}

static void make_barriers(struct gh_instance *instance)
{
	instance->barriers = series(instance, GH_COUNTER, "gatehouse_plugin_barriers_total",
				    "Barriers that a module was told.");
	instance->barriers_open = series(instance, GH_GAUGE, "gatehouse_plugin_barriers_open",
					 "Barriers that wait for a module.");
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
	if (instance->plugin->store)
		make_store(instance);
	if (gh_call_has_barrier(instance))
		make_barriers(instance);
}

static uint64_t value_of(const struct gh_series *series)
{
	return series ? (uint64_t)gh_series_value(series) : 0;
}

void gh_instance_stats(const struct gh_instance *instance, struct gh_instance_stats *stats_r)
{
	*stats_r = (struct gh_instance_stats){ 0 };
	for (unsigned point = 0; point < GH_HOOK_POINTS; point++)
		for (unsigned i = GH_PASS; i <= GH_CONTINUE; i++) {
			uint64_t count = value_of(instance->answers[point][i]);

			stats_r->calls[point] += count;
			stats_r->verdicts[i] += count;
		}
	for (unsigned i = 0; i < GH_STORE_CALLS; i++)
		stats_r->store[i] = value_of(instance->store[i]);
	stats_r->barriers = value_of(instance->barriers);
	stats_r->calls[GH_HOOK_EVENT] = value_of(instance->told);
	stats_r->timeouts = value_of(instance->timeouts);
	stats_r->pending = atomic_load_explicit(&instance->pending, memory_order_relaxed);
	stats_r->threads = instance->pool ? instance->threads : 0;
	stats_r->queued = instance->pool ? gh_pool_queued(instance->pool) : 0;
	stats_r->running = instance->pool ? gh_pool_running(instance->pool) : 0;
}

/* ---- made ---- */

static int set_threads(struct gh_instance *instance, struct gh_error *error)
{
	const struct gh_plugin *plugin = instance->plugin;
	const struct gh_plugin_settings *settings = instance->settings;

	instance->blocking = instance->elsewhere = plugin->flags & GH_BLOCKING;
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

static int isolate(struct gh_instance *instance, struct gh_error *error)
{
	int rc = gh_isolate_new(instance, &instance->isolate, error);

	if (rc)
		return rc;
	instance->plugin = gh_isolate_plugin(instance->isolate);
	instance->elsewhere = true;
	return 0;
}

static int configure(struct gh_instance *instance, struct gh_module *module, struct gh_error *error)
{
	const struct gh_plugin_settings *settings = instance->settings;
	int rc = 0;

	if (settings->isolate)
		return isolate(instance, error);
	if (module)
		instance->module = gh_module_ref(module);
	else
		rc = gh_module_open(instance->hooks->loader, settings->module, &instance->module,
				    error);
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

void gh_instance_init(struct gh_instance *instance)
{
	pthread_mutex_init(&instance->lock, NULL);
	pthread_mutex_init(&instance->directory_lock, NULL);
	gh_work_init(instance);
}

static struct gh_instance *blank(struct gh_runtime *runtime, const struct gh_plugin_settings *settings)
{
	struct gh_instance *instance = gh_zalloc(sizeof(*instance));

	instance->api = &gh_host_table;
	instance->hooks = runtime->hooks;
	atomic_init(&instance->refs, 1);
	instance->generation = runtime->generation;
	instance->since = gh_clock_wall_us() / 1000000;
	instance->held = gh_settings_ref(runtime->settings);
	instance->settings = settings;
	instance->name = settings->name;
	instance->realm = settings->realm;
	instance->on_error_next = settings->on_error_next;
	instance->max_pending = (unsigned)settings->max_pending;
	gh_instance_init(instance);
	return instance;
}

int gh_instance_new(struct gh_runtime *runtime, const struct gh_plugin_settings *settings,
		    struct gh_module *module, struct gh_instance **instance_r, struct gh_error *error)
{
	struct gh_instance *instance = blank(runtime, settings);
	int rc = configure(instance, module, error);

	if (rc) {
		gh_instance_free(&instance);
		return rc;
	}
	gh_instance_make_series(instance);
	*instance_r = instance;
	return 0;
}

/* Its module's file is unmapped: of the descriptor only copies stay, and of its functions whether they were there. */
static void keep_shape(struct gh_plugin *shape, const struct gh_plugin *plugin)
{
	*shape = (struct gh_plugin){ .size = sizeof(*shape),
				     .abi = plugin->abi,
				     .flags = GH_CONCURRENT,
				     .name = gh_strdup(plugin->name),
				     .version = gh_strdup(plugin->version),
				     .summary = "disabled",
				     .accept = plugin->accept,
				     .authenticate = plugin->authenticate,
				     .exchange = plugin->exchange,
				     .exchange_end = plugin->exchange_end,
				     .lookup = plugin->lookup,
				     .authorize = plugin->authorize,
				     .handshake = plugin->handshake,
				     .psk = plugin->psk,
				     .publish = plugin->publish,
				     .barrier = plugin->barrier };
}

struct gh_instance *gh_instance_new_disabled(struct gh_runtime *runtime,
					     const struct gh_plugin_settings *settings,
					     const struct gh_plugin *plugin)
{
	struct gh_instance *instance = blank(runtime, settings);

	keep_shape(&instance->shape, plugin);
	instance->plugin = &instance->shape;
	instance->disabled = true;
	/* What somebody has switched off is no error to be passed over: that could open what it has kept shut. */
	instance->on_error_next = false;
	atomic_store(&instance->off, "disabled");
	gh_instance_make_series(instance);
	return instance;
}

/* Which there are, as far as there is room. */
static const char *some(const char *const *names, size_t count, char *text, size_t size)
{
	size_t n = (size_t)snprintf(text, size, count ? ", which has" : ", which is empty");

	for (size_t i = 0; i < count; i++) {
		if (n + strlen(names[i]) + sizeof(", 'and others'") >= size) {
			snprintf(text + n, size - n, " and others");
			break;
		}
		n += (size_t)snprintf(text + n, size - n, "%s '%s'", i ? "," : "", names[i]);
	}
	return text;
}

int gh_instance_unknown(struct gh_instance *const *instances, size_t count, const char *name,
			struct gh_error *error)
{
	const char **names = gh_alloc_array(count, sizeof(*names));
	const char *nearest;
	char text[256];

	for (size_t i = 0; i < count; i++)
		names[i] = instances[i]->name;
	nearest = gh_str_nearest(name, names, count);
	if (nearest)
		gh_error_set(error, GH_ENOENT, "there is no '%s' in plugins: did you mean '%s'?",
			     name, nearest);
	else
		gh_error_set(error, GH_ENOENT, "there is no '%s' in plugins%s", name,
			     some(names, count, text, sizeof(text)));
	free(names);
	return GH_ENOENT;
}

/* ---- created ---- */

/* What the module said, with the place of the option it named. */
static int module_failed(const struct gh_instance *instance, int code,
			 const struct gh_error *failure, struct gh_error *error)
{
	const struct gh_plugin_settings *settings = instance->settings;
	const struct gh_conf_place *place = &settings->place;
	const char *text = failure->text[0] ? failure->text : "it failed and gives no reason";

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

	if (instance->isolate) {
		instance->self = instance->isolate;
		return gh_isolate_create(instance->isolate, &instance->events, error);
	}
	gh_work_prepare(instance);
	gh_offload_hold(instance);
	gh_here()->creating = instance;
	rc = instance->plugin->create((struct gh_host *)(void *)instance,
				      gh_section_config(instance->section), before, &instance->self,
				      &failure);
	gh_here()->creating = NULL;
	if (rc)
		instance->self = NULL;
	gh_offload_release(instance);
	if (rc)
		return module_failed(instance, rc, &failure, error);
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

/* ---- at work ---- */

struct gh_instance *gh_instance_ref(struct gh_instance *instance)
{
	atomic_fetch_add_explicit(&instance->refs, 1, memory_order_relaxed);
	return instance;
}

bool gh_instance_ref_if_held(struct gh_instance *instance)
{
	unsigned refs = atomic_load_explicit(&instance->refs, memory_order_relaxed);

	while (refs > 0)
		if (atomic_compare_exchange_weak_explicit(&instance->refs, &refs, refs + 1,
							  memory_order_relaxed, memory_order_relaxed))
			return true;
	return false;
}

void gh_instance_unref(struct gh_instance *instance)
{
	struct gh_hooks *hooks = instance->hooks;

	if (atomic_fetch_sub_explicit(&instance->refs, 1, memory_order_acq_rel) == 1)
		hooks->on_instance_idle(hooks->arg, instance);
}

/* A worker runs hooks of this instance: all of one that doesn't block, of others event, barrier and the store. */
static bool runs_here(const struct gh_instance *instance)
{
	const struct gh_plugin *plugin = instance->plugin;

	return !instance->blocking || plugin->event || plugin->barrier || plugin->store;
}

/* Its place among those that have started; their count: it has not. */
static size_t place(const struct gh_asker *asker, const struct gh_instance *instance)
{
	size_t i = 0;

	while (i < asker->started_count && asker->started[i] != instance)
		i++;
	return i;
}

void gh_instance_worker_start(struct gh_instance *instance, struct gh_asker *asker)
{
	if (place(asker, instance) < asker->started_count)
		return;
	asker->started =
		gh_realloc_array(asker->started, asker->started_count + 1, sizeof(*asker->started));
	asker->started[asker->started_count++] = instance;
	atomic_store(&instance->in_force, true);
	if (instance->isolate)
		gh_isolate_start(instance->isolate);
	if (runs_here(instance))
		gh_work_open(instance, asker);
	if (instance->plugin->thread_start && runs_here(instance))
		instance->locals[asker->index] = instance->plugin->thread_start(instance->self);
}

void gh_instance_worker_stop(struct gh_instance *instance, struct gh_asker *asker)
{
	size_t at = place(asker, instance);

	if (at == asker->started_count)
		return;
	asker->started_count--;
	memmove(&asker->started[at], &asker->started[at + 1],
		(asker->started_count - at) * sizeof(*asker->started));
	gh_work_shut(instance, asker);
	if (instance->plugin->thread_stop && runs_here(instance))
		instance->plugin->thread_stop(instance->self, instance->locals[asker->index]);
	instance->locals[asker->index] = NULL;
}

void gh_instances_worker_stop(struct gh_asker *asker)
{
	while (asker->started_count)
		gh_instance_worker_stop(asker->started[asker->started_count - 1], asker);
}

static void fail(struct gh_instance *instance, const char *text)
{
	instance->failure = gh_strdup(text);
	atomic_store_explicit(&instance->off, instance->failure, memory_order_release);
}

void gh_instance_was_alone_said(struct gh_instance *instance, const char *failure)
{
	if (failure)
		fail(instance, failure);
	instance->hooks->on_alone(instance->hooks->arg, instance);
}

static const char down[] = "its process has ended, and is started again";

void gh_instance_is_down(struct gh_instance *instance)
{
	const char *up = NULL;

	atomic_compare_exchange_strong(&instance->off, &up, down);
}

void gh_instance_is_up(struct gh_instance *instance)
{
	const char *was = down;

	atomic_compare_exchange_strong(&instance->off, &was, NULL);
}

void gh_instance_missed(const struct gh_instance *instance)
{
	if (gh_off(instance) == down)
		gh_isolate_miss(instance->isolate);
}

static void be_alone(struct gh_instance *instance)
{
	struct gh_error failure = { .api = &gh_host_table };
	int rc = atomic_load(&instance->retired) ? 0 : gh_call_alone(instance, &failure);
	struct gh_error error;

	if (rc)
		module_failed(instance, rc, &failure, &error);
	gh_instance_was_alone_said(instance, rc ? error.text : NULL);
}

static void alone_run(struct gh_job *job)
{
	be_alone(gh_container(job, struct gh_instance, alone));
}

static void alone_free(struct gh_job *job)
{
	gh_instance_unref(gh_container(job, struct gh_instance, alone));
}

bool gh_instance_alone(struct gh_instance *instance)
{
	static const uint8_t nowhere[16];
	struct gh_job *job = &instance->alone;

	if (instance->alone_begun || instance->disabled)
		return false;
	instance->alone_begun = true;
	if (instance->isolate)
		return gh_isolate_alone(instance->isolate);
	if (!instance->plugin->alone)
		return false;
	if (!instance->blocking) {
		be_alone(instance);
		return true;
	}
	gh_instance_ref(instance);
	gh_job_init(job, alone_run, alone_free);
	gh_pool_submit_always(instance->pool, nowhere, job);
	gh_job_unref(&job);
	return true;
}

void gh_instance_retire(struct gh_instance *instance)
{
	atomic_store(&instance->retired, true);
}

bool gh_instance_retired(const struct gh_instance *instance)
{
	return atomic_load(&instance->retired);
}

void gh_instance_free(struct gh_instance **instance)
{
	struct gh_instance *gone = *instance;

	*instance = NULL;
	if (!gone)
		return;
	gh_work_shut_control(gone);
	gh_isolate_free(&gone->isolate);
	gh_pool_free(&gone->pool);
	gh_offload_end(gone);
	if (gone->created)
		gone->plugin->destroy(gone->self);
	gh_section_free(&gone->section);
	gh_module_close(&gone->module);
	if (gone->disabled) {
		free((char *)gone->shape.name);
		free((char *)gone->shape.version);
	}
	free(gone->failure);
	gh_settings_free(&gone->held);
	pthread_mutex_destroy(&gone->lock);
	pthread_mutex_destroy(&gone->directory_lock);
	free(gone->directory);
	free(gone);
}
