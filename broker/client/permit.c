/* SPDX-License-Identifier: Apache-2.0 */
/* May a PUBLISH be taken? */
#include "client/permit.h"

#include "base/mem.h"
#include "client/publish.h"
#include "client/rights.h"
#include "client/verdicts.h"

#include <stdlib.h>

struct gh_parked {
	struct gh_incoming in;
	struct gh_ask *ask;
	uint8_t *body;
};

void gh_parked_free(struct gh_parked **parked)
{
	struct gh_parked *p = *parked;

	if (!p)
		return;
	gh_ask_cancel(&p->ask);
	gh_edited_unref(&p->in.edited);
	free(p->body);
	free(p);
	*parked = NULL;
}

/* ---- waiting ---- */

/* It has been decoded once already. Takes over what modules have made of it. */
static struct gh_parked *parked_new(const struct gh_channel *channel, struct gh_incoming *in)
{
	struct gh_parked *parked = gh_zalloc(sizeof(*parked));
	struct gh_frame copy = *in->frame;
	struct gh_malformed why;

	parked->in = *in;
	parked->in.frame = NULL;
	in->edited = NULL;
	parked->body = gh_alloc(copy.body.n);
	memcpy(parked->body, copy.body.p, copy.body.n);
	copy.body.p = parked->body;
	gh_decode_publish(channel->receiver.version, &copy, &parked->in.packet, &why);
	/* The alias table, where it stands otherwise, doesn't change while we wait. */
	if (parked->in.packet.topic.n)
		parked->in.topic = parked->in.packet.topic;
	return parked;
}

static enum gh_next wait(struct gh_channel *channel, struct gh_incoming *in, struct gh_ask *ask)
{
	channel->parked =
		in->frame ? parked_new(channel, in) : gh_container(in, struct gh_parked, in);
	channel->parked->ask = ask;
	gh_channel_wait(channel);
	return GH_STOP_HERE;
}

typedef enum gh_next step_fn(struct gh_channel *channel, struct gh_incoming *in,
			     struct gh_decision *decision);

static void go_on(struct gh_channel *channel, struct gh_decision *decision, step_fn *step)
{
	struct gh_parked *parked = channel->parked;

	parked->ask = NULL;
	channel->parked = NULL; /* so that an end on the way doesn't free it under us */
	if (gh_channel_refresh(channel)) {
		gh_channel_go_on(channel);
		step(channel, &parked->in, decision);
	}
	if (channel->parked != parked) /* it may wait again */
		gh_parked_free(&parked);
}

/* ---- authorize ---- */

static step_fn judged;

static struct gh_verdict_key key_of(const struct gh_channel *channel, const struct gh_incoming *in)
{
	return (struct gh_verdict_key){ .hash = &channel->shard->broker->key,
					.topic = gh_incoming_topic(in),
					.action = GH_PUBLISH,
					.generation = in->generation,
					.now_ms = gh_shard_now(channel->shard) };
}

/* A verdict about another identity or policy than today's is used, not kept. */
static void keep(struct gh_channel *channel, const struct gh_incoming *in,
		 const struct gh_decision *decision)
{
	struct gh_verdict_key key = key_of(channel, in);

	if (in->who == channel->who && in->generation == gh_shard_generation(channel->shard))
		gh_verdicts_keep(&channel->verdicts, &key, decision);
}

static void on_judged(void *arg, struct gh_decision *decision)
{
	struct gh_channel *channel = arg;

	if (decision->keep)
		keep(channel, &channel->parked->in, decision);
	go_on(channel, decision, judged);
}

static enum gh_next ask(struct gh_channel *channel, struct gh_incoming *in)
{
	const struct gh_packet_publish *packet = &in->packet;
	struct gh_authorize question = { .client = gh_channel_client(channel),
					 .action = GH_PUBLISH,
					 .qos = packet->qos,
					 .retain = packet->retain,
					 .topic = gh_incoming_topic(in),
					 .payload_size = gh_incoming_payload(in).n,
					 .properties = gh_incoming_properties(in) };
	struct gh_asking asking =
		gh_channel_asking(channel, channel->policy->authorize, on_judged, channel);
	struct gh_decision decision;
	struct gh_ask *waits = gh_ask_authorize(&asking, &question, NULL, &decision);

	if (waits)
		return wait(channel, in, waits);
	if (decision.keep)
		keep(channel, in, &decision);
	return judged(channel, in, &decision);
}

static enum gh_next authorize(struct gh_channel *channel, struct gh_incoming *in)
{
	struct gh_verdict_key key;
	struct gh_decision decision;

	in->generation = gh_shard_generation(channel->shard);
	in->who = channel->who;
	if (channel->verdicts) {
		key = key_of(channel, in);
		if (gh_verdicts_find(channel->verdicts, &key, &decision))
			return judged(channel, in, &decision);
	}
	return ask(channel, in);
}

static enum gh_next denied(struct gh_channel *channel, const struct gh_incoming *in,
			   enum gh_reason reason, const struct gh_decision *decision)
{
	gh_tell_denied(channel->shard, gh_channel_client(channel), GH_PUBLISH,
		       gh_incoming_topic(in), decision);
	if (decision->disconnect ||
	    (reason >= GH_REASON_FAILURE && channel->listener->on_deny_disconnect))
		return gh_channel_end(channel, GH_REASON_NOT_AUTHORIZED, "not authorized to publish");
	return gh_publish_refuse(channel, &in->packet, reason, NULL);
}

static enum gh_reason reason_of(const struct gh_decision *decision)
{
	return decision->reason_set && decision->reason >= GH_REASON_FAILURE
		       ? decision->reason
		       : GH_REASON_NOT_AUTHORIZED;
}

/* The policy was replaced while the one before was asked. */
static enum gh_next authorize_anew(struct gh_channel *channel, struct gh_incoming *in)
{
	static const struct gh_decision late = {
		.verdict = GH_DENY,
		.cause = GH_CAUSE_TIMEOUT,
		.module = "",
		.why = "the policy changed each time before it had answered, for two hook-timeouts"
	};

	if (gh_shard_now(channel->shard) >= in->due_ms)
		return denied(channel, in, GH_REASON_NOT_AUTHORIZED, &late);
	return authorize(channel, in);
}

/* ---- message ---- */

/* DENY with reason 0 is "acknowledge and drop". */
static enum gh_next refused(struct gh_channel *channel, const struct gh_incoming *in,
			    const struct gh_decision *decision)
{
	bool quietly = decision->reason_set && decision->reason == GH_REASON_SUCCESS;

	return denied(channel, in, quietly ? GH_REASON_SUCCESS : reason_of(decision), decision);
}

static enum gh_next take(struct gh_channel *channel, struct gh_incoming *in)
{
	if (!gh_payload_acceptable(channel, in->packet.properties.is_text, gh_incoming_payload(in)))
		return gh_publish_refuse(channel, &in->packet, GH_REASON_PAYLOAD_FORMAT_INVALID,
					 "payload isn't the text it says it is");
	return gh_publish_accept(channel, in);
}

static enum gh_next filtered(struct gh_channel *channel, struct gh_incoming *in,
			     struct gh_decision *decision)
{
	in->filtered = true;
	if (decision->verdict != GH_ALLOW)
		return refused(channel, in, decision);
	in->edited = decision->edited;
	decision->edited = NULL;
	if (in->edited && in->edited->topic_changed)
		return authorize(channel, in);
	if (in->generation != gh_shard_generation(channel->shard))
		return authorize_anew(channel, in);
	return take(channel, in);
}

static void on_filtered(void *arg, struct gh_decision *decision)
{
	go_on(arg, decision, filtered);
}

static enum gh_next filter(struct gh_channel *channel, struct gh_incoming *in)
{
	const struct gh_packet_publish *packet = &in->packet;
	struct gh_message message = { .size = sizeof(message),
				      .qos = packet->qos,
				      .retain = packet->retain,
				      .duplicate = packet->dup,
				      .topic = in->topic,
				      .payload = packet->payload,
				      .properties = packet->properties.raw };
	struct gh_publish question = { .client = gh_channel_client(channel), .message = &message };
	struct gh_asking asking =
		gh_channel_asking(channel, channel->policy->message, on_filtered, channel);
	struct gh_decision decision;
	struct gh_ask *waits = gh_ask_publish(&asking, &question, &decision);
	enum gh_next next;

	if (waits)
		return wait(channel, in, waits);
	next = filtered(channel, in, &decision);
	gh_decision_done(&decision);
	return next;
}

/* ---- both ---- */

static enum gh_next judged(struct gh_channel *channel, struct gh_incoming *in,
			   struct gh_decision *decision)
{
	const struct gh_packet_publish *packet = &in->packet;

	if (in->generation != gh_shard_generation(channel->shard))
		return authorize_anew(channel, in);
	if (!gh_right_given(decision, packet->qos, packet->retain, gh_incoming_payload(in).n))
		return denied(channel, in, reason_of(decision), decision);
	if (!in->filtered && channel->policy->message->count)
		return filter(channel, in);
	return take(channel, in);
}

enum gh_next gh_permit(struct gh_channel *channel, const struct gh_frame *frame,
		       struct gh_incoming *in)
{
	enum gh_next next;

	in->frame = frame;
	in->edited = NULL;
	in->filtered = false;
	in->due_ms = gh_shard_now(channel->shard) +
		     2 * gh_shard_settings(channel->shard)->limits.hook_timeout;
	next = authorize(channel, in);
	gh_edited_unref(&in->edited);
	return next;
}
