/* SPDX-License-Identifier: Apache-2.0 */
/* One runtime takes the place of another, whose way out this is. */
#ifndef GH_CTL_RUNTIME_H
#define GH_CTL_RUNTIME_H

#include "ctl/daemon.h"

/* Every worker changes to daemon->runtime; `old` is freed when nobody holds it any more, and those of its instances that aren't in
 * the new one are retired. */
void gh_runtime_replace(struct gh_daemon *daemon, struct gh_runtime *old);

/* There are workers that haven't changed to daemon->runtime yet. */
bool gh_runtime_swapping(const struct gh_daemon *daemon);

/* What hooks.on_idle is to be, with the daemon as its argument. Any thread. */
void gh_runtime_idle(void *arg, struct gh_runtime *runtime);

/* At the end, when all workers have stopped: waits up to timeout_ms for what still runs, then frees. False: it didn't end. */
bool gh_runtimes_end(struct gh_daemon *daemon, uint64_t timeout_ms);

#endif
