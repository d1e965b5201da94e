/* SPDX-License-Identifier: Apache-2.0 */
/* What the store has kept becomes sessions, retained messages and bans again, before anybody is let in. */
#ifndef GH_CLIENT_RESTORE_H
#define GH_CLIENT_RESTORE_H

#include "client/broker.h"

#include <gatehouse/hooks.h>

/*
 * The order: retained messages and bans as they are loaded, on the control thread; then each worker makes its sessions
 * (GH_RESTORE_SESSIONS); when all have, and every shared group knows its members, what is due is done (GH_RESTORE_DUE): wills fire,
 * sessions expire, and all that was restored is re-checked by today's policy. A record that can't be read is told and left in the
 * store; nothing else depends on it.
 */

/* For gh_storage_new(); its argument is the gh_broker. Never an error: one bad record doesn't keep the broker from serving. */
int gh_restore_loaded(void *broker, const struct gh_record *record);

/* All is loaded, no worker runs yet: from now on retained messages are told to the store. */
void gh_restore_begin(struct gh_broker *broker);
/* Sessions are to be restored, or something has been told that couldn't be. */
static inline bool gh_restore_needed(const struct gh_broker *broker)
{
	return broker->restoring;
}
enum gh_restore_step { GH_RESTORE_SESSIONS, GH_RESTORE_DUE };
/* Control thread, the workers run. done: on each worker, a turn after its own part. */
typedef void gh_restored_fn(void *arg);
void gh_restore_step(struct gh_broker *broker, enum gh_restore_step step, gh_restored_fn *done,
		     void *arg);
/* What was loaded is let go. NULL, and repeated: nothing. */
void gh_restore_end(struct gh_broker *broker);

#endif
