/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"
#include "base/test.h"

#include <string.h>

#define ELEVEN \
	"gatehousegatehousegatehousegatehousegatehousegatehousegatehousegatehousegatehousegatehousegatehouse"

/* Vectors from another implementation: CPython 3.11 hashes bytes with SipHash-1-3; PYTHONHASHSEED=0 is the zero key, 42
 * the other one (pyhash.c and bootstrap_hash.c tell how a key comes out of a seed). */
static const struct {
	struct gh_hash_key key;
	const char *text;
	uint64_t hash;
} rows[] = {
	{ { 0, 0 }, "a", 0x407448d2b89b1813 },
	{ { 0, 0 }, "abc", 0xc03bc3a0042630f2 },
	{ { 0, 0 }, "1234567", 0xa33d651594fdae81 },
	{ { 0, 0 }, "12345678", 0x3489982430560a87 },
	{ { 0, 0 }, "123456789", 0x0fbc0f0007965fcf },
	{ { 0, 0 }, ELEVEN, 0xd82971bcf88159a9 },
	{ { 0xdc504fd368cd90af, 0xb920bb9ffe99e9c1 }, "abc", 0x35b382d0c5d675e9 },
	{ { 0xdc504fd368cd90af, 0xb920bb9ffe99e9c1 }, "12345678", 0x84eb586ab30cc7f5 },
	{ { 0xdc504fd368cd90af, 0xb920bb9ffe99e9c1 }, ELEVEN, 0xc9beb75001726516 },
};

START_TEST(agrees_with_others)
{
	for (size_t i = 0; i < GH_COUNT(rows); i++)
		ck_assert_msg(gh_siphash(&rows[i].key, rows[i].text, strlen(rows[i].text)) ==
				      rows[i].hash,
			      "row %zu", i);
}
END_TEST

START_TEST(keys_differ)
{
	struct gh_hash_key a, b;

	gh_hash_key_init(&a);
	gh_hash_key_init(&b);
	ck_assert_mem_ne(&a, &b, sizeof(a));
	ck_assert_uint_ne(gh_siphash(&a, "x", 1), gh_siphash(&b, "x", 1));
	ck_assert_uint_ne(gh_siphash(&a, NULL, 0), gh_siphash(&b, NULL, 0));
}
END_TEST

GH_TEST_MAIN("base/siphash", agrees_with_others, keys_differ)
