/* SPDX-License-Identifier: Apache-2.0 */
/* A connection and its session: found, taken over, resumed or made; and what happens when the connection ends. */
#include "client/attach.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "client/class.h"
#include "client/connect.h"
#include "client/deliver.h"
#include "client/groups.h"
#include "client/persist.h"
#include "client/review.h"
#include "client/send.h"
#include "client/subscribe.h"
#include "client/usage.h"
#include "client/will.h"

#include <gatehouse/lib.h>

static void on_expiry(struct gh_timeout *timeout);

uint32_t gh_session_expiry(const struct gh_limits *limits, uint32_t asked)
{
	uint64_t max = limits->session_expiry_max;

	if (max == UINT64_MAX)
		return asked;
	return asked < max / 1000 ? asked : (uint32_t)(max / 1000);
}

static void tell_session(struct gh_shard *shard, const struct gh_client *client, uint32_t code)
{
	struct gh_event event = { .kind = GH_EV_SESSION, .code = code, .client = client };

	if (gh_event_wanted(shard->runtime, GH_EV_SESSION))
		gh_event_tell(shard->runtime, &event);
}

/* ---- the end of a session ---- */

void gh_session_end(struct gh_shard *shard, struct gh_session *session, uint32_t code)
{
	gh_loop_timeout_cancel(shard->loop, &session->expiry);
	gh_session_unwatch(session);
	gh_will_session_ends(shard, session);
	gh_persist_session_end(shard, session); /* of its will nothing is left in there by now */
	gh_list_each(&session->subscriptions, it, next) gh_subscription_end(
		shard, session, gh_container(it, struct gh_subscriber, in_session), false);
	gh_groups_give_back(shard, session);
	gh_drops_flush(session);
	tell_session(shard, gh_snapshot_client(session->identity), code);
	gh_registry_remove(shard->sessions, session);
	gh_session_free(&session);
	atomic_fetch_sub(&shard->broker->sessions, 1);
}

static void on_expiry(struct gh_timeout *timeout)
{
	struct gh_session *session = gh_container(timeout, struct gh_session, expiry);
	struct gh_shard *shard = session->keeper;

	gh_session_end(shard, session, GH_SESSION_EXPIRED);
}

/* ---- the beginning ---- */

struct attaching {
	struct gh_channel *channel;
	struct gh_login *login;
	struct gh_shard *shard;
	struct gh_session *session;
	bool resumed, taken_over;
};

static struct gh_session_owner owner_of(const struct gh_channel *channel)
{
	const struct gh_identity *identity = gh_channel_client(channel)->identity;

	return (struct gh_session_owner){ .realm = gh_str(identity->realm),
					  .principal = gh_str(identity->principal) };
}

/* What its owner left is cleaned or taken up; false: it is somebody else's. */
static bool claim(struct attaching *a)
{
	struct gh_session_owner owner = owner_of(a->channel);
	struct gh_session *session =
		gh_registry_find(a->shard->sessions, gh_str(a->login->client_id));

	if (!session)
		return true;
	if (!gh_session_owned_by(session, &owner)) {
		tell_session(a->shard, gh_channel_client(a->channel), 3);
		return false;
	}
	if (session->channel) {
		a->taken_over = true;
		gh_count(a->shard->broker, GH_COUNT_TAKEOVERS);
		gh_channel_end(session->channel, GH_REASON_SESSION_TAKEN_OVER, "session taken over");
		/* That may have been its end. */
		session = gh_registry_find(a->shard->sessions, gh_str(a->login->client_id));
	}
	if (session && a->login->connect.clean_start) {
		gh_session_end(a->shard, session, GH_SESSION_CLEANED);
		session = NULL;
	}
	a->session = session;
	a->resumed = session != NULL;
	return true;
}

struct gh_session *gh_session_begin(struct gh_shard *shard, struct gh_str client_id,
				    const struct gh_session_owner *owner)
{
	struct gh_session *session = gh_session_new(client_id, owner);

	session->keeper = shard;
	session->created_at = gh_clock_wall_us() / 1000000;
	gh_timeout_init(&session->expiry, on_expiry);
	gh_registry_add(shard->sessions, session);
	atomic_fetch_add(&shard->broker->sessions, 1);
	return session;
}

static void make(struct attaching *a)
{
	struct gh_session_owner owner = owner_of(a->channel);

	a->session = gh_session_begin(a->shard, gh_str(a->login->client_id), &owner);
	a->session->reviewed = gh_shard_generation(a->shard);
}

static uint16_t lesser(int64_t a, int64_t b)
{
	return (uint16_t)(a < b ? a : b);
}

static void join(struct attaching *a)
{
	struct gh_channel *channel = a->channel;
	struct gh_session *session = a->session;
	const struct gh_packet_connect *connect = &a->login->connect;
	const struct gh_limits *limits;

	gh_loop_timeout_cancel(a->shard->loop, &session->expiry);
	channel->session = session;
	session->channel = channel;
	session->version = channel->receiver.version;
	gh_session_set_identity(session, channel->who);
	gh_class_enter(a->login);
	limits = gh_channel_limits(channel);
	session->expiry_interval = gh_session_expiry(limits, connect->session_expiry);
	gh_persist_session(a->shard, session);
	gh_will_set(channel, connect->has_will ? &connect->will : NULL);
	gh_window_open(&session->window, lesser(connect->receive_maximum, limits->inflight));
	channel->alias_out =
		gh_alias_out_new(lesser(connect->topic_alias_maximum, limits->topic_alias_max));
	channel->packet_size =
		limits->packet_size < GH_PACKET_MAX ? (uint32_t)limits->packet_size : GH_PACKET_MAX;
	channel->receive_maximum = (uint16_t)limits->receive_maximum;
	channel->alias_maximum = (uint16_t)limits->topic_alias_max;
	channel->state = GH_CHANNEL_CONNECTED;
	gh_channel_settle(channel);
	gh_groups_online(a->shard, session, true);
}

/* MQTT 5 clients are told ours if theirs is longer or off; older ones can't be told, so theirs holds. */
static bool keep_alive(struct attaching *a)
{
	uint64_t max = gh_channel_limits(a->channel)->keep_alive_max / 1000;
	uint16_t asked = a->login->connect.keep_alive;

	a->channel->keep_alive = asked;
	if (a->channel->receiver.version != GH_MQTT_5 || (asked != 0 && asked <= max))
		return false;
	a->channel->keep_alive = (uint16_t)max;
	return true;
}

/* Of the listener's template; n 0: it says nothing for this client. */
static struct gh_str response_info(const struct attaching *a, char *text, size_t size)
{
	const struct gh_client *client = gh_channel_client(a->channel);
	const struct gh_identity *identity = client->identity;
	const struct gh_template_values values = { .client_id = client->client_id,
						   .username = identity->principal,
						   .group = identity->group_count
								    ? identity->groups[0]
								    : NULL,
						   .attributes = identity->attributes,
						   .attribute_count = identity->attribute_count };
	const struct gh_template *tmpl = a->channel->listener->response_information;
	size_t n;

	if (!a->channel->response_info || !tmpl || !gh_template_expand(tmpl, &values, text, size, &n))
		return gh_str_n(text, 0);
	return gh_str_n(text, n);
}

static void send_connack(struct attaching *a)
{
	char text[2048];
	const struct gh_login *login = a->login;
	bool server_keep_alive = keep_alive(a);
	struct gh_packet_connack connack = {
		.session_present = a->resumed,
		.has_session_expiry = a->session->expiry_interval != login->connect.session_expiry,
		.session_expiry = a->session->expiry_interval,
		.has_server_keep_alive = server_keep_alive,
		.server_keep_alive = a->channel->keep_alive,
		.maximum_qos = 2,
		.receive_maximum = a->channel->receive_maximum,
		.topic_alias_maximum = a->channel->alias_maximum,
		.maximum_packet_size =
			a->channel->packet_size < GH_PACKET_MAX ? a->channel->packet_size : 0,
		.response_info = response_info(a, text, sizeof(text)),
		.has_auth_data = login->auth_data != NULL,
		.auth_data = { login->auth_data, login->auth_data_size },
	};

	if (login->client_id_assigned)
		connack.assigned_client_id = gh_str(login->client_id);
	if (a->channel->auth_method)
		connack.auth_method = gh_str(a->channel->auth_method);
	gh_send_connack(a->channel, &connack);
}

static void tell(struct attaching *a)
{
	const struct gh_log_field fields[] = { GH_FIELD("session", a->taken_over ? "taken over"
								   : a->resumed  ? "resumed"
										 : "new"),
					       GH_FIELD_NUMBER("keepalive", a->channel->keep_alive) };
	struct gh_event event = { .kind = GH_EV_CONNECT,
				  .code = a->taken_over ? 2
					  : a->resumed  ? 1
							: 0 };

	gh_count(a->shard->broker, GH_COUNT_CONNECTS);
	atomic_fetch_add(&a->shard->broker->channels, 1);
	gh_channel_log(a->channel, GH_LOG_INFO, fields, 2, "client connected");
	event.client = gh_channel_client(a->channel);
	event.username = a->channel->shown_user;
	if (gh_event_wanted(a->shard->runtime, GH_EV_AUTH | GH_EV_CONNECT)) {
		struct gh_event login = { .kind = GH_EV_AUTH,
					  .client = event.client,
					  .username = event.username,
					  .verdict = GH_ALLOW };

		login.module = event.client->identity->source;
		gh_event_tell(a->shard->runtime, &login);
		if (!a->resumed)
			tell_session(a->shard, event.client, 0);
		gh_event_tell(a->shard->runtime, &event);
	}
}

enum gh_next gh_attach_session(struct gh_channel *channel)
{
	struct attaching a = { .channel = channel, .login = channel->login, .shard = channel->shard };
	bool outdated = a.login->generation != gh_shard_generation(a.shard) ||
			a.login->rechecks != atomic_load(&a.shard->broker->acting.rechecks);

	if (gh_connect_banned(a.login)) /* while it was on its way */
		return GH_STOP_HERE;
	if (!gh_class_admit(a.login))
		return GH_STOP_HERE;
	if (!claim(&a))
		return gh_connect_refuse(channel->login, GH_REASON_NOT_AUTHORIZED, NULL,
					 "the session of this client id belongs to somebody else");
	if (!a.session)
		make(&a);
	join(&a);
	send_connack(&a);
	tell(&a);
	gh_login_free(&channel->login);
	channel->heard_at = gh_shard_now(a.shard);
	gh_channel_arm(channel);
	if (a.resumed)
		gh_review_resumed(a.shard, channel->session);
	gh_deliver_pump(channel);
	if (outdated && channel->session) /* by the policy before: the recheck may have gone by already */
		gh_review_session(a.shard, channel->session);
	return gh_conn_paused(channel->conn) ? GH_STOP_HERE : GH_GO_ON;
}

/* ---- the end of the connection ---- */

static void log_detached(struct gh_channel *channel, const char *text)
{
	const struct gh_log_field fields[] = {
		GH_FIELD("reason", text),
		GH_FIELD_NUMBER("code", channel->has_end ? channel->end_reason : 0),
		GH_FIELD_NUMBER("seconds", gh_clock_wall_us() / 1000000 -
						   gh_channel_client(channel)->connected_at),
	};

	gh_channel_log(channel, GH_LOG_INFO, fields, 3, "client disconnected");
}

static void tell_detached(struct gh_channel *channel, const char *text)
{
	struct gh_shard *shard = channel->shard;
	struct gh_event event = { .kind = GH_EV_DISCONNECT,
				  .text = text,
				  .reason = channel->end_reason };

	gh_usage_last(channel);
	gh_drops_flush(channel->session);
	gh_count(shard->broker, GH_COUNT_DISCONNECTS);
	atomic_fetch_sub(&shard->broker->channels, 1);
	log_detached(channel, text);
	if (!gh_event_wanted(shard->runtime, GH_EV_DISCONNECT))
		return;
	event.client = gh_channel_client(channel);
	event.username = channel->shown_user;
	event.duration_ms = (uint64_t)(gh_clock_wall_us() / 1000 - event.client->connected_at * 1000);
	event.received = (struct gh_traffic){ channel->received.messages, channel->received.bytes };
	event.sent = (struct gh_traffic){ channel->sent.messages, channel->sent.bytes };
	gh_event_tell(shard->runtime, &event);
}

void gh_detach(struct gh_channel *channel, const char *text)
{
	struct gh_session *session = channel->session;
	struct gh_shard *shard = channel->shard;

	tell_detached(channel, text);
	channel->session = NULL;
	session->channel = NULL;
	gh_backlog_done(
		&session->backlog); /* what a subscription asked for while it was connected isn't queued */
	gh_will_connection_ends(shard, session, channel->clean_end);
	if (session->expiry_interval == 0) {
		gh_session_end(shard, session, GH_SESSION_EXPIRED);
		return;
	}
	gh_class_detach(shard, session);
	gh_groups_online(shard, session, false);
	gh_session_trim(session);
	if (session->lasting)
		gh_persist_session(shard, session);
	if (session->expiry_interval != GH_EXPIRY_NEVER)
		gh_loop_timeout(shard->loop, &session->expiry, session->expiry_interval * 1000ull);
}
