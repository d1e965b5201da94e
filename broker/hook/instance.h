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
struct gh_runtime *gh_instance_runtime(const struct gh_instance *instance);
const struct gh_module *gh_instance_module(const struct gh_instance *instance);

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
	GH_HOOK_EVENT
};
#define GH_HOOK_POINTS 6u
const char *gh_hook_point_name(enum gh_hook_point point); /* "authenticate" */
struct gh_instance_stats {
	uint64_t calls[GH_HOOK_POINTS];     /* that were answered, or events told */
	uint64_t verdicts[GH_CONTINUE + 1]; /* by enum gh_verdict; a timeout is an ERROR */
	uint64_t timeouts;
	unsigned pending; /* open tickets and jobs of this one, now */
	unsigned queued;  /* GH_BLOCKING: jobs not begun, now */
	unsigned threads; /* GH_BLOCKING */
};
void gh_instance_stats(const struct gh_instance *instance, struct gh_instance_stats *stats_r);

#endif
