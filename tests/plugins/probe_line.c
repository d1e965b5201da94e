/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of JSON, and what an event looks like as one. */
#include "probe.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void put(struct probe_line *line, const char *p, size_t n)
{
	if (line->n + n < sizeof(line->text) - 2) {
		memcpy(line->text + line->n, p, n);
		line->n += n;
	}
}

void probe_line_begin(struct probe_line *line, const char *what)
{
	line->n = 0;
	put(line, "{", 1);
	probe_line_string(line, "what", what);
}

static void put_name(struct probe_line *line, const char *name)
{
	put(line, line->n > 1 ? ",\"" : "\"", line->n > 1 ? 2 : 1);
	put(line, name, strlen(name));
	put(line, "\":", 2);
}

/* Bytes above 0x7f are taken for Latin-1: what isn't UTF-8 must be seen too. */
void probe_line_text(struct probe_line *line, const char *name, const char *p, size_t n)
{
	char escaped[8];

	put_name(line, name);
	put(line, "\"", 1);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			put(line, p + i, 1);
		else
			put(line, escaped, (size_t)snprintf(escaped, sizeof(escaped), "\\u%04x", c));
	}
	put(line, "\"", 1);
}

void probe_line_string(struct probe_line *line, const char *name, const char *s)
{
	if (s)
		probe_line_text(line, name, s, strlen(s));
}

void probe_line_number(struct probe_line *line, const char *name, long long v)
{
	char number[32];

	put_name(line, name);
	put(line, number, (size_t)snprintf(number, sizeof(number), "%lld", v));
}

void probe_line_end(struct probe_line *line, int fd)
{
	line->text[line->n++] = '}';
	line->text[line->n++] = '\n';
	if (fd >= 0 && write(fd, line->text, line->n) < 0)
		return;
}

/* ---- events ---- */

static const struct {
	uint64_t kind;
	const char *name;
} kinds[] = {
	{ GH_EV_ACCEPT, "accept" },
	{ GH_EV_AUTH, "auth" },
	{ GH_EV_CONNECT, "connect" },
	{ GH_EV_DISCONNECT, "disconnect" },
	{ GH_EV_DENY, "deny" },
	{ GH_EV_SUBSCRIBE, "subscribe" },
	{ GH_EV_UNSUBSCRIBE, "unsubscribe" },
	{ GH_EV_PUBLISH, "publish" },
	{ GH_EV_DROP, "drop" },
	{ GH_EV_LIMIT, "limit" },
	{ GH_EV_BAN, "ban" },
	{ GH_EV_SESSION, "session" },
	{ GH_EV_IDENTITY, "identity" },
	{ GH_EV_PROTOCOL, "protocol" },
	{ GH_EV_RELOAD, "reload" },
	{ GH_EV_MODULE, "module" },
	{ GH_EV_ADMIN, "admin" },
	{ GH_EV_USAGE, "usage" },
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

uint64_t probe_event_mask(const struct gh_list *names)
{
	const char *const *items = (const char *const *)names->items;
	uint64_t mask = 0;

	for (size_t k = 0; k < KINDS; k++) {
		bool wanted = names->count == 0;

		for (size_t i = 0; i < names->count; i++)
			wanted = wanted || strcmp(items[i], kinds[k].name) == 0;
		if (wanted)
			mask |= kinds[k].kind;
	}
	return mask;
}

static void put_subject(struct probe_line *line, const struct gh_subject *subject)
{
	if (!subject)
		return;
	probe_line_number(line, "subject_kind", subject->kind);
	probe_line_string(line, "subject", subject->text);
}

/* "night,floor=7": groups, then attributes. */
static void put_more(struct probe_line *line, const struct gh_identity *identity)
{
	char text[512] = "";
	size_t n = 0;

	for (size_t i = 0; i < identity->group_count && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "," : "",
				      identity->groups[i]);
	for (size_t i = 0; i < identity->attribute_count && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s=%s", n ? "," : "",
				      identity->attributes[i].name, identity->attributes[i].value);
	probe_line_string(line, "more", text);
}

static void put_client(struct probe_line *line, const struct gh_client *client)
{
	if (!client)
		return;
	probe_line_string(line, "client", client->client_id);
	probe_line_string(line, "listener", client->listener);
	probe_line_string(line, "address", client->address);
	probe_line_number(line, "connection", (long long)client->connection);
	probe_line_number(line, "protocol", client->protocol);
	if (client->identity) {
		probe_line_string(line, "principal", client->identity->principal);
		probe_line_string(line, "realm", client->identity->realm);
		probe_line_string(line, "class", client->identity->limits_class);
		put_more(line, client->identity);
	}
}

void probe_write_event(const struct gh_event *event, int fd)
{
	struct probe_line line;
	const char *name = "unknown";

	for (size_t k = 0; k < KINDS; k++)
		if (kinds[k].kind == event->kind)
			name = kinds[k].name;
	probe_line_begin(&line, "event");
	probe_line_string(&line, "kind", name);
	put_client(&line, event->client);
	put_subject(&line, event->subject);
	if (event->message)
		probe_line_string(&line, "origin", event->message->origin);
	probe_line_string(&line, "username", event->username);
	probe_line_string(&line, "module", event->module);
	probe_line_string(&line, "why", event->why);
	probe_line_string(&line, "rule", event->rule);
	probe_line_string(&line, "text", event->text);
	if (event->topic.n)
		probe_line_text(&line, "topic", event->topic.p, event->topic.n);
	if (event->share.n)
		probe_line_text(&line, "share", event->share.p, event->share.n);
	probe_line_number(&line, "code", event->code);
	probe_line_number(&line, "action", event->action);
	probe_line_number(&line, "verdict", event->verdict);
	probe_line_number(&line, "cause", event->cause);
	probe_line_number(&line, "reason", event->reason);
	probe_line_number(&line, "qos", event->qos);
	probe_line_number(&line, "retain", event->retain);
	probe_line_number(&line, "bytes", (long long)event->bytes);
	probe_line_number(&line, "count", (long long)event->count);
	probe_line_number(&line, "received", (long long)event->received.messages);
	probe_line_number(&line, "sent", (long long)event->sent.messages);
	probe_line_end(&line, fd);
}
