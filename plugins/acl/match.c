/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the index with a topic or a filter to the first rule that decides. */
#include <stdio.h>
#include <string.h>
#include "match.h"
#include "request.h"

#define OVERLAP_BUDGET \
	2000u /* nodes and rules looked at before a filter counts as overlapped by a DENY */

struct walk {
	const struct acl_index *index;
	const struct acl_request *request;
	uint32_t limit; /* rules from this one on don't matter any more */
	bool hit;       /* limit is a rule that was found */
	bool hidden; /* the topic begins with '$', which wildcards in the first level don't match */
	unsigned budget; /* of an overlap */
	bool (*test)(struct walk *walk, const struct acl_rule *rule);
};

/* ---- the rules of a terminal ------------------------------------------------------------------------------------ */

static void try_rule(struct walk *walk, uint32_t number)
{
	if (number < walk->limit && walk->test(walk, &walk->index->rules->rules[number])) {
		walk->limit = number;
		walk->hit = true;
	}
}

static void scan_bucket(struct walk *walk, uint32_t place)
{
	const uint32_t *rules;
	uint32_t one;
	size_t count = place ? acl_index_bucket(walk->index, place, &one, &rules) : 0;

	for (size_t i = 0; i < count && rules[i] < walk->limit; i++)
		try_rule(walk, rules[i]);
}

static void scan_key(struct walk *walk, enum acl_key key, uint32_t terminal, const char *p, size_t n)
{
	scan_bucket(walk, acl_index_find(walk->index, key, terminal, p, n));
}

/* Each beginning of text whose length is in prefixes. */
static void scan_prefixes(struct walk *walk, enum acl_key key, uint32_t terminal, uint64_t prefixes,
			  const char *text)
{
	size_t length = strnlen(text, 64);

	for (; prefixes; prefixes &= prefixes - 1) {
		size_t n = (size_t)__builtin_ctzll(prefixes);

		if (n > length)
			break;
		scan_key(walk, key, terminal, text, n);
	}
}

static void scan_groups(struct walk *walk, uint32_t terminal)
{
	const struct acl_request *request = walk->request;

	for (size_t i = 0; i < request->group_count; i++)
		scan_key(walk, ACL_KEY_GROUP, terminal, request->groups[i],
			 strlen(request->groups[i]));
}

static void scan_terminal(struct walk *walk, uint32_t number)
{
	const struct acl_terminal *terminal = &walk->index->terminals[number];
	const struct acl_request *request = walk->request;

	if (terminal->first >= walk->limit)
		return;
	if (terminal->kinds & 1u << ACL_KEY_CLIENT)
		scan_key(walk, ACL_KEY_CLIENT, number, request->client_id,
			 strlen(request->client_id));
	if (terminal->kinds & 1u << ACL_KEY_USER && request->user)
		scan_key(walk, ACL_KEY_USER, number, request->user, strlen(request->user));
	if (terminal->kinds & 1u << ACL_KEY_GROUP)
		scan_groups(walk, number);
	scan_prefixes(walk, ACL_KEY_CLIENT_PREFIX, number, terminal->client_prefixes,
		      request->client_id);
	if (request->user)
		scan_prefixes(walk, ACL_KEY_USER_PREFIX, number, terminal->user_prefixes,
			      request->user);
	scan_bucket(walk, terminal->all);
}

static void scan(struct walk *walk, uint32_t place)
{
	if (place & ACL_SINGLE)
		try_rule(walk, place & ~ACL_SINGLE);
	else if (place)
		scan_terminal(walk, place);
}

/* ---- the walk --------------------------------------------------------------------------------------------------- */

static bool is(struct gh_str level, char wildcard)
{
	return level.n == 1 && *level.p == wildcard;
}

static bool same(struct gh_str a, struct gh_str b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* Calls visit() for each child that a level without wildcard leads to. */
typedef void visit_fn(struct walk *walk, uint32_t node, struct gh_str rest, bool first);

/* A value that is a level as it stands has nothing in it that can't be put in, but perhaps the '$' of a first one. */
static bool is_value(const char *value, struct gh_str text, bool first)
{
	return value && text.n && !(first && *text.p == '$') &&
	       strncmp(value, text.p, text.n) == 0 && value[text.n] == '\0';
}

static void edges(struct walk *walk, uint32_t number, struct gh_str text, struct gh_str rest,
		  bool first, visit_fn *visit)
{
	for (; number; number = walk->index->edges[number].next)
		if (acl_level_match(walk->index->edges[number].level, walk->request, text, first))
			visit(walk, walk->index->edges[number].node, rest, false);
}

static void descend(struct walk *walk, uint32_t number, struct gh_str text, struct gh_str rest,
		    bool first, visit_fn *visit)
{
	const struct acl_node *node = &walk->index->nodes[number];
	uint32_t child = node->literals
				 ? acl_index_find(walk->index, ACL_KEY_LEVEL, number, text.p, text.n)
				 : 0;

	if (child)
		visit(walk, child, rest, false);
	if (node->client_id && is_value(walk->request->values.client_id, text, first))
		visit(walk, node->client_id, rest, false);
	if (node->username && is_value(walk->request->values.username, text, first))
		visit(walk, node->username, rest, false);
	for (uint64_t prefixes = node->prefixes; prefixes; prefixes &= prefixes - 1) {
		size_t n = (size_t)__builtin_ctzll(prefixes);

		if (n > text.n)
			break;
		edges(walk, acl_index_find(walk->index, ACL_KEY_TEMPLATE, number, text.p, n), text,
		      rest, first, visit);
	}
	if (node->plus && !(first && walk->hidden))
		visit(walk, node->plus, rest, false);
}

/* Patterns that match the topic, or cover the filter. As deep as the trie: ACL_LEVELS_MAX. */
static void visit(struct walk *walk, uint32_t number, struct gh_str rest, bool first)
{
	const struct acl_node *node = &walk->index->nodes[number];
	struct gh_str text;

	if (node->first >= walk->limit)
		return;
	if (!(first && walk->hidden))
		scan(walk, node->hash);
	if (!gh_topic_level(&rest, &text))
		scan(walk, node->own);
	else if (is(text, '+') && node->plus)
		visit(walk, node->plus, rest, false);
	else if (!is(text, '+') && !is(text, '#'))
		descend(walk, number, text, rest, first, visit);
}

static void everything_below(struct walk *walk, uint32_t number)
{
	const struct acl_node *node = &walk->index->nodes[number];

	if (node->first_deny >= walk->limit || walk->hit || !walk->budget || !walk->budget--)
		return;
	scan(walk, node->hash);
	scan(walk, node->own);
	for (uint32_t child = node->child; child && !walk->hit && walk->budget;
	     child = walk->index->nodes[child].sibling)
		if (!walk->index->nodes[child].level->tmpl ||
		    acl_level_possible(walk->index->nodes[child].level, walk->request))
			everything_below(walk, child);
}

static void overlap(struct walk *walk, uint32_t number, struct gh_str rest, bool first);

static void overlap_any(struct walk *walk, uint32_t number, struct gh_str rest, bool first)
{
	for (uint32_t child = walk->index->nodes[number].child; child && !walk->hit && walk->budget;
	     child = walk->index->nodes[child].sibling) {
		const struct acl_level *level = walk->index->nodes[child].level;

		walk->budget--;
		if (first && level->text.n && *level->text.p == '$')
			continue;
		if (!level->tmpl || acl_level_possible(level, walk->request))
			overlap(walk, child, rest, false);
	}
}

/* Patterns that match a topic that the filter matches too. */
static void overlap(struct walk *walk, uint32_t number, struct gh_str rest, bool first)
{
	const struct acl_node *node = &walk->index->nodes[number];
	struct gh_str text;

	if (node->first_deny >= walk->limit || walk->hit || !walk->budget || !walk->budget--)
		return;
	if (!(first && walk->hidden))
		scan(walk, node->hash);
	if (!gh_topic_level(&rest, &text))
		scan(walk, node->own);
	else if (is(text, '#'))
		everything_below(walk, number);
	else if (is(text, '+'))
		overlap_any(walk, number, rest, first);
	else
		descend(walk, number, text, rest, first, overlap);
}

/* ---- decisions -------------------------------------------------------------------------------------------------- */

/* The empty topic, which "#" and "/#" would match too, doesn't exist. */
static struct gh_str spelled_out(struct gh_str filter)
{
	if (is(filter, '#'))
		return (struct gh_str){ "+/#", 3 };
	if (same(filter, (struct gh_str){ "/#", 2 }))
		return (struct gh_str){ "/+/#", 4 };
	return filter;
}

static unsigned group_levels(const struct acl_rule *rule)
{
	unsigned count = 0;

	for (size_t i = 0; rule->uses & GH_USES_GROUP && i < rule->level_count; i++)
		count += (rule->levels[i].uses & GH_USES_GROUP) != 0;
	return count;
}

static bool decides(struct walk *walk, const struct acl_rule *rule)
{
	return acl_rule_concerns(rule, walk->request, 0) &&
	       (group_levels(rule) < 2 ||
		acl_groups_agree(rule, walk->request, walk->request->in->topic));
}

static bool decides_unsuitably(struct walk *walk, const struct acl_rule *rule)
{
	return acl_rule_concerns(rule, walk->request, 0) && acl_rule_unsuitable(rule, walk->request);
}

/* A DENY that might hold for a delivery, now or over another connection. */
static bool may_deny(struct walk *walk, const struct acl_rule *rule)
{
	struct acl_request delivery = *walk->request;

	if (walk->budget)
		walk->budget--;
	delivery.action = ACL_RECEIVE;
	return !rule->allow && acl_rule_concerns(rule, &delivery, ACL_OF_MESSAGE | ACL_OF_CONNECTION);
}

static bool may_deny_unsuitably(struct walk *walk, const struct acl_rule *rule)
{
	return may_deny(walk, rule) && acl_rule_unsuitable(rule, walk->request);
}

static uint32_t unsuitable_of(const struct walk *walk)
{
	const struct acl_index *index = walk->index;

	if (!index->deny_uses || !acl_request_suspect(walk->request, index->deny_uses))
		return 0;
	return index->unsuitable[walk->request->action != ACL_PUBLISH];
}

/* Whether a rule before the one that allows may deny some of the deliveries. */
static bool denied_in_part(const struct acl_index *index, const struct acl_request *request,
			   uint32_t limit)
{
	struct walk walk = {
		.index = index, .request = request, .limit = limit, .budget = OVERLAP_BUDGET
	};
	struct gh_str filter = request->in->topic;

	walk.hidden = *filter.p == '$';
	walk.test = may_deny_unsuitably;
	scan(&walk, unsuitable_of(&walk));
	walk.test = may_deny;
	overlap(&walk, index->subscribe, spelled_out(filter), true);
	return walk.hit || !walk.budget;
}

static uint32_t find(const struct acl_index *index, const struct acl_request *request,
		     bool *unsuitable_r)
{
	struct walk walk = { .index = index, .request = request, .limit = ACL_NONE, .test = decides };
	struct gh_str topic = request->in->topic;
	uint32_t found;

	walk.hidden = *topic.p == '$';
	if (request->action == ACL_SUBSCRIBE) {
		scan(&walk, acl_index_find(index, ACL_KEY_LITERAL, 0, topic.p, topic.n));
		scan(&walk, index->any_filter);
		topic = spelled_out(topic);
	}
	visit(&walk, request->action == ACL_PUBLISH ? index->publish : index->subscribe, topic, true);
	found = walk.limit;
	walk.test = decides_unsuitably;
	scan(&walk, unsuitable_of(&walk));
	*unsuitable_r = walk.limit != found;
	return walk.limit;
}

void acl_decide(const struct acl_index *index, const struct gh_authorize *in,
		struct acl_decision *decision_r)
{
	struct acl_request request;
	const struct acl_rule *rule;
	uint32_t number;

	*decision_r = (struct acl_decision){ .max_qos = 2 };
	acl_request_init(&request, in);
	if (!request.action || !in->topic.n)
		return;
	decision_r->keeps = !(index->of_message & request.action);
	number = find(index, &request, &decision_r->unsuitable);
	if (number == ACL_NONE)
		return;
	rule = decision_r->rule = &index->rules->rules[number];
	decision_r->allow = rule->allow;
	if (!rule->allow || request.action != ACL_SUBSCRIBE)
		return;
	if (rule->conditions & ACL_IF_QOS)
		decision_r->max_qos = rule->qos_max;
	decision_r->covers = !(rule->conditions & (ACL_OF_MESSAGE | ACL_OF_CONNECTION |
						   ACL_LITERAL | ACL_ANY_FILTER)) &&
			     !denied_in_part(index, &request, number);
}

const struct acl_rule *acl_if_bound(const struct acl_index *index, const struct gh_authorize *in)
{
	struct gh_client client = *in->client;
	struct gh_authorize bound = *in;
	struct acl_decision decision;

	if (client.client_id_bound)
		return NULL;
	client.client_id_bound = true;
	bound.client = &client;
	acl_decide(index, &bound, &decision);
	return decision.allow ? decision.rule : NULL;
}

void acl_explain(const struct acl_index *index, const struct gh_authorize *in,
		 const struct acl_decision *decision, char *text_r, size_t size)
{
	const struct acl_rule *bound = decision->allow ? NULL : acl_if_bound(index, in);
	const char *what =
		decision->allow ? "the rule allows it"
		: decision->unsuitable
			? "the rule denies it: a name of this client can't be put into its topic"
		: decision->rule ? "the rule denies it"
				 : "no rule matches";

	if (bound)
		snprintf(text_r, size,
			 "%s (%s:%u would allow it, were the client id bound to the user here)",
			 what, bound->file, bound->line);
	else
		snprintf(text_r, size, "%s", what);
}
