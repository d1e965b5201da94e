/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and shutting an instance's places on the loops. */
#include "hook/work.h"

#include "hook/asker_priv.h"
#include "hook/host.h"
#include "hook/instance_priv.h"
#include "hook/timer.h"
#include "hook/watch.h"

static struct gh_asker *control_of(const struct gh_instance *instance)
{
	struct gh_askers *askers = instance->hooks->askers;

	return &askers->at[askers->count - 1];
}

void gh_work_init(struct gh_instance *instance)
{
	for (unsigned i = 0; i < GH_ASKERS_MAX; i++) {
		gh_list_init(&instance->places[i].timers);
		gh_list_init(&instance->places[i].watches);
	}
}

static void set_state(struct gh_instance *instance, struct gh_asker *asker, enum gh_place_state state)
{
	pthread_mutex_lock(&asker->lock);
	instance->places[asker->index].state = state;
	pthread_mutex_unlock(&asker->lock);
}

void gh_work_prepare(struct gh_instance *instance)
{
	set_state(instance, control_of(instance), GH_PLACE_WAITS);
}

void gh_work_open(struct gh_instance *instance, struct gh_asker *asker)
{
	set_state(instance, asker, GH_PLACE_OPEN);
	gh_timers_start(instance, asker);
	gh_watches_start(instance, asker);
}

void gh_work_shut(struct gh_instance *instance, struct gh_asker *asker)
{
	set_state(instance, asker, GH_PLACE_SHUT);
	gh_timers_end(instance, asker);
	gh_watches_end(instance, asker);
}

void gh_work_open_control(struct gh_instance *instance)
{
	gh_work_open(instance, control_of(instance));
}

void gh_work_shut_control(struct gh_instance *instance)
{
	gh_work_shut(instance, control_of(instance));
}

struct gh_asker *gh_work_asker(const struct gh_instance *instance)
{
	const struct gh_here *here = gh_here();

	if (here->creating == instance)
		return control_of(instance);
	if (instance->blocking && (here->asker || here->instance || here->offloaded))
		return control_of(instance);
	return here->asker;
}
