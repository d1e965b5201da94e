/* SPDX-License-Identifier: Apache-2.0 */
/* Instances that aren't in force any more: drained, stopped, destroyed; then their successor is alone. */
#ifndef GH_CTL_RETIRE_H
#define GH_CTL_RETIRE_H

#include "ctl/daemon.h"

/* What hooks.on_instance_idle and hooks.on_alone are to be, with the daemon as their argument. Any thread. */
void gh_instance_idle(void *arg, struct gh_instance *instance);
void gh_instance_was_alone(void *arg, struct gh_instance *instance);
/* hooks->on_died. */
void gh_instance_died(void *arg, struct gh_instance *instance);

/* `instance` stands in no runtime that will be in force. It is destroyed when nobody holds it any more; one that is held for longer than
 * two hook-timeouts and five seconds is reported, once. */
void gh_retire(struct gh_daemon *daemon, struct gh_instance *instance);

/* Calls alone() of those in force whose turn has come: every worker has them, and no other of their name is left. */
void gh_retire_alone(struct gh_daemon *daemon);
/* At the start: the same, and returns when they have all come back. */
void gh_retire_alone_wait(struct gh_daemon *daemon);

/* At the end: the workers are gone, what was waiting for them goes on; instances are destroyed one after another. */
void gh_retire_at_end(struct gh_daemon *daemon);

/* One that isn't in force any more. False: there are no more. Valid until the loop turns. */
struct gh_retiring_view {
	const char *name, *module, *version, *file;
	int64_t since;                      /* Unix seconds */
	const struct gh_instance *instance; /* NULL: it is being destroyed */
};
bool gh_retiring(const struct gh_daemon *daemon, size_t index, struct gh_retiring_view *view_r);

#endif
