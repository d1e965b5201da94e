/* SPDX-License-Identifier: Apache-2.0 */
/* Open tickets of one asker: handles checked by generation, answered from any thread. */
#ifndef GH_HOOK_TICKET_H
#define GH_HOOK_TICKET_H

#include "hook/asker.h"

struct gh_instance;
struct gh_ask;

/*
 * id = generation (32 bits) | slot (24) | asker's index + 1 (8), so 0 is never one. A slot is open, claimed (somebody builds the
 * answer), answered (posted to the asker), or free. Only the asker's thread opens and closes; the rest is any
 * thread's, under the table's lock, which nobody holds while a module runs.
 */
struct gh_ticket gh_ticket_open_for(struct gh_asker *asker, struct gh_instance *instance, struct gh_ask *ask,
				    uint64_t due_ms);
/* Nothing that comes for it has an effect any more. id 0 is fine. timed_out: for the count. */
void gh_ticket_close(struct gh_asker *asker, struct gh_ticket ticket, bool timed_out);

/* Any thread. True: open, of this instance, before its deadline; now claimed by the caller. Others are counted. */
bool gh_ticket_claim(struct gh_askers *askers, const struct gh_instance *instance, struct gh_ticket ticket);
/* Any thread, after a claim: posts `mail` if the ticket is still waited for, else returns false (counted). */
bool gh_ticket_post(struct gh_askers *askers, struct gh_ticket ticket, struct gh_mail *mail);
bool gh_ticket_waits(struct gh_askers *askers, const struct gh_instance *instance, struct gh_ticket ticket);
/* The asker's thread, when the mail has come: the ask that waits; NULL: closed meanwhile (counted). */
struct gh_ask *gh_ticket_answered(struct gh_asker *asker, struct gh_ticket ticket);

#endif
