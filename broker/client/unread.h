/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are in the store alone since the broker started: read when their client is there. */
#ifndef GH_CLIENT_UNREAD_H
#define GH_CLIENT_UNREAD_H

#include "client/channel.h"
#include "client/persist.h"

/* A packet id that was sent; its message is the one of that order. */
struct gh_unread_sent {
	uint64_t order, place;
	uint16_t packet_id;
	bool released;               /* while it is restored: it has no message */
	struct gh_delivery delivery; /* when it has been read */
};

/*
 * The store has given their number; they are fetched in their order, some at a time. Those that were in flight go back into the
 * window, as they were sent, before anything else is, and until they have the client isn't read: what it acknowledges must be
 * known. The others come before all that has been queued since.
 */
struct gh_unread {
	struct gh_session *session;
	uint64_t after; /* order of the last that was read */
	uint64_t last;  /* of the last that there was at the start: later ones are in memory too */
	uint64_t count, bytes; /* not read yet, as the store said */
	uint64_t surplus; /* so many of the oldest are to be dropped: the queue is full (drop-oldest) */
	struct gh_queue queue;       /* read, waiting */
	struct gh_unread_sent *sent; /* by order; those before sent_at are read, or gone */
	size_t sent_count, sent_at;
	struct gh_fetch *fetch; /* under way */
	bool complete;          /* the store has no more */
};

/* Of struct gh_unread_sent, for qsort(): as they were sent. */
int gh_unread_by_place(const void *a, const void *b);

struct gh_unread *gh_unread_new(struct gh_session *session);
void gh_unread_free(struct gh_unread **unread);

/* Nothing of the session is in the store alone. */
static inline struct gh_unread *gh_unread_of(const struct gh_session *session)
{
	const struct gh_lasting *lasting = gh_lasting_of(session);

	return lasting ? lasting->unread : NULL;
}

/* What was in flight is known. False: it is being read, and the client isn't. */
bool gh_unread_settled(struct gh_channel *channel);

/* From where the next message comes; NULL: from the store, later. gh_deliver_pump() is called then. */
struct gh_queue *gh_unread_queue(struct gh_shard *shard, struct gh_session *session);

/* What waits unread counts too: lessens the limits by it. False: there is no room at all for one more. */
bool gh_unread_room(struct gh_shard *shard, struct gh_session *session,
		    struct gh_queue_limits *limits);

/* How many wait, in memory or not. */
uint64_t gh_unread_count(const struct gh_session *session);

#endif
