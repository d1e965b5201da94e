/* SPDX-License-Identifier: Apache-2.0 */
/* One session is asked about again, until it could be answered. */
#include "client/review.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/attach.h"
#include "client/class.h"
#include "client/groups.h"
#include "client/hold.h"
#include "client/persist.h"
#include "client/recheck.h"
#include "client/renewal.h"
#include "client/rights.h"
#include "client/subscribe.h"
#include "hook/attach.h"
#include "mqtt/topic.h"

#include <stdlib.h>

/* What nobody could answer is asked again after the first, then twice that, up to the second. */
#define AGAIN_MS     1000u
#define AGAIN_MAX_MS 60000u
/* Of one session. Filters are copied: the subscriptions may change while modules think. */
struct review {
	struct gh_recheck *recheck; /* that waits for it; NULL: none */
	struct gh_shard *shard;
	struct gh_session *session;
	struct gh_ask *ask;
	struct gh_buf filters; /* each terminated, "$share/..." as it was subscribed */
	size_t at;
	bool whole;             /* identity and filters; else only these */
	bool identifying;       /* the identity is being asked about */
	bool failed;            /* somebody couldn't answer, this time */
	uint32_t generation;    /* of the policy that is asked */
	uint64_t failing_since; /* monotonic ms; 0: nobody has failed */
	uint32_t delay;         /* ms, until it is asked again */
	struct gh_timeout again;
};

static void next_filter(struct review *review);

static void leave_recheck(struct review *review)
{
	struct gh_recheck *recheck = review->recheck;

	review->recheck = NULL;
	if (recheck)
		gh_recheck_left(recheck);
}

static void review_free(struct review *review)
{
	gh_ask_cancel(&review->ask);
	gh_loop_timeout_cancel(review->shard->loop, &review->again);
	leave_recheck(review);
	review->session->review = NULL;
	gh_buf_done(&review->filters);
	free(review);
}

static void review_cancel(struct gh_session *session)
{
	if (session->review)
		review_free(session->review);
}

void gh_session_unwatch(struct gh_session *session)
{
	review_cancel(session);
	gh_hold_forget(session);
	gh_renewal_free(session);
	gh_class_leave(session);
}

/* ---- what can't be answered ---- */

/* One line a worker and policy: when a directory is away it is away for everybody. */
static void note_failure(struct review *review, const struct gh_decision *decision)
{
	struct gh_shard *shard = review->shard;
	bool first = shard->recheck_warned != gh_shard_generation(shard);
	const struct gh_log_field fields[] = {
		GH_FIELD_STR("client", gh_session_client_id(review->session)),
		GH_FIELD_STR("user", gh_session_principal(review->session)),
		GH_FIELD("module", decision->module), GH_FIELD("reason", decision->why)
	};

	review->failed = true;
	gh_count(shard->broker, GH_COUNT_RECHECK_FAILED);
	shard->recheck_warned = gh_shard_generation(shard);
	gh_log_line(first ? GH_LOG_WARNING : GH_LOG_DEBUG, fields, 4,
		    "can't be checked again now, its rights hold until recheck-grace is over");
}

static void end_session(struct review *review, const struct gh_decision *decision);
static void ask_identity(struct review *review);

static void on_again(struct gh_timeout *timeout)
{
	struct review *review = gh_container(timeout, struct review, again);

	review->failed = false;
	review->filters.n = review->at = 0;
	review->generation = gh_shard_generation(review->shard);
	ask_identity(review);
}

/* All rights are known again: what has waited for that is sent in the next turn. */
static void review_passed(struct review *review)
{
	struct gh_session *session = review->session;
	struct gh_channel *channel = session->channel;

	session->reviewed = review->generation;
	gh_renewed(session);
	review_free(review);
	if (channel)
		gh_conn_want_room(channel->conn);
}

/* All were asked. */
static void review_done(struct review *review)
{
	static const struct gh_decision over = { .module = "",
						 .why = "could not be checked for recheck-grace" };
	struct gh_shard *shard = review->shard;
	uint64_t now = gh_shard_now(shard), grace = gh_shard_settings(shard)->limits.recheck_grace;
	uint64_t left;

	if (!review->failed) {
		review_passed(review);
		return;
	}
	if (!review->failing_since)
		review->failing_since = now;
	if (now - review->failing_since >= grace) {
		end_session(review, &over);
		return;
	}
	left = grace - (now - review->failing_since);
	leave_recheck(review);
	gh_loop_timeout(shard->loop, &review->again, review->delay < left ? review->delay : left);
	review->delay = review->delay < AGAIN_MAX_MS / 2 ? review->delay * 2 : AGAIN_MAX_MS;
}

/* ---- subscriptions ---- */

static struct gh_subscriber *find(const struct review *review, struct gh_str filter,
				  struct gh_share *share_r)
{
	if (!gh_share_parse(filter, share_r))
		return NULL;
	return gh_index_find(review->shard->filters, review->session, filter, share_r->group.n > 0);
}

static struct gh_str filter_at(const struct review *review)
{
	return gh_str((const char *)review->filters.p + review->at);
}

static void lower_qos(struct review *review, struct gh_subscriber *subscriber,
		      const struct gh_share *share, uint8_t max)
{
	if (subscriber->qos <= max)
		return;
	subscriber->qos = max & 3;
	if (subscriber->share) /* the group has it too */
		gh_group_join(review->shard, review->session, share, subscriber, NULL);
}

static void filter_judged(struct review *review, const struct gh_decision *decision)
{
	struct gh_str filter = filter_at(review);
	const struct gh_cover nothing = { 0 };
	bool outdated = review->generation != gh_shard_generation(review->shard);
	struct gh_share share;
	struct gh_subscriber *subscriber = find(review, filter, &share);

	review->at += filter.n + 1;
	if (!subscriber)
		return;
	if (decision->failed) {
		note_failure(review, decision);
		return;
	}
	if (decision->verdict == GH_ALLOW) {
		/* What the policy before says is used, not kept: who is to be asked by this one is. */
		gh_cover_keep(review->shard, subscriber, outdated ? &nothing : &decision->cover);
		lower_qos(review, subscriber, &share, decision->max_qos);
		return;
	}
	gh_tell_denied(review->shard, gh_snapshot_client(review->session->identity), GH_SUBSCRIBE,
		       share.filter, decision);
	gh_subscription_end(review->shard, review->session, subscriber, true);
	gh_cover_forget_waiting(review->session);
}

static void on_filter_judged(void *arg, struct gh_decision *decision)
{
	struct review *review = arg;

	review->ask = NULL;
	filter_judged(review, decision);
	next_filter(review);
}

/* False: it waits. */
static bool ask_filter(struct review *review, const struct gh_policy *policy)
{
	const struct gh_client *client = gh_snapshot_client(review->session->identity);
	struct gh_asking asking = { .asker = review->shard->asker,
				    .chain = policy->authorize,
				    .done = on_filter_judged,
				    .arg = review };
	struct gh_authorize in = { .flags = GH_RECHECK, .client = client, .action = GH_SUBSCRIBE };
	struct gh_str filter = filter_at(review);
	struct gh_decision decision;
	struct gh_subscriber *subscriber;
	struct gh_share share;

	subscriber = find(review, filter, &share);
	if (!subscriber) {
		review->at += filter.n + 1;
		return true;
	}
	in.topic = share.filter;
	in.share = share.group;
	in.qos = subscriber->qos;
	review->ask = gh_ask_authorize(&asking, &in, NULL, &decision);
	if (review->ask)
		return false;
	filter_judged(review, &decision);
	return true;
}

static void next_filter(struct review *review)
{
	const char *listener = gh_snapshot_client(review->session->identity)->listener;
	const struct gh_policy *policy = gh_runtime_policy(review->shard->runtime, listener);

	/* Without its listener there is nobody to ask: nothing is delivered then anyway. */
	while (policy && review->at < review->filters.n)
		if (!ask_filter(review, policy))
			return;
	review_done(review);
}

static void collect(struct review *review)
{
	gh_list_each(&review->session->subscriptions, it, next)
	{
		struct gh_subscriber *subscriber = gh_container(it, struct gh_subscriber, in_session);

		gh_index_filter(review->shard->filters, subscriber, &review->filters);
		gh_buf_u8(&review->filters, 0);
	}
}

/* ---- the identity ---- */

/* Who could not be checked before doesn't get the whole grace again. */
static struct review *review_new(struct gh_shard *shard, struct gh_session *session,
				 struct gh_recheck *recheck)
{
	struct review *review = gh_zalloc(sizeof(*review)), *before = session->review;

	review->failing_since = before ? before->failing_since : 0;
	review->generation = gh_shard_generation(shard);
	review_cancel(session);
	gh_timeout_init(&review->again, on_again);
	review->delay = AGAIN_MS;
	session->review = review;
	review->shard = shard;
	review->session = session;
	review->recheck = recheck;
	return review;
}

static void tell_identity(struct gh_shard *shard, const struct gh_client *client, const char *what)
{
	struct gh_event event = { .kind = GH_EV_IDENTITY, .client = client, .text = what };

	if (gh_event_wanted(shard->runtime, GH_EV_IDENTITY))
		gh_event_tell(shard->runtime, &event);
}

static void set_identity(struct gh_shard *shard, struct gh_session *session,
			 struct gh_shared_identity *identity, const char *what)
{
	struct gh_channel *channel = session->channel;
	struct gh_snapshot *with = gh_snapshot_with_identity(session->identity, identity, NULL);

	gh_session_set_identity(session, with);
	if (session->lasting)
		gh_persist_session(shard, session);
	if (channel) {
		gh_snapshot_unref(&channel->author);
		gh_channel_set_who(channel, gh_snapshot_ref(with));
		gh_attachments_free(&channel->attached);
		gh_channel_arm(channel);
	}
	gh_snapshot_unref(&with);
	gh_class_follow(shard, session);
	gh_cover_forget(shard, session);
	tell_identity(shard, gh_snapshot_client(session->identity), what);
}

/* Its owner is gone or disabled: connection and session end, nothing of it is left to be resumed. */
static void end_session(struct review *review, const struct gh_decision *decision)
{
	struct gh_shard *shard = review->shard;
	struct gh_session *session = review->session;
	struct gh_str client_id = gh_session_client_id(session);
	const struct gh_client *client = gh_snapshot_client(session->identity);
	const struct gh_log_field fields[] = { GH_FIELD("address", client->address),
					       GH_FIELD_STR("client", client_id),
					       GH_FIELD_STR("user", gh_session_principal(session)),
					       GH_FIELD("listener", client->listener),
					       GH_FIELD_NUMBER("protocol", client->protocol),
					       GH_FIELD("module", decision->module),
					       GH_FIELD("reason", decision->why) };

	gh_log_line(GH_LOG_NOTICE, fields, 7, "session revoked");
	session->expiry_interval = 0;
	review_free(review);
	if (session->channel)
		gh_channel_end(session->channel, GH_REASON_NOT_AUTHORIZED, "no longer authorized");
	else
		gh_session_end(shard, session, GH_SESSION_EXPIRED);
}

static void identity_judged(struct review *review, struct gh_decision *decision)
{
	struct gh_session *session = review->session;

	review->identifying = false;
	if (decision->failed)
		note_failure(review, decision);
	else if (decision->verdict != GH_ALLOW) {
		end_session(review, decision);
		return;
	}
	if (decision->identity && decision->identity != gh_snapshot_identity(session->identity))
		set_identity(review->shard, session, decision->identity, "looked up again");
	collect(review);
	next_filter(review);
}

static void on_identity_judged(void *arg, struct gh_decision *decision)
{
	struct review *review = arg;

	review->ask = NULL;
	identity_judged(review, decision);
}

static void ask_identity(struct review *review)
{
	struct gh_shard *shard = review->shard;
	struct gh_session *session = review->session;
	const struct gh_client *client = gh_snapshot_client(session->identity);
	const struct gh_policy *policy = gh_runtime_policy(shard->runtime, client->listener);
	struct gh_asking asking = { .asker = shard->asker, .done = on_identity_judged, .arg = review };
	struct gh_lookup in = { .flags = GH_RECHECK,
				.client = client,
				.principal = client->identity->principal };
	struct gh_decision decision;

	if (!policy) {
		review_free(review);
		if (session->channel)
			gh_channel_refresh(session->channel); /* sends it away: its listener is gone */
		return;
	}
	asking.chain = policy->authenticate;
	review->identifying = true;
	review->ask = gh_ask_lookup(&asking, &in, &decision);
	if (review->ask)
		return;
	identity_judged(review, &decision);
	gh_decision_done(&decision);
}

void gh_review_begin(struct gh_shard *shard, struct gh_recheck *recheck, struct gh_session *session)
{
	struct review *review = review_new(shard, session, recheck);

	review->whole = true;
	ask_identity(review);
}

void gh_review_leave(struct gh_session *session)
{
	const struct review *review = session->review;

	if (review && review->recheck)
		review_cancel(session);
}

void gh_review_session(struct gh_shard *shard, struct gh_session *session)
{
	gh_review_begin(shard, NULL, session);
}

static void review_filters(struct gh_shard *shard, struct gh_session *session)
{
	struct review *review = review_new(shard, session, NULL);

	collect(review);
	next_filter(review);
}

void gh_review_rights(struct gh_shard *shard, struct gh_session *session)
{
	const struct review *review = session->review;

	/* What a whole one has to find out is still to be found out. */
	if (review && review->identifying)
		return; /* the filters follow */
	if (review && review->whole && review->failed)
		gh_review_session(shard, session);
	else
		review_filters(shard, session);
}

void gh_review_resumed(struct gh_shard *shard, struct gh_session *session)
{
	gh_cover_forget(shard, session);
	review_filters(shard, session);
}

void gh_review_identity(struct gh_channel *channel, struct gh_shared_identity *identity,
			const char *what)
{
	struct gh_session *session = channel->session;
	const struct review *review = session->review;
	bool whole = review && review->whole;

	set_identity(channel->shard, session, identity, what);
	if (whole) /* who had no part in the exchange is still to be asked */
		gh_review_session(channel->shard, session);
	else
		review_filters(channel->shard, session);
}
