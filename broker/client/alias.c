/* SPDX-License-Identifier: Apache-2.0 */
/* Topic aliases of one connection, in both directions. */
#include "client/alias.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "base/str.h"
#include "base/table.h"

#include <stdlib.h>

void gh_alias_in_done(struct gh_alias_in *in)
{
	for (uint16_t i = 0; i < in->size; i++)
		free((void *)(uintptr_t)in->topics[i].p);
	free(in->topics);
	*in = (struct gh_alias_in){ 0 };
}

static void grow(struct gh_alias_in *in, uint16_t size)
{
	in->topics = gh_realloc_array(in->topics, size, sizeof(*in->topics));
	memset(in->topics + in->size, 0, (size_t)(size - in->size) * sizeof(*in->topics));
	in->size = size;
}

void gh_alias_in_set(struct gh_alias_in *in, uint16_t alias, struct gh_str topic)
{
	struct gh_str *slot;

	if (alias > in->size)
		grow(in, alias);
	slot = &in->topics[alias - 1];
	if (gh_str_equal(*slot, topic))
		return;
	free((void *)(uintptr_t)slot->p);
	*slot = gh_str_n(gh_str_dup(topic), topic.n);
}

bool gh_alias_in_get(const struct gh_alias_in *in, uint16_t alias, struct gh_str *topic_r)
{
	if (alias == 0 || alias > in->size || !in->topics[alias - 1].p)
		return false;
	*topic_r = in->topics[alias - 1];
	return true;
}

struct entry {
	struct gh_node recent;
	uint64_t hash;
	uint16_t alias, n;
	char topic[];
};

/* An alias costs 3 bytes a message beside the two of an empty topic's length: below that it saves nothing. */
#define WORTH_IT 6u

struct gh_alias_out {
	struct gh_table by_topic;
	struct gh_node recent; /* most recently used first */
	uint16_t max, count;
};

struct gh_alias_out *gh_alias_out_new(uint16_t max)
{
	struct gh_alias_out *out;

	if (max == 0)
		return NULL;
	out = gh_zalloc(sizeof(*out));
	out->max = max;
	gh_list_init(&out->recent);
	return out;
}

static void drop(struct gh_alias_out *out, struct entry *entry)
{
	gh_table_remove(&out->by_topic, entry->hash, entry);
	gh_list_remove(&entry->recent);
	free(entry);
}

void gh_alias_out_free(struct gh_alias_out **out)
{
	struct gh_alias_out *o = *out;

	if (!o)
		return;
	gh_list_each(&o->recent, it, next) free(gh_container(it, struct entry, recent));
	gh_table_done(&o->by_topic);
	free(o);
	*out = NULL;
}

static bool same(const void *element, const void *key)
{
	const struct entry *entry = element;

	return gh_str_equal(gh_str_n(entry->topic, entry->n), *(const struct gh_str *)key);
}

static uint16_t next_alias(struct gh_alias_out *out)
{
	struct entry *oldest;
	uint16_t alias;

	if (out->count < out->max)
		return ++out->count;
	oldest = gh_container(out->recent.prev, struct entry, recent);
	alias = oldest->alias;
	drop(out, oldest);
	return alias;
}

static uint16_t learn(struct gh_alias_out *out, uint64_t hash, struct gh_str topic)
{
	uint16_t alias = next_alias(out);
	struct entry *entry = gh_alloc(sizeof(*entry) + topic.n);

	entry->hash = hash;
	entry->alias = alias;
	entry->n = (uint16_t)topic.n;
	memcpy(entry->topic, topic.p, topic.n);
	gh_list_insert_before(out->recent.next, &entry->recent);
	gh_table_add(&out->by_topic, hash, entry);
	return alias;
}

uint16_t gh_alias_out_use(struct gh_alias_out *out, const struct gh_hash_key *key,
			  struct gh_str topic, bool *known_r)
{
	struct entry *entry;
	uint64_t hash;

	*known_r = false;
	if (!out || topic.n < WORTH_IT)
		return 0;
	hash = gh_siphash(key, topic.p, topic.n);
	entry = gh_table_find(&out->by_topic, hash, same, &topic);
	if (!entry)
		return learn(out, hash, topic);
	*known_r = true;
	gh_list_remove(&entry->recent);
	gh_list_insert_before(out->recent.next, &entry->recent);
	return entry->alias;
}
