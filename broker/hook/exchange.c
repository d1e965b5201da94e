/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges: their state, and its end on the right thread. */
#include "hook/exchange.h"

#include "base/mem.h"
#include "hook/host.h"

#include <stdlib.h>

/* ---- the state of one module ---- */

struct gh_exchange_cell *gh_exchange_cell_new(struct gh_instance *instance)
{
	struct gh_exchange_cell *cell = gh_zalloc(sizeof(*cell));

	atomic_init(&cell->refs, 1);
	cell->instance = gh_instance_ref(instance);
	return cell;
}

struct gh_exchange_cell *gh_exchange_cell_ref(struct gh_exchange_cell *cell)
{
	if (cell)
		atomic_fetch_add_explicit(&cell->refs, 1, memory_order_relaxed);
	return cell;
}

static void cell_free(struct gh_exchange_cell *cell)
{
	struct gh_instance *instance = cell->instance;

	free(cell);
	gh_instance_unref(instance);
}

static void end_job_run(struct gh_job *job)
{
	struct gh_exchange_cell *cell = gh_container(job, struct gh_exchange_cell, job);

	gh_call_exchange_end(cell->instance, cell->state);
}

static void end_job_free(struct gh_job *job)
{
	cell_free(gh_container(job, struct gh_exchange_cell, job));
}

void gh_exchange_cell_unref(struct gh_exchange_cell **cell)
{
	static const uint8_t nowhere[16];
	struct gh_exchange_cell *gone = *cell;
	struct gh_job *job;

	*cell = NULL;
	if (!gone || atomic_fetch_sub_explicit(&gone->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (gone->state && gone->instance->blocking && gh_here()->instance != gone->instance) {
		job = &gone->job;
		gh_job_init(job, end_job_run, end_job_free);
		gh_pool_submit_always(gone->instance->pool, nowhere, job);
		gh_job_unref(&job);
		return;
	}
	if (gone->state)
		gh_call_exchange_end(gone->instance, gone->state);
	cell_free(gone);
}

/* ---- the whole ---- */

struct gh_exchange_run *gh_exchange_run_new(const struct gh_chain *chain)
{
	struct gh_exchange_run *run = gh_zalloc(sizeof(*run));

	run->chain = chain;
	gh_runtime_ref(chain->runtime);
	return run;
}

void gh_exchange_run_free(struct gh_exchange_run **run)
{
	struct gh_exchange_run *gone = *run;
	struct gh_runtime *runtime;

	*run = NULL;
	if (!gone)
		return;
	runtime = gone->chain->runtime;
	gh_exchange_cell_unref(&gone->cell);
	gh_fold_login_done(&gone->login);
	free(gone);
	gh_runtime_unref(runtime);
}

struct gh_exchange gh_exchange_step(const struct gh_exchange *in, struct gh_exchange_cell *cell,
				    uint32_t step)
{
	struct gh_exchange mine = *in;

	mine.step = step;
	mine.state = &cell->state;
	return mine;
}
