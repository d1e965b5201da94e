/* SPDX-License-Identifier: Apache-2.0 */
/* Open tickets of one asker: handles checked by generation, answered from any thread. */
#ifndef GH_HOOK_TICKET_H
#define GH_HOOK_TICKET_H

#include "hook/asker.h"

struct gh_instance;

/* What it is for; one kind is never taken for another. */
enum gh_ticket_kind {
	GH_TICKET_ANSWER, /* waiter: a gh_ask */
	GH_TICKET_REPLY,  /* a gh_errand */
	GH_TICKET_FETCH   /* a gh_fetch */
};

/*
 * id = generation (32 bits) | slot (24) | asker's index + 1 (8), so 0 is never one. A slot is free,
 * open, claimed (somebody builds the answer) or answered (it is on its way to the asker). Only the
 * asker's own thread opens and closes; the rest is any thread's, under the asker's lock, which
 * nobody holds while a module runs.
 */
/* id 0: no slot left (16 million). Counts in instance->pending until it is closed. */
struct gh_ticket gh_ticket_open_for(struct gh_asker *asker, struct gh_instance *instance,
				    enum gh_ticket_kind kind, void *waiter, uint64_t due_ms);
/* Nothing that comes for it has an effect any more. id 0 is fine. */
enum gh_ticket_end { GH_TICKET_ANSWERED, GH_TICKET_TIMED_OUT, GH_TICKET_CANCELLED };
void gh_ticket_close(struct gh_asker *asker, struct gh_ticket ticket, enum gh_ticket_end end);

/* Any thread. True: open, of this instance and kind and before its deadline; now claimed by the
 * caller. Others are counted. */
bool gh_ticket_claim(struct gh_askers *askers, const struct gh_instance *instance,
		     enum gh_ticket_kind kind, struct gh_ticket ticket, uint64_t *due_ms_r);
/* Any thread, after a claim. True: mail is posted to the asker. False: nobody waits any more
 * (counted), mail is the caller's. */
bool gh_ticket_post(struct gh_askers *askers, struct gh_ticket ticket, struct gh_mail *mail);
bool gh_ticket_waits(struct gh_askers *askers, const struct gh_instance *instance,
		     struct gh_ticket ticket);
/* The asker's thread: who waits, answered or not; NULL: closed meanwhile (counted). */
void *gh_ticket_waiter(struct gh_asker *asker, struct gh_ticket ticket);

/* NULL: invented */
struct gh_asker *gh_ticket_asker(struct gh_askers *askers, struct gh_ticket ticket);

#endif
