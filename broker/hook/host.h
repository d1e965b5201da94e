/* SPDX-License-Identifier: Apache-2.0 */
/* The host as modules see it, and what this room knows of the thread it runs on. */
#ifndef GH_HOOK_HOST_H
#define GH_HOOK_HOST_H

#include "hook/asker.h"

#include <gatehouse/host.h>

struct gh_instance;
struct gh_series;

extern const struct gh_host_api gh_host_table;

/* A thread that runs hooks: an asker, or one of a blocking instance's own. All NULL elsewhere. */
struct gh_here {
	struct gh_instance *creating; /* whose create runs */
	bool offloaded;               /* a thread that runs what was offloaded */
	struct gh_asker *asker;
	struct gh_instance *instance; /* of which this is a thread */
	void *local;                  /* then: what thread_start made */
	unsigned tick;                /* calls of authorize and publish: one in 64 is timed */
};
struct gh_here *gh_here(void);

/* A module's metric by the name it gives it. NULL: it can't be. Any thread. */
struct gh_series *gh_host_series(struct gh_instance *instance, enum gh_metric_kind kind,
				 const char *name, const char *labels, const char *help);
/* Which of the instance's it is. False: none of them. */
bool gh_host_metric_index(const struct gh_instance *instance, struct gh_metric metric,
			  unsigned *index_r);

/* Calls that may be refused, each told once for an instance: a module can't fill the log. */
enum gh_host_call {
	GH_CALL_TIMER_START,
	GH_CALL_TIMER_STOP,
	GH_CALL_WATCH_START,
	GH_CALL_WATCH_CHANGE,
	GH_CALL_WATCH_STOP,
	GH_CALL_DIRECTORY
};
/* Any thread. why: "on a thread without a loop" */
void gh_host_refused(struct gh_instance *instance, enum gh_host_call called, const char *why);

#endif
