/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that ask a hook: everything that it is lent is made for that call alone. */
#include "script.h"

#include <stdlib.h>
#include <string.h>

static uint32_t flags_of(struct gh_script *script)
{
	static const char *const words[] = { "explain", "hypothetical", "recheck", "reauth", NULL };
	const char *text = gh_script_text(script, "flags");
	uint32_t flags = 0;
	size_t n;

	for (; text && *text; text += n + (text[n] == ',')) {
		char *word;

		n = strcspn(text, ",");
		word = gh_copy_n(text, n);
		flags |= 1u << gh_read_index(script, "flags", words, word);
		free(word);
	}
	return flags;
}

static struct gh_actor *client_of(struct gh_script *script)
{
	return gh_actor_named(script, gh_script_word(script, 1, "the client's name"));
}

static struct gh_bytes properties_of(struct gh_script *script, struct gh_lent *lent)
{
	return gh_lend_bytes(lent, gh_line_value(script->line, "properties"));
}

/* What came of it: told, waited for, or followed. */
static void finish(struct gh_script *script, struct gh_actor *actor, struct gh_answer *answer,
		   struct gh_lent *lent, struct gh_facts *facts)
{
	gh_lent_end(lent);
	if (!answer) {
		gh_facts_word(facts, "unasked");
		return;
	}
	gh_answer_facts(answer, facts);
	if (answer->verdict == GH_PENDING)
		gh_waiter_add(script, actor, answer->ticket, answer->about.point, GH_WAITS_ANSWER);
	else
		gh_script_answered(script, actor, answer->about.point, answer);
	gh_answer_free(&answer);
}

/* False: it can't be asked; what was lent is taken back. */
static bool can_ask(struct gh_script *script, struct gh_lent *lent)
{
	if (gh_script_right(script) && !gh_testhost_works(script->host))
		gh_script_wrong(script, "there is no instance: create comes first");
	if (script->problem)
		gh_lent_end(lent);
	return !script->problem;
}

static void ask(struct gh_script *script, struct gh_actor *actor, enum gh_point point,
		const void *in, struct gh_lent *lent, struct gh_facts *facts)
{
	if (can_ask(script, lent))
		finish(script, actor, gh_testhost_ask(script->host, point, in), lent, facts);
}

static void ask_early(struct gh_script *script, struct gh_facts *facts, enum gh_point point,
		      enum gh_view view)
{
	struct gh_actor *actor = client_of(script);
	struct gh_lent lent = { 0 };

	if (actor)
		ask(script, actor, point, gh_actor_lend(script, actor, view, 0, &lent), &lent, facts);
}

void gh_do_accept(struct gh_script *script, struct gh_facts *facts)
{
	ask_early(script, facts, GH_AT_ACCEPT, GH_VIEW_ADDRESS);
}

void gh_do_handshake(struct gh_script *script, struct gh_facts *facts)
{
	ask_early(script, facts, GH_AT_HANDSHAKE, GH_VIEW_TLS);
}

void gh_do_psk(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_actor *actor = client_of(script);
	struct gh_psk in = { .size = sizeof(in) };
	struct gh_lent lent = { 0 };

	if (!actor)
		return;
	in.flags = flags_of(script);
	in.identity = gh_lend_str(&lent, gh_line_value(script->line, "identity"));
	in.client = gh_actor_lend(script, actor, GH_VIEW_ADDRESS, in.flags, &lent);
	ask(script, actor, GH_AT_PSK, gh_lend(&lent, &in, sizeof(in)), &lent, facts);
}

/* ---- logins ---- */

const struct gh_message *gh_script_message(struct gh_script *script, struct gh_bytes topic,
					   struct gh_lent *lent)
{
	struct gh_message message = { .size = sizeof(message) };

	message.topic = gh_lend_str(lent, topic);
	message.payload = gh_lend_bytes(lent, gh_line_value(script->line, "payload"));
	message.properties = properties_of(script, lent);
	message.qos = (uint8_t)gh_script_number(script, "qos", 2, 0);
	message.retain = gh_script_flag(script, "retain", false);
	message.duplicate = gh_script_flag(script, "duplicate", false);
	message.origin = gh_lend_text(lent, gh_script_text(script, "origin"));
	return gh_lend(lent, &message, sizeof(message));
}

static const struct gh_message *will_of(struct gh_script *script, struct gh_lent *lent)
{
	struct gh_message will = { .size = sizeof(will) };
	struct gh_bytes topic = gh_line_value(script->line, "will");

	if (!topic.p)
		return NULL;
	will.topic = gh_lend_str(lent, topic);
	will.payload = gh_lend_bytes(lent, gh_line_value(script->line, "will-payload"));
	will.qos = (uint8_t)gh_script_number(script, "will-qos", 2, 0);
	will.retain = gh_script_flag(script, "will-retain", false);
	return gh_lend(lent, &will, sizeof(will));
}

static const struct gh_identity *so_far(struct gh_script *script, struct gh_lent *lent)
{
	const char *name = gh_script_text(script, "so-far");
	const struct gh_actor *other = name ? gh_actor_named(script, name) : NULL;

	return other ? gh_actor_identity(script, other, lent) : NULL;
}

static const struct gh_authenticate *lend_connect(struct gh_script *script,
						  const struct gh_actor *actor, uint32_t flags,
						  struct gh_lent *lent)
{
	struct gh_authenticate in = { .size = sizeof(in), .flags = flags };

	in.client = gh_actor_lend(script, actor, GH_VIEW_CONNECT, flags, lent);
	in.so_far = so_far(script, lent);
	in.username = gh_lend_text(lent, gh_script_text(script, "user"));
	in.password = gh_lend_bytes(lent, gh_line_value(script->line, "password"));
	in.will = will_of(script, lent);
	in.properties = properties_of(script, lent);
	in.session_expiry = (uint32_t)gh_script_number(script, "session-expiry", UINT32_MAX, 0);
	in.keep_alive = (uint16_t)gh_script_number(script, "keep-alive", UINT16_MAX, 60);
	in.clean_start = gh_script_flag(script, "clean-start", true);
	in.client_id_assigned = gh_script_flag(script, "assigned", false);
	return gh_lend(lent, &in, sizeof(in));
}

void gh_do_authenticate(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_actor *actor = client_of(script);
	struct gh_lent lent = { 0 };

	if (actor)
		ask(script, actor, GH_AT_AUTHENTICATE,
		    lend_connect(script, actor, flags_of(script), &lent), &lent, facts);
}

void gh_do_exchange(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_actor *actor = client_of(script);
	struct gh_exchange in = { .size = sizeof(in) };
	struct gh_lent lent = { 0 };

	if (!actor)
		return;
	in.flags = flags_of(script);
	in.client = gh_actor_lend(script, actor, GH_VIEW_CONNECT, in.flags, &lent);
	in.connect = lend_connect(script, actor, in.flags, &lent);
	if (in.flags & GH_REAUTH)
		in.connect = NULL;
	in.method = gh_lend_str(&lent, gh_line_value(script->line, "method"));
	in.data = gh_lend_bytes(&lent, gh_line_value(script->line, "data"));
	in.channel_binding = gh_lend_bytes(&lent, gh_line_value(script->line, "channel-binding"));
	if (gh_waiter_waits(script, actor, GH_AT_EXCHANGE))
		gh_script_wrong(script, "the step before hasn't been answered yet");
	if (can_ask(script, &lent))
		finish(script, actor,
		       gh_testhost_exchange(script->host, &actor->run,
					    gh_lend(&lent, &in, sizeof(in))),
		       &lent, facts);
}

void gh_do_lookup(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_actor *actor = client_of(script);
	struct gh_lookup in = { .size = sizeof(in) };
	struct gh_lent lent = { 0 };
	const char *principal;

	if (!actor)
		return;
	in.flags = flags_of(script);
	in.client = gh_actor_lend(script, actor, GH_VIEW_WHOLE, in.flags, &lent);
	principal = gh_script_text(script, "principal");
	if (!principal && in.client->identity)
		principal = in.client->identity->principal;
	if (!principal)
		gh_script_wrong(script, "principal= is missing: it isn't known who '%s' is",
				actor->name);
	in.principal = gh_lend_text(&lent, principal);
	ask(script, actor, GH_AT_LOOKUP, gh_lend(&lent, &in, sizeof(in)), &lent, facts);
}

/* ---- messages ---- */

void gh_do_authorize(struct gh_script *script, struct gh_facts *facts)
{
	static const char *const actions[] = { "", "publish", "subscribe", "receive", "will", NULL };
	struct gh_actor *actor = client_of(script);
	struct gh_authorize in = { .size = sizeof(in) };
	struct gh_lent lent = { 0 };
	const struct gh_word *topic;
	const char *action = gh_script_word(script, 2, "the action");

	if (!actor)
		return;
	topic = gh_line_word(script->line, 3);
	if (!topic)
		gh_script_wrong(script, "the topic is missing");
	in.flags = flags_of(script);
	in.action = *action >= '0' && *action <= '9'
			    ? (uint32_t)gh_read_number(script, "action", action, UINT32_MAX)
			    : gh_read_index(script, "action", actions, action);
	in.client = gh_actor_lend(script, actor, GH_VIEW_WHOLE, in.flags, &lent);
	in.topic = gh_lend_str(&lent, topic ? (struct gh_bytes){ topic->p, topic->n }
					    : (struct gh_bytes){ 0 });
	in.share = gh_lend_str(&lent, gh_line_value(script->line, "share"));
	in.qos = (uint8_t)gh_script_number(script, "qos", 2, 0);
	in.retain = gh_script_flag(script, "retain", false);
	in.payload_size = (size_t)gh_script_number(script, "size", SIZE_MAX, 0);
	in.properties = properties_of(script, &lent);
	in.author = gh_lend_text(&lent, gh_script_text(script, "author"));
	in.author_realm = gh_lend_text(&lent, gh_script_text(script, "author-realm"));
	ask(script, actor, GH_AT_AUTHORIZE, gh_lend(&lent, &in, sizeof(in)), &lent, facts);
}

void gh_do_publish(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_actor *actor = client_of(script);
	struct gh_publish in = { .size = sizeof(in) };
	struct gh_lent lent = { 0 };
	const struct gh_word *topic = gh_line_word(script->line, 2);

	if (!topic)
		gh_script_wrong(script, "the topic is missing");
	if (!actor || !topic)
		return;
	in.flags = flags_of(script);
	in.client = gh_actor_lend(script, actor, GH_VIEW_WHOLE, in.flags, &lent);
	in.message = gh_script_message(script, (struct gh_bytes){ topic->p, topic->n }, &lent);
	ask(script, actor, GH_AT_PUBLISH, gh_lend(&lent, &in, sizeof(in)), &lent, facts);
}
