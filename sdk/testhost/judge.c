/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer counts for, and how it is written in a script. */
#include "answer.h"
#include "priv.h"

#include <stdlib.h>

/* The module's own cause and words stay. */
static void explain(struct gh_answer *answer, enum gh_cause cause, const char *why)
{
	if (!gh_answer_has(answer, GH_A_CAUSE))
		gh_answer_set_number(answer, GH_A_CAUSE, cause);
	if (!answer->why)
		answer->why = gh_copy(why);
}

static enum gh_verdict fail(struct gh_answer *answer, enum gh_cause cause, const char *why)
{
	explain(answer, cause, why);
	return GH_ERROR;
}

/* Its words were about an answer that doesn't stand. */
static enum gh_verdict overrule(struct gh_answer *answer, const char *why)
{
	free(answer->why);
	answer->why = NULL;
	return fail(answer, GH_CAUSE_POLICY, why);
}

static enum gh_verdict judge_allow(struct gh_answer *answer)
{
	if (answer->about.point == GH_AT_PSK && !gh_answer_has(answer, GH_A_PSK_KEY))
		return overrule(answer, "it allows without a key");
	/* In a lookup it means whom it has named at the login. */
	if ((answer->about.point == GH_AT_AUTHENTICATE || answer->about.point == GH_AT_EXCHANGE) &&
	    !answer->about.named && !gh_answer_has(answer, GH_A_PRINCIPAL))
		return overrule(answer, "it allows without naming a principal");
	if (answer->about.action == GH_SUBSCRIBE && gh_instance_blocks(answer->instance) &&
	    !gh_answer_has(answer, GH_A_COVERS))
		return fail(answer, GH_CAUSE_POLICY,
			    "it blocks and allows without covering what is delivered");
	return GH_ALLOW;
}

static enum gh_verdict judge_pending(struct gh_answer *answer)
{
	if (answer->may_wait && answer->ticket.id)
		return GH_PENDING;
	return fail(answer, GH_CAUSE_BACKEND,
		    answer->may_wait ? "it wanted to answer later, but has no ticket"
				     : "it wanted to answer later, which it may not here");
}

static enum gh_verdict unknown(struct gh_answer *answer, enum gh_verdict verdict)
{
	char *why = gh_format("it answered %d, which is no verdict here", (int)verdict);

	explain(answer, GH_CAUSE_BACKEND, why);
	free(why);
	return GH_ERROR;
}

static enum gh_verdict judge(struct gh_answer *answer, enum gh_verdict verdict)
{
	if (verdict == GH_PENDING)
		return judge_pending(answer);
	if (verdict < GH_PASS || verdict > GH_CONTINUE)
		return unknown(answer, verdict);
	if (verdict == GH_CONTINUE && answer->about.point != GH_AT_EXCHANGE)
		return fail(answer, GH_CAUSE_BACKEND, "it said CONTINUE outside an exchange");
	if (verdict == GH_ERROR)
		return fail(answer, GH_CAUSE_BACKEND, "it could not tell");
	if (answer->bad && verdict != GH_DENY)
		return fail(answer, GH_CAUSE_BACKEND, answer->bad);
	if (answer->bad_grant && verdict == GH_ALLOW)
		return overrule(answer, answer->bad_grant);
	return verdict == GH_ALLOW ? judge_allow(answer) : verdict;
}

void gh_answer_judge(struct gh_answer *answer, enum gh_verdict verdict)
{
	answer->verdict = judge(answer, verdict);
}

void gh_answer_refuse(struct gh_answer *answer, enum gh_cause cause, const char *why)
{
	answer->verdict = fail(answer, cause, why);
}

/* ---- words ---- */

const char *gh_verdict_word(uint32_t verdict)
{
	static const char *const words[] = { "none",  "pass",    "allow",   "deny",
					     "error", "pending", "continue" };

	return verdict < sizeof(words) / sizeof(*words) ? words[verdict] : "unknown";
}

const char *gh_point_word(enum gh_point point)
{
	static const char *const words[] = { "",       "accept",       "handshake",
					     "psk",    "authenticate", "exchange",
					     "lookup", "authorize",    "publish" };

	return words[point];
}

const char *gh_cause_word(uint32_t cause)
{
	static const char *const words[] = {
		[GH_CAUSE_OTHER] = "other",           [GH_CAUSE_UNKNOWN_USER] = "unknown-user",
		[GH_CAUSE_BAD_SECRET] = "bad-secret", [GH_CAUSE_DISABLED] = "disabled",
		[GH_CAUSE_EXPIRED] = "expired",       [GH_CAUSE_NOT_YET_VALID] = "not-yet-valid",
		[GH_CAUSE_REVOKED] = "revoked",       [GH_CAUSE_NOT_FROM_HERE] = "not-from-here",
		[GH_CAUSE_CLIENT_ID] = "client-id",   [GH_CAUSE_UNTRUSTED] = "untrusted",
		[GH_CAUSE_FORGED] = "forged",         [GH_CAUSE_BACKEND] = "backend",
		[GH_CAUSE_TIMEOUT] = "timeout",       [GH_CAUSE_LIMIT] = "limit",
		[GH_CAUSE_POLICY] = "policy",
	};

	return cause < sizeof(words) / sizeof(*words) ? words[cause] : NULL;
}

static void add_number(const struct gh_answer *answer, struct gh_facts *facts,
		       enum gh_answer_key key, const char *word)
{
	if (gh_answer_has(answer, key))
		gh_facts_print(facts, word, "%lld", (long long)answer->numbers[key]);
}

static void add_bytes(const struct gh_answer *answer, struct gh_facts *facts,
		      enum gh_answer_key key, const char *word)
{
	if (gh_answer_has(answer, key))
		gh_facts_bytes(facts, word, answer->bytes[key].p, answer->bytes[key].n);
}

static void add_flag(const struct gh_answer *answer, struct gh_facts *facts, enum gh_answer_key key,
		     const char *word)
{
	if (gh_answer_has(answer, key))
		gh_facts_text(facts, word, "yes");
}

static void add_pairs(const struct gh_answer *answer, struct gh_facts *facts)
{
	for (size_t i = 0; i < answer->pair_count; i++) {
		const struct gh_fact *pair = &answer->pairs[i];
		char *key = gh_format("%s.%s",
				      answer->pair_keys[i] == GH_A_ATTRIBUTE ? "attribute"
				      : pair->value                          ? "property"
									     : "removed",
				      pair->key);

		if (answer->pair_keys[i] == GH_A_GROUP)
			gh_facts_text(facts, "group", pair->value);
		else
			gh_facts_text(facts, key, pair->value ? pair->value : "");
		free(key);
	}
}

static void add_cause(const struct gh_answer *answer, struct gh_facts *facts)
{
	int64_t cause = answer->numbers[GH_A_CAUSE];
	const char *word = cause >= 0 && cause <= UINT32_MAX ? gh_cause_word((uint32_t)cause) : NULL;

	if (gh_answer_has(answer, GH_A_CAUSE))
		gh_facts_text(facts, "cause", word ? word : "other");
}

void gh_answer_facts(const struct gh_answer *answer, struct gh_facts *facts)
{
	gh_facts_word(facts, gh_verdict_word(answer->verdict));
	add_bytes(answer, facts, GH_A_PRINCIPAL, "principal");
	add_pairs(answer, facts);
	add_number(answer, facts, GH_A_EXPIRES, "expires");
	add_bytes(answer, facts, GH_A_CLASS, "class");
	add_bytes(answer, facts, GH_A_CLIENT_ID, "client-id");
	add_bytes(answer, facts, GH_A_SHOWN_USER, "shown-user");
	add_bytes(answer, facts, GH_A_AUTH_DATA, "data");
	add_bytes(answer, facts, GH_A_PSK_KEY, "key");
	add_number(answer, facts, GH_A_MAX_QOS, "max-qos");
	add_number(answer, facts, GH_A_MAX_SIZE, "max-size");
	add_flag(answer, facts, GH_A_NO_RETAIN, "no-retain");
	add_number(answer, facts, GH_A_CACHE, "cache");
	add_flag(answer, facts, GH_A_COVERS, "covers");
	add_flag(answer, facts, GH_A_DISCONNECT, "disconnect");
	add_bytes(answer, facts, GH_A_TOPIC, "topic");
	add_bytes(answer, facts, GH_A_PAYLOAD, "payload");
	add_number(answer, facts, GH_A_REASON, "reason");
	add_cause(answer, facts);
	gh_facts_text(facts, "why", answer->why);
	add_bytes(answer, facts, GH_A_FILE, "file");
	add_number(answer, facts, GH_A_LINE, "line");
}
