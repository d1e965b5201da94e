/* SPDX-License-Identifier: Apache-2.0 */
/* Events: those that happen now, and those that were true before gh_replay(). */
#include "script.h"

#include <stdlib.h>
#include <string.h>

/* In the order of their bits; bit 1 is none. */
static const char *const kinds[] = { "accept", "",          "auth",        "connect",  "disconnect",
				     "deny",   "subscribe", "unsubscribe", "publish",  "drop",
				     "limit",  "ban",       "session",     "identity", "protocol",
				     "reload", "module",    "admin",       "usage",    NULL };
static const char *const verdicts[] = { "none", "pass", "allow", "deny", "error", NULL };
static const char *const actions[] = { "none", "publish", "subscribe", "receive", "will", NULL };

static const char *lend_text(struct gh_script *script, struct gh_lent *lent, const char *key)
{
	return gh_lend_text(lent, gh_script_text(script, key));
}

static uint32_t index_of(struct gh_script *script, const char *key, const char *const *words)
{
	const char *text = gh_script_text(script, key);

	return text ? gh_read_index(script, key, words, text) : 0;
}

static uint32_t cause_of(struct gh_script *script)
{
	const char *text = gh_script_text(script, "cause");
	uint32_t cause = 0;

	while (text && gh_cause_word(cause) && strcmp(gh_cause_word(cause), text) != 0)
		cause++;
	if (text && !gh_cause_word(cause))
		gh_script_wrong(script, "cause: there is no '%s'", text);
	return text ? cause : 0;
}

/* "12/3400": messages and bytes. */
static struct gh_traffic traffic_of(struct gh_script *script, const char *key)
{
	const char *text = gh_script_text(script, key), *slash;
	struct gh_traffic traffic = { 0 };
	char *messages;

	if (!text)
		return traffic;
	slash = text + strcspn(text, "/");
	messages = gh_copy_n(text, (size_t)(slash - text));
	traffic.messages = gh_read_number(script, key, messages, UINT64_MAX);
	traffic.bytes = gh_read_number(script, key, *slash ? slash + 1 : "", UINT64_MAX);
	free(messages);
	return traffic;
}

/* "address:192.0.2.7" */
static const struct gh_subject *subject_of(struct gh_script *script, struct gh_lent *lent)
{
	static const char *const words[] = { "",        "connection", "client", "principal",
					     "address", "everyone",   NULL };
	const char *text = gh_script_text(script, "subject");
	struct gh_subject subject = { 0 };
	size_t n;
	char *word;

	if (!text)
		return NULL;
	n = strcspn(text, ":");
	word = gh_copy_n(text, n);
	subject.kind = gh_read_index(script, "subject", words, word);
	free(word);
	text += n + (text[n] == ':');
	if (subject.kind == GH_CONNECTION)
		subject.number = gh_read_number(script, "subject", text, UINT64_MAX);
	else if (subject.kind != GH_EVERYONE)
		subject.text = gh_lend_text(lent, text);
	return gh_lend(lent, &subject, sizeof(subject));
}

static void lend_words(struct gh_script *script, struct gh_event *event, struct gh_lent *lent)
{
	event->username = lend_text(script, lent, "username");
	event->module = lend_text(script, lent, "module");
	event->why = lend_text(script, lent, "why");
	event->rule = lend_text(script, lent, "rule");
	event->text = lend_text(script, lent, "text");
	event->share = gh_lend_str(lent, gh_line_value(script->line, "share"));
	event->subject = subject_of(script, lent);
}

static void lend_numbers(struct gh_script *script, struct gh_event *event, uint32_t code)
{
	const char *duration = gh_script_text(script, "duration");

	event->code = (uint32_t)gh_script_number(script, "code", UINT32_MAX, code);
	event->action = index_of(script, "action", actions);
	event->verdict = index_of(script, "verdict", verdicts);
	event->cause = cause_of(script);
	event->reason = (uint32_t)gh_script_number(script, "reason", 0xff, 0);
	event->bytes = gh_script_number(script, "bytes", UINT64_MAX, 0);
	event->count = gh_script_number(script, "count", UINT64_MAX, 0);
	event->duration_ms = duration ? gh_script_duration(script, duration) : 0;
	event->received = traffic_of(script, "received");
	event->sent = traffic_of(script, "sent");
}

static void lend_event(struct gh_script *script, uint32_t code, struct gh_lent *lent,
		       struct gh_event *event_r)
{
	const char *kind = gh_script_word(script, 1, "the kind of event"),
		   *name = gh_script_text(script, "client");
	const struct gh_actor *actor = name ? gh_actor_named(script, name) : NULL;
	struct gh_bytes topic = gh_line_value(script->line, "topic");
	struct gh_event event = { .size = sizeof(event) };
	const struct gh_message *message;

	event.kind = *kind ? 1ull << gh_read_index(script, "event", kinds, kind) : 0;
	event.time_us = gh_testhost_wall(script->host);
	if (actor)
		event.client = gh_actor_lend(script, actor, GH_VIEW_WHOLE, 0, lent);
	event.topic = gh_lend_str(lent, topic);
	lend_words(script, &event, lent);
	lend_numbers(script, &event, code);
	message = gh_script_message(script, topic, lent);
	event.qos = message->qos;
	event.retain = message->retain;
	if (event.kind == GH_EV_PUBLISH) {
		event.message = message;
		event.bytes = event.bytes ? event.bytes : message->payload.n;
	}
	*event_r = event;
}

void gh_do_event(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_lent lent = { 0 };
	struct gh_event event;

	lend_event(script, 0, &lent, &event);
	if (gh_script_right(script))
		gh_facts_word(facts,
			      gh_testhost_event(script->host, gh_lend(&lent, &event, sizeof(event)))
				      ? "told"
				      : "unobserved");
	gh_lent_end(&lent);
}

void gh_do_present(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_lent lent = { 0 };
	struct gh_event event;

	(void)facts;
	lend_event(script, 1, &lent, &event);
	gh_lent_end(&lent);
	if (!gh_script_right(script))
		return;
	script->present =
		gh_grow(script->present, script->present_count + 1, sizeof(*script->present));
	script->present[script->present_count++] = *script->line;
	*script->line = (struct gh_line){ 0 };
}

bool gh_replay_present(void *arg, size_t index, struct gh_event *event_r)
{
	struct gh_script *script = arg;
	struct gh_line *line = script->line;

	gh_lent_end(&script->replayed);
	if (index >= script->present_count)
		return false;
	script->line = &script->present[index];
	lend_event(script, 1, &script->replayed, event_r);
	script->line = line;
	return true;
}
