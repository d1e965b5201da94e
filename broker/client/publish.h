/* SPDX-License-Identifier: Apache-2.0 */
/* A PUBLISH of a client: alias, limits, right, QoS state, routing, acknowledgement. */
#ifndef GH_CLIENT_PUBLISH_H
#define GH_CLIENT_PUBLISH_H

#include "client/channel.h"
#include "client/transit.h"

enum gh_next gh_publish_in(struct gh_channel *channel, const struct gh_frame *frame);

/* A PUBLISH whose authorization waits; the packet is copied. */
struct gh_parked;
void gh_parked_free(struct gh_parked **parked);

/* Tells observers of an accepted message. */
void gh_tell_published(struct gh_shard *shard, const struct gh_client *client,
		       const struct gh_publication_facts *message);

#endif
