/* SPDX-License-Identifier: Apache-2.0 */
/* Runtimes: built as a whole or not at all, and taken down when nobody holds them. */
#include "hook/runtime.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "hook/asker_priv.h"
#include "hook/attach.h"
#include "hook/call.h"
#include "hook/instance_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- building ---- */

static int load_all(struct gh_runtime *runtime, struct gh_error *error)
{
	const struct gh_settings *settings = runtime->settings;

	runtime->instances = gh_alloc_array(settings->plugin_count, sizeof(struct gh_instance *));
	for (size_t i = 0; i < settings->plugin_count; i++) {
		int rc = gh_instance_new(runtime, &settings->plugins[i], &runtime->instances[i],
					 error);

		if (rc)
			return rc;
		runtime->instance_count++;
	}
	return 0;
}

static int build_lists(struct gh_runtime *runtime, struct gh_error *error)
{
	const struct gh_settings *settings = runtime->settings;

	runtime->policies = gh_zalloc(settings->listener_count * sizeof(struct gh_policy));
	runtime->policy_count = settings->listener_count;
	for (size_t i = 0; i < settings->listener_count; i++) {
		const struct gh_listener_settings *listener = &settings->listeners[i];
		struct gh_policy *policy = &runtime->policies[i];
		int rc;

		policy->listener = listener->name;
		rc = gh_chain_build(GH_LIST_AUTHENTICATE, &listener->authenticate, runtime,
				    runtime->instances, runtime->instance_count,
				    &policy->authenticate, error);
		if (!rc)
			rc = gh_chain_build(GH_LIST_AUTHORIZE, &listener->authorize, runtime,
					    runtime->instances, runtime->instance_count,
					    &policy->authorize, error);
		if (rc)
			return rc;
	}
	return 0;
}

static bool is_listed(const struct gh_runtime *runtime, const struct gh_instance *instance)
{
	for (size_t i = 0; i < runtime->policy_count; i++)
		if (gh_chain_has(runtime->policies[i].authenticate, instance) ||
		    gh_chain_has(runtime->policies[i].authorize, instance))
			return true;
	return false;
}

/* Rules that nobody asks look as if they were in force. */
static void warn_of_unlisted(const struct gh_runtime *runtime)
{
	for (size_t i = 0; i < runtime->instance_count; i++) {
		const struct gh_instance *instance = runtime->instances[i];

		if ((gh_call_has(instance, GH_HOOK_AUTHENTICATE) ||
		     gh_call_has(instance, GH_HOOK_EXCHANGE) ||
		     gh_call_has(instance, GH_HOOK_AUTHORIZE)) &&
		    !is_listed(runtime, instance))
			gh_log_warning("%s: '%s' stands in no listener's list: nobody asks it",
				       runtime->settings->plugins[i].where, instance->name);
	}
}

static int create_all(struct gh_runtime *runtime, const struct gh_runtime *previous,
		      struct gh_error *error)
{
	int rc = 0;

	for (size_t i = 0; i < runtime->instance_count && !rc; i++) {
		struct gh_instance *instance = runtime->instances[i];

		rc = gh_instance_create(
			instance, previous ? gh_runtime_instance(previous, instance->name) : NULL,
			error);
		runtime->events |= instance->events;
	}
	for (size_t i = 0; i < runtime->instance_count && !rc; i++)
		rc = gh_instance_start(runtime->instances[i], error);
	return rc;
}

int gh_runtime_build(struct gh_hooks *hooks, struct gh_settings *settings,
		     struct gh_runtime *previous, struct gh_runtime **runtime_r,
		     struct gh_error *error)
{
	struct gh_runtime *runtime = gh_zalloc(sizeof(*runtime));
	int rc;

	atomic_init(&runtime->refs, 1);
	runtime->hooks = hooks;
	runtime->settings = settings;
	runtime->generation = ++hooks->builds;
	runtime->built_ms = gh_clock_ms();
	rc = load_all(runtime, error);
	if (!rc)
		rc = build_lists(runtime, error);
	if (!rc)
		rc = create_all(runtime, previous, error);
	if (rc) {
		runtime->settings = NULL;
		gh_runtime_free(&runtime);
		return rc;
	}
	warn_of_unlisted(runtime);
	*runtime_r = runtime;
	return 0;
}

void gh_runtime_free(struct gh_runtime **runtime)
{
	struct gh_runtime *gone = *runtime;

	*runtime = NULL;
	if (!gone)
		return;
	for (size_t i = gone->instance_count; i-- > 0;)
		gh_instance_free(&gone->instances[i]);
	for (size_t i = 0; i < gone->policy_count; i++) {
		gh_chain_free(&gone->policies[i].authenticate);
		gh_chain_free(&gone->policies[i].authorize);
	}
	free(gone->policies);
	free(gone->instances);
	gh_settings_free(&gone->settings);
	free(gone);
}

/* ---- holding ---- */

struct gh_runtime *gh_runtime_ref(struct gh_runtime *runtime)
{
	atomic_fetch_add_explicit(&runtime->refs, 1, memory_order_relaxed);
	return runtime;
}

void gh_runtime_unref(struct gh_runtime *runtime)
{
	struct gh_hooks *hooks = runtime->hooks;

	if (atomic_fetch_sub_explicit(&runtime->refs, 1, memory_order_acq_rel) == 1)
		hooks->on_idle(hooks->arg, runtime);
}

void gh_runtime_retire(struct gh_runtime **runtime)
{
	struct gh_runtime *gone = *runtime;

	*runtime = NULL;
	if (gone)
		gh_runtime_unref(gone);
}

/* A worker runs hooks of this instance: all of one that doesn't block, of others only the event. */
static bool runs_here(const struct gh_instance *instance)
{
	return !instance->blocking || instance->plugin->event;
}

void gh_runtime_worker_start(struct gh_runtime *runtime, struct gh_asker *asker)
{
	gh_runtime_ref(runtime);
	atomic_store(&runtime->in_force, true);
	asker->runtime = runtime;
	for (size_t i = 0; i < runtime->instance_count; i++) {
		struct gh_instance *instance = runtime->instances[i];

		if (instance->plugin->thread_start && runs_here(instance))
			instance->locals[gh_asker_index(asker)] =
				instance->plugin->thread_start(instance->self);
	}
}

void gh_runtime_worker_leave(struct gh_runtime *runtime, struct gh_asker *asker)
{
	if (asker->runtime != runtime)
		gh_attachments_sweep(asker);
	gh_runtime_unref(runtime);
}

void gh_runtime_worker_stop(struct gh_runtime *runtime, struct gh_asker *asker)
{
	for (size_t i = 0; i < runtime->instance_count; i++) {
		struct gh_instance *instance = runtime->instances[i];
		void **local = &instance->locals[gh_asker_index(asker)];

		if (instance->plugin->thread_stop && runs_here(instance))
			instance->plugin->thread_stop(instance->self, *local);
		*local = NULL;
	}
}

/* ---- looking up ---- */

const struct gh_policy *gh_runtime_policy(const struct gh_runtime *runtime, const char *listener)
{
	for (size_t i = 0; i < runtime->policy_count; i++)
		if (strcmp(runtime->policies[i].listener, listener) == 0)
			return &runtime->policies[i];
	return NULL;
}

struct gh_instance *gh_runtime_instance(const struct gh_runtime *runtime, const char *name)
{
	for (size_t i = 0; i < runtime->instance_count; i++)
		if (strcmp(runtime->instances[i]->name, name) == 0)
			return runtime->instances[i];
	return NULL;
}
