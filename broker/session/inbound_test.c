/* SPDX-License-Identifier: Apache-2.0 */
/* Unreleased packet ids against a plain array of flags. */
#include "session/inbound.h"

#include "base/test.h"

START_TEST(repeats_and_fills)
{
	struct gh_inbound inbound = { 0 };

	ck_assert_int_eq(gh_inbound_add(&inbound, 7, 2), GH_INBOUND_NEW);
	ck_assert_int_eq(gh_inbound_add(&inbound, 7, 2), GH_INBOUND_AGAIN);
	ck_assert_int_eq(gh_inbound_add(&inbound, 65535, 2), GH_INBOUND_NEW);
	ck_assert_int_eq(gh_inbound_add(&inbound, 8, 2), GH_INBOUND_FULL);
	ck_assert_int_eq(gh_inbound_add(&inbound, 65535, 2), GH_INBOUND_AGAIN);
	ck_assert(gh_inbound_remove(&inbound, 7));
	ck_assert(!gh_inbound_remove(&inbound, 7));
	ck_assert_int_eq(gh_inbound_add(&inbound, 8, 2), GH_INBOUND_NEW);
	gh_inbound_done(&inbound);
	ck_assert(!gh_inbound_has(&inbound, 8));
}
END_TEST

START_TEST(all_ids)
{
	struct gh_inbound inbound = { 0 };

	for (unsigned id = 1; id < 65536; id++)
		GH_MUST(gh_inbound_add(&inbound, (uint16_t)id, 65535) == GH_INBOUND_NEW);
	GH_MUST(inbound.count == 65535);
	for (unsigned id = 65535; id > 0; id--)
		GH_MUST(gh_inbound_remove(&inbound, (uint16_t)id));
	GH_MUST(inbound.count == 0);
	GH_MUST(!inbound.is_map);
}
END_TEST

static void agree(unsigned range, unsigned seed)
{
	struct gh_inbound inbound = { 0 };
	bool *there = calloc(65536, sizeof(*there));
	unsigned count = 0;

	for (unsigned step = 0; step < 100000; step++) {
		uint16_t id = (uint16_t)(1 + (unsigned)rand_r(&seed) % range * (65535 / range));

		GH_MUST(gh_inbound_has(&inbound, id) == there[id]);
		if (rand_r(&seed) % 2) {
			GH_MUST(gh_inbound_add(&inbound, id, 65535) ==
				(there[id] ? GH_INBOUND_AGAIN : GH_INBOUND_NEW));
			count += !there[id];
			there[id] = true;
		} else {
			GH_MUST(gh_inbound_remove(&inbound, id) == there[id]);
			count -= there[id];
			there[id] = false;
		}
		GH_MUST(inbound.count == count);
	}
	gh_inbound_done(&inbound);
	free(there);
}

START_TEST(agrees_with_flags)
{
	for (unsigned range = 4; range < 30; range++)
		agree(range, range);
	agree(65535, 3);
}
END_TEST

GH_TEST_MAIN("session/inbound", repeats_and_fills, all_ids, agrees_with_flags)
