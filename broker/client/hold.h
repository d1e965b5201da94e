/* SPDX-License-Identifier: Apache-2.0 */
/* Acknowledgements that wait for a barrier: nothing is confirmed before modules say that it is safe. */
#ifndef GH_CLIENT_HOLD_H
#define GH_CLIENT_HOLD_H

#include "client/channel.h"

/* Must this worker's acknowledgements be held? Without a module that wants it, and without a store: no. */
bool gh_hold_needed(const struct gh_shard *shard);

/*
 * One that is encoded already (n bytes), sent when the barrier that is raised at the end of this turn has passed; in order.
 * After a CONNACK nothing of the connection is sent before. What must be refused then: PUBACK and PUBREC of MQTT 5 say 0x83,
 * with anything else the connection ends. A client with more of them than it may have unacknowledged isn't read meanwhile.
 */
void gh_hold(struct gh_channel *channel, enum gh_packet_type type, uint16_t packet_id,
	     const uint8_t *p, size_t n);

/* Something that is done when all that this turn has sent to other workers is safe there, and here; not at all if it can't be made
 * safe or the worker ends. Its owner may take it out of the list it is in. */
struct gh_afterwards {
	struct gh_node node;
	void (*fn)(struct gh_afterwards *afterwards, bool safe);
};
void gh_hold_afterwards(struct gh_shard *shard, struct gh_afterwards *afterwards);
/* In this turn messages have gone to other workers, which are to put them into the store. */
static inline bool gh_hold_awaits_others(const struct gh_shard *shard)
{
	return shard->sent_to != 0;
}

/* The end of the worker's turn: raises a barrier for what was held in it, or was put into the store. Where there is a store, what is
 * held waits also for the barriers of the workers that messages went to. What the store hasn't taken isn't confirmed: all of this
 * turn is refused then. */
void gh_hold_turn_end(struct gh_shard *shard);

/* The connection has gone: nobody is to be told. What of QoS 2 isn't safe then isn't known any more, so that it is taken when it comes
 * again. */
void gh_hold_drop(struct gh_channel *channel);
/* The session ends. */
void gh_hold_forget(struct gh_session *session);

void gh_hold_start(struct gh_shard *shard);
void gh_hold_stop(struct gh_shard *shard);

#endif
