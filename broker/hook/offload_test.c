/* SPDX-License-Identifier: Apache-2.0 */
/* Work beside hooks: each piece is run once, whatever becomes of who asked for it. */
#include "hook/offload.h"

#include "hook/fixture.h"

#include <semaphore.h>

static struct gh_plugin plain = { .name = "plain" };

struct bench {
	struct fixture fixture;
	struct gh_instance *instance;
	struct gh_host *host;
	sem_t open, entered;
	atomic_uint runs;
	pthread_t starter;
};

static void bench_init(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	fixture_init(&bench->fixture);
	bench->fixture.hooks.offload = gh_offload_new();
	bench->instance = fixture_add(&bench->fixture, plain.name, &plain, bench);
	bench->host = (struct gh_host *)(void *)bench->instance;
	bench->starter = pthread_self();
	sem_init(&bench->open, 0, 0);
	sem_init(&bench->entered, 0, 0);
}

static void wait_for(struct bench *bench, unsigned runs)
{
	uint64_t end = gh_clock_ms() + 20000;

	while ((atomic_load(&bench->runs) < runs || atomic_load(&bench->instance->refs) > 1) &&
	       gh_clock_ms() < end)
		sched_yield();
	ck_assert_uint_eq(atomic_load(&bench->runs), runs);
}

static void bench_done(struct bench *bench)
{
	fixture_done(&bench->fixture);
	gh_offload_free(&bench->fixture.hooks.offload);
}

static void count(void *self, void *arg)
{
	struct bench *bench = arg;

	ck_assert(self == arg || !self);
	ck_assert_ptr_null(gh_local(bench->host));
	ck_assert(!pthread_equal(pthread_self(), bench->starter));
	atomic_fetch_add(&bench->runs, 1);
}

static void wait_at_gate(void *self, void *arg)
{
	struct bench *bench = arg;

	sem_post(&bench->entered);
	sem_wait(&bench->open);
	count(self, arg);
}

START_TEST(beside_hooks)
{
	struct bench bench;

	bench_init(&bench);
	pthread_mutex_lock(&bench.instance->lock); /* as in a hook of it */
	for (unsigned i = 0; i < 100; i++)
		ck_assert_int_eq(gh_offload(bench.host, count, &bench), 0);
	wait_for(&bench, 100);
	pthread_mutex_unlock(&bench.instance->lock);
	ck_assert_int_eq(gh_offload(bench.host, NULL, &bench), GH_EINVAL);
	bench_done(&bench);
}
END_TEST

START_TEST(bounded)
{
	struct bench bench;
	unsigned accepted = 0;

	bench_init(&bench);
	for (unsigned i = 0; i < GH_OFFLOAD_THREADS; i++)
		ck_assert_int_eq(gh_offload(bench.host, wait_at_gate, &bench), 0);
	for (unsigned i = 0; i < GH_OFFLOAD_THREADS; i++)
		sem_wait(&bench.entered);
	while (gh_offload(bench.host, count, &bench) == 0)
		accepted++;
	ck_assert_uint_eq(accepted, GH_OFFLOAD_MAX);
	ck_assert_int_eq(gh_offload(bench.host, count, &bench), GH_EBUSY);
	ck_assert_uint_eq(atomic_load(&bench.instance->refs),
			  1 + GH_OFFLOAD_THREADS + GH_OFFLOAD_MAX);
	for (unsigned i = 0; i < GH_OFFLOAD_THREADS; i++)
		sem_post(&bench.open);
	wait_for(&bench, GH_OFFLOAD_THREADS + GH_OFFLOAD_MAX);
	bench_done(&bench);
}
END_TEST

/* It holds the instance; of one that is idle nothing more is taken. */
START_TEST(drains)
{
	struct bench bench;
	bench_init(&bench);
	gh_offload(bench.host, wait_at_gate, &bench);
	gh_offload(bench.host, wait_at_gate, &bench);
	gh_offload(bench.host, count, &bench);
	gh_instance_unref(bench.instance);
	sem_wait(&bench.entered);
	ck_assert_uint_eq(atomic_load(&bench.fixture.instances_idle), 0);
	ck_assert_int_eq(gh_offload(bench.host, count, &bench), 0);
	sem_post(&bench.open);
	sem_post(&bench.open);
	for (uint64_t end = gh_clock_ms() + 20000;
	     atomic_load(&bench.fixture.instances_idle) == 0 && gh_clock_ms() < end;)
		sched_yield();
	ck_assert_uint_eq(atomic_load(&bench.fixture.instances_idle), 1);
	ck_assert_uint_eq(atomic_load(&bench.runs), 4);
	ck_assert_int_eq(gh_offload(bench.host, count, &bench), GH_EBUSY);
	atomic_store(&bench.instance->refs, 1);
	bench_done(&bench);
}
END_TEST

/* In create: run when that has returned, refused configuration or not. */
START_TEST(waits_for_create)
{
	struct bench bench;

	bench_init(&bench);
	gh_offload_hold(bench.instance);
	gh_offload(bench.host, count, &bench);
	gh_offload(bench.host, count, &bench);
	ck_assert_uint_eq(atomic_load(&bench.runs), 0);
	bench.instance->self = NULL; /* it failed */
	gh_offload_release(bench.instance);
	gh_offload_end(bench.instance);
	ck_assert_uint_eq(atomic_load(&bench.runs), 2);
	ck_assert_int_eq(gh_offload(bench.host, count, &bench), GH_EBUSY);
	bench_done(&bench);
}
END_TEST

START_TEST(without_threads)
{
	struct bench bench;

	bench_init(&bench);
	gh_offload_free(&bench.fixture.hooks.offload);
	ck_assert_int_eq(gh_offload(bench.host, count, &bench), GH_EBUSY);
	bench_done(&bench);
}
END_TEST

GH_TEST_MAIN("hook/offload", beside_hooks, bounded, drains, waits_for_create, without_threads)
