/* SPDX-License-Identifier: Apache-2.0 */
/* The retained messages of the broker, locked in shards, counted and bounded over all of them. */
#include "route/retained_priv.h"

#include "base/mem.h"

#include <gatehouse/lib.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS 32u

struct gh_retained {
	struct gh_hash_key key;
	_Atomic uint64_t count, bytes;
	_Atomic uint64_t max_count, max_bytes;
	const struct gh_retained_keeper *keeper; /* NULL: none */
	void *keeper_arg;
	struct retained_shard shards[SHARDS];
};

struct gh_retained *gh_retained_new(const struct gh_hash_key *key,
				    const struct gh_retained_limits *limits)
{
	struct gh_retained *retained = gh_zalloc(sizeof(*retained));

	retained->key = *key;
	for (uint32_t i = 0; i < SHARDS; i++)
		retained_shard_init(&retained->shards[i], key);
	gh_retained_set_limits(retained, limits);
	return retained;
}

void gh_retained_free(struct gh_retained **retained)
{
	if (!*retained)
		return;
	for (uint32_t i = 0; i < SHARDS; i++)
		retained_shard_done(&(*retained)->shards[i]);
	free(*retained);
	*retained = NULL;
}

void gh_retained_set_limits(struct gh_retained *retained, const struct gh_retained_limits *limits)
{
	atomic_store(&retained->max_count, limits->count);
	atomic_store(&retained->max_bytes, limits->bytes);
}

void gh_retained_keep(struct gh_retained *retained, const struct gh_retained_keeper *keeper, void *arg)
{
	retained->keeper = keeper;
	retained->keeper_arg = arg;
}

uint64_t gh_retained_count(const struct gh_retained *retained)
{
	return atomic_load(&retained->count);
}

uint64_t gh_retained_bytes(const struct gh_retained *retained)
{
	return atomic_load(&retained->bytes);
}

/* ---- the bounds ------------------------------------------------------------------------------ */

/* Takes `n` more of a total, unless it would be above max then. */
static bool take(_Atomic uint64_t *total, uint64_t n, uint64_t max)
{
	uint64_t now = atomic_load(total);

	do {
		if (n > 0 && (now > max || n > max - now))
			return false;
	} while (!atomic_compare_exchange_weak(total, &now, now + n));
	return true;
}

static bool charge(struct gh_retained *retained, uint64_t count, uint64_t bytes)
{
	if (!take(&retained->count, count, atomic_load(&retained->max_count)))
		return false;
	if (take(&retained->bytes, bytes, atomic_load(&retained->max_bytes)))
		return true;
	atomic_fetch_sub(&retained->count, count);
	return false;
}

static void refund(struct gh_retained *retained, uint64_t count, uint64_t bytes)
{
	atomic_fetch_sub(&retained->count, count);
	atomic_fetch_sub(&retained->bytes, bytes);
}

/* ---- one topic ------------------------------------------------------------------------------- */

/* Locked. The first level alone chooses, so that a filter with a literal one needs one shard.
 * Other bits than those that the shard's own tables look at. */
static struct retained_shard *lock_shard(struct gh_retained *retained, struct gh_str topic)
{
	struct retained_shard *shard;
	struct gh_str level = { "", 0 };

	gh_topic_level(&topic, &level);
	shard = &retained->shards[(gh_siphash(&retained->key, level.p, level.n) >> 40) % SHARDS];
	pthread_mutex_lock(&shard->lock);
	return shard;
}

static void unlock(struct retained_shard *shard)
{
	pthread_mutex_unlock(&shard->lock);
}

static int keep(const struct gh_retained *retained, const struct gh_publication *publication)
{
	return retained->keeper ? retained->keeper->put(retained->keeper_arg, publication) : 0;
}

/* What was there, superseded, for the caller to unref once it doesn't hold the lock any more. rc_r: what the keeper said. */
static struct gh_publication *take_out(struct gh_retained *retained, struct retained_shard *shard,
				       uint32_t node, int *rc_r)
{
	struct gh_publication *old = retained_node(shard, node)->publication;

	atomic_store_explicit(&old->superseded, true, memory_order_release);
	retained_node(shard, node)->publication = NULL;
	refund(retained, 1, gh_publication_cost(old) + retained_prune(shard, node));
	*rc_r = retained->keeper
			? retained->keeper->erase(retained->keeper_arg, gh_publication_topic(old))
			: 0;
	return old;
}

static enum gh_retained_result erase_topic(struct gh_retained *retained, struct gh_str topic)
{
	struct retained_shard *shard = lock_shard(retained, topic);
	uint32_t node = retained_find(shard, topic);
	struct gh_publication *old = NULL;
	int rc = 0;

	if (node && retained_node(shard, node)->publication)
		old = take_out(retained, shard, node, &rc);
	else if (retained->keeper) /* one that it has failed to forget is there still */
		rc = retained->keeper->erase(retained->keeper_arg, topic);
	unlock(shard);
	if (!old)
		return rc ? GH_RETAINED_UNKEPT : GH_RETAINED_NOTHING;
	gh_publication_unref(&old);
	return rc ? GH_RETAINED_UNKEPT : GH_RETAINED_ERASED;
}

static bool charge_new(struct gh_retained *retained, const struct retained_shard *shard,
		       struct gh_publication *publication)
{
	uint64_t tree = retained_missing(shard, gh_publication_topic(publication));

	return charge(retained, 1, gh_publication_cost(publication) + tree);
}

/* A replacement may be above the limits, if it isn't larger than what was there. */
static bool charge_instead(struct gh_retained *retained, const struct gh_publication *old,
			   const struct gh_publication *publication)
{
	uint64_t before = gh_publication_cost(old), after = gh_publication_cost(publication);

	if (after > before)
		return charge(retained, 0, after - before);
	refund(retained, 0, before - after);
	return true;
}

static void store(struct retained_shard *shard, uint32_t node, struct gh_publication *publication)
{
	atomic_store_explicit(&publication->superseded, false, memory_order_release);
	retained_node(shard, node)->publication = gh_publication_ref(publication);
}

/* Locked. *old_r: what it took the place of, or NULL. */
static bool replace(struct gh_retained *retained, struct retained_shard *shard,
		    struct gh_publication *publication, struct gh_publication **old_r)
{
	struct gh_str topic = gh_publication_topic(publication);
	uint32_t node = retained_find(shard, topic);
	struct gh_publication *old = node ? retained_node(shard, node)->publication : NULL;

	*old_r = NULL;
	if (old == publication)
		return true;
	if (!(old ? charge_instead(retained, old, publication)
		  : charge_new(retained, shard, publication)))
		return false;
	if (old)
		atomic_store_explicit(&old->superseded, true, memory_order_release);
	store(shard, node ? node : retained_make(shard, topic), publication);
	*old_r = old;
	return true;
}

enum gh_retained_result gh_retained_set(struct gh_retained *retained,
					struct gh_publication *publication)
{
	struct gh_str topic = gh_publication_topic(publication);
	struct retained_shard *shard;
	struct gh_publication *old;
	bool stored;
	int rc = 0;

	if (publication->payload_n == 0)
		return erase_topic(retained, topic);
	shard = lock_shard(retained, topic);
	stored = replace(retained, shard, publication, &old);
	if (stored)
		rc = keep(retained, publication);
	unlock(shard);
	gh_publication_unref(&old);
	if (rc)
		return GH_RETAINED_UNKEPT;
	return stored ? GH_RETAINED_STORED : GH_RETAINED_FULL;
}

struct gh_publication *gh_retained_get(struct gh_retained *retained, struct gh_str topic, uint64_t now)
{
	struct retained_shard *shard = lock_shard(retained, topic);
	uint32_t node = retained_find(shard, topic);
	struct gh_publication *found = node ? retained_node(shard, node)->publication : NULL;

	if (found && gh_publication_expired(found, now))
		found = NULL;
	if (found)
		gh_publication_ref(found);
	unlock(shard);
	return found;
}

/* ---- many topics ----------------------------------------------------------------------------- */

void gh_retained_list_add(struct gh_retained_list *list, struct gh_publication *publication)
{
	if (list->count == list->size) {
		list->size = list->size ? list->size * 2 : 8;
		list->publications = gh_realloc_array(list->publications, list->size,
						      sizeof(*list->publications));
	}
	list->publications[list->count++] = publication;
}

void gh_retained_list_done(struct gh_retained_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		gh_publication_unref(&list->publications[i]);
	free(list->publications);
	*list = (struct gh_retained_list){ 0 };
}

static bool first_is_wildcard(struct gh_str filter)
{
	return filter.n && (filter.p[0] == '+' || filter.p[0] == '#');
}

bool gh_retained_match(struct gh_retained *retained, struct gh_str filter, uint64_t now,
		       struct gh_retained_list *list, size_t *work)
{
	if (!first_is_wildcard(filter)) {
		struct retained_shard *shard = lock_shard(retained, filter);

		retained_collect(shard, filter, now, list, work);
		unlock(shard);
		return *work > 0;
	}
	for (uint32_t i = 0; i < SHARDS && *work; i++) {
		pthread_mutex_lock(&retained->shards[i].lock);
		retained_collect(&retained->shards[i], filter, now, list, work);
		unlock(&retained->shards[i]);
	}
	return *work > 0;
}

/* The places of a shard from cursor->place on, at most `limit`; how many were left of the limit.
 * Expired ones go to `old`. */
static uint32_t walk_shard(struct gh_retained *retained, struct gh_retained_cursor *cursor,
			   uint32_t limit, uint64_t now, struct gh_retained_list *lists)
{
	struct retained_shard *shard = &retained->shards[cursor->shard];
	int rc; /* whoever has failed to forget what is over will find it over */

	while (limit && cursor->place < shard->nodes.end) {
		struct gh_publication *found =
			cursor->place ? retained_node(shard, cursor->place)->publication : NULL;

		if (found && gh_publication_expired(found, now))
			gh_retained_list_add(&lists[1],
					     take_out(retained, shard, cursor->place, &rc));
		else if (found)
			gh_retained_list_add(&lists[0], gh_publication_ref(found));
		cursor->place++;
		limit--;
	}
	if (cursor->place >= shard->nodes.end) {
		cursor->place = 0;
		cursor->shard++;
	}
	return limit;
}

bool gh_retained_walk(struct gh_retained *retained, struct gh_retained_cursor *cursor,
		      uint32_t limit, uint64_t now, struct gh_retained_list *list)
{
	struct gh_retained_list lists[2] = { *list, { 0 } };

	while (limit && cursor->shard < SHARDS) {
		struct retained_shard *shard = &retained->shards[cursor->shard];

		pthread_mutex_lock(&shard->lock);
		limit = walk_shard(retained, cursor, limit, now, lists);
		unlock(shard);
	}
	*list = lists[0];
	gh_retained_list_done(&lists[1]);
	return cursor->shard < SHARDS;
}
