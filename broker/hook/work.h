/* SPDX-License-Identifier: Apache-2.0 */
/* Where an instance may have timers and watches: on the loops of threads that run its hooks, as long
 * as they do. */
#ifndef GH_HOOK_WORK_H
#define GH_HOOK_WORK_H

#include "hook/asker.h"

#include "base/list.h"

struct gh_instance;

/* Of one instance on one asker; under the asker's lock. */
enum gh_place_state {
	GH_PLACE_SHUT,  /* none may be made: not yet, or no more */
	GH_PLACE_WAITS, /* made, and started when it is opened */
	GH_PLACE_OPEN
};
struct gh_place {
	enum gh_place_state state;
	struct gh_node timers, watches;
};

void gh_work_init(struct gh_instance *instance);
/* Before create: what it makes waits for the control thread. */
void gh_work_prepare(struct gh_instance *instance);
/* On the asker's thread. Open: what waits is started. Shut: all of it ends, and no call into the
 * instance comes from it any more; repeated: nothing. */
void gh_work_open(struct gh_instance *instance, struct gh_asker *asker);
void gh_work_shut(struct gh_instance *instance, struct gh_asker *asker);
/* The same of the control thread's, on it. */
void gh_work_open_control(struct gh_instance *instance);
void gh_work_shut_control(struct gh_instance *instance);

/* Whose loop a [loop] call of this thread means; NULL: it has none. */
struct gh_asker *gh_work_asker(const struct gh_instance *instance);

#endif
