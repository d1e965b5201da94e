/* SPDX-License-Identifier: Apache-2.0 */
/* The total never exceeds its bound, whoever asks at the same time. */
#include "limit/total.h"

#include "base/test.h"

#include <pthread.h>

START_TEST(bound)
{
	struct gh_total total;

	gh_total_init(&total, 2);
	ck_assert(gh_total_take(&total));
	ck_assert(gh_total_take(&total));
	ck_assert(!gh_total_take(&total));
	gh_total_give(&total);
	ck_assert(gh_total_take(&total));
	gh_total_set_max(&total, 1);
	gh_total_give(&total);
	ck_assert_uint_eq(gh_total_used(&total), 1);
	ck_assert(!gh_total_take(&total));
	gh_total_give(&total);
	ck_assert(gh_total_take(&total));
	ck_assert_uint_eq(gh_total_max(&total), 1);
}
END_TEST

static atomic_bool exceeded;

static void *take_and_give(void *arg)
{
	struct gh_total *total = arg;

	for (int i = 0; i < 100000; i++)
		if (gh_total_take(total)) {
			if (gh_total_used(total) > 2)
				atomic_store(&exceeded, true);
			gh_total_give(total);
		}
	return NULL;
}

START_TEST(threads)
{
	struct gh_total total;
	pthread_t ids[4];

	gh_total_init(&total, 2);
	for (size_t i = 0; i < GH_COUNT(ids); i++)
		pthread_create(&ids[i], NULL, take_and_give, &total);
	for (size_t i = 0; i < GH_COUNT(ids); i++)
		pthread_join(ids[i], NULL);
	ck_assert(!atomic_load(&exceeded));
	ck_assert_uint_eq(gh_total_used(&total), 0);
}
END_TEST

GH_TEST_MAIN("limit/total", bound, threads)
