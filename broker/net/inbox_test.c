/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox: order, lanes, wake-ups, marks; with real threads. */
#include "net/inbox.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct letter {
	struct gh_mail mail;
	unsigned sender, number;
	enum gh_lane lane;
};

#define SENDERS 4
#define EACH    20000

struct reader {
	struct gh_loop *loop;
	struct gh_inbox *inbox;
	unsigned next[SENDERS][GH_LANES];
	unsigned got, orphaned, wakes;
	char order[16];
	_Atomic uint64_t woken;
};

static struct reader *orphanage;

static void on_letter(struct gh_mail *mail, void *owner)
{
	struct letter *letter = gh_container(mail, struct letter, mail);
	struct reader *reader = owner;

	if (!reader) {
		orphanage->orphaned++;
	} else {
		ck_assert_uint_eq(letter->number, reader->next[letter->sender][letter->lane]++);
		if (reader->got < sizeof reader->order)
			reader->order[reader->got] = letter->lane == GH_LANE_DATA ? 'd' : 'c';
		reader->got++;
	}
	free(letter);
}

static struct letter *letter_new(unsigned sender, enum gh_lane lane, unsigned number, uint32_t weight)
{
	struct letter *letter = gh_zalloc(sizeof *letter);

	letter->mail.deliver = on_letter;
	letter->mail.weight = weight;
	letter->sender = sender;
	letter->lane = lane;
	letter->number = number;
	return letter;
}

static void reader_init(struct reader *reader)
{
	*reader = (struct reader){ .loop = gh_loop_new() };
	reader->inbox = gh_inbox_new(reader->loop, reader);
	orphanage = reader;
}

static void reader_done(struct reader *reader)
{
	gh_inbox_free(&reader->inbox);
	ck_assert_ptr_null(reader->inbox);
	gh_loop_free(&reader->loop);
}

struct sender {
	pthread_t thread;
	struct gh_inbox *inbox;
	unsigned index;
};

/* Single letters and runs, in turn. */
static void *send_letters(void *arg)
{
	struct sender *sender = arg;
	struct gh_mail_run run = { 0 };

	for (unsigned i = 0; i < EACH; i++) {
		struct letter *letter = letter_new(sender->index, GH_LANE_DATA, i, 100);

		gh_mail_run_add(&run, &letter->mail);
		if (run.count == 1 + i % 7)
			gh_inbox_post_run(sender->inbox, GH_LANE_DATA, &run);
		if (i % 100 == 0)
			gh_inbox_post(sender->inbox, GH_LANE_CONTROL,
				      &letter_new(sender->index, GH_LANE_CONTROL, i / 100, 0)->mail);
	}
	gh_inbox_post_run(sender->inbox, GH_LANE_DATA, &run);
	return NULL;
}

START_TEST(all_arrive_in_order_of_each_sender)
{
	struct reader reader;
	struct sender senders[SENDERS];
	unsigned all = SENDERS * (EACH + EACH / 100);

	reader_init(&reader);
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ .inbox = reader.inbox, .index = i };
		pthread_create(&senders[i].thread, NULL, send_letters, &senders[i]);
	}
	for (uint64_t deadline = gh_clock_ms() + 30000; reader.got < all && gh_clock_ms() < deadline;)
		gh_loop_poll(reader.loop);
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	ck_assert_uint_eq(reader.got, all);
	ck_assert_uint_eq(gh_inbox_weight(reader.inbox), 0);
	ck_assert_uint_eq(gh_inbox_delivered(reader.inbox), all);
	ck_assert_uint_lt(gh_inbox_wakes(reader.inbox), all);
	reader_done(&reader);
	ck_assert_uint_eq(reader.orphaned, 0);
}
END_TEST

START_TEST(one_wake_for_all_that_waits_and_control_first)
{
	struct reader reader;

	reader_init(&reader);
	for (unsigned i = 0; i < 5; i++)
		gh_inbox_post(reader.inbox, GH_LANE_DATA, &letter_new(0, GH_LANE_DATA, i, 10)->mail);
	for (unsigned i = 0; i < 3; i++)
		gh_inbox_post(reader.inbox, GH_LANE_CONTROL,
			      &letter_new(0, GH_LANE_CONTROL, i, 10)->mail);
	ck_assert_uint_eq(gh_inbox_weight(reader.inbox), 50);
	gh_loop_poll(reader.loop);
	ck_assert_uint_eq(reader.got, 8);
	ck_assert_uint_eq(gh_inbox_wakes(reader.inbox), 1);
	ck_assert(!memcmp(reader.order, "cccddddd", 8));
	reader_done(&reader);
}
END_TEST

START_TEST(late_mail_is_orphaned)
{
	struct reader reader;

	reader_init(&reader);
	gh_inbox_post(reader.inbox, GH_LANE_DATA, &letter_new(0, GH_LANE_DATA, 0, 10)->mail);
	gh_inbox_post(reader.inbox, GH_LANE_CONTROL, &letter_new(0, GH_LANE_CONTROL, 0, 10)->mail);
	reader_done(&reader);
	ck_assert_uint_eq(reader.got, 0);
	ck_assert_uint_eq(reader.orphaned, 2);
}
END_TEST

static uint64_t drained_senders;

static void on_drained(void *owner, uint64_t senders)
{
	struct reader *reader = owner;

	ck_assert_uint_le(gh_inbox_weight(reader->inbox), GH_INBOX_LOW);
	drained_senders |= senders;
}

START_TEST(marks)
{
	struct reader reader;

	reader_init(&reader);
	gh_inbox_on_drained(reader.inbox, on_drained);
	ck_assert(!gh_inbox_crowded(reader.inbox, GH_INBOX_HIGH));
	ck_assert(gh_inbox_crowded(reader.inbox, GH_INBOX_HIGH + 1));
	ck_assert(!gh_inbox_await(reader.inbox, 5)); /* empty: nothing to wait for */
	gh_inbox_post(reader.inbox, GH_LANE_DATA,
		      &letter_new(0, GH_LANE_DATA, 0, GH_INBOX_HIGH)->mail);
	ck_assert(!gh_inbox_crowded(reader.inbox, 0));
	gh_inbox_post(reader.inbox, GH_LANE_DATA, &letter_new(0, GH_LANE_DATA, 1, 1)->mail);
	ck_assert(gh_inbox_crowded(reader.inbox, 0));
	/* Control mail adds no weight. */
	gh_inbox_post(reader.inbox, GH_LANE_CONTROL,
		      &letter_new(0, GH_LANE_CONTROL, 0, 1000000)->mail);
	ck_assert_uint_eq(gh_inbox_weight(reader.inbox), GH_INBOX_HIGH + 1);
	ck_assert(gh_inbox_await(reader.inbox, 63));
	ck_assert(gh_inbox_await(reader.inbox, 0));
	ck_assert_uint_eq(drained_senders, 0);
	gh_loop_poll(reader.loop);
	ck_assert_uint_eq(drained_senders, UINT64_C(1) << 63 | 1);
	reader_done(&reader);
}
END_TEST

/* ---- a sender that waits is always called: no wake-up is lost ---- */

struct waiter {
	pthread_t thread;
	struct gh_inbox *inbox;
	struct reader *reader;
	atomic_bool finished;
};

static void on_drained_tell(void *owner, uint64_t senders)
{
	atomic_fetch_or(&((struct reader *)owner)->woken, senders);
}

static void *send_and_await(void *arg)
{
	struct waiter *waiter = arg;

	for (unsigned i = 0; i < 3000; i++) {
		uint64_t deadline = gh_clock_ms() + 20000;

		gh_inbox_post(waiter->inbox, GH_LANE_DATA,
			      &letter_new(0, GH_LANE_DATA, i, GH_INBOX_LOW + 1)->mail);
		if (!gh_inbox_await(waiter->inbox, 7))
			continue;
		while (!(atomic_exchange(&waiter->reader->woken, 0) & 1u << 7))
			if (gh_clock_ms() > deadline)
				return NULL;
	}
	atomic_store(&waiter->finished, true);
	return NULL;
}

START_TEST(no_wake_up_is_lost)
{
	struct reader reader;
	struct waiter waiter = { 0 };

	reader_init(&reader);
	gh_inbox_on_drained(reader.inbox, on_drained_tell);
	waiter.inbox = reader.inbox;
	waiter.reader = &reader;
	pthread_create(&waiter.thread, NULL, send_and_await, &waiter);
	for (uint64_t deadline = gh_clock_ms() + 40000;
	     !atomic_load(&waiter.finished) && gh_clock_ms() < deadline;)
		gh_loop_poll(reader.loop);
	ck_assert(atomic_load(&waiter.finished));
	pthread_join(waiter.thread, NULL);
	reader_done(&reader);
}
END_TEST

static uint64_t woken_by;

static void on_wake(void *owner, uint64_t by)
{
	(void)owner;
	woken_by |= by;
}

START_TEST(wakes_carry_numbers)
{
	struct reader reader;

	reader_init(&reader);
	gh_inbox_on_wake(reader.inbox, on_wake);
	gh_inbox_wake(reader.inbox, 3);
	gh_inbox_wake(reader.inbox, 63);
	gh_inbox_wake(reader.inbox, 3);
	gh_loop_poll(reader.loop);
	ck_assert_uint_eq(woken_by, UINT64_C(1) << 63 | 1 << 3);
	reader_done(&reader);
}
END_TEST

GH_TEST_MAIN("net/inbox", all_arrive_in_order_of_each_sender,
	     one_wake_for_all_that_waits_and_control_first, late_mail_is_orphaned, marks,
	     no_wake_up_is_lost, wakes_carry_numbers)
