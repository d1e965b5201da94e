/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an instance, for this room. */
#ifndef GH_HOOK_INSTANCE_PRIV_H
#define GH_HOOK_INSTANCE_PRIV_H

#include "hook/instance.h"
#include "hook/pool.h"
#include "hook/work.h"

#include <pthread.h>

#define GH_INSTANCE_METRICS_MAX 256u

struct gh_instance {
	const struct gh_host_api *api; /* first: modules see a gh_object of the name gh_host */
	struct gh_hooks *hooks;
	atomic_uint refs;
	uint64_t generation; /* of the runtime it was made for */
	int64_t since;
	struct gh_module *module; /* NULL: disabled */
	const struct gh_plugin *plugin;
	void *self; /* what create made */
	bool created;
	/* neither GH_CONCURRENT nor GH_BLOCKING: `lock` is held around each call */
	bool serialized;
	bool blocking;
	bool elsewhere; /* its answers come later: it blocks, or is isolated */
	bool on_error_next;
	bool disabled;
	struct gh_plugin shape;     /* disabled: which hooks it had; none is called */
	_Atomic(const char *) off;  /* gh_instance_off() */
	char *failure;              /* off points here: what alone() said */
	const char *name, *realm;   /* of settings */
	struct gh_section *section; /* its configuration, filled */
	const struct gh_plugin_settings *settings; /* of those below */
	struct gh_settings *held;
	uint64_t events; /* gh_observe() */
	pthread_mutex_t lock;
	unsigned max_pending, threads;
	atomic_uint pending;
	struct gh_pool *pool;       /* GH_BLOCKING, once started */
	struct gh_isolate *isolate; /* `isolate: yes`: module and section are its process's */
	struct gh_series *answers[GH_HOOK_POINTS][GH_CONTINUE + 1]; /* of the hooks it has */
	struct gh_series *told, *timeouts, *latency, *open;
	struct gh_series *store[GH_STORE_CALLS], *store_failures[GH_STORE_CALLS]; /* of a store */
	struct gh_series *barriers, *barriers_open; /* where it has the hook */
	/* the module's own; frozen after create */
	struct gh_series *metrics[GH_INSTANCE_METRICS_MAX];
	unsigned metric_count;
	void *locals[GH_ASKERS_MAX];           /* of workers, by index */
	struct gh_place places[GH_ASKERS_MAX]; /* its timers and watches, by asker */
	atomic_uint refused; /* calls of the host, by enum gh_host_call, that were told */
	pthread_mutex_t directory_lock;
	char *directory;
	bool directory_made;
	/* gh_offload(), under its lock */
	struct gh_node offload_waits; /* until create has returned */
	unsigned offloaded;           /* that haven't been run */
	bool offload_held, offload_ended;
	bool alone_begun;     /* the control thread's */
	atomic_bool in_force; /* a worker has begun with it: it may act */
	atomic_bool retired;  /* not in force any more */
	struct gh_job alone;  /* GH_BLOCKING */
};

/* gh_instance_off(), where it is asked often. */
static inline const char *gh_off(const struct gh_instance *instance)
{
	return atomic_load_explicit(&((struct gh_instance *)instance)->off, memory_order_acquire);
}

/* What every instance has, configured or not: locks, places. */
void gh_instance_init(struct gh_instance *instance);
/*
 * Loads the module, fills the configuration, makes the struct; not yet created. module: this state of the file, NULL: as the file is
 * now. The settings are the runtime's.
 */
int gh_instance_new(struct gh_runtime *runtime, const struct gh_plugin_settings *settings,
		    struct gh_module *module, struct gh_instance **instance_r,
		    struct gh_error *error);
/* A disabled one, that stands where one with these hooks would. */
struct gh_instance *gh_instance_new_disabled(struct gh_runtime *runtime,
					     const struct gh_plugin_settings *settings,
					     const struct gh_plugin *plugin);
/* There is none of this name: GH_ENOENT, with the nearest there is, or those that are. */
int gh_instance_unknown(struct gh_instance *const *instances, size_t count, const char *name,
			struct gh_error *error);
/* Its figures in the registry, by its name. */
void gh_instance_make_series(struct gh_instance *instance);
/* create(); previous: the instance of that name in force, or NULL. */
int gh_instance_create(struct gh_instance *instance, const struct gh_instance *previous,
		       struct gh_error *error);
/* Of one that is elsewhere, for people: "it blocks". */
const char *gh_instance_elsewhere(const struct gh_instance *instance);
/* Of an isolated one, any thread: its process has died, or is there again: meanwhile it is off. What alone() said there; NULL: all
 * is well. */
void gh_instance_is_down(struct gh_instance *instance);
void gh_instance_is_up(struct gh_instance *instance);
/* It is off, and wasn't told an event that it wants. */
void gh_instance_missed(const struct gh_instance *instance);
void gh_instance_was_alone_said(struct gh_instance *instance, const char *failure);
/* Starts the threads of a blocking one. */
int gh_instance_start(struct gh_instance *instance, struct gh_error *error);

#endif
