/* SPDX-License-Identifier: Apache-2.0 */
/* Queue and backlog: order, bounds, expiry, and what is dropped. */
#include "session/backlog.h"
#include "session/queue.h"

#include "base/test.h"

#include <string.h>

static struct gh_publication *publication(unsigned number, size_t padding, uint64_t expires_at)
{
	uint8_t payload[256] = { 0 };
	struct gh_publication_facts facts = { .topic = { "t", 1 },
					      .payload = { payload, sizeof(number) + padding },
					      .qos = 1,
					      .retain = true,
					      .expires_at = expires_at };

	memcpy(payload, &number, sizeof(number));
	return gh_publication_new(&facts);
}

static unsigned number_of(const struct gh_delivery *delivery)
{
	unsigned number;

	memcpy(&number, gh_publication_payload(delivery->publication).p, sizeof(number));
	return number;
}

struct dropped {
	unsigned count, last;
};

static void note_drop(void *arg, const struct gh_delivery *delivery)
{
	struct dropped *dropped = arg;

	dropped->count++;
	dropped->last = number_of(delivery);
}

static uint32_t push(struct gh_queue *queue, const struct gh_queue_limits *limits, unsigned number,
		     struct dropped *dropped)
{
	struct gh_delivery delivery = { .publication = publication(number, 0, 0), .qos = 1 };
	uint32_t n = gh_queue_push(queue, limits, &delivery, dropped ? note_drop : NULL, dropped);

	GH_MUST(!delivery.publication);
	return n;
}

static void expect_pop(struct gh_queue *queue, unsigned number)
{
	struct gh_delivery delivery;

	GH_MUST(number_of(gh_queue_peek(queue)) == number);
	GH_MUST(gh_queue_pop(queue, &delivery));
	GH_MUST(number_of(&delivery) == number);
	gh_delivery_drop(&delivery);
}

START_TEST(first_in_first_out)
{
	struct gh_queue_limits limits = { 100000, UINT64_MAX, GH_QUEUE_DROP_NEWEST };
	struct gh_queue queue = { 0 };
	unsigned in = 0, out = 0, seed = 5;

	for (unsigned step = 0; step < 100000; step++) {
		if ((unsigned)rand_r(&seed) % 100 < (step < 60000 ? 55u : 40u))
			GH_MUST(push(&queue, &limits, in++, NULL) == 0);
		else if (out < in)
			expect_pop(&queue, out++);
		GH_MUST(queue.count == in - out);
	}
	while (out < in)
		expect_pop(&queue, out++);
	GH_MUST(queue.bytes == 0);
	GH_MUST(queue.size <= 8);
	GH_MUST(!gh_queue_peek(&queue));
	gh_queue_trim(&queue);
	GH_MUST(!queue.ring);
}
END_TEST

START_TEST(drops_newest)
{
	struct gh_queue_limits limits = { 3, UINT64_MAX, GH_QUEUE_DROP_NEWEST };
	struct gh_queue queue = { 0 };
	struct dropped dropped = { 0, 0 };

	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(push(&queue, &limits, i, &dropped), i >= 3);
	ck_assert_uint_eq(dropped.count, 2);
	ck_assert_uint_eq(dropped.last, 4);
	ck_assert_uint_eq(queue.full_count, 2);
	for (unsigned i = 0; i < 3; i++)
		expect_pop(&queue, i);
	gh_queue_done(&queue);
}
END_TEST

START_TEST(drops_oldest)
{
	struct gh_queue_limits limits = { 3, UINT64_MAX, GH_QUEUE_DROP_OLDEST };
	struct gh_queue queue = { 0 };
	struct dropped dropped = { 0, 0 };

	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(push(&queue, &limits, i, &dropped), i >= 3);
	ck_assert_uint_eq(dropped.last, 1);
	for (unsigned i = 2; i < 5; i++)
		expect_pop(&queue, i);
	limits.messages = 0;
	ck_assert_uint_eq(push(&queue, &limits, 9, &dropped), 1);
	ck_assert_uint_eq(dropped.last, 9);
	gh_queue_done(&queue);
}
END_TEST

START_TEST(bounds_bytes)
{
	struct gh_delivery small = { .publication = publication(1, 0, 0) };
	uint64_t one = gh_publication_cost(small.publication);
	struct gh_queue_limits limits = { 100, 3 * one, GH_QUEUE_DROP_OLDEST };
	struct gh_queue queue = { 0 };
	struct gh_delivery large = { .publication = publication(7, 200, 0) };

	gh_delivery_drop(&small);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(push(&queue, &limits, i, NULL), 0);
	ck_assert_uint_eq(queue.bytes, 3 * one);
	ck_assert_uint_eq(push(&queue, &limits, 3, NULL), 1);
	/* One that doesn't fit alone takes nobody's place. */
	limits.bytes = gh_publication_cost(large.publication) - 1;
	ck_assert_uint_eq(gh_queue_push(&queue, &limits, &large, NULL, NULL), 1);
	ck_assert_uint_eq(queue.count, 3);
	/* One that needs the place of all gets it. */
	large.publication = publication(7, 200, 0);
	limits.bytes++;
	ck_assert_uint_eq(gh_queue_push(&queue, &limits, &large, NULL, NULL), 3);
	expect_pop(&queue, 7);
	ck_assert_uint_eq(queue.bytes, 0);
	gh_queue_done(&queue);
}
END_TEST

START_TEST(unpop_is_first_again)
{
	struct gh_queue_limits limits = { 8, UINT64_MAX, GH_QUEUE_DROP_NEWEST };
	struct gh_queue queue = { 0 };
	struct gh_delivery delivery;

	for (unsigned i = 0; i < 8; i++)
		push(&queue, &limits, i, NULL);
	ck_assert(gh_queue_pop(&queue, &delivery));
	push(&queue, &limits, 8, NULL);
	gh_queue_unpop(&queue, &delivery);
	ck_assert_uint_eq(queue.count, 9);
	for (unsigned i = 0; i < 9; i++)
		expect_pop(&queue, i);
	gh_queue_done(&queue);
}
END_TEST

START_TEST(expires)
{
	struct gh_queue_limits limits = { 100, UINT64_MAX, GH_QUEUE_DROP_NEWEST };
	struct gh_queue queue = { 0 };
	struct dropped dropped = { 0, 0 };

	for (unsigned i = 0; i < 40; i++) {
		struct gh_delivery delivery = { .publication =
							publication(i, 0, i % 2 ? 1000 + i : 0) };

		gh_queue_push(&queue, &limits, &delivery, NULL, NULL);
	}
	ck_assert_uint_eq(gh_queue_expire(&queue, 1000, note_drop, &dropped), 0);
	ck_assert_uint_eq(gh_queue_expire(&queue, 1021, note_drop, &dropped), 11);
	ck_assert_uint_eq(dropped.last, 21);
	ck_assert_uint_eq(queue.expired_count, 11);
	ck_assert_uint_eq(queue.expires_at, 1023); /* nothing is looked at before */
	for (unsigned i = 0; i < 40; i++)
		if (i % 2 == 0 || i > 21)
			expect_pop(&queue, i);
	ck_assert_uint_eq(queue.bytes, 0);
	gh_queue_done(&queue);
}
END_TEST

static void add_batch(struct gh_backlog *backlog, const void *owner, unsigned first, size_t n)
{
	struct gh_backlog_facts facts = {
		.owner = owner, .subscription_id = first, .covered = 4, .qos = 2
	};
	struct gh_publication **publications = calloc(n, sizeof(struct gh_publication *));

	for (size_t i = 0; i < n; i++)
		publications[i] = publication(first + (unsigned)i, 0, first + i == 12 ? 500 : 0);
	gh_backlog_add(backlog, &facts, publications, n);
}

static void expect_backlog(struct gh_backlog *backlog, uint64_t now, unsigned number, uint32_t id)
{
	struct gh_delivery delivery;

	ck_assert(gh_backlog_peek(backlog, now, &delivery));
	ck_assert(gh_backlog_peek(backlog, now, &delivery));
	gh_backlog_take(backlog);
	ck_assert_uint_eq(number_of(&delivery), number);
	ck_assert_uint_eq(gh_delivery_ids(&delivery)[0], id);
	ck_assert_uint_eq(delivery.covered, 4);
	ck_assert_uint_eq(delivery.qos, 1);
	ck_assert(delivery.retain);
	gh_delivery_drop(&delivery);
}

START_TEST(backlog_in_order)
{
	struct gh_backlog backlog = { 0 };
	struct gh_delivery delivery;
	int a = 0, b = 0, c = 0;

	add_batch(&backlog, &a, 10, 4);
	add_batch(&backlog, &b, 20, 2);
	add_batch(&backlog, &c, 30, 0);
	ck_assert_uint_eq(backlog.count, 6);
	expect_backlog(&backlog, 1000, 10, 10);
	expect_backlog(&backlog, 1000, 11, 10);
	expect_backlog(&backlog, 1000, 13, 10); /* 12 has expired */
	expect_backlog(&backlog, 1000, 20, 20);
	expect_backlog(&backlog, 1000, 21, 20);
	ck_assert_uint_eq(backlog.count, 0);
	ck_assert(!gh_backlog_peek(&backlog, 1000, &delivery));
	ck_assert_ptr_null(backlog.first);
}
END_TEST

START_TEST(backlog_forgets_covers)
{
	struct gh_backlog backlog = { 0 };
	struct gh_delivery delivery;
	int a = 0, b = 0;

	add_batch(&backlog, &a, 10, 1);
	add_batch(&backlog, &b, 20, 1);
	gh_backlog_uncover(&backlog);
	for (int i = 0; i < 2; i++) {
		ck_assert(gh_backlog_peek(&backlog, 1000, &delivery));
		ck_assert_uint_eq(delivery.covered, 0);
		gh_backlog_take(&backlog);
		gh_delivery_drop(&delivery);
	}
}
END_TEST

START_TEST(backlog_replaces_and_cancels)
{
	struct gh_backlog backlog = { 0 };
	struct gh_delivery delivery;
	int a = 0, b = 0;

	add_batch(&backlog, &a, 40, 3);
	add_batch(&backlog, &b, 50, 3);
	expect_backlog(&backlog, 0, 40, 40);
	add_batch(&backlog, &a, 60, 1);
	ck_assert_uint_eq(backlog.count, 4);
	ck_assert(gh_backlog_peek(&backlog, 0, &delivery));
	atomic_store(&delivery.publication->superseded, true);
	expect_backlog(&backlog, 0, 51, 50);
	gh_backlog_cancel(&backlog, &b);
	ck_assert_uint_eq(backlog.count, 1);
	expect_backlog(&backlog, 0, 60, 60);
	add_batch(&backlog, &a, 70, 5);
	add_batch(&backlog, &b, 80, 5);
	gh_backlog_cancel(&backlog, &b);
	add_batch(&backlog, &b, 90, 1);
	gh_backlog_done(&backlog);
	ck_assert_uint_eq(backlog.count, 0);
}
END_TEST

GH_TEST_MAIN("session/queue", first_in_first_out, drops_newest, drops_oldest, bounds_bytes,
	     unpop_is_first_again, expires, backlog_in_order, backlog_replaces_and_cancels,
	     backlog_forgets_covers)
