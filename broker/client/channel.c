/* SPDX-License-Identifier: Apache-2.0 */
/* One client's connection as MQTT sees it, from accept to its end. */
#include "client/channel.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/acknowledge.h"
#include "client/admit.h"
#include "client/attach.h"
#include "client/authenticate.h"
#include "client/author.h"
#include "client/class.h"
#include "client/connect.h"
#include "client/deliver.h"
#include "client/hold.h"
#include "client/limit.h"
#include "client/publish.h"
#include "client/send.h"
#include "client/subscribe.h"
#include "client/verdicts.h"
#include "hook/attach.h"

#include <stdlib.h>

/* How long a client that was sent away may take to read why. */
#define LINGER_MS      2000u
/* The wall clock may be set: the end of a credential is looked at this often at least. */
#define EXPIRY_LOOK_MS 60000u

static void on_timeout(struct gh_timeout *timeout);

/* ---- facts ---- */

void gh_channel_log(const struct gh_channel *channel, enum gh_level level,
		    const struct gh_log_field *more, size_t count, const char *message)
{
	const struct gh_client *client = gh_channel_client(channel);
	struct gh_log_field fields[10];
	size_t n = 0;

	if (!gh_log_wanted(level))
		return;
	fields[n++] = GH_FIELD("address", client->address);
	if (client->client_id)
		fields[n++] = GH_FIELD("client", client->client_id);
	if (channel->shown_user)
		fields[n++] = GH_FIELD("user", channel->shown_user);
	fields[n++] = GH_FIELD("listener", client->listener);
	if (client->protocol)
		fields[n++] = GH_FIELD_NUMBER("protocol", client->protocol);
	for (size_t i = 0; i < count && n < 10; i++)
		fields[n++] = more[i];
	gh_log_line(level, fields, n, "%s", message);
}

void gh_channel_set_who(struct gh_channel *channel, struct gh_snapshot *who)
{
	if (channel->who)
		gh_snapshot_set_home(channel->who, NULL);
	gh_snapshot_unref(&channel->who);
	channel->who = who;
	if (who)
		gh_snapshot_set_home(who, &channel->attached);
}

bool gh_channel_refresh(struct gh_channel *channel)
{
	const char *name = gh_channel_client(channel)->listener;
	struct gh_runtime *runtime = channel->shard->runtime;

	if (channel->refreshed == runtime->generation)
		return channel->policy != NULL;
	channel->refreshed = runtime->generation;
	channel->policy = gh_runtime_policy(runtime, name);
	channel->listener = gh_settings_listener(runtime->settings, name);
	if (channel->policy && channel->listener)
		return true;
	channel->policy = NULL;
	gh_channel_end(channel, GH_REASON_ADMINISTRATIVE_ACTION, "listener removed");
	return false;
}

/* ---- the end ---- */

static void cancel_asks(struct gh_channel *channel, const char *why)
{
	if (channel->login && channel->shard)
		gh_login_undecided(channel->login, why);
	gh_author_answer_free(&channel->author_answer);
	gh_parked_free(&channel->parked);
	gh_subscribing_free(&channel->subscribing);
	gh_reauth_free(&channel->reauth);
	gh_login_free(&channel->login);
}

static void tell_protocol_error(struct gh_channel *channel, const struct gh_malformed *why)
{
	struct gh_event event = { .kind = GH_EV_PROTOCOL };

	if (!gh_event_wanted(channel->shard->runtime, GH_EV_PROTOCOL))
		return;
	event.client = gh_channel_client(channel);
	event.reason = why->reason;
	event.text = why->text;
	gh_event_tell(channel->shard->runtime, &event);
}

enum gh_next gh_channel_end_by(struct gh_channel *channel, enum gh_reason reason, const char *text,
			       const char *shown)
{
	if (channel->state == GH_CHANNEL_ENDED)
		return GH_STOP_HERE;
	if (channel->state == GH_CHANNEL_CONNECTED)
		gh_send_disconnect(channel, reason, shown);
	else if (channel->state == GH_CHANNEL_LOGIN && !channel->has_end)
		gh_send_refusal(channel, reason);
	if (!channel->has_end) {
		channel->has_end = true;
		channel->end_reason = reason;
	}
	cancel_asks(channel, text);
	if (channel->session)
		gh_detach(channel, text);
	channel->state = GH_CHANNEL_ENDED;
	gh_loop_timeout_cancel(channel->shard->loop, &channel->timeout);
	gh_conn_close(channel->conn, LINGER_MS);
	return GH_STOP_HERE;
}

enum gh_next gh_channel_end(struct gh_channel *channel, enum gh_reason reason, const char *text)
{
	return gh_channel_end_by(channel, reason, text, text);
}

enum gh_next gh_channel_malformed(struct gh_channel *channel, const struct gh_malformed *why)
{
	const struct gh_log_field fields[] = { GH_FIELD("reason", why->text) };

	if (channel->state == GH_CHANNEL_ENDED)
		return GH_STOP_HERE;
	gh_count(channel->shard->broker, GH_COUNT_PROTOCOL_ERRORS);
	gh_channel_log(channel, GH_LOG_NOTICE, fields, 1, "protocol error");
	tell_protocol_error(channel, why);
	return gh_channel_end(channel, why->reason, why->text);
}

void gh_channel_goodbye(struct gh_channel *channel, uint8_t reason)
{
	const char *text =
		reason == GH_REASON_SUCCESS ? "client disconnected" : gh_reason_text(reason);

	channel->has_end = true;
	channel->end_reason = reason;
	channel->clean_end =
		reason == GH_REASON_SUCCESS; /* any other publishes the will [MQTT-3.1.2-8] */
	cancel_asks(channel, text);
	gh_detach(channel, text);
	channel->state = GH_CHANNEL_ENDED;
	gh_loop_timeout_cancel(channel->shard->loop, &channel->timeout);
	gh_conn_close(channel->conn, LINGER_MS);
}

static const char *end_text(const struct gh_conn *conn, enum gh_conn_end why)
{
	switch (why) {
	case GH_CONN_EOF: return "connection closed by client";
	case GH_CONN_NOMEM: return "out of memory for its packet";
	case GH_CONN_STOP: return "broker stops";
	case GH_CONN_LOCAL: return "closed";
	case GH_CONN_RESET: break;
	}
	return strerror(gh_conn_error(conn));
}

static void on_closed(struct gh_conn *conn, enum gh_conn_end why)
{
	struct gh_channel *channel = gh_conn_arg(conn);

	if (channel->state != GH_CHANNEL_ENDED) {
		cancel_asks(channel, end_text(conn, why));
		if (channel->session)
			gh_detach(channel, end_text(conn, why));
		else if (channel->state == GH_CHANNEL_YOUNG)
			gh_channel_log(channel, GH_LOG_INFO, NULL, 0,
				       "connection ended without CONNECT");
	}
	gh_channel_free(&channel);
}

void gh_channel_free(struct gh_channel **channel)
{
	struct gh_channel *c = *channel;

	if (!c)
		return;
	cancel_asks(c, "closed");
	gh_hold_drop(c);
	gh_attachments_free(&c->attached);
	if (c->shard)
		gh_channel_uproot(c);
	gh_alias_in_done(&c->alias_in);
	gh_alias_out_free(&c->alias_out);
	gh_verdicts_free(&c->verdicts);
	gh_snapshot_unref(&c->author);
	gh_channel_set_who(c, NULL);
	free(c->usage);
	free(c->auth_method);
	free(c->shown_user);
	free(c);
	*channel = NULL;
}

/* ---- clocks ---- */

void gh_channel_wait(struct gh_channel *channel)
{
	gh_conn_pause(channel->conn, GH_PAUSE_TICKET);
}

void gh_channel_go_on(struct gh_channel *channel)
{
	channel->heard_at = gh_shard_now(channel->shard);
	gh_conn_resume(channel->conn, GH_PAUSE_TICKET);
}

static uint64_t keep_alive_due(const struct gh_channel *channel)
{
	return channel->keep_alive ? channel->heard_at + channel->keep_alive * 1500ull : UINT64_MAX;
}

static uint64_t expiry_due(const struct gh_channel *channel, uint64_t now)
{
	const struct gh_identity *identity = gh_channel_client(channel)->identity;
	int64_t left;

	if (!identity || !identity->expires)
		return UINT64_MAX;
	left = identity->expires * 1000 - gh_clock_wall_us() / 1000;
	if (left <= 0)
		return now;
	return now + ((uint64_t)left < EXPIRY_LOOK_MS ? (uint64_t)left : EXPIRY_LOOK_MS);
}

void gh_channel_arm(struct gh_channel *channel)
{
	uint64_t now = gh_shard_now(channel->shard);
	uint64_t alive = keep_alive_due(channel), expiry = expiry_due(channel, now);
	uint64_t due = alive < expiry ? alive : expiry;

	if (due == UINT64_MAX)
		gh_loop_timeout_cancel(channel->shard->loop, &channel->timeout);
	else
		gh_loop_timeout_at(channel->shard->loop, &channel->timeout, due);
}

static bool credential_over(const struct gh_channel *channel)
{
	const struct gh_identity *identity = gh_channel_client(channel)->identity;

	return identity && identity->expires && identity->expires * 1000000 <= gh_clock_wall_us();
}

static void tell_expired(struct gh_channel *channel)
{
	struct gh_event event = { .kind = GH_EV_IDENTITY, .text = "expired" };

	event.client = gh_channel_client(channel);
	gh_event_tell(channel->shard->runtime, &event);
}

/* While we don't read, what the client sent can't be heard: its clock stands still. Unless it is its own doing. */
static void on_connected_timeout(struct gh_channel *channel)
{
	uint64_t now = gh_shard_now(channel->shard);

	if (gh_conn_paused(channel->conn) & ~(unsigned)GH_PAUSE_OUTPUT)
		channel->heard_at = now;
	if (credential_over(channel)) {
		tell_expired(channel);
		gh_channel_end(channel, GH_REASON_NOT_AUTHORIZED, "credential expired");
	} else if (keep_alive_due(channel) <= now) {
		gh_channel_end(channel, GH_REASON_KEEP_ALIVE_TIMEOUT, "keep alive exceeded");
	} else {
		gh_channel_arm(channel);
	}
}

static void on_timeout(struct gh_timeout *timeout)
{
	struct gh_channel *channel = gh_container(timeout, struct gh_channel, timeout);

	if (channel->state == GH_CHANNEL_CONNECTED)
		on_connected_timeout(channel);
	else
		gh_connect_timeout(channel);
}

/* ---- input ---- */

static bool may_come(const struct gh_channel *channel, uint8_t type)
{
	switch (channel->state) {
	case GH_CHANNEL_YOUNG: return type == GH_PACKET_CONNECT;
	case GH_CHANNEL_LOGIN: return type == GH_PACKET_AUTH || type == GH_PACKET_DISCONNECT;
	default: return type != GH_PACKET_CONNECT;
	}
}

static enum gh_next on_ping(struct gh_channel *channel, const struct gh_frame *frame)
{
	struct gh_malformed why;

	if (gh_decode_pingreq(frame, &why) < 0)
		return gh_channel_malformed(channel, &why);
	gh_conn_commit(channel->conn, gh_encode_pingresp(gh_conn_reserve(channel->conn, 2), 2));
	return GH_GO_ON;
}

static enum gh_next dispatch(struct gh_channel *channel, const struct gh_frame *frame)
{
	static const struct gh_malformed unexpected = { GH_REASON_PROTOCOL_ERROR,
							"packet not expected now" };

	if (!may_come(channel, frame->type))
		return gh_channel_malformed(channel, &unexpected);
	switch (frame->type) {
	case GH_PACKET_CONNECT: return gh_connect_begin(channel, frame);
	case GH_PACKET_PUBLISH: return gh_publish_in(channel, frame);
	case GH_PACKET_PUBACK:
	case GH_PACKET_PUBREC:
	case GH_PACKET_PUBREL:
	case GH_PACKET_PUBCOMP: return gh_acknowledge(channel, frame);
	case GH_PACKET_SUBSCRIBE: return gh_subscribe(channel, frame);
	case GH_PACKET_UNSUBSCRIBE: return gh_unsubscribe(channel, frame);
	case GH_PACKET_PINGREQ: return on_ping(channel, frame);
	case GH_PACKET_DISCONNECT: return gh_connect_disconnect(channel, frame);
	case GH_PACKET_AUTH: return gh_authenticate_step(channel, frame);
	default: return gh_channel_malformed(channel, &unexpected);
	}
}

/* Longest packet that is taken now; little before the login. */
static size_t packet_limit(const struct gh_channel *channel)
{
	uint64_t limit = channel->listener->limits.packet_size_before_login;

	if (channel->state == GH_CHANNEL_CONNECTED)
		return channel->packet_size;
	return limit < GH_PACKET_MAX ? limit : GH_PACKET_MAX;
}

static void tell_packet_limit(const struct gh_channel *channel, const struct gh_malformed *why)
{
	if (why->reason == GH_REASON_PACKET_TOO_LARGE)
		gh_tell_limit(channel->shard, gh_channel_client(channel),
			      channel->state == GH_CHANNEL_CONNECTED ? "packet-size"
								     : "packet-size-before-login");
}

static enum gh_next one_packet(struct gh_channel *channel, const uint8_t *p, size_t n, size_t *used)
{
	struct gh_malformed why;
	struct gh_frame frame;
	int got = gh_frame(channel->receiver.version, p, n, packet_limit(channel), &frame, &why);

	if (got < 0) {
		tell_packet_limit(channel, &why);
		return gh_channel_malformed(channel, &why);
	}
	if (got == GH_FRAME_MORE) {
		if (frame.total)
			gh_conn_expect(channel->conn, frame.total);
		return GH_STOP_HERE;
	}
	*used += frame.total;
	channel->heard_at = gh_shard_now(channel->shard);
	gh_count(channel->shard->broker, GH_COUNT_PACKETS_IN);
	return dispatch(channel, &frame);
}

/* Deliveries keep within output-bytes by themselves; what goes beyond are answers to a client that asks and doesn't read. */
static void hold_deaf(struct gh_channel *channel)
{
	uint64_t limit = gh_channel_limits(channel)->output_bytes;

	if (limit > UINT64_MAX - GH_CONN_LOW || gh_conn_pending(channel->conn) <= limit + GH_CONN_LOW)
		return;
	gh_conn_pause(channel->conn, GH_PAUSE_OUTPUT);
	gh_conn_want_room(channel->conn);
}

static size_t on_input(struct gh_conn *conn, const uint8_t *p, size_t n)
{
	struct gh_channel *channel = gh_conn_arg(conn);
	size_t used = 0;

	if (channel->state == GH_CHANNEL_ENDED || !gh_channel_refresh(channel))
		return n;
	/* A channel that was moved is no longer ours: nothing of it may be looked at once a step says so. */
	while (used < n) {
		if (one_packet(channel, p + used, n - used, &used) != GH_GO_ON)
			return used;
		hold_deaf(channel);
		if (gh_conn_paused(conn))
			break;
	}
	return used;
}

static void on_writable(struct gh_conn *conn)
{
	struct gh_channel *channel = gh_conn_arg(conn);

	gh_conn_resume(conn, GH_PAUSE_OUTPUT);
	if (channel->state == GH_CHANNEL_CONNECTED)
		gh_deliver_pump(channel);
}

static const struct gh_conn_fn handlers = { .input = on_input,
					    .writable = on_writable,
					    .closed = on_closed };

/* ---- the beginning ---- */

void gh_channel_plant(struct gh_channel *channel, struct gh_shard *shard)
{
	channel->shard = shard;
	gh_list_append(&shard->channels, &channel->in_shard);
	channel->refreshed = 0;
	gh_attachments_enter(&channel->attached, shard->asker);
	gh_conn_bind(channel->conn, &handlers, channel);
}

void gh_channel_settle(struct gh_channel *channel)
{
	gh_list_remove(&channel->in_shard);
	gh_list_insert_before(channel->shard->channels.next, &channel->in_shard);
}

void gh_channel_uproot(struct gh_channel *channel)
{
	gh_loop_timeout_cancel(channel->shard->loop, &channel->timeout);
	gh_list_remove(&channel->in_shard);
	gh_attachments_leave(&channel->attached);
	channel->shard = NULL;
}

static struct gh_snapshot *facts(const struct gh_conn *conn, const char *listener, uint64_t serial)
{
	char address[GH_PEER_TEXT];
	struct gh_client client;

	gh_client_facts(gh_conn_peer(conn), listener, address, &client);
	client.connection = serial;
	return gh_snapshot_new(&client, NULL);
}

void gh_channel_accept(struct gh_worker *worker, const struct gh_accepted *accepted)
{
	struct gh_shard *shard = gh_shard_of(worker);
	struct gh_channel *channel = gh_zalloc(sizeof(*channel));

	channel->conn = accepted->conn;
	gh_channel_set_who(channel, facts(accepted->conn, accepted->listener,
					  atomic_fetch_add(&shard->broker->connections, 1) + 1));
	channel->receiver.max = GH_PACKET_MAX;
	gh_list_init(&channel->held);
	gh_timeout_init(&channel->timeout, on_timeout);
	gh_channel_plant(channel, shard);
	if (!gh_channel_refresh(channel))
		return;
	gh_loop_timeout_at(shard->loop, &channel->timeout,
			   accepted->at_ms + channel->listener->limits.connect_timeout);
}
