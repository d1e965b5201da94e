/* SPDX-License-Identifier: Apache-2.0 */
/* The core without scripts: a month of events, replayed. TESTHOST_EVENTS: how many. */
#include "testhost.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DAY_NS (UINT64_C(86400) * 1000000000)

static struct gh_testhost *opened(const char *module)
{
	const char *builddir = getenv("builddir");
	char *file = gh_format("%s/modules/%s.so", builddir ? builddir : ".", module);
	struct gh_testhost *host = NULL;
	struct gh_error error = { 0 };

	ck_assert_msg(gh_testhost_open(file, &host, &error) == 0, "%s", error.text);
	free(file);
	return host;
}

static void option(struct gh_testhost *host, const char *name, const char *value)
{
	gh_testhost_option(host, name, &value, 1, "test");
}

static void created(struct gh_testhost *host)
{
	struct gh_error error = { 0 };

	ck_assert_msg(gh_testhost_create(host, &error) == 0, "%s", error.text);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static unsigned long event_count(void)
{
	const char *text = getenv("TESTHOST_EVENTS");

	return text ? strtoul(text, NULL, 10) : 200000;
}

START_TEST(a_month_of_events)
{
	struct gh_testhost *host = opened("practice");
	struct gh_client client = { .size = sizeof(client), .client_id = "dev1", .connection = 1 };
	struct gh_event event = { .size = sizeof(event), .client = &client };
	unsigned long count = event_count(), told = 0;
	struct gh_sample sample;
	double began;

	option(host, "period", "1h");
	option(host, "number", "unlimited");
	created(host);
	began = seconds();
	for (unsigned long i = 0; i < count; i++) {
		gh_testhost_advance(host, 30 * DAY_NS / count);
		client.connection = i % 1000 + 1;
		event.kind = i % 4 == 0 ? GH_EV_CONNECT : GH_EV_PUBLISH;
		event.time_us = gh_testhost_wall(host);
		told += gh_testhost_event(host, &event);
	}
	printf("# %lu events in %.3f s, %.0f a second\n", count, seconds() - began,
	       (double)count / (seconds() - began));
	ck_assert_uint_eq(told, count);
	ck_assert(gh_testhost_metric(host, "events_total", NULL, &sample));
	ck_assert_uint_eq((unsigned long)sample.value, count);
	gh_testhost_advance(host, 30 * DAY_NS - gh_testhost_now(host));
	ck_assert(gh_testhost_logged(host, 0, "tick 720 at 1769817600"));
	ck_assert(!gh_testhost_logged(host, 0, "tick 721"));
	gh_testhost_free(&host);
	ck_assert_ptr_null(host);
}
END_TEST

START_TEST(acts_are_taken_in_order)
{
	struct gh_testhost *host = opened("practice");
	struct gh_client client = { .size = sizeof(client), .address = "192.0.2.7" };
	struct gh_event event = { .size = sizeof(event), .client = &client, .kind = GH_EV_LIMIT };
	struct gh_act *act;

	created(host);
	gh_testhost_advance(host, DAY_NS);
	event.text = "ban";
	ck_assert(gh_testhost_event(host, &event));
	event.text = "recheck";
	ck_assert(gh_testhost_event(host, &event));
	act = gh_testhost_act(host);
	ck_assert_int_eq(act->kind, GH_ACT_BAN);
	ck_assert_str_eq(act->subject.text, "192.0.2.7");
	ck_assert_uint_eq(act->seconds, 600);
	ck_assert_int_eq(act->wall_us, gh_testhost_wall(host));
	gh_act_free(&act);
	act = gh_testhost_act(host);
	ck_assert_int_eq(act->kind, GH_ACT_RECHECK);
	gh_act_free(&act);
	ck_assert_ptr_null(gh_testhost_act(host));
	gh_testhost_free(&host);
}
END_TEST

/* Whoever leaves everything open: nothing is leaked, and the module is destroyed. */
START_TEST(freed_with_everything_open)
{
	struct gh_testhost *host = opened("practice");
	struct gh_client client = { .size = sizeof(client), .client_id = "dev1", .connection = 1 };
	struct gh_event event = { .size = sizeof(event), .client = &client, .kind = GH_EV_CONNECT };
	struct gh_authenticate in = { .size = sizeof(in), .client = &client, .username = "later" };
	struct gh_error error = { 0 };
	struct gh_answer *answer;
	struct gh_reply *reply;

	option(host, "period", "1s");
	created(host);
	gh_testhost_event(host, &event);
	answer = gh_testhost_ask(host, GH_AT_AUTHENTICATE, &in);
	ck_assert_int_eq(answer->verdict, GH_PENDING);
	gh_answer_free(&answer);
	ck_assert_int_eq(gh_testhost_reload(host, &error), 0);
	ck_assert_uint_eq(gh_testhost_drains(host), 1);
	gh_testhost_event(host, &event);
	in.username = "early"; /* answered, and never taken */
	answer = gh_testhost_ask(host, GH_AT_AUTHENTICATE, &in);
	gh_answer_free(&answer);
	reply = gh_testhost_command(host, "offload", 0, NULL, (struct gh_bytes){ 0 }, &error);
	ck_assert(reply->pending);
	gh_reply_free(&reply);
	reply = gh_testhost_command(host, "watch", 0, NULL, (struct gh_bytes){ 0 }, &error);
	gh_reply_free(&reply);
	ck_assert_ptr_null(
		gh_testhost_command(host, "no such", 0, NULL, (struct gh_bytes){ 0 }, &error));
	ck_assert_str_eq(error.text, "no command 'no such'");
	gh_testhost_free(&host);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("testhost/core");
	TCase *tcase = tcase_create("testhost/core");
	SRunner *runner = srunner_create(suite);
	int failures;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_month_of_events);
	tcase_add_test(tcase, acts_are_taken_in_order);
	tcase_add_test(tcase, freed_with_everything_open);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
