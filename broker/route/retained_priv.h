/* SPDX-License-Identifier: Apache-2.0 */
/* One shard of the retained store: a tree of topics. Its caller holds the lock. Private to
 * retained*.c. */
#ifndef GH_ROUTE_RETAINED_PRIV_H
#define GH_ROUTE_RETAINED_PRIV_H

#include "route/levels.h"
#include "route/retained.h"

#include <pthread.h>

/* { 0 } but for lock and levels; the root is made with the first message. */
struct retained_shard {
	pthread_mutex_t lock;
	struct gh_levels levels;
	struct gh_slab nodes;
	struct gh_slots edges; /* (parent, level) -> node */
	uint64_t seed;
};

enum { RETAINED_ROOT = 1 };

struct retained_node {
	uint32_t parent; /* 0: the root */
	uint32_t level;
	uint32_t first;      /* child */
	uint32_t next, prev; /* of the same parent */
	struct gh_publication *publication;
};

static inline struct retained_node *retained_node(const struct retained_shard *shard, uint32_t node)
{
	return gh_slab_at(&shard->nodes, node);
}

void retained_shard_init(struct retained_shard *shard, const struct gh_hash_key *key);
void retained_shard_done(struct retained_shard *shard);

/* 0: there is no such child. */
uint32_t retained_child(const struct retained_shard *shard, uint32_t parent, uint32_t level);
/* 0: no such topic, though others may have it as prefix. */
uint32_t retained_find(const struct retained_shard *shard, struct gh_str topic);
/* Memory that the nodes which retained_make() would make take. */
uint64_t retained_missing(const struct retained_shard *shard, struct gh_str topic);
uint32_t retained_make(struct retained_shard *shard, struct gh_str topic);
/* Frees the node and its parents as far as they carry nothing; the memory that this gave back. */
uint64_t retained_prune(struct retained_shard *shard, uint32_t node);

/* Appends references of what matches in this shard. Each node that is visited costs one of *work; at 0 it stops. */
void retained_collect(const struct retained_shard *shard, struct gh_str filter, uint64_t now,
		      struct gh_retained_list *list, size_t *work);

#endif
