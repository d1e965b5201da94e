/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of what is in force: one at a time, prepared on a thread of its own, taken by the control thread. */
#ifndef GH_CTL_CHANGE_H
#define GH_CTL_CHANGE_H

#include "ctl/daemon.h"

/* The control thread, once; error is set where rc isn't 0. */
typedef void gh_change_done_fn(void *arg, int rc, const struct gh_error *error);

/*
 * Each waits for those before it, and is all or nothing: on failure what ran goes on. done NULL: nobody waits; it is never called
 * from inside the call. Logged and told to observers.
 */
/* The whole configuration is read again. One that hasn't begun serves whoever asks for another. */
void gh_change_reload(struct gh_daemon *daemon, gh_change_done_fn *done, void *arg);
/* One plugin, of the configuration in force. */
void gh_change_plugin(struct gh_daemon *daemon, const char *name, enum gh_runtime_change change,
		      gh_change_done_fn *done, void *arg);
/* Nothing changes, but all that was decided is asked again. */
void gh_change_again(struct gh_daemon *daemon);

/* Whoever gave `arg` has gone: done isn't called. */
void gh_change_forget(struct gh_daemon *daemon, const void *arg);

/* One is under way. While the broker stops none begins. */
bool gh_change_runs(const struct gh_daemon *daemon);

#endif
