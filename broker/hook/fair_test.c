/* SPDX-License-Identifier: Apache-2.0 */
/* Who is served next, and who is turned away. */
#include "hook/fair.h"

#include "base/test.h"

#include <string.h>

struct item {
	struct gh_fair_node node;
	uint8_t ip[16];
};

static void v4(struct item *item, uint8_t last)
{
	memset(item->ip, 0, sizeof(item->ip));
	item->ip[10] = item->ip[11] = 0xff;
	item->ip[15] = last;
}

static void v6(struct item *item, uint8_t network, uint8_t host)
{
	memset(item->ip, 0, sizeof(item->ip));
	item->ip[0] = 0x20;
	item->ip[7] = network;
	item->ip[15] = host;
}

START_TEST(in_turn)
{
	static const unsigned order[] = { 0, 3, 1, 4, 2 };
	struct gh_fair fair;
	struct item items[5];

	gh_fair_init(&fair, 10, 10);
	for (unsigned i = 0; i < 5; i++) {
		v4(&items[i], i < 3 ? 1 : 2);
		ck_assert(gh_fair_push(&fair, items[i].ip, &items[i].node));
	}
	for (unsigned i = 0; i < 5; i++)
		ck_assert_ptr_eq(gh_fair_pop(&fair), &items[order[i]].node);
	ck_assert_ptr_null(gh_fair_pop(&fair));
	gh_fair_done(&fair);
}
END_TEST

/* Whoever has an IPv6 address has a whole /64 of them; an IPv4 address is one. */
START_TEST(sources)
{
	struct gh_fair fair;
	struct item items[4];

	gh_fair_init(&fair, 10, 1);
	v6(&items[0], 1, 1);
	v6(&items[1], 1, 2);
	v6(&items[2], 2, 1);
	ck_assert(gh_fair_push(&fair, items[0].ip, &items[0].node));
	ck_assert(!gh_fair_push(&fair, items[1].ip, &items[1].node));
	ck_assert(gh_fair_push(&fair, items[2].ip, &items[2].node));
	v4(&items[1], 1);
	v4(&items[3], 2);
	ck_assert(gh_fair_push(&fair, items[1].ip, &items[1].node));
	ck_assert(gh_fair_push(&fair, items[3].ip, &items[3].node));
	gh_fair_done(&fair);
}
END_TEST

START_TEST(bounds_and_removal)
{
	struct gh_fair fair;
	struct item items[4];

	gh_fair_init(&fair, 2, 2);
	for (unsigned i = 0; i < 4; i++) {
		items[i].node.source = NULL;
		v4(&items[i], (uint8_t)i);
	}
	ck_assert(gh_fair_push(&fair, items[0].ip, &items[0].node));
	ck_assert(gh_fair_push(&fair, items[1].ip, &items[1].node));
	ck_assert(!gh_fair_push(&fair, items[2].ip, &items[2].node));
	ck_assert(gh_fair_remove(&fair, &items[0].node));
	ck_assert(!gh_fair_remove(&fair, &items[0].node));
	ck_assert(gh_fair_push(&fair, items[2].ip, &items[2].node));
	/* past the bound, first of its own */
	gh_fair_push_first(&fair, items[2].ip, &items[3].node);
	ck_assert_ptr_eq(gh_fair_pop(&fair), &items[1].node);
	ck_assert_ptr_eq(gh_fair_pop(&fair), &items[3].node);
	ck_assert_ptr_eq(gh_fair_pop(&fair), &items[2].node);
	gh_fair_done(&fair);
}
END_TEST

GH_TEST_MAIN("hook/fair", in_turn, sources, bounds_and_removal)
