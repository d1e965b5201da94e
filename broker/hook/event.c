/* SPDX-License-Identifier: Apache-2.0 */
/* Events go to whoever asked for their kind. */
#include "hook/event.h"

#include "base/clock.h"
#include "hook/call.h"

#include <string.h>

static bool wants(const struct gh_instance *instance, const struct gh_event *event, const char *but)
{
	if (!(instance->events & event->kind) || (but && strcmp(instance->name, but) == 0))
		return false;
	if (!gh_off(instance))
		return true;
	gh_instance_missed(instance);
	return false;
}

static void complete(struct gh_event *event)
{
	event->size = sizeof(*event);
	if (!event->time_us)
		event->time_us = gh_clock_wall_us();
}

void gh_event_tell_one(struct gh_instance *instance, struct gh_event *event)
{
	if (gh_off(instance))
		return;
	complete(event);
	gh_call_event(instance, event);
}

void gh_event_tell_others(struct gh_runtime *runtime, struct gh_event *event, const char *name)
{
	if (!gh_event_wanted(runtime, event->kind))
		return;
	complete(event);
	for (size_t i = 0; i < runtime->instance_count; i++)
		if (wants(runtime->instances[i], event, name))
			gh_call_event(runtime->instances[i], event);
}

void gh_event_tell(struct gh_runtime *runtime, struct gh_event *event)
{
	gh_event_tell_others(runtime, event, NULL);
}
