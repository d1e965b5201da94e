/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets: who may still answer what, and what became of those who tried. */
#ifndef GH_TESTHOST_TICKET_H
#define GH_TESTHOST_TICKET_H

#include <pthread.h>
#include <gatehouse/types.h>

enum gh_ticket_state {
	GH_TICKET_OPEN = 1,
	GH_TICKET_CLAIMED,  /* between begin and end */
	GH_TICKET_ANSWERED, /* the result waits to be taken */
	GH_TICKET_TAKEN,
	GH_TICKET_TIMED_OUT, /* nobody answered in time */
	GH_TICKET_DROPPED,   /* whoever asked is gone, or didn't want to wait */
};

/* What a ticket is about. */
struct gh_question {
	uint32_t point;  /* enum gh_point */
	uint32_t flags;  /* of the hook's argument */
	uint32_t action; /* authorize */
	bool named;      /* an earlier module has named the principal */
	uint64_t due_ns; /* the clock's, when it ends by itself */
};

struct gh_ticket_counts {
	uint64_t open, answered, timed_out;
	uint64_t late;     /* answers after the deadline */
	uint64_t doubled;  /* second answers */
	uint64_t orphaned; /* answers to whom nobody waits */
	uint64_t invented; /* answers to a ticket that was never given, or to another */
};

/* Any thread. */
struct gh_tickets {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct gh_ticket_slot *slots;
	uint32_t count;
	struct gh_ticket_counts counts;
};
void gh_tickets_init(struct gh_tickets *tickets);
void gh_tickets_done(struct gh_tickets *tickets); /* results must have been taken */

struct gh_ticket gh_tickets_open(struct gh_tickets *tickets, const void *owner,
				 const struct gh_question *about);
struct gh_ticket gh_ticket_numbered(uint32_t number); /* from 1 on, in the order of opening */
enum gh_ticket_state gh_tickets_state(struct gh_tickets *tickets, struct gh_ticket ticket);

/* What an answer does. False: it comes too late, twice, for nobody, or the ticket is none of this
 * owner's; counted. */
bool gh_tickets_claim(struct gh_tickets *tickets, const void *owner, struct gh_ticket ticket,
		      struct gh_question *about_r);
/* False: closed meanwhile; the result stays the caller's. */
bool gh_tickets_answer(struct gh_tickets *tickets, struct gh_ticket ticket, void *result);

/* The result of an answered one, which is closed by that; NULL: none. */
void *gh_tickets_take(struct gh_tickets *tickets, struct gh_ticket ticket);
/* state: GH_TICKET_TIMED_OUT or _DROPPED. A result that nobody has taken is returned. */
void *gh_tickets_close(struct gh_tickets *tickets, struct gh_ticket ticket,
		       enum gh_ticket_state state);
/* The first that is still open or answered, of this owner; id 0: none. */
struct gh_ticket gh_tickets_any(struct gh_tickets *tickets, const void *owner);

/* Real time. True: it isn't open any more. */
bool gh_tickets_wait(struct gh_tickets *tickets, struct gh_ticket ticket, unsigned ms);
struct gh_ticket_counts gh_tickets_counts(struct gh_tickets *tickets);

#endif
