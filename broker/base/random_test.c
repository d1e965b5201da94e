/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/test.h"

#include <stdint.h>
#include <string.h>

START_TEST(fills_every_byte)
{
	static uint8_t a[100000], seen[100000];

	/* a byte that isn't written stays 0 in all 40 rounds; one that is, with a chance of 2^-320 */
	for (int round = 0; round < 40; round++) {
		gh_random(a, sizeof(a));
		for (size_t i = 0; i < sizeof(a); i++)
			seen[i] |= a[i];
	}
	ck_assert_ptr_null(memchr(seen, 0, sizeof(seen)));
	gh_random(a, 0);
}
END_TEST

START_TEST(never_twice_the_same)
{
	uint8_t a[16], b[16];

	gh_random(a, sizeof(a));
	gh_random(b, sizeof(b));
	ck_assert_mem_ne(a, b, sizeof(a));
}
END_TEST

GH_TEST_MAIN("base/random", fills_every_byte, never_twice_the_same)
