/* SPDX-License-Identifier: Apache-2.0 */
/* One message on its way to one subscriber: what queue, window and backlog hold. */
#ifndef GH_SESSION_DELIVERY_H
#define GH_SESSION_DELIVERY_H

#include "session/publication.h"

/*
 * A value: moved by assignment, and whoever holds it last calls gh_delivery_drop(). Owns one
 * reference of the publication and, with more than one subscription identifier, an array.
 */
struct gh_delivery {
	struct gh_publication *publication;
	uint64_t order; /* its place among those of its session in the store; 0: it isn't there */
	uint64_t group; /* gh_group.id of the shared group that chose this session; 0: none did */
	union {
		uint32_t one;   /* id_count <= 1 */
		uint32_t *many; /* id_count > 1; owned */
	} ids;
	/* Policy generation under which a subscription covered this delivery (subscriber.h); 0,
	 * or not the present one: RECEIVE is to be asked before it is sent. */
	uint32_t covered;
	uint16_t id_count;
	uint8_t qos; /* granted and as published, the lower one */
	bool retain; /* the RETAIN flag it is sent with */
};

/* Drops reference and array; safe to repeat and on a zeroed one. */
void gh_delivery_drop(struct gh_delivery *delivery);

/* Copies the identifiers into the delivery (which has none yet). More than 65,535 are cut. */
void gh_delivery_set_ids(struct gh_delivery *delivery, const uint32_t *ids, size_t count);

/* delivery->id_count of them; valid as long as the delivery isn't moved or dropped. */
static inline const uint32_t *gh_delivery_ids(const struct gh_delivery *delivery)
{
	return delivery->id_count > 1 ? delivery->ids.many : &delivery->ids.one;
}

#endif
