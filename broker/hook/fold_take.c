/* SPDX-License-Identifier: Apache-2.0 */
/* How answers fold into one decision. */
#include "hook/exchange.h"

#include <stdlib.h>
#include <string.h>

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

bool gh_fold_deny(struct gh_fold *fold, const struct gh_answer *answer, bool failed)
{
	struct gh_decision *decision = fold->decision;

	note(fold, answer);
	decision->verdict = GH_DENY;
	decision->failed = failed;
	decision->uncovered &= failed;
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
	return true;
}

/* Beside any verdict: who is refused brought a user name too. At once: the next one may think until the login is given up. */
static void take_shown_user(struct gh_fold *fold, const struct gh_answer *answer)
{
	const struct gh_login_answer *in = answer->in;

	if (!in || !in->shown_user || fold->login.shown)
		return;
	fold->login.shown = true;
	if (fold->shown)
		fold->shown(fold->arg, in->shown_user);
}

/* A class that nobody knows may have been meant to bound: without it there is no ALLOW. */
static bool class_there(const struct gh_fold *fold, const struct gh_grant *grant,
			struct gh_error *error)
{
	if (!grant->limits_class ||
	    gh_settings_has_class(fold->chain->runtime->settings, grant->limits_class))
		return true;
	gh_error_set(error, GH_ENOENT, "there is no limits class '%s'", grant->limits_class);
	return false;
}

/* The module's own words were about an ALLOW that doesn't stand. */
static enum gh_verdict refuse_grant(struct gh_answer *answer, bool contradicts, const char *text)
{
	answer->why[0] = 0;
	gh_answer_explain(answer, GH_CAUSE_POLICY, "%s", text);
	return contradicts ? GH_DENY : GH_ERROR;
}

/* GH_DENY: two modules mean two people, which no `on-error` may gloss over. */
static enum gh_verdict merge(struct gh_fold *fold, struct gh_answer *answer)
{
	struct gh_grant empty = { 0 };
	struct gh_error error = { 0 };
	struct gh_grant *grant = answer->in ? &answer->in->grant : &empty;
	bool contradicts = gh_merge_contradicts(&fold->login.merge, grant);

	/* Beside the built-in `anonymous` nobody need be named; what is given to nobody is
	 * dropped, unless it may be meant to bound. */
	if (fold->kept || (fold->anonymous && !fold->login.merge.count && !grant->principal &&
			   !grant->limits_class && !grant->bad))
		return GH_ALLOW;
	if (!contradicts && !class_there(fold, grant, &error))
		return refuse_grant(answer, false, error.text);
	if (gh_merge_add(&fold->login.merge, answer->instance->name, answer->instance->realm, grant,
			 &error) == 0)
		return GH_ALLOW;
	return refuse_grant(answer, contradicts, error.text);
}

static enum gh_verdict admit_login(struct gh_fold *fold, struct gh_answer *answer,
				   enum gh_verdict verdict)
{
	take_shown_user(fold, answer);
	if (verdict == GH_ERROR || verdict == GH_DENY)
		return verdict;
	if (!take_names(fold, answer))
		return GH_ERROR;
	if (verdict == GH_ALLOW)
		verdict = merge(fold, answer);
	if (verdict == GH_ALLOW || verdict == GH_CONTINUE)
		take_auth_data(fold, answer);
	return verdict;
}

/* 0 is for ever. */
static uint32_t sooner(uint32_t a, uint32_t b)
{
	return a && (!b || a < b) ? a : b;
}

/* What a cover has answered stands in the subscription: it may end before. */
static void note_keep(struct gh_fold *fold, const struct gh_answer *answer, enum gh_verdict verdict)
{
	fold->all_keep = fold->all_keep && answer->cache && verdict != GH_ERROR;
	fold->decision->keep_s = sooner(fold->decision->keep_s, answer->cache_s);
}

static enum gh_verdict admit_authorize(struct gh_fold *fold, struct gh_answer *answer,
				       enum gh_verdict verdict)
{
	struct gh_decision *decision = fold->decision;
	bool covers = answer->covers || (answer->instance->elsewhere && verdict == GH_PASS);

	if (fold->action == GH_SUBSCRIBE && (verdict == GH_PASS || verdict == GH_ALLOW)) {
		if (answer->instance->elsewhere && !covers) {
			gh_answer_explain(answer, GH_CAUSE_POLICY,
					  "%s and allows without covering what is delivered",
					  gh_instance_elsewhere(answer->instance));
			return GH_ERROR;
		}
		if (covers && verdict == GH_PASS)
			decision->cover.pass |= 1u << fold->index;
		else if (covers)
			decision->cover.allow |= 1u << fold->index;
		if (covers)
			decision->cover.seconds = sooner(decision->cover.seconds, answer->cache_s);
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

/* ---- one answer of a publish ---- */

/* False: the core can't take it. */
static bool edit(struct gh_fold *fold, struct gh_answer *answer)
{
	const struct gh_publish *in = fold->in;
	uint64_t max = fold->chain->runtime->settings->limits.packet_size;
	struct gh_edited *edited;
	struct gh_error error;

	if (gh_edited_make(gh_fold_message(fold), answer->edits, in->message->topic, max, &edited,
			   &error) < 0) {
		answer->why[0] = 0;
		gh_answer_explain(answer, GH_CAUSE_POLICY, "%s", error.text);
		return false;
	}
	gh_edited_unref(&fold->decision->edited);
	fold->decision->edited = edited;
	return true;
}

static void tell(const struct gh_fold *fold, const struct gh_answer *answer, enum gh_verdict verdict)
{
	const struct gh_edited *edited = fold->decision->edited;
	bool passed = verdict == GH_PASS || verdict == GH_ALLOW;
	struct gh_told told = { .module = answer->instance->name,
				.verdict = verdict,
				.why = answer->why,
				.edited = passed && answer->edits };

	if (edited && edited->topic_changed)
		told.topic = edited->message.topic;
	fold->told(fold->arg, &told);
}

static bool take_publish(struct gh_fold *fold, struct gh_answer *answer, enum gh_verdict verdict)
{
	bool passes_errors = answer->instance->on_error_next && !gh_fold_entry(fold)->required;

	if ((verdict == GH_PASS || verdict == GH_ALLOW) && answer->edits && !edit(fold, answer))
		verdict = GH_ERROR;
	if (fold->told)
		tell(fold, answer, verdict);
	if (verdict == GH_ERROR && passes_errors)
		verdict = GH_PASS;
	if (verdict == GH_DENY || verdict == GH_ERROR)
		return gh_fold_deny(fold, answer, verdict == GH_ERROR);
	return false;
}

/* ---- the end ---- */

static bool refuse(struct gh_fold *fold, enum gh_cause cause, const char *why)
{
	fold->decision->verdict = GH_DENY;
	fold->decision->cause = (uint32_t)cause;
	gh_text_cut(fold->decision->why, sizeof(fold->decision->why), why, strlen(why));
	return true;
}

static bool beyond(struct gh_fold *fold, const char *why)
{
	fold->decision->beyond = true;
	return refuse(fold, GH_CAUSE_LIMIT, why);
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
	fold->login.client_id = NULL;
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
		return beyond(fold, "the payload is larger than this rule allows");
	if (fold->action == GH_RECEIVE)
		return true;
	if (in->qos > decision->max_qos)
		return beyond(fold, "the QoS is higher than this rule allows");
	if (in->retain && decision->no_retain)
		return beyond(fold, "this rule allows no retained messages");
	return true;
}

static bool grant(struct gh_fold *fold)
{
	return fold->point == GH_HOOK_AUTHORIZE ? grant_authorize(fold) : grant_login(fold);
}

void gh_fold_end(struct gh_fold *fold)
{
	if (fold->point == GH_HOOK_PUBLISH) {
		fold->decision->verdict = GH_ALLOW;
		return;
	}
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
		return gh_fold_deny(fold, answer, false);
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

/* By a ticket it may come where it means nothing. */
static enum gh_verdict in_place(const struct gh_fold *fold, struct gh_answer *answer,
				enum gh_verdict verdict)
{
	if (verdict != GH_CONTINUE || fold->asked == GH_HOOK_EXCHANGE)
		return verdict;
	gh_answer_explain(answer, GH_CAUSE_BACKEND, "it said CONTINUE outside an exchange");
	return GH_ERROR;
}

static void count(const struct gh_fold *fold, const struct gh_answer *answer, enum gh_verdict verdict)
{
	struct gh_series *series = answer->instance->answers[fold->asked][verdict];

	if (answer->called && series && !(fold->flags & GH_HYPOTHETICAL))
		gh_series_count(series);
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
		return gh_fold_deny(fold, answer, false);
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

	verdict = in_place(fold, answer, verdict);
	count(fold, answer, verdict);
	if (fold->said) {
		fold->said(fold->arg, answer, verdict);
		return true;
	}
	if (fold->parts)
		return take_part(fold, answer, verdict);
	if (fold->point == GH_HOOK_PUBLISH)
		return take_publish(fold, answer, verdict);
	required = gh_fold_entry(fold)->required;
	verdict = fold->point == GH_HOOK_AUTHORIZE ? admit_authorize(fold, answer, verdict)
						   : admit_login(fold, answer, verdict);
	note_keep(fold, answer, verdict);
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
	default: return gh_fold_deny(fold, answer, verdict == GH_ERROR);
	}
}
