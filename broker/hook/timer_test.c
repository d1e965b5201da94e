/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of instances: on a worker, on the control thread, on threads of their own; and their end. */
#include "hook/fixture.h"
#include "hook/timer.h"
#include "hook/work.h"

/* A module that counts what fires. */
struct counter {
	struct gh_host *host;
	struct gh_timer timer;
	atomic_uint fired, inside, most_inside;
	atomic_ulong thread;
	bool stops; /* itself, when it fires */
	unsigned slow_ms;
	void *local;
};

static void fire(void *self, void *arg)
{
	struct counter *counter = arg;
	unsigned inside = atomic_fetch_add(&counter->inside, 1) + 1;

	(void)self;
	if (inside > atomic_load(&counter->most_inside))
		atomic_store(&counter->most_inside, inside);
	atomic_store(&counter->thread, pthread_self());
	counter->local = gh_local(counter->host);
	for (uint64_t end = gh_clock_ms() + counter->slow_ms; gh_clock_ms() < end;)
		sched_yield();
	if (counter->stops)
		gh_timer_stop(counter->host, counter->timer);
	atomic_fetch_sub(&counter->inside, 1);
	atomic_fetch_add(&counter->fired, 1);
}

static struct gh_plugin plain = { .name = "plain" };
static struct gh_plugin blocks = { .flags = GH_BLOCKING | GH_CONCURRENT, .name = "blocks" };

struct bench {
	struct fixture fixture;
	struct gh_instance *instance;
	struct counter counter;
};

/* The fixture's thread is a worker or, with `control`, the control thread. */
static void bench_init(struct bench *bench, struct gh_plugin *plugin, bool control)
{
	memset(bench, 0, sizeof(*bench));
	fixture_init(&bench->fixture);
	if (control) {
		gh_asker_leave(bench->fixture.asker);
		bench->fixture.asker =
			gh_asker_enter(bench->fixture.hooks.askers, 1, bench->fixture.loop,
				       fixture_post, &bench->fixture);
	}
	bench->instance = fixture_add(&bench->fixture, plugin->name, plugin, bench);
	bench->counter.host = (struct gh_host *)(void *)bench->instance;
	gh_work_prepare(bench->instance);
}

static struct gh_timer begin(struct bench *bench, uint32_t first_ms, uint32_t repeat_ms)
{
	bench->counter.timer =
		gh_timer_start(bench->counter.host, first_ms, repeat_ms, fire, &bench->counter);
	return bench->counter.timer;
}

static void wait_for(struct bench *bench, unsigned fired)
{
	uint64_t end = gh_clock_ms() + 20000;

	while (atomic_load(&bench->counter.fired) < fired && gh_clock_ms() < end)
		gh_loop_poll(bench->fixture.loop);
	ck_assert_uint_ge(atomic_load(&bench->counter.fired), fired);
}

/* For a while nothing fires. */
static void stays(struct bench *bench, unsigned fired)
{
	for (uint64_t end = gh_clock_ms() + 30; gh_clock_ms() < end;)
		gh_loop_poll(bench->fixture.loop);
	ck_assert_uint_eq(atomic_load(&bench->counter.fired), fired);
}

START_TEST(once)
{
	struct bench bench;
	int local;

	bench_init(&bench, &plain, false);
	gh_work_open(bench.instance, bench.fixture.asker);
	bench.instance->locals[0] = &local;
	ck_assert(begin(&bench, 5, 0).id != 0);
	ck_assert_uint_eq(atomic_load(&bench.counter.fired), 0);
	wait_for(&bench, 1);
	ck_assert_ptr_eq(bench.counter.local, &local);
	ck_assert(pthread_equal(atomic_load(&bench.counter.thread), pthread_self()));
	stays(&bench, 1);
	gh_timer_stop(bench.counter.host, bench.counter.timer); /* too late, harmless */
	gh_timer_stop(bench.counter.host, (struct gh_timer){ 0 });
	gh_timer_stop(bench.counter.host, (struct gh_timer){ UINT64_MAX });
	gh_work_shut(bench.instance, bench.fixture.asker);
	fixture_done(&bench.fixture);
}
END_TEST

START_TEST(again_until_stopped)
{
	struct bench bench;
	unsigned fired;

	bench_init(&bench, &plain, false);
	gh_work_open(bench.instance, bench.fixture.asker);
	begin(&bench, 0, 1);
	wait_for(&bench, 5);
	gh_timer_stop(bench.counter.host, bench.counter.timer);
	fired = atomic_load(&bench.counter.fired);
	stays(&bench, fired);
	/* it stops itself */
	bench.counter.stops = true;
	begin(&bench, 1, 1);
	wait_for(&bench, fired + 1);
	stays(&bench, fired + 1);
	gh_work_shut(bench.instance, bench.fixture.asker);
	fixture_done(&bench.fixture);
}
END_TEST

/* What was missed while the thread was busy doesn't come at once. */
START_TEST(no_burst)
{
	struct bench bench;

	bench_init(&bench, &plain, false);
	gh_work_open(bench.instance, bench.fixture.asker);
	begin(&bench, 0, 10);
	wait_for(&bench, 1);
	for (uint64_t end = gh_clock_ms() + 100; gh_clock_ms() < end;)
		sched_yield();
	gh_loop_poll(bench.fixture.loop);
	gh_loop_poll(bench.fixture.loop);
	ck_assert_uint_le(atomic_load(&bench.counter.fired), 3);
	gh_work_shut(bench.instance, bench.fixture.asker);
	fixture_done(&bench.fixture);
}
END_TEST

static void *stop_it(void *arg)
{
	struct bench *bench = arg;

	gh_timer_stop(bench->counter.host, bench->counter.timer);
	gh_timer_stop(bench->counter.host, bench->counter.timer);
	return NULL;
}

static void on_another_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run, arg), 0);
	pthread_join(thread, NULL);
}

START_TEST(stopped_by_another_thread)
{
	struct bench bench;
	unsigned fired;

	bench_init(&bench, &plain, false);
	gh_work_open(bench.instance, bench.fixture.asker);
	begin(&bench, 0, 1);
	wait_for(&bench, 2);
	on_another_thread(stop_it, &bench);
	fired = atomic_load(&bench.counter.fired);
	stays(&bench, fired);
	/* its mail comes when the instance has ended already */
	begin(&bench, 0, 1);
	on_another_thread(stop_it, &bench);
	gh_work_shut(bench.instance, bench.fixture.asker);
	stays(&bench, fired);
	/* or never: the thread leaves first */
	gh_work_open(bench.instance, bench.fixture.asker);
	begin(&bench, 0, 1);
	on_another_thread(stop_it, &bench);
	gh_asker_leave(bench.fixture.asker);
	stays(&bench, fired);
	gh_asker_enter(bench.fixture.hooks.askers, 0, bench.fixture.loop, fixture_post,
		       &bench.fixture);
	gh_work_shut(bench.instance, bench.fixture.asker);
	fixture_done(&bench.fixture);
}
END_TEST

static void *start_it(void *arg)
{
	ck_assert_uint_eq(begin(arg, 0, 0).id, 0);
	return NULL;
}

START_TEST(refused)
{
	struct bench bench;
	struct gh_instance *other;
	unsigned fired;

	bench_init(&bench, &plain, false);
	ck_assert_uint_eq(begin(&bench, 0, 0).id, 0); /* not open here yet */
	gh_work_open(bench.instance, bench.fixture.asker);
	on_another_thread(start_it, &bench);
	ck_assert_uint_eq(gh_timer_start(bench.counter.host, 0, 0, NULL, NULL).id, 0);
	/* another instance's handle */
	other = fixture_add(&bench.fixture, "other", &plain, NULL);
	begin(&bench, 0, 1);
	gh_timer_stop((struct gh_host *)(void *)other, bench.counter.timer);
	wait_for(&bench, 2);
	gh_work_shut(bench.instance, bench.fixture.asker);
	fired = atomic_load(&bench.counter.fired);
	stays(&bench, fired);
	ck_assert_uint_eq(begin(&bench, 0, 0).id, 0); /* at its end */
	fixture_done(&bench.fixture);
}
END_TEST

/* Made in create: they begin when it is in force, and the time counts from there. */
START_TEST(waits_for_its_time)
{
	struct bench bench;
	struct gh_timer gone;

	bench_init(&bench, &plain, true);
	gh_here()->creating = bench.instance;
	gone = gh_timer_start(bench.counter.host, 0, 0, fire, &bench.counter);
	begin(&bench, 1, 0);
	gh_here()->creating = NULL;
	gh_timer_stop(bench.counter.host, gone);
	stays(&bench, 0);
	gh_work_open_control(bench.instance);
	wait_for(&bench, 1);
	stays(&bench, 1);
	ck_assert_ptr_null(bench.counter.local);
	begin(&bench, 0, 1); /* and later, as a command would */
	wait_for(&bench, 3);
	fixture_done(&bench.fixture); /* ends what is left */
}
END_TEST

START_TEST(never_in_force)
{
	struct bench bench;

	bench_init(&bench, &plain, true);
	begin(&bench, 0, 1);
	stays(&bench, 0);
	fixture_done(&bench.fixture);
	ck_assert_uint_eq(atomic_load(&bench.counter.fired), 0);
}
END_TEST

/* A blocking instance: on a thread of its own, one firing after the other, whoever started it. */
START_TEST(on_its_own_threads)
{
	struct bench bench;
	unsigned fired;

	bench_init(&bench, &blocks, true);
	gh_work_open_control(bench.instance);
	bench.counter.slow_ms = 5;
	begin(&bench, 0, 1);
	wait_for(&bench, 4);
	ck_assert(!pthread_equal(atomic_load(&bench.counter.thread), pthread_self()));
	ck_assert_uint_eq(atomic_load(&bench.counter.most_inside), 1);
	on_another_thread(stop_it, &bench);
	for (uint64_t end = gh_clock_ms() + 50; gh_clock_ms() < end;) /* one may be running */
		gh_loop_poll(bench.fixture.loop);
	fired = atomic_load(&bench.counter.fired);
	stays(&bench, fired);
	begin(&bench, 0, 0);
	wait_for(&bench, fired + 1);
	stays(&bench, fired + 1);
	fixture_done(&bench.fixture);
}
END_TEST

/* On its thread it starts the next one, and one that it stops there. */
static void start_another(void *self, void *arg)
{
	const struct bench *bench = self;
	struct gh_host *host = bench->counter.host;

	gh_timer_stop(host, gh_timer_start(host, 0, 1, fire, arg));
	ck_assert(gh_timer_start(host, 1, 0, fire, arg).id != 0);
}

START_TEST(started_on_its_own_thread)
{
	struct bench bench;

	bench_init(&bench, &blocks, true);
	gh_work_open_control(bench.instance);
	ck_assert(gh_timer_start(bench.counter.host, 0, 0, start_another, &bench.counter).id != 0);
	wait_for(&bench, 1);
	stays(&bench, 1);
	fixture_done(&bench.fixture);
}
END_TEST

static void count_only(void *self, void *arg)
{
	(void)self;
	atomic_fetch_add((atomic_uint *)arg, 1);
}

struct churn {
	struct bench *bench;
	struct gh_timer *timers;
};

static void *stop_all(void *arg)
{
	struct churn *churn = arg;

	for (unsigned i = 0; i < 2000; i++)
		gh_timer_stop(churn->bench->counter.host, churn->timers[i]);
	return NULL;
}

/* Many at once, stopped by two other threads while they fire. */
static void churn(struct gh_plugin *plugin, bool control)
{
	static struct gh_timer timers[2000];
	struct bench bench;
	struct churn churned = { &bench, timers };
	pthread_t threads[2];

	bench_init(&bench, plugin, control);
	gh_work_open(bench.instance, bench.fixture.asker);
	for (unsigned i = 0; i < 2000; i++)
		timers[i] = gh_timer_start(bench.counter.host, i % 10, i % 3, count_only,
					   &bench.counter.fired);
	wait_for(&bench, 500);
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, stop_all, &churned);
	for (uint64_t end = gh_clock_ms() + 30; gh_clock_ms() < end;)
		gh_loop_poll(bench.fixture.loop);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	gh_work_shut(bench.instance, bench.fixture.asker);
	gh_loop_poll(bench.fixture.loop);
	fixture_done(&bench.fixture);
}

START_TEST(many)
{
	churn(&plain, false);
}
END_TEST

START_TEST(many_that_block)
{
	churn(&blocks, true);
}
END_TEST

GH_TEST_MAIN("hook/timer", once, again_until_stopped, no_burst, stopped_by_another_thread, refused,
	     waits_for_its_time, never_in_force, on_its_own_threads, started_on_its_own_thread,
	     many, many_that_block)
