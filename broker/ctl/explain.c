/* SPDX-License-Identifier: Apache-2.0 */
/* explain: what would the modules say, and why? The same lists and the same fold as for a real client. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/admit.h"
#include "ctl/control_priv.h"
#include "hook/ask.h"
#include "hook/edited.h"
#include "mqtt/packet.h"
#include "mqtt/topic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Words: explain ACTION KEY=VALUE...; ACTION connect, publish, subscribe, receive, will. With live=ID the facts are those of a
 * connected client or kept session; else they are made up: listener= user= realm= client= bound=yes address= and the identity
 * is what lookup says of the user. topic= qos= retain=yes size= are the act's.
 */
struct gh_explaining {
	struct gh_ctl_client *client;
	struct gh_runtime *runtime; /* held */
	struct gh_snapshot *who;
	struct gh_ask *ask;
	struct gh_edited *edited; /* what the message list has made of it; NULL: as it is */
	struct gh_buf told;       /* what its modules said: a JSON array */
	struct gh_json json;      /* of `told` */
	struct gh_decision right; /* of authorize, while the message list is asked */
	bool filtered;            /* the message list has been asked */
	const char *listener, *user, *realm, *client_id, *address, *live,
		*topic; /* in the client's request */
	uint64_t qos, size;
	bool retain, bound;
	enum gh_action action; /* 0: connect */
};

void gh_explaining_free(struct gh_explaining **explaining)
{
	struct gh_explaining *e = *explaining;

	if (!e)
		return;
	gh_ask_cancel(&e->ask);
	gh_edited_unref(&e->edited);
	gh_buf_done(&e->told);
	gh_snapshot_unref(&e->who);
	gh_runtime_unref(e->runtime);
	free(e);
	*explaining = NULL;
}

/* ---- the reply ---- */

static void identity_fields(struct gh_json *json, const struct gh_identity *identity)
{
	gh_json_str(json, "user", gh_str(identity ? identity->principal : NULL));
	gh_json_str(json, "realm", gh_str(identity ? identity->realm : NULL));
	gh_json_array(json, "groups");
	for (size_t i = 0; identity && i < identity->group_count; i++)
		gh_json_str(json, NULL, gh_str(identity->groups[i]));
	gh_json_end_array(json);
}

/* In force, or that a login would have now: a module may have put it into another one. NULL: none. */
static const char *class_of(const struct gh_explaining *explaining,
			    const struct gh_identity *identity, struct gh_term *term)
{
	struct gh_terms *imposed = explaining->client->control->daemon->broker.imposed;

	if (!explaining->live && identity &&
	    gh_terms_find(imposed, gh_snapshot_client(explaining->who), gh_clock_ms(), term))
		return term->text;
	return identity ? identity->limits_class : NULL;
}

static void class_field(const struct gh_explaining *explaining, struct gh_json *json,
			const struct gh_identity *identity)
{
	struct gh_term term;
	const char *class = class_of(explaining, identity, &term);

	if (class)
		gh_json_str(json, "class", gh_str(class));
}

static void limits_fields(struct gh_json *json, const struct gh_decision *decision)
{
	gh_json_number(json, "max-qos", decision->max_qos);
	if (decision->max_size != GH_NO_MAX_SIZE)
		gh_json_number(json, "max-size", (int64_t)decision->max_size);
	gh_json_bool(json, "retain", !decision->no_retain);
}

static void message_field(struct gh_explaining *explaining, struct gh_json *json)
{
	gh_json_end_array(&explaining->json);
	gh_json_raw(json, "message", gh_str_n((const char *)explaining->told.p, explaining->told.n));
}

static const char *why_of(const struct gh_explaining *explaining, const struct gh_decision *decision)
{
	if (decision->why[0] || decision->verdict == GH_ALLOW)
		return decision->why;
	return gh_snapshot_client(explaining->who)->identity
		       ? "no rule allows it"
		       : "no module of the list knows this user, or can look users up";
}

static void reply(struct gh_explaining *explaining, const struct gh_decision *decision,
		  const struct gh_identity *identity)
{
	struct gh_ctl_client *client = explaining->client;
	char rule[GH_FILE_MAX + 16];
	struct gh_buf row = { 0 };
	struct gh_json json;
	bool allowed = decision->verdict == GH_ALLOW;

	gh_json_init(&json, &row);
	gh_json_object(&json, NULL);
	gh_json_str(&json, "verdict", gh_str(allowed ? "allow" : "deny"));
	gh_json_str(&json, "module", gh_str(decision->module[0] ? decision->module : "(nobody)"));
	gh_json_str(&json, "rule", gh_str(gh_decision_rule(decision, rule, sizeof(rule))));
	gh_json_str(&json, "why", gh_str(why_of(explaining, decision)));
	identity_fields(&json, identity);
	class_field(explaining, &json, identity);
	if (allowed && explaining->action)
		limits_fields(&json, decision);
	if (explaining->filtered)
		message_field(explaining, &json);
	gh_json_end_object(&json);
	gh_ctl_rows(client, gh_str_n((const char *)row.p, row.n));
	gh_buf_done(&row);
	gh_explaining_free(&client->explaining);
}

/* ---- asking ---- */

static void ask_right(struct gh_explaining *explaining);

static const struct gh_policy *policy_of(const struct gh_explaining *explaining)
{
	return gh_runtime_policy(explaining->runtime, gh_snapshot_client(explaining->who)->listener);
}

static void reply_right(struct gh_explaining *explaining, const struct gh_decision *decision)
{
	reply(explaining, decision, gh_snapshot_client(explaining->who)->identity);
}

static const char *word_of(enum gh_verdict verdict)
{
	switch (verdict) {
	case GH_PASS: return "pass";
	case GH_ALLOW: return "allow";
	case GH_DENY: return "deny";
	default: return "error";
	}
}

static void on_told(void *arg, const struct gh_told *told)
{
	struct gh_explaining *explaining = arg;
	struct gh_json *json = &explaining->json;

	gh_json_object(json, NULL);
	gh_json_str(json, "module", gh_str(told->module));
	gh_json_str(json, "verdict", gh_str(word_of(told->verdict)));
	gh_json_str(json, "why", gh_str(told->why));
	if (told->edited)
		gh_json_bool(json, "edited", true);
	if (told->topic.n > 0)
		gh_json_str(json, "topic", told->topic);
	gh_json_end_object(json);
}

/* As of a PUBLISH: a changed topic is authorized anew, and the list isn't asked again. */
static void filtered(struct gh_explaining *explaining, struct gh_decision *decision)
{
	if (decision->verdict != GH_ALLOW) {
		reply_right(explaining, decision);
	} else if (decision->edited && decision->edited->topic_changed) {
		explaining->edited = gh_edited_ref(decision->edited);
		ask_right(explaining);
	} else {
		reply_right(explaining, &explaining->right);
	}
}

static void on_filtered(void *arg, struct gh_decision *decision)
{
	struct gh_explaining *explaining = arg;

	explaining->ask = NULL;
	filtered(explaining, decision);
}

static void filter(struct gh_explaining *explaining)
{
	struct gh_message message = { .size = sizeof(message),
				      .qos = (uint8_t)explaining->qos,
				      .retain = explaining->retain,
				      .topic = gh_str(explaining->topic) };
	struct gh_publish in = { .flags = GH_EXPLAIN | GH_HYPOTHETICAL,
				 .client = gh_snapshot_client(explaining->who),
				 .message = &message };
	struct gh_asking asking = { .asker = explaining->client->control->daemon->asker,
				    .chain = policy_of(explaining)->message,
				    .done = on_filtered,
				    .told = on_told,
				    .arg = explaining };
	struct gh_decision decision;

	explaining->filtered = true;
	gh_json_init(&explaining->json, &explaining->told);
	gh_json_array(&explaining->json, NULL);
	explaining->ask = gh_ask_publish(&asking, &in, &decision);
	if (explaining->ask)
		return;
	filtered(explaining, &decision);
	gh_decision_done(&decision);
}

static bool is_message(const struct gh_explaining *explaining)
{
	return explaining->action == GH_PUBLISH || explaining->action == GH_WILL;
}

static void judged(struct gh_explaining *explaining, const struct gh_decision *decision)
{
	if (decision->verdict == GH_ALLOW && is_message(explaining) && !explaining->filtered &&
	    policy_of(explaining)->message->count > 0) {
		explaining->right = *decision;
		filter(explaining);
		return;
	}
	reply_right(explaining, decision);
}

static void on_judged(void *arg, struct gh_decision *decision)
{
	struct gh_explaining *explaining = arg;

	explaining->ask = NULL;
	judged(explaining, decision);
}

static struct gh_str topic_of(const struct gh_explaining *explaining)
{
	return explaining->edited ? explaining->edited->message.topic : gh_str(explaining->topic);
}

/* A payload that no module has replaced is as large as was said. */
static uint64_t size_of(const struct gh_explaining *explaining)
{
	size_t edited = explaining->edited ? explaining->edited->message.payload.n : 0;

	return edited ? edited : explaining->size;
}

static struct gh_bytes properties_of(const struct gh_explaining *explaining)
{
	return explaining->edited ? explaining->edited->message.properties : (struct gh_bytes){ 0 };
}

static void ask_right(struct gh_explaining *explaining)
{
	const struct gh_policy *policy = policy_of(explaining);
	struct gh_asking asking = { .asker = explaining->client->control->daemon->asker,
				    .done = on_judged,
				    .arg = explaining };
	struct gh_authorize in = { .flags = GH_EXPLAIN | GH_HYPOTHETICAL,
				   .client = gh_snapshot_client(explaining->who),
				   .action = explaining->action,
				   .qos = (uint8_t)explaining->qos,
				   .retain = explaining->retain,
				   .topic = topic_of(explaining),
				   .payload_size = size_of(explaining),
				   .properties = properties_of(explaining) };
	struct gh_decision decision;
	struct gh_share share;

	if (!policy) {
		gh_ctl_fail(explaining->client, "not-found",
			    "its listener isn't configured any more");
		gh_explaining_free(&explaining->client->explaining);
		return;
	}
	asking.chain = policy->authorize;
	if (explaining->action == GH_SUBSCRIBE && gh_share_parse(in.topic, &share)) {
		in.topic = share.filter;
		in.share = share.group;
	}
	explaining->ask = gh_ask_authorize(&asking, &in, NULL, &decision);
	if (!explaining->ask)
		judged(explaining, &decision);
}

/* As the login would end: its client id must be one that it may take. */
static bool client_id_fits(struct gh_explaining *explaining, const struct gh_decision *decision)
{
	const struct gh_client *client = gh_snapshot_client(explaining->who);

	return gh_client_id_fits(gh_settings_listener(explaining->runtime->settings, client->listener),
				 client, decision->client_id != NULL);
}

static void looked_up(struct gh_explaining *explaining, struct gh_decision *decision)
{
	struct gh_snapshot *with;

	if (decision->verdict != GH_ALLOW) {
		reply(explaining, decision, gh_identity_view(decision->identity));
		return;
	}
	with = gh_snapshot_with_identity(explaining->who, decision->identity, NULL);
	gh_snapshot_unref(&explaining->who);
	explaining->who = with;
	if (explaining->action) {
		ask_right(explaining);
		return;
	}
	if (explaining->client_id && !explaining->bound && !client_id_fits(explaining, decision)) {
		decision->verdict = GH_DENY;
		decision->module = "core";
		snprintf(decision->why, sizeof(decision->why), "client id isn't this identity's");
	}
	reply(explaining, decision, gh_identity_view(decision->identity));
}

static void on_looked_up(void *arg, struct gh_decision *decision)
{
	struct gh_explaining *explaining = arg;

	explaining->ask = NULL;
	looked_up(explaining, decision);
}

static void look_up(struct gh_explaining *explaining, const struct gh_policy *policy)
{
	struct gh_asking asking = { .asker = explaining->client->control->daemon->asker,
				    .chain = policy->authenticate,
				    .done = on_looked_up,
				    .arg = explaining };
	struct gh_lookup in = { .flags = GH_EXPLAIN | GH_HYPOTHETICAL,
				.client = gh_snapshot_client(explaining->who),
				.principal = explaining->user };
	struct gh_decision decision;

	explaining->ask = gh_ask_lookup(&asking, &in, &decision);
	if (explaining->ask)
		return;
	looked_up(explaining, &decision);
	gh_decision_done(&decision);
}

/* ---- the facts ---- */

static void made_up(struct gh_explaining *explaining)
{
	struct gh_ctl_client *client = explaining->client;
	const char *listener = explaining->listener ? explaining->listener
						    : explaining->runtime->policies[0].listener;
	const struct gh_policy *policy = gh_runtime_policy(explaining->runtime, listener);
	char address[GH_PEER_TEXT];
	struct gh_client facts;
	struct gh_peer peer;

	if (!policy || !gh_peer_parse(explaining->address, &peer)) {
		gh_ctl_fail(client, policy ? "usage" : "not-found", "explain: %s",
			    policy ? "not an address" : "no such listener");
		gh_explaining_free(&client->explaining);
		return;
	}
	gh_client_facts(&peer, listener, address, &facts);
	facts.protocol = 5;
	facts.client_id = explaining->client_id ? explaining->client_id : "explain";
	facts.client_id_bound = explaining->bound;
	if (explaining->user && policy->authenticate->count > 0) {
		explaining->who = gh_snapshot_new(&facts, NULL);
		look_up(explaining, policy);
	} else if (!policy->authenticate->open) {
		gh_ctl_fail(client, "refused", "the listener takes no anonymous clients: say --user");
		gh_explaining_free(&client->explaining);
	} else {
		struct gh_decision anonymous = { .verdict = GH_ALLOW, .module = "anonymous" };

		explaining->who = gh_snapshot_new(&facts, gh_identity_anonymous());
		if (explaining->action)
			ask_right(explaining);
		else
			reply(explaining, &anonymous, gh_identity_view(gh_identity_anonymous()));
	}
}

static void found(struct gh_ctl_client *client, struct gh_str rows, size_t count,
		  struct gh_snapshot *who)
{
	struct gh_explaining *explaining = client->explaining;

	(void)rows;
	if (count == 0) {
		gh_ctl_fail(client, "not-found", "no session of this client id");
		gh_explaining_free(&client->explaining);
		return;
	}
	explaining->who = gh_snapshot_ref(who);
	ask_right(explaining);
}

static bool take_number(const char *text, uint64_t max, uint64_t *number_r)
{
	return gh_str_number(gh_str(text), max, number_r);
}

static bool take_word(struct gh_explaining *e, const char *word)
{
	static const struct {
		const char *key;
		size_t offset;
	} texts[] = {
		{ "listener=", offsetof(struct gh_explaining, listener) },
		{ "user=", offsetof(struct gh_explaining, user) },
		{ "realm=", offsetof(struct gh_explaining, realm) },
		{ "client=", offsetof(struct gh_explaining, client_id) },
		{ "address=", offsetof(struct gh_explaining, address) },
		{ "live=", offsetof(struct gh_explaining, live) },
		{ "topic=", offsetof(struct gh_explaining, topic) },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t n = strlen(texts[i].key);

		if (strncmp(word, texts[i].key, n) != 0)
			continue;
		*(const char **)(void *)((char *)e + texts[i].offset) = word + n;
		return true;
	}
	if (strncmp(word, "qos=", 4) == 0)
		return take_number(word + 4, 2, &e->qos);
	if (strncmp(word, "size=", 5) == 0)
		return take_number(word + 5, GH_PACKET_MAX, &e->size);
	e->retain |= strcmp(word, "retain=yes") == 0;
	e->bound |= strcmp(word, "bound=yes") == 0;
	return strcmp(word, "retain=yes") == 0 || strcmp(word, "bound=yes") == 0;
}

static bool take_action(struct gh_explaining *e, const char *word)
{
	static const char *const names[] = { "connect", "publish", "subscribe", "receive", "will" };

	for (unsigned i = 0; i < 5; i++) {
		if (strcmp(word, names[i]) != 0)
			continue;
		e->action = (enum gh_action)i;
		return true;
	}
	return false;
}

/* NULL: all are known. */
static const char *first_wrong(struct gh_explaining *e, const struct gh_words *words,
			       const char **wrong_r)
{
	*wrong_r = "no action: connect, publish, subscribe, receive or will";
	if (!take_action(e, words->word[1]))
		return words->word[1];
	*wrong_r = "not understood, or out of range";
	for (size_t i = 2; i < words->count; i++)
		if (!take_word(e, words->word[i]))
			return words->word[i];
	*wrong_r = NULL;
	return NULL;
}

static const char *contradiction(const struct gh_explaining *e)
{
	if (e->action == 0 && (e->topic || e->live))
		return "connect takes neither a topic nor a live client";
	if (e->live && (e->user || e->realm || e->client_id || e->address || e->listener || e->bound))
		return "a live client is what it is: who asks is said by --live, or by other options";
	if (e->action != 0 && !e->topic)
		return "a topic is wanted";
	return NULL;
}

/* NULL: the request makes sense. */
static const char *problem(struct gh_explaining *e)
{
	const char *wrong = contradiction(e);

	if (wrong || e->action == 0)
		return wrong;
	if (e->action == GH_SUBSCRIBE)
		return gh_topic_filter_valid(gh_str(e->topic)) ? NULL : "not a topic filter";
	return gh_topic_name_valid(gh_str(e->topic)) ? NULL : "not a topic name";
}

void gh_ctl_explain(struct gh_ctl_client *client, const struct gh_words *words)
{
	struct gh_explaining *explaining = gh_zalloc(sizeof(*explaining));
	const char *wrong, *word;

	explaining->client = client;
	explaining->runtime = gh_runtime_ref(client->control->daemon->runtime);
	client->explaining = explaining;
	word = first_wrong(explaining, words, &wrong);
	if (!word)
		wrong = problem(explaining);
	if (wrong) {
		gh_ctl_fail(client, "usage", "explain: %s%s%s%s", word ? "'" : "", word ? word : "",
			    word ? "' is " : "", wrong);
		gh_explaining_free(&client->explaining);
	} else if (explaining->live) {
		gh_ctl_gather(client, gh_inspect_find, explaining->live, found);
	} else {
		if (!explaining->address)
			explaining->address = "127.0.0.1";
		made_up(explaining);
	}
}
