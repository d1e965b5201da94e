/* SPDX-License-Identifier: Apache-2.0 */
/* Telling observers what has happened. */
#ifndef GH_HOOK_EVENT_H
#define GH_HOOK_EVENT_H

#include "hook/instance.h"

#include <gatehouse/hooks.h>

/* Does anybody want an event of one of these kinds (GH_EV_ bits)? Ask before building one. */
static inline bool gh_event_wanted(const struct gh_runtime *runtime, uint64_t kinds)
{
	return (runtime->events & kinds) != 0;
}

/*
 * Tells every instance that wants event->kind, on this thread, in the order of the file. size is
 * filled here, and time_us where it is 0. Whoever holds the runtime may call it (a worker: its
 * current one).
 */
void gh_event_tell(struct gh_runtime *runtime, struct gh_event *event);

/* The same, but not to the instance of this name. */
void gh_event_tell_others(struct gh_runtime *runtime, struct gh_event *event, const char *name);

/* Tells this instance, whatever it wants. */
void gh_event_tell_one(struct gh_instance *instance, struct gh_event *event);

#endif
