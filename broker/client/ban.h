/* SPDX-License-Identifier: Apache-2.0 */
/* Who is banned, in the table and in the store. */
#ifndef GH_CLIENT_BAN_H
#define GH_CLIENT_BAN_H

#include "client/broker.h"
#include "limit/term.h"

/* Any thread, also inside a module's call, the store's too. seconds 0: lifted; *changed_r: there was one. GH_EBUSY: the table is
 * full. What has changed is to be told to the store soon: gh_ban_tell(). */
int gh_ban_change(struct gh_broker *broker, const struct gh_term_key *key, uint32_t seconds,
		  const char *why, bool *changed_r);
/* Not inside a module's call. The store is told in the order in which the table took it, one thread at a time: by this call, or by
 * the one that is at it. */
void gh_ban_tell(struct gh_broker *broker);

#endif
