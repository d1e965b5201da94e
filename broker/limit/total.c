/* SPDX-License-Identifier: Apache-2.0 */
/* The count of connections and its bound. */
#include "limit/total.h"

void gh_total_init(struct gh_total *total, unsigned max)
{
	atomic_init(&total->used, 0);
	atomic_init(&total->max, max);
}

void gh_total_set_max(struct gh_total *total, unsigned max)
{
	atomic_store(&total->max, max);
}

bool gh_total_take(struct gh_total *total)
{
	unsigned used = atomic_load(&total->used);

	do {
		if (used >= atomic_load(&total->max))
			return false;
	} while (!atomic_compare_exchange_weak(&total->used, &used, used + 1));
	return true;
}

void gh_total_give(struct gh_total *total)
{
	atomic_fetch_sub(&total->used, 1);
}

unsigned gh_total_used(const struct gh_total *total)
{
	return atomic_load(&total->used);
}

unsigned gh_total_max(const struct gh_total *total)
{
	return atomic_load(&total->max);
}
