/* SPDX-License-Identifier: Apache-2.0 */
/* The topics of one shard of the retained store, as a tree by level. */
#include "route/retained_priv.h"

#include "base/mem.h"

#include <gatehouse/lib.h>
#include <stdlib.h>

/* What a node costs: itself, its edge, the text of its level. */
#define NODE_COST (sizeof(struct retained_node) + 2 * sizeof(struct gh_slots_cell) + 24)

void retained_shard_init(struct retained_shard *shard, const struct gh_hash_key *key)
{
	pthread_mutex_init(&shard->lock, NULL);
	gh_levels_init(&shard->levels, key);
	gh_slab_init(&shard->nodes, sizeof(struct retained_node));
	shard->seed = gh_siphash(key, "retained", 8);
}

void retained_shard_done(struct retained_shard *shard)
{
	for (uint32_t i = RETAINED_ROOT; i < shard->nodes.end; i++)
		gh_publication_unref(&retained_node(shard, i)->publication);
	gh_levels_done(&shard->levels);
	gh_slab_done(&shard->nodes);
	gh_slots_done(&shard->edges);
	pthread_mutex_destroy(&shard->lock);
}

static uint32_t edge_hash(const struct retained_shard *shard, uint32_t parent, uint32_t level)
{
	return gh_slots_hash(shard->seed, parent, level);
}

uint32_t retained_child(const struct retained_shard *shard, uint32_t parent, uint32_t level)
{
	uint32_t hash = edge_hash(shard, parent, level);
	uint32_t at, child = gh_slots_first(&shard->edges, hash, &at);

	while (child) {
		const struct retained_node *node = retained_node(shard, child);

		if (node->parent == parent && node->level == level)
			break;
		child = gh_slots_next(&shard->edges, hash, &at);
	}
	return child;
}

static bool has_root(const struct retained_shard *shard)
{
	return shard->nodes.end > RETAINED_ROOT;
}

static uint32_t child_by_text(const struct retained_shard *shard, uint32_t parent, struct gh_str text)
{
	uint32_t level = gh_levels_find(&shard->levels, text);

	return level ? retained_child(shard, parent, level) : 0;
}

uint32_t retained_find(const struct retained_shard *shard, struct gh_str topic)
{
	uint32_t node = has_root(shard) ? RETAINED_ROOT : 0;
	struct gh_str text;

	while (node && gh_topic_level(&topic, &text))
		node = child_by_text(shard, node, text);
	return node;
}

uint64_t retained_missing(const struct retained_shard *shard, struct gh_str topic)
{
	uint32_t node = has_root(shard) ? RETAINED_ROOT : 0;
	uint64_t cost = 0;
	struct gh_str text;

	while (gh_topic_level(&topic, &text)) {
		node = node ? child_by_text(shard, node, text) : 0;
		cost += node ? 0 : NODE_COST + text.n;
	}
	return cost;
}

static uint32_t make_child(struct retained_shard *shard, uint32_t parent, struct gh_str text)
{
	uint32_t child = gh_slab_take(&shard->nodes);
	struct retained_node *node = retained_node(shard, child);
	struct retained_node *above = retained_node(shard, parent);

	node->parent = parent;
	node->level = gh_levels_ref(&shard->levels, text);
	node->next = above->first;
	if (node->next)
		retained_node(shard, node->next)->prev = child;
	above->first = child;
	gh_slots_add(&shard->edges, edge_hash(shard, parent, node->level), child);
	return child;
}

uint32_t retained_make(struct retained_shard *shard, struct gh_str topic)
{
	uint32_t node = has_root(shard) ? RETAINED_ROOT : gh_slab_take(&shard->nodes);
	struct gh_str text;

	while (gh_topic_level(&topic, &text)) {
		uint32_t child = child_by_text(shard, node, text);

		node = child ? child : make_child(shard, node, text);
	}
	return node;
}

static uint64_t free_node(struct retained_shard *shard, uint32_t number)
{
	struct retained_node *node = retained_node(shard, number);
	uint64_t cost = NODE_COST + gh_levels_text(&shard->levels, node->level).n;

	if (node->prev)
		retained_node(shard, node->prev)->next = node->next;
	else
		retained_node(shard, node->parent)->first = node->next;
	if (node->next)
		retained_node(shard, node->next)->prev = node->prev;
	gh_slots_remove(&shard->edges, edge_hash(shard, node->parent, node->level), number);
	gh_levels_unref(&shard->levels, node->level);
	gh_slab_give(&shard->nodes, number);
	return cost;
}

uint64_t retained_prune(struct retained_shard *shard, uint32_t number)
{
	uint64_t cost = 0;

	while (number != RETAINED_ROOT) {
		const struct retained_node *node = retained_node(shard, number);
		uint32_t parent = node->parent;

		if (node->publication || node->first)
			break;
		cost += free_node(shard, number);
		number = parent;
	}
	return cost;
}

/* ---- what a filter matches ------------------------------------------------------------------- */

/* A level of the filter. */
struct wanted {
	struct gh_str text;
	uint32_t level; /* UNKNOWN: not looked for yet */
	char wildcard;  /* '+', '#' or 0 */
};
#define UNKNOWN UINT32_MAX

struct search {
	const struct retained_shard *shard;
	struct wanted *levels;
	size_t count;
	uint64_t now;
	struct gh_retained_list *list;
	size_t *work; /* nodes that may still be visited */
};

/* False: no more. */
static bool visit(const struct search *search)
{
	if (*search->work == 0)
		return false;
	--*search->work;
	return true;
}

static void emit(const struct search *search, uint32_t number)
{
	struct gh_publication *publication = retained_node(search->shard, number)->publication;

	if (publication && !gh_publication_expired(publication, search->now))
		gh_retained_list_add(search->list, gh_publication_ref(publication));
}

/* This node, or the first after it among its siblings, that a wildcard in the level `depth` may
 * take. */
static uint32_t skip_dollar(const struct search *search, uint32_t number, size_t depth)
{
	while (number && depth == 0 && visit(search)) {
		const struct retained_node *node = retained_node(search->shard, number);
		struct gh_str text = gh_levels_text(&search->shard->levels, node->level);

		if (!text.n || text.p[0] != '$')
			break;
		number = node->next;
	}
	return number;
}

/* The node and all below it; the way back up is by parents, so that depth costs nothing. */
static void emit_tree(const struct search *search, uint32_t top)
{
	const struct retained_shard *shard = search->shard;
	uint32_t at = top;

	while (visit(search)) {
		emit(search, at);
		if (retained_node(shard, at)->first) {
			at = retained_node(shard, at)->first;
			continue;
		}
		while (at != top && !retained_node(shard, at)->next)
			at = retained_node(shard, at)->parent;
		if (at == top)
			return;
		at = retained_node(shard, at)->next;
	}
}

/* '#' at this node: it and all below; at the root, all of its children that don't begin with
 * '$'. */
static void emit_rest(const struct search *search, uint32_t number, size_t depth)
{
	uint32_t child;

	if (depth > 0) {
		emit_tree(search, number);
		return;
	}
	child = skip_dollar(search, retained_node(search->shard, number)->first, 0);
	while (child && visit(search)) {
		emit_tree(search, child);
		child = skip_dollar(search, retained_node(search->shard, child)->next, 0);
	}
}

/* The child to go on with; 0: none, and what matches here has been told. */
static uint32_t descend(const struct search *search, uint32_t number, size_t depth)
{
	struct wanted *wanted = &search->levels[depth];

	if (depth == search->count) {
		emit(search, number);
		return 0;
	}
	if (wanted->wildcard == '#') {
		emit_rest(search, number, depth);
		return 0;
	}
	if (wanted->wildcard == '+')
		return skip_dollar(search, retained_node(search->shard, number)->first, depth);
	if (wanted->level == UNKNOWN)
		wanted->level = gh_levels_find(&search->shard->levels, wanted->text);
	return wanted->level ? retained_child(search->shard, number, wanted->level) : 0;
}

/* Up to the nearest node that a '+' took and that has a sibling: that sibling. 0: there is none. */
static uint32_t go_back(const struct search *search, uint32_t number, size_t *depth)
{
	for (; *depth > 0 && visit(search); (*depth)--) {
		const struct retained_node *node = retained_node(search->shard, number);
		uint32_t next = 0;

		if (search->levels[*depth - 1].wildcard == '+')
			next = skip_dollar(search, node->next, *depth - 1);
		if (next)
			return next;
		number = node->parent;
	}
	return 0;
}

/* Depth first, without a stack: depth costs nothing. */
static void run(const struct search *search)
{
	uint32_t number = RETAINED_ROOT;
	size_t depth = 0;

	while (number && visit(search)) {
		uint32_t child = descend(search, number, depth);

		if (child)
			depth++;
		number = child ? child : go_back(search, number, &depth);
	}
}

static char wildcard_of(struct gh_str text)
{
	if (text.n == 1 && (text.p[0] == '+' || text.p[0] == '#'))
		return text.p[0];
	return 0;
}

void retained_collect(const struct retained_shard *shard, struct gh_str filter, uint64_t now,
		      struct gh_retained_list *list, size_t *work)
{
	struct search search = { .shard = shard, .now = now, .list = list, .work = work };
	struct gh_str rest = filter, text;
	size_t n = 0;

	if (!has_root(shard))
		return;
	while (gh_topic_level(&rest, &text))
		n++;
	search.levels = gh_alloc_array(n + 1, sizeof(*search.levels));
	for (rest = filter; gh_topic_level(&rest, &text); search.count++)
		search.levels[search.count] = (struct wanted){ text, UNKNOWN, wildcard_of(text) };
	run(&search);
	free(search.levels);
}
