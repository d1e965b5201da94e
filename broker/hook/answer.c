/* SPDX-License-Identifier: Apache-2.0 */
/* The setters of an answer: everything is copied, and what the core can't take is remembered as
 * bad. */
#include "hook/answer.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "hook/host.h"

#include <gatehouse/lib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void gh_answer_init(struct gh_answer *answer, struct gh_instance *instance, bool login,
		    uint64_t due_ms)
{
	answer->api = &gh_host_table;
	answer->instance = instance;
	answer->fold = NULL;
	answer->ticket.id = 0;
	answer->due_ms = due_ms;
	answer->late = answer->called = answer->hypothetical = false;
	answer->login = login;
	answer->reason_set = answer->no_retain = answer->covers = answer->disconnect = false;
	answer->cache = false;
	answer->cache_s = 0;
	answer->reason = 0;
	answer->max_qos = 2;
	answer->cause = answer->line = 0;
	answer->max_size = GH_NO_MAX_SIZE;
	answer->in = NULL;
	answer->edits = NULL;
	answer->why[0] = answer->file[0] = 0;
}

static void login_answer_free(struct gh_login_answer *in)
{
	gh_grant_done(&in->grant);
	free(in->client_id);
	free(in->shown_user);
	if (in->auth_data)
		gh_wipe(in->auth_data, in->auth_data_size);
	free(in->auth_data);
	free(in);
}

void gh_answer_done(struct gh_answer *answer)
{
	if (answer->in)
		login_answer_free(answer->in);
	answer->in = NULL;
	gh_edits_free(&answer->edits);
}

void gh_text_cut(char *to, size_t size, const char *p, size_t n)
{
	if (n >= size) {
		n = size - 1;
		/* Not in the middle of a character: its first byte goes too. */
		while (n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80)
			n--;
	}
	if (n)
		memcpy(to, p, n);
	to[n] = 0;
}

void gh_answer_set_why(struct gh_answer *answer, const char *fmt, va_list ap)
{
	char text[GH_WHY_MAX + 4];
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	gh_text_cut(answer->why, sizeof(answer->why), text, n > 0 ? (size_t)n : 0);
}

void gh_answer_explain(struct gh_answer *answer, enum gh_cause cause, const char *fmt, ...)
{
	va_list ap;

	if (!answer->cause)
		answer->cause = (uint32_t)cause;
	if (answer->why[0])
		return;
	va_start(ap, fmt);
	gh_answer_set_why(answer, fmt, ap);
	va_end(ap);
}

static struct gh_login_answer *login_of(struct gh_answer *answer)
{
	if (!answer->in)
		answer->in = gh_zalloc(sizeof(*answer->in));
	return answer->in;
}

static void set_client_id(struct gh_login_answer *in, struct gh_str id)
{
	if (!id.n || id.n > UINT16_MAX || !gh_utf8_valid(id.p, id.n)) {
		in->bad = "the client id is empty, too long or not UTF-8";
		return;
	}
	free(in->client_id);
	in->client_id = gh_strndup(id.p, id.n);
}

static void set_auth_data(struct gh_login_answer *in, const void *p, size_t n)
{
	if (n > UINT16_MAX) {
		in->bad = "the authentication data is over 65,535 bytes";
		return;
	}
	free(in->auth_data);
	in->auth_data = gh_alloc(n);
	if (n)
		memcpy(in->auth_data, p, n);
	in->auth_data_size = n;
}

static void set_login_bytes(struct gh_answer *answer, uint32_t key, const void *p, size_t n)
{
	struct gh_login_answer *in = login_of(answer);
	struct gh_str s = { p, n };

	if (key == GH_A_PRINCIPAL)
		gh_grant_principal(&in->grant, s);
	else if (key == GH_A_GROUP)
		gh_grant_group(&in->grant, s);
	else if (key == GH_A_CLIENT_ID)
		set_client_id(in, s);
	else if (key == GH_A_CLASS)
		gh_grant_class(&in->grant, s);
	else if (key == GH_A_AUTH_DATA)
		set_auth_data(in, p, n);
	else if (key == GH_A_SHOWN_USER) {
		free(in->shown_user);
		in->shown_user = gh_strndup(n ? p : "", n);
	}
}

static struct gh_edits *edits_of(struct gh_answer *answer)
{
	if (!answer->edits)
		answer->edits = gh_edits_new();
	return answer->edits;
}

void gh_answer_set_bytes(struct gh_answer *answer, uint32_t key, const void *p, size_t n)
{
	if (key == GH_A_FILE)
		gh_text_cut(answer->file, sizeof(answer->file), p, n);
	else if (key == GH_A_TOPIC)
		gh_edits_topic(edits_of(answer), p, n);
	else if (key == GH_A_PAYLOAD)
		gh_edits_payload(edits_of(answer), p, n);
	else if (answer->login)
		set_login_bytes(answer, key, p, n);
}

void gh_answer_set_pair(struct gh_answer *answer, uint32_t key, const char *name, const char *value)
{
	if (key == GH_A_PROPERTY)
		gh_edits_property(edits_of(answer), name, value);
	else if (key == GH_A_ATTRIBUTE && answer->login)
		gh_grant_attribute(&login_of(answer)->grant, name, value);
}

/* A limit the core doesn't understand is the strictest one. */
static uint64_t at_most(int64_t value, uint64_t most)
{
	if (value < 0)
		return 0;
	return (uint64_t)value < most ? (uint64_t)value : most;
}

void gh_answer_set_number(struct gh_answer *answer, uint32_t key, int64_t value)
{
	switch (key) {
	case GH_A_LINE: answer->line = (uint32_t)at_most(value, UINT32_MAX); break;
	case GH_A_CAUSE:
		answer->cause = value > 0 && value <= UINT32_MAX ? (uint32_t)value : GH_CAUSE_OTHER;
		break;
	case GH_A_REASON:
		answer->reason_set = value >= 0 && value <= 0xff;
		answer->reason = answer->reason_set ? (uint8_t)value : 0;
		break;
	case GH_A_EXPIRES:
		if (answer->login)
			gh_grant_expires(&login_of(answer)->grant, value);
		break;
	case GH_A_MAX_QOS: answer->max_qos = (uint8_t)at_most(value, 2); break;
	case GH_A_MAX_SIZE: answer->max_size = at_most(value, INT64_MAX); break;
	case GH_A_NO_RETAIN: answer->no_retain = true; break;
	case GH_A_COVERS: answer->covers = true; break;
	case GH_A_CACHE:
		answer->cache = value >= 0;
		answer->cache_s = (uint32_t)at_most(value, UINT32_MAX);
		break;
	case GH_A_DISCONNECT: answer->disconnect = true; break;
	default: break;
	}
}

void gh_answer_name_again(struct gh_answer *answer, const char *principal)
{
	struct gh_grant *grant = &login_of(answer)->grant;

	if (!grant->principal && !grant->bad)
		gh_grant_principal(grant, (struct gh_str){ principal, strlen(principal) });
}
