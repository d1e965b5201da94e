/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of QoS 1 and 2 that a session has sent and that aren't acknowledged to the end. */
#ifndef GH_SESSION_WINDOW_H
#define GH_SESSION_WINDOW_H

#include "session/delivery.h"

/*
 *             add                    PUBACK / PUBREC with an error: remove
 *   (nothing) ----> SENT ------------------------------------------------> (nothing)
 *                    | PUBREC: received                                       ^
 *                    +---------------> RELEASED ------------------------------+
 *                                               PUBCOMP: remove
 *
 * Both states keep their order: SENT in that of the PUBLISHes, RELEASED in that of the PUBRECs
 * [MQTT-4.6.0-1 to -4]. After a resume, entries are sent again by gh_window_resend(), and nothing
 * new is added before that has come to its end.
 *
 * { 0 } is an empty window that owns nothing and is closed (limit 0). One worker.
 */
enum gh_window_state { GH_WINDOW_FREE = 0, GH_WINDOW_SENT, GH_WINDOW_RELEASED };

struct gh_window_entry {
	struct gh_delivery delivery; /* RELEASED: publication NULL, the receiver owns the message */
	uint16_t id;
	uint16_t next, prev; /* packet ids, 0: none */
	uint8_t state;       /* enum gh_window_state */
	bool counted;        /* its PUBLISH went out on this connection */
};

struct gh_window {
	struct gh_window_entry *entries; /* `size`, an id's place is id & (size - 1); a bitmap behind */
	uint32_t size;                   /* power of two, 0 or 8 to 65536 */
	uint32_t count;                  /* entries in use */
	uint16_t limit;       /* at most this many counted: min(client's receive maximum, ours) */
	uint16_t outstanding; /* counted ones */
	uint16_t last_id;     /* the last that was given out: numbering goes on behind it */
	uint16_t sent_first, sent_last;
	uint16_t released_first, released_last;
	uint16_t resend; /* next to be sent again, 0: all were */
};

/* Drops all; leaves an empty, closed one. */
void gh_window_done(struct gh_window *window);

/* A connection begins (first, or resumed): all that is in it is to be sent again, at most
 * `limit` PUBLISHes at a time. */
void gh_window_open(struct gh_window *window, uint16_t limit);

/*
 * What was sent before the broker started. SENT takes over *delivery; RELEASED (delivery NULL) has none. Behind those of its
 * state; gh_window_open() comes after the last, and last_id is the caller's to set. False: no id, or it is in use.
 */
bool gh_window_restore(struct gh_window *window, uint16_t id, struct gh_delivery *delivery);

/* How many may be added now; 0 while something is still to be sent again. */
uint32_t gh_window_room(const struct gh_window *window);

/* Takes over *delivery (zeroed then) as SENT under a new packet id, which is returned; call with
 * gh_window_room() > 0 and qos 1 or 2. Ids go round through 1 to 65,535, leaving out those in use
 * [MQTT-2.2.1-3, -4]. */
uint16_t gh_window_add(struct gh_window *window, struct gh_delivery *delivery);

/* The next entry to be sent again, oldest first: RELEASED ones as PUBREL, then SENT ones as
 * PUBLISH with DUP. NULL: no more, or none until something is acknowledged (gh_window_resending()
 * tells which). Each entry comes once an open. */
struct gh_window_entry *gh_window_resend(struct gh_window *window);
/* What that will return; it isn't taken. */
struct gh_window_entry *gh_window_resend_next(const struct gh_window *window);

static inline bool gh_window_resending(const struct gh_window *window)
{
	return window->resend != 0;
}

/* NULL: no such id in flight. Valid until the next add or remove. */
struct gh_window_entry *gh_window_find(const struct gh_window *window, uint16_t id);

/* PUBREC for an entry of QoS 2: RELEASED, its delivery is dropped. Repeated: nothing. */
void gh_window_received(struct gh_window *window, struct gh_window_entry *entry);

/* Acknowledged, or taken out: *delivery_r (the caller's to drop; NULL: dropped here) is what it
 * held. */
void gh_window_remove(struct gh_window *window, struct gh_window_entry *entry,
		      struct gh_delivery *delivery_r);

/* All entries, RELEASED first, in order: for (e = gh_window_first(w); e; e = next) { next =
 * gh_window_next(w, e); ... } with removal of e allowed. */
struct gh_window_entry *gh_window_first(const struct gh_window *window);
struct gh_window_entry *gh_window_next(const struct gh_window *window,
				       const struct gh_window_entry *entry);

/* A window that has grown gives memory back by itself when it gets empty, down to the smallest;
 * this gives back that too, if it is empty. For when a client has been idle or has gone. */
void gh_window_trim(struct gh_window *window);

#endif
