/* SPDX-License-Identifier: Apache-2.0 */
/* The will of a session. */
#include "client/will.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/author.h"
#include "client/deliver.h"
#include "client/hold.h"
#include "client/persist.h"
#include "client/publish.h"
#include "client/rights.h"
#include "client/route.h"

#include <stdlib.h>

/* One that fires: outlives its session, waits for what modules say. */
struct firing {
	struct gh_node in_shard;
	struct gh_shard *shard;
	struct gh_session_will *will;
	struct gh_inquiry *inquiry;
	struct gh_ask *ask; /* the message list, or authorize about the topic that it gave */
	struct gh_edited *edited;
	uint32_t generation; /* of the policy that is asked */
	bool lasts;          /* it is to outlive the process, as its session is, */
	uint64_t serial;     /* and the store has it under this number; 0: not yet */
	struct gh_afterwards afterwards; /* published: the workers that it went to are putting it into the store */
};

static void firing_free(struct firing *firing)
{
	gh_list_remove(&firing->in_shard);
	gh_list_remove(&firing->afterwards.node);
	gh_inquiry_free(&firing->inquiry);
	gh_ask_cancel(&firing->ask);
	gh_edited_unref(&firing->edited);
	gh_session_will_free(&firing->will);
	free(firing);
}

/* What others couldn't put is kept: it fires again after a restart. */
static void on_safe(struct gh_afterwards *afterwards, bool safe)
{
	struct firing *firing = gh_container(afterwards, struct firing, afterwards);

	if (safe && firing->serial)
		gh_persist_firing_end(firing->shard, firing->serial, firing->will);
	firing_free(firing);
}

/* Something comes later; the session may be over by then, or have another will. */
static void keep_waiting(struct firing *firing)
{
	if (!firing->lasts || firing->serial)
		return;
	firing->serial = ++firing->shard->will_serial;
	gh_persist_firing(firing->shard, firing->serial, firing->will);
}

/* It has been published, or refused. */
static void end(struct firing *firing)
{
	if (!firing->lasts || !gh_hold_awaits_others(firing->shard)) {
		on_safe(&firing->afterwards, true);
		return;
	}
	keep_waiting(firing);
	firing->afterwards.fn = on_safe;
	gh_hold_afterwards(firing->shard, &firing->afterwards);
}

/* What is routed is another publication: made of these where somebody keeps it. */
static void take_edits(struct gh_transit *transit, const struct gh_message *message)
{
	gh_publication_unref(&transit->publication);
	transit->facts.topic = message->topic;
	transit->facts.payload = message->payload;
	transit->facts.properties = transit->forward = message->properties;
	transit->facts.forward_n = message->properties.n;
}

static void publish(struct firing *firing)
{
	struct gh_shard *shard = firing->shard;
	const struct gh_session_will *will = firing->will;
	struct gh_transit transit;

	gh_transit_of(&transit, will->publication);
	if (firing->edited)
		take_edits(&transit, &firing->edited->message);
	if (will->has_expiry) { /* counts from now: the publication itself has no end, so another one is made of it */
		gh_publication_unref(&transit.publication);
		transit.facts.expires_at =
			gh_shard_now(shard) + (will->expiry ? will->expiry * 1000ull : 1);
	}
	gh_count(shard->broker, GH_COUNT_WILLS);
	gh_tell_published(shard, gh_snapshot_client(transit.facts.author), &transit.facts);
	gh_route(shard, &transit, NULL);
	gh_transit_done(&transit);
}

static void ask(struct firing *firing);

/* Nobody gets it: its author lost the right, or a module refuses it. */
static void drop_firing(struct firing *firing)
{
	gh_tell_dropped(firing->shard, NULL, gh_publication_topic(firing->will->publication),
			GH_COUNT_DROP_AUTHOR);
	end(firing);
}

static const struct gh_client *author_of(const struct firing *firing)
{
	return gh_snapshot_client(firing->will->publication->author);
}

/* ---- the message list ---- */

static void topic_judged(struct firing *firing, const struct gh_decision *decision)
{
	const struct gh_message *message = &firing->edited->message;

	if (gh_right_given(decision, message->qos, message->retain, message->payload.n)) {
		publish(firing);
		end(firing);
	} else {
		gh_tell_denied(firing->shard, author_of(firing), GH_WILL, message->topic, decision);
		drop_firing(firing);
	}
}

static void on_topic_judged(void *arg, struct gh_decision *decision)
{
	struct firing *firing = arg;

	firing->ask = NULL;
	topic_judged(firing, decision);
}

static void ask_topic(struct firing *firing, const struct gh_policy *policy)
{
	const struct gh_message *message = &firing->edited->message;
	struct gh_asking asking = { .asker = firing->shard->asker,
				    .chain = policy->authorize,
				    .done = on_topic_judged,
				    .arg = firing };
	struct gh_authorize in = { .client = author_of(firing),
				   .action = GH_WILL,
				   .qos = message->qos,
				   .retain = message->retain,
				   .topic = message->topic,
				   .payload_size = message->payload.n,
				   .properties = message->properties };
	struct gh_decision decision;

	firing->ask = gh_ask_authorize(&asking, &in, NULL, &decision);
	if (firing->ask)
		keep_waiting(firing);
	else
		topic_judged(firing, &decision);
}

static void filtered(struct firing *firing, struct gh_decision *decision)
{
	const struct gh_policy *policy =
		gh_runtime_policy(firing->shard->runtime, author_of(firing)->listener);

	if (decision->verdict != GH_ALLOW || !policy) {
		gh_tell_denied(firing->shard, author_of(firing), GH_WILL,
			       gh_publication_topic(firing->will->publication), decision);
		drop_firing(firing);
		return;
	}
	firing->edited = decision->edited;
	decision->edited = NULL;
	if (firing->edited && firing->edited->topic_changed) {
		ask_topic(firing, policy);
		return;
	}
	publish(firing);
	end(firing);
}

static void on_filtered(void *arg, struct gh_decision *decision)
{
	struct firing *firing = arg;

	firing->ask = NULL;
	filtered(firing, decision);
}

static void filter(struct firing *firing)
{
	const struct gh_publication *publication = firing->will->publication;
	const struct gh_policy *policy =
		gh_runtime_policy(firing->shard->runtime, author_of(firing)->listener);
	struct gh_message message = { .size = sizeof(message),
				      .qos = publication->qos,
				      .retain = publication->retain,
				      .topic = gh_publication_topic(publication),
				      .payload = gh_publication_payload(publication),
				      .properties = gh_publication_properties(publication) };
	struct gh_publish in = { .client = author_of(firing), .message = &message };
	struct gh_asking asking = { .asker = firing->shard->asker, .done = on_filtered, .arg = firing };
	struct gh_decision decision;

	if (!policy) {
		drop_firing(firing);
		return;
	}
	asking.chain = policy->message;
	firing->ask = gh_ask_publish(&asking, &in, &decision);
	if (firing->ask) {
		keep_waiting(firing);
		return;
	}
	filtered(firing, &decision);
	gh_decision_done(&decision);
}

/* ---- its right ---- */

static void on_answer(void *arg, enum gh_author answer)
{
	struct firing *firing = arg;

	firing->inquiry = NULL;
	if (firing->generation != gh_shard_generation(firing->shard))
		ask(firing);
	else if (answer == GH_AUTHOR_ENTITLED)
		filter(firing);
	else
		drop_firing(firing);
}

static void ask(struct firing *firing)
{
	const struct gh_inquiring inquiring = { .shard = firing->shard,
						.publication = firing->will->publication,
						.action = GH_WILL,
						.done = on_answer,
						.arg = firing };
	enum gh_author answer;

	firing->generation = gh_shard_generation(firing->shard);
	answer = gh_inquire(&inquiring, &firing->inquiry);
	if (answer == GH_AUTHOR_WAITS)
		keep_waiting(firing);
	else
		on_answer(firing, answer);
}

/* Takes over the will. */
static struct firing *firing_new(struct gh_shard *shard, struct gh_session_will *will)
{
	struct firing *firing = gh_zalloc(sizeof(*firing));

	firing->shard = shard;
	firing->will = will;
	gh_list_init(&firing->afterwards.node);
	gh_list_append(&shard->wills, &firing->in_shard);
	return firing;
}

static void fire(struct gh_shard *shard, struct gh_session *session)
{
	struct firing *firing = firing_new(shard, session->will);

	session->will = NULL;
	firing->lasts = session->lasting;
	gh_loop_timeout_cancel(shard->loop, &firing->will->timeout);
	ask(firing);
	/* Not before it is published, refused, or kept as one that waits. */
	gh_persist_will(shard, session);
}

void gh_wills_go_on(struct gh_shard *shard)
{
	gh_list_each(&shard->wills, it, next) ask(gh_container(it, struct firing, in_shard));
}

void gh_wills_cancel(struct gh_shard *shard)
{
	gh_list_each(&shard->wills, it, next) firing_free(gh_container(it, struct firing, in_shard));
}

static void on_delay_over(struct gh_timeout *timeout)
{
	struct gh_session_will *will = gh_container(timeout, struct gh_session_will, timeout);
	struct gh_session *session = will->session;

	fire(session->keeper, session);
}

static void drop(struct gh_shard *shard, struct gh_session *session)
{
	if (!session->will)
		return;
	gh_loop_timeout_cancel(shard->loop, &session->will->timeout);
	gh_session_will_free(&session->will);
}

/* Takes over the reference. */
static struct gh_session_will *keep(struct gh_session *session, struct gh_publication *publication)
{
	struct gh_session_will *will = gh_session_will_new(publication);

	session->will = will;
	will->session = session;
	gh_timeout_init(&will->timeout, on_delay_over);
	return will;
}

static void take(struct gh_channel *channel, const struct gh_will *will)
{
	struct gh_session *session = channel->session;
	struct gh_publication *publication;
	struct gh_publication_facts facts;

	facts = (struct gh_publication_facts){ .topic = will->topic,
					       .payload = will->payload,
					       .properties = will->properties.raw,
					       .forward_n = will->properties.forward_n,
					       .origin = gh_session_client_id(session),
					       .qos = will->qos,
					       .retain = will->retain,
					       .is_text = will->properties.is_text,
					       .author = gh_author_of(channel) };
	publication = gh_publication_new(&facts);
	if (!publication) {
		gh_channel_log(channel, GH_LOG_WARNING, NULL, 0, "no memory for its will");
		return;
	}
	keep(session, publication)->delay = will->properties.will_delay;
	session->will->has_expiry = will->properties.has_expiry;
	session->will->expiry = will->properties.expiry;
}

void gh_will_set(struct gh_channel *channel, const struct gh_will *will)
{
	struct gh_session *session = channel->session;
	bool had = session->will;

	drop(channel->shard, session);
	if (will)
		take(channel, will);
	if (had || will)
		gh_persist_will(channel->shard, session);
}

void gh_will_restore(struct gh_session *session, const struct gh_stored_will *stored)
{
	struct gh_session_will *will = keep(session, gh_publication_ref(stored->publication));

	will->delay = stored->delay;
	will->has_expiry = stored->has_expiry;
	will->expiry = stored->expiry;
}

void gh_will_restore_firing(struct gh_shard *shard, uint64_t serial,
			    const struct gh_stored_will *stored)
{
	struct gh_session_will *will = gh_session_will_new(gh_publication_ref(stored->publication));
	struct firing *firing = firing_new(shard, will);

	will->has_expiry = stored->has_expiry;
	will->expiry = stored->expiry;
	firing->lasts = true;
	firing->serial = serial;
	if (serial > shard->will_serial)
		shard->will_serial = serial;
}

void gh_will_due(struct gh_shard *shard, struct gh_session *session, uint64_t offline_s)
{
	struct gh_session_will *will = session->will;

	if (will && will->delay <= offline_s)
		fire(shard, session);
	else if (will)
		gh_loop_timeout(shard->loop, &will->timeout, (will->delay - offline_s) * 1000);
}

void gh_will_connection_ends(struct gh_shard *shard, struct gh_session *session, bool clean)
{
	struct gh_session_will *will = session->will;

	if (!will)
		return;
	if (clean || shard->stopping) { /* at the end of the broker nobody is left to be told */
		drop(shard, session);
		gh_persist_will(shard, session);
	} else if (will->delay == 0 || session->expiry_interval == 0)
		fire(shard, session);
	else
		gh_loop_timeout(shard->loop, &will->timeout, will->delay * 1000ull);
}

void gh_will_session_ends(struct gh_shard *shard, struct gh_session *session)
{
	if (session->will && !shard->stopping)
		fire(shard, session);
	else
		drop(shard, session);
}
