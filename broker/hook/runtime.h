/* SPDX-License-Identifier: Apache-2.0 */
/* What is in force: instances of modules and the lists of each listener; immutable, replaced as a
 * whole. */
#ifndef GH_HOOK_RUNTIME_H
#define GH_HOOK_RUNTIME_H

#include "conf/settings.h"
#include "hook/asker.h"
#include "hook/chain.h"
#include "hook/metrics.h"
#include "hook/module.h"

#include <stdatomic.h>

/*
 * Life. C: control thread, W: each worker, between two turns.
 *
 *   C  gh_runtime_build(settings, previous)  all instances created, or none: nothing happened
 *   C  takes it as its own; posts it to every worker
 *   W  gh_runtime_worker_start(new, asker)    thread_start; then new is its current one
 *   W  gh_runtime_worker_leave(old, asker)    after the swap: no new call into old by this worker
 *   C  gh_runtime_retire(&old)                when every worker has left it (acknowledged)
 *      ...                                    asks, exchanges, jobs of old end or time out
 *      on_idle(old) is called, any thread     posts to C
 *   C  posts to every worker
 *   W  gh_runtime_worker_stop(old, asker)     thread_stop
 *   C  gh_runtime_free(&old)                  destroy, last of the file first; files are unmapped
 *
 * At the end of the process the same way, without a new one: cancel what waits first.
 */
struct gh_runtime {
	uint64_t generation;            /* 1, 2, ...: counts builds */
	uint64_t built_ms;              /* monotonic */
	struct gh_settings *settings;   /* what it was built of; its own */
	uint64_t events;                /* GH_EV_ bits that anybody wants */
	struct gh_instance **instances; /* in the order of the file */
	size_t instance_count;
	struct gh_policy *policies; /* by listener, in the order of settings->listeners */
	size_t policy_count;
	struct gh_hooks *hooks;
	atomic_uint refs;     /* holders: the control thread, workers, asks, exchanges, jobs */
	atomic_bool in_force; /* a worker has begun with it: its instances may act */
};
struct gh_policy {
	const char *listener; /* its name */
	struct gh_chain *authenticate, *authorize;
};

struct gh_acts; /* hook/acts.h */

/* What belongs to the process, not to one configuration. */
struct gh_hooks {
	struct gh_loader *loader;
	struct gh_askers *askers;
	struct gh_metrics *metrics;
	/* Any thread: nobody holds the runtime any more. Post it to the control thread. */
	void (*on_idle)(void *arg, struct gh_runtime *runtime);
	void *arg;
	uint64_t builds;            /* 0 at first; control thread */
	const struct gh_acts *acts; /* what modules may do to the broker; NULL: nothing */
	void *acts_arg;
};

/*
 * Control thread. previous: the runtime in force, whose instances of the same name and file are
 * shown to the new ones; NULL at start. On failure nothing is left: instances that had been created
 * are destroyed, settings are the caller's; else they are the runtime's. The result is held once
 * (C). Errors begin with where it stands in the file.
 */
int gh_runtime_build(struct gh_hooks *hooks, struct gh_settings *settings,
		     struct gh_runtime *previous, struct gh_runtime **runtime_r,
		     struct gh_error *error);

/* For whoever keeps a pointer to it or to one of its chains beyond a turn. Any thread. */
struct gh_runtime *gh_runtime_ref(struct gh_runtime *runtime);
void gh_runtime_unref(struct gh_runtime *runtime);

void gh_runtime_worker_start(struct gh_runtime *runtime, struct gh_asker *asker);
void gh_runtime_worker_leave(struct gh_runtime *runtime, struct gh_asker *asker);
void gh_runtime_worker_stop(struct gh_runtime *runtime, struct gh_asker *asker);

/* Drops the control thread's hold; the pointer is NULL afterwards, the runtime comes back by
 * on_idle (maybe at once). */
void gh_runtime_retire(struct gh_runtime **runtime);
/* Control thread: idle, and every worker that started has stopped. Or: built and never started. */
void gh_runtime_free(struct gh_runtime **runtime);

const struct gh_policy *gh_runtime_policy(const struct gh_runtime *runtime,
					  const char *listener); /* NULL: no such */
struct gh_instance *gh_runtime_instance(const struct gh_runtime *runtime, const char *name);

#endif
