/* SPDX-License-Identifier: Apache-2.0 */
/* What is in force: instances of modules and the lists of each listener; immutable, replaced as a whole. */
#ifndef GH_HOOK_RUNTIME_H
#define GH_HOOK_RUNTIME_H

#include "hook/asker.h"
#include "hook/chain.h"
#include "hook/metrics.h"
#include "hook/module.h"

#include <stdatomic.h>

struct gh_conf_node;

/*
 * Life. C: control thread, W: each worker, between two turns.
 *
 *   C  gh_runtime_build(spec, previous)      all instances created, or none: nothing has happened
 *   C  takes it as its own current one; posts it to every worker
 *   W  gh_runtime_worker_start(new, asker)   thread_start; then new is its current one
 *   W  gh_runtime_worker_leave(old, asker)   after the swap: no new call into old by this worker
 *   C  gh_runtime_retire(&old)               when every worker has left (it has acknowledged the swap)
 *      ...                                   asks, exchanges and jobs of old end or meet their deadlines
 *      on_idle(old) is called, any thread    posts to C
 *   C  posts to every worker
 *   W  gh_runtime_worker_stop(old, asker)    thread_stop
 *   C  gh_runtime_free(&old)                 destroy, in reverse order of the file; files are unmapped
 *
 * At the end of the process the same way, without a new one: cancel what waits first.
 */
struct gh_runtime {
	uint64_t generation; /* 1, 2, ...: counts builds */
	void *settings;      /* the caller's: spec.settings */
	uint64_t events;     /* GH_EV_ bits that anybody wants */
	struct gh_instance **instances; /* in the order of the file */
	size_t instance_count;
	struct gh_policy *policies; /* by listener, in the order of spec.listeners */
	size_t policy_count;
	struct gh_hooks *hooks;
	uint64_t hook_timeout_ms;
	void (*free_settings)(void *settings);
	atomic_uint refs; /* holders: the control thread, workers, asks, exchanges, jobs */
};
struct gh_policy {
	const char *listener;
	struct gh_chain *authenticate, *authorize;
};

/* What belongs to the process, not to one configuration. */
struct gh_hooks {
	struct gh_loader *loader;
	struct gh_askers *askers;
	struct gh_metrics *metrics;
	/* Any thread: nobody holds the runtime any more. Post it to the control thread. */
	void (*on_idle)(void *arg, struct gh_runtime *runtime);
	void *arg;
	uint64_t builds; /* 0 at first; control thread */
};

/* The configuration's words; all borrowed for the call but settings. */
struct gh_instance_spec {
	const char *name;   /* key of its section */
	const char *module; /* NULL: the name */
	const char *realm;  /* NULL: the name */
	bool on_error_next;
	unsigned threads;     /* GH_BLOCKING: 0: 4, or 1 without GH_CONCURRENT */
	unsigned max_pending; /* 0: GH_MAX_PENDING */
	const struct gh_conf_node *section; /* the module's own options; NULL: none given */
	const char *where;
};
struct gh_listener_spec {
	const char *name;
	struct gh_list_spec authenticate, authorize;
};
struct gh_runtime_spec {
	const struct gh_instance_spec *instances;
	size_t instance_count;
	const struct gh_listener_spec *listeners;
	size_t listener_count;
	uint64_t hook_timeout_ms; /* 0: GH_HOOK_TIMEOUT_MS */
	void *settings;           /* kept in the runtime */
	void (*free_settings)(void *settings); /* by gh_runtime_free(); not called when the build fails. May be NULL */
};
#define GH_HOOK_TIMEOUT_MS 5000u
#define GH_MAX_PENDING 10000u

/*
 * Control thread. previous: the runtime in force, whose instances of the same name and file are shown to the new ones; NULL at
 * start. On failure nothing is left: instances that had been created are destroyed. The result is held once (C).
 */
int gh_runtime_build(struct gh_hooks *hooks, const struct gh_runtime_spec *spec, struct gh_runtime *previous,
		     struct gh_runtime **runtime_r, struct gh_error *error);

/* For whoever keeps a pointer to it or to one of its chains beyond a turn. Any thread. */
struct gh_runtime *gh_runtime_ref(struct gh_runtime *runtime);
void gh_runtime_unref(struct gh_runtime *runtime);

void gh_runtime_worker_start(struct gh_runtime *runtime, struct gh_asker *asker);
void gh_runtime_worker_leave(struct gh_runtime *runtime, struct gh_asker *asker);
void gh_runtime_worker_stop(struct gh_runtime *runtime, struct gh_asker *asker);

/* Drops the control thread's hold; the pointer is NULL afterwards, the runtime comes back by on_idle (maybe at once). */
void gh_runtime_retire(struct gh_runtime **runtime);
/* Control thread: idle, and every worker that started has stopped. Or: built and never started. */
void gh_runtime_free(struct gh_runtime **runtime);

const struct gh_policy *gh_runtime_policy(const struct gh_runtime *runtime, const char *listener); /* NULL: no such */
struct gh_instance *gh_runtime_instance(const struct gh_runtime *runtime, const char *name);

#endif
