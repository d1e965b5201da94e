/* SPDX-License-Identifier: Apache-2.0 */
/* Failed logins counted in a fixed table: eight entries a bucket, the lightest gives way. */
#include "limit/penalty.h"

#include "base/mem.h"
#include "base/siphash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PENALTY_SHARDS       64
#define PENALTY_WAYS         8
#define PENALTY_MIN_ENTRIES  1024
/* More doublings than this reach every maximum there can be. */
#define PENALTY_MAX_FAILURES 32

struct penalty {
	uint64_t key; /* a keyed hash of kind and subject; 0: free */
	uint32_t at;  /* when `failures` held: units of decay_ms since the start of the clock */
	uint32_t failures;
};

struct penalty_shard {
	pthread_mutex_t lock;
	struct penalty *entries;
};

struct gh_penalties {
	struct gh_hash_key hash_key;
	/* Written under the locks of all shards, read under any one. */
	struct gh_penalty_settings settings;
	uint32_t buckets; /* of a shard, a power of two */
	struct penalty_shard shards[PENALTY_SHARDS];
};

/* What is hashed begins with the kind, so that an address never meets a user name. */
enum penalty_kind { PENALTY_ADDRESS = 1, PENALTY_USER = 2 };

static uint64_t hash_address(const struct gh_penalties *penalties, const uint8_t ip[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t text[17] = { PENALTY_ADDRESS };

	/* Whoever has one IPv6 address has its /64. */
	memcpy(text + 1, ip, memcmp(ip, mapped, sizeof mapped) ? 8 : 16);
	return gh_siphash(&penalties->hash_key, text, sizeof text) | 1;
}

static uint64_t hash_user(const struct gh_penalties *penalties, struct gh_bytes user)
{
	/* A name's hash and its kind hashed once more: no copy of a name as long as a peer
	 * likes. */
	uint64_t inner[2] = { PENALTY_USER, gh_siphash(&penalties->hash_key, user.p, user.n) };

	return gh_siphash(&penalties->hash_key, inner, sizeof inner) | 1;
}

static struct penalty_shard *shard_of(struct gh_penalties *penalties, uint64_t key)
{
	return &penalties->shards[key >> 58];
}

static uint32_t failures_left(const struct penalty *entry, uint32_t now)
{
	uint32_t passed = now - entry->at;

	return entry->key && entry->failures > passed ? entry->failures - passed : 0;
}

/* The entry of this key, or the one with the least left, which is then taken over. */
static struct penalty *find(const struct gh_penalties *penalties, struct penalty_shard *shard,
			    uint64_t key, uint32_t now)
{
	uint32_t bucket = (uint32_t)(key >> 8) & (penalties->buckets - 1);
	struct penalty *entry = shard->entries + (size_t)bucket * PENALTY_WAYS, *least = entry;

	for (int i = 0; i < PENALTY_WAYS; i++) {
		if (entry[i].key == key)
			return &entry[i];
		if (failures_left(&entry[i], now) < failures_left(least, now))
			least = &entry[i];
	}
	*least = (struct penalty){ .key = key, .at = now };
	return least;
}

static uint32_t delay_of(const struct gh_penalty_settings *settings, uint32_t failures)
{
	uint64_t delay;

	if (!failures)
		return 0;
	delay = (uint64_t)settings->base_ms << (failures - 1 < 31 ? failures - 1 : 31);
	return delay < settings->max_ms ? (uint32_t)delay : settings->max_ms;
}

static uint32_t fail_one(struct gh_penalties *penalties, uint64_t key, uint64_t now_ms)
{
	struct penalty_shard *shard = shard_of(penalties, key);
	struct penalty *entry;
	uint32_t now, delay;

	pthread_mutex_lock(&shard->lock);
	now = (uint32_t)(now_ms / penalties->settings.decay_ms);
	entry = find(penalties, shard, key, now);
	entry->failures = failures_left(entry, now);
	if (entry->failures < PENALTY_MAX_FAILURES)
		entry->failures++;
	entry->at = now;
	delay = delay_of(&penalties->settings, entry->failures);
	pthread_mutex_unlock(&shard->lock);
	return delay;
}

uint32_t gh_penalties_fail(struct gh_penalties *penalties, const uint8_t ip[16],
			   struct gh_bytes user, uint64_t now_ms)
{
	static const uint8_t none[16];
	uint32_t by_address = 0, by_user = 0;

	if (memcmp(ip, none, sizeof none))
		by_address = fail_one(penalties, hash_address(penalties, ip), now_ms);
	if (user.n)
		by_user = fail_one(penalties, hash_user(penalties, user), now_ms);
	return by_address > by_user ? by_address : by_user;
}

void gh_penalties_succeed(struct gh_penalties *penalties, struct gh_bytes user)
{
	uint64_t key = hash_user(penalties, user);
	struct penalty_shard *shard = shard_of(penalties, key);
	uint32_t bucket = (uint32_t)(key >> 8) & (penalties->buckets - 1);
	struct penalty *entry = shard->entries + (size_t)bucket * PENALTY_WAYS;

	pthread_mutex_lock(&shard->lock);
	for (int i = 0; i < PENALTY_WAYS; i++)
		if (entry[i].key == key)
			entry[i] = (struct penalty){ 0 };
	pthread_mutex_unlock(&shard->lock);
}

struct gh_penalties *gh_penalties_new(const struct gh_penalty_settings *settings)
{
	struct gh_penalties *penalties = gh_zalloc(sizeof *penalties);
	uint32_t entries = PENALTY_MIN_ENTRIES;

	while (entries < settings->entries && entries < UINT32_C(1) << 30)
		entries *= 2;
	gh_hash_key_init(&penalties->hash_key);
	penalties->settings = *settings;
	penalties->buckets = entries / PENALTY_SHARDS / PENALTY_WAYS;
	for (int i = 0; i < PENALTY_SHARDS; i++) {
		struct penalty_shard *shard = &penalties->shards[i];

		pthread_mutex_init(&shard->lock, NULL);
		shard->entries =
			gh_zalloc((size_t)penalties->buckets * PENALTY_WAYS * sizeof *shard->entries);
	}
	return penalties;
}

void gh_penalties_free(struct gh_penalties **penalties_)
{
	struct gh_penalties *penalties = *penalties_;

	if (!penalties)
		return;
	for (int i = 0; i < PENALTY_SHARDS; i++) {
		pthread_mutex_destroy(&penalties->shards[i].lock);
		free(penalties->shards[i].entries);
	}
	free(penalties);
	*penalties_ = NULL;
}

void gh_penalties_configure(struct gh_penalties *penalties, const struct gh_penalty_settings *settings)
{
	for (int i = 0; i < PENALTY_SHARDS; i++)
		pthread_mutex_lock(&penalties->shards[i].lock);
	if (settings->decay_ms != penalties->settings.decay_ms)
		for (int i = 0; i < PENALTY_SHARDS; i++) /* times are in units of it */
			memset(penalties->shards[i].entries, 0,
			       (size_t)penalties->buckets * PENALTY_WAYS * sizeof(struct penalty));
	penalties->settings = *settings;
	for (int i = 0; i < PENALTY_SHARDS; i++)
		pthread_mutex_unlock(&penalties->shards[i].lock);
}
