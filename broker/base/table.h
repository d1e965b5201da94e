/* SPDX-License-Identifier: Apache-2.0 */
/* An open-addressing hash table of pointers. The caller hashes (gh_siphash) and tells whether an element is meant. */
#ifndef GH_BASE_TABLE_H
#define GH_BASE_TABLE_H

#include <gatehouse/types.h>

/* { 0 } is an empty table without memory; it grows and shrinks by itself and never holds NULL. Linear probing. */
struct gh_table {
	struct gh_slot *slots; /* {hash, element} */
	size_t count, size;
};
struct gh_slot {
	uint64_t hash;
	void *element; /* NULL: free */
};

typedef bool gh_table_same_fn(const void *element, const void *key);

void gh_table_done(struct gh_table *table); /* the elements stay the caller's */
void *gh_table_find(const struct gh_table *table, uint64_t hash, gh_table_same_fn *same,
		    const void *key);
/* The key must not be in it yet. */
void gh_table_add(struct gh_table *table, uint64_t hash, void *element);
/* By identity; false when it isn't in it. */
bool gh_table_remove(struct gh_table *table, uint64_t hash, const void *element);
/* Walk: for (size_t i = 0; (e = gh_table_next(table, &i));). Nothing may be added or removed meanwhile. */
void *gh_table_next(const struct gh_table *table, size_t *cursor);

#endif
