/* SPDX-License-Identifier: Apache-2.0 */
/* A table of slots, each with the generation of the handle that is its present one. */
#include "hook/handle.h"

#include "base/mem.h"

#include <stdlib.h>

struct gh_handle_slot {
	uint32_t generation; /* of the present handle, or of the next one */
	uint32_t next_free;
	void *what; /* NULL: free */
};

#define SLOT_BITS 24u
#define SLOTS_MAX (1u << SLOT_BITS)

void gh_handles_init(struct gh_handles *handles, unsigned owner)
{
	*handles = (struct gh_handles){ .free = UINT32_MAX, .owner = owner };
}

void gh_handles_done(struct gh_handles *handles)
{
	free(handles->slots);
	gh_handles_init(handles, handles->owner);
}

static void grow(struct gh_handles *handles)
{
	uint32_t old = handles->count, count = old ? old * 2 : 16;

	handles->slots = gh_realloc_array(handles->slots, count, sizeof(*handles->slots));
	for (uint32_t i = count; i-- > old;) {
		handles->slots[i] =
			(struct gh_handle_slot){ .generation = 1, .next_free = handles->free };
		handles->free = i;
	}
	handles->count = count;
}

uint64_t gh_handle_new(struct gh_handles *handles, void *what)
{
	uint32_t index;

	if (handles->free == UINT32_MAX && handles->count < SLOTS_MAX)
		grow(handles);
	index = handles->free;
	if (index == UINT32_MAX)
		return 0;
	handles->free = handles->slots[index].next_free;
	handles->slots[index].what = what;
	return (uint64_t)handles->slots[index].generation << 32 | (uint64_t)index << 8 |
	       (handles->owner + 1);
}

static struct gh_handle_slot *slot_of(const struct gh_handles *handles, uint64_t id)
{
	uint32_t index = (uint32_t)(id >> 8) & (SLOTS_MAX - 1);
	struct gh_handle_slot *slot = index < handles->count ? &handles->slots[index] : NULL;

	return slot && slot->what && slot->generation == (uint32_t)(id >> 32) ? slot : NULL;
}

void *gh_handle_get(const struct gh_handles *handles, uint64_t id)
{
	const struct gh_handle_slot *slot =
		gh_handle_owner(id) == handles->owner ? slot_of(handles, id) : NULL;

	return slot ? slot->what : NULL;
}

void gh_handle_drop(struct gh_handles *handles, uint64_t id)
{
	struct gh_handle_slot *slot = slot_of(handles, id);

	slot->what = NULL;
	slot->generation++;
	/* A slot whose generations are used up is retired. */
	if (slot->generation != UINT32_MAX) {
		slot->next_free = handles->free;
		handles->free = (uint32_t)(slot - handles->slots);
	}
}

void *gh_handles_any(const struct gh_handles *handles)
{
	for (uint32_t i = 0; i < handles->count; i++)
		if (handles->slots[i].what)
			return handles->slots[i].what;
	return NULL;
}
