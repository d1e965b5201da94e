/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated clock: slots with generations, and a heap of those that run. */
#include "clock.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { NOWHERE = UINT32_MAX };

struct gh_clock_slot {
	struct gh_due due;
	uint64_t at_ns, first_ns, repeat_ns, order;
	uint32_t generation;
	uint32_t place; /* in the heap; NOWHERE: held or free */
	uint32_t next_free;
	bool used;
};

void gh_clock_init(struct gh_clock *clock, int64_t wall_us)
{
	memset(clock, 0, sizeof(*clock));
	pthread_mutex_init(&clock->lock, NULL);
	clock->wall_us = wall_us;
	clock->free = NOWHERE;
}

void gh_clock_done(struct gh_clock *clock)
{
	pthread_mutex_destroy(&clock->lock);
	free(clock->slots);
	free(clock->heap);
}

uint64_t gh_clock_now(struct gh_clock *clock)
{
	return atomic_load_explicit(&clock->now_ns, memory_order_relaxed);
}

int64_t gh_clock_wall(struct gh_clock *clock)
{
	return clock->wall_us + (int64_t)(gh_clock_now(clock) / 1000);
}

/* ---- the heap ---- */

static bool before(const struct gh_clock *clock, uint32_t a, uint32_t b)
{
	const struct gh_clock_slot *x = &clock->slots[clock->heap[a]],
				   *y = &clock->slots[clock->heap[b]];

	return x->at_ns != y->at_ns ? x->at_ns < y->at_ns : x->order < y->order;
}

static void swap(struct gh_clock *clock, uint32_t a, uint32_t b)
{
	uint32_t slot = clock->heap[a];

	clock->heap[a] = clock->heap[b];
	clock->heap[b] = slot;
	clock->slots[clock->heap[a]].place = a;
	clock->slots[clock->heap[b]].place = b;
}

static void up(struct gh_clock *clock, uint32_t at)
{
	for (; at && before(clock, at, (at - 1) / 2); at = (at - 1) / 2)
		swap(clock, at, (at - 1) / 2);
}

static void down(struct gh_clock *clock, uint32_t at)
{
	for (;;) {
		uint32_t least = at;

		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < clock->heap_count && before(clock, child, least))
				least = child;
		if (least == at)
			return;
		swap(clock, at, least);
		at = least;
	}
}

static void heap_add(struct gh_clock *clock, uint32_t slot, uint64_t at_ns)
{
	clock->slots[slot].at_ns = at_ns;
	clock->slots[slot].order = clock->started++;
	clock->slots[slot].place = clock->heap_count;
	clock->heap[clock->heap_count++] = slot;
	up(clock, clock->heap_count - 1);
}

static void heap_remove(struct gh_clock *clock, uint32_t slot)
{
	uint32_t at = clock->slots[slot].place, last = clock->heap_count - 1;

	if (at == NOWHERE)
		return;
	swap(clock, at, last);
	clock->heap_count--;
	clock->slots[slot].place = NOWHERE;
	if (at < clock->heap_count) {
		up(clock, at);
		down(clock, at);
	}
}

/* ---- slots ---- */

static uint32_t take_slot(struct gh_clock *clock)
{
	uint32_t old = clock->slot_count, count = old ? old * 2 : 16, slot;

	if (clock->free == NOWHERE) {
		clock->slots = gh_grow(clock->slots, count, sizeof(*clock->slots));
		clock->heap = gh_grow(clock->heap, count, sizeof(*clock->heap));
		for (uint32_t i = count; i-- > old;) {
			clock->slots[i] = (struct gh_clock_slot){ .generation = 1,
								  .place = NOWHERE,
								  .next_free = clock->free };
			clock->free = i;
		}
		clock->slot_count = count;
	}
	slot = clock->free;
	clock->free = clock->slots[slot].next_free;
	return slot;
}

static void free_slot(struct gh_clock *clock, uint32_t slot)
{
	heap_remove(clock, slot);
	clock->slots[slot].used = false;
	clock->slots[slot].generation++;
	clock->slots[slot].next_free = clock->free;
	clock->free = slot;
}

uint64_t gh_clock_start(struct gh_clock *clock, const struct gh_due *due, uint64_t first_ns,
			uint64_t repeat_ns, bool held)
{
	struct gh_clock_slot *slot;
	uint32_t index;
	uint64_t id;

	pthread_mutex_lock(&clock->lock);
	index = take_slot(clock);
	slot = &clock->slots[index];
	slot->due = *due;
	slot->first_ns = first_ns;
	slot->repeat_ns = repeat_ns;
	slot->used = true;
	id = (uint64_t)slot->generation << 32 | index;
	if (!held)
		heap_add(clock, index, gh_clock_now(clock) + first_ns);
	pthread_mutex_unlock(&clock->lock);
	return id;
}

void gh_clock_release(struct gh_clock *clock, void *owner)
{
	pthread_mutex_lock(&clock->lock);
	for (uint32_t i = 0; i < clock->slot_count; i++) {
		struct gh_clock_slot *slot = &clock->slots[i];

		if (slot->used && slot->due.owner == owner && slot->place == NOWHERE)
			heap_add(clock, i, gh_clock_now(clock) + slot->first_ns);
	}
	pthread_mutex_unlock(&clock->lock);
}

void gh_clock_stop(struct gh_clock *clock, uint64_t id, void *owner)
{
	uint32_t index = (uint32_t)id;

	pthread_mutex_lock(&clock->lock);
	if (index < clock->slot_count && clock->slots[index].used &&
	    clock->slots[index].generation == id >> 32 && clock->slots[index].due.owner == owner)
		free_slot(clock, index);
	pthread_mutex_unlock(&clock->lock);
}

void gh_clock_stop_all(struct gh_clock *clock, void *owner)
{
	pthread_mutex_lock(&clock->lock);
	for (uint32_t i = 0; i < clock->slot_count; i++)
		if (clock->slots[i].used && clock->slots[i].due.owner == owner)
			free_slot(clock, i);
	pthread_mutex_unlock(&clock->lock);
}

/* ---- time ---- */

static void move_to(struct gh_clock *clock, uint64_t ns)
{
	if (ns > gh_clock_now(clock))
		atomic_store_explicit(&clock->now_ns, ns, memory_order_relaxed);
}

bool gh_clock_next(struct gh_clock *clock, uint64_t until_ns, struct gh_due *due_r)
{
	struct gh_clock_slot *first = NULL;
	uint32_t index;

	pthread_mutex_lock(&clock->lock);
	if (clock->heap_count && clock->slots[clock->heap[0]].at_ns <= until_ns) {
		index = clock->heap[0];
		first = &clock->slots[index];
		*due_r = first->due;
		move_to(clock, first->at_ns);
		if (first->repeat_ns) {
			heap_remove(clock, index);
			heap_add(clock, index, first->at_ns + first->repeat_ns);
		} else {
			free_slot(clock, index);
		}
	} else {
		move_to(clock, until_ns);
	}
	pthread_mutex_unlock(&clock->lock);
	return first;
}
