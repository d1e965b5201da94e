/* SPDX-License-Identifier: Apache-2.0 */
/* Events go to whoever asked for their kind. */
#include "hook/event.h"

#include "base/clock.h"
#include "hook/call.h"

void gh_event_tell(struct gh_runtime *runtime, struct gh_event *event)
{
	if (!gh_event_wanted(runtime, event->kind))
		return;
	event->size = sizeof(*event);
	if (!event->time_us)
		event->time_us = gh_clock_wall_us();
	for (size_t i = 0; i < runtime->instance_count; i++)
		if (runtime->instances[i]->events & event->kind && !gh_off(runtime->instances[i]))
			gh_call_event(runtime->instances[i], event);
}
