/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of instances, watched by the loop of the thread that asked for it. */
#ifndef GH_HOOK_WATCH_H
#define GH_HOOK_WATCH_H

#include "hook/asker.h"

#include <gatehouse/host.h>

struct gh_instance;

/* As gh_watch_start(), gh_watch_change() and gh_watch_stop(). */
struct gh_watch gh_watch_new(struct gh_instance *instance, int fd, unsigned events, gh_watch_fn *fn,
			     void *arg);
int gh_watch_set(struct gh_instance *instance, struct gh_watch watch, unsigned events);
void gh_watch_end(struct gh_instance *instance, struct gh_watch watch);

/* On the asker's thread: those that wait begin; all of the instance's end; all that are left. */
void gh_watches_start(struct gh_instance *instance, struct gh_asker *asker);
void gh_watches_end(struct gh_instance *instance, struct gh_asker *asker);
void gh_watches_leave(struct gh_asker *asker);

#endif
