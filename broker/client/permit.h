/* SPDX-License-Identifier: Apache-2.0 */
/* May a PUBLISH be taken? The authorize list, then the message list, which may change what it is. */
#ifndef GH_CLIENT_PERMIT_H
#define GH_CLIENT_PERMIT_H

#include "client/channel.h"
#include "hook/edited.h"

/* A PUBLISH that came in: views into the read buffer, or into a copy while it waits. On the stack of who reads it. */
struct gh_incoming {
	struct gh_packet_publish packet;
	struct gh_str topic;      /* resolved: its own, or what its alias stands for */
	struct gh_edited *edited; /* what modules have made of it; NULL: as it came */
	/* permit.c's */
	const struct gh_frame *frame;  /* NULL: it waits, copied */
	uint32_t generation;           /* of the policy that is asked */
	const struct gh_snapshot *who; /* that is asked about; compared alone, it may be gone */
	uint64_t due_ms; /* until then it may be asked about anew, as often as the policy changes */
	bool filtered;   /* the message list has been asked */
};

static inline struct gh_str gh_incoming_topic(const struct gh_incoming *in)
{
	return in->edited ? in->edited->message.topic : in->topic;
}

static inline struct gh_bytes gh_incoming_payload(const struct gh_incoming *in)
{
	return in->edited ? in->edited->message.payload : in->packet.payload;
}

static inline struct gh_bytes gh_incoming_properties(const struct gh_incoming *in)
{
	return in->edited ? in->edited->message.properties : in->packet.properties.raw;
}

/*
 * Asks: authorize; message, where the listener has such a list; authorize once more where a module changed the topic or the
 * policy was replaced meanwhile. Ends with gh_publish_accept() or gh_publish_refuse(), now or later. Of `in` packet and topic are
 * set; frame is what they were read from, copied if somebody must be waited for.
 */
enum gh_next gh_permit(struct gh_channel *channel, const struct gh_frame *frame,
		       struct gh_incoming *in);

/* One that waits; the packet is copied. */
struct gh_parked;
void gh_parked_free(struct gh_parked **parked);

#endif
