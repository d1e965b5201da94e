/* SPDX-License-Identifier: Apache-2.0 */
/* Packet ids of QoS 2 messages that a client has published and not yet released. */
#include "session/inbound.h"

#include "base/mem.h"

#include <stdlib.h>

/* The bitmap: 4096 words of 16 bits. */
#define WORDS 4096u

static uint16_t bit(uint16_t id)
{
	return (uint16_t)(1u << (id % 16));
}

/* Its place among the few, or count. */
static uint32_t place(const struct gh_inbound *inbound, uint16_t id)
{
	uint32_t i = 0;

	while (i < inbound->count && inbound->ids.few[i] != id)
		i++;
	return i;
}

static void to_map(struct gh_inbound *inbound)
{
	uint16_t *map = gh_zalloc(WORDS * sizeof(*map));

	for (uint32_t i = 0; i < inbound->count; i++)
		map[inbound->ids.few[i] / 16] |= bit(inbound->ids.few[i]);
	inbound->ids.map = map;
	inbound->is_map = true;
}

void gh_inbound_done(struct gh_inbound *inbound)
{
	if (inbound->is_map)
		free(inbound->ids.map);
	*inbound = (struct gh_inbound){ 0 };
}

bool gh_inbound_has(const struct gh_inbound *inbound, uint16_t id)
{
	if (inbound->is_map)
		return inbound->ids.map[id / 16] & bit(id);
	return place(inbound, id) < inbound->count;
}

enum gh_inbound_result gh_inbound_add(struct gh_inbound *inbound, uint16_t id, uint16_t maximum)
{
	if (gh_inbound_has(inbound, id))
		return GH_INBOUND_AGAIN;
	if (inbound->count >= maximum)
		return GH_INBOUND_FULL;
	if (!inbound->is_map && inbound->count == GH_INBOUND_FEW)
		to_map(inbound);
	if (inbound->is_map)
		inbound->ids.map[id / 16] |= bit(id);
	else
		inbound->ids.few[inbound->count] = id;
	inbound->count++;
	return GH_INBOUND_NEW;
}

bool gh_inbound_remove(struct gh_inbound *inbound, uint16_t id)
{
	if (!gh_inbound_has(inbound, id))
		return false;
	inbound->count--;
	if (!inbound->is_map) {
		/* count is one less by now: it is the last one's place. */
		uint16_t last = inbound->ids.few[inbound->count];

		if (last != id)
			inbound->ids.few[place(inbound, id)] = last;
		return true;
	}
	inbound->ids.map[id / 16] &= (uint16_t)~bit(id);
	if (inbound->count == 0)
		gh_inbound_done(inbound);
	return true;
}
