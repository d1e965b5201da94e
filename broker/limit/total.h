/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections there may be at once, over all workers. */
#ifndef GH_LIMIT_TOTAL_H
#define GH_LIMIT_TOTAL_H

#include <gatehouse/types.h>
#include <stdatomic.h>

/* Any thread. */
struct gh_total {
	atomic_uint used, max;
};

void gh_total_init(struct gh_total *total, unsigned max);
/* A lower maximum closes nobody: no slot is given out until enough have come back. */
void gh_total_set_max(struct gh_total *total, unsigned max);
bool gh_total_take(struct gh_total *total); /* false: full */
void gh_total_give(struct gh_total *total);
unsigned gh_total_used(const struct gh_total *total);
unsigned gh_total_max(const struct gh_total *total);

#endif
