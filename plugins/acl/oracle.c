/* SPDX-License-Identifier: Apache-2.0 */
/* The plain reading of a rule file that the compiled one is compared with. */
#include <gatehouse/lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "oracle.h"

#define COUNT(array)        (sizeof(array) / sizeof(*(array)))
#define PICK(chance, array) ((array)[acl_chance(chance, COUNT(array))])
#define ROOM                1024

uint32_t acl_chance(struct acl_chance *chance, uint32_t below)
{
	uint64_t x = chance->state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)((x >> 32) % below);
}

/* ---- rules by chance -------------------------------------------------------------------------------------------- */

static const char *const clients[] = { "*",     "*",   "*",     "*",  "dev-*", "dev-1",
				       "admin", "*-1", "d*v-*", "a*", "**",    "x\\*y" };
static const char *const levels[] = { "a",
				      "a",
				      "b",
				      "+",
				      "+",
				      "+",
				      "",
				      "{clientid}",
				      "{username}",
				      "{group}",
				      "{attr:site}",
				      "x-{clientid}",
				      "{group}.{username}",
				      "dev-1",
				      "$x",
				      "bob",
				      "{{",
				      "s" };
static const char *const users[] = { "bob", "al*", "*", "b/c", "joe smith", "bo*" };
static const char *const group_names[] = { "staff", "s*", "a", "*" };
static const char *const addresses[] = { "192.0.2.0/24", "192.0.2.7", "2001:db8::/32", "0.0.0.0/0",
					 "::/0" };

static char *copy(const char *text)
{
	char *made = strdup(text);

	if (!made)
		abort();
	return made;
}

static const char *pattern_topic(struct acl_chance *chance, bool *groups_twice)
{
	char topic[ROOM] = "";
	unsigned count = 1 + acl_chance(chance, 3), groups = 0;

	for (unsigned i = 0; i < count; i++) {
		const char *level = PICK(chance, levels);

		if (i)
			strcat(topic, "/");
		strcat(topic, level);
		groups += strstr(level, "{group}") != NULL;
	}
	if (!topic[0])
		strcpy(topic, "#");
	else if (acl_chance(chance, 3) == 0)
		strcat(topic, "/#");
	else if (acl_chance(chance, 8) == 0)
		strcpy(topic, "#");
	*groups_twice |= groups > 1;
	return copy(topic);
}

static bool one_in(struct acl_chance *chance, uint32_t n)
{
	return acl_chance(chance, n) == 0;
}

static void conditions(struct acl_chance *chance, struct acl_oracle_rule *rule)
{
	static const char *const listeners[] = { "net", "lo*" };

	rule->user = one_in(chance, 6) ? PICK(chance, users) : NULL;
	rule->realm = one_in(chance, 10) ? "corp" : NULL;
	rule->group = one_in(chance, 8) ? PICK(chance, group_names) : NULL;
	rule->anonymous = !rule->user && !rule->realm && !rule->group && one_in(chance, 10);
	rule->listener = one_in(chance, 10) ? PICK(chance, listeners) : NULL;
	rule->address = one_in(chance, 8) ? PICK(chance, addresses) : NULL;
	rule->tls = one_in(chance, 20);
	rule->qos = one_in(chance, 8) ? (int)acl_chance(chance, 3) : -1;
	if (rule->literal)
		return;
	rule->retain = one_in(chance, 12);
	rule->no_retain = !rule->retain && one_in(chance, 12);
	rule->size = one_in(chance, 10) ? 100 : -1;
}

static void rule_by_chance(struct acl_chance *chance, struct acl_oracle *oracle)
{
	static const char *const actions[] = { "publish", "subscribe", "subscribe",
					       "publish/subscribe", "receive" };
	static const char *const texts[] = { "a/+", "#", "a", "+/#", "{x}" };
	struct acl_oracle_rule *rule = &oracle->rules[oracle->count++];

	memset(rule, 0, sizeof(*rule));
	rule->size = -1;
	rule->client = PICK(chance, clients);
	rule->action = PICK(chance, actions);
	rule->allow = !one_in(chance, 3);
	if (one_in(chance, 12)) {
		rule->literal = true;
		rule->action = "subscribe";
		rule->topic = copy(PICK(chance, texts));
	} else if (one_in(chance, 40)) {
		rule->any_filter = rule->allow = true;
		rule->action = "subscribe";
		rule->topic = copy("#");
		rule->qos = -1;
		return;
	} else {
		rule->topic = pattern_topic(chance, &oracle->groups_twice);
	}
	conditions(chance, rule);
}

void acl_oracle_rules(struct acl_chance *chance, struct acl_oracle *oracle)
{
	uint32_t count = 1 + acl_chance(chance, ORACLE_RULES_MAX);

	memset(oracle, 0, sizeof(*oracle));
	while (oracle->count < count)
		rule_by_chance(chance, oracle);
}

static void rule_text(FILE *to, const struct acl_oracle_rule *rule)
{
	fprintf(to, "\"%s\" \"%s\" %s %s", rule->client, rule->topic, rule->action,
		rule->allow ? "allow" : "deny");
	if (rule->user)
		fprintf(to, " user=\"%s\"", rule->user);
	if (rule->realm)
		fprintf(to, " realm=%s", rule->realm);
	if (rule->group)
		fprintf(to, "\tgroup=%s", rule->group);
	if (rule->listener)
		fprintf(to, " listener=%s", rule->listener);
	if (rule->address)
		fprintf(to, " address=%s", rule->address);
	if (rule->qos >= 0)
		fprintf(to, " qos<=%d", rule->qos);
	if (rule->size >= 0)
		fprintf(to, " size<=%d", rule->size);
	fprintf(to, "%s%s%s%s%s%s \n", rule->anonymous ? " anonymous" : "",
		rule->retain ? " retain" : "", rule->no_retain ? " no-retain" : "",
		rule->tls ? " tls" : "", rule->literal ? " literal" : "",
		rule->any_filter ? " any-filter" : "");
}

char *acl_oracle_text(const struct acl_oracle *oracle)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		abort();
	for (size_t i = 0; i < oracle->count; i++)
		rule_text(to, &oracle->rules[i]);
	fclose(to);
	return text;
}

/* ---- questions by chance ---------------------------------------------------------------------------------------- */

void acl_oracle_topic(struct acl_chance *chance, char topic_r[64])
{
	static const char *const names[] = { "a",  "b",     "",      "dev-1", "bob", "x-dev-1",
					     "$x", "staff", "s.bob", "{",     "s",   "a" };
	unsigned count = 1 + acl_chance(chance, 3);

	topic_r[0] = '\0';
	for (unsigned i = 0; i < count; i++) {
		if (i)
			strcat(topic_r, "/");
		strcat(topic_r, PICK(chance, names));
	}
	if (!topic_r[0])
		strcpy(topic_r, "a");
}

static const char *filter_by_chance(struct acl_chance *chance)
{
	static const char *const whole[] = { "#",   "+",    "+/#", "/#",    "a/+",   "a/#",
					     "+/+", "$x/#", "{x}", "+/bob", "a/+/#", "/+" };
	static char topic[80];

	if (one_in(chance, 2))
		return PICK(chance, whole);
	acl_oracle_topic(chance, topic);
	if (one_in(chance, 2))
		strcat(topic, one_in(chance, 2) ? "/+" : "/#");
	return topic;
}

static void who_by_chance(struct acl_chance *chance, struct acl_oracle_question *question)
{
	static const char *const ids[] = { "dev-1", "dev-1", "dev-2", "admin", "a",
					   "a/b",   "$x",    "x+",    "x*y",   "" };
	static const char *const names[] = { "bob", "alice", "b/c", "joe smith", "a" };
	static const char *const sites[] = { "s", "a", "x#" };
	static const char *const in_groups[] = { "staff", "s", "a", "ops", "g/h" };
	static const char *const realms[] = { "corp", "users" };
	struct gh_identity *identity = &question->identity;

	question->client.client_id = PICK(chance, ids);
	question->client.client_id_bound = !one_in(chance, 4);
	*identity = (struct gh_identity){ .size = sizeof(*identity),
					  .principal = "anonymous",
					  .realm = "",
					  .source = "anonymous" };
	if (one_in(chance, 5))
		return;
	identity->principal = PICK(chance, names);
	identity->realm = PICK(chance, realms);
	question->attribute = (struct gh_pair){ "site", PICK(chance, sites) };
	identity->attributes = &question->attribute;
	identity->attribute_count = acl_chance(chance, 2);
	identity->groups = question->groups;
	identity->group_count = acl_chance(chance, 4);
	for (size_t i = 0; i < identity->group_count; i++)
		question->groups[i] = PICK(chance, in_groups);
}

void acl_oracle_question(struct acl_chance *chance, struct acl_oracle_question *question)
{
	static const uint8_t ips[][16] = {
		{ [10] = 0xff, 0xff, 192, 0, 2, 7 },
		{ [10] = 0xff, 0xff, 198, 51, 100, 1 },
		{ 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
	};
	static const char *const listeners[] = { "net", "local", "other" };
	static const uint32_t actions[] = { GH_PUBLISH, GH_SUBSCRIBE, GH_RECEIVE, GH_WILL,
					    GH_SUBSCRIBE };
	static char topic[64];
	struct gh_authorize *in = &question->in;
	const char *text = topic;

	memset(question, 0, sizeof(*question));
	question->client = (struct gh_client){ .size = sizeof(question->client),
					       .identity = &question->identity,
					       .listener = PICK(chance, listeners),
					       .address = "x",
					       .transport = GH_TCP };
	memcpy(question->client.ip, PICK(chance, ips), 16);
	if (one_in(chance, 4))
		question->client.transport = GH_UNIX;
	who_by_chance(chance, question);
	*in = (struct gh_authorize){ .size = sizeof(*in),
				     .client = &question->client,
				     .action = PICK(chance, actions) };
	in->qos = (uint8_t)acl_chance(chance, 3);
	acl_oracle_topic(chance, topic);
	if (in->action == GH_SUBSCRIBE)
		text = filter_by_chance(chance);
	else {
		in->retain = one_in(chance, 3);
		in->payload_size = one_in(chance, 3) ? 101 : 100;
	}
	in->topic = (struct gh_str){ text, strlen(text) };
}

/* ---- the answer ------------------------------------------------------------------------------------------------- */

static bool glob(const char *pattern, const char *text)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern == '*')
		return glob(pattern + 1, text) || (*text && glob(pattern, text + 1));
	if (*pattern == '\\')
		pattern++;
	return *pattern == *text && glob(pattern + 1, text + 1);
}

static const struct gh_identity *named(const struct gh_authorize *in)
{
	return *in->client->identity->realm ? in->client->identity : NULL;
}

static bool address_fits(const char *address, const struct gh_client *client)
{
	if (client->transport == GH_UNIX)
		return false;
	if (strcmp(address, "::/0") == 0)
		return true;
	if (strcmp(address, "2001:db8::/32") == 0)
		return client->ip[0] == 0x20;
	if (strcmp(address, "0.0.0.0/0") == 0)
		return client->ip[10] == 0xff;
	return client->ip[12] == 192;
}

/* User, realm, group, client id; and whether a right may hang on that. */
static bool who_fits(const struct acl_oracle_rule *rule, const struct gh_authorize *in)
{
	const struct gh_identity *who = named(in);
	bool by_id = strcmp(rule->client, "*") != 0 ||
		     (!rule->literal && strstr(rule->topic, "{clientid}"));
	bool in_group = !rule->group;

	for (size_t i = 0; who && rule->group && i < who->group_count; i++)
		in_group |= glob(rule->group, who->groups[i]);
	return in_group && !(rule->allow && by_id && !in->client->client_id_bound) &&
	       glob(rule->client, in->client->client_id) && !(rule->anonymous && who) &&
	       !(rule->user && !(who && glob(rule->user, who->principal))) &&
	       !(rule->realm && !(who && glob(rule->realm, who->realm)));
}

static bool connection_fits(const struct acl_oracle_rule *rule, const struct gh_client *client)
{
	return !(rule->listener && !glob(rule->listener, client->listener)) &&
	       !(rule->address && !address_fits(rule->address, client)) &&
	       !(rule->tls && !client->tls);
}

static bool message_fits(const struct acl_oracle_rule *rule, const struct gh_authorize *in)
{
	if (in->action == GH_SUBSCRIBE && rule->allow)
		return true;
	if (in->action == GH_SUBSCRIBE && (rule->retain || rule->no_retain || rule->size >= 0))
		return false;
	return !(rule->qos >= 0 && in->qos > rule->qos) && !(rule->retain && !in->retain) &&
	       !(rule->no_retain && in->retain) &&
	       !(rule->size >= 0 && in->payload_size > (size_t)rule->size);
}

/* The topic for one group: 1; 0: a value is missing; -1: one is there that can't be put in. */
static int substitute(const char *topic, const struct gh_authorize *in, const char *group,
		      char out[ROOM])
{
	const struct gh_identity *who = named(in);
	const char *values[] = { in->client->client_id, who ? who->principal : NULL, group,
				 who && who->attribute_count ? who->attributes[0].value : NULL };
	static const char *const words[] = { "{clientid}", "{username}", "{group}", "{attr:site}" };
	char *to = out;
	int rc = 1;

	while (*topic) {
		size_t i = 0;

		while (i < COUNT(words) && strncmp(topic, words[i], strlen(words[i])) != 0)
			i++;
		if (i == COUNT(words)) {
			topic += topic[0] == '{' && topic[1] == '{';
			*to++ = *topic++;
			continue;
		}
		topic += strlen(words[i]);
		if (!values[i]) {
			rc = 0;
			continue;
		}
		if (!*values[i] || strpbrk(values[i], "+#/") || (*values[i] == '$' && to == out))
			rc = rc == 0 ? 0 : -1;
		to = stpcpy(to, values[i]);
	}
	*to = '\0';
	return rc;
}

typedef bool topic_fn(struct gh_str filter, struct gh_str other);

/* For some group of the client's, if the topic speaks of one. */
static bool topic_fits(const struct acl_oracle_rule *rule, const struct gh_authorize *in,
		       topic_fn *fits)
{
	const struct gh_identity *who = named(in);
	size_t groups = who ? who->group_count : 0,
	       rounds = strstr(rule->topic, "{group}") ? groups : 1;
	char out[ROOM];

	for (size_t i = 0; i < rounds; i++) {
		int made = substitute(rule->topic, in, groups ? who->groups[i] : NULL, out);

		if (made < 0 && !rule->allow)
			return true;
		if (made > 0 && fits((struct gh_str){ out, strlen(out) }, in->topic))
			return true;
	}
	return false;
}

static bool speaks_of(const struct acl_oracle_rule *rule, uint32_t action)
{
	if (action == GH_PUBLISH || action == GH_WILL)
		return strstr(rule->action, "publish") != NULL;
	if (rule->literal || rule->any_filter)
		return action == GH_SUBSCRIBE;
	return strstr(rule->action, "subscribe") ||
	       (action == GH_RECEIVE && strcmp(rule->action, "receive") == 0);
}

static bool matches(const struct acl_oracle_rule *rule, const struct gh_authorize *in)
{
	if (!speaks_of(rule, in->action) || !who_fits(rule, in) ||
	    !connection_fits(rule, in->client) || !message_fits(rule, in))
		return false;
	if (rule->any_filter)
		return true;
	if (rule->literal)
		return strlen(rule->topic) == in->topic.n &&
		       memcmp(rule->topic, in->topic.p, in->topic.n) == 0;
	return topic_fits(rule, in, in->action == GH_SUBSCRIBE ? gh_topic_covers : gh_topic_match);
}

static bool of_connection(const struct acl_oracle_rule *rule)
{
	return rule->listener || rule->address || rule->tls;
}

static bool of_message(const struct acl_oracle_rule *rule)
{
	return rule->qos >= 0 || rule->size >= 0 || rule->retain || rule->no_retain;
}

static bool covers(const struct acl_oracle *oracle, const struct gh_authorize *in, int number)
{
	const struct acl_oracle_rule *rule = &oracle->rules[number];

	if (of_connection(rule) || of_message(rule) || rule->literal || rule->any_filter)
		return false;
	for (int i = 0; i < number; i++) {
		rule = &oracle->rules[i];
		if (!rule->allow && speaks_of(rule, GH_RECEIVE) && who_fits(rule, in) &&
		    topic_fits(rule, in, gh_topic_overlaps))
			return false;
	}
	return true;
}

struct acl_oracle_answer acl_oracle_ask(const struct acl_oracle *oracle, const struct gh_authorize *in)
{
	struct acl_oracle_answer answer = { .rule = -1, .max_qos = 2 };

	for (size_t i = 0; i < oracle->count && answer.rule < 0; i++)
		if (matches(&oracle->rules[i], in))
			answer.rule = (int)i;
	if (answer.rule < 0)
		return answer;
	answer.allow = oracle->rules[answer.rule].allow;
	if (!answer.allow || in->action != GH_SUBSCRIBE)
		return answer;
	if (oracle->rules[answer.rule].qos >= 0)
		answer.max_qos = (uint8_t)oracle->rules[answer.rule].qos;
	answer.covers = covers(oracle, in, answer.rule);
	return answer;
}
