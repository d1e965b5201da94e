/* SPDX-License-Identifier: Apache-2.0 */
/* A login under way: the object, and how it is refused. */
#include "client/connect.h"

#include "base/log.h"
#include "base/mem.h"
#include "client/limit.h"
#include "client/send.h"

#include <gatehouse/lib.h>
#include <stdlib.h>

/* ---- refusing ---- */

static void tell_refused(struct gh_login *login, enum gh_reason reason,
			 const struct gh_decision *decision, const char *why)
{
	struct gh_channel *channel = login->channel;
	struct gh_event event = { .kind = GH_EV_AUTH, .verdict = GH_DENY, .reason = reason, .why = why };

	if (!gh_event_wanted(channel->shard->runtime, GH_EV_AUTH))
		return;
	event.client = gh_channel_client(channel);
	event.username = channel->shown_user;
	if (decision) {
		event.module = decision->module;
		event.cause = decision->cause;
	}
	gh_event_tell(channel->shard->runtime, &event);
}

static void log_refused(struct gh_login *login, const struct gh_decision *decision, const char *why)
{
	const struct gh_log_field fields[] = {
		GH_FIELD("module", decision && decision->module[0] ? decision->module : "core"),
		GH_FIELD("reason", why),
	};

	/* The two are told apart for those who ban addresses: only who isn't let in by a module may be guessing. */
	gh_channel_log(login->channel, GH_LOG_NOTICE, fields, 2,
		       decision ? "login failed" : "login refused");
}

static void refuse_now(struct gh_timeout *timeout)
{
	struct gh_login *login = gh_container(timeout, struct gh_login, refusal);
	struct gh_channel *channel = login->channel;

	gh_send_refusal(channel, login->refused);
	gh_channel_end(channel, login->refused, gh_reason_text(login->refused));
}

static uint32_t penalty(struct gh_login *login)
{
	struct gh_channel *channel = login->channel;
	struct gh_bytes user = { login->username, login->username ? strlen(login->username) : 0 };

	return gh_penalties_fail(channel->shard->broker->penalties, gh_channel_client(channel)->ip,
				 user, gh_shard_now(channel->shard));
}

enum gh_next gh_connect_refuse(struct gh_login *login, enum gh_reason reason,
			       const struct gh_decision *decision, const char *why)
{
	struct gh_channel *channel = login->channel;
	struct gh_shard *shard = channel->shard;
	uint32_t delay = decision && !decision->failed ? penalty(login)
						       : 0; /* a dead backend is nobody's guess */

	gh_count(shard->broker, GH_COUNT_LOGIN_FAILURES);
	log_refused(login, decision, why);
	tell_refused(login, reason, decision, why);
	login->refused = reason;
	channel->has_end = true;
	channel->end_reason = reason;
	channel->state = GH_CHANNEL_LOGIN;
	gh_loop_timeout_cancel(shard->loop, &channel->timeout);
	if (delay == 0) {
		refuse_now(&login->refusal);
	} else {
		gh_channel_wait(channel);
		gh_loop_timeout(shard->loop, &login->refusal, delay);
	}
	return GH_STOP_HERE;
}

void gh_connect_timeout(struct gh_channel *channel)
{
	gh_tell_limit(channel->shard, gh_channel_client(channel), "connect-timeout");
	if (channel->state == GH_CHANNEL_YOUNG) {
		gh_channel_log(channel, GH_LOG_INFO, NULL, 0, "no CONNECT in time");
		gh_channel_end(channel, GH_REASON_KEEP_ALIVE_TIMEOUT, "no CONNECT in time");
		return;
	}
	gh_ask_cancel(&channel->login->ask);
	gh_connect_refuse(channel->login, GH_REASON_SERVER_UNAVAILABLE, NULL,
			  "login took longer than connect-timeout");
}

void gh_login_undecided(struct gh_login *login, const char *why)
{
	if (login->refused)
		return;
	login->refused = login->channel->has_end ? login->channel->end_reason : GH_REASON_UNSPECIFIED;
	log_refused(login, NULL, why);
	tell_refused(login, login->refused, NULL, why);
}

/* ---- the login object ---- */

void gh_login_free(struct gh_login **login)
{
	struct gh_login *l = *login;

	if (!l)
		return;
	gh_ask_cancel(&l->ask);
	gh_exchange_run_free(&l->exchange);
	if (l->channel->shard)
		gh_loop_timeout_cancel(l->channel->shard->loop, &l->refusal);
	gh_wipe(l->packet.p, l->packet.n);
	gh_buf_done(&l->packet);
	free(l->username);
	free(l->client_id);
	if (l->auth_data)
		gh_wipe(l->auth_data, l->auth_data_size);
	free(l->auth_data);
	free(l);
	*login = NULL;
}

struct gh_login *gh_login_new(struct gh_channel *channel, const struct gh_frame *frame)
{
	struct gh_login *login = gh_zalloc(sizeof(*login));

	login->channel = channel;
	login->generation = gh_shard_generation(channel->shard);
	login->rechecks = atomic_load(&channel->shard->broker->acting.rechecks);
	gh_timeout_init(&login->refusal, refuse_now);
	gh_buf_add(&login->packet, frame->body.p, frame->body.n);
	channel->login = login;
	return login;
}
