/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the trie and its buckets. */
#include <stdlib.h>
#include <string.h>
#include "index.h"

#define PREFIX_MAX 63u /* longer ones are looked up by their beginning */

/* ---- the table -------------------------------------------------------------------------------------------------- */

/* Not keyed: what clients send is only looked up, never put in. */
static uint32_t hash_of(enum acl_key key, uint32_t owner, const char *p, size_t n)
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
	return (uint32_t)(hash ^ hash >> 29);
}

static uint32_t slot_of(const struct acl_index *index, uint32_t hash, enum acl_key key,
			uint32_t owner, const char *p, size_t n)
{
	uint32_t i = hash & index->slot_mask;
	size_t inlined = n < ACL_KEY_INLINE ? n : ACL_KEY_INLINE;

	for (;; i = (i + 1) & index->slot_mask) {
		const struct acl_slot *slot = &index->slots[i];

		if (!slot->value)
			return i;
		if (slot->hash == hash && slot->owner == owner && slot->key == key &&
		    slot->n == n && memcmp(slot->bytes, p, inlined) == 0 &&
		    (n == inlined || memcmp(index->long_keys[i], p, n) == 0))
			return i;
	}
}

uint32_t acl_index_find(const struct acl_index *index, enum acl_key key, uint32_t owner,
			const char *p, size_t n)
{
	return n > UINT16_MAX
		       ? 0
		       : index->slots[slot_of(index, hash_of(key, owner, p, n), key, owner, p, n)].value;
}

static void slots_double(struct acl_index *index)
{
	struct acl_slot *old = index->slots;
	const char **old_keys = index->long_keys;
	uint32_t size = old ? index->slot_mask + 1 : 0, bigger = size ? 2 * size : 64;

	index->slots = acl_grow(NULL, bigger, sizeof(*index->slots));
	memset(index->slots, 0, bigger * sizeof(*index->slots));
	index->long_keys = acl_grow(NULL, bigger, sizeof(*index->long_keys));
	memset(index->long_keys, 0, bigger * sizeof(*index->long_keys));
	index->slot_mask = bigger - 1;
	for (uint32_t i = 0; i < size; i++) {
		uint32_t to = old[i].hash & index->slot_mask;

		if (!old[i].value)
			continue;
		while (index->slots[to].value)
			to = (to + 1) & index->slot_mask;
		index->slots[to] = old[i];
		index->long_keys[to] = old_keys[i];
	}
	free(old);
	free(old_keys);
}

/* The value of a key, to be changed by set(); 0: there is none yet. */
static uint32_t get(const struct acl_index *index, enum acl_key key, uint32_t owner,
		    struct gh_str bytes)
{
	return acl_index_find(index, key, owner, bytes.p, bytes.n);
}

/* The bytes are borrowed for good. value isn't 0. */
static void set(struct acl_index *index, enum acl_key key, uint32_t owner, struct gh_str bytes,
		uint32_t value)
{
	uint32_t hash = hash_of(key, owner, bytes.p, bytes.n), at;
	struct acl_slot *slot;

	if (index->slot_count * 2 > index->slot_mask)
		slots_double(index);
	at = slot_of(index, hash, key, owner, bytes.p, bytes.n);
	slot = &index->slots[at];
	if (!slot->value) {
		index->slot_count++;
		*slot = (struct acl_slot){
			.hash = hash, .owner = owner, .n = (uint16_t)bytes.n, .key = (uint8_t)key
		};
		memcpy(slot->bytes, bytes.p, bytes.n < ACL_KEY_INLINE ? bytes.n : ACL_KEY_INLINE);
		index->long_keys[at] = bytes.n > ACL_KEY_INLINE ? bytes.p : NULL;
	}
	slot->value = value;
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
	index->terminals[number].first = ACL_NONE;
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

/* The bucket with a rule more; its place. */
static uint32_t bucket_add(struct acl_index *index, uint32_t number, uint32_t rule)
{
	struct acl_bucket *bucket;

	if (!number)
		return rule | ACL_SINGLE;
	if (number & ACL_SINGLE) {
		uint32_t first = number & ~ACL_SINGLE;

		number = bucket_new(index);
		bucket = &index->buckets[number];
		bucket->rules = acl_grow(NULL, 2, sizeof(*bucket->rules));
		bucket->rules[bucket->count++] = first;
	}
	bucket = &index->buckets[number];
	if (bucket->count >= 2 && (bucket->count & (bucket->count - 1)) == 0)
		bucket->rules =
			acl_grow(bucket->rules, 2 * (size_t)bucket->count, sizeof(*bucket->rules));
	bucket->rules[bucket->count++] = rule;
	return number;
}

size_t acl_index_bucket(const struct acl_index *index, uint32_t bucket, uint32_t *one_r,
			const uint32_t **rules_r)
{
	*one_r = bucket & ~ACL_SINGLE;
	*rules_r = bucket & ACL_SINGLE ? one_r : index->buckets[bucket].rules;
	return bucket & ACL_SINGLE ? 1 : index->buckets[bucket].count;
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

/* What is most telling of a rule's clients, and the bytes of it. */
static enum acl_key telling(const struct acl_rule *rule, struct gh_str *bytes_r)
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
	bytes_r->p = pattern->p;
	bytes_r->n = pattern->n;
	if (key == ACL_KEY_CLIENT_PREFIX || key == ACL_KEY_USER_PREFIX)
		bytes_r->n = at_most(pattern->prefix, PREFIX_MAX);
	return key;
}

static void rule_at(struct acl_index *index, uint32_t number, uint32_t terminal)
{
	const struct acl_rule *rule = &index->rules->rules[number];
	struct acl_terminal *at = &index->terminals[terminal];
	struct gh_str bytes;
	enum acl_key key = telling(rule, &bytes);

	at->kinds |= 1u << key;
	if (key == ACL_KEY_CLIENT_PREFIX)
		at->client_prefixes |= 1ull << bytes.n;
	if (key == ACL_KEY_USER_PREFIX)
		at->user_prefixes |= 1ull << bytes.n;
	if (at->first == ACL_NONE)
		at->first = number;
	if (key == ACL_KEY_ALL)
		at->all = bucket_add(index, at->all, number);
	else
		set(index, key, terminal, bytes,
		    bucket_add(index, get(index, key, terminal, bytes), number));
}

/* Whatever is at a place, and a rule more; its place. */
static uint32_t place_add(struct acl_index *index, uint32_t place, uint32_t number)
{
	uint32_t terminal = place;

	if (!place)
		return number | ACL_SINGLE;
	if (place & ACL_SINGLE) {
		terminal = terminal_new(index);
		rule_at(index, place & ~ACL_SINGLE, terminal);
	}
	rule_at(index, number, terminal);
	return terminal;
}

static uint32_t level_child(struct acl_index *index, uint32_t node, const struct acl_level *level)
{
	uint32_t child = get(index, ACL_KEY_LEVEL, node, level->text);

	if (!child) {
		child = node_new(index, level, node);
		set(index, ACL_KEY_LEVEL, node, level->text, child);
	}
	index->nodes[node].literals = true;
	return child;
}

static bool says(const struct acl_level *level, const char *text)
{
	return level->text.n == strlen(text) && memcmp(level->text.p, text, level->text.n) == 0;
}

static uint32_t template_child(struct acl_index *index, uint32_t node, const struct acl_level *level)
{
	const char *brace = memchr(level->text.p, '{', level->text.n);
	struct gh_str prefix = { level->text.p, at_most((size_t)(brace - level->text.p), PREFIX_MAX) };
	uint32_t first = get(index, ACL_KEY_TEMPLATE, node, prefix), edge;

	for (edge = first; edge; edge = index->edges[edge].next)
		if (index->edges[edge].level->text.n == level->text.n &&
		    memcmp(index->edges[edge].level->text.p, level->text.p, level->text.n) == 0)
			return index->edges[edge].node;
	edge = edge_new(index);
	index->edges[edge] = (struct acl_edge){ .level = level, .next = first };
	index->edges[edge].node = node_new(index, level, node);
	index->nodes[node].prefixes |= 1ull << prefix.n;
	set(index, ACL_KEY_TEMPLATE, node, prefix, edge);
	return index->edges[edge].node;
}

enum { PLUS, CLIENT_ID, USERNAME };

/* Children that each node has one of. */
static uint32_t only_child(struct acl_index *index, uint32_t parent, const struct acl_level *level,
			   int which)
{
	struct acl_node *node = &index->nodes[parent];
	uint32_t child = which == PLUS        ? node->plus
			 : which == CLIENT_ID ? node->client_id
					      : node->username;

	if (child)
		return child;
	child = node_new(index, level, parent);
	node = &index->nodes[parent];
	if (which == PLUS)
		node->plus = child;
	else if (which == CLIENT_ID)
		node->client_id = child;
	else
		node->username = child;
	return child;
}

static uint32_t child_of(struct acl_index *index, uint32_t node, const struct acl_level *level)
{
	if (says(level, "+"))
		return only_child(index, node, level, PLUS);
	if (!level->tmpl)
		return level_child(index, node, level);
	if (says(level, "{clientid}"))
		return only_child(index, node, level, CLIENT_ID);
	if (says(level, "{username}"))
		return only_child(index, node, level, USERNAME);
	return template_child(index, node, level);
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
	bool hash = says(&rule->levels[rule->level_count - 1], "#");
	size_t count = rule->level_count - hash;

	node_pass(&index->nodes[node], rule, number);
	for (size_t i = 0; i < count; i++) {
		node = child_of(index, node, &rule->levels[i]);
		node_pass(&index->nodes[node], rule, number);
	}
	if (hash)
		index->nodes[node].hash = place_add(index, index->nodes[node].hash, number);
	else
		index->nodes[node].own = place_add(index, index->nodes[node].own, number);
}

static void add_unsuitable(struct acl_index *index, uint32_t number)
{
	const struct acl_rule *rule = &index->rules->rules[number];

	if (rule->allow || !rule->uses)
		return;
	index->deny_uses |= rule->uses;
	if (rule->actions & ACL_PUBLISH)
		index->unsuitable[0] = place_add(index, index->unsuitable[0], number);
	if (rule->actions & (ACL_SUBSCRIBE | ACL_RECEIVE))
		index->unsuitable[1] = place_add(index, index->unsuitable[1], number);
}

static void add(struct acl_index *index, uint32_t number)
{
	const struct acl_rule *rule = &index->rules->rules[number];

	if (rule->conditions & ACL_ANY_FILTER) {
		index->any_filter = place_add(index, index->any_filter, number);
		return;
	}
	if (rule->conditions & ACL_LITERAL) {
		set(index, ACL_KEY_LITERAL, 0, rule->topic,
		    place_add(index, get(index, ACL_KEY_LITERAL, 0, rule->topic), number));
		return;
	}
	if (rule->actions & ACL_PUBLISH)
		add_below(index, number, index->publish);
	if (rule->actions & (ACL_SUBSCRIBE | ACL_RECEIVE))
		add_below(index, number, index->subscribe);
	add_unsuitable(index, number);
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
	for (size_t i = 0; i < rules->count; i++) {
		add(index, (uint32_t)i);
		if (rules->rules[i].conditions & ACL_OF_MESSAGE)
			index->of_message |= rules->rules[i].actions;
	}
	return index;
}

void acl_index_free(struct acl_index **index)
{
	if (!*index)
		return;
	for (uint32_t i = 0; i < (*index)->bucket_count; i++)
		free((*index)->buckets[i].rules);
	free((*index)->nodes);
	free((*index)->edges);
	free((*index)->terminals);
	free((*index)->buckets);
	free((*index)->slots);
	free((*index)->long_keys);
	free(*index);
	*index = NULL;
}
