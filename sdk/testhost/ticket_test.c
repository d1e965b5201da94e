/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets: what becomes of an answer, whenever and however often it comes. */
#include "ticket.h"

#include <check.h>
#include <stdlib.h>

static struct gh_tickets tickets;
static const struct gh_question about = { .point = 3, .action = 2 };
static int owner, other, result;

static struct gh_ticket opened(void)
{
	return gh_tickets_open(&tickets, &owner, &about);
}

static bool claim(struct gh_ticket ticket)
{
	struct gh_question question;

	return gh_tickets_claim(&tickets, &owner, ticket, &question);
}

static void counts(uint64_t open, uint64_t answered, uint64_t late, uint64_t doubled,
		   uint64_t orphaned, uint64_t invented)
{
	struct gh_ticket_counts c = gh_tickets_counts(&tickets);

	ck_assert_uint_eq(c.open, open);
	ck_assert_uint_eq(c.answered, answered);
	ck_assert_uint_eq(c.late, late);
	ck_assert_uint_eq(c.doubled, doubled);
	ck_assert_uint_eq(c.orphaned, orphaned);
	ck_assert_uint_eq(c.invented, invented);
}

static void setup(void)
{
	gh_tickets_init(&tickets);
}

static void teardown(void)
{
	gh_tickets_done(&tickets);
}

START_TEST(answered_once)
{
	struct gh_ticket ticket = opened();
	struct gh_question question = { 0 };

	ck_assert_uint_eq(gh_tickets_any(&tickets, &owner).id, ticket.id);
	ck_assert_uint_eq(gh_tickets_any(&tickets, &other).id, 0);
	ck_assert_ptr_null(gh_tickets_take(&tickets, ticket));
	ck_assert(gh_tickets_claim(&tickets, &owner, ticket, &question));
	ck_assert_uint_eq(question.point, 3);
	ck_assert(!claim(ticket)); /* twice, before the first has ended */
	ck_assert(gh_tickets_answer(&tickets, ticket, &result));
	counts(0, 1, 0, 1, 0, 0);
	ck_assert(gh_tickets_wait(&tickets, ticket, 0));
	ck_assert_ptr_eq(gh_tickets_take(&tickets, ticket), &result);
	ck_assert_ptr_null(gh_tickets_take(&tickets, ticket));
	ck_assert(!claim(ticket));
	counts(0, 1, 0, 2, 0, 0);
	ck_assert_uint_eq(gh_tickets_any(&tickets, &owner).id, 0);
}
END_TEST

START_TEST(too_late_and_for_nobody)
{
	struct gh_ticket late = opened(), gone = opened(), claimed = opened();

	ck_assert(!gh_tickets_wait(&tickets, late, 1));
	ck_assert_ptr_null(gh_tickets_close(&tickets, late, GH_TICKET_TIMED_OUT));
	ck_assert(!claim(late));
	gh_tickets_close(&tickets, gone, GH_TICKET_DROPPED);
	ck_assert(!claim(gone));
	counts(1, 0, 1, 0, 1, 0);
	/* The deadline passes between begin and end. */
	ck_assert(claim(claimed));
	gh_tickets_close(&tickets, claimed, GH_TICKET_TIMED_OUT);
	ck_assert(!gh_tickets_answer(&tickets, claimed, &result));
	counts(0, 0, 2, 0, 1, 0);
	ck_assert_uint_eq(gh_tickets_counts(&tickets).timed_out, 2);
}
END_TEST

START_TEST(dropped_after_the_answer)
{
	struct gh_ticket ticket = opened();

	ck_assert(claim(ticket));
	ck_assert(gh_tickets_answer(&tickets, ticket, &result));
	ck_assert_ptr_eq(gh_tickets_close(&tickets, ticket, GH_TICKET_DROPPED), &result);
	ck_assert(!claim(ticket)); /* twice, whoever waits */
	counts(0, 1, 0, 1, 0, 0);
}
END_TEST

START_TEST(invented)
{
	struct gh_ticket ticket = opened();
	struct gh_question question;

	ck_assert(!claim((struct gh_ticket){ 0 }));
	ck_assert(!claim((struct gh_ticket){ 1 }));
	ck_assert(!claim((struct gh_ticket){ UINT64_MAX }));
	ck_assert(!claim(gh_ticket_numbered(2)));
	ck_assert(!gh_tickets_claim(&tickets, &other, ticket, &question));
	counts(1, 0, 0, 0, 0, 5);
	gh_tickets_close(&tickets, ticket, GH_TICKET_DROPPED);
}
END_TEST

START_TEST(many)
{
	for (uint32_t i = 1; i <= 100000; i++) {
		struct gh_ticket ticket = opened();

		if (ticket.id != gh_ticket_numbered(i).id || !claim(ticket) ||
		    !gh_tickets_answer(&tickets, ticket, &result) ||
		    gh_tickets_take(&tickets, ticket) != &result)
			ck_abort_msg("ticket %u", i);
	}
	counts(0, 100000, 0, 0, 0, 0);
}
END_TEST

static void *answer_main(void *arg)
{
	struct gh_ticket *ticket = arg;

	if (claim(*ticket))
		gh_tickets_answer(&tickets, *ticket, &result);
	return NULL;
}

START_TEST(waited_for)
{
	struct gh_ticket ticket = opened();
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, answer_main, &ticket), 0);
	ck_assert(gh_tickets_wait(&tickets, ticket, 30000));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_ptr_eq(gh_tickets_take(&tickets, ticket), &result);
	counts(0, 1, 0, 3, 0, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("testhost/ticket");
	TCase *tcase = tcase_create("testhost/ticket");
	SRunner *runner = srunner_create(suite);
	int failures;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, answered_once);
	tcase_add_test(tcase, too_late_and_for_nobody);
	tcase_add_test(tcase, dropped_after_the_answer);
	tcase_add_test(tcase, invented);
	tcase_add_test(tcase, many);
	tcase_add_test(tcase, waited_for);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
