/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for somebody, and for how long. */
#include "limit/term.h"

#include "base/mem.h"
#include "base/siphash.h"
#include "base/table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTHS 129u

struct entry {
	uint64_t until_ms, hash;
	struct gh_term_key key;
	char *text;
	char name[];
};

struct gh_terms {
	atomic_uint count; /* read without the lock: there is none */
	struct gh_hash_key hash_key;
	pthread_mutex_t lock; /* of all below */
	struct gh_table table;
	uint32_t max;
	uint64_t first_end;        /* none ends earlier */
	uint32_t lengths[LENGTHS]; /* how many prefixes there are of each */
};

struct gh_terms *gh_terms_new(uint32_t max)
{
	struct gh_terms *terms = gh_zalloc(sizeof(*terms));

	gh_hash_key_init(&terms->hash_key);
	pthread_mutex_init(&terms->lock, NULL);
	terms->max = max;
	terms->first_end = UINT64_MAX;
	return terms;
}

static void entry_free(struct entry *entry)
{
	free(entry->text);
	free(entry);
}

void gh_terms_free(struct gh_terms **terms)
{
	struct gh_terms *gone = *terms;
	struct entry *entry;

	*terms = NULL;
	if (!gone)
		return;
	for (size_t i = 0; (entry = gh_table_next(&gone->table, &i));)
		entry_free(entry);
	gh_table_done(&gone->table);
	pthread_mutex_destroy(&gone->lock);
	free(gone);
}

void gh_terms_set_max(struct gh_terms *terms, uint32_t max)
{
	pthread_mutex_lock(&terms->lock);
	terms->max = max;
	pthread_mutex_unlock(&terms->lock);
}

/* ---- the table; locked ---- */

static uint64_t hash_of(const struct gh_terms *terms, const struct gh_term_key *key)
{
	uint64_t hash = key->kind == GH_ADDRESS
				? gh_siphash(&terms->hash_key, &key->prefix, sizeof(key->prefix))
				: gh_siphash(&terms->hash_key, key->text, strlen(key->text));

	return hash ^ (uint64_t)key->kind * 0x9E3779B97F4A7C15u;
}

static bool same(const void *element, const void *key)
{
	const struct gh_term_key *a = &((const struct entry *)element)->key, *b = key;

	if (a->kind != b->kind)
		return false;
	if (a->kind == GH_ADDRESS)
		return a->prefix.bits == b->prefix.bits &&
		       memcmp(a->prefix.ip, b->prefix.ip, sizeof(a->prefix.ip)) == 0;
	return strcmp(a->text, b->text) == 0;
}

static void remove_entry(struct gh_terms *terms, struct entry *entry)
{
	gh_table_remove(&terms->table, entry->hash, entry);
	if (entry->key.kind == GH_ADDRESS)
		terms->lengths[entry->key.prefix.bits]--;
	atomic_fetch_sub_explicit(&terms->count, 1, memory_order_relaxed);
	entry_free(entry);
}

static struct entry *find(struct gh_terms *terms, const struct gh_term_key *key, uint64_t now)
{
	struct entry *entry = gh_table_find(&terms->table, hash_of(terms, key), same, key);

	if (!entry || entry->until_ms > now)
		return entry;
	remove_entry(terms, entry);
	return NULL;
}

/* Removing moves others about, so those that are over are gathered first. */
static void expire(struct gh_terms *terms, uint64_t now)
{
	struct entry **over = gh_alloc_array(terms->table.count + 1, sizeof(*over)), *entry;
	size_t count = 0;

	terms->first_end = UINT64_MAX;
	for (size_t i = 0; (entry = gh_table_next(&terms->table, &i));)
		if (entry->until_ms <= now)
			over[count++] = entry;
		else if (entry->until_ms < terms->first_end)
			terms->first_end = entry->until_ms;
	while (count > 0)
		remove_entry(terms, over[--count]);
	free(over);
}

static bool has_room(struct gh_terms *terms, uint64_t now)
{
	if (terms->table.count >= terms->max && terms->first_end <= now)
		expire(terms, now);
	return terms->table.count < terms->max;
}

static struct entry *add(struct gh_terms *terms, const struct gh_term_key *key)
{
	size_t n = key->kind == GH_ADDRESS ? 0 : strlen(key->text);
	struct entry *entry = gh_zalloc(sizeof(*entry) + n + 1);

	entry->key = *key;
	if (n)
		memcpy(entry->name, key->text, n);
	entry->key.text = entry->name;
	entry->hash = hash_of(terms, key);
	gh_table_add(&terms->table, entry->hash, entry);
	if (key->kind == GH_ADDRESS)
		terms->lengths[key->prefix.bits]++;
	atomic_fetch_add_explicit(&terms->count, 1, memory_order_relaxed);
	return entry;
}

static size_t length_of(const char *text)
{
	size_t n = strnlen(text, GH_TERM_TEXT);

	if (n < GH_TERM_TEXT)
		return n;
	for (n--; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
		n--;
	return n;
}

/* ---- any thread ---- */

int gh_terms_put(struct gh_terms *terms, const struct gh_term_key *key, uint32_t seconds,
		 const char *text, uint64_t now_ms)
{
	struct entry *entry;

	pthread_mutex_lock(&terms->lock);
	entry = find(terms, key, now_ms);
	if (!entry && has_room(terms, now_ms))
		entry = add(terms, key);
	if (entry) {
		free(entry->text);
		entry->text = gh_strndup(text, length_of(text));
		entry->until_ms = now_ms + seconds * 1000ull;
		if (entry->until_ms < terms->first_end)
			terms->first_end = entry->until_ms;
	}
	pthread_mutex_unlock(&terms->lock);
	return entry ? 0 : GH_EBUSY;
}

bool gh_terms_lift(struct gh_terms *terms, const struct gh_term_key *key, uint64_t now_ms)
{
	struct entry *entry;

	pthread_mutex_lock(&terms->lock);
	entry = find(terms, key, now_ms);
	if (entry)
		remove_entry(terms, entry);
	pthread_mutex_unlock(&terms->lock);
	return entry;
}

void gh_terms_lift_all(struct gh_terms *terms)
{
	pthread_mutex_lock(&terms->lock);
	expire(terms, UINT64_MAX);
	pthread_mutex_unlock(&terms->lock);
}

/* The narrowest that holds it; a prefix of IPv6 holds no IPv4. */
static struct entry *find_prefix(struct gh_terms *terms, const uint8_t ip[16], uint64_t now)
{
	struct gh_term_key key = { .kind = GH_ADDRESS, .prefix = gh_prefix_of(ip, 128) };
	unsigned least = gh_prefix_is_ipv4(&key.prefix) ? 96 : 0;
	struct entry *entry = NULL;

	for (unsigned bits = LENGTHS; bits-- > least && !entry;) {
		if (!terms->lengths[bits])
			continue;
		key.prefix = gh_prefix_of(ip, (uint8_t)bits);
		entry = find(terms, &key, now);
	}
	return entry;
}

static struct entry *find_name(struct gh_terms *terms, enum gh_subject_kind kind, const char *name,
			       uint64_t now)
{
	const struct gh_term_key key = { .kind = kind, .text = name };

	return name ? find(terms, &key, now) : NULL;
}

bool gh_terms_find(struct gh_terms *terms, const struct gh_client *client, uint64_t now_ms,
		   struct gh_term *term_r)
{
	const char *principal = client->identity ? client->identity->principal : NULL;
	struct entry *entry;

	if (atomic_load_explicit(&terms->count, memory_order_relaxed) == 0)
		return false;
	pthread_mutex_lock(&terms->lock);
	entry = find_name(terms, GH_CLIENT_ID, client->client_id, now_ms);
	if (!entry)
		entry = find_name(terms, GH_PRINCIPAL, principal, now_ms);
	if (!entry && client->transport != GH_UNIX)
		entry = find_prefix(terms, client->ip, now_ms);
	if (entry) {
		term_r->until_ms = entry->until_ms;
		snprintf(term_r->text, sizeof(term_r->text), "%s", entry->text);
	}
	pthread_mutex_unlock(&terms->lock);
	return entry;
}
