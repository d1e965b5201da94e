/* SPDX-License-Identifier: Apache-2.0 */
/* A question to a blocking instance: run on one of its threads, answered like a ticket. */
#include "base/mem.h"
#include "hook/ask_priv.h"

#include <stdlib.h>

struct ask_job {
	struct gh_job job;
	struct gh_instance *instance;
	struct gh_args *args;
	struct gh_shared_identity *so_far;
	struct gh_edited *edited;      /* publish */
	struct gh_exchange_cell *cell; /* exchange */
	uint32_t step;
	bool hypothetical;
	enum gh_hook_point asked;
	struct gh_ticket ticket;
};

static enum gh_verdict call_copied(struct ask_job *ask, struct gh_answer *answer)
{
	const union gh_args_in *in = &ask->args->in;
	struct gh_authenticate authenticate;
	struct gh_exchange exchange;
	struct gh_publish publish;

	if (ask->asked == GH_HOOK_PUBLISH) {
		publish = in->publish;
		if (ask->edited)
			publish.message = &ask->edited->message;
		return gh_call(ask->instance, ask->asked, &publish, answer);
	}
	if (ask->asked == GH_HOOK_AUTHENTICATE) {
		authenticate = ask->args->point == GH_HOOK_EXCHANGE ? *in->exchange.connect
								    : in->authenticate;
		authenticate.so_far = gh_identity_view(ask->so_far);
		return gh_call(ask->instance, ask->asked, &authenticate, answer);
	}
	if (ask->asked == GH_HOOK_EXCHANGE) {
		exchange = gh_exchange_step(&in->exchange, ask->cell, ask->step);
		return gh_call(ask->instance, ask->asked, &exchange, answer);
	}
	return gh_call(ask->instance, ask->asked, in, answer);
}

static void job_run(struct gh_job *job)
{
	struct ask_job *ask = gh_container(job, struct ask_job, job);
	struct gh_askers *askers = ask->instance->hooks->askers;
	struct gh_late *late;
	uint64_t due_ms;

	/* Nobody waits any more: the work isn't begun. */
	if (!gh_ticket_waits(askers, ask->instance, ask->ticket) ||
	    !gh_ticket_claim(askers, ask->instance, GH_TICKET_ANSWER, ask->ticket, &due_ms))
		return;
	late = gh_late_new(ask->instance, ask->ticket, due_ms);
	late->answer.hypothetical = ask->hypothetical;
	gh_late_post(late, call_copied(ask, &late->answer));
}

static void job_free(struct gh_job *job)
{
	struct ask_job *ask = gh_container(job, struct ask_job, job);
	struct gh_instance *instance = ask->instance;

	gh_exchange_cell_unref(&ask->cell);
	gh_identity_unref(&ask->so_far);
	gh_edited_unref(&ask->edited);
	gh_args_unref(&ask->args);
	free(ask);
	gh_instance_unref(instance);
}

struct gh_job *gh_ask_job_new(struct gh_fold *fold, struct gh_instance *instance)
{
	struct ask_job *ask = gh_zalloc(sizeof(*ask));

	gh_job_init(&ask->job, job_run, job_free);
	ask->instance = gh_instance_ref(instance);
	ask->args = gh_args_ref(fold->ask->args);
	if (fold->asked == GH_HOOK_AUTHENTICATE)
		ask->so_far = gh_identity_ref(gh_merge_identity(&fold->login.merge));
	ask->edited = gh_edited_ref(fold->decision->edited);
	ask->asked = fold->asked;
	ask->ticket = fold->ask->ticket;
	ask->hypothetical = fold->flags & GH_HYPOTHETICAL;
	if (fold->run) {
		ask->cell = gh_exchange_cell_ref(fold->run->cell);
		ask->step = fold->run->step;
	}
	return &ask->job;
}
