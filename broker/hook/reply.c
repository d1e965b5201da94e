/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of fields, and how what comes later finds its way. */
#include "hook/reply.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/str.h"
#include "hook/answer.h"
#include "hook/errand.h"
#include "hook/instance_priv.h"
#include "hook/ticket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gh_reply *gh_reply_new(struct gh_instance *instance, struct gh_ticket ticket)
{
	struct gh_reply *reply = gh_zalloc(sizeof(*reply));

	reply->api = &gh_host_table;
	reply->mail.deliver = gh_errand_deliver;
	reply->instance = instance;
	reply->askers = instance->hooks->askers;
	reply->ticket = ticket;
	return reply;
}

void gh_reply_free(struct gh_reply **reply)
{
	if (*reply)
		gh_buf_done(&(*reply)->rows);
	free(*reply);
	*reply = NULL;
}

static void set_message(struct gh_reply *reply, const char *text)
{
	gh_text_cut(reply->message, sizeof(reply->message), text, strlen(text));
}

/* ---- rows ---- */

enum { ROW_ENDS, FIELD };

void gh_reply_next_row(struct gh_reply *reply)
{
	if (reply->in_row && !reply->cut)
		gh_buf_u8(&reply->rows, ROW_ENDS);
	reply->in_row = false;
}

static void add_field(struct gh_reply *reply, struct gh_bytes name, struct gh_bytes value)
{
	size_t n = reply->rows.n;

	if (reply->cut)
		return;
	gh_buf_u8(&reply->rows, FIELD);
	gh_pack_bytes(&reply->rows, name);
	gh_pack_bytes(&reply->rows, value);
	reply->in_row = true;
	if (reply->rows.n <= GH_REPLY_MAX)
		return;
	reply->rows.n = n;
	reply->cut = true;
}

void gh_reply_write_field(struct gh_reply *reply, const char *name, const char *fmt, va_list ap)
{
	struct gh_buf text = { 0 };

	gh_buf_vprintf(&text, fmt, ap);
	add_field(reply, (struct gh_bytes){ name, name ? strlen(name) : 0 },
		  (struct gh_bytes){ text.p, text.n });
	gh_buf_done(&text);
}

struct gh_bytes gh_reply_told_secret(struct gh_reply *reply)
{
	return reply->secret;
}

/* One after another: FIELD, ROW_ENDS, or -1: there is nothing more, or in->rc says that it is none. */
static int next(struct gh_unpack *in, struct gh_bytes *name_r, struct gh_bytes *value_r)
{
	uint64_t kind;

	if (!gh_unpack_left(in))
		return -1;
	kind = gh_unpack_number(in, "field", ROW_ENDS, FIELD);
	if (kind == FIELD) {
		*name_r = gh_unpack_bytes(in, "name", GH_REPLY_MAX);
		*value_r = gh_unpack_bytes(in, "value", GH_REPLY_MAX);
	}
	return in->rc ? -1 : (int)kind;
}

bool gh_reply_adopt(struct gh_reply *reply, struct gh_bytes rows)
{
	struct gh_error error;
	struct gh_unpack in = gh_unpack(rows, &error);
	struct gh_bytes name, value;
	int what;

	while ((what = next(&in, &name, &value)) >= 0)
		if (what == FIELD)
			add_field(reply, name, value);
		else
			gh_reply_next_row(reply);
	return !in.rc;
}

static void begin_row(struct gh_buf *out, struct gh_json *json, const char *instance)
{
	if (out->n > 0)
		gh_buf_u8(out, ',');
	gh_json_init(json, out);
	gh_json_object(json, NULL);
	if (instance)
		gh_json_str(json, "instance", gh_str(instance));
}

static void write_field(struct gh_json *json, struct gh_bytes name, struct gh_bytes value)
{
	char *key = gh_strndup(name.n ? name.p : "", name.n);

	gh_json_str(json, key, gh_str_n(value.n ? value.p : "", value.n));
	free(key);
}

void gh_reply_rows(struct gh_buf *out, struct gh_bytes rows, const char *instance)
{
	struct gh_error error;
	struct gh_unpack in = gh_unpack(rows, &error);
	struct gh_bytes name, value;
	struct gh_json json;
	bool in_row = false;
	int what;

	while ((what = next(&in, &name, &value)) >= 0) {
		if (what == FIELD && !in_row)
			begin_row(out, &json, instance);
		if (what == FIELD)
			write_field(&json, name, value);
		else if (in_row)
			gh_json_end_object(&json);
		in_row = what == FIELD;
	}
	if (in_row)
		gh_json_end_object(&json);
}

/* ---- the end ---- */

static void fail(struct gh_reply *reply, const char *text)
{
	reply->rc = GH_EIO;
	set_message(reply, text);
}

/* Whatever else was said: what is cut is no success. */
static void judge_cut(struct gh_reply *reply)
{
	if (reply->cut)
		fail(reply, "more than 16 MiB of output: the rest is cut");
}

void gh_reply_judge(struct gh_reply *reply, int rc)
{
	reply->secret = (struct gh_bytes){ 0 };
	if (rc > GH_LATER)
		fail(reply, "it returned what is no result");
	else if (rc == GH_LATER && !reply->pended)
		fail(reply, "it wanted to answer later, without a ticket");
	else if (rc != 0)
		reply->rc = rc;
	judge_cut(reply);
}

/* ---- later ---- */

struct gh_ticket gh_reply_ticket(struct gh_reply *reply)
{
	if (reply->late) {
		gh_log_warning("module '%s' asks for a ticket in a later reply: refused",
			       reply->instance->name);
		return (struct gh_ticket){ 0 };
	}
	reply->pended = true;
	return reply->ticket;
}

struct gh_reply *gh_reply_claim(struct gh_host *host, struct gh_ticket ticket)
{
	struct gh_instance *instance = (struct gh_instance *)(void *)host;
	struct gh_reply *reply;
	uint64_t due_ms;

	if (!gh_ticket_claim(instance->hooks->askers, instance, GH_TICKET_REPLY, ticket, &due_ms))
		return NULL;
	reply = gh_reply_new(instance, ticket);
	reply->late = true;
	return reply;
}

void gh_reply_finish(struct gh_reply *reply, int rc, const char *message)
{
	reply->rc = rc;
	set_message(reply, rc && message ? message : "");
	if (rc > 0)
		fail(reply, "it ended with what is no result");
	if (!reply->late)
		return; /* the call's own: it ends when that returns */
	judge_cut(reply);
	if (!gh_ticket_post(reply->askers, reply->ticket, &reply->mail))
		gh_reply_free(&reply);
}
