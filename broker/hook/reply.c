/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of fields, and how what comes later finds its way. */
#include "hook/reply.h"

#include "base/log.h"
#include "base/mem.h"
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
	gh_json_init(&reply->json, &reply->rows);
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

void gh_reply_next_row(struct gh_reply *reply)
{
	if (reply->json.has_member && !reply->cut)
		gh_buf_u8(&reply->rows, '\n');
	gh_json_init(&reply->json, &reply->rows);
}

void gh_reply_write_field(struct gh_reply *reply, const char *name, const char *fmt, va_list ap)
{
	struct gh_json before = reply->json;
	size_t n = reply->rows.n;
	struct gh_buf text = { 0 };

	if (reply->cut)
		return;
	gh_buf_vprintf(&text, fmt, ap);
	gh_json_str(&reply->json, name ? name : "", gh_str_n(text.n ? (char *)text.p : "", text.n));
	gh_buf_done(&text);
	if (reply->rows.n <= GH_REPLY_MAX)
		return;
	reply->json = before;
	reply->rows.n = n;
	reply->cut = true;
}

struct gh_bytes gh_reply_told_secret(struct gh_reply *reply)
{
	return reply->secret;
}

void gh_reply_rows(struct gh_buf *out, struct gh_str lines, const char *instance)
{
	const char *end = lines.n > 0 ? lines.p + lines.n : lines.p;

	for (const char *p = lines.p; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((newline ? newline : end) - p);
		struct gh_json json;

		if (n > 0) {
			if (out->n > 0)
				gh_buf_u8(out, ',');
			gh_json_init(&json, out);
			gh_json_object(&json, NULL);
			if (instance) {
				gh_json_str(&json, "instance", gh_str(instance));
				gh_buf_u8(out, ',');
			}
			gh_buf_add(out, p, n);
			gh_json_end_object(&json);
		}
		p += n + 1;
	}
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
