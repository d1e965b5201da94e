/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an asker, for this room. */
#ifndef GH_HOOK_ASKER_PRIV_H
#define GH_HOOK_ASKER_PRIV_H

#include "base/list.h"
#include "hook/asker.h"
#include "hook/handle.h"

#include <pthread.h>

struct gh_instance;
struct gh_ticket_slot;
struct gh_barriers;
struct gh_runtime;

/* Its own thread's: runtime, attached, stale, sweep. */
struct gh_asker {
	struct gh_askers *askers;
	unsigned index;
	struct gh_loop *loop;         /* its own thread's */
	struct gh_runtime *runtime;   /* the one it works with; NULL: none yet */
	struct gh_barriers *barriers; /* likewise; NULL: none */
	struct gh_instance **started; /* here, and not stopped; its own thread's */
	size_t started_count;
	struct gh_node attached,
		stale; /* of what is attached to its connections; stale: to be looked through */
	struct gh_timeout sweep;
	pthread_mutex_t lock;   /* of all below */
	gh_asker_post_fn *post; /* NULL: not there */
	void *arg;
	struct gh_ticket_slot *slots;
	uint32_t slot_count, free; /* free: the head of a list; UINT32_MAX: none */
	struct gh_ticket_stats stats;
	struct gh_handles timers, watches; /* that instances have on its loop */
};

struct gh_askers {
	unsigned count;
	struct gh_asker at[];
};

#endif
