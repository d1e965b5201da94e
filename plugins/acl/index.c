/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the trie and its buckets. */
#include <stdlib.h>
#include <string.h>
#include "index.h"

#define PREFIX_MAX 63u /* longer ones are looked up by their beginning */

/* ---- the table -------------------------------------------------------------------------------------------------- */

/* Not keyed: what clients send is only looked up, never put in. */
static uint64_t hash_of(enum acl_key key, uint32_t owner, const char *p, size_t n)
{
	uint64_t hash = ((uint64_t)owner << 8 | (uint64_t)key) * 0x9e3779b97f4a7c15ull + n, part;

	for (; n >= sizeof(part); p += sizeof(part), n -= sizeof(part)) {
		memcpy(&part, p, sizeof(part));
		hash = (hash ^ part) * 0xff51afd7ed558ccdull;
		hash ^= hash >> 32;
	}
	part = 0;
	if (n)
		memcpy(&part, p, n);
	hash = (hash ^ part) * 0xc4ceb9fe1a85ec53ull;
	return hash ^ hash >> 29;
}

static struct acl_slot *slot_of(const struct acl_index *index, uint64_t hash, enum acl_key key,
				uint32_t owner, const char *p, size_t n)
{
	uint64_t i = hash & index->slot_mask;

	for (;; i = (i + 1) & index->slot_mask) {
		struct acl_slot *slot = &index->slots[i];

		if (!slot->p || (slot->hash == hash && slot->owner == owner && slot->key == key &&
				 slot->n == n && memcmp(slot->p, p, n) == 0))
			return slot;
	}
}

uint32_t acl_index_find(const struct acl_index *index, enum acl_key key, uint32_t owner,
			const char *p, size_t n)
{
	const struct acl_slot *slot = slot_of(index, hash_of(key, owner, p, n), key, owner, p, n);

	return slot->p ? slot->value : 0;
}

static void slots_double(struct acl_index *index)
{
	struct acl_slot *old = index->slots;
	uint32_t size = old ? index->slot_mask + 1 : 0, bigger = size ? 2 * size : 64;

	index->slots = acl_grow(NULL, bigger, sizeof(*index->slots));
	memset(index->slots, 0, bigger * sizeof(*index->slots));
	index->slot_mask = bigger - 1;
	for (uint32_t i = 0; i < size; i++)
		if (old[i].p)
			*slot_of(index, old[i].hash, old[i].key, old[i].owner, old[i].p, old[i].n) =
				old[i];
	free(old);
}

/* The place of a key's value; p is borrowed for good. 0 in it: it is new. */
static uint32_t *put(struct acl_index *index, enum acl_key key, uint32_t owner, const char *p,
		     size_t n)
{
	uint64_t hash = hash_of(key, owner, p, n);
	struct acl_slot *slot;

	if (!index->slots || index->slot_count * 2 > index->slot_mask)
		slots_double(index);
	slot = slot_of(index, hash, key, owner, p, n);
	if (!slot->p) {
		*slot = (struct acl_slot){
			.hash = hash, .p = p, .n = (uint32_t)n, .owner = owner, .key = (uint8_t)key
		};
		index->slot_count++;
	}
	return &slot->value;
}

/* ---- what it points to ------------------------------------------------------------------------------------------ */

/* The array, perhaps elsewhere, with a zeroed one more; it has room up to the next power of two. */
static void *append(void *array, uint32_t *count, size_t size)
{
	if ((*count & (*count - 1)) == 0)
		array = acl_grow(array, *count ? 2 * (size_t)*count : 1, size);
	memset((char *)array + *count * size, 0, size);
	++*count;
	return array;
}

static uint32_t terminal_new(struct acl_index *index)
{
	uint32_t number = index->terminal_count;

	index->terminals =
		append(index->terminals, &index->terminal_count, sizeof(*index->terminals));
	index->terminals[number].first = index->terminals[number].first_deny = ACL_NONE;
	return number;
}

static uint32_t node_new(struct acl_index *index, const struct acl_level *level, uint32_t parent)
{
	uint32_t number = index->node_count;
	struct acl_node *node;

	index->nodes = append(index->nodes, &index->node_count, sizeof(*index->nodes));
	node = &index->nodes[number];
	node->level = level;
	node->first = node->first_deny = ACL_NONE;
	if (level) {
		node->sibling = index->nodes[parent].child;
		index->nodes[parent].child = number;
	}
	return number;
}

static uint32_t edge_new(struct acl_index *index)
{
	index->edges = append(index->edges, &index->edge_count, sizeof(*index->edges));
	return index->edge_count - 1;
}

static uint32_t bucket_new(struct acl_index *index)
{
	index->buckets = append(index->buckets, &index->bucket_count, sizeof(*index->buckets));
	return index->bucket_count - 1;
}

static void bucket_add(struct acl_index *index, uint32_t *place, uint32_t rule)
{
	struct acl_bucket *bucket;

	if (!*place)
		*place = bucket_new(index);
	bucket = &index->buckets[*place];
	if (bucket->count == 0) {
		bucket->rules.one = rule;
	} else if (bucket->count == 1) {
		uint32_t *two = acl_grow(NULL, 2, sizeof(*two));

		two[0] = bucket->rules.one;
		two[1] = rule;
		bucket->rules.many = two;
	} else {
		if ((bucket->count & (bucket->count - 1)) == 0)
			bucket->rules.many = acl_grow(bucket->rules.many, 2 * (size_t)bucket->count,
						      sizeof(uint32_t));
		bucket->rules.many[bucket->count] = rule;
	}
	bucket->count++;
}

const uint32_t *acl_bucket_rules(const struct acl_bucket *bucket)
{
	return bucket->count == 1 ? &bucket->rules.one : bucket->rules.many;
}

/* ---- rules ------------------------------------------------------------------------------------------------------ */

static size_t at_most(size_t n, size_t most)
{
	return n < most ? n : most;
}

static bool exact(const struct acl_pattern *pattern)
{
	return pattern->p && pattern->prefix == pattern->n;
}

/* What is most telling of a rule's clients; key_r and n_r are the bytes of it. */
static enum acl_key telling(const struct acl_rule *rule, const char **key_r, size_t *n_r)
{
	const struct acl_pattern *pattern = &rule->client;
	enum acl_key key = ACL_KEY_ALL;

	if (exact(&rule->client))
		key = ACL_KEY_CLIENT;
	else if (exact(pattern = &rule->user))
		key = ACL_KEY_USER;
	else if (exact(pattern = &rule->group))
		key = ACL_KEY_GROUP;
	else if ((pattern = &rule->client)->prefix)
		key = ACL_KEY_CLIENT_PREFIX;
	else if ((pattern = &rule->user)->prefix)
		key = ACL_KEY_USER_PREFIX;
	*key_r = pattern->p;
	*n_r = key == ACL_KEY_CLIENT_PREFIX || key == ACL_KEY_USER_PREFIX
		       ? at_most(pattern->prefix, PREFIX_MAX)
		       : pattern->n;
	return key;
}

static uint32_t rule_at(struct acl_index *index, uint32_t number, uint32_t terminal)
{
	const struct acl_rule *rule = &index->rules->rules[number];
	struct acl_terminal *at = &index->terminals[terminal];
	const char *bytes;
	size_t n;
	enum acl_key key = telling(rule, &bytes, &n);

	at->kinds |= 1u << key;
	if (key == ACL_KEY_CLIENT_PREFIX)
		at->client_prefixes |= 1ull << n;
	if (key == ACL_KEY_USER_PREFIX)
		at->user_prefixes |= 1ull << n;
	if (at->first == ACL_NONE)
		at->first = number;
	if (at->first_deny == ACL_NONE && !rule->allow)
		at->first_deny = number;
	bucket_add(index, key == ACL_KEY_ALL ? &at->all : put(index, key, terminal, bytes, n),
		   number);
	return terminal;
}

static uint32_t level_child(struct acl_index *index, uint32_t node, const struct acl_level *level)
{
	uint32_t *place = put(index, ACL_KEY_LEVEL, node, level->text.p, level->text.n);

	if (!*place)
		*place = node_new(index, level, node);
	index->nodes[node].literals = true;
	return *place;
}

static uint32_t template_child(struct acl_index *index, uint32_t node, const struct acl_level *level)
{
	const char *brace = memchr(level->text.p, '{', level->text.n);
	size_t prefix = at_most((size_t)(brace - level->text.p), PREFIX_MAX);
	uint32_t *place = put(index, ACL_KEY_TEMPLATE, node, level->text.p, prefix), edge;

	for (edge = *place; edge; edge = index->edges[edge].next)
		if (index->edges[edge].level->text.n == level->text.n &&
		    memcmp(index->edges[edge].level->text.p, level->text.p, level->text.n) == 0)
			return index->edges[edge].node;
	edge = edge_new(index);
	index->edges[edge].level = level;
	index->edges[edge].node = node_new(index, level, node);
	index->edges[edge].next = *place;
	index->nodes[node].prefixes |= 1ull << prefix;
	*place = edge;
	return index->edges[edge].node;
}

static uint32_t plus_child(struct acl_index *index, uint32_t node, const struct acl_level *level)
{
	uint32_t child = index->nodes[node].plus;

	if (!child)
		index->nodes[node].plus = child = node_new(index, level, node);
	return child;
}

static bool is(const struct acl_level *level, char wildcard)
{
	return !level->tmpl && level->text.n == 1 && *level->text.p == wildcard;
}

static void node_pass(struct acl_node *node, const struct acl_rule *rule, uint32_t number)
{
	if (node->first == ACL_NONE)
		node->first = number;
	if (node->first_deny == ACL_NONE && !rule->allow)
		node->first_deny = number;
}

static void add_below(struct acl_index *index, uint32_t number, uint32_t node)
{
	const struct acl_rule *rule = &index->rules->rules[number];
	bool hash = false;
	uint32_t terminal;

	node_pass(&index->nodes[node], rule, number);
	for (size_t i = 0; i < rule->level_count && !hash; i++) {
		const struct acl_level *level = &rule->levels[i];

		hash = is(level, '#');
		if (!hash)
			node = level->tmpl      ? template_child(index, node, level)
			       : is(level, '+') ? plus_child(index, node, level)
						: level_child(index, node, level);
		node_pass(&index->nodes[node], rule, number);
	}
	terminal = hash ? index->nodes[node].hash : index->nodes[node].own;
	if (!terminal)
		terminal = terminal_new(index);
	if (hash)
		index->nodes[node].hash = terminal;
	else
		index->nodes[node].own = terminal;
	rule_at(index, number, terminal);
}

static void add_unsuitable(struct acl_index *index, uint32_t number, uint32_t *terminal)
{
	if (!*terminal)
		*terminal = terminal_new(index);
	rule_at(index, number, *terminal);
	index->deny_uses |= index->rules->rules[number].uses;
}

static void add_filter_rule(struct acl_index *index, uint32_t number)
{
	const struct acl_rule *rule = &index->rules->rules[number];
	uint32_t *place = &index->any_filter, terminal;

	if (rule->conditions & ACL_LITERAL)
		place = put(index, ACL_KEY_LITERAL, 0, rule->topic.p, rule->topic.n);
	terminal = *place ? *place : terminal_new(index);
	*place = terminal;
	rule_at(index, number, terminal);
}

static void add(struct acl_index *index, uint32_t number)
{
	const struct acl_rule *rule = &index->rules->rules[number];

	if (rule->conditions & (ACL_LITERAL | ACL_ANY_FILTER)) {
		add_filter_rule(index, number);
		return;
	}
	if (rule->actions & ACL_PUBLISH)
		add_below(index, number, index->publish);
	if (rule->actions & (ACL_SUBSCRIBE | ACL_RECEIVE))
		add_below(index, number, index->subscribe);
	if (rule->allow || !rule->uses)
		return;
	if (rule->actions & ACL_PUBLISH)
		add_unsuitable(index, number, &index->unsuitable[0]);
	if (rule->actions & (ACL_SUBSCRIBE | ACL_RECEIVE))
		add_unsuitable(index, number, &index->unsuitable[1]);
}

struct acl_index *acl_index_new(const struct acl_rules *rules)
{
	struct acl_index *index = acl_grow(NULL, 1, sizeof(*index));

	memset(index, 0, sizeof(*index));
	index->rules = rules;
	slots_double(index);
	edge_new(index);
	bucket_new(index);
	terminal_new(index);
	node_new(index, NULL, 0);
	index->publish = node_new(index, NULL, 0);
	index->subscribe = node_new(index, NULL, 0);
	for (size_t i = 0; i < rules->count; i++)
		add(index, (uint32_t)i);
	return index;
}

void acl_index_free(struct acl_index **index)
{
	if (!*index)
		return;
	for (uint32_t i = 0; i < (*index)->bucket_count; i++)
		if ((*index)->buckets[i].count > 1)
			free((*index)->buckets[i].rules.many);
	free((*index)->nodes);
	free((*index)->edges);
	free((*index)->terminals);
	free((*index)->buckets);
	free((*index)->slots);
	free(*index);
	*index = NULL;
}
