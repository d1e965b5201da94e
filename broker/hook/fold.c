/* SPDX-License-Identifier: Apache-2.0 */
/* Going through a list: who is asked, how, and where it stops. */
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
	memset(login, 0, sizeof(*login));
}

void gh_decision_init(struct gh_decision *decision)
{
	decision->verdict = GH_DENY;
	decision->reason = 0;
	decision->reason_set = decision->failed = decision->no_retain = decision->disconnect = false;
	decision->uncovered = false;
	decision->cause = GH_CAUSE_OTHER;
	decision->module = "";
	decision->max_qos = 2;
	decision->max_size = GH_NO_MAX_SIZE;
	decision->cover = (struct gh_cover){ 0 };
	decision->line = 0;
	decision->why[0] = decision->file[0] = 0;
	decision->beyond = decision->keep = false;
	decision->keep_s = 0;
	decision->edited = NULL;
	decision->identity = NULL;
	decision->client_id = NULL;
	decision->auth_data = NULL;
	decision->auth_data_size = 0;
}

void gh_fold_init(struct gh_fold *fold, const struct gh_asking *asking, enum gh_hook_point point,
		  const void *in, struct gh_decision *decision)
{
	/* Field by field: this is the hot path, and an authorize has no use for the login's
	 * part. */
	fold->asker = asking->asker;
	fold->chain = asking->chain;
	fold->done = asking->done;
	fold->told = asking->told;
	fold->shown = asking->shown;
	fold->said = NULL;
	fold->arg = asking->arg;
	fold->in = in;
	fold->client = NULL;
	fold->decision = decision;
	fold->covered = NULL;
	fold->run = NULL;
	fold->ask = NULL;
	fold->due_ms = UINT64_MAX;
	fold->now_ms = asking->asker ? gh_loop_now_ms(asking->asker->loop) : 0;
	fold->point = fold->asked = point;
	fold->flags = fold->action = fold->index = 0;
	fold->optional_allowed = fold->anonymous = fold->kept = fold->parts = false;
	fold->all_cover = fold->all_keep = true;
	if (gh_fold_is_login(fold))
		fold->login = (struct gh_fold_login){ 0 };
	gh_decision_init(decision);
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
const struct gh_entry *gh_fold_entry(const struct gh_fold *fold)
{
	if (!fold->parts)
		return &fold->chain->entries[fold->index];
	return entry_named(fold->chain,
			   gh_identity_part(gh_snapshot_identity(gh_snapshot_of(fold->client)),
					    fold->index));
}

struct gh_instance *gh_fold_instance(const struct gh_fold *fold)
{
	return gh_fold_entry(fold)->instance;
}

const struct gh_message *gh_fold_message(const struct gh_fold *fold)
{
	if (fold->decision->edited)
		return &fold->decision->edited->message;
	return ((const struct gh_publish *)fold->in)->message;
}

/* ---- asking one ---- */

/* For authenticate and publish, where a module sees what those before it gave; other arguments are
 * the fold's own. */
static enum gh_verdict call_now(struct gh_fold *fold, struct gh_instance *instance,
				struct gh_answer *answer)
{
	struct gh_authenticate authenticate;
	struct gh_exchange exchange;
	struct gh_publish publish;

	if (fold->asked == GH_HOOK_PUBLISH) {
		publish = *(const struct gh_publish *)fold->in;
		publish.message = gh_fold_message(fold);
		return gh_call(instance, fold->asked, &publish, answer);
	}
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
	if (instance->blocking && !gh_off(instance))
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
	if (fold->action == GH_RECEIVE && entry->instance->elsewhere) {
		gh_answer_explain(answer, GH_CAUSE_POLICY, "%s and has not covered this filter",
				  gh_instance_elsewhere(entry->instance));
		fold->decision->uncovered = true;
		return GH_ERROR;
	}
	return ask(fold, entry->instance, answer);
}

/* 0: skip. GH_PENDING: it will answer. */
static enum gh_verdict ask_entry(struct gh_fold *fold, const struct gh_entry *entry,
				 struct gh_answer *answer)
{
	if (answer->due_ms <= fold->now_ms) {
		gh_answer_explain(answer, GH_CAUSE_TIMEOUT, "no time was left to ask it");
		return GH_ERROR;
	}
	if (fold->point == GH_HOOK_AUTHORIZE)
		return ask_authorize(fold, entry, answer);
	if (fold->point == GH_HOOK_EXCHANGE)
		return ask_exchange(fold, entry, answer);
	if (fold->point == GH_HOOK_PUBLISH)
		return ask(fold, entry->instance, answer);
	return ask_if_there(fold, entry, answer);
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
	uint64_t due = fold->now_ms + fold->chain->runtime->settings->limits.hook_timeout;

	return due < fold->due_ms ? due : fold->due_ms;
}

static bool run_entry(struct gh_fold *fold, const struct gh_entry *entry, bool *waits_r)
{
	struct gh_answer answer;
	enum gh_verdict verdict;
	bool decided = false;

	gh_answer_init(&answer, entry->instance, gh_fold_is_login(fold), gh_fold_step_due(fold));
	answer.hypothetical = fold->flags & GH_HYPOTHETICAL;
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
		const struct gh_entry *entry = gh_fold_entry(fold);
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
	gh_fold_end(fold);
	return true;
}

void gh_fold_veto(struct gh_fold *fold)
{
	for (fold->index = 0; fold->index < fold->chain->count; fold->index++) {
		const struct gh_entry *entry = gh_fold_entry(fold);
		struct gh_answer answer;
		enum gh_verdict verdict;

		if (!gh_call_has(entry->instance, fold->point))
			continue;
		gh_answer_init(&answer, entry->instance, false, 0);
		verdict = gh_call(entry->instance, fold->point, fold->in, &answer);
		gh_series_count(entry->instance->answers[GH_HOOK_ACCEPT][verdict]);
		if (verdict == GH_ERROR && entry->instance->on_error_next && !entry->required)
			verdict = GH_PASS;
		if (verdict == GH_DENY || verdict == GH_ERROR) {
			gh_fold_deny(fold, &answer, verdict == GH_ERROR);
			return;
		}
	}
	fold->decision->verdict = GH_ALLOW;
}
