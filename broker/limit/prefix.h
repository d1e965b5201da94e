/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and prefixes as people write them: "192.0.2.7", "2001:db8::/64". */
#ifndef GH_LIMIT_PREFIX_H
#define GH_LIMIT_PREFIX_H

#include <gatehouse/types.h>

/* IPv4 is IPv6 ::ffff:a.b.c.d, its prefix 96 bits longer. The bits behind the prefix are 0. */
struct gh_prefix {
	uint8_t ip[16];
	uint8_t bits; /* 0..128 */
};

/* False: neither. Bits behind the prefix may be set, as people copy them; IPv4 may be written as the
 * mapped form. */
bool gh_prefix_parse(const char *text, struct gh_prefix *prefix_r);

/* The prefix of so many bits that an address is in. */
struct gh_prefix gh_prefix_of(const uint8_t ip[16], uint8_t bits);

bool gh_prefix_is_ipv4(const struct gh_prefix *prefix);

/* A prefix of IPv6, "::/0" too, holds no IPv4. ip: as in struct gh_peer; never that of a UNIX socket. */
bool gh_prefix_holds(const struct gh_prefix *prefix, const uint8_t ip[16]);

#endif
