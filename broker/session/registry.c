/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions of one worker by client id. */
#include "session/registry.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/table.h"

#include <assert.h>
#include <stdlib.h>

struct gh_registry {
	struct gh_hash_key key;
	struct gh_table by_id;
	struct gh_node all; /* struct gh_registry_node: sessions, and the markers of walks */
};

struct gh_registry *gh_registry_new(const struct gh_hash_key *key)
{
	struct gh_registry *registry = gh_zalloc(sizeof(*registry));

	registry->key = *key;
	gh_list_init(&registry->all);
	return registry;
}

void gh_registry_free(struct gh_registry **registry)
{
	if (!*registry)
		return;
	assert(gh_list_empty(&(*registry)->all));
	gh_table_done(&(*registry)->by_id);
	free(*registry);
	*registry = NULL;
}

uint64_t gh_registry_hash(const struct gh_hash_key *key, struct gh_str client_id)
{
	return gh_siphash(key, client_id.p, client_id.n);
}

/* The low bits have chosen the worker, so that all sessions of one have them in common: the
 * table looks at others. */
static uint64_t table_hash(const struct gh_registry *registry, struct gh_str client_id)
{
	uint64_t hash = gh_registry_hash(&registry->key, client_id);

	return hash >> 32 | hash << 32;
}

static bool same(const void *element, const void *key)
{
	return gh_str_equal(gh_session_client_id(element), *(const struct gh_str *)key);
}

struct gh_session *gh_registry_find(const struct gh_registry *registry, struct gh_str client_id)
{
	return gh_table_find(&registry->by_id, table_hash(registry, client_id), same, &client_id);
}

void gh_registry_add(struct gh_registry *registry, struct gh_session *session)
{
	gh_table_add(&registry->by_id, table_hash(registry, gh_session_client_id(session)), session);
	gh_list_append(&registry->all, &session->in_registry.node);
}

void gh_registry_remove(struct gh_registry *registry, struct gh_session *session)
{
	gh_table_remove(&registry->by_id, table_hash(registry, gh_session_client_id(session)),
			session);
	gh_list_remove(&session->in_registry.node);
}

size_t gh_registry_count(const struct gh_registry *registry)
{
	return registry->by_id.count;
}

void gh_registry_walk_begin(struct gh_registry *registry, struct gh_registry_walk *walk)
{
	walk->marker.marker = true;
	gh_list_init(&walk->marker.node);
	gh_list_insert_before(registry->all.next, &walk->marker.node);
}

static struct gh_session *session_of(struct gh_node *node)
{
	struct gh_registry_node *in = gh_container(node, struct gh_registry_node, node);

	return in->marker ? NULL : gh_container(in, struct gh_session, in_registry);
}

/* The marker stands behind the session that was told last: whatever is freed, it stays where it
 * is. */
struct gh_session *gh_registry_walk_next(struct gh_registry *registry, struct gh_registry_walk *walk)
{
	struct gh_node *marker = &walk->marker.node;

	while (!gh_list_empty(marker) && marker->next != &registry->all) {
		struct gh_node *node = marker->next;
		struct gh_session *session = session_of(node);

		gh_list_remove(marker);
		gh_list_insert_before(node->next, marker);
		if (session)
			return session;
	}
	gh_list_remove(marker);
	return NULL;
}

void gh_registry_walk_end(struct gh_registry_walk *walk)
{
	gh_list_remove(&walk->marker.node);
}
