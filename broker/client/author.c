/* SPDX-License-Identifier: Apache-2.0 */
/* Is the author of a message that was kept still entitled to it? */
#include "client/author.h"

#include "base/mem.h"
#include "client/deliver.h"
#include "client/rights.h"

#include <stdlib.h>

struct gh_inquiry {
	struct gh_inquiring of;
	struct gh_ask *ask;
	bool failed; /* nobody could say whether it exists */
};

void gh_inquiry_free(struct gh_inquiry **inquiry)
{
	struct gh_inquiry *i = *inquiry;

	if (!i)
		return;
	gh_ask_cancel(&i->ask);
	gh_publication_unref(&i->of.publication);
	free(i);
	*inquiry = NULL;
}

static const struct gh_client *author_of(const struct gh_inquiry *inquiry)
{
	return gh_snapshot_client(inquiry->of.publication->author);
}

static void answer(struct gh_inquiry *inquiry, enum gh_author result)
{
	gh_inquiry_fn *done = inquiry->of.done;
	void *arg = inquiry->of.arg;

	if (result == GH_AUTHOR_WAITS)
		return;
	gh_inquiry_free(&inquiry);
	done(arg, result);
}

/* A will that fires is published now: what nobody can answer is not allowed. */
static bool in_grace(const struct gh_inquiry *inquiry)
{
	struct gh_shard *shard = inquiry->of.shard;
	uint64_t grace = gh_shard_settings(shard)->limits.recheck_grace;

	shard->author_failed_at = gh_shard_now(shard);
	return inquiry->of.action != GH_WILL && shard->author_failed_at < shard->policy_at + grace;
}

/* When everything works, a change of the policy begins the grace; who asks for re-checks again and again doesn't prolong it. */
void gh_author_policy_changed(struct gh_shard *shard)
{
	uint64_t now = gh_shard_now(shard);

	shard->rechecks = atomic_load(&shard->broker->acting.rechecks);
	if (!shard->author_failed_at ||
	    now - shard->author_failed_at >= gh_shard_settings(shard)->limits.recheck_grace)
		shard->policy_at = now;
}

/* Of the policy as authors are judged by: they are asked about again after each re-check, of whomever. */
static uint32_t generation_of(const struct gh_shard *shard)
{
	uint32_t generation = gh_shard_generation(shard) * 0x85EBCA6Bu + shard->rechecks;

	return generation ? generation : 1;
}

static enum gh_author conclude(struct gh_inquiry *inquiry, const struct gh_decision *decision)
{
	struct gh_publication *publication = inquiry->of.publication;

	if (decision->failed && in_grace(inquiry))
		return GH_AUTHOR_UNKNOWN;
	if (gh_right_given(decision, publication->qos, publication->retain, publication->payload_n))
		return inquiry->failed ? GH_AUTHOR_UNKNOWN : GH_AUTHOR_ENTITLED;
	gh_tell_denied(inquiry->of.shard, author_of(inquiry), inquiry->of.action,
		       gh_publication_topic(publication), decision);
	return GH_AUTHOR_NOT;
}

static void on_judged(void *arg, struct gh_decision *decision)
{
	struct gh_inquiry *inquiry = arg;

	inquiry->ask = NULL;
	answer(inquiry, conclude(inquiry, decision));
}

static enum gh_author ask_right(struct gh_inquiry *inquiry)
{
	struct gh_publication *publication = inquiry->of.publication;
	const struct gh_policy *policy =
		gh_runtime_policy(inquiry->of.shard->runtime, author_of(inquiry)->listener);
	struct gh_asking asking = { .asker = inquiry->of.shard->asker,
				    .done = on_judged,
				    .arg = inquiry };
	struct gh_authorize in = { .flags = GH_RECHECK,
				   .client = author_of(inquiry),
				   .action = inquiry->of.action,
				   .qos = publication->qos,
				   .retain = publication->retain,
				   .topic = gh_publication_topic(publication),
				   .payload_size = publication->payload_n,
				   .properties = gh_publication_properties(publication) };
	struct gh_decision decision;

	if (!policy)
		return GH_AUTHOR_NOT;
	asking.chain = policy->authorize;
	inquiry->ask = gh_ask_authorize(&asking, &in, NULL, &decision);
	return inquiry->ask ? GH_AUTHOR_WAITS : conclude(inquiry, &decision);
}

static enum gh_author looked_up(struct gh_inquiry *inquiry, const struct gh_decision *decision)
{
	inquiry->failed = decision->failed;
	if (inquiry->failed ? !in_grace(inquiry) : decision->verdict != GH_ALLOW)
		return GH_AUTHOR_NOT;
	return ask_right(inquiry);
}

static void on_looked_up(void *arg, struct gh_decision *decision)
{
	struct gh_inquiry *inquiry = arg;

	inquiry->ask = NULL;
	answer(inquiry, looked_up(inquiry, decision));
}

static enum gh_author look_up(struct gh_inquiry *inquiry)
{
	const struct gh_client *author = author_of(inquiry);
	const struct gh_policy *policy =
		gh_runtime_policy(inquiry->of.shard->runtime, author->listener);
	struct gh_asking asking = { .asker = inquiry->of.shard->asker,
				    .done = on_looked_up,
				    .arg = inquiry };
	struct gh_lookup in = { .flags = GH_RECHECK, .client = author };
	struct gh_decision decision;
	enum gh_author result;

	if (!policy || !author->identity)
		return GH_AUTHOR_NOT;
	asking.chain = policy->authenticate;
	in.principal = author->identity->principal;
	inquiry->ask = gh_ask_lookup(&asking, &in, &decision);
	if (inquiry->ask)
		return GH_AUTHOR_WAITS;
	result = looked_up(inquiry, &decision);
	gh_decision_done(&decision);
	return result;
}

enum gh_author gh_inquire(const struct gh_inquiring *inquiring, struct gh_inquiry **inquiry_r)
{
	struct gh_inquiry *inquiry = gh_zalloc(sizeof(*inquiry));
	enum gh_author result;

	inquiry->of = *inquiring;
	gh_publication_ref(inquiring->publication);
	result = look_up(inquiry);
	if (result != GH_AUTHOR_WAITS)
		gh_inquiry_free(&inquiry);
	*inquiry_r = inquiry;
	return result;
}

/* ---- retained messages ---- */

/* What was answered late, kept until the delivery that waited for it comes again. */
struct gh_author_answer {
	struct gh_inquiry *inquiry; /* NULL: answered */
	struct gh_publication *publication;
	uint32_t generation; /* of the policy that was asked */
	enum gh_author result;
};

void gh_author_answer_free(struct gh_author_answer **answer)
{
	struct gh_author_answer *a = *answer;

	if (!a)
		return;
	gh_inquiry_free(&a->inquiry);
	gh_publication_unref(&a->publication);
	free(a);
	*answer = NULL;
}

bool gh_author_waits(const struct gh_channel *channel)
{
	return channel->author_answer && channel->author_answer->inquiry;
}

void gh_author_entitled(const struct gh_shard *shard, struct gh_publication *publication)
{
	atomic_store(&publication->author_checked, generation_of(shard));
}

static void on_answer(void *arg, enum gh_author result)
{
	struct gh_channel *channel = arg;

	channel->author_answer->inquiry = NULL;
	channel->author_answer->result = result;
	gh_deliver_pump(channel);
}

static enum gh_author inquire(struct gh_channel *channel, struct gh_publication *publication)
{
	const struct gh_inquiring inquiring = { .shard = channel->shard,
						.publication = publication,
						.action = GH_PUBLISH,
						.done = on_answer,
						.arg = channel };
	struct gh_author_answer *answer = gh_zalloc(sizeof(*answer));

	channel->author_answer = answer;
	answer->publication = gh_publication_ref(publication);
	answer->generation = generation_of(channel->shard);
	answer->result = gh_inquire(&inquiring, &answer->inquiry);
	return answer->result;
}

/* An answer of the policy before says nothing about this one. */
static bool answers(const struct gh_author_answer *answer, const struct gh_publication *publication,
		    uint32_t generation)
{
	return answer && answer->publication == publication && answer->generation == generation;
}

enum gh_author gh_author_check(struct gh_channel *channel, struct gh_publication *publication)
{
	enum gh_author result;

	if (!publication->author ||
	    atomic_load(&publication->author_checked) == generation_of(channel->shard))
		return GH_AUTHOR_ENTITLED;
	if (answers(channel->author_answer, publication, generation_of(channel->shard))) {
		result = channel->author_answer->result;
	} else {
		gh_author_answer_free(&channel->author_answer);
		result = inquire(channel, publication);
	}
	if (result == GH_AUTHOR_WAITS)
		return result;
	gh_author_answer_free(&channel->author_answer);
	if (result == GH_AUTHOR_ENTITLED)
		gh_author_entitled(channel->shard, publication);
	return result;
}

struct gh_snapshot *gh_author_of(struct gh_channel *channel)
{
	if (!channel->author)
		channel->author = gh_snapshot_offline(channel->who);
	return channel->author;
}
