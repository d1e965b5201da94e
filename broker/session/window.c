/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of QoS 1 and 2 that a session has sent and that aren't acknowledged to the end. */
#include "session/window.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SMALLEST 8u
#define LARGEST  65536u

/*
 * Two ids that have different places keep different places when the window grows, because a larger
 * mask only looks at more of their bits. And since it is us who choose ids, one whose place is
 * taken is simply passed over.
 */
static struct gh_window_entry *entry_at(const struct gh_window *window, uint16_t id)
{
	return &window->entries[id & (window->size - 1)];
}

static uint64_t *bitmap(const struct gh_window *window)
{
	return (uint64_t *)(void *)(window->entries + window->size);
}

static void mark(struct gh_window *window, uint32_t place, bool used)
{
	uint64_t bit = (uint64_t)1 << (place % 64);

	if (used)
		bitmap(window)[place / 64] |= bit;
	else
		bitmap(window)[place / 64] &= ~bit;
}

static void resize(struct gh_window *window, uint32_t size)
{
	struct gh_window_entry *old = window->entries;
	uint32_t old_size = window->size;
	size_t entries = size * sizeof(*old);

	window->entries = gh_zalloc(entries + (size + 63) / 64 * sizeof(uint64_t));
	window->size = size;
	for (uint32_t i = 0; i < old_size; i++) {
		if (old[i].state == GH_WINDOW_FREE)
			continue;
		*entry_at(window, old[i].id) = old[i];
		mark(window, old[i].id & (size - 1), true);
	}
	free(old);
}

/* A free place at or after `from`; there is one. */
static uint32_t free_place(const struct gh_window *window, uint32_t from)
{
	const uint64_t *map = bitmap(window);
	uint32_t words = (window->size + 63) / 64;
	uint64_t valid = window->size < 64 ? ((uint64_t)1 << window->size) - 1 : UINT64_MAX;
	uint32_t word = from / 64;
	uint64_t candidates = ~map[word] & valid & (UINT64_MAX << (from % 64));

	while (!candidates) {
		word = (word + 1) % words;
		candidates = ~map[word] & valid;
	}
	return word * 64 + (uint32_t)__builtin_ctzll(candidates);
}

/* The next id after the last one whose place is free. */
static uint16_t next_id(const struct gh_window *window)
{
	uint32_t mask = window->size - 1;
	uint32_t id = window->last_id + 1u;

	for (;;) {
		id += (free_place(window, id & mask) - id) & mask;
		if (id & 0xFFFF)
			return (uint16_t)id;
		/* Place 0 came as id 0 or 65,536, which isn't one: go on behind it. In the
		 * largest window place 0 is of no other id, and the window never holds more than
		 * the other 65,535. */
		id++;
	}
}

static void link_last(struct gh_window *window, struct gh_window_entry *entry, uint16_t *first,
		      uint16_t *last)
{
	entry->prev = *last;
	entry->next = 0;
	if (*last)
		entry_at(window, *last)->next = entry->id;
	else
		*first = entry->id;
	*last = entry->id;
}

static void unlink_from(struct gh_window *window, struct gh_window_entry *entry, uint16_t *first,
			uint16_t *last)
{
	if (entry->prev)
		entry_at(window, entry->prev)->next = entry->next;
	else
		*first = entry->next;
	if (entry->next)
		entry_at(window, entry->next)->prev = entry->prev;
	else
		*last = entry->prev;
}

static uint16_t after(const struct gh_window *window, const struct gh_window_entry *entry)
{
	if (entry->next)
		return entry->next;
	return entry->state == GH_WINDOW_RELEASED ? window->sent_first : 0;
}

static void unlink_entry(struct gh_window *window, struct gh_window_entry *entry)
{
	if (window->resend == entry->id)
		window->resend = after(window, entry);
	if (entry->state == GH_WINDOW_SENT)
		unlink_from(window, entry, &window->sent_first, &window->sent_last);
	else
		unlink_from(window, entry, &window->released_first, &window->released_last);
}

void gh_window_open(struct gh_window *window, uint16_t limit)
{
	for (struct gh_window_entry *e = gh_window_first(window); e; e = gh_window_next(window, e))
		e->counted = false;
	window->limit = limit;
	window->outstanding = 0;
	window->resend = window->released_first ? window->released_first : window->sent_first;
}

uint32_t gh_window_room(const struct gh_window *window)
{
	uint32_t ids = UINT16_MAX - window->count;
	uint32_t room = window->limit > window->outstanding ? window->limit - window->outstanding : 0;

	if (window->resend)
		return 0;
	return room < ids ? room : ids;
}

uint16_t gh_window_add(struct gh_window *window, struct gh_delivery *delivery)
{
	struct gh_window_entry *entry;
	uint16_t id;

	if (window->count + window->count / 4 >= window->size && window->size < LARGEST)
		resize(window, window->size ? window->size * 2 : SMALLEST);
	id = next_id(window);
	entry = entry_at(window, id);
	*entry = (struct gh_window_entry){
		.delivery = *delivery, .id = id, .state = GH_WINDOW_SENT, .counted = true
	};
	memset(delivery, 0, sizeof(*delivery));
	mark(window, id & (window->size - 1), true);
	link_last(window, entry, &window->sent_first, &window->sent_last);
	window->last_id = id;
	window->count++;
	window->outstanding++;
	return id;
}

static bool is_taken(const struct gh_window *window, uint16_t id)
{
	return !window->size || entry_at(window, id)->state != GH_WINDOW_FREE;
}

bool gh_window_restore(struct gh_window *window, uint16_t id, struct gh_delivery *delivery)
{
	struct gh_window_entry *entry;

	if (id == 0 || gh_window_find(window, id))
		return false;
	/* In the largest one each id has a place of its own. */
	while (is_taken(window, id) || window->count + window->count / 4 >= window->size) {
		if (window->size == LARGEST)
			break;
		resize(window, window->size ? window->size * 2 : SMALLEST);
	}
	entry = entry_at(window, id);
	*entry = (struct gh_window_entry){ .id = id, .state = GH_WINDOW_RELEASED };
	mark(window, id & (window->size - 1), true);
	window->count++;
	if (!delivery) {
		link_last(window, entry, &window->released_first, &window->released_last);
		return true;
	}
	entry->state = GH_WINDOW_SENT;
	entry->delivery = *delivery;
	memset(delivery, 0, sizeof(*delivery));
	link_last(window, entry, &window->sent_first, &window->sent_last);
	return true;
}

struct gh_window_entry *gh_window_resend_next(const struct gh_window *window)
{
	struct gh_window_entry *entry = window->resend ? entry_at(window, window->resend) : NULL;

	if (entry && entry->state == GH_WINDOW_SENT && window->outstanding >= window->limit)
		return NULL;
	return entry;
}

struct gh_window_entry *gh_window_resend(struct gh_window *window)
{
	struct gh_window_entry *entry = gh_window_resend_next(window);

	if (!entry)
		return NULL;
	if (entry->state == GH_WINDOW_SENT) {
		entry->counted = true;
		window->outstanding++;
	}
	window->resend = after(window, entry);
	return entry;
}

struct gh_window_entry *gh_window_find(const struct gh_window *window, uint16_t id)
{
	struct gh_window_entry *entry;

	if (!window->size)
		return NULL;
	entry = entry_at(window, id);
	return entry->state != GH_WINDOW_FREE && entry->id == id ? entry : NULL;
}

void gh_window_received(struct gh_window *window, struct gh_window_entry *entry)
{
	if (entry->state == GH_WINDOW_RELEASED)
		return;
	unlink_entry(window, entry);
	gh_delivery_drop(&entry->delivery);
	entry->state = GH_WINDOW_RELEASED;
	link_last(window, entry, &window->released_first, &window->released_last);
}

static void forget(struct gh_window *window)
{
	free(window->entries);
	window->entries = NULL;
	window->size = 0;
}

void gh_window_remove(struct gh_window *window, struct gh_window_entry *entry,
		      struct gh_delivery *delivery_r)
{
	struct gh_delivery delivery = entry->delivery;

	unlink_entry(window, entry);
	mark(window, entry->id & (window->size - 1), false);
	window->count--;
	if (entry->counted)
		window->outstanding--;
	memset(entry, 0, sizeof(*entry));
	if (window->count == 0 && window->size > SMALLEST)
		forget(window);
	if (delivery_r)
		*delivery_r = delivery;
	else
		gh_delivery_drop(&delivery);
}

struct gh_window_entry *gh_window_first(const struct gh_window *window)
{
	uint16_t id = window->released_first ? window->released_first : window->sent_first;

	return id ? entry_at(window, id) : NULL;
}

struct gh_window_entry *gh_window_next(const struct gh_window *window,
				       const struct gh_window_entry *entry)
{
	uint16_t id = after(window, entry);

	return id ? entry_at(window, id) : NULL;
}

void gh_window_trim(struct gh_window *window)
{
	if (window->count == 0)
		forget(window);
}

void gh_window_done(struct gh_window *window)
{
	for (uint32_t i = 0; i < window->size; i++)
		gh_delivery_drop(&window->entries[i].delivery);
	free(window->entries);
	*window = (struct gh_window){ 0 };
}
