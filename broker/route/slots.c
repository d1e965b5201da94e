/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of 32-bit numbers: linear probing; removal shifts back. */
#include "route/slots.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define SMALLEST 8u

void gh_slots_done(struct gh_slots *slots)
{
	free(slots->cells);
	*slots = (struct gh_slots){ 0 };
}

static void put(struct gh_slots *slots, struct gh_slots_cell cell)
{
	uint32_t mask = slots->size - 1;
	uint32_t i = cell.hash & mask;

	while (slots->cells[i].value)
		i = (i + 1) & mask;
	slots->cells[i] = cell;
}

static void resize(struct gh_slots *slots, uint32_t size)
{
	struct gh_slots_cell *old = slots->cells;
	uint32_t old_size = slots->size;

	assert(size);
	slots->cells = gh_zalloc((size_t)size * sizeof(*old));
	slots->size = size;
	for (uint32_t i = 0; i < old_size; i++)
		if (old[i].value)
			put(slots, old[i]);
	free(old);
}

void gh_slots_add(struct gh_slots *slots, uint32_t hash, uint32_t value)
{
	if ((uint64_t)(slots->count + 1) * 5 > (uint64_t)slots->size * 4)
		resize(slots, slots->size ? slots->size * 2 : SMALLEST);
	put(slots, (struct gh_slots_cell){ hash, value });
	slots->count++;
}

static void close_hole(struct gh_slots *slots, uint32_t hole)
{
	uint32_t mask = slots->size - 1;

	for (uint32_t i = (hole + 1) & mask; slots->cells[i].value; i = (i + 1) & mask) {
		if (((i - slots->cells[i].hash) & mask) < ((i - hole) & mask))
			continue;
		slots->cells[hole] = slots->cells[i];
		hole = i;
	}
	slots->cells[hole] = (struct gh_slots_cell){ 0, 0 };
}

void gh_slots_remove(struct gh_slots *slots, uint32_t hash, uint32_t value)
{
	uint32_t mask = slots->size - 1;
	uint32_t i = hash & mask;

	while (slots->cells[i].value != value)
		i = (i + 1) & mask;
	close_hole(slots, i);
	slots->count--;
	if (slots->size > SMALLEST && slots->count < slots->size / 8)
		resize(slots, slots->size / 2);
}
