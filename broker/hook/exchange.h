/* SPDX-License-Identifier: Apache-2.0 */
/* What an exchange keeps between its steps. */
#ifndef GH_HOOK_EXCHANGE_H
#define GH_HOOK_EXCHANGE_H

#include "hook/fold.h"
#include "hook/pool.h"

/* The state that one module keeps for one exchange. Counted: a job on another thread may outlive
 * the exchange. */
struct gh_exchange_cell {
	struct gh_job job; /* of its end, where that must be on the instance's threads */
	atomic_uint refs;
	struct gh_instance *instance;
	void *state;
};
struct gh_exchange_cell *gh_exchange_cell_new(struct gh_instance *instance); /* holds it */
struct gh_exchange_cell *gh_exchange_cell_ref(struct gh_exchange_cell *cell);
/* With the last: exchange_end, if there is a state. */
void gh_exchange_cell_unref(struct gh_exchange_cell **cell);

struct gh_exchange_run {
	const struct gh_chain *chain;
	struct gh_exchange_cell *cell; /* of the module that leads it; NULL: nobody yet */
	uint32_t step;
	/* the fold between two steps */
	unsigned index;
	bool optional_allowed, ended;
	uint32_t cause;
	struct gh_fold_login login;
};

/* One module is asked about this step: the shallow copy it gets. */
struct gh_exchange gh_exchange_step(const struct gh_exchange *in, struct gh_exchange_cell *cell,
				    uint32_t step);

#endif
