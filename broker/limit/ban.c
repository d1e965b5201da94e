/* SPDX-License-Identifier: Apache-2.0 */
/* Who is banned, and for how long. */
#include "limit/ban.h"

#include "base/mem.h"
#include "base/siphash.h"
#include "base/table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTHS 129u

struct ban {
	uint64_t until_ms, hash;
	struct gh_ban_key key;
	char *why;
	char text[];
};

struct gh_bans {
	atomic_uint count; /* read without the lock: nobody is banned */
	struct gh_hash_key hash_key;
	pthread_mutex_t lock; /* of all below */
	struct gh_table table;
	uint32_t max;
	uint64_t first_end;        /* none ends earlier */
	uint32_t lengths[LENGTHS]; /* how many prefixes there are of each */
};

struct gh_bans *gh_bans_new(uint32_t max)
{
	struct gh_bans *bans = gh_zalloc(sizeof(*bans));

	gh_hash_key_init(&bans->hash_key);
	pthread_mutex_init(&bans->lock, NULL);
	bans->max = max;
	bans->first_end = UINT64_MAX;
	return bans;
}

static void ban_free(struct ban *ban)
{
	free(ban->why);
	free(ban);
}

void gh_bans_free(struct gh_bans **bans)
{
	struct gh_bans *gone = *bans;
	struct ban *ban;

	*bans = NULL;
	if (!gone)
		return;
	for (size_t i = 0; (ban = gh_table_next(&gone->table, &i));)
		ban_free(ban);
	gh_table_done(&gone->table);
	pthread_mutex_destroy(&gone->lock);
	free(gone);
}

void gh_bans_set_max(struct gh_bans *bans, uint32_t max)
{
	pthread_mutex_lock(&bans->lock);
	bans->max = max;
	pthread_mutex_unlock(&bans->lock);
}

/* ---- the table; locked ---- */

static uint64_t hash_of(const struct gh_bans *bans, const struct gh_ban_key *key)
{
	uint64_t hash = key->kind == GH_ADDRESS
				? gh_siphash(&bans->hash_key, &key->prefix, sizeof(key->prefix))
				: gh_siphash(&bans->hash_key, key->text, strlen(key->text));

	return hash ^ (uint64_t)key->kind * 0x9E3779B97F4A7C15u;
}

static bool same(const void *element, const void *key)
{
	const struct gh_ban_key *a = &((const struct ban *)element)->key, *b = key;

	if (a->kind != b->kind)
		return false;
	if (a->kind == GH_ADDRESS)
		return a->prefix.bits == b->prefix.bits &&
		       memcmp(a->prefix.ip, b->prefix.ip, sizeof(a->prefix.ip)) == 0;
	return strcmp(a->text, b->text) == 0;
}

static void remove_ban(struct gh_bans *bans, struct ban *ban)
{
	gh_table_remove(&bans->table, ban->hash, ban);
	if (ban->key.kind == GH_ADDRESS)
		bans->lengths[ban->key.prefix.bits]--;
	atomic_fetch_sub_explicit(&bans->count, 1, memory_order_relaxed);
	ban_free(ban);
}

static struct ban *find(struct gh_bans *bans, const struct gh_ban_key *key, uint64_t now)
{
	struct ban *ban = gh_table_find(&bans->table, hash_of(bans, key), same, key);

	if (!ban || ban->until_ms > now)
		return ban;
	remove_ban(bans, ban);
	return NULL;
}

/* Removing moves others about, so those that are over are gathered first. */
static void expire(struct gh_bans *bans, uint64_t now)
{
	struct ban **over = gh_alloc_array(bans->table.count + 1, sizeof(*over)), *ban;
	size_t count = 0;

	bans->first_end = UINT64_MAX;
	for (size_t i = 0; (ban = gh_table_next(&bans->table, &i));)
		if (ban->until_ms <= now)
			over[count++] = ban;
		else if (ban->until_ms < bans->first_end)
			bans->first_end = ban->until_ms;
	while (count > 0)
		remove_ban(bans, over[--count]);
	free(over);
}

static bool has_room(struct gh_bans *bans, uint64_t now)
{
	if (bans->table.count >= bans->max && bans->first_end <= now)
		expire(bans, now);
	return bans->table.count < bans->max;
}

static struct ban *add(struct gh_bans *bans, const struct gh_ban_key *key)
{
	size_t n = key->kind == GH_ADDRESS ? 0 : strlen(key->text);
	struct ban *ban = gh_zalloc(sizeof(*ban) + n + 1);

	ban->key = *key;
	if (n)
		memcpy(ban->text, key->text, n);
	ban->key.text = ban->text;
	ban->hash = hash_of(bans, key);
	gh_table_add(&bans->table, ban->hash, ban);
	if (key->kind == GH_ADDRESS)
		bans->lengths[key->prefix.bits]++;
	atomic_fetch_add_explicit(&bans->count, 1, memory_order_relaxed);
	return ban;
}

static size_t length_of(const char *why)
{
	size_t n = strnlen(why, GH_BAN_WHY);

	if (n < GH_BAN_WHY)
		return n;
	for (n--; n > 0 && ((unsigned char)why[n] & 0xc0) == 0x80;)
		n--;
	return n;
}

/* ---- any thread ---- */

int gh_bans_put(struct gh_bans *bans, const struct gh_ban_key *key, uint32_t seconds,
		const char *why, uint64_t now_ms)
{
	struct ban *ban;

	pthread_mutex_lock(&bans->lock);
	ban = find(bans, key, now_ms);
	if (!ban && has_room(bans, now_ms))
		ban = add(bans, key);
	if (ban) {
		free(ban->why);
		ban->why = gh_strndup(why, length_of(why));
		ban->until_ms = now_ms + seconds * 1000ull;
		if (ban->until_ms < bans->first_end)
			bans->first_end = ban->until_ms;
	}
	pthread_mutex_unlock(&bans->lock);
	return ban ? 0 : GH_EBUSY;
}

bool gh_bans_lift(struct gh_bans *bans, const struct gh_ban_key *key, uint64_t now_ms)
{
	struct ban *ban;

	pthread_mutex_lock(&bans->lock);
	ban = find(bans, key, now_ms);
	if (ban)
		remove_ban(bans, ban);
	pthread_mutex_unlock(&bans->lock);
	return ban;
}

static bool nobody(const struct gh_bans *bans)
{
	return atomic_load_explicit(&bans->count, memory_order_relaxed) == 0;
}

static bool told(const struct ban *ban, char why_r[GH_BAN_WHY])
{
	if (ban)
		snprintf(why_r, GH_BAN_WHY, "%s", ban->why);
	return ban;
}

bool gh_bans_have_name(struct gh_bans *bans, enum gh_subject_kind kind, const char *text,
		       uint64_t now_ms, char why_r[GH_BAN_WHY])
{
	const struct gh_ban_key key = { .kind = kind, .text = text };
	bool banned;

	if (nobody(bans))
		return false;
	pthread_mutex_lock(&bans->lock);
	banned = told(find(bans, &key, now_ms), why_r);
	pthread_mutex_unlock(&bans->lock);
	return banned;
}

/* The narrowest that holds it; a prefix of IPv6 holds no IPv4. */
static struct ban *find_prefix(struct gh_bans *bans, const uint8_t ip[16], uint64_t now)
{
	struct gh_ban_key key = { .kind = GH_ADDRESS, .prefix = gh_prefix_of(ip, 128) };
	unsigned least = gh_prefix_is_ipv4(&key.prefix) ? 96 : 0;
	struct ban *ban = NULL;

	for (unsigned bits = LENGTHS; bits-- > least && !ban;) {
		if (!bans->lengths[bits])
			continue;
		key.prefix = gh_prefix_of(ip, (uint8_t)bits);
		ban = find(bans, &key, now);
	}
	return ban;
}

bool gh_bans_have_address(struct gh_bans *bans, const uint8_t ip[16], uint64_t now_ms,
			  char why_r[GH_BAN_WHY])
{
	bool banned;

	if (nobody(bans))
		return false;
	pthread_mutex_lock(&bans->lock);
	banned = told(find_prefix(bans, ip, now_ms), why_r);
	pthread_mutex_unlock(&bans->lock);
	return banned;
}
