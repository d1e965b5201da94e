/* SPDX-License-Identifier: Apache-2.0 */
/* A question that waits, and the answer that comes for it. */
#ifndef GH_HOOK_ASK_PRIV_H
#define GH_HOOK_ASK_PRIV_H

#include "hook/args.h"
#include "hook/exchange.h"
#include "hook/ticket.h"

struct gh_ask {
	struct gh_fold fold;
	struct gh_decision decision;
	struct gh_args *args;    /* NULL: not copied yet */
	bool parked;             /* the fold is this one; else the caller's stack has it still */
	struct gh_ticket ticket; /* of the step */
	struct gh_job *job;      /* of the step, where a blocking instance is asked */
	struct gh_timeout timeout;
};

/* An answer built on any thread, on its way to the asker. */
struct gh_late {
	struct gh_mail mail;
	struct gh_askers *askers;
	struct gh_answer answer; /* answer.ticket: for what */
	enum gh_verdict verdict;
};
struct gh_late *gh_late_new(struct gh_instance *instance, struct gh_ticket ticket, uint64_t due_ms);
void gh_late_free(struct gh_late **late);
/* Gives it away: posted, or freed where nobody waits. The verdict has been made sure of and
 * counted. */
void gh_late_post(struct gh_late *late, enum gh_verdict verdict);

/* The asker's thread: the answer of fold->index has come; takes nothing of `answer` but what it
 * moves out. */
void gh_ask_resume(struct gh_ask *ask, struct gh_answer *answer, enum gh_verdict verdict,
		   enum gh_ticket_end end);

/* A job that asks `instance` what the fold asks now, by fold->ask's arguments and ticket. Held once
 * by the caller. */
struct gh_job *gh_ask_job_new(struct gh_fold *fold, struct gh_instance *instance);

/* One instance alone is asked, of which nothing is decided here: it is the chain's only entry. All is borrowed for the call. */
struct gh_one {
	enum gh_hook_point point;
	const void *in; /* its argument, complete */
	const struct gh_client *client;
	uint64_t due_ms;
	struct gh_exchange_run *run;             /* exchange: with its step */
	const struct gh_shared_identity *so_far; /* authenticate; NULL: nothing yet */
};
/* said() is told what the instance says as it says it: once, from inside, or later on this thread, unless the ask is cancelled. */
struct gh_ask *gh_ask_one(const struct gh_asking *asking, const struct gh_one *one,
			  gh_ask_said_fn *said);

/* Runs the fold. NULL: decided, and all that it held is given back. Else it waits. */
struct gh_ask *gh_ask_start(struct gh_fold *fold);

#endif
