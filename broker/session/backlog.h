/* SPDX-License-Identifier: Apache-2.0 */
/* Retained messages that subscriptions asked for and that wait for the window: eight bytes each. */
#ifndef GH_SESSION_BACKLOG_H
#define GH_SESSION_BACKLOG_H

#include "session/delivery.h"

/*
 * Every matching retained message is delivered, however many there are, so they don't go through
 * the bounded queue. What bounds them: there is one batch a subscription (a repeated SUBSCRIBE
 * replaces what is left of its former one), and the caller stops reading from a client whose
 * backlog isn't empty. A message that was superseded meanwhile is skipped: the newer one comes as
 * an ordinary publication. { 0 } is empty and owns nothing. One worker.
 */
struct gh_backlog {
	struct gh_backlog_batch *first, *last;
	size_t count; /* messages left in all batches, superseded ones included */
};

/* How the messages of one batch are delivered. */
struct gh_backlog_facts {
	const void *owner; /* which subscription: compared only; pass the struct gh_subscriber */
	uint32_t subscription_id; /* 0: none */
	uint32_t covered;         /* gh_delivery.covered */
	uint8_t qos;              /* granted */
};

void gh_backlog_done(struct gh_backlog *backlog);

/* Takes over the array (from malloc) and the references in it; n may be 0. */
void gh_backlog_add(struct gh_backlog *backlog, const struct gh_backlog_facts *facts,
		    struct gh_publication **publications, size_t n);

/* The subscription is gone: so is its batch. */
void gh_backlog_cancel(struct gh_backlog *backlog, const void *owner);

/* Of what is left nothing is covered any more: gh_delivery.covered is 0. */
void gh_backlog_uncover(struct gh_backlog *backlog);

/* Shows the next one, past superseded and expired ones (these are dropped): retain set, qos the
 * lower of the two. The delivery is borrowed until gh_backlog_take(). False: no more. */
bool gh_backlog_peek(struct gh_backlog *backlog, uint64_t now, struct gh_delivery *delivery_r);

/* What the peek just before has shown is the caller's now, and is out of the backlog. */
void gh_backlog_take(struct gh_backlog *backlog);

#endif
