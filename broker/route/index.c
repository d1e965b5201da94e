/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of one worker: a tree by level over one table of edges. */
#include "route/index.h"

#include "base/mem.h"
#include "base/str.h"
#include "route/levels.h"

#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>

/* The two trees: what topics are matched with, and sessions' own shared subscriptions. */
enum { NONE = 0, TOPICS = 1, SHARES = 2 };

/* Numbers of subscribers; the memory of a node with more than one. */
struct many {
	uint32_t size;
	uint32_t subscribers[];
};

struct node {
	uint32_t parent;
	uint32_t level;    /* 0: it is '+' or '#' of its parent */
	uint32_t children; /* literal ones */
	uint32_t plus, hash;
	uint32_t count; /* of subscribers */
	union {
		uint32_t one; /* count 1 */
		struct many *many;
	} u;
};

/* Nodes that the topic's levels so far lead to. */
struct frontier {
	uint32_t *nodes;
	uint32_t count, size;
};

struct gh_index {
	struct gh_levels levels;
	struct gh_slab nodes, subscribers;
	struct gh_slots edges; /* (parent, level) -> node */
	struct gh_slots owned; /* (session, node) -> subscriber */
	uint64_t seed;
	struct gh_interest *interest;
	unsigned worker;
	size_t count;
	size_t many_bytes;
	struct frontier now, next;
	struct gh_buf text;
};

static struct node *node_at(const struct gh_index *index, uint32_t node)
{
	return gh_slab_at(&index->nodes, node);
}

static struct gh_subscriber *subscriber_at(const struct gh_index *index, uint32_t subscriber)
{
	return gh_slab_at(&index->subscribers, subscriber);
}

struct gh_index *gh_index_new(const struct gh_hash_key *key, struct gh_interest *interest,
			      unsigned worker)
{
	struct gh_index *index = gh_zalloc(sizeof(*index));

	gh_levels_init(&index->levels, key);
	gh_slab_init(&index->nodes, sizeof(struct node));
	gh_slab_init(&index->subscribers, sizeof(struct gh_subscriber));
	index->seed = gh_siphash(key, "edges", 5);
	index->interest = interest;
	index->worker = worker;
	gh_slab_take(&index->nodes);
	gh_slab_take(&index->nodes);
	return index;
}

void gh_index_free(struct gh_index **index)
{
	struct gh_index *i = *index;

	if (!i)
		return;
	for (uint32_t n = 1; n < i->nodes.end; n++)
		if (node_at(i, n)->count > 1)
			free(node_at(i, n)->u.many);
	gh_levels_done(&i->levels);
	gh_slab_done(&i->nodes);
	gh_slab_done(&i->subscribers);
	gh_slots_done(&i->edges);
	gh_slots_done(&i->owned);
	free(i->now.nodes);
	free(i->next.nodes);
	gh_buf_done(&i->text);
	free(i);
	*index = NULL;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static uint32_t edge_hash(const struct gh_index *index, uint32_t parent, uint32_t level)
{
	return gh_slots_hash(index->seed, parent, level);
}

static uint32_t literal_child(const struct gh_index *index, uint32_t parent, uint32_t level)
{
	uint32_t hash = edge_hash(index, parent, level);
	uint32_t at, child = gh_slots_first(&index->edges, hash, &at);

	while (child) {
		const struct node *node = node_at(index, child);

		if (node->parent == parent && node->level == level)
			break;
		child = gh_slots_next(&index->edges, hash, &at);
	}
	return child;
}

static bool is(struct gh_str level, char wildcard)
{
	return level.n == 1 && level.p[0] == wildcard;
}

static uint32_t find_child(const struct gh_index *index, uint32_t parent, struct gh_str text)
{
	const struct node *node = node_at(index, parent);
	uint32_t level;

	if (is(text, '+'))
		return node->plus;
	if (is(text, '#'))
		return node->hash;
	level = node->children ? gh_levels_find(&index->levels, text) : 0;
	return level ? literal_child(index, parent, level) : NONE;
}

static uint32_t make_child(struct gh_index *index, uint32_t parent, struct gh_str text)
{
	uint32_t child = gh_slab_take(&index->nodes);

	node_at(index, child)->parent = parent;
	if (is(text, '+')) {
		node_at(index, parent)->plus = child;
	} else if (is(text, '#')) {
		node_at(index, parent)->hash = child;
	} else {
		uint32_t level = gh_levels_ref(&index->levels, text);

		node_at(index, child)->level = level;
		node_at(index, parent)->children++;
		gh_slots_add(&index->edges, edge_hash(index, parent, level), child);
	}
	return child;
}

static uint32_t find_node(const struct gh_index *index, struct gh_str filter, bool share)
{
	uint32_t node = share ? SHARES : TOPICS;
	struct gh_str level;

	while (node && gh_topic_level(&filter, &level))
		node = find_child(index, node, level);
	return node;
}

static uint32_t make_node(struct gh_index *index, struct gh_str filter, bool share)
{
	uint32_t node = share ? SHARES : TOPICS;
	struct gh_str level;

	while (gh_topic_level(&filter, &level)) {
		uint32_t child = find_child(index, node, level);

		node = child ? child : make_child(index, node, level);
	}
	return node;
}

static bool is_bare(const struct node *node)
{
	return !node->count && !node->children && !node->plus && !node->hash;
}

static void unlink_child(struct gh_index *index, uint32_t number, const struct node *node)
{
	struct node *parent = node_at(index, node->parent);

	if (node->level) {
		parent->children--;
		gh_slots_remove(&index->edges, edge_hash(index, node->parent, node->level), number);
		gh_levels_unref(&index->levels, node->level);
	} else if (parent->plus == number) {
		parent->plus = NONE;
	} else {
		parent->hash = NONE;
	}
}

/* Frees the node and its parents as far as they carry nothing. */
static void prune(struct gh_index *index, uint32_t number)
{
	while (number > SHARES && is_bare(node_at(index, number))) {
		uint32_t parent = node_at(index, number)->parent;

		unlink_child(index, number, node_at(index, number));
		gh_slab_give(&index->nodes, number);
		number = parent;
	}
}

/* ---- the text of a node ---------------------------------------------------------------------- */

static struct gh_str text_of(const struct gh_index *index, uint32_t number)
{
	const struct node *node = node_at(index, number);

	if (node->level)
		return gh_levels_text(&index->levels, node->level);
	return gh_str_n(node_at(index, node->parent)->plus == number ? "+" : "#", 1);
}

/* Written from its end to its begin, the way from a node to the root. */
static void put_filter(const struct gh_index *index, uint32_t number, struct gh_buf *out)
{
	size_t n = 0;
	uint8_t *at;

	for (uint32_t i = number; i > SHARES; i = node_at(index, i)->parent)
		n += text_of(index, i).n + 1;
	if (n == 0)
		return;
	at = gh_buf_reserve(out, n) + n;
	out->n += n - 1;
	for (uint32_t i = number; i > SHARES; i = node_at(index, i)->parent) {
		struct gh_str text = text_of(index, i);

		*--at = '/';
		at -= text.n;
		if (text.n)
			memcpy(at, text.p, text.n);
	}
}

void gh_index_filter(const struct gh_index *index, const struct gh_subscriber *subscriber,
		     struct gh_buf *out)
{
	put_filter(index, subscriber->place, out);
}

static void tell_interest(struct gh_index *index, uint32_t node, bool interested)
{
	struct gh_str filter;

	if (!index->interest)
		return;
	index->text.n = 0;
	put_filter(index, node, &index->text);
	filter = gh_str_n((const char *)index->text.p, index->text.n);
	if (interested)
		gh_interest_add(index->interest, index->worker, filter);
	else
		gh_interest_remove(index->interest, index->worker, filter);
}

/* ---- subscribers of a node ------------------------------------------------------------------- */

static void set_size(struct gh_index *index, struct node *node, uint32_t size)
{
	struct many *many = node->u.many;

	index->many_bytes -= many ? many->size * sizeof(uint32_t) : 0;
	index->many_bytes += size * sizeof(uint32_t);
	many = gh_realloc(many, sizeof(*many) + size * sizeof(uint32_t));
	many->size = size;
	node->u.many = many;
}

static void to_many(struct gh_index *index, struct node *node)
{
	uint32_t one = node->u.one;

	node->u.many = NULL;
	set_size(index, node, 4);
	node->u.many->subscribers[0] = one;
}

static void to_one(struct gh_index *index, struct node *node)
{
	uint32_t one = node->u.many->subscribers[0];

	index->many_bytes -= node->u.many->size * sizeof(uint32_t);
	free(node->u.many);
	node->u.one = one;
}

static void append(struct gh_index *index, struct node *node, uint32_t subscriber)
{
	subscriber_at(index, subscriber)->rank = node->count;
	if (node->count == 0) {
		node->u.one = subscriber;
	} else {
		if (node->count == 1)
			to_many(index, node);
		else if (node->count == node->u.many->size)
			set_size(index, node, node->count * 2);
		node->u.many->subscribers[node->count] = subscriber;
	}
	node->count++;
}

/* Its number; the last one takes its place. */
static uint32_t take_out(struct gh_index *index, struct node *node, uint32_t rank)
{
	uint32_t number, last;

	if (node->count == 1) {
		node->count = 0;
		return node->u.one;
	}
	number = node->u.many->subscribers[rank];
	last = node->u.many->subscribers[--node->count];
	node->u.many->subscribers[rank] = last;
	subscriber_at(index, last)->rank = rank;
	if (node->count == 1)
		to_one(index, node);
	else if (node->u.many->size > 4 && node->count < node->u.many->size / 4)
		set_size(index, node, node->u.many->size / 2);
	return number;
}

static struct gh_subscriber *add_subscriber(struct gh_index *index, uint32_t place, uint32_t *number_r)
{
	uint32_t number = gh_slab_take(&index->subscribers);
	struct gh_subscriber *subscriber = subscriber_at(index, number);

	subscriber->place = place;
	append(index, node_at(index, place), number);
	index->count++;
	*number_r = number;
	return subscriber;
}

static uint32_t owned_hash(const struct gh_index *index, const struct gh_session *session,
			   uint32_t place)
{
	return gh_slots_hash(index->seed, (uintptr_t)session, place);
}

static struct gh_subscriber *find_owned(const struct gh_index *index,
					const struct gh_session *session, uint32_t place)
{
	uint32_t hash = owned_hash(index, session, place);
	uint32_t at, number = gh_slots_first(&index->owned, hash, &at);

	for (; number; number = gh_slots_next(&index->owned, hash, &at)) {
		struct gh_subscriber *subscriber = subscriber_at(index, number);

		if (subscriber->who.session == session && subscriber->place == place)
			return subscriber;
	}
	return NULL;
}

/* ---- what others call ------------------------------------------------------------------------ */

struct gh_subscriber *gh_index_find(const struct gh_index *index, const struct gh_session *session,
				    struct gh_str filter, bool share)
{
	uint32_t place = find_node(index, filter, share);

	return place ? find_owned(index, session, place) : NULL;
}

struct gh_subscriber *gh_index_add(struct gh_index *index, struct gh_session *session,
				   struct gh_str filter, bool share, bool *new_r)
{
	uint32_t place = make_node(index, filter, share);
	struct gh_subscriber *subscriber = find_owned(index, session, place);
	uint32_t number;

	*new_r = !subscriber;
	if (subscriber)
		return subscriber;
	if (!share && node_at(index, place)->count == 0)
		tell_interest(index, place, true);
	subscriber = add_subscriber(index, place, &number);
	subscriber->who.session = session;
	subscriber->share = share;
	gh_list_append(&session->subscriptions, &subscriber->in_session);
	session->subscription_count++;
	gh_slots_add(&index->owned, owned_hash(index, session, place), number);
	return subscriber;
}

struct gh_subscriber *gh_index_add_group(struct gh_index *index, struct gh_group *group,
					 struct gh_str filter)
{
	uint32_t place = make_node(index, filter, false);
	struct gh_subscriber *subscriber;
	uint32_t number;

	if (node_at(index, place)->count == 0)
		tell_interest(index, place, true);
	subscriber = add_subscriber(index, place, &number);
	subscriber->who.group = group;
	subscriber->is_group = true;
	return subscriber;
}

static void disown(struct gh_index *index, struct gh_subscriber *subscriber, uint32_t number)
{
	struct gh_session *session = subscriber->who.session;

	gh_slots_remove(&index->owned, owned_hash(index, session, subscriber->place), number);
	gh_list_remove(&subscriber->in_session);
	session->subscription_count--;
}

void gh_index_remove(struct gh_index *index, struct gh_subscriber *subscriber)
{
	uint32_t place = subscriber->place;
	struct node *node = node_at(index, place);
	uint32_t number = take_out(index, node, subscriber->rank);

	if (!subscriber->is_group)
		disown(index, subscriber, number);
	if (!subscriber->share && node->count == 0)
		tell_interest(index, place, false);
	gh_slab_give(&index->subscribers, number);
	index->count--;
	prune(index, place);
}

size_t gh_index_count(const struct gh_index *index)
{
	return index->count;
}

size_t gh_index_bytes(const struct gh_index *index)
{
	size_t cells = (size_t)index->edges.size + index->owned.size;
	size_t frontiers = (size_t)index->now.size + index->next.size;

	return sizeof(*index) + gh_levels_bytes(&index->levels) + gh_slab_bytes(&index->nodes) +
	       gh_slab_bytes(&index->subscribers) + cells * sizeof(struct gh_slots_cell) +
	       index->many_bytes + frontiers * sizeof(uint32_t) + index->text.size;
}

/* ---- matching -------------------------------------------------------------------------------- */

struct report {
	gh_index_fn *fn;
	void *arg;
};

static void report_node(const struct gh_index *index, uint32_t number, const struct report *report)
{
	const struct node *node = node_at(index, number);

	if (node->count == 1)
		report->fn(report->arg, subscriber_at(index, node->u.one));
	else
		for (uint32_t i = 0; i < node->count; i++)
			report->fn(report->arg, subscriber_at(index, node->u.many->subscribers[i]));
}

static void push(struct frontier *frontier, uint32_t node)
{
	if (frontier->count == frontier->size) {
		frontier->size = frontier->size ? frontier->size * 2 : 16;
		frontier->nodes =
			gh_realloc_array(frontier->nodes, frontier->size, sizeof(*frontier->nodes));
	}
	frontier->nodes[frontier->count++] = node;
}

static void push_literal(struct gh_index *index, uint32_t parent, uint32_t level)
{
	uint32_t child = level ? literal_child(index, parent, level) : NONE;

	if (child)
		push(&index->next, child);
}

/* One level on: from index->now to index->next. A '$' topic has no wildcards in its first level. */
static void step(struct gh_index *index, struct gh_str text, bool wildcards,
		 const struct report *report)
{
	uint32_t level = 0;
	bool looked_up = false;

	index->next.count = 0;
	for (uint32_t i = 0; i < index->now.count; i++) {
		const struct node *node = node_at(index, index->now.nodes[i]);

		if (node->hash && wildcards)
			report_node(index, node->hash, report);
		if (node->plus && wildcards)
			push(&index->next, node->plus);
		if (!node->children)
			continue;
		if (!looked_up)
			level = gh_levels_find(&index->levels, text);
		looked_up = true;
		push_literal(index, index->now.nodes[i], level);
	}
}

static void swap(struct gh_index *index)
{
	struct frontier now = index->now;

	index->now = index->next;
	index->next = now;
}

void gh_index_match(struct gh_index *index, struct gh_str topic, gh_index_fn *fn, void *arg)
{
	const struct report report = { fn, arg };
	bool wildcards = topic.n && topic.p[0] != '$';
	struct gh_str rest = topic, level;

	index->now.count = 0;
	push(&index->now, TOPICS);
	while (index->now.count && gh_topic_level(&rest, &level)) {
		step(index, level, wildcards, &report);
		wildcards = true;
		swap(index);
	}
	for (uint32_t i = 0; i < index->now.count; i++) {
		uint32_t hash = node_at(index, index->now.nodes[i])->hash;

		report_node(index, index->now.nodes[i], &report);
		if (hash)
			report_node(index, hash, &report);
	}
}
