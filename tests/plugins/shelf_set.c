/* SPDX-License-Identifier: Apache-2.0 */
/* Kind, owner, key: each compared as bytes, the shorter first. */
#include "shelf_set.h"

#include <stdlib.h>
#include <string.h>

static int compare_bytes(const void *a, size_t a_n, const void *b, size_t b_n)
{
	size_t n = a_n < b_n ? a_n : b_n;
	int order = n ? memcmp(a, b, n) : 0;

	return order ? order : (a_n > b_n) - (a_n < b_n);
}

static int compare(const struct gh_record *a, const struct gh_record *b)
{
	int order = (a->kind > b->kind) - (a->kind < b->kind);

	if (!order)
		order = compare_bytes(a->owner.p, a->owner.n, b->owner.p, b->owner.n);
	return order ? order : compare_bytes(a->key.p, a->key.n, b->key.p, b->key.n);
}

bool shelf_same_owner(const struct gh_record *a, const struct gh_record *b)
{
	return a->kind == b->kind &&
	       compare_bytes(a->owner.p, a->owner.n, b->owner.p, b->owner.n) == 0;
}

/* On each level the pointers of the last that comes before it. */
static void find(struct shelf_set *set, const struct gh_record *name,
		 struct shelf_node **before[SHELF_LEVELS])
{
	struct shelf_node **at = set->first;

	for (unsigned i = SHELF_LEVELS; i-- > 0;) {
		while (at[i] && compare(&at[i]->record, name) < 0)
			at = at[i]->next;
		before[i] = at;
	}
}

struct shelf_node *shelf_set_from(struct shelf_set *set, const struct gh_record *name)
{
	struct shelf_node **before[SHELF_LEVELS];

	find(set, name, before);
	return before[0][0];
}

static void *keep(unsigned char **at, const void *p, size_t n)
{
	unsigned char *copy = *at;

	if (n)
		memcpy(copy, p, n);
	*at += n;
	return copy;
}

static struct shelf_node *node_new(const struct gh_record *record)
{
	struct shelf_node *node =
		calloc(1, sizeof(*node) + record->owner.n + record->key.n + record->value.n);
	unsigned char *at;

	if (!node)
		return NULL;
	at = node->bytes;
	node->record.size = sizeof(node->record);
	node->record.kind = record->kind;
	node->record.owner.p = keep(&at, record->owner.p, record->owner.n);
	node->record.owner.n = record->owner.n;
	node->record.key.p = keep(&at, record->key.p, record->key.n);
	node->record.key.n = record->key.n;
	node->record.value.p = keep(&at, record->value.p, record->value.n);
	node->record.value.n = record->value.n;
	node->record.expires = record->expires;
	return node;
}

/* Half of them reach each next level. */
static unsigned levels(struct shelf_set *set)
{
	unsigned n = 1;

	set->random = set->random * 1664525 + 1013904223;
	for (uint32_t bits = set->random; n < SHELF_LEVELS && bits & 0x80000000; bits <<= 1)
		n++;
	return n;
}

static void take(struct shelf_node **before[SHELF_LEVELS], struct shelf_node *node)
{
	for (unsigned i = 0; i < SHELF_LEVELS; i++)
		if (before[i][i] == node)
			before[i][i] = node->next[i];
	free(node);
}

int shelf_set_put(struct shelf_set *set, const struct gh_record *record)
{
	struct shelf_node **before[SHELF_LEVELS], *node = node_new(record);
	unsigned n = levels(set);

	if (!node)
		return GH_EIO;
	find(set, record, before);
	if (before[0][0] && compare(&before[0][0]->record, record) == 0)
		take(before, before[0][0]);
	for (unsigned i = 0; i < n; i++) {
		node->next[i] = before[i][i];
		before[i][i] = node;
	}
	return 0;
}

/* Of one kind. */
static void erase(struct shelf_set *set, const struct gh_record *which)
{
	struct shelf_node **before[SHELF_LEVELS], *node;

	find(set, which, before);
	while ((node = before[0][0]) && shelf_same_owner(&node->record, which) &&
	       (which->key.n == 0 || compare(&node->record, which) == 0))
		take(before, node);
}

void shelf_set_erase(struct shelf_set *set, const struct gh_record *which)
{
	struct gh_record name = *which;
	const struct shelf_node *node;

	if (which->kind) {
		erase(set, which);
		return;
	}
	for (node = set->first[0]; node; node = shelf_set_from(set, &name)) {
		name = *which;
		name.kind = node->record.kind;
		erase(set, &name);
		if (name.kind == UINT32_MAX)
			return;
		name = (struct gh_record){ .kind = name.kind + 1 };
	}
}

void shelf_set_done(struct shelf_set *set)
{
	struct shelf_node *node = set->first[0], *next;

	for (; node; node = next) {
		next = node->next[0];
		free(node);
	}
	*set = (struct shelf_set){ 0 };
}
