/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments and events as they cross. */
#include "hook/carry_priv.h"

#include <string.h>

/* ---- what a CONNECT may keep secret: the user name may be a token, its properties hold AUTH data ---- */

static size_t secret_size(const struct gh_authenticate *in)
{
	return (in->username ? strlen(in->username) : 0) + in->password.n + in->properties.n;
}

static void carry_secrets(struct gh_buf *out, const struct gh_authenticate *in)
{
	gh_pack_maybe(out, in->username);
	gh_carry_view(out, in->password);
	gh_carry_view(out, in->properties);
}

static void read_secrets(struct gh_unpack *in, struct gh_carry_texts *texts,
			 struct gh_authenticate *to)
{
	gh_carry_read_text(in, "username", texts, &to->username);
	to->password = gh_carry_read_view(in, "password");
	to->properties = gh_carry_read_view(in, "connect properties");
}

/* ---- the rest of a CONNECT ---- */

enum { CLEAN_START = 1, CLIENT_ID_ASSIGNED = 2, WILL = 4 };

static void carry_connect(struct gh_buf *out, const struct gh_authenticate *in)
{
	gh_pack_number(out, in->flags);
	gh_buf_u8(out, (uint8_t)((in->clean_start ? CLEAN_START : 0) |
				 (in->client_id_assigned ? CLIENT_ID_ASSIGNED : 0) |
				 (in->will ? WILL : 0)));
	gh_pack_number(out, in->session_expiry);
	gh_pack_number(out, in->keep_alive);
	gh_carry_identity(out, in->so_far);
	if (in->will)
		gh_carry_message(out, in->will);
}

static void read_connect(struct gh_unpack *in, struct gh_carry_texts *texts,
			 struct gh_authenticate *to, struct gh_carried *carried)
{
	uint8_t flags;

	to->size = sizeof(*to);
	to->flags = gh_carry_read_u32(in, "flags");
	flags = gh_unpack_flags(in, "connect flags", CLEAN_START | CLIENT_ID_ASSIGNED | WILL);
	to->clean_start = flags & CLEAN_START;
	to->client_id_assigned = flags & CLIENT_ID_ASSIGNED;
	to->session_expiry = gh_carry_read_u32(in, "session expiry");
	to->keep_alive = (uint16_t)gh_unpack_number(in, "keep alive", 0, UINT16_MAX);
	carried->so_far = gh_carry_read_identity(in);
	to->so_far = gh_identity_view(carried->so_far);
	if (!(flags & WILL))
		return;
	gh_carry_read_message(in, texts, &carried->message);
	to->will = &carried->message;
}

/* ---- each argument ---- */

static void carry_authenticate(struct gh_buf *out, const struct gh_authenticate *in)
{
	carry_connect(out, in);
	gh_carry_reserve(out, secret_size(in), 3);
	carry_secrets(out, in);
}

static void read_authenticate(struct gh_unpack *in, struct gh_carry_texts *texts,
			      struct gh_carried *carried)
{
	read_connect(in, texts, &carried->in.authenticate, carried);
	read_secrets(in, texts, &carried->in.authenticate);
}

static void carry_exchange(struct gh_buf *out, const struct gh_exchange *in)
{
	gh_pack_number(out, in->flags);
	gh_pack_number(out, in->step);
	gh_carry_str(out, in->method);
	gh_buf_u8(out, in->connect != NULL);
	if (in->connect)
		carry_connect(out, in->connect);
	gh_carry_reserve(out,
			 in->data.n + in->channel_binding.n +
				 (in->connect ? secret_size(in->connect) : 0),
			 5);
	gh_carry_view(out, in->data);
	gh_carry_view(out, in->channel_binding);
	if (in->connect)
		carry_secrets(out, in->connect);
}

static void read_exchange(struct gh_unpack *in, struct gh_carry_texts *texts,
			  const struct gh_client *client, struct gh_carried *carried)
{
	struct gh_exchange *to = &carried->in.exchange;

	to->size = sizeof(*to);
	to->flags = gh_carry_read_u32(in, "flags");
	to->step = gh_carry_read_u32(in, "step");
	to->method = gh_carry_read_str(in, "method");
	if (gh_unpack_flags(in, "connect", 1)) {
		read_connect(in, texts, &carried->connect, carried);
		carried->connect.client = client;
		to->connect = &carried->connect;
	}
	to->data = gh_carry_read_view(in, "data");
	to->channel_binding = gh_carry_read_view(in, "channel binding");
	if (to->connect)
		read_secrets(in, texts, &carried->connect);
}

static void carry_lookup(struct gh_buf *out, const struct gh_lookup *in)
{
	gh_pack_number(out, in->flags);
	gh_pack_maybe(out, in->principal);
}

static void read_lookup(struct gh_unpack *in, struct gh_carry_texts *texts, struct gh_lookup *to)
{
	to->size = sizeof(*to);
	to->flags = gh_carry_read_u32(in, "flags");
	gh_carry_read_text(in, "principal", texts, &to->principal);
}

static void carry_authorize(struct gh_buf *out, const struct gh_authorize *in)
{
	gh_pack_number(out, in->flags);
	gh_pack_number(out, in->action);
	gh_pack_number(out, in->qos);
	gh_buf_u8(out, in->retain);
	gh_carry_str(out, in->topic);
	gh_carry_str(out, in->share);
	gh_pack_number(out, in->payload_size);
	gh_carry_view(out, in->properties);
	gh_pack_maybe(out, in->author);
	gh_pack_maybe(out, in->author_realm);
}

static void read_authorize(struct gh_unpack *in, struct gh_carry_texts *texts, struct gh_authorize *to)
{
	to->size = sizeof(*to);
	to->flags = gh_carry_read_u32(in, "flags");
	to->action = gh_carry_read_u32(in, "action");
	to->qos = (uint8_t)gh_unpack_number(in, "qos", 0, 2);
	to->retain = gh_unpack_flags(in, "retain", 1);
	to->topic = gh_carry_read_str(in, "topic");
	to->share = gh_carry_read_str(in, "share");
	to->payload_size = (size_t)gh_unpack_number(in, "payload size", 0, SIZE_MAX);
	to->properties = gh_carry_read_view(in, "properties");
	gh_carry_read_text(in, "author", texts, &to->author);
	gh_carry_read_text(in, "author realm", texts, &to->author_realm);
}

static void carry_publish(struct gh_buf *out, const struct gh_publish *in)
{
	gh_pack_number(out, in->flags);
	gh_carry_message(out, in->message);
}

static void read_publish(struct gh_unpack *in, struct gh_carry_texts *texts,
			 struct gh_carried *carried)
{
	struct gh_publish *to = &carried->in.publish;

	to->size = sizeof(*to);
	to->flags = gh_carry_read_u32(in, "flags");
	gh_carry_read_message(in, texts, &carried->message);
	to->message = &carried->message;
}

void gh_carry_args(struct gh_buf *out, enum gh_hook_point point, const void *in)
{
	switch (point) {
	case GH_HOOK_AUTHENTICATE: carry_authenticate(out, in); break;
	case GH_HOOK_EXCHANGE: carry_exchange(out, in); break;
	case GH_HOOK_LOOKUP: carry_lookup(out, in); break;
	case GH_HOOK_AUTHORIZE: carry_authorize(out, in); break;
	case GH_HOOK_PUBLISH: carry_publish(out, in); break;
	default: break;
	}
}

static void read_args(struct gh_unpack *in, struct gh_carry_texts *texts, enum gh_hook_point point,
		      const struct gh_client *client, struct gh_carried *carried)
{
	switch (point) {
	case GH_HOOK_AUTHENTICATE:
		read_authenticate(in, texts, carried);
		carried->in.authenticate.client = client;
		break;
	case GH_HOOK_EXCHANGE:
		read_exchange(in, texts, client, carried);
		carried->in.exchange.client = client;
		break;
	case GH_HOOK_LOOKUP:
		read_lookup(in, texts, &carried->in.lookup);
		carried->in.lookup.client = client;
		break;
	case GH_HOOK_AUTHORIZE:
		read_authorize(in, texts, &carried->in.authorize);
		carried->in.authorize.client = client;
		break;
	case GH_HOOK_PUBLISH:
		read_publish(in, texts, carried);
		carried->in.publish.client = client;
		break;
	default: gh_unpack_fail(in, "hook point %d has no argument that crosses", (int)point);
	}
}

const void *gh_carried_args(struct gh_unpack *in, enum gh_hook_point point,
			    const struct gh_client *client, struct gh_carried *carried)
{
	struct gh_carry_texts texts = { .count = 0 };

	read_args(in, &texts, point, client, carried);
	return gh_carry_end(in, &texts, carried) ? &carried->in : NULL;
}

/* ---- events ---- */

enum { RETAIN = 1, MESSAGE = 2, SUBJECT = 4 };

void gh_carry_event(struct gh_buf *out, const struct gh_event *event)
{
	gh_buf_u8(out, (uint8_t)((event->retain ? RETAIN : 0) | (event->message ? MESSAGE : 0) |
				 (event->subject ? SUBJECT : 0)));
	gh_pack_number(out, event->code);
	gh_pack_number(out, event->kind);
	gh_carry_signed(out, event->time_us);
	gh_pack_maybe(out, event->username);
	gh_pack_maybe(out, event->module);
	gh_pack_maybe(out, event->why);
	gh_pack_maybe(out, event->rule);
	gh_pack_maybe(out, event->text);
	if (event->message)
		gh_carry_message(out, event->message);
	gh_carry_str(out, event->topic);
	gh_carry_str(out, event->share);
	gh_pack_number(out, event->action);
	gh_pack_number(out, event->verdict);
	gh_pack_number(out, event->cause);
	gh_pack_number(out, event->reason);
	gh_pack_number(out, event->qos);
	gh_pack_number(out, event->bytes);
	gh_pack_number(out, event->count);
	gh_pack_number(out, event->duration_ms);
	gh_pack_number(out, event->received.messages);
	gh_pack_number(out, event->received.bytes);
	gh_pack_number(out, event->sent.messages);
	gh_pack_number(out, event->sent.bytes);
	if (event->subject)
		gh_carry_subject(out, event->subject);
}

static void read_texts(struct gh_unpack *in, struct gh_carry_texts *texts, struct gh_event *event)
{
	gh_carry_read_text(in, "username", texts, &event->username);
	gh_carry_read_text(in, "module", texts, &event->module);
	gh_carry_read_text(in, "why", texts, &event->why);
	gh_carry_read_text(in, "rule", texts, &event->rule);
	gh_carry_read_text(in, "text", texts, &event->text);
}

static void read_outcome(struct gh_unpack *in, struct gh_event *event)
{
	event->action = gh_carry_read_u32(in, "action");
	event->verdict = gh_carry_read_u32(in, "verdict");
	event->cause = gh_carry_read_u32(in, "cause");
	event->reason = gh_carry_read_u32(in, "reason");
	event->qos = (uint8_t)gh_unpack_number(in, "qos", 0, UINT8_MAX);
	event->bytes = gh_unpack_number(in, "bytes", 0, UINT64_MAX);
	event->count = gh_unpack_number(in, "count", 0, UINT64_MAX);
	event->duration_ms = gh_unpack_number(in, "duration", 0, UINT64_MAX);
	event->received.messages = gh_unpack_number(in, "messages received", 0, UINT64_MAX);
	event->received.bytes = gh_unpack_number(in, "bytes received", 0, UINT64_MAX);
	event->sent.messages = gh_unpack_number(in, "messages sent", 0, UINT64_MAX);
	event->sent.bytes = gh_unpack_number(in, "bytes sent", 0, UINT64_MAX);
}

const struct gh_event *gh_carried_event(struct gh_unpack *in, const struct gh_client *client,
					struct gh_carried *carried)
{
	uint8_t flags = gh_unpack_flags(in, "event flags", RETAIN | MESSAGE | SUBJECT);
	struct gh_carry_texts texts = { .count = 0 };
	struct gh_event *event = &carried->event;

	event->size = sizeof(*event);
	event->client = client;
	event->retain = flags & RETAIN;
	event->code = gh_carry_read_u32(in, "code");
	event->kind = gh_unpack_number(in, "kind", 0, UINT64_MAX);
	event->time_us = gh_carry_read_signed(in, "time");
	read_texts(in, &texts, event);
	if (flags & MESSAGE) {
		gh_carry_read_message(in, &texts, &carried->message);
		event->message = &carried->message;
	}
	event->topic = gh_carry_read_str(in, "topic");
	event->share = gh_carry_read_str(in, "share");
	read_outcome(in, event);
	if (flags & SUBJECT) {
		gh_carry_read_subject(in, &texts, &carried->subject);
		event->subject = &carried->subject;
	}
	return gh_carry_end(in, &texts, carried) ? event : NULL;
}
