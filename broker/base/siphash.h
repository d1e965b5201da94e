/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-1-3: the keyed hash for everything whose keys a peer can choose. */
#ifndef GH_BASE_SIPHASH_H
#define GH_BASE_SIPHASH_H

#include <gatehouse/types.h>

struct gh_hash_key {
	uint64_t k0, k1;
};

/* From the kernel's random numbers; aborts when it has none. */
void gh_hash_key_init(struct gh_hash_key *key);
uint64_t gh_siphash(const struct gh_hash_key *key, const void *p, size_t n);

#endif
