/* SPDX-License-Identifier: Apache-2.0 */
/* One runtime takes the place of another, whose way out this is. */
#ifndef GH_CTL_RUNTIME_H
#define GH_CTL_RUNTIME_H

#include "ctl/daemon.h"

/* Every worker changes to daemon->runtime; `old` is retired, drained and freed when nobody holds it any more. */
void gh_runtime_replace(struct gh_daemon *daemon, struct gh_runtime *old);

/* What hooks.on_idle is to be, with the daemon as its argument. Any thread. */
void gh_runtime_idle(void *arg, struct gh_runtime *runtime);

/* At the end, when all workers have stopped: waits up to timeout_ms for what still runs, then frees. False: it didn't end. */
bool gh_runtimes_end(struct gh_daemon *daemon, uint64_t timeout_ms);

/* Instances of a runtime that isn't in force any more and hasn't drained yet; NULL at the end. */
struct gh_runtime *gh_runtime_retiring(const struct gh_daemon *daemon, size_t index);

#endif
