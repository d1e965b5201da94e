/* SPDX-License-Identifier: Apache-2.0 */
/* The window: every packet id, its order, and what a resume sends again. */
#include "session/window.h"

#include "base/test.h"

#include <string.h>

static struct gh_delivery message(unsigned number, uint8_t qos)
{
	struct gh_publication_facts facts = { .topic = { "t", 1 },
					      .payload = { &number, sizeof(number) },
					      .qos = qos };

	return (struct gh_delivery){ .publication = gh_publication_new(&facts), .qos = qos };
}

static unsigned number_of(const struct gh_window_entry *entry)
{
	unsigned number;

	memcpy(&number, gh_publication_payload(entry->delivery.publication).p, sizeof(number));
	return number;
}

static uint16_t add(struct gh_window *window, unsigned number, uint8_t qos)
{
	struct gh_delivery delivery = message(number, qos);
	uint16_t id = gh_window_add(window, &delivery);

	GH_MUST(!delivery.publication);
	return id;
}

static void acknowledge(struct gh_window *window, uint16_t id)
{
	struct gh_window_entry *entry = gh_window_find(window, id);

	GH_MUST(entry);
	gh_window_remove(window, entry, NULL);
}

START_TEST(empty_owns_nothing)
{
	struct gh_window window = { 0 };

	ck_assert_uint_eq(gh_window_room(&window), 0);
	ck_assert_ptr_null(gh_window_find(&window, 1));
	ck_assert_ptr_null(gh_window_first(&window));
	gh_window_open(&window, 3);
	ck_assert_uint_eq(gh_window_room(&window), 3);
	ck_assert_ptr_null(window.entries);
	ck_assert_uint_eq(add(&window, 0, 1), 1);
	ck_assert_uint_eq(gh_window_room(&window), 2);
	acknowledge(&window, 1);
	gh_window_trim(&window);
	ck_assert_ptr_null(window.entries);
	ck_assert_uint_eq(add(&window, 0, 1), 2);
	gh_window_trim(&window);
	ck_assert_ptr_nonnull(gh_window_find(&window, 2));
	gh_window_done(&window);
}
END_TEST

/* One at a time, three times round: each id in turn, 0 never. */
START_TEST(ids_go_round)
{
	struct gh_window window = { 0 };
	uint32_t expected = 1;

	gh_window_open(&window, 1);
	for (unsigned i = 0; i < 3 * 65535u; i++) {
		GH_MUST(add(&window, i, 1) == expected);
		acknowledge(&window, (uint16_t)expected);
		expected = expected == 65535 ? 1 : expected + 1;
	}
	GH_MUST(window.size <= 8);
	gh_window_done(&window);
}
END_TEST

START_TEST(all_ids_at_once)
{
	struct gh_window window = { 0 };
	bool *seen = calloc(65536, sizeof(*seen));

	gh_window_open(&window, 65535);
	for (unsigned i = 0; i < 65535; i++) {
		uint16_t id = add(&window, i, 1);

		GH_MUST(id != 0);
		GH_MUST(!seen[id]);
		seen[id] = true;
	}
	GH_MUST(gh_window_room(&window) == 0);
	/* Whichever is acknowledged, its id is the only one there is. */
	for (unsigned id = 65535; id > 0; id -= 17) {
		acknowledge(&window, (uint16_t)id);
		GH_MUST(gh_window_room(&window) == 1);
		GH_MUST(add(&window, id, 1) == id);
	}
	for (unsigned id = 1; id < 65536; id++)
		acknowledge(&window, (uint16_t)id);
	GH_MUST(!window.entries);
	gh_window_done(&window);
	free(seen);
}
END_TEST

/* One that is never acknowledged is passed over, and doesn't make the window grow. */
START_TEST(passes_over_used_ids)
{
	struct gh_window window = { 0 };
	uint16_t stuck;

	gh_window_open(&window, 4);
	stuck = add(&window, 7, 2);
	for (unsigned i = 0; i < 2 * 65535u; i++) {
		uint16_t id = add(&window, i, 1);

		GH_MUST(id != stuck);
		acknowledge(&window, id);
	}
	GH_MUST(window.size == 8);
	GH_MUST(number_of(gh_window_find(&window, stuck)) == 7);
	gh_window_done(&window);
}
END_TEST

/* Random adds and removals against a plain list. */
START_TEST(agrees_with_a_list)
{
	struct gh_window window = { 0 };
	uint16_t ids[3000];
	unsigned numbers[3000], count = 0, next = 0, seed = 1;

	gh_window_open(&window, 3000);
	for (unsigned step = 0; step < 200000; step++) {
		bool grow = (unsigned)rand_r(&seed) % 2000 >= count * 2 / 3;

		if (count && (!grow || count == 3000)) {
			unsigned i = (unsigned)rand_r(&seed) % count;

			GH_MUST(number_of(gh_window_find(&window, ids[i])) == numbers[i]);
			acknowledge(&window, ids[i]);
			GH_MUST(!gh_window_find(&window, ids[i]));
			memmove(ids + i, ids + i + 1, (count - i - 1) * sizeof(*ids));
			memmove(numbers + i, numbers + i + 1, (count - i - 1) * sizeof(*numbers));
			count--;
		} else {
			ids[count] = add(&window, next, 1);
			numbers[count++] = next++;
		}
		GH_MUST(gh_window_room(&window) == 3000 - count);
		if (step % 1000 == 0) {
			const struct gh_window_entry *e = gh_window_first(&window);

			for (unsigned i = 0; i < count; i++, e = gh_window_next(&window, e))
				GH_MUST(e->id == ids[i]);
			GH_MUST(!e);
		}
	}
	gh_window_done(&window);
}
END_TEST

START_TEST(resend_keeps_order_and_limit)
{
	struct gh_window window = { 0 };
	struct gh_window_entry *e;
	uint16_t id[5];

	gh_window_open(&window, 5);
	for (unsigned i = 0; i < 5; i++)
		id[i] = add(&window, i, 2);
	/* PUBREC in another order than the PUBLISHes: PUBREL in that order. */
	gh_window_received(&window, gh_window_find(&window, id[3]));
	gh_window_received(&window, gh_window_find(&window, id[1]));
	gh_window_received(&window, gh_window_find(&window, id[3]));
	ck_assert_ptr_null(gh_window_find(&window, id[3])->delivery.publication);

	gh_window_open(&window, 2);
	ck_assert_uint_eq(gh_window_room(&window), 0);
	ck_assert_uint_eq(gh_window_resend(&window)->id, id[3]);
	ck_assert_uint_eq(gh_window_resend(&window)->id, id[1]);
	e = gh_window_resend(&window);
	ck_assert_uint_eq(e->id, id[0]);
	ck_assert_int_eq(e->state, GH_WINDOW_SENT);
	ck_assert_uint_eq(gh_window_resend(&window)->id, id[2]);
	/* The receive maximum is used up, not by the PUBRELs. */
	ck_assert_ptr_null(gh_window_resend(&window));
	ck_assert(gh_window_resending(&window));
	acknowledge(&window, id[3]);
	ck_assert_ptr_null(gh_window_resend(&window));
	acknowledge(&window, id[0]);
	ck_assert_uint_eq(gh_window_room(&window), 0);
	ck_assert_uint_eq(gh_window_resend(&window)->id, id[4]);
	ck_assert(!gh_window_resending(&window));
	ck_assert_ptr_null(gh_window_resend(&window));
	ck_assert_uint_eq(gh_window_room(&window), 0);
	acknowledge(&window, id[4]);
	ck_assert_uint_eq(gh_window_room(&window), 1);
	gh_window_done(&window);
}
END_TEST

/* What is acknowledged just before its turn to be sent again is passed over. */
START_TEST(resend_past_removed)
{
	struct gh_window window = { 0 };
	uint16_t id[4];

	gh_window_open(&window, 4);
	for (unsigned i = 0; i < 4; i++)
		id[i] = add(&window, i, 2);
	gh_window_received(&window, gh_window_find(&window, id[0]));
	gh_window_open(&window, 4);
	acknowledge(&window, id[0]);
	ck_assert_uint_eq(gh_window_resend(&window)->id, id[1]);
	gh_window_received(&window, gh_window_find(&window, id[2]));
	ck_assert_uint_eq(gh_window_resend(&window)->id, id[3]);
	ck_assert_ptr_null(gh_window_resend(&window));
	gh_window_done(&window);
}
END_TEST

START_TEST(remove_hands_back)
{
	struct gh_window window = { 0 };
	struct gh_delivery delivery = message(9, 1);
	uint16_t id;

	delivery.group = 77;
	gh_delivery_set_ids(&delivery, (const uint32_t[]){ 5, 6, 7 }, 3);
	gh_window_open(&window, 1);
	id = gh_window_add(&window, &delivery);
	gh_window_remove(&window, gh_window_find(&window, id), &delivery);
	ck_assert_uint_eq(delivery.group, 77);
	ck_assert_uint_eq(delivery.id_count, 3);
	ck_assert_uint_eq(gh_delivery_ids(&delivery)[2], 7);
	ck_assert_uint_eq(window.count, 0);
	gh_delivery_drop(&delivery);
	gh_delivery_drop(&delivery);
	gh_window_done(&window);
}
END_TEST

/* Ids that would share a place in a smaller window, both states, and what follows them. */
START_TEST(is_restored)
{
	static const uint16_t ids[] = { 65535, 8, 16, 24, 4096 + 8 };
	struct gh_window window = { 0 };
	struct gh_delivery delivery;
	struct gh_window_entry *entry;

	ck_assert(!gh_window_restore(&window, 0, NULL));
	ck_assert(gh_window_restore(&window, 3, NULL));
	ck_assert(gh_window_restore(&window, 1, NULL));
	for (unsigned i = 0; i < GH_COUNT(ids); i++) {
		delivery = message(i, 1);
		ck_assert(gh_window_restore(&window, ids[i], &delivery));
		ck_assert_ptr_null(delivery.publication);
	}
	delivery = message(9, 1);
	ck_assert(!gh_window_restore(&window, 8, &delivery));
	gh_delivery_drop(&delivery);
	window.last_id = 4096 + 7;
	gh_window_open(&window, 100);
	ck_assert_uint_eq(gh_window_room(&window), 0);
	entry = gh_window_resend(&window);
	ck_assert(entry->id == 3 && entry->state == GH_WINDOW_RELEASED);
	ck_assert_uint_eq(gh_window_resend(&window)->id, 1);
	for (unsigned i = 0; i < GH_COUNT(ids); i++) {
		entry = gh_window_resend(&window);
		ck_assert(entry->id == ids[i] && number_of(entry) == i);
	}
	ck_assert_ptr_null(gh_window_resend(&window));
	ck_assert_uint_eq(gh_window_room(&window), 95);
	ck_assert_uint_eq(add(&window, 7, 1), 4096 + 9);
	for (uint16_t id = 1; id; id++)
		if (gh_window_find(&window, id))
			acknowledge(&window, id);
	ck_assert_uint_eq(window.count, 0);
	gh_window_done(&window);
}
END_TEST

/* As many as there are ids. */
START_TEST(all_are_restored)
{
	struct gh_window window = { 0 };

	for (uint32_t id = 65535; id > 0; id--)
		GH_MUST(gh_window_restore(&window, (uint16_t)id, NULL));
	ck_assert_uint_eq(window.count, 65535);
	gh_window_open(&window, 100);
	for (uint32_t id = 65535; id > 0; id--)
		GH_MUST(gh_window_resend(&window)->id == id);
	gh_window_done(&window);
}
END_TEST

GH_TEST_MAIN("session/window", empty_owns_nothing, ids_go_round, all_ids_at_once,
	     passes_over_used_ids, agrees_with_a_list, resend_keeps_order_and_limit,
	     resend_past_removed, remove_hands_back, is_restored, all_are_restored)
