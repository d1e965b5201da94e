/* SPDX-License-Identifier: Apache-2.0 */
/* One configured instance of a module, as the rest of the broker sees it: its name, its state, its
 * figures. */
#ifndef GH_HOOK_INSTANCE_H
#define GH_HOOK_INSTANCE_H

#include "hook/runtime.h"

struct gh_instance;

const char *gh_instance_name(const struct gh_instance *instance);
const char *gh_instance_realm(const struct gh_instance *instance);
const struct gh_plugin *gh_instance_plugin(const struct gh_instance *instance);
const char *gh_instance_file(const struct gh_instance *instance); /* of its module; "": it is disabled */
/* Of one that is isolated, any thread: its process; 0: there is none at the moment. -1: it isn't isolated. */
int gh_instance_pid(const struct gh_instance *instance);
uint64_t gh_instance_generation(const struct gh_instance *instance); /* of the runtime it was made for */
int64_t gh_instance_since(const struct gh_instance *instance); /* Unix seconds: when that was */
bool gh_instance_disabled(const struct gh_instance *instance);
/* Any thread. NULL: it works. Else whatever it is asked is GH_ERROR, for this reason: disabled, or what alone() said. */
const char *gh_instance_off(const struct gh_instance *instance);

/* Holders: runtimes, jobs, exchanges, offloaded work. Any thread. With the last one hooks->on_instance_idle is called. */
struct gh_instance *gh_instance_ref(struct gh_instance *instance);
/* False: nobody holds it any more. */
bool gh_instance_ref_if_held(struct gh_instance *instance);
void gh_instance_unref(struct gh_instance *instance);

/* ---- life: see hook/runtime.h ---- */
/* On a worker, between two turns; start: nothing where it has started there already. */
void gh_instance_worker_start(struct gh_instance *instance, struct gh_asker *asker);
void gh_instance_worker_stop(struct gh_instance *instance, struct gh_asker *asker);
/* The worker ends: all that have started there, the last first. */
void gh_instances_worker_stop(struct gh_asker *asker);
/*
 * Control thread: it is in force and no other of its name is left. alone() is called here, or on a thread of a blocking instance;
 * once, however often this is. True: hooks->on_alone is called when it has returned (maybe at once). False: there is nothing to wait
 * for. An error makes it off.
 */
bool gh_instance_alone(struct gh_instance *instance);
/* Control thread: not in force any more; an alone() that has not begun isn't called. */
void gh_instance_retire(struct gh_instance *instance);
bool gh_instance_retired(const struct gh_instance *instance); /* any thread */
/* Nobody holds it and every worker has stopped it. Joins its threads, destroy(), unmaps: may take as long as the module likes. */
void gh_instance_free(struct gh_instance **instance);

/*
 * Figures, any thread; of all instances of this name since the start. They are in the registry as
 * gatehouse_plugin_answers_total{instance,hook,verdict}, _events_total, _timeouts_total,
 * _latency_seconds (of authorize one call in 64) and _pending, each with {instance}.
 */
enum gh_hook_point {
	GH_HOOK_ACCEPT,
	GH_HOOK_AUTHENTICATE,
	GH_HOOK_EXCHANGE,
	GH_HOOK_LOOKUP,
	GH_HOOK_AUTHORIZE,
	GH_HOOK_PUBLISH,
	GH_HOOK_EVENT
};
#define GH_HOOK_POINTS 7u
const char *gh_hook_point_name(enum gh_hook_point point); /* "authenticate" */
/* What a store is asked. */
enum gh_store_call { GH_STORE_LOAD, GH_STORE_PUT, GH_STORE_ERASE, GH_STORE_FETCH };
#define GH_STORE_CALLS 4u
const char *gh_store_call_name(enum gh_store_call call); /* "put" */
struct gh_instance_stats {
	uint64_t calls[GH_HOOK_POINTS];     /* that were answered, or events told */
	uint64_t store[GH_STORE_CALLS];     /* what it was asked as a store */
	uint64_t barriers;                  /* that it was told */
	uint64_t verdicts[GH_CONTINUE + 1]; /* by enum gh_verdict; a timeout is an ERROR */
	uint64_t timeouts;
	unsigned pending; /* open tickets and jobs of this one, now */
	unsigned queued;  /* GH_BLOCKING: jobs not begun, now */
	unsigned running; /* GH_BLOCKING: jobs begun and not ended, now */
	unsigned threads; /* GH_BLOCKING */
};
void gh_instance_stats(const struct gh_instance *instance, struct gh_instance_stats *stats_r);

#endif
