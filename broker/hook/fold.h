/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one question to a list: what was answered so far and who is next. It can stop and go
 * on later. */
#ifndef GH_HOOK_FOLD_H
#define GH_HOOK_FOLD_H

#include "hook/answer.h"
#include "hook/call.h"

/* What a login has gathered. An exchange keeps it from step to step. */
struct gh_fold_login {
	struct gh_merge merge;
	char *client_id;
	bool shown;   /* what stands for the user name has been said: the first holds */
	bool changed; /* lookup: some module gave anew */
};
void gh_fold_login_done(struct gh_fold_login *login);

/* See gh_ask_one(). */
typedef void gh_ask_said_fn(void *arg, struct gh_answer *answer, enum gh_verdict verdict);

/* On the stack of the asker; copied into a gh_ask when somebody must be waited for. */
struct gh_fold {
	struct gh_asker *asker;
	const struct gh_chain *chain;
	gh_ask_done_fn *done;   /* NULL: it may not wait */
	gh_ask_told_fn *told;   /* publish */
	gh_ask_shown_fn *shown; /* logins */
	gh_ask_said_fn *said;   /* not NULL: nothing is decided */
	void *arg;
	const void *in; /* the argument of `point` */
	const struct gh_client *client;
	struct gh_decision *decision;    /* filled as it goes */
	const struct gh_cover *covered;  /* RECEIVE */
	struct gh_exchange_run *run;     /* exchange */
	struct gh_ask *ask;              /* it waits, or a ticket was given for it; NULL: neither */
	uint64_t due_ms;                 /* of the whole; UINT64_MAX: the caller's matter */
	uint64_t now_ms;                 /* when it was begun or resumed */
	enum gh_hook_point point, asked; /* asked: the hook that is being asked now */
	uint32_t flags;                  /* of the argument */
	uint32_t action;                 /* authorize */
	/* of the entry (lookup with RECHECK: of the identity's part) that is asked now */
	unsigned index;
	bool optional_allowed; /* one that isn't required has allowed */
	bool anonymous;        /* authenticate: the built-in word has allowed */
	bool kept;             /* re-authentication: what this one gave before stands */
	bool parts;            /* lookup with RECHECK */
	bool all_cover;
	bool all_keep; /* authorize: everyone asked so far said that its answer may be kept */
	struct gh_fold_login login;
};

/* It has the part of a login. */
static inline bool gh_fold_is_login(const struct gh_fold *fold)
{
	return fold->point != GH_HOOK_AUTHORIZE && fold->point != GH_HOOK_PUBLISH;
}

/* The heads: a DENY by nobody. */
void gh_decision_init(struct gh_decision *decision);
/* decision's heads are initialised too. */
void gh_fold_init(struct gh_fold *fold, const struct gh_asking *asking, enum gh_hook_point point,
		  const void *in, struct gh_decision *decision);
/* Asks from fold->index on. True: decided. False: the one at fold->index will answer (fold->ask has
 * the ticket). */
bool gh_fold_run(struct gh_fold *fold);
/* accept: decided at once. */
void gh_fold_veto(struct gh_fold *fold);
/* The answer of the one at fold->index. True: decided; else go on with the next: fold->index +
 * 1. */
bool gh_fold_take(struct gh_fold *fold, struct gh_answer *answer, enum gh_verdict verdict);
/* Everybody was asked. */
void gh_fold_end(struct gh_fold *fold);
/* Refused by this answer. failed: as gh_decision.failed. Returns true: decided. */
bool gh_fold_deny(struct gh_fold *fold, const struct gh_answer *answer, bool failed);
/* The entry of fold->index. NULL (lookup with RECHECK): the module of this part isn't in the list
 * any more. */
const struct gh_entry *gh_fold_entry(const struct gh_fold *fold);
struct gh_instance *gh_fold_instance(const struct gh_fold *fold); /* the one at fold->index */
/* publish: the message as it is now. */
const struct gh_message *gh_fold_message(const struct gh_fold *fold);
uint64_t gh_fold_step_due(const struct gh_fold *fold); /* how long one that is asked now may take */

/* What the fold needs of ask.c. */
/* A ticket for what `answer` is about; makes fold->ask where there is none. id 0: it may not
 * wait. */
struct gh_ticket gh_ask_pend(struct gh_answer *answer);
/* Hands the question to the instance's own threads. GH_PENDING, or GH_ERROR with a reason. */
enum gh_verdict gh_ask_submit(struct gh_fold *fold, struct gh_instance *instance,
			      struct gh_answer *answer);
/* A ticket that isn't wanted. */
void gh_ask_void(struct gh_fold *fold, struct gh_answer *answer);

#endif
