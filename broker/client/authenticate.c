/* SPDX-License-Identifier: Apache-2.0 */
/* Asking who a client is: by CONNECT alone, by enhanced authentication, and again while connected. */
#include "client/authenticate.h"

#include "base/mem.h"
#include "base/str.h"
#include "client/review.h"
#include "client/send.h"

#include <gatehouse/lib.h>
#include <stdlib.h>

struct gh_reauth {
	struct gh_channel *channel;
	struct gh_exchange_run *run;
	struct gh_ask *ask;
	uint32_t generation; /* of the policy it began with */
	uint32_t rechecks;   /* that had been asked for then */
};

static const struct gh_malformed no_method = { GH_REASON_PROTOCOL_ERROR,
					       "AUTH without an authentication method in CONNECT" };
static const struct gh_malformed other_method = { GH_REASON_PROTOCOL_ERROR,
						  "AUTH with another method than CONNECT" };
static const struct gh_malformed unexpected = { GH_REASON_PROTOCOL_ERROR, "AUTH not expected now" };

void gh_reauth_free(struct gh_reauth **reauth)
{
	struct gh_reauth *r = *reauth;

	if (!r)
		return;
	gh_ask_cancel(&r->ask);
	gh_exchange_run_free(&r->run);
	free(r);
	*reauth = NULL;
}

static void send_auth(struct gh_channel *channel, enum gh_reason reason,
		      const struct gh_decision *decision)
{
	struct gh_packet_auth auth = { .reason = reason,
				       .method = gh_str(channel->auth_method),
				       .has_data = decision->auth_data != NULL,
				       .data = { decision->auth_data, decision->auth_data_size } };

	gh_send_auth(channel, &auth);
}

/* ---- the login ---- */

static void on_judged(void *arg, struct gh_decision *decision)
{
	struct gh_login *login = arg;
	struct gh_channel *channel = login->channel;

	login->ask = NULL;
	gh_channel_go_on(channel);
	gh_connect_judged(login, decision);
}

static void on_shown(void *arg, const char *name)
{
	const struct gh_login *login = arg;

	gh_connect_show_user(login->channel, name);
}

/* A further step is the client's to make, within connect-timeout. */
static void on_exchanged(void *arg, struct gh_decision *decision)
{
	struct gh_login *login = arg;
	struct gh_channel *channel = login->channel;

	if (decision->verdict != GH_CONTINUE) {
		on_judged(arg, decision);
		return;
	}
	login->ask = NULL;
	gh_channel_go_on(channel);
	send_auth(channel, GH_REASON_CONTINUE_AUTHENTICATION, decision);
}

static enum gh_next exchanged(struct gh_login *login, struct gh_decision *decision)
{
	enum gh_next next = GH_GO_ON;

	if (decision->verdict == GH_CONTINUE)
		send_auth(login->channel, GH_REASON_CONTINUE_AUTHENTICATION, decision);
	else
		next = gh_connect_judged(login, decision);
	gh_decision_done(decision);
	return next;
}

static enum gh_next exchange(struct gh_login *login, struct gh_str method, struct gh_bytes data)
{
	struct gh_channel *channel = login->channel;
	struct gh_asking asking = gh_channel_asking(channel, NULL, on_exchanged, login);
	struct gh_exchange in = { .client = gh_channel_client(channel),
				  .connect = &login->asked,
				  .method = method,
				  .data = data };
	struct gh_decision decision;

	asking.shown = on_shown;
	login->ask = gh_ask_exchange(&asking, login->exchange, &in, &decision);
	if (!login->ask)
		return exchanged(login, &decision);
	gh_channel_wait(channel);
	return GH_STOP_HERE;
}

static enum gh_next authenticate(struct gh_login *login)
{
	struct gh_channel *channel = login->channel;
	struct gh_asking asking =
		gh_channel_asking(channel, channel->policy->authenticate, on_judged, login);
	struct gh_decision decision;
	enum gh_next next;

	asking.shown = on_shown;
	login->ask = gh_ask_authenticate(&asking, &login->asked, &decision);
	if (login->ask) {
		gh_channel_wait(channel);
		return GH_STOP_HERE;
	}
	next = gh_connect_judged(login, &decision);
	gh_decision_done(&decision);
	return next;
}

enum gh_next gh_authenticate_ask(struct gh_login *login)
{
	struct gh_channel *channel = login->channel;

	if (!login->connect.has_auth_method)
		return authenticate(login);
	channel->auth_method = gh_str_dup(login->connect.auth_method);
	login->exchange = gh_exchange_run_new(channel->policy->authenticate);
	return exchange(login, login->connect.auth_method, login->connect.auth_data);
}

/* ---- again, while connected ---- */

static enum gh_next reauth_judged(struct gh_channel *channel, struct gh_decision *decision)
{
	bool outdated;

	if (decision->verdict == GH_CONTINUE) {
		send_auth(channel, GH_REASON_CONTINUE_AUTHENTICATION, decision);
		return GH_GO_ON;
	}
	if (decision->verdict != GH_ALLOW) {
		const struct gh_log_field fields[] = { GH_FIELD("module", decision->module),
						       GH_FIELD("reason", decision->why) };

		gh_channel_log(channel, GH_LOG_NOTICE, fields, 2, "re-authentication failed");
		return gh_channel_end(channel, GH_REASON_NOT_AUTHORIZED, "re-authentication failed");
	}
	outdated = channel->reauth->generation != gh_shard_generation(channel->shard) ||
		   channel->reauth->rechecks != atomic_load(&channel->shard->broker->acting.rechecks);
	gh_reauth_free(&channel->reauth);
	gh_review_identity(channel, decision->identity, "re-authenticated");
	/* Somebody who had no part in it may have denied it meanwhile. */
	if (channel->state == GH_CHANNEL_ENDED)
		return GH_STOP_HERE;
	send_auth(channel, GH_REASON_SUCCESS, decision);
	if (outdated)
		gh_review_session(channel->shard, channel->session);
	return channel->state == GH_CHANNEL_ENDED ? GH_STOP_HERE : GH_GO_ON;
}

static void on_reauth_judged(void *arg, struct gh_decision *decision)
{
	struct gh_reauth *reauth = arg;
	struct gh_channel *channel = reauth->channel;

	reauth->ask = NULL;
	gh_channel_go_on(channel);
	reauth_judged(channel, decision);
}

static enum gh_next reauth_step(struct gh_channel *channel, const struct gh_packet_auth *packet)
{
	struct gh_reauth *reauth = channel->reauth;
	struct gh_asking asking = gh_channel_asking(channel, NULL, on_reauth_judged, reauth);
	struct gh_exchange in = { .flags = GH_REAUTH,
				  .client = gh_channel_client(channel),
				  .method = packet->method,
				  .data = packet->data };
	struct gh_decision decision;
	enum gh_next next;

	reauth->ask = gh_ask_exchange(&asking, reauth->run, &in, &decision);
	if (reauth->ask) {
		gh_channel_wait(channel);
		return GH_STOP_HERE;
	}
	next = reauth_judged(channel, &decision);
	gh_decision_done(&decision);
	return next;
}

static enum gh_next reauth(struct gh_channel *channel, const struct gh_packet_auth *packet)
{
	bool begins = packet->reason == GH_REASON_REAUTHENTICATE;

	if (begins == (channel->reauth != NULL))
		return gh_channel_malformed(channel, &unexpected);
	if (begins) {
		channel->reauth = gh_zalloc(sizeof(*channel->reauth));
		channel->reauth->channel = channel;
		channel->reauth->generation = gh_shard_generation(channel->shard);
		channel->reauth->rechecks = atomic_load(&channel->shard->broker->acting.rechecks);
		channel->reauth->run = gh_exchange_run_new(channel->policy->authenticate);
	}
	return reauth_step(channel, packet);
}

enum gh_next gh_authenticate_step(struct gh_channel *channel, const struct gh_frame *frame)
{
	struct gh_packet_auth packet;
	struct gh_malformed why;

	if (gh_decode_auth(frame, &packet, &why) < 0)
		return gh_channel_malformed(channel, &why);
	if (!gh_reason_from_client(packet.reason, GH_PACKET_AUTH))
		return gh_channel_malformed(channel, &unexpected);
	if (!channel->auth_method)
		return gh_channel_malformed(channel, &no_method);
	if (!gh_str_is(packet.method, channel->auth_method))
		return gh_channel_malformed(channel, &other_method);
	if (channel->state == GH_CHANNEL_CONNECTED)
		return reauth(channel, &packet);
	if (packet.reason != GH_REASON_CONTINUE_AUTHENTICATION || !channel->login->exchange)
		return gh_channel_malformed(channel, &unexpected);
	return exchange(channel->login, packet.method, packet.data);
}
