/* SPDX-License-Identifier: Apache-2.0 */
/* From CONNECT to the session's worker: decoding, identity, client id, the will's right, the move. */
#include "client/connect.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/str.h"
#include "client/admit.h"
#include "client/attach.h"
#include "client/authenticate.h"
#include "client/class.h"
#include "client/limit.h"
#include "client/rights.h"
#include "mqtt/topic.h"

#include <gatehouse/lib.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what CONNECT says ---- */

static void assign_client_id(struct gh_login *login)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t random[16]; /* 128 bits: nobody guesses it */
	char id[3 + 32 + 1] = "gh-";

	gh_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++) {
		id[3 + 2 * i] = hex[random[i] >> 4];
		id[4 + 2 * i] = hex[random[i] & 15];
	}
	login->client_id = gh_strndup(id, 35);
	login->client_id_assigned = true;
}

static void take_client_id(struct gh_login *login)
{
	if (login->connect.client_id.n == 0)
		assign_client_id(login);
	else
		login->client_id = gh_str_dup(login->connect.client_id);
}

static void take_facts(struct gh_login *login)
{
	struct gh_channel *channel = login->channel;
	const struct gh_packet_connect *connect = &login->connect;
	struct gh_client facts = *gh_channel_client(channel);
	struct gh_snapshot *with;

	channel->receiver.version = connect->version;
	channel->receiver.problem_info = connect->problem_info;
	channel->receiver.max = connect->maximum_packet_size;
	channel->response_info = connect->response_info;
	take_client_id(login);
	if (connect->has_username) {
		login->username = gh_str_dup(connect->username);
		channel->shown_user = gh_strdup(login->username);
	}
	facts.protocol = connect->version;
	facts.client_id = login->client_id;
	with = gh_snapshot_new(&facts, NULL);
	gh_channel_set_who(channel, with);
}

static void take_will(struct gh_login *login)
{
	const struct gh_will *will = &login->connect.will;

	login->will = (struct gh_message){ .size = sizeof(login->will),
					   .qos = will->qos,
					   .retain = will->retain,
					   .topic = will->topic,
					   .payload = will->payload,
					   .properties = will->properties.raw };
}

static enum gh_next ask_who(struct gh_login *login)
{
	struct gh_channel *channel = login->channel;
	const struct gh_packet_connect *connect = &login->connect;
	struct gh_authenticate *asked = &login->asked;

	*asked = (struct gh_authenticate){ .client = gh_channel_client(channel),
					   .username = login->username,
					   .properties = connect->properties,
					   .session_expiry = connect->session_expiry,
					   .keep_alive = connect->keep_alive,
					   .clean_start = connect->clean_start,
					   .client_id_assigned = login->client_id_assigned };
	if (connect->has_password)
		asked->password = (struct gh_bytes){ connect->password.n ? connect->password.p : "",
						     connect->password.n };
	if (connect->has_will)
		asked->will = &login->will;
	return gh_authenticate_ask(login);
}

/* Observers are told the limit, the log the words. */
static const char *beyond(const struct gh_login *login, const char *key, const char *text)
{
	gh_tell_limit(login->channel->shard, gh_channel_client(login->channel), key);
	return text;
}

const char *gh_connect_unacceptable(const struct gh_login *login, const struct gh_limits *limits,
				    enum gh_reason *reason_r)
{
	const struct gh_packet_connect *connect = &login->connect;
	const char *key;

	*reason_r = GH_REASON_CLIENT_ID_INVALID;
	if (connect->version == GH_MQTT_3_1 && connect->client_id.n > 23)
		return "client id longer than the 23 characters of MQTT 3.1";
	if (connect->client_id.n > (uint64_t)limits->client_id_length)
		return beyond(login, "client-id-length", "client id longer than client-id-length");
	if (!connect->has_will)
		return NULL;
	*reason_r = GH_REASON_TOPIC_INVALID;
	key = gh_topic_beyond(limits, connect->will.topic);
	if (key)
		return beyond(login, key, "will topic longer than topic-length or topic-levels");
	*reason_r = GH_REASON_PACKET_TOO_LARGE;
	if (connect->will.payload.n > limits->will_size)
		return beyond(login, "will-size", "will longer than will-size");
	*reason_r = GH_REASON_PAYLOAD_FORMAT_INVALID;
	return gh_payload_acceptable(login->channel, connect->will.properties.is_text,
				     connect->will.payload)
		       ? NULL
		       : "will isn't the text it says it is";
}

bool gh_connect_banned(struct gh_login *login)
{
	struct gh_channel *channel = login->channel;
	char text[GH_TERM_TEXT + 16];
	struct gh_term ban;

	if (!gh_banned(channel->shard->broker, gh_channel_client(channel), &ban))
		return false;
	snprintf(text, sizeof(text), "banned: %s", ban.text);
	gh_connect_refuse(login, GH_REASON_BANNED, NULL, text);
	return true;
}

enum gh_next gh_connect_begin(struct gh_channel *channel, const struct gh_frame *frame)
{
	struct gh_login *login = gh_login_new(channel, frame);
	struct gh_frame copy = *frame;
	struct gh_malformed why;
	enum gh_reason reason;
	const char *problem;

	copy.body.p = login->packet.p;
	if (gh_decode_connect(&copy, &login->connect, &why) < 0) {
		channel->receiver.version = login->connect.version;
		if (login->connect.version == 0)
			return gh_channel_malformed(channel, &why);
		gh_count(channel->shard->broker, GH_COUNT_PROTOCOL_ERRORS);
		return gh_connect_refuse(login, why.reason, NULL, why.text);
	}
	channel->state = GH_CHANNEL_LOGIN;
	take_facts(login);
	if (login->connect.has_will)
		take_will(login);
	problem = gh_connect_unacceptable(login, &channel->listener->limits, &reason);
	if (problem)
		return gh_connect_refuse(login, reason, NULL, problem);
	if (gh_connect_banned(login))
		return GH_STOP_HERE;
	return ask_who(login);
}

/* ---- who it is, and what that allows ---- */

static void take_identity(struct gh_login *login, struct gh_decision *decision)
{
	struct gh_channel *channel = login->channel;
	struct gh_client facts = *gh_channel_client(channel);
	struct gh_snapshot *with;

	if (decision->client_id) {
		login->client_id_assigned = login->connect.client_id.n == 0;
		free(login->client_id);
		login->client_id = decision->client_id;
		decision->client_id = NULL;
	}
	facts.client_id = login->client_id;
	facts.client_id_bound = false;
	with = gh_snapshot_new(&facts, decision->identity);
	gh_channel_set_who(channel, with);
	login->auth_data = decision->auth_data;
	login->auth_data_size = decision->auth_data_size;
	decision->auth_data = NULL;
}

static void bind_client_id(struct gh_channel *channel)
{
	struct gh_client facts = *gh_channel_client(channel);
	struct gh_snapshot *bound;

	facts.client_id_bound = true;
	bound = gh_snapshot_new(&facts, gh_snapshot_identity(channel->who));
	gh_channel_set_who(channel, bound);
}

void gh_connect_show_user(struct gh_channel *channel, const char *name)
{
	free(channel->shown_user);
	channel->shown_user = name[0] ? gh_strdup(name) : NULL;
}

static void go(struct gh_login *login);

static enum gh_next will_judged(struct gh_login *login, struct gh_decision *decision)
{
	const struct gh_will *will = &login->connect.will;

	if (!gh_right_given(decision, will->qos, will->retain, will->payload.n)) {
		gh_tell_denied(login->channel->shard, gh_channel_client(login->channel), GH_WILL,
			       will->topic, decision);
		return gh_connect_refuse(login, GH_REASON_NOT_AUTHORIZED, NULL,
					 "not authorized to publish its will");
	}
	go(login);
	return GH_STOP_HERE;
}

static void on_will_judged(void *arg, struct gh_decision *decision)
{
	struct gh_login *login = arg;

	login->ask = NULL;
	will_judged(login, decision);
}

static enum gh_next ask_will(struct gh_login *login)
{
	struct gh_channel *channel = login->channel;
	struct gh_asking asking =
		gh_channel_asking(channel, channel->policy->authorize, on_will_judged, login);
	const struct gh_will *will = &login->connect.will;
	struct gh_authorize in = { .client = gh_channel_client(channel),
				   .action = GH_WILL,
				   .qos = will->qos,
				   .retain = will->retain,
				   .topic = will->topic,
				   .payload_size = will->payload.n,
				   .properties = will->properties.raw };
	struct gh_decision decision;

	login->ask = gh_ask_authorize(&asking, &in, NULL, &decision);
	if (login->ask) {
		gh_channel_wait(channel);
		return GH_STOP_HERE;
	}
	return will_judged(login, &decision);
}

static bool brought_credentials(const struct gh_login *login)
{
	const struct gh_packet_connect *connect = &login->connect;

	return connect->has_username || connect->has_password || connect->has_auth_method;
}

/* Whatever was wrong with credentials looks alike: that a user is there, or a password right, isn't told. A method that no module
 * takes up is [MQTT-4.12.0-1]; so is that nobody can tell. */
static enum gh_reason denial_reason(const struct gh_login *login, const struct gh_decision *decision)
{
	if (decision->reason_set && decision->reason >= GH_REASON_FAILURE)
		return decision->reason;
	if (login->connect.has_auth_method && decision->module[0] == '\0')
		return GH_REASON_BAD_AUTH_METHOD;
	if (decision->failed || !brought_credentials(login))
		return GH_REASON_NOT_AUTHORIZED;
	return GH_REASON_BAD_CREDENTIALS;
}

static const char *denial(const struct gh_decision *decision)
{
	return decision->why[0] ? decision->why : "not accepted";
}

enum gh_next gh_connect_judged(struct gh_login *login, struct gh_decision *decision)
{
	struct gh_channel *channel = login->channel;
	bool from_module = decision->client_id != NULL;

	/* The listener may have been taken out of the configuration while a module thought. */
	if (!gh_channel_refresh(channel))
		return GH_STOP_HERE;
	if (decision->verdict != GH_ALLOW)
		return gh_connect_refuse(login, denial_reason(login, decision), decision,
					 denial(decision));
	take_identity(login, decision);
	if (login->username)
		gh_penalties_succeed(channel->shard->broker->penalties,
				     (struct gh_bytes){ login->username, strlen(login->username) });
	if (gh_connect_banned(login))
		return GH_STOP_HERE;
	if (!gh_client_id_fits(channel->listener, gh_channel_client(channel), from_module))
		return gh_connect_refuse(login, GH_REASON_CLIENT_ID_INVALID, NULL,
					 "client id isn't this identity's");
	if (from_module || channel->listener->client_id != GH_CLIENT_ID_ANY)
		bind_client_id(channel);
	if (login->connect.has_will)
		return ask_will(login);
	go(login);
	return GH_STOP_HERE;
}

/* ---- to the worker of its session ---- */

static void arrive(struct gh_mail *mail, void *owner)
{
	struct gh_login *login = (struct gh_login *)(void *)mail;
	struct gh_channel *channel = login->channel;
	struct gh_worker *worker = owner;

	if (!worker) {
		gh_conn_discard(channel->conn);
		gh_channel_free(&channel);
		return;
	}
	gh_conn_adopt(channel->conn, worker);
	gh_channel_plant(channel, gh_shard_of(worker));
	gh_conn_resume(channel->conn, GH_PAUSE_TICKET);
	if (channel->shard->stopping)
		gh_connect_refuse(login, GH_REASON_SERVER_SHUTTING_DOWN, NULL, "broker shuts down");
	else if (gh_channel_refresh(channel))
		gh_attach_session(channel);
}

static void go(struct gh_login *login)
{
	struct gh_channel *channel = login->channel;
	struct gh_shard *here = channel->shard;

	gh_exchange_run_free(&login->exchange);
	login->mail.deliver = arrive;
	login->mail.weight = sizeof(*login);
	gh_channel_uproot(channel);
	/* Not moved: it has ended already, and closed() will come here. */
	if (!gh_conn_move(channel->conn, gh_broker_worker(here->broker, gh_str(login->client_id)),
			  &login->mail))
		gh_channel_plant(channel, here);
}

enum gh_next gh_connect_disconnect(struct gh_channel *channel, const struct gh_frame *frame)
{
	static const struct gh_malformed raised = { GH_REASON_PROTOCOL_ERROR,
						    "session expiry raised from 0 by DISCONNECT" };
	static const struct gh_malformed not_a_clients = { GH_REASON_PROTOCOL_ERROR,
							   "reason code that a client may not send" };
	struct gh_packet_disconnect packet;
	struct gh_malformed why;

	if (gh_decode_disconnect(channel->receiver.version, frame, &packet, &why) < 0)
		return gh_channel_malformed(channel, &why);
	if (!gh_reason_from_client(packet.reason, GH_PACKET_DISCONNECT))
		return gh_channel_malformed(channel, &not_a_clients);
	if (channel->state != GH_CHANNEL_CONNECTED) {
		channel->has_end = true; /* it isn't refused: no CONNACK */
		return gh_channel_end(channel, GH_REASON_SUCCESS,
				      "client disconnected during its login");
	}
	if (packet.has_session_expiry) {
		if (channel->session->expiry_interval == 0 && packet.session_expiry != 0)
			return gh_channel_malformed(channel, &raised);
		channel->session->expiry_interval =
			gh_session_expiry(gh_channel_limits(channel), packet.session_expiry);
	}
	gh_channel_goodbye(channel, packet.reason);
	return GH_STOP_HERE;
}
