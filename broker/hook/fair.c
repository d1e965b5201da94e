/* SPDX-License-Identifier: Apache-2.0 */
/* Round robin over source addresses. */
#include "hook/fair.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct gh_fair_source {
	struct gh_node node; /* in the ring */
	struct gh_node queue;
	size_t count;
	uint64_t hash;
	uint8_t ip[16];
};

void gh_fair_init(struct gh_fair *fair, size_t max, size_t max_each)
{
	memset(fair, 0, sizeof(*fair));
	gh_list_init(&fair->ring);
	gh_hash_key_init(&fair->key);
	fair->max = max;
	fair->max_each = max_each;
}

void gh_fair_done(struct gh_fair *fair)
{
	gh_list_each(&fair->ring, it, next) free(gh_container(it, struct gh_fair_source, node));
	gh_table_done(&fair->sources);
}

/* Whoever has an IPv6 address has 2^64 of them. */
static void source_key(const uint8_t ip[16], uint8_t key[16])
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	memcpy(key, ip, 16);
	if (memcmp(ip, mapped, sizeof(mapped)) != 0)
		memset(key + 8, 0, 8);
}

static bool same(const void *element, const void *key)
{
	return memcmp(((const struct gh_fair_source *)element)->ip, key, 16) == 0;
}

static struct gh_fair_source *source_of(struct gh_fair *fair, const uint8_t ip[16])
{
	uint8_t key[16];
	struct gh_fair_source *source;
	uint64_t hash;

	source_key(ip, key);
	hash = gh_siphash(&fair->key, key, sizeof(key));
	source = gh_table_find(&fair->sources, hash, same, key);
	if (source)
		return source;
	source = gh_zalloc(sizeof(*source));
	memcpy(source->ip, key, sizeof(key));
	source->hash = hash;
	gh_list_init(&source->queue);
	gh_list_append(&fair->ring, &source->node);
	gh_table_add(&fair->sources, hash, source);
	return source;
}

static void took(struct gh_fair *fair, struct gh_fair_source *source)
{
	fair->count--;
	if (--source->count > 0)
		return;
	gh_list_remove(&source->node);
	gh_table_remove(&fair->sources, source->hash, source);
	free(source);
}

bool gh_fair_push(struct gh_fair *fair, const uint8_t ip[16], struct gh_fair_node *node)
{
	struct gh_fair_source *source;

	if (fair->count >= fair->max)
		return false;
	source = source_of(fair, ip);
	if (source->count >= fair->max_each)
		return false;
	gh_list_append(&source->queue, &node->node);
	node->source = source;
	source->count++;
	fair->count++;
	return true;
}

void gh_fair_push_first(struct gh_fair *fair, const uint8_t ip[16], struct gh_fair_node *node)
{
	struct gh_fair_source *source = source_of(fair, ip);

	gh_list_insert_before(source->queue.next, &node->node);
	node->source = source;
	source->count++;
	fair->count++;
}

struct gh_fair_node *gh_fair_pop(struct gh_fair *fair)
{
	struct gh_fair_source *source;
	struct gh_fair_node *node;

	if (gh_list_empty(&fair->ring))
		return NULL;
	source = gh_container(fair->ring.next, struct gh_fair_source, node);
	node = gh_container(source->queue.next, struct gh_fair_node, node);
	gh_list_remove(&node->node);
	node->source = NULL;
	/* To the end of the ring: the others come first. */
	gh_list_remove(&source->node);
	gh_list_append(&fair->ring, &source->node);
	took(fair, source);
	return node;
}

bool gh_fair_remove(struct gh_fair *fair, struct gh_fair_node *node)
{
	struct gh_fair_source *source = node->source;

	if (!source)
		return false;
	gh_list_remove(&node->node);
	node->source = NULL;
	took(fair, source);
	return true;
}
