/* SPDX-License-Identifier: Apache-2.0 */
/* An instance whose module runs in a process of its own (`isolate: yes`), as the broker's side sees it. */
#ifndef GH_HOOK_ISOLATE_H
#define GH_HOOK_ISOLATE_H

#include "hook/instance.h"

/*
 * In the broker stands an instance with the hooks that the module has, each of which sends a frame and pends. A thread of its
 * own keeps the process: starts it, gives its answers to tickets and its acts to the host, and when it has died fails what it was
 * asked and starts it again, after 100 ms at first, twice as long each time, 30 s at most; who has lived a minute begins anew.
 * Meanwhile the instance is off. The module isn't loaded in the broker's process.
 */
struct gh_isolate;

/*
 * Starts the process, which loads the module and reads the section of the instance's settings; waits for it. The error says
 * where. What the instance then is (its descriptor) lives as long as the isolate.
 */
int gh_isolate_new(struct gh_instance *instance, struct gh_isolate **isolate_r,
		   struct gh_error *error);
const struct gh_plugin *gh_isolate_plugin(const struct gh_isolate *isolate);
const char *gh_isolate_file(const struct gh_isolate *isolate); /* of the module */
/* create() there; waits for it. *events_r: what it observes. */
int gh_isolate_create(struct gh_isolate *isolate, uint64_t *events_r, struct gh_error *error);
/* It is in force: hooks run; timers and watches of its begin. Repeated: nothing. Any thread. */
void gh_isolate_start(struct gh_isolate *isolate);
/* alone() there; gh_instance_was_alone_said() is called when it has returned, or the process has died. False: it has none. */
bool gh_isolate_alone(struct gh_isolate *isolate);
/* Any thread. An event that it wants and wasn't told, for it is off: counted as lost. */
void gh_isolate_miss(struct gh_isolate *isolate);
/* destroy() there, and the end of the process: waits, for 5 s at most, then it is killed. NULL is fine. */
void gh_isolate_free(struct gh_isolate **isolate);

/* Any thread; 0: it has died, and the next isn't there yet. */
int gh_isolate_pid(const struct gh_isolate *isolate);

/* The process itself: serves what comes by the descriptor until it is destroyed, or the other side is gone. The exit code. */
int gh_isolated_run(int fd);

#endif
