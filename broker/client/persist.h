/* SPDX-License-Identifier: Apache-2.0 */
/* What is to outlive the process is told to the store, as it happens. Without a store each of these is a look at a pointer. */
#ifndef GH_CLIENT_PERSIST_H
#define GH_CLIENT_PERSIST_H

#include "client/shard.h"
#include "session/record.h"

struct gh_unread;

/*
 * session->lasting: what the store has of a session that outlives its connections. NULL: nothing, there is no store or the session
 * ends with its connection. Set when it begins, for its life.
 */
struct gh_lasting {
	int64_t offline_since; /* Unix seconds; 0: connected */
	uint64_t order; /* the last that was given to a message, or as its place; they count from 1 */
	uint16_t last_id; /* in the store: of the packet ids that may be used, which go round */
	struct gh_unread *unread; /* messages that are in the store alone (unread.h); NULL: none */
};

static inline struct gh_lasting *gh_lasting_of(const struct gh_session *session)
{
	return session->lasting;
}

/* Whether it has been put or not: nothing that depends on it may be confirmed where the store has failed; see hold.h. */

/* A new one, joined: begins, where it is to last. One that lasts: its owner, identity or end has changed. */
void gh_persist_session(struct gh_shard *shard, struct gh_session *session);
/* It has ended: all of it goes. */
void gh_persist_session_end(struct gh_shard *shard, struct gh_session *session);
/* Frees what it is for, and leaves the records: the broker ends. */
void gh_persist_leave(struct gh_session *session);

/* filter: as the client wrote it */
void gh_persist_subscription(struct gh_shard *shard, const struct gh_subscriber *subscriber,
			     struct gh_str filter);
void gh_persist_subscription_end(struct gh_shard *shard, struct gh_session *session,
				 struct gh_str filter);

/* One that waits, or is about to be sent and doesn't expire any more; gives it its order. */
void gh_persist_message(struct gh_shard *shard, struct gh_session *session,
			struct gh_delivery *delivery, bool sent);
/* The order alone, where it isn't known yet whether it will be kept; then gh_persist_message(), which leaves it. */
void gh_persist_order(struct gh_session *session, struct gh_delivery *delivery);
/* It is delivered, or nobody gets it. */
void gh_persist_message_end(struct gh_shard *shard, const struct gh_session *session,
			    const struct gh_delivery *delivery);

/*
 * The window: an entry has been added; has been received (call before gh_window_received()); goes (before gh_window_remove()).
 * Packet ids are reserved ahead, with the session, where it is put at the begin of a connection, and whenever half of them have been
 * used: after a crash, numbering goes on behind those that may have been.
 */
void gh_persist_sent(struct gh_shard *shard, const struct gh_session *session,
		     const struct gh_window_entry *entry);
void gh_persist_received(struct gh_shard *shard, const struct gh_session *session,
			 const struct gh_window_entry *entry);
void gh_persist_window_end(struct gh_shard *shard, const struct gh_session *session,
			   const struct gh_window_entry *entry);

void gh_persist_inbound(struct gh_shard *shard, const struct gh_session *session, uint16_t id);
void gh_persist_inbound_end(struct gh_shard *shard, const struct gh_session *session, uint16_t id);

/* The session's will is what it is now. */
void gh_persist_will(struct gh_shard *shard, const struct gh_session *session);
/* One that fires and waits for an answer: nobody's but the broker's, whatever becomes of the session. */
void gh_persist_firing(struct gh_shard *shard, uint64_t serial, const struct gh_session_will *will);
void gh_persist_firing_end(struct gh_shard *shard, uint64_t serial,
			   const struct gh_session_will *will);

/* For gh_retained_keep(); its argument is the gh_broker. */
extern const struct gh_retained_keeper gh_persist_retained;

/* Both clocks now. */
struct gh_record_clock gh_persist_clock(void);

#endif
