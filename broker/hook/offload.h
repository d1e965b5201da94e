/* SPDX-License-Identifier: Apache-2.0 */
/* Work that modules have done beside their hooks, on threads that all instances share. */
#ifndef GH_HOOK_OFFLOAD_H
#define GH_HOOK_OFFLOAD_H

#include <gatehouse/host.h>

struct gh_instance;
struct gh_offload;

#define GH_OFFLOAD_THREADS 2u
#define GH_OFFLOAD_MAX     1024u /* that wait, of all instances */

/* Its threads begin with the first work. */
struct gh_offload *gh_offload_new(void);
/* What is queued is run first. */
void gh_offload_free(struct gh_offload **offload);

/*
 * As gh_offload(). Any thread. What is accepted is run, and holds the instance's runtime until then.
 * GH_EBUSY: too many wait, there is no thread, or the instance ends.
 */
int gh_offload_add(struct gh_instance *instance, gh_work_fn *fn, void *arg);

/* Around create: what it adds is run when it has returned and the instance is known. */
void gh_offload_hold(struct gh_instance *instance);
void gh_offload_release(struct gh_instance *instance);
/* Nothing more is accepted; returns when the last has been run. For one that was in force that is at
 * once: its runtime was held. */
void gh_offload_end(struct gh_instance *instance);

#endif
