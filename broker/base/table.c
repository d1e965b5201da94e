/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing; removal shifts back, so there are no tombstones. */
#include "base/table.h"
#include "base/mem.h"

#include <stdlib.h>

enum { SMALLEST = 8 };

void gh_table_done(struct gh_table *table)
{
	free(table->slots);
	*table = (struct gh_table){ 0 };
}

static void put(struct gh_slot *slots, size_t mask, uint64_t hash, void *element)
{
	size_t i = hash & mask;

	while (slots[i].element)
		i = (i + 1) & mask;
	slots[i] = (struct gh_slot){ hash, element };
}

static void resize(struct gh_table *table, size_t size)
{
	struct gh_slot *slots = gh_zalloc(size * sizeof(*slots));

	for (size_t i = 0; i < table->size; i++)
		if (table->slots[i].element)
			put(slots, size - 1, table->slots[i].hash, table->slots[i].element);
	free(table->slots);
	table->slots = slots;
	table->size = size;
}

void *gh_table_find(const struct gh_table *table, uint64_t hash, gh_table_same_fn *same,
		    const void *key)
{
	size_t mask = table->size - 1;

	if (table->count == 0)
		return NULL;
	for (size_t i = hash & mask; table->slots[i].element; i = (i + 1) & mask)
		if (table->slots[i].hash == hash && same(table->slots[i].element, key))
			return table->slots[i].element;
	return NULL;
}

void gh_table_add(struct gh_table *table, uint64_t hash, void *element)
{
	if (table->size == 0)
		resize(table, SMALLEST);
	else if ((table->count + 1) * 4 > table->size * 3)
		resize(table, table->size * 2);
	put(table->slots, table->size - 1, hash, element);
	table->count++;
}

/* Whatever follows the hole and may sit nearer to its home slot moves into it. */
static void close_hole(struct gh_table *table, size_t hole)
{
	size_t mask = table->size - 1;

	for (size_t i = (hole + 1) & mask; table->slots[i].element; i = (i + 1) & mask) {
		if (((i - table->slots[i].hash) & mask) < ((i - hole) & mask))
			continue;
		table->slots[hole] = table->slots[i];
		hole = i;
	}
	table->slots[hole].element = NULL;
}

bool gh_table_remove(struct gh_table *table, uint64_t hash, const void *element)
{
	size_t mask = table->size - 1, i = hash & mask;

	if (table->count == 0)
		return false;
	while (table->slots[i].element && table->slots[i].element != element)
		i = (i + 1) & mask;
	if (!table->slots[i].element)
		return false;
	close_hole(table, i);
	table->count--;
	if (table->size > SMALLEST && table->count * 8 < table->size)
		resize(table, table->size / 2);
	return true;
}

void *gh_table_next(const struct gh_table *table, size_t *cursor)
{
	while (*cursor < table->size) {
		void *element = table->slots[(*cursor)++].element;

		if (element)
			return element;
	}
	return NULL;
}
