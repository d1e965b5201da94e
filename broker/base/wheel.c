/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wheel: each level splits a slot of the level above into 64. A timeout sits on the level of the highest 6-bit digit
 * in which its due time differs from `now`, in the slot of that digit. So a level holds only slots ahead of its hand, the
 * lowest level in use holds what is due first, and when the hand reaches a slot its timeouts move down or fire.
 */
#include "base/wheel.h"
#include "base/mem.h"

#include <stdlib.h>

enum { BITS = 6, SLOTS = 1 << BITS, LEVELS = (64 + BITS - 1) / BITS };

struct gh_wheel {
	uint64_t now;
	uint64_t used[LEVELS]; /* bit per slot that holds something */
	struct gh_node slots[LEVELS][SLOTS];
	struct gh_node late; /* due when it was set: for the next run */
};

struct gh_wheel *gh_wheel_new(uint64_t now_ms)
{
	struct gh_wheel *wheel = gh_zalloc(sizeof(*wheel));

	wheel->now = now_ms;
	for (unsigned level = 0; level < LEVELS; level++)
		for (unsigned slot = 0; slot < SLOTS; slot++)
			gh_list_init(&wheel->slots[level][slot]);
	gh_list_init(&wheel->late);
	return wheel;
}

static void forget(struct gh_node *head)
{
	gh_list_each(head, node, next)
	{
		gh_list_remove(node);
		gh_container(node, struct gh_timeout, node)->due = 0;
	}
}

void gh_wheel_free(struct gh_wheel **wheel)
{
	if (!*wheel)
		return;
	for (unsigned level = 0; level < LEVELS; level++)
		for (unsigned slot = 0; slot < SLOTS; slot++)
			forget(&(*wheel)->slots[level][slot]);
	forget(&(*wheel)->late);
	free(*wheel);
	*wheel = NULL;
}

void gh_timeout_init(struct gh_timeout *timeout, gh_timeout_fn *fn)
{
	gh_list_init(&timeout->node);
	timeout->due = 0;
	timeout->fn = fn;
}

static unsigned level_of(const struct gh_wheel *wheel, uint64_t due)
{
	return (63u - (unsigned)__builtin_clzll(due ^ wheel->now)) / BITS;
}

static unsigned slot_of(uint64_t due, unsigned level)
{
	return (unsigned)(due >> (level * BITS)) % SLOTS;
}

static void place(struct gh_wheel *wheel, struct gh_timeout *timeout)
{
	unsigned level, slot;

	if (timeout->due <= wheel->now) {
		gh_list_append(&wheel->late, &timeout->node);
		return;
	}
	level = level_of(wheel, timeout->due);
	slot = slot_of(timeout->due, level);
	gh_list_append(&wheel->slots[level][slot], &timeout->node);
	wheel->used[level] |= (uint64_t)1 << slot;
}

void gh_timeout_set(struct gh_wheel *wheel, struct gh_timeout *timeout, uint64_t due_ms)
{
	gh_timeout_cancel(wheel, timeout);
	timeout->due = due_ms ? due_ms : 1;
	place(wheel, timeout);
}

void gh_timeout_cancel(struct gh_wheel *wheel, struct gh_timeout *timeout)
{
	unsigned level, slot;

	if (timeout->due == 0)
		return;
	gh_list_remove(&timeout->node);
	if (timeout->due > wheel->now) {
		level = level_of(wheel, timeout->due);
		slot = slot_of(timeout->due, level);
		if (gh_list_empty(&wheel->slots[level][slot]))
			wheel->used[level] &= ~((uint64_t)1 << slot);
	}
	timeout->due = 0;
}

static bool next_slot(const struct gh_wheel *wheel, unsigned *level_r, unsigned *slot_r,
		      uint64_t *start_r)
{
	for (unsigned level = 0; level < LEVELS; level++) {
		if (!wheel->used[level])
			continue;
		*level_r = level;
		*slot_r = (unsigned)__builtin_ctzll(wheel->used[level]);
		/* the digits above are those of now, the ones below are zero */
		*start_r = (wheel->now >> (level * BITS) & ~(uint64_t)(SLOTS - 1)) << (level * BITS) |
			   (uint64_t)*slot_r << (level * BITS);
		return true;
	}
	return false;
}

static void fire(struct gh_node *due)
{
	struct gh_timeout *timeout;

	while (!gh_list_empty(due)) {
		timeout = gh_container(due->next, struct gh_timeout, node);
		gh_list_remove(&timeout->node);
		timeout->due = 0;
		timeout->fn(timeout);
	}
}

static void reach(struct gh_wheel *wheel, unsigned level, unsigned slot, struct gh_node *due)
{
	struct gh_timeout *timeout;

	wheel->used[level] &= ~((uint64_t)1 << slot);
	gh_list_each(&wheel->slots[level][slot], node, next)
	{
		timeout = gh_container(node, struct gh_timeout, node);
		gh_list_remove(node);
		if (timeout->due <= wheel->now)
			gh_list_append(due, node);
		else
			place(wheel, timeout);
	}
}

void gh_wheel_run(struct gh_wheel *wheel, uint64_t now_ms)
{
	unsigned level, slot;
	struct gh_node due;
	uint64_t start;

	gh_list_init(&due);
	gh_list_splice(&due, &wheel->late);
	fire(&due);
	while (next_slot(wheel, &level, &slot, &start) && start <= now_ms) {
		wheel->now = start;
		reach(wheel, level, slot, &due);
		fire(&due);
	}
	if (now_ms > wheel->now)
		wheel->now = now_ms;
}

uint64_t gh_wheel_wait(const struct gh_wheel *wheel, uint64_t now_ms, uint64_t max)
{
	unsigned level, slot;
	uint64_t start;

	if (!gh_list_empty(&wheel->late))
		return 0;
	if (!next_slot(wheel, &level, &slot, &start))
		return max;
	if (start <= now_ms)
		return 0;
	return start - now_ms < max ? start - now_ms : max;
}
