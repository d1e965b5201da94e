/* SPDX-License-Identifier: Apache-2.0 */
/* One runtime takes the place of another, whose way out this is. */
#include "ctl/runtime.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/shard.h"
#include "ctl/change.h"
#include "ctl/retire.h"
#include "hook/storage.h"

#include <stdlib.h>
#include <time.h>

/* Workers change to the new one -> its asks and exchanges end -> freed; its instances go their own way (ctl/retire). */
struct gh_leaving {
	struct gh_leaving *next;
	struct gh_daemon *daemon;
	struct gh_runtime *runtime;
	unsigned outstanding; /* workers that haven't changed */
};

struct note {
	struct gh_mail mail;
	struct gh_daemon *daemon;
	struct gh_runtime *runtime;
};

static struct gh_leaving *find(const struct gh_daemon *daemon, const struct gh_runtime *runtime)
{
	struct gh_leaving *leaving = daemon->leaving;

	while (leaving && leaving->runtime != runtime)
		leaving = leaving->next;
	return leaving;
}

static void note(struct gh_daemon *daemon, struct gh_runtime *runtime,
		 void (*deliver)(struct gh_mail *, void *))
{
	struct note *note = gh_alloc(sizeof(*note));

	*note = (struct note){ .mail.deliver = deliver, .daemon = daemon, .runtime = runtime };
	gh_inbox_post(daemon->inbox, GH_LANE_CONTROL, &note->mail);
}

static void let_go(struct gh_leaving *leaving)
{
	struct gh_runtime *runtime = leaving->runtime;

	leaving->outstanding = 0;
	gh_runtime_retire(&runtime);
}

static void on_left(struct gh_mail *mail, void *owner)
{
	struct note *n = (struct note *)(void *)mail;
	struct gh_daemon *daemon = n->daemon;
	struct gh_leaving *leaving = owner ? find(daemon, n->runtime) : NULL;

	free(n);
	if (!leaving || !leaving->outstanding || --leaving->outstanding > 0)
		return;
	let_go(leaving);
	gh_retire_alone(daemon);
}

static void left(void *arg, struct gh_runtime *old, unsigned worker)
{
	(void)worker;
	note(arg, old, on_left);
}

static void remove_leaving(struct gh_leaving *leaving)
{
	struct gh_leaving **at = &leaving->daemon->leaving;

	while (*at != leaving)
		at = &(*at)->next;
	*at = leaving->next;
	free(leaving);
}

static void on_idle(struct gh_mail *mail, void *owner)
{
	struct note *n = (struct note *)(void *)mail;
	struct gh_runtime *runtime = n->runtime;
	struct gh_leaving *leaving = owner ? find(n->daemon, runtime) : NULL;

	free(n);
	if (!leaving)
		return;
	gh_log_debug("configuration %llu is gone", (unsigned long long)runtime->generation);
	remove_leaving(leaving);
	gh_runtime_free(&runtime);
}

void gh_runtime_idle(void *arg, struct gh_runtime *runtime)
{
	note(arg, runtime, on_idle);
}

static struct gh_leaving *leaving_new(struct gh_daemon *daemon, struct gh_runtime *runtime)
{
	struct gh_leaving *leaving = gh_zalloc(sizeof(*leaving));

	leaving->daemon = daemon;
	leaving->runtime = runtime;
	leaving->next = daemon->leaving;
	daemon->leaving = leaving;
	return leaving;
}

static bool stands_in(const struct gh_runtime *runtime, const struct gh_instance *instance)
{
	for (size_t i = 0; i < runtime->instance_count; i++)
		if (runtime->instances[i] == instance)
			return true;
	return false;
}

void gh_runtime_replace(struct gh_daemon *daemon, struct gh_runtime *old)
{
	struct gh_leaving *leaving = leaving_new(daemon, old);

	for (size_t i = 0; i < old->instance_count; i++)
		if (!stands_in(daemon->runtime, old->instances[i]))
			gh_retire(daemon, old->instances[i]);
	leaving->outstanding = daemon->broker.worker_count;
	for (unsigned i = 0; i < daemon->broker.worker_count; i++)
		gh_shard_swap(gh_workers_at(daemon->broker.workers, i), daemon->runtime, left,
			      daemon);
}

bool gh_runtime_swapping(const struct gh_daemon *daemon)
{
	for (const struct gh_leaving *leaving = daemon->leaving; leaving; leaving = leaving->next)
		if (leaving->outstanding)
			return true;
	return false;
}

/* ---- the end ---- */

static void turn(struct gh_daemon *daemon)
{
	gh_loop_poll(daemon->loop);
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* Those that were waiting for an answer of a worker won't get it any more: what they waited for has happened. */
static void workers_are_gone(struct gh_daemon *daemon)
{
	for (struct gh_leaving *leaving = daemon->leaving; leaving; leaving = leaving->next)
		if (leaving->outstanding)
			let_go(leaving);
	gh_retire_at_end(daemon);
}

static void retire_the_last(struct gh_daemon *daemon)
{
	struct gh_runtime *runtime = daemon->runtime;

	for (size_t i = 0; i < runtime->instance_count; i++)
		gh_retire(daemon, runtime->instances[i]);
	daemon->runtime = NULL;
	let_go(leaving_new(daemon, runtime));
}

bool gh_runtimes_end(struct gh_daemon *daemon, uint64_t timeout_ms)
{
	struct gh_storage *storage = daemon->broker.hooks.storage;
	uint64_t deadline = gh_clock_ms() + timeout_ms;

	daemon->ending = true;
	while (gh_change_runs(daemon) && gh_clock_ms() < deadline)
		turn(daemon);
	if (gh_change_runs(daemon))
		return false;
	workers_are_gone(daemon);
	retire_the_last(daemon);
	while ((daemon->leaving || !gh_list_empty(&daemon->retiring)) && gh_clock_ms() < deadline) {
		/* The store is held to the last, until then others may keep something; and it has its own time. */
		if (gh_storage_instance(storage) && !daemon->leaving &&
		    daemon->retiring.next == daemon->retiring.prev) {
			gh_storage_close(storage);
			deadline = gh_clock_ms() + timeout_ms;
		}
		turn(daemon);
	}
	return !daemon->leaving && gh_list_empty(&daemon->retiring);
}
