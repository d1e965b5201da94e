/* SPDX-License-Identifier: Apache-2.0 */
/* Barriers of one worker: what is to be acknowledged waits until every module says that it is safe. */
#ifndef GH_HOOK_BARRIER_H
#define GH_HOOK_BARRIER_H

#include "hook/runtime.h"

#include <gatehouse/hooks.h>

/* Instances with the hook, of one configuration. */
#define GH_BARRIER_INSTANCES 32u

struct gh_barriers;

/* What was raised may go (rc 0), or must be refused (rc below 0). In the order of raising, each once, on the asker's thread;
 * also from inside gh_barriers_raise(). */
typedef void gh_barrier_passed_fn(void *owner, void *what, int rc);

/* On the asker's thread, as all below. */
struct gh_barriers *gh_barriers_new(struct gh_asker *asker, gh_barrier_passed_fn *passed,
				    void *owner);
/* What is open is passed with GH_EIO. */
void gh_barriers_free(struct gh_barriers **barriers);

/* Asks every instance of the runtime that has the hook. The runtime is held while one of them has said GH_LATER. rc below 0: it has
 * failed already, whatever they say. */
void gh_barriers_raise(struct gh_barriers *barriers, struct gh_runtime *runtime, void *what, int rc);

/* The worker has another runtime. Whom it hasn't any more may still end what it was asked, for as long as a hook may take; then what
 * waits for it is refused, as is what waits for an instance that has failed. */
void gh_barriers_swap(struct gh_barriers *barriers, const struct gh_runtime *runtime);

/* One waits. */
bool gh_barriers_open(const struct gh_barriers *barriers);

/* Something must be raised: a module wants it, or what came before still waits and order is to be kept. */
bool gh_barriers_needed(const struct gh_barriers *barriers, const struct gh_runtime *runtime);

/* Any thread: gh_barrier_end(). */
void gh_barriers_end(struct gh_instance *instance, struct gh_barrier barrier, int rc);

#endif
