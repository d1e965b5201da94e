/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to one session: at once, or by its queue and window; rights are asked where they take effect. */
#ifndef GH_CLIENT_DELIVER_H
#define GH_CLIENT_DELIVER_H

#include "client/channel.h"
#include "client/drop.h"
#include "client/transit.h"

/* How a session's subscriptions want it. */
struct gh_delivering {
	const uint32_t *ids;
	size_t id_count;
	uint64_t group;   /* shared group it came through, 0: none */
	uint32_t covered; /* policy generation that covers it; 0: RECEIVE is to be asked */
	uint8_t qos;      /* granted */
	bool retain;      /* RETAIN flag it is sent with */
	bool hold; /* of a group: no other member may have it: it waits for the rights of this one */
};

enum gh_delivered {
	GH_DELIVERED, /* sent, or waiting for the session */
	GH_REFUSED, /* RECEIVE says no, or QoS 0 without a connection: a shared group tries another member */
	GH_UNSETTLED, /* of a group: its rights are being re-checked; another member is tried first */
	GH_DROPPED    /* a bound was reached; counted */
};
enum gh_delivered gh_deliver(struct gh_shard *shard, struct gh_session *session,
			     struct gh_transit *transit, const struct gh_delivering *how);

/*
 * Sends what waits, as far as window and socket have room: first what is to be sent again after a resume, then retained messages
 * that a subscription asked for, then the queue.
 */
void gh_deliver_pump(struct gh_channel *channel);

/* Retained messages that a new subscription's filter matches: into the backlog. Takes over what the list holds. */
void gh_deliver_retained(struct gh_channel *channel, struct gh_subscriber *subscriber,
			 struct gh_retained_list *list);
/* So many may wait for one session; above that a SUBSCRIBE that would add more is refused (0x97). */
#define GH_BACKLOG_MAX (1u << 20)

#endif
