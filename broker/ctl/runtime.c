/* SPDX-License-Identifier: Apache-2.0 */
/* One runtime takes the place of another, whose way out this is. */
#include "ctl/runtime.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/shard.h"

#include <stdlib.h>

/*
 * LEAVING: workers change to the new one -> DRAINING: its asks, jobs and exchanges end -> STOPPING: thread_stop on each
 * worker -> freed.
 */
enum stage { LEAVING, DRAINING, STOPPING };
struct gh_retiring {
	struct gh_retiring *next;
	struct gh_daemon *daemon;
	struct gh_runtime *runtime;
	unsigned outstanding; /* workers that haven't answered */
	enum stage stage;
};

struct note {
	struct gh_mail mail;
	struct gh_daemon *daemon;
	struct gh_runtime *runtime;
};

static struct gh_retiring *find(const struct gh_daemon *daemon, const struct gh_runtime *runtime)
{
	struct gh_retiring *r = daemon->retiring;

	while (r && r->runtime != runtime)
		r = r->next;
	return r;
}

static void note(struct gh_daemon *daemon, struct gh_runtime *runtime,
		 void (*deliver)(struct gh_mail *, void *))
{
	struct note *note = gh_alloc(sizeof(*note));

	*note = (struct note){ .mail.deliver = deliver, .daemon = daemon, .runtime = runtime };
	gh_inbox_post(daemon->inbox, GH_LANE_CONTROL, &note->mail);
}

static void remove_retiring(struct gh_retiring *retiring)
{
	struct gh_retiring **at = &retiring->daemon->retiring;

	while (*at != retiring)
		at = &(*at)->next;
	*at = retiring->next;
	free(retiring);
}

static void finish(struct gh_retiring *retiring)
{
	struct gh_runtime *runtime = retiring->runtime;

	remove_retiring(retiring);
	gh_log_debug("configuration %llu is gone", (unsigned long long)runtime->generation);
	gh_runtime_free(&runtime);
}

static void on_left(struct gh_mail *mail, void *owner)
{
	struct note *n = (struct note *)(void *)mail;
	struct gh_retiring *retiring = find(n->daemon, n->runtime);

	free(n);
	if (!owner || !retiring || --retiring->outstanding > 0)
		return;
	if (retiring->stage == STOPPING) {
		finish(retiring);
	} else {
		struct gh_runtime *runtime = retiring->runtime;

		retiring->stage = DRAINING;
		gh_runtime_retire(&runtime);
	}
}

static void left(void *arg, struct gh_runtime *old, unsigned worker)
{
	(void)worker;
	note(arg, old, on_left);
}

static void on_idle(struct gh_mail *mail, void *owner)
{
	struct note *n = (struct note *)(void *)mail;
	struct gh_daemon *daemon = n->daemon;
	struct gh_retiring *retiring = find(daemon, n->runtime);

	free(n);
	if (!owner || !retiring)
		return;
	retiring->stage = STOPPING;
	gh_runtime_control_stop(retiring->runtime);
	if (!daemon->broker.workers) { /* the end: they have stopped already */
		finish(retiring);
		return;
	}
	retiring->outstanding = daemon->broker.worker_count;
	for (unsigned i = 0; i < daemon->broker.worker_count; i++)
		gh_shard_stop_runtime(gh_workers_at(daemon->broker.workers, i), retiring->runtime,
				      left, daemon);
}

void gh_runtime_idle(void *arg, struct gh_runtime *runtime)
{
	note(arg, runtime, on_idle);
}

static struct gh_retiring *retiring_new(struct gh_daemon *daemon, struct gh_runtime *runtime)
{
	struct gh_retiring *retiring = gh_zalloc(sizeof(*retiring));

	retiring->daemon = daemon;
	retiring->runtime = runtime;
	retiring->next = daemon->retiring;
	daemon->retiring = retiring;
	return retiring;
}

void gh_runtime_replace(struct gh_daemon *daemon, struct gh_runtime *old)
{
	struct gh_retiring *retiring = retiring_new(daemon, old);

	retiring->outstanding = daemon->broker.worker_count;
	for (unsigned i = 0; i < daemon->broker.worker_count; i++)
		gh_shard_swap(gh_workers_at(daemon->broker.workers, i), daemon->runtime, left,
			      daemon);
}

struct gh_runtime *gh_runtime_retiring(const struct gh_daemon *daemon, size_t index)
{
	struct gh_retiring *r = daemon->retiring;

	while (r && index-- > 0)
		r = r->next;
	return r ? r->runtime : NULL;
}

/* Those that were waiting for an answer of a worker won't get it any more: what they waited for has happened. */
static void workers_are_gone(struct gh_daemon *daemon)
{
	struct gh_retiring *next;

	for (struct gh_retiring *r = daemon->retiring; r; r = next) {
		struct gh_runtime *runtime = r->runtime;

		next = r->next;
		if (r->stage == STOPPING) {
			finish(r);
		} else if (r->stage == LEAVING) {
			r->stage = DRAINING;
			gh_runtime_retire(&runtime);
		}
	}
}

bool gh_runtimes_end(struct gh_daemon *daemon, uint64_t timeout_ms)
{
	uint64_t deadline = gh_clock_ms() + timeout_ms;

	if (daemon->runtime) {
		retiring_new(daemon, daemon->runtime);
		daemon->runtime = NULL;
	}
	workers_are_gone(daemon);
	while (daemon->retiring && gh_clock_ms() < deadline)
		gh_loop_poll(daemon->loop);
	return daemon->retiring == NULL;
}
