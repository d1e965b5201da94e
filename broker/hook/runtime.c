/* SPDX-License-Identifier: Apache-2.0 */
/* Runtimes: built as a whole or not at all, and taken down when nobody holds them. */
#include "hook/runtime.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "hook/asker_priv.h"
#include "hook/attach.h"
#include "hook/barrier.h"
#include "hook/call.h"
#include "hook/instance_priv.h"
#include "hook/storage.h"

#include <stdlib.h>
#include <string.h>

/* ---- building ---- */

/* How this instance comes into a runtime that follows another. */
struct plan {
	struct gh_runtime *previous;
	bool whole; /* all are made anew; else one at most */
	const char *name;
	enum gh_runtime_change change;
};

static struct gh_instance *before(const struct plan *plan, const char *name)
{
	return plan->previous ? gh_runtime_instance(plan->previous, name) : NULL;
}

static bool is_shared(const struct plan *plan, const struct gh_plugin_settings *settings)
{
	const struct gh_instance *old = before(plan, settings->name);

	/* What a store has taken for itself, another one of its kind couldn't take. */
	if (plan->whole)
		return old && old == plan->previous->store &&
		       gh_plugin_settings_same(old->settings, settings);
	return plan->change == GH_CHANGE_NONE || strcmp(plan->name, settings->name) != 0;
}

/* Loaded and configured, so that what is wrong with it is told; then its file is let go. */
static int load_disabled(struct gh_runtime *runtime, const struct gh_plugin_settings *settings,
			 struct gh_instance **instance_r, struct gh_error *error)
{
	struct gh_instance *checked;
	int rc = gh_instance_new(runtime, settings, NULL, &checked, error);

	if (rc)
		return rc;
	*instance_r = gh_instance_new_disabled(runtime, settings, checked->plugin);
	gh_instance_free(&checked);
	return 0;
}

static int load(struct gh_runtime *runtime, const struct plan *plan,
		const struct gh_plugin_settings *settings, struct gh_instance **instance_r,
		struct gh_error *error)
{
	struct gh_instance *old = before(plan, settings->name);
	struct gh_module *module = NULL;

	if (is_shared(plan, settings)) {
		*instance_r = gh_instance_ref(old);
		return 0;
	}
	if (plan->change == GH_CHANGE_DISABLE) {
		*instance_r = gh_instance_new_disabled(runtime, settings, old->plugin);
		return 0;
	}
	if (plan->whole && old && old->disabled)
		return load_disabled(runtime, settings, instance_r, error);
	if (plan->change == GH_CHANGE_RELOAD)
		module = old->module;
	return gh_instance_new(runtime, settings, module, instance_r, error);
}

static int load_all(struct gh_runtime *runtime, const struct plan *plan, struct gh_error *error)
{
	const struct gh_settings *settings = runtime->settings;

	runtime->instances = gh_alloc_array(settings->plugin_count, sizeof(struct gh_instance *));
	for (size_t i = 0; i < settings->plugin_count; i++) {
		int rc = load(runtime, plan, &settings->plugins[i], &runtime->instances[i], error);

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
		if (!rc)
			rc = gh_chain_build(GH_LIST_MESSAGE, &listener->message, runtime,
					    runtime->instances, runtime->instance_count,
					    &policy->message, error);
		if (rc)
			return rc;
	}
	return 0;
}

static bool is_listed(const struct gh_runtime *runtime, const struct gh_instance *instance)
{
	for (size_t i = 0; i < runtime->policy_count; i++)
		if (gh_chain_has(runtime->policies[i].authenticate, instance) ||
		    gh_chain_has(runtime->policies[i].authorize, instance) ||
		    gh_chain_has(runtime->policies[i].message, instance))
			return true;
	return false;
}

static int count_barriers(struct gh_runtime *runtime, struct gh_error *error)
{
	for (size_t i = 0; i < runtime->instance_count; i++)
		if (gh_call_has_barrier(runtime->instances[i]) &&
		    runtime->barrier_count++ == GH_BARRIER_INSTANCES)
			return gh_error_set(error, GH_EINVAL,
					    "%s: more than %u instances with a barrier",
					    runtime->settings->plugins[i].where,
					    GH_BARRIER_INSTANCES);
	return 0;
}

/* One of them may be NULL. */
static int other_store(const struct gh_instance *now, const struct gh_instance *then,
		       struct gh_error *error)
{
	if (then)
		return gh_error_set(
			error, GH_EINVAL,
			"%s: the store ('%s') can't change while the broker runs: restart needed",
			then->settings->where, then->name);
	return gh_error_set(
		error, GH_EINVAL,
		"%s: the store ('%s') stood here, and can't go while the broker runs: restart needed",
		now->settings->where, now->name);
}

static int find_store(struct gh_runtime *runtime, const struct plan *plan, struct gh_error *error)
{
	const struct gh_instance *now = plan->previous ? plan->previous->store : NULL;

	for (size_t i = 0; i < runtime->instance_count; i++) {
		struct gh_instance *instance = runtime->instances[i];

		if (!instance->plugin->store)
			continue;
		if (runtime->store)
			return gh_error_set(error, GH_EINVAL,
					    "%s: '%s' is a store, and so is '%s': there can be one",
					    instance->settings->where, instance->name,
					    runtime->store->name);
		runtime->store = instance;
	}
	return plan->previous && now != runtime->store ? other_store(now, runtime->store, error) : 0;
}

/* Rules that nobody asks look as if they were in force. */
static void warn_of_unlisted(const struct gh_runtime *runtime)
{
	for (size_t i = 0; i < runtime->instance_count; i++) {
		const struct gh_instance *instance = runtime->instances[i];

		if ((gh_call_has(instance, GH_HOOK_AUTHENTICATE) ||
		     gh_call_has(instance, GH_HOOK_EXCHANGE) ||
		     gh_call_has(instance, GH_HOOK_AUTHORIZE) ||
		     gh_call_has(instance, GH_HOOK_PUBLISH)) &&
		    !is_listed(runtime, instance))
			gh_log_warning("%s: '%s' stands in no listener's list: nobody asks it",
				       runtime->settings->plugins[i].where, instance->name);
	}
}

static bool is_new(const struct gh_runtime *runtime, const struct gh_instance *instance)
{
	return instance->generation == runtime->generation;
}

/* Before all others: they may ask in create what they have kept. */
static int create_store(struct gh_runtime *runtime, struct gh_error *error)
{
	int rc;

	if (!runtime->store || !is_new(runtime, runtime->store))
		return 0;
	rc = gh_instance_create(runtime->store, NULL, error);
	if (!rc && runtime->hooks->storage)
		rc = gh_storage_open(runtime->hooks->storage, runtime->store, error);
	return rc;
}

static int create_all(struct gh_runtime *runtime, const struct plan *plan, struct gh_error *error)
{
	int rc = create_store(runtime, error);

	for (size_t i = 0; i < runtime->instance_count && !rc; i++) {
		struct gh_instance *instance = runtime->instances[i];

		if (is_new(runtime, instance) && !instance->disabled && instance != runtime->store)
			rc = gh_instance_create(instance, before(plan, instance->name), error);
		runtime->events |= instance->events;
	}
	for (size_t i = 0; i < runtime->instance_count && !rc; i++)
		if (is_new(runtime, runtime->instances[i]) && !runtime->instances[i]->disabled)
			rc = gh_instance_start(runtime->instances[i], error);
	return rc;
}

static int build(struct gh_hooks *hooks, struct gh_settings *settings, const struct plan *plan,
		 struct gh_runtime **runtime_r, struct gh_error *error)
{
	struct gh_runtime *runtime = gh_zalloc(sizeof(*runtime));
	int rc;

	atomic_init(&runtime->refs, 1);
	runtime->hooks = hooks;
	runtime->settings = settings;
	runtime->generation = ++hooks->builds;
	runtime->built_ms = gh_clock_ms();
	rc = load_all(runtime, plan, error);
	if (!rc)
		rc = build_lists(runtime, error);
	if (!rc)
		rc = find_store(runtime, plan, error);
	if (!rc)
		rc = count_barriers(runtime, error);
	if (!rc)
		rc = create_all(runtime, plan, error);
	if (rc) {
		runtime->settings = NULL;
		gh_runtime_discard(&runtime);
		return rc;
	}
	*runtime_r = runtime;
	return 0;
}

int gh_runtime_build(struct gh_hooks *hooks, struct gh_settings *settings,
		     struct gh_runtime *previous, struct gh_runtime **runtime_r,
		     struct gh_error *error)
{
	struct plan plan = { .previous = previous, .whole = true };
	int rc = build(hooks, settings, &plan, runtime_r, error);

	if (!rc)
		warn_of_unlisted(*runtime_r);
	return rc;
}

int gh_runtime_find(const struct gh_runtime *runtime, const char *name, struct gh_error *error)
{
	return gh_runtime_instance(runtime, name)
		       ? 0
		       : gh_instance_unknown(runtime->instances, runtime->instance_count, name,
					     error);
}

static int check_change(const struct gh_runtime *previous, const char *name,
			enum gh_runtime_change change, struct gh_error *error)
{
	int rc = gh_runtime_find(previous, name, error);

	if (rc)
		return rc;
	if (gh_runtime_instance(previous, name) == previous->store)
		return gh_error_set(
			error, GH_EINVAL,
			"'%s' is the store: it can't change while the broker runs: restart needed",
			name);
	if (change == GH_CHANGE_DISABLE && gh_runtime_instance(previous, name)->disabled)
		return gh_error_set(error, GH_EINVAL, "'%s' is disabled already", name);
	if (change == GH_CHANGE_ENABLE && !gh_runtime_instance(previous, name)->disabled)
		return gh_error_set(error, GH_EINVAL, "'%s' isn't disabled", name);
	return 0;
}

int gh_runtime_change(struct gh_runtime *previous, const char *name, enum gh_runtime_change change,
		      struct gh_runtime **runtime_r, struct gh_error *error)
{
	struct plan plan = { .previous = previous, .name = name, .change = change };
	struct gh_settings *settings;
	int rc = change == GH_CHANGE_NONE ? 0 : check_change(previous, name, change, error);

	if (rc)
		return rc;
	settings = gh_settings_ref(previous->settings);
	rc = build(previous->hooks, settings, &plan, runtime_r, error);
	if (rc)
		gh_settings_free(&settings);
	return rc;
}

static void runtime_free(struct gh_runtime *gone)
{
	for (size_t i = 0; i < gone->policy_count; i++) {
		gh_chain_free(&gone->policies[i].authenticate);
		gh_chain_free(&gone->policies[i].authorize);
		gh_chain_free(&gone->policies[i].message);
	}
	free(gone->policies);
	free(gone->instances);
	gh_settings_free(&gone->settings);
	free(gone);
}

void gh_runtime_free(struct gh_runtime **runtime)
{
	struct gh_runtime *gone = *runtime;

	*runtime = NULL;
	for (size_t i = gone->instance_count; i-- > 0;)
		gh_instance_unref(gone->instances[i]);
	runtime_free(gone);
}

static void discard(struct gh_runtime *gone, struct gh_instance *instance)
{
	if (is_new(gone, instance))
		gh_instance_free(&instance);
	else
		gh_instance_unref(instance);
}

void gh_runtime_discard(struct gh_runtime **runtime)
{
	struct gh_runtime *gone = *runtime;
	struct gh_storage *storage = gone->hooks->storage;

	*runtime = NULL;
	for (size_t i = gone->instance_count; i-- > 0;)
		if (gone->instances[i] != gone->store)
			discard(gone, gone->instances[i]);
	/* The last: until then others may keep something. */
	if (gone->store && is_new(gone, gone->store) && gh_storage_instance(storage) == gone->store)
		gh_storage_close(storage);
	if (gone->store)
		discard(gone, gone->store);
	runtime_free(gone);
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

void gh_runtime_worker_start(struct gh_runtime *runtime, struct gh_asker *asker)
{
	gh_runtime_ref(runtime);
	asker->runtime = runtime;
	for (size_t i = 0; i < runtime->instance_count; i++)
		gh_instance_worker_start(runtime->instances[i], asker);
}

void gh_runtime_worker_leave(struct gh_runtime *runtime, struct gh_asker *asker)
{
	if (asker->runtime != runtime)
		gh_attachments_sweep(asker);
	gh_runtime_unref(runtime);
}

void gh_runtime_control_start(struct gh_runtime *runtime)
{
	for (size_t i = 0; i < runtime->instance_count; i++)
		gh_work_open_control(runtime->instances[i]);
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
