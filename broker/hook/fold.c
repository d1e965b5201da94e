/* SPDX-License-Identifier: Apache-2.0 */
/* How answers fold into one decision. */
#include "hook/fold.h"

#include "hook/asker_priv.h"
#include "hook/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void gh_fold_login_done(struct gh_fold_login *login)
{
	gh_merge_done(&login->merge);
	free(login->client_id);
	free(login->shown_user);
	memset(login, 0, sizeof(*login));
}

static void decision_init(struct gh_decision *decision)
{
	decision->verdict = GH_DENY;
	decision->reason = 0;
	decision->reason_set = decision->failed = decision->no_retain = decision->disconnect = false;
	decision->cause = GH_CAUSE_OTHER;
	decision->module = "";
	decision->max_qos = 2;
	decision->max_size = GH_NO_MAX_SIZE;
	decision->cover = (struct gh_cover){ 0 };
	decision->line = 0;
	decision->why[0] = decision->file[0] = 0;
	decision->identity = NULL;
	decision->client_id = decision->shown_user = NULL;
	decision->auth_data = NULL;
	decision->auth_data_size = 0;
}

void gh_fold_init(struct gh_fold *fold, const struct gh_asking *asking, enum gh_hook_point point,
		  const void *in, struct gh_decision *decision)
{
	*fold = (struct gh_fold){ .asker = asking->asker,
				  .chain = asking->chain,
				  .done = asking->done,
				  .arg = asking->arg,
				  .in = in,
				  .decision = decision,
				  .point = point,
				  .asked = point,
				  .due_ms = UINT64_MAX,
				  .all_cover = true };
	decision_init(decision);
}

static unsigned question_count(const struct gh_fold *fold)
{
	unsigned count = 0;

	if (!fold->parts)
		return fold->chain->count;
	while (gh_identity_part(gh_snapshot_identity(gh_snapshot_of(fold->client)), count))
		count++;
	return count;
}

static const struct gh_entry *entry_named(const struct gh_chain *chain, const char *name)
{
	for (unsigned i = 0; i < chain->count; i++)
		if (strcmp(chain->entries[i].instance->name, name) == 0)
			return &chain->entries[i];
	return NULL;
}

/* NULL: the module of this part isn't in the list any more. */
static const struct gh_entry *entry_now(const struct gh_fold *fold)
{
	if (!fold->parts)
		return &fold->chain->entries[fold->index];
	return entry_named(fold->chain,
			   gh_identity_part(gh_snapshot_identity(gh_snapshot_of(fold->client)),
					    fold->index));
}

struct gh_instance *gh_fold_instance(const struct gh_fold *fold)
{
	return entry_now(fold)->instance;
}

/* ---- asking one ---- */

/* For authenticate, where a module sees what those before it gave; other arguments are the fold's own. */
static enum gh_verdict call_now(struct gh_fold *fold, struct gh_instance *instance,
				struct gh_answer *answer)
{
	struct gh_authenticate authenticate;
	struct gh_exchange exchange;

	if (fold->asked == GH_HOOK_AUTHENTICATE) {
		authenticate = fold->point == GH_HOOK_EXCHANGE
				       ? *((const struct gh_exchange *)fold->in)->connect
				       : *(const struct gh_authenticate *)fold->in;
		authenticate.so_far = gh_identity_view(gh_merge_identity(&fold->login.merge));
		return gh_call(instance, fold->asked, &authenticate, answer);
	}
	if (fold->asked == GH_HOOK_EXCHANGE) {
		exchange = gh_exchange_step(fold->in, fold->run->cell, fold->run->step);
		return gh_call(instance, fold->asked, &exchange, answer);
	}
	return gh_call(instance, fold->asked, fold->in, answer);
}

static enum gh_verdict ask(struct gh_fold *fold, struct gh_instance *instance,
			   struct gh_answer *answer)
{
	enum gh_verdict verdict;

	if (atomic_load_explicit(&instance->pending, memory_order_relaxed) >= instance->max_pending) {
		gh_answer_explain(answer, GH_CAUSE_LIMIT, "it has %u answers open already",
				  instance->max_pending);
		return GH_ERROR;
	}
	answer->fold = fold->done && fold->action != GH_RECEIVE ? fold : NULL;
	if (instance->blocking)
		return gh_ask_submit(fold, instance, answer);
	verdict = call_now(fold, instance, answer);
	if (verdict != GH_PENDING && answer->ticket.id)
		gh_ask_void(fold, answer);
	return verdict;
}

/* 0: this one has nothing to say here. */
static enum gh_verdict ask_if_there(struct gh_fold *fold, const struct gh_entry *entry,
				    struct gh_answer *answer)
{
	fold->asked = fold->point;
	if (gh_call_has(entry->instance, fold->point))
		return ask(fold, entry->instance, answer);
	if (fold->parts)
		return GH_PASS;
	if (!entry->required || fold->point == GH_HOOK_LOOKUP)
		return 0;
	gh_answer_explain(answer, GH_CAUSE_POLICY,
			  "it is required and only takes logins with a method");
	return GH_PASS;
}

static enum gh_verdict keep_old(struct gh_fold *fold, const struct gh_entry *entry,
				struct gh_answer *answer)
{
	const struct gh_shared_identity *old = gh_snapshot_identity(gh_snapshot_of(fold->client));
	struct gh_error error = { 0 };

	fold->kept =
		old && gh_merge_keep(&fold->login.merge, old, entry->instance->name, &error) == 0;
	if (fold->kept)
		return GH_ALLOW;
	gh_answer_explain(answer, GH_CAUSE_POLICY, "it is required and has not allowed the login");
	return GH_PASS;
}

static enum gh_verdict ask_exchange(struct gh_fold *fold, const struct gh_entry *entry,
				    struct gh_answer *answer)
{
	struct gh_exchange_run *run = fold->run;
	struct gh_instance *instance = entry->instance;
	const struct gh_exchange *in = fold->in;

	if (gh_call_has(instance, GH_HOOK_EXCHANGE) &&
	    (!run->cell || run->cell->instance == instance)) {
		if (!run->cell)
			run->cell = gh_exchange_cell_new(instance);
		fold->asked = GH_HOOK_EXCHANGE;
		return ask(fold, instance, answer);
	}
	if (!entry->required)
		return 0;
	if (fold->flags & GH_REAUTH)
		return keep_old(fold, entry, answer);
	if (gh_call_has(instance, GH_HOOK_AUTHENTICATE) && in->connect) {
		fold->asked = GH_HOOK_AUTHENTICATE;
		return ask(fold, instance, answer);
	}
	gh_answer_explain(answer, GH_CAUSE_POLICY,
			  "it is required, but another module leads the exchange");
	return GH_PASS;
}

static enum gh_verdict ask_authorize(struct gh_fold *fold, const struct gh_entry *entry,
				     struct gh_answer *answer)
{
	uint32_t bit = 1u << fold->index;

	if (fold->covered && fold->covered->allow & bit)
		return GH_ALLOW;
	if (fold->covered && fold->covered->pass & bit)
		return GH_PASS;
	if (fold->action == GH_RECEIVE && entry->instance->blocking) {
		gh_answer_explain(answer, GH_CAUSE_POLICY,
				  "it blocks and has not covered this filter");
		return GH_ERROR;
	}
	return ask(fold, entry->instance, answer);
}

/* 0: skip. GH_PENDING: it will answer. */
static enum gh_verdict ask_entry(struct gh_fold *fold, const struct gh_entry *entry,
				 struct gh_answer *answer)
{
	if (answer->due_ms <= gh_loop_now_ms(fold->asker->loop)) {
		gh_answer_explain(answer, GH_CAUSE_TIMEOUT, "no time was left to ask it");
		return GH_ERROR;
	}
	if (fold->point == GH_HOOK_AUTHORIZE)
		return ask_authorize(fold, entry, answer);
	if (fold->point == GH_HOOK_EXCHANGE)
		return ask_exchange(fold, entry, answer);
	return ask_if_there(fold, entry, answer);
}

/* ---- taking an answer ---- */

static void note(struct gh_fold *fold, const struct gh_answer *answer)
{
	struct gh_decision *decision = fold->decision;

	decision->cause = answer->cause;
	decision->line = answer->line;
	if (answer->why[0] || decision->why[0])
		memcpy(decision->why, answer->why, strlen(answer->why) + 1);
	if (answer->file[0] || decision->file[0])
		memcpy(decision->file, answer->file, strlen(answer->file) + 1);
}

static bool deny(struct gh_fold *fold, const struct gh_answer *answer, bool failed)
{
	struct gh_decision *decision = fold->decision;

	note(fold, answer);
	decision->verdict = GH_DENY;
	decision->failed = failed;
	decision->module = answer->instance->name;
	decision->reason = answer->reason;
	decision->reason_set = answer->reason_set;
	decision->disconnect = answer->disconnect;
	return true;
}

static void take_auth_data(struct gh_fold *fold, struct gh_answer *answer)
{
	if (!answer->in || !answer->in->auth_data)
		return;
	free(fold->decision->auth_data);
	fold->decision->auth_data = answer->in->auth_data;
	fold->decision->auth_data_size = answer->in->auth_data_size;
	answer->in->auth_data = NULL;
}

/* What may stand beside PASS too. False: the answer can't be taken. */
static bool take_names(struct gh_fold *fold, struct gh_answer *answer)
{
	struct gh_login_answer *in = answer->in;

	if (!in)
		return true;
	if (in->bad) {
		gh_answer_explain(answer, GH_CAUSE_BACKEND, "%s", in->bad);
		return false;
	}
	if (in->client_id && fold->login.client_id &&
	    strcmp(in->client_id, fold->login.client_id) != 0) {
		gh_answer_explain(answer, GH_CAUSE_CLIENT_ID,
				  "it names another client id than one before it");
		return false;
	}
	if (in->client_id && !fold->login.client_id) {
		fold->login.client_id = in->client_id;
		in->client_id = NULL;
	}
	if (in->shown_user && !fold->login.shown_user) {
		fold->login.shown_user = in->shown_user;
		in->shown_user = NULL;
	}
	return true;
}

static bool merge(struct gh_fold *fold, struct gh_answer *answer)
{
	struct gh_grant empty = { 0 };
	struct gh_error error = { 0 };
	struct gh_grant *grant = answer->in ? &answer->in->grant : &empty;

	/* Beside the built-in `anonymous` nobody need be named; what is given to nobody is dropped. */
	if (fold->kept ||
	    (fold->anonymous && !fold->login.merge.count && !grant->principal && !grant->bad))
		return true;
	if (gh_merge_add(&fold->login.merge, answer->instance->name, answer->instance->realm, grant,
			 &error) == 0)
		return true;
	/* The module's own words were about an ALLOW that doesn't stand. */
	answer->why[0] = 0;
	gh_answer_explain(answer, GH_CAUSE_POLICY, "%s", error.text);
	return false;
}

static enum gh_verdict admit_login(struct gh_fold *fold, struct gh_answer *answer,
				   enum gh_verdict verdict)
{
	if (verdict == GH_CONTINUE && fold->asked != GH_HOOK_EXCHANGE) {
		gh_answer_explain(answer, GH_CAUSE_BACKEND, "it said CONTINUE outside an exchange");
		return GH_ERROR;
	}
	if (verdict == GH_ERROR || verdict == GH_DENY)
		return verdict;
	if (!take_names(fold, answer))
		return GH_ERROR;
	if (verdict == GH_ALLOW && !merge(fold, answer))
		return GH_ERROR;
	if (verdict != GH_PASS)
		take_auth_data(fold, answer);
	return verdict;
}

static enum gh_verdict admit_authorize(struct gh_fold *fold, struct gh_answer *answer,
				       enum gh_verdict verdict)
{
	struct gh_decision *decision = fold->decision;
	bool covers = answer->covers || (answer->instance->blocking && verdict == GH_PASS);

	if (verdict == GH_CONTINUE) {
		gh_answer_explain(answer, GH_CAUSE_BACKEND, "it said CONTINUE outside an exchange");
		return GH_ERROR;
	}
	if (fold->action == GH_SUBSCRIBE && (verdict == GH_PASS || verdict == GH_ALLOW)) {
		if (answer->instance->blocking && !covers) {
			gh_answer_explain(answer, GH_CAUSE_POLICY,
					  "it blocks and allows without covering what is delivered");
			return GH_ERROR;
		}
		if (covers && verdict == GH_PASS)
			decision->cover.pass |= 1u << fold->index;
		else if (covers)
			decision->cover.allow |= 1u << fold->index;
		fold->all_cover = fold->all_cover && covers;
	}
	if (verdict == GH_ALLOW) {
		decision->no_retain = decision->no_retain || answer->no_retain;
		if (answer->max_qos < decision->max_qos)
			decision->max_qos = answer->max_qos;
		if (answer->max_size < decision->max_size)
			decision->max_size = answer->max_size;
	}
	return verdict;
}

/* ---- the end ---- */

static bool refuse(struct gh_fold *fold, enum gh_cause cause, const char *why)
{
	fold->decision->verdict = GH_DENY;
	fold->decision->cause = (uint32_t)cause;
	gh_text_cut(fold->decision->why, sizeof(fold->decision->why), why, strlen(why));
	return true;
}

static struct gh_shared_identity *identity_of(struct gh_fold *fold)
{
	struct gh_shared_identity *made;

	if (fold->parts && !fold->login.changed)
		return gh_snapshot_identity(gh_snapshot_of(fold->client));
	made = gh_merge_identity(&fold->login.merge);
	return made ? made : gh_identity_anonymous();
}

static bool grant_login(struct gh_fold *fold)
{
	struct gh_shared_identity *identity = identity_of(fold);

	if ((fold->parts || fold->flags & GH_REAUTH) &&
	    !gh_identity_same(gh_identity_view(identity), fold->client->identity))
		return refuse(fold, GH_CAUSE_POLICY, "it is another principal than before");
	fold->decision->verdict = GH_ALLOW;
	fold->decision->identity = gh_identity_ref(identity);
	fold->decision->client_id = fold->login.client_id;
	fold->decision->shown_user = fold->login.shown_user;
	fold->login.client_id = fold->login.shown_user = NULL;
	return true;
}

static bool grant_authorize(struct gh_fold *fold)
{
	const struct gh_authorize *in = fold->in;
	struct gh_decision *decision = fold->decision;

	decision->verdict = GH_ALLOW;
	decision->cover.whole = fold->action == GH_SUBSCRIBE && fold->all_cover;
	if (fold->action == GH_SUBSCRIBE)
		return true;
	if (in->payload_size > decision->max_size)
		return refuse(fold, GH_CAUSE_LIMIT, "the payload is larger than this rule allows");
	if (fold->action == GH_RECEIVE)
		return true;
	if (in->qos > decision->max_qos)
		return refuse(fold, GH_CAUSE_LIMIT, "the QoS is higher than this rule allows");
	if (in->retain && decision->no_retain)
		return refuse(fold, GH_CAUSE_LIMIT, "this rule allows no retained messages");
	return true;
}

static bool grant(struct gh_fold *fold)
{
	return fold->point == GH_HOOK_AUTHORIZE ? grant_authorize(fold) : grant_login(fold);
}

static void end(struct gh_fold *fold)
{
	/* The last: a hypothetical lookup, where required ones without the hook were left out. */
	if (fold->parts || fold->optional_allowed ||
	    (!fold->chain->has_optional && fold->login.merge.count > 0)) {
		grant(fold);
		return;
	}
	/* Everybody passed: what was noted of the first who knew a reason stays. */
	fold->decision->verdict = GH_DENY;
	fold->decision->module = "";
}

/* ---- one answer of a recheck ---- */

static bool take_part(struct gh_fold *fold, struct gh_answer *answer, enum gh_verdict verdict)
{
	const struct gh_shared_identity *old = gh_snapshot_identity(gh_snapshot_of(fold->client));
	const struct gh_identity *view = gh_identity_view(old);
	struct gh_error error = { 0 };

	if (verdict == GH_ALLOW && strcmp(view->source, answer->instance->name) == 0)
		gh_answer_name_again(answer, view->principal);
	if (verdict == GH_ALLOW)
		verdict = admit_login(fold, answer, verdict);
	if (verdict == GH_DENY)
		return deny(fold, answer, false);
	if (verdict == GH_ALLOW) {
		fold->login.changed = true;
		return false;
	}
	if (verdict != GH_PASS) {
		note(fold, answer);
		fold->decision->failed = true;
		fold->decision->module = answer->instance->name;
	}
	gh_merge_keep(&fold->login.merge, old, answer->instance->name, &error);
	return false;
}

/* ---- one answer of a grant ---- */

static bool allowed(struct gh_fold *fold, const struct gh_answer *answer, bool required)
{
	const struct gh_chain *chain = fold->chain;

	if (!required || !fold->optional_allowed) {
		note(fold, answer);
		fold->decision->module = answer->instance->name;
	}
	fold->optional_allowed = fold->optional_allowed || !required;
	if ((fold->optional_allowed || !chain->has_optional) && fold->index + 1 >= chain->required_end)
		return grant(fold);
	return false;
}

static bool passed(struct gh_fold *fold, const struct gh_answer *answer, bool required)
{
	if (required)
		return deny(fold, answer, false);
	/* An exchange that it didn't take up is over for it; the next may lead it. */
	if (fold->asked == GH_HOOK_EXCHANGE)
		gh_exchange_cell_unref(&fold->run->cell);
	if (answer->cause != GH_CAUSE_OTHER && fold->decision->cause == GH_CAUSE_OTHER)
		note(fold, answer);
	return false;
}

bool gh_fold_take(struct gh_fold *fold, struct gh_answer *answer, enum gh_verdict verdict)
{
	bool required;

	if (fold->parts)
		return take_part(fold, answer, verdict);
	required = entry_now(fold)->required;
	verdict = fold->point == GH_HOOK_AUTHORIZE ? admit_authorize(fold, answer, verdict)
						   : admit_login(fold, answer, verdict);
	fold->kept = false;
	if (verdict == GH_ERROR && answer->instance->on_error_next && !required)
		verdict = GH_PASS;
	switch (verdict) {
	case GH_ALLOW: return allowed(fold, answer, required);
	case GH_PASS: return passed(fold, answer, required);
	case GH_CONTINUE:
		note(fold, answer);
		fold->decision->verdict = GH_CONTINUE;
		fold->decision->module = answer->instance->name;
		return true;
	default: return deny(fold, answer, verdict == GH_ERROR);
	}
}

/* The module that allowed is no longer asked on this listener. */
static bool gone(struct gh_fold *fold)
{
	snprintf(fold->decision->why, sizeof(fold->decision->why),
		 "'%s', which allowed the login, is no longer asked",
		 gh_identity_part(gh_snapshot_identity(gh_snapshot_of(fold->client)), fold->index));
	fold->decision->verdict = GH_DENY;
	fold->decision->cause = GH_CAUSE_POLICY;
	return true;
}

uint64_t gh_fold_step_due(const struct gh_fold *fold)
{
	uint64_t due = gh_loop_now_ms(fold->asker->loop) +
		       fold->chain->runtime->settings->limits.hook_timeout;

	return due < fold->due_ms ? due : fold->due_ms;
}

static bool run_entry(struct gh_fold *fold, const struct gh_entry *entry, bool *waits_r)
{
	struct gh_answer answer;
	enum gh_verdict verdict;
	bool decided = false;

	gh_answer_init(&answer, entry->instance, fold->point != GH_HOOK_AUTHORIZE,
		       gh_fold_step_due(fold));
	verdict = ask_entry(fold, entry, &answer);
	*waits_r = verdict == GH_PENDING;
	if (verdict && verdict != GH_PENDING)
		decided = gh_fold_take(fold, &answer, verdict);
	gh_answer_done(&answer);
	return decided;
}

bool gh_fold_run(struct gh_fold *fold)
{
	unsigned count = question_count(fold);

	for (; fold->index < count; fold->index++) {
		const struct gh_entry *entry = entry_now(fold);
		bool waits;

		if (!entry)
			return gone(fold);
		if (fold->optional_allowed && !entry->required && !fold->parts)
			continue;
		if (run_entry(fold, entry, &waits))
			return true;
		if (waits)
			return false;
	}
	end(fold);
	return true;
}

void gh_fold_veto(struct gh_fold *fold)
{
	for (fold->index = 0; fold->index < fold->chain->count; fold->index++) {
		const struct gh_entry *entry = entry_now(fold);
		struct gh_answer answer;
		enum gh_verdict verdict;

		if (!gh_call_has(entry->instance, fold->point))
			continue;
		gh_answer_init(&answer, entry->instance, false, 0);
		verdict = gh_call(entry->instance, fold->point, fold->in, &answer);
		if (verdict == GH_ERROR && entry->instance->on_error_next && !entry->required)
			verdict = GH_PASS;
		if (verdict == GH_DENY || verdict == GH_ERROR) {
			deny(fold, &answer, verdict == GH_ERROR);
			return;
		}
	}
	fold->decision->verdict = GH_ALLOW;
}
