/* SPDX-License-Identifier: Apache-2.0 */
/* Which workers may have subscribers for a topic: one table for all, read by every publisher
 * without a lock. */
#ifndef GH_ROUTE_INTEREST_H
#define GH_ROUTE_INTEREST_H

#include "base/siphash.h"

/*
 * A filter is entered under its literal prefix: the levels before its first wildcard, at most 4 of
 * them ("a/+/c": "a"; "#": nothing; "a/b/c/d/e": "a/b/c/d"). A topic is looked up under each of its
 * prefixes of 0 to 4 levels. The table has a fixed size and knows only hashes: a worker may be
 * named for nothing (it then matches in vain), but one that has a matching filter is always named:
 *   - every matching filter's literal prefix is a prefix of the topic, and equal text has an equal
 *     place;
 *   - a worker sets its bit before gh_interest_add() returns, that is before the SUBACK is sent;
 *     whoever learns of that, by a socket, a lock or an inbox, sees the bit. With the retained
 *     store: the SUBSCRIBE adds, then locks the topic's shard to read; the PUBLISH locks it to
 *     write, then looks up. Whichever is first there, either the reader sees the message or the
 *     publisher the bit.
 */
struct gh_interest;

#define GH_INTEREST_WORKERS 64u

/* key: copied. workers: 1 to 64. */
struct gh_interest *gh_interest_new(const struct gh_hash_key *key, unsigned workers);
void gh_interest_free(struct gh_interest **interest);

/* On the thread of `worker` only. Each add is undone by one remove of the same filter. Without
 * $share/GROUP/. */
void gh_interest_add(struct gh_interest *interest, unsigned worker, struct gh_str filter);
void gh_interest_remove(struct gh_interest *interest, unsigned worker, struct gh_str filter);

/* Any thread. Bit n: worker n. */
uint64_t gh_interest_lookup(const struct gh_interest *interest, struct gh_str topic);

#endif
