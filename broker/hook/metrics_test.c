/* SPDX-License-Identifier: Apache-2.0 */
/* Series: added to by threads, summed, shown as text. */
#include "hook/metrics.h"

#include "base/test.h"

#include <pthread.h>
#include <string.h>

#define EACH 20000

static struct gh_series *shared_series;

static void *adder(void *arg)
{
	gh_metrics_enter(*(unsigned *)arg);
	for (unsigned i = 0; i < EACH; i++)
		gh_series_add(shared_series, 1);
	return NULL;
}

START_TEST(threads)
{
	struct gh_metrics *metrics = gh_metrics_new(3);
	unsigned slots[] = { 1, 2, 0, 0 }; /* two of their own, two share */
	pthread_t adders[4];

	shared_series = gh_metrics_series(metrics, GH_COUNTER, "x_total", NULL, "x");
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&adders[i], NULL, adder, &slots[i]), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(adders[i], NULL);
	ck_assert_double_eq(gh_series_value(shared_series), 4 * EACH);
	gh_metrics_free(&metrics);
}
END_TEST

START_TEST(same_series)
{
	struct gh_metrics *metrics = gh_metrics_new(1);
	struct gh_series *a = gh_metrics_series(metrics, GH_COUNTER, "a_total", "k=\"1\"", "help");

	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_eq(gh_metrics_series(metrics, GH_COUNTER, "a_total", "k=\"1\"", "other"), a);
	ck_assert_ptr_ne(gh_metrics_series(metrics, GH_COUNTER, "a_total", "k=\"2\"", "help"), a);
	ck_assert_ptr_null(gh_metrics_series(metrics, GH_GAUGE, "a_total", "k=\"0\"", "help"));
	ck_assert_ptr_null(gh_metrics_series(metrics, GH_GAUGE, "a_total", "k=\"3\"", "help"));
	ck_assert_ptr_null(gh_metrics_series(metrics, GH_GAUGE, "Bad", NULL, "help"));
	ck_assert_ptr_null(gh_metrics_series(metrics, GH_GAUGE, "", NULL, "help"));
	ck_assert_ptr_null(gh_metrics_series(metrics, GH_GAUGE, "a-b", NULL, "help"));
	gh_series_add(a, -5); /* a counter never falls */
	ck_assert_double_eq(gh_series_value(a), 0);
	gh_metrics_free(&metrics);
}
END_TEST

static void set_gauge(void *arg)
{
	gh_series_set(arg, 42);
}

START_TEST(text)
{
	struct gh_metrics *metrics = gh_metrics_new(2);
	struct gh_series *gauge = gh_metrics_series(metrics, GH_GAUGE, "b", NULL, "a \\ and\na line");
	struct gh_series *late =
		gh_metrics_series(metrics, GH_HISTOGRAM, "t_seconds", "i=\"x\"", "time");
	struct gh_buf out = { 0 }, label = { 0 };

	gh_metrics_label(&label, "i", "q\"\\\n");
	gh_buf_u8(&label, 0);
	gh_series_add(gh_metrics_series(metrics, GH_COUNTER, "a_total", (char *)label.p, "count"), 1);
	gh_metrics_on_read(metrics, set_gauge, gauge);
	gh_series_observe(late, 0);
	gh_series_observe(late, 1.5e-6);
	gh_series_observe(late, 1e9);
	gh_metrics_prometheus(metrics, &out);
	gh_buf_u8(&out, 0);
	ck_assert_ptr_nonnull(
		strstr((char *)out.p, "# TYPE a_total counter\na_total{i=\"q\\\"\\\\\\n\"} 1\n"));
	ck_assert_ptr_nonnull(
		strstr((char *)out.p, "# HELP b a \\\\ and\\na line\n# TYPE b gauge\nb 42\n"));
	ck_assert_ptr_nonnull(strstr((char *)out.p, "t_seconds_bucket{i=\"x\",le=\"1e-06\"} 1\n"));
	ck_assert_ptr_nonnull(strstr((char *)out.p, "t_seconds_bucket{i=\"x\",le=\"2e-06\"} 2\n"));
	ck_assert_ptr_nonnull(strstr((char *)out.p, "t_seconds_bucket{i=\"x\",le=\"8.388608\"} 2\n"));
	ck_assert_ptr_nonnull(strstr((char *)out.p, "t_seconds_bucket{i=\"x\",le=\"+Inf\"} 3\n"));
	ck_assert_ptr_nonnull(strstr((char *)out.p, "t_seconds_count{i=\"x\"} 3\n"));
	gh_buf_done(&out);
	gh_buf_done(&label);
	gh_metrics_free(&metrics);
}
END_TEST

GH_TEST_MAIN("hook/metrics", threads, same_series, text)
