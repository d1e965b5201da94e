/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and prefixes as people write them. */
#include "limit/prefix.h"

#include "base/str.h"

#include <arpa/inet.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool is_mapped(const uint8_t ip[16])
{
	return memcmp(ip, mapped, sizeof mapped) == 0;
}

struct gh_prefix gh_prefix_of(const uint8_t ip[16], uint8_t bits)
{
	struct gh_prefix prefix = { .bits = bits };
	unsigned whole = bits / 8u, rest = bits % 8u;

	memcpy(prefix.ip, ip, whole);
	if (rest)
		prefix.ip[whole] = (uint8_t)(ip[whole] & 0xff00u >> rest);
	return prefix;
}

static bool parse_address(const char *text, uint8_t ip_r[16], uint8_t *offset_r)
{
	uint8_t ip[16];

	*offset_r = 0;
	if (inet_pton(AF_INET, text, ip + 12) == 1) {
		memcpy(ip, mapped, sizeof mapped);
		*offset_r = 96;
	} else if (inet_pton(AF_INET6, text, ip) != 1) {
		return false;
	}
	memcpy(ip_r, ip, 16);
	return true;
}

bool gh_prefix_parse(const char *text, struct gh_prefix *prefix_r)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	size_t n = slash ? (size_t)(slash - text) : text ? strlen(text) : 0;
	char address[INET6_ADDRSTRLEN];
	uint8_t ip[16], offset;
	uint64_t bits;

	if (n == 0 || n >= sizeof(address))
		return false;
	memcpy(address, text, n);
	address[n] = '\0';
	if (!parse_address(address, ip, &offset))
		return false;
	bits = 128u - offset;
	if (slash && !gh_str_number(gh_str(slash + 1), bits, &bits))
		return false;
	*prefix_r = gh_prefix_of(ip, (uint8_t)(bits + offset));
	return true;
}

bool gh_prefix_is_ipv4(const struct gh_prefix *prefix)
{
	return prefix->bits >= 96 && is_mapped(prefix->ip);
}

bool gh_prefix_holds(const struct gh_prefix *prefix, const uint8_t ip[16])
{
	struct gh_prefix other;

	if (gh_prefix_is_ipv4(prefix) != is_mapped(ip))
		return false;
	other = gh_prefix_of(ip, prefix->bits);
	return memcmp(other.ip, prefix->ip, sizeof(other.ip)) == 0;
}
