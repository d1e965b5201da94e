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
 * Life. C: control thread, B: a thread of its own (at the start the control thread), W: each worker, between two turns.
 *
 *   B  gh_runtime_build(settings, previous)  all instances created, or none: nothing happened
 *      gh_runtime_change(previous, name)     this one created anew, the others are shared by both runtimes
 *   C  takes it as its own; gh_runtime_control_start(new): what create has begun; posts it to every worker
 *   W  gh_runtime_worker_start(new, asker)   thread_start of instances that are new; then new is its current one
 *   W  gh_runtime_worker_leave(old, asker)   after the swap: no new call into old by this worker
 *   C  gh_runtime_retire(&old)               when every worker has left it (acknowledged)
 *      ...                                   asks and exchanges of old end or time out
 *      on_idle(old) is called, any thread    posts to C
 *   C  gh_runtime_free(&old)                 lets go of its instances, the last of the file first
 *
 * An instance is held by the runtimes it stands in, by jobs and exchanges. Not in force any more:
 *
 *   C  gh_instance_retire(instance)
 *      ...                                   jobs, exchanges and offloaded work end; timers and watches go on
 *      on_instance_idle is called, any thread: posts to C
 *   C  gh_work_shut_control(instance)        posts to every worker
 *   W  gh_instance_worker_stop               its timers and watches there; thread_stop
 *   B  gh_instance_free                      destroy; with the last of a file it is unmapped
 *   C  gh_instance_alone(successor)          when no other of that name is left
 *
 * At the end of the process the same way, without a new one: cancel what waits first.
 */
struct gh_runtime {
	uint64_t generation;          /* 1, 2, ...: counts builds */
	uint64_t built_ms;            /* monotonic */
	struct gh_settings *settings; /* what it was built of; held */
	uint64_t events;              /* GH_EV_ bits that anybody wants */
	unsigned barrier_count;       /* instances with a barrier hook */
	struct gh_instance *store; /* the one with a store; NULL: none. The same in all runtimes */
	struct gh_instance **instances; /* in the order of the file; held */
	size_t instance_count;
	struct gh_policy *policies; /* by listener, in the order of settings->listeners */
	size_t policy_count;
	struct gh_hooks *hooks;
	atomic_uint refs; /* holders: the control thread, workers, asks, exchanges */
};
struct gh_policy {
	const char *listener; /* its name */
	struct gh_chain *authenticate, *authorize, *message;
};

struct gh_acts; /* hook/acts.h */

/* What belongs to the process, not to one configuration. */
struct gh_hooks {
	struct gh_loader *loader;
	struct gh_askers *askers;
	struct gh_metrics *metrics;
	struct gh_offload *offload; /* NULL: nothing can be offloaded */
	bool checking;              /* the configuration is only checked: nothing is made on disk */
	/* Any thread: nobody holds the runtime any more. Post it to the control thread. */
	void (*on_idle)(void *arg, struct gh_runtime *runtime);
	void (*on_instance_idle)(void *arg, struct gh_instance *instance);
	/* Any thread: its alone() has returned, or wasn't called because it has been retired. */
	void (*on_alone)(void *arg, struct gh_instance *instance);
	/* Any thread: its process has died, and will be started again. */
	void (*on_died)(void *arg, struct gh_instance *instance);
	void *arg;
	uint64_t builds;            /* 0 at first; of whoever builds */
	const struct gh_acts *acts; /* what modules may do to the broker; NULL: nothing */
	void *acts_arg;
	struct gh_storage *storage; /* NULL: nothing is kept, and a store isn't read */
};

/*
 * One build at a time. At the start (no previous) the store is created and read before any other instance is created. previous: the
 * runtime in force, whose store must be this one's too, unchanged, and is shared (GH_EINVAL: a restart is needed); whose instances of the same name and file are
 * shown to the new ones, and whose disabled ones stay disabled; NULL at start. On failure nothing is
 * left: instances that had been created are destroyed, settings are the caller's; else they are the
 * runtime's. The result is held once (C). Errors begin with where it stands in the file.
 */
int gh_runtime_build(struct gh_hooks *hooks, struct gh_settings *settings,
		     struct gh_runtime *previous, struct gh_runtime **runtime_r,
		     struct gh_error *error);

/*
 * A runtime of the same settings in which one instance is another; likewise. NONE (name isn't looked at): all are the same, but
 * whatever was decided by the previous one is asked again. DISABLE: answers GH_ERROR wherever it stands. ENABLE: one that was disabled
 * is created. RELOAD: created anew from the settings, of the file that is loaded. REPLACE: of the file as it is now.
 * GH_ENOENT: no such name (with the nearest); GH_EINVAL: disabled already, or it isn't, or it is the store.
 */
enum gh_runtime_change {
	GH_CHANGE_NONE,
	GH_CHANGE_DISABLE,
	GH_CHANGE_ENABLE,
	GH_CHANGE_RELOAD,
	GH_CHANGE_REPLACE
};
int gh_runtime_change(struct gh_runtime *previous, const char *name, enum gh_runtime_change change,
		      struct gh_runtime **runtime_r, struct gh_error *error);
/* 0, or GH_ENOENT with the nearest name. */
int gh_runtime_find(const struct gh_runtime *runtime, const char *name, struct gh_error *error);

/* For whoever keeps a pointer to it or to one of its chains beyond a turn. Any thread. */
struct gh_runtime *gh_runtime_ref(struct gh_runtime *runtime);
void gh_runtime_unref(struct gh_runtime *runtime);

void gh_runtime_worker_start(struct gh_runtime *runtime, struct gh_asker *asker);
void gh_runtime_worker_leave(struct gh_runtime *runtime, struct gh_asker *asker);

/* Control thread: in force. Timers and watches that live on its loop begin. */
void gh_runtime_control_start(struct gh_runtime *runtime);

/* Drops the control thread's hold; the pointer is NULL afterwards, the runtime comes back by
 * on_idle (maybe at once). */
void gh_runtime_retire(struct gh_runtime **runtime);
/* Control thread: idle. Lets go of its instances. */
void gh_runtime_free(struct gh_runtime **runtime);
/* Built and never started: destroys the instances that were made for it. May take as long as their modules like. */
void gh_runtime_discard(struct gh_runtime **runtime);

const struct gh_policy *gh_runtime_policy(const struct gh_runtime *runtime,
					  const char *listener); /* NULL: no such */
struct gh_instance *gh_runtime_instance(const struct gh_runtime *runtime, const char *name);

#endif
