/* SPDX-License-Identifier: Apache-2.0 */
/* The retained messages of the broker: one a topic, all threads', locked in shards. */
#ifndef GH_ROUTE_RETAINED_H
#define GH_ROUTE_RETAINED_H

#include "base/siphash.h"
#include "session/publication.h"

/*
 * Sharded by the first level of the topic; each shard is a tree by level under one mutex, which is
 * held for one operation on it (a match with a wildcard in the first level visits the shards one
 * after another).
 *
 * Order of work, so that no subscriber is left with an old value: a SUBSCRIBE first adds to the
 * index (and interest table), then matches here; a PUBLISH first sets here, then routes. What is
 * replaced or erased is marked superseded before the call returns.
 */
struct gh_retained;

/* UINT64_MAX: unlimited. bytes: gh_publication_cost() plus what the topic takes in the tree. */
struct gh_retained_limits {
	uint64_t count, bytes;
};

struct gh_retained *gh_retained_new(const struct gh_hash_key *key,
				    const struct gh_retained_limits *limits);
void gh_retained_free(struct gh_retained **retained);

/* A reload. What is there already stays, also when it is more. */
void gh_retained_set_limits(struct gh_retained *retained, const struct gh_retained_limits *limits);

/* Told of each change of what is retained, under the lock of its topic, so in the order that holds. 0, or an error. */
struct gh_retained_keeper {
	int (*put)(void *arg, const struct gh_publication *publication);
	int (*erase)(void *arg, struct gh_str topic);
};
/* Before there are other threads. keeper NULL: nobody is told, as at first. */
void gh_retained_keep(struct gh_retained *retained, const struct gh_retained_keeper *keeper,
		      void *arg);

enum gh_retained_result {
	GH_RETAINED_STORED,
	GH_RETAINED_ERASED,  /* the payload was empty, and there was one [MQTT-3.3.1-6, -7] */
	GH_RETAINED_NOTHING, /* the payload was empty, and there was none */
	GH_RETAINED_UNKEPT,  /* stored or erased, and the keeper has failed */
	GH_RETAINED_FULL     /* refused: one of the limits; what was there is there still (0x97) */
};

/* Takes a reference of its own if stored. */
enum gh_retained_result gh_retained_set(struct gh_retained *retained,
					struct gh_publication *publication);

/* A reference, or NULL: none, or expired at now (monotonic ms). */
struct gh_publication *gh_retained_get(struct gh_retained *retained, struct gh_str topic,
				       uint64_t now);

/* { 0 } is empty; references in an array from malloc. */
struct gh_retained_list {
	struct gh_publication **publications;
	size_t count, size;
};
/* Takes over the reference. */
void gh_retained_list_add(struct gh_retained_list *list, struct gh_publication *publication);
void gh_retained_list_done(struct gh_retained_list *list); /* drops all, leaves an empty one */

/* Appends a reference of each message whose topic matches and that isn't expired; wildcards of
 * the first level don't match '$...' [MQTT-4.7.2-1]. Doesn't recurse. Without a wildcard: the one
 * message. *work: places of the trees that may be visited, less those that were; at 0 it gives up
 * (false, the list is incomplete): go through all in slices, by gh_retained_walk(). */
bool gh_retained_match(struct gh_retained *retained, struct gh_str filter, uint64_t now,
		       struct gh_retained_list *list, size_t *work);

/*
 * A walk in slices: everything that is stored from begin to end comes exactly once. What is expired
 * is erased on the way, not told. { 0 } is its begin.
 */
struct gh_retained_cursor {
	uint32_t shard, place;
};
/* Goes through about `limit` places and appends references of what it finds; true: there is
 * more. */
bool gh_retained_walk(struct gh_retained *retained, struct gh_retained_cursor *cursor,
		      uint32_t limit, uint64_t now, struct gh_retained_list *list);

uint64_t gh_retained_count(const struct gh_retained *retained);
uint64_t gh_retained_bytes(const struct gh_retained *retained);

#endif
