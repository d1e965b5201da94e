/* SPDX-License-Identifier: Apache-2.0 */
/* Who is banned, in the table and in the store. */
#ifndef GH_CLIENT_BAN_H
#define GH_CLIENT_BAN_H

#include "client/broker.h"
#include "limit/term.h"

/*
 * Any thread. seconds 0: lifted; *changed_r: there was one. GH_EBUSY: the table is full.
 * The store is told in the order in which the table took it, one thread at a time and without a lock: by this call, or where
 * another one is at it, or this is the store's own call, by that one.
 */
int gh_ban_change(struct gh_broker *broker, const struct gh_term_key *key, uint32_t seconds,
		  const char *why, bool *changed_r);

#endif
