/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of instances, on the loop of the thread that started them; of blocking ones on the control
 * thread's, which has a thread of the instance run what is due. */
#ifndef GH_HOOK_TIMER_H
#define GH_HOOK_TIMER_H

#include "hook/asker.h"

#include <gatehouse/host.h>

struct gh_instance;

/* As gh_timer_start() and gh_timer_stop(). */
struct gh_timer gh_timer_new(struct gh_instance *instance, uint32_t first_ms, uint32_t repeat_ms,
			     gh_work_fn *fn, void *arg);
void gh_timer_end(struct gh_instance *instance, struct gh_timer timer);

/* On the asker's thread: those that wait begin to run; all of the instance's end; all that are left. */
void gh_timers_start(struct gh_instance *instance, struct gh_asker *asker);
void gh_timers_end(struct gh_instance *instance, struct gh_asker *asker);
void gh_timers_leave(struct gh_asker *asker);

#endif
