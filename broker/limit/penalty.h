/* SPDX-License-Identifier: Apache-2.0 */
/* Guessing passwords is slow: how long a refused login waits for its answer, by address and
 * by user name. */
#ifndef GH_LIMIT_PENALTY_H
#define GH_LIMIT_PENALTY_H

#include <gatehouse/types.h>

/*
 * Each failed login counts against its address (IPv6: the /64) and its user name. The refusal is
 * delayed by base_ms for the first failure, twice as long for each further one, up to max_ms;
 * the greater of both counts. Every decay_ms without failure takes one failure back. A right
 * login is never delayed, so nobody can lock another one out; it clears its user name's count,
 * never its address's (else a guesser with one account of their own would clear it between
 * guesses). Memory is fixed (16 bytes an entry); when a bucket of 8 is full, the entry with the
 * least penalty left goes.
 */
struct gh_penalty_settings {
	uint32_t base_ms; /* 0: no delay at all */
	uint32_t max_ms;
	uint32_t decay_ms; /* at least 1 */
	uint32_t entries;  /* rounded up to a power of two, at least 1024 */
};

/* Any thread: locked in 64 shards, keyed by a random hash key. */
struct gh_penalties;

struct gh_penalties *gh_penalties_new(const struct gh_penalty_settings *settings);
void gh_penalties_free(struct gh_penalties **penalties);
/* Takes effect for later failures; `entries` is not changed by this. Any thread. */
void gh_penalties_configure(struct gh_penalties *penalties,
			    const struct gh_penalty_settings *settings);

/* A login failed: milliseconds to wait before the refusal is sent. ip as in struct gh_peer,
 * all zero (UNIX sockets): only the user counts. user.n 0: only the address counts. */
uint32_t gh_penalties_fail(struct gh_penalties *penalties, const uint8_t ip[16],
			   struct gh_bytes user, uint64_t now_ms);
/* A login succeeded. */
void gh_penalties_succeed(struct gh_penalties *penalties, struct gh_bytes user);

#endif
