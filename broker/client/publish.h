/* SPDX-License-Identifier: Apache-2.0 */
/* A PUBLISH of a client: alias, limits, right, QoS state, routing, acknowledgement. */
#ifndef GH_CLIENT_PUBLISH_H
#define GH_CLIENT_PUBLISH_H

#include "client/permit.h"
#include "client/transit.h"

enum gh_next gh_publish_in(struct gh_channel *channel, const struct gh_frame *frame);

/* It may be published as it is: QoS state, routing, acknowledgement. */
enum gh_next gh_publish_accept(struct gh_channel *channel, const struct gh_incoming *in);
/* Not accepted: told so where the version can (3.1.1 gets a plain acknowledgement), and dropped. text: reason string; NULL. */
enum gh_next gh_publish_refuse(struct gh_channel *channel, const struct gh_packet_publish *packet,
			       enum gh_reason reason, const char *text);

/* Tells observers of an accepted message. */
void gh_tell_published(struct gh_shard *shard, const struct gh_client *client,
		       const struct gh_publication_facts *message);

#endif
