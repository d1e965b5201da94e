/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of modules: told while there is something, on one thread, until they are stopped. */
#include "hook/fixture.h"
#include "hook/watch.h"
#include "hook/work.h"

#include <fcntl.h>
#include <unistd.h>

static struct gh_plugin plain = { .name = "plain" };
static struct gh_plugin blocks = { .flags = GH_BLOCKING, .name = "blocks" };

struct bench {
	struct fixture fixture;
	struct gh_instance *instance;
	struct gh_host *host;
	struct gh_watch watch;
	int ends[2];
	unsigned calls, events;
	bool reads, stops;
};

static void ready(void *self, void *arg, int fd, unsigned events)
{
	struct bench *bench = arg;
	char byte;

	ck_assert_ptr_eq(self, bench);
	bench->calls++;
	bench->events = events;
	if (bench->reads)
		ck_assert_int_eq(read(fd, &byte, 1), 1);
	if (bench->stops)
		gh_watch_stop(bench->host, bench->watch);
}

static void bench_init(struct bench *bench, struct gh_plugin *plugin)
{
	memset(bench, 0, sizeof(*bench));
	fixture_init(&bench->fixture);
	bench->instance = fixture_add(&bench->fixture, plugin->name, plugin, bench);
	bench->host = (struct gh_host *)(void *)bench->instance;
	gh_work_open(bench->instance, bench->fixture.asker);
	ck_assert_int_eq(pipe2(bench->ends, O_CLOEXEC | O_NONBLOCK), 0);
}

static void bench_done(struct bench *bench)
{
	gh_work_shut(bench->instance, bench->fixture.asker);
	fixture_done(&bench->fixture);
	close(bench->ends[0]);
	close(bench->ends[1]);
}

static void begin(struct bench *bench, int end, unsigned events)
{
	bench->watch = gh_watch_start(bench->host, bench->ends[end], events, ready, bench);
	ck_assert(bench->watch.id != 0);
}

static void turns(struct bench *bench, unsigned count)
{
	while (count--)
		gh_loop_poll(bench->fixture.loop);
}

START_TEST(level_triggered)
{
	struct bench bench;

	bench_init(&bench, &plain);
	begin(&bench, 0, GH_READABLE);
	turns(&bench, 3);
	ck_assert_uint_eq(bench.calls, 0);
	ck_assert_int_eq(write(bench.ends[1], "ab", 2), 2);
	turns(&bench, 3);
	ck_assert_uint_eq(bench.calls, 3);
	ck_assert_uint_eq(bench.events, GH_READABLE);
	bench.reads = true;
	turns(&bench, 4);
	ck_assert_uint_eq(bench.calls, 5);
	bench_done(&bench);
}
END_TEST

START_TEST(changed_and_stopped)
{
	struct bench bench;

	bench_init(&bench, &plain);
	begin(&bench, 1, 0);
	turns(&bench, 2);
	ck_assert_uint_eq(bench.calls, 0);
	ck_assert_int_eq(gh_watch_change(bench.host, bench.watch, GH_WRITABLE), 0);
	turns(&bench, 2);
	ck_assert_uint_eq(bench.calls, 2);
	ck_assert_uint_eq(bench.events, GH_WRITABLE);
	ck_assert_int_eq(gh_watch_change(bench.host, bench.watch, 4), GH_EINVAL);
	ck_assert_int_eq(gh_watch_change(bench.host, bench.watch, 0), 0);
	turns(&bench, 2);
	ck_assert_uint_eq(bench.calls, 2);
	gh_watch_change(bench.host, bench.watch, GH_WRITABLE | GH_READABLE);
	bench.stops = true; /* inside its call */
	turns(&bench, 3);
	ck_assert_uint_eq(bench.calls, 3);
	gh_watch_stop(bench.host, bench.watch);
	ck_assert_int_eq(gh_watch_change(bench.host, bench.watch, 0), GH_ENOENT);
	ck_assert_int_eq(gh_watch_change(bench.host, (struct gh_watch){ 0 }, 0), GH_ENOENT);
	ck_assert_int_ge(fcntl(bench.ends[1], F_GETFD), 0); /* the module's */
	bench_done(&bench);
}
END_TEST

static void *elsewhere(void *arg)
{
	struct bench *bench = arg;

	ck_assert_uint_eq(gh_watch_start(bench->host, bench->ends[0], GH_READABLE, ready, bench).id,
			  0);
	ck_assert_int_eq(gh_watch_change(bench->host, bench->watch, 0), GH_EINVAL);
	gh_watch_stop(bench->host, bench->watch);
	return NULL;
}

START_TEST(refused)
{
	struct bench bench, other;
	pthread_t thread;

	bench_init(&bench, &plain);
	begin(&bench, 1, GH_WRITABLE);
	pthread_create(&thread, NULL, elsewhere, &bench);
	pthread_join(thread, NULL);
	turns(&bench, 1);
	ck_assert_uint_eq(bench.calls, 1);
	ck_assert_uint_eq(gh_watch_start(bench.host, -1, GH_READABLE, ready, &bench).id, 0);
	ck_assert_uint_eq(gh_watch_start(bench.host, 100000, GH_READABLE, ready, &bench).id, 0);
	ck_assert_uint_eq(gh_watch_start(bench.host, bench.ends[0], 8, ready, &bench).id, 0);
	ck_assert_uint_eq(gh_watch_start(bench.host, bench.ends[0], 1, NULL, &bench).id, 0);
	gh_work_shut(bench.instance, bench.fixture.asker);
	turns(&bench, 2);
	ck_assert_uint_eq(bench.calls, 1);
	ck_assert_uint_eq(gh_watch_start(bench.host, bench.ends[0], 1, ready, &bench).id, 0);
	bench_done(&bench);
	bench_init(&other, &blocks);
	ck_assert_uint_eq(gh_watch_start(other.host, other.ends[0], 1, ready, &other).id, 0);
	bench_done(&other);
}
END_TEST

START_TEST(of_another_instance)
{
	struct bench bench;
	struct gh_host *other;

	bench_init(&bench, &plain);
	other = (struct gh_host *)(void *)fixture_add(&bench.fixture, "other", &plain, NULL);
	begin(&bench, 1, GH_WRITABLE);
	gh_watch_stop(other, bench.watch);
	ck_assert_int_eq(gh_watch_change(other, bench.watch, 0), GH_EINVAL);
	turns(&bench, 1);
	ck_assert_uint_eq(bench.calls, 1);
	bench_done(&bench);
}
END_TEST

/* Left to itself it ends with the thread. */
START_TEST(thread_leaves)
{
	struct bench bench;

	bench_init(&bench, &plain);
	begin(&bench, 1, GH_WRITABLE);
	gh_asker_leave(bench.fixture.asker);
	turns(&bench, 2);
	ck_assert_uint_eq(bench.calls, 0);
	gh_asker_enter(bench.fixture.hooks.askers, 0, bench.fixture.loop, fixture_post,
		       &bench.fixture);
	bench_done(&bench);
}
END_TEST

/* Made in create: from when it is in force. */
START_TEST(waits_for_its_time)
{
	struct bench bench;

	bench_init(&bench, &plain);
	gh_asker_leave(bench.fixture.asker);
	gh_work_prepare(bench.instance);
	gh_here()->creating = bench.instance;
	begin(&bench, 1, 0);
	ck_assert_int_eq(gh_watch_change(bench.host, bench.watch, GH_WRITABLE), 0);
	gh_here()->creating = NULL;
	bench.fixture.asker = gh_asker_enter(bench.fixture.hooks.askers, 1, bench.fixture.loop,
					     fixture_post, &bench.fixture);
	turns(&bench, 2);
	ck_assert_uint_eq(bench.calls, 0);
	gh_work_open_control(bench.instance);
	turns(&bench, 2);
	ck_assert_uint_eq(bench.calls, 2);
	bench_done(&bench);
}
END_TEST

GH_TEST_MAIN("hook/watch", level_triggered, changed_and_stopped, refused, of_another_instance,
	     thread_leaves, waits_for_its_time)
