/* SPDX-License-Identifier: Apache-2.0 */
/* Questions: begun on the stack, parked when somebody must be waited for, resumed by an answer or a
 * deadline. */
#include "hook/ask_priv.h"

#include "base/mem.h"
#include "hook/asker_priv.h"

#include <gatehouse/lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An authorize or a step of an exchange asks as many modules as it likes, but waits for no more
 * than two. */
#define STEPS_MAX    2u
#define UNDECIDED_MS 5000u

void gh_decision_done(struct gh_decision *decision)
{
	gh_identity_unref(&decision->identity);
	gh_edited_unref(&decision->edited);
	free(decision->client_id);
	if (decision->auth_data)
		gh_wipe(decision->auth_data, decision->auth_data_size);
	free(decision->auth_data);
	decision->client_id = NULL;
	decision->auth_data = NULL;
	decision->auth_data_size = 0;
}

const char *gh_decision_rule(const struct gh_decision *decision, char *buf, size_t size)
{
	if (decision->line && decision->file[0])
		snprintf(buf, size, "%s:%u", decision->file, decision->line);
	else
		snprintf(buf, size, "%s", decision->file);
	return buf;
}

/* ---- answers on their way ---- */

static void late_deliver(struct gh_mail *mail, void *owner)
{
	struct gh_late *late = gh_container(mail, struct gh_late, mail);
	struct gh_asker *asker = gh_ticket_asker(late->askers, late->answer.ticket);
	struct gh_ask *ask = owner ? gh_ticket_waiter(asker, late->answer.ticket) : NULL;

	if (ask)
		gh_ask_resume(ask, &late->answer, late->verdict, GH_TICKET_ANSWERED);
	gh_late_free(&late);
}

struct gh_late *gh_late_new(struct gh_instance *instance, struct gh_ticket ticket, uint64_t due_ms)
{
	struct gh_late *late = gh_alloc(sizeof(*late));

	late->mail = (struct gh_mail){ .deliver = late_deliver };
	late->askers = instance->hooks->askers;
	gh_answer_init(&late->answer, instance, true, due_ms);
	late->answer.ticket = ticket;
	late->answer.called = true;
	return late;
}

void gh_late_free(struct gh_late **late)
{
	if (*late)
		gh_answer_done(&(*late)->answer);
	free(*late);
	*late = NULL;
}

void gh_late_post(struct gh_late *late, enum gh_verdict verdict)
{
	late->verdict = verdict;
	if (!gh_ticket_post(late->askers, late->answer.ticket, &late->mail))
		gh_late_free(&late);
}

/* ---- parking ---- */

static struct gh_ask *ask_of(struct gh_fold *fold)
{
	if (!fold->ask)
		fold->ask = gh_zalloc(sizeof(*fold->ask));
	return fold->ask;
}

static struct gh_ticket open_ticket(struct gh_fold *fold, struct gh_instance *instance,
				    uint64_t due_ms)
{
	struct gh_ask *ask = ask_of(fold);

	ask->ticket = gh_ticket_open_for(fold->asker, instance, GH_TICKET_ANSWER, ask, due_ms);
	return ask->ticket;
}

struct gh_ticket gh_ask_pend(struct gh_answer *answer)
{
	if (answer->fold && !answer->ticket.id)
		answer->ticket = open_ticket(answer->fold, answer->instance, answer->due_ms);
	return answer->fold ? answer->ticket : (struct gh_ticket){ 0 };
}

void gh_ask_void(struct gh_fold *fold, struct gh_answer *answer)
{
	gh_ticket_close(fold->asker, answer->ticket, GH_TICKET_CANCELLED);
	answer->ticket.id = 0;
	fold->ask->ticket.id = 0;
}

static void timed_out(struct gh_timeout *timeout)
{
	struct gh_ask *ask = gh_container(timeout, struct gh_ask, timeout);
	struct gh_instance *instance = gh_fold_instance(&ask->fold);
	bool counts = !(ask->fold.flags & GH_HYPOTHETICAL);
	struct gh_answer answer;

	gh_answer_init(&answer, instance, true, 0);
	gh_answer_explain(&answer, GH_CAUSE_TIMEOUT, "it gave no answer in time");
	if (counts)
		gh_series_add(instance->timeouts, 1);
	answer.called = true;
	gh_ask_resume(ask, &answer, GH_ERROR, counts ? GH_TICKET_TIMED_OUT : GH_TICKET_CANCELLED);
}

/* What the caller's stack holds is copied: the answer comes when it is gone. */
static void copy_args(struct gh_fold *fold)
{
	if (!fold->ask->args)
		fold->ask->args = gh_args_new(fold->point, fold->in);
}

enum gh_verdict gh_ask_submit(struct gh_fold *fold, struct gh_instance *instance,
			      struct gh_answer *answer)
{
	struct gh_ask *ask;

	if (!answer->fold) {
		gh_answer_explain(answer, GH_CAUSE_POLICY, "it blocks and can't be asked here");
		return GH_ERROR;
	}
	ask = ask_of(fold);
	copy_args(fold);
	open_ticket(fold, instance, answer->due_ms);
	ask->job = gh_ask_job_new(fold, instance);
	if (gh_pool_submit(instance->pool,
			   fold->flags & GH_RECHECK ? GH_POOL_RECHECKS : GH_POOL_QUESTIONS,
			   fold->client->ip, ask->job))
		return GH_PENDING;
	gh_job_unref(&ask->job);
	gh_ticket_close(fold->asker, ask->ticket, GH_TICKET_CANCELLED);
	ask->ticket.id = 0;
	gh_answer_explain(answer, GH_CAUSE_LIMIT, "its queue is full");
	return GH_ERROR;
}

/* ---- going on ---- */

static void park(struct gh_fold *fold)
{
	struct gh_ask *ask = fold->ask;

	copy_args(fold);
	ask->parked = true;
	ask->decision = *fold->decision;
	ask->fold = *fold;
	ask->fold.in = &ask->args->in;
	ask->fold.client = gh_snapshot_client(ask->args->snapshot);
	ask->fold.decision = &ask->decision;
	ask->fold.covered = NULL;
	gh_runtime_ref(fold->chain->runtime);
	gh_timeout_init(&ask->timeout, timed_out);
}

static void arm(struct gh_ask *ask)
{
	uint64_t due = gh_fold_step_due(&ask->fold);

	/* Where nothing is decided, who decides has this deadline too, and says when nobody waits. */
	gh_loop_timeout_at(ask->fold.asker->loop, &ask->timeout,
			   ask->fold.said ? due + UNDECIDED_MS : due);
}

/* The fold is decided or given up. */
static void fold_done(struct gh_fold *fold)
{
	if (gh_fold_is_login(fold))
		gh_fold_login_done(&fold->login);
	else
		fold->decision->keep =
			fold->all_keep && !(fold->flags & (GH_RECHECK | GH_HYPOTHETICAL));
}

/* An exchange that goes on keeps the fold; one that has ended is over for good. */
static void keep_exchange(struct gh_fold *fold)
{
	struct gh_exchange_run *run = fold->run;

	if (!run)
		return;
	run->ended = fold->decision->verdict != GH_CONTINUE;
	run->step++;
	run->index = fold->index;
	run->optional_allowed = fold->optional_allowed;
	run->cause = fold->decision->cause;
	run->login = fold->login;
	fold->login = (struct gh_fold_login){ 0 };
}

static void ask_free(struct gh_ask *ask)
{
	struct gh_runtime *runtime = ask->parked ? ask->fold.chain->runtime : NULL;

	gh_args_unref(&ask->args);
	free(ask);
	if (runtime)
		gh_runtime_unref(runtime);
}

struct gh_ask *gh_ask_start(struct gh_fold *fold)
{
	if (!gh_fold_run(fold)) {
		park(fold);
		arm(fold->ask);
		return fold->ask;
	}
	keep_exchange(fold);
	fold_done(fold);
	if (fold->ask)
		ask_free(fold->ask);
	return NULL;
}

static void finish(struct gh_ask *ask)
{
	struct gh_decision decision = ask->decision;
	gh_ask_done_fn *done = ask->fold.done;
	void *arg = ask->fold.arg;

	ask->fold.decision = &decision;
	keep_exchange(&ask->fold);
	fold_done(&ask->fold);
	/* The runtime is held until the decision has been read: its module's name is the
	 * runtime's. */
	done(arg, &decision);
	gh_decision_done(&decision);
	ask_free(ask);
}

static void end_step(struct gh_ask *ask, enum gh_ticket_end end)
{
	gh_loop_timeout_cancel(ask->fold.asker->loop, &ask->timeout);
	gh_ticket_close(ask->fold.asker, ask->ticket, end);
	ask->ticket.id = 0;
	if (!ask->job)
		return;
	gh_pool_withdraw(gh_fold_instance(&ask->fold)->pool, ask->job);
	gh_job_unref(&ask->job);
}

void gh_ask_resume(struct gh_ask *ask, struct gh_answer *answer, enum gh_verdict verdict,
		   enum gh_ticket_end end)
{
	end_step(ask, end);
	ask->fold.now_ms = gh_loop_now_ms(ask->fold.asker->loop);
	if (!gh_fold_take(&ask->fold, answer, verdict)) {
		ask->fold.index++;
		if (!gh_fold_run(&ask->fold)) {
			arm(ask);
			return;
		}
	}
	finish(ask);
}

void gh_ask_cancel(struct gh_ask **ask)
{
	struct gh_ask *gone = *ask;

	*ask = NULL;
	if (!gone)
		return;
	end_step(gone, GH_TICKET_CANCELLED);
	fold_done(&gone->fold);
	gh_decision_done(&gone->decision);
	ask_free(gone);
}

/* ---- the questions ---- */

static uint64_t whole_due(const struct gh_fold *fold)
{
	return fold->now_ms + STEPS_MAX * fold->chain->runtime->settings->limits.hook_timeout;
}

void gh_ask_accept(const struct gh_chain *chain, const struct gh_client *client,
		   struct gh_decision *decision_r)
{
	struct gh_asking asking = { .chain = chain };
	struct gh_client mine = *client;
	struct gh_fold fold;

	mine.size = sizeof(mine);
	gh_fold_init(&fold, &asking, GH_HOOK_ACCEPT, &mine, decision_r);
	gh_fold_veto(&fold);
}

struct gh_ask *gh_ask_authenticate(const struct gh_asking *asking, const struct gh_authenticate *in,
				   struct gh_decision *decision_r)
{
	const struct gh_chain *chain = asking->chain;
	struct gh_authenticate mine = *in;
	struct gh_fold fold;

	mine.size = sizeof(mine);
	gh_fold_init(&fold, asking, GH_HOOK_AUTHENTICATE, &mine, decision_r);
	fold.client = in->client;
	fold.flags = in->flags;
	if (chain->open && (chain->count == 0 || (!in->username && !in->password.p))) {
		fold.anonymous = fold.optional_allowed = true;
		decision_r->module = "anonymous";
	}
	return gh_ask_start(&fold);
}

struct gh_ask *gh_ask_exchange(const struct gh_asking *asking, struct gh_exchange_run *run,
			       const struct gh_exchange *in, struct gh_decision *decision_r)
{
	struct gh_asking mine_asking = *asking;
	struct gh_authenticate connect;
	struct gh_exchange mine = *in;
	struct gh_fold fold;

	mine.size = sizeof(mine);
	mine_asking.chain = run->chain;
	if (in->connect) {
		connect = *in->connect;
		connect.size = sizeof(connect);
		mine.connect = &connect;
	}
	gh_fold_init(&fold, &mine_asking, GH_HOOK_EXCHANGE, &mine, decision_r);
	if (run->ended)
		return NULL;
	fold.client = in->client;
	fold.flags = in->flags;
	fold.run = run;
	fold.due_ms = whole_due(&fold);
	fold.index = run->index;
	fold.optional_allowed = run->optional_allowed;
	decision_r->cause = run->cause;
	fold.login = run->login;
	run->login = (struct gh_fold_login){ 0 };
	return gh_ask_start(&fold);
}

/* Nobody vouches for the anonymous but the list itself. */
static bool recheck_anonymous(const struct gh_chain *chain, const struct gh_client *client,
			      struct gh_decision *decision)
{
	struct gh_shared_identity *identity = gh_snapshot_identity(gh_snapshot_of(client));

	if (!gh_identity_is_anonymous(identity))
		return false;
	decision->module = "anonymous";
	if (chain->open) {
		decision->verdict = GH_ALLOW;
		decision->identity = gh_identity_ref(identity);
	} else {
		decision->cause = GH_CAUSE_POLICY;
		snprintf(decision->why, sizeof(decision->why),
			 "anonymous clients are no longer let in here");
	}
	return true;
}

struct gh_ask *gh_ask_lookup(const struct gh_asking *asking, const struct gh_lookup *in,
			     struct gh_decision *decision_r)
{
	struct gh_lookup mine = *in;
	struct gh_fold fold;

	mine.size = sizeof(mine);
	gh_fold_init(&fold, asking, GH_HOOK_LOOKUP, &mine, decision_r);
	fold.client = in->client;
	fold.flags = in->flags;
	fold.parts = (in->flags & GH_RECHECK) != 0;
	fold.due_ms = whole_due(&fold);
	if (fold.parts && recheck_anonymous(asking->chain, in->client, decision_r))
		return NULL;
	return gh_ask_start(&fold);
}

static bool open_to(const struct gh_chain *chain, const struct gh_authorize *in)
{
	return chain->open && !(in->topic.n && in->topic.p[0] == '$');
}

struct gh_ask *gh_ask_authorize(const struct gh_asking *asking, const struct gh_authorize *in,
				const struct gh_cover *covered, struct gh_decision *decision_r)
{
	struct gh_authorize mine;
	struct gh_fold fold;

	if (open_to(asking->chain, in) && !asking->chain->required_end) {
		gh_decision_init(decision_r);
		decision_r->verdict = GH_ALLOW;
		decision_r->module = "anyone";
		decision_r->cover.whole = in->action == GH_SUBSCRIBE;
		return NULL;
	}
	mine = *in;
	mine.size = sizeof(mine);
	gh_fold_init(&fold, asking, GH_HOOK_AUTHORIZE, &mine, decision_r);
	fold.client = in->client;
	fold.flags = in->flags;
	fold.action = in->action;
	fold.covered = covered;
	fold.due_ms = whole_due(&fold);
	fold.optional_allowed = open_to(asking->chain, in);
	if (fold.optional_allowed)
		decision_r->module = "anyone";
	return gh_ask_start(&fold);
}

struct gh_ask *gh_ask_publish(const struct gh_asking *asking, const struct gh_publish *in,
			      struct gh_decision *decision_r)
{
	struct gh_publish mine = *in;
	struct gh_fold fold;

	mine.size = sizeof(mine);
	gh_fold_init(&fold, asking, GH_HOOK_PUBLISH, &mine, decision_r);
	fold.client = in->client;
	fold.flags = in->flags;
	fold.due_ms = whole_due(&fold);
	return gh_ask_start(&fold);
}

struct gh_ask *gh_ask_one(const struct gh_asking *asking, const struct gh_one *one,
			  gh_ask_said_fn *said)
{
	const struct gh_identity *so_far = gh_identity_view(one->so_far);
	struct gh_decision decision;
	struct gh_error error;
	struct gh_fold fold;

	gh_fold_init(&fold, asking, one->point, one->in, &decision);
	fold.client = one->client;
	fold.due_ms = one->due_ms;
	fold.run = one->run;
	fold.said = said;
	/* Flags are at the same place in every argument. */
	fold.flags = ((const struct gh_authorize *)one->in)->flags;
	if (one->point == GH_HOOK_AUTHORIZE)
		fold.action = ((const struct gh_authorize *)one->in)->action;
	if (so_far)
		gh_merge_keep(&fold.login.merge, one->so_far, so_far->source, &error);
	return gh_ask_start(&fold);
}
