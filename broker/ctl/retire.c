/* SPDX-License-Identifier: Apache-2.0 */
/* Instances that aren't in force any more: drained, stopped, destroyed; then their successor is alone. */
#include "ctl/retire.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/shard.h"
#include "ctl/change.h"
#include "ctl/runtime.h"
#include "ctl/task.h"
#include "hook/event.h"
#include "hook/work.h"

#include <stdlib.h>
#include <string.h>

#define GRACE_MS 5000u

enum stage { DRAINING, STOPPING, STOPPED, DESTROYING };

struct gh_retiring {
	struct gh_node in_daemon;
	struct gh_daemon *daemon;
	struct gh_instance *instance; /* NULL: it is the task's */
	struct gh_instance *gone;     /* which destroys it */
	char *name, *module, *version, *file;
	uint64_t generation;
	int64_t since;
	enum stage stage;
	bool in_turn;         /* destroyed at the end: the next one waits for it */
	unsigned outstanding; /* workers that haven't stopped it */
	struct gh_timeout bound;
	struct gh_task task;
};

struct note {
	struct gh_mail mail;
	struct gh_daemon *daemon;
	struct gh_instance *instance;
};

static void note(struct gh_daemon *daemon, struct gh_instance *instance,
		 void (*deliver)(struct gh_mail *, void *))
{
	struct note *note = gh_alloc(sizeof(*note));

	*note = (struct note){ .mail.deliver = deliver, .daemon = daemon, .instance = instance };
	gh_inbox_post(daemon->inbox, GH_LANE_CONTROL, &note->mail);
}

static struct gh_retiring *find(const struct gh_daemon *daemon, const struct gh_instance *instance)
{
	gh_list_each(&daemon->retiring, it, next)
	{
		struct gh_retiring *retiring = gh_container(it, struct gh_retiring, in_daemon);

		if (retiring->instance == instance)
			return retiring;
	}
	return NULL;
}

/* ---- destroyed ---- */

static void destroy_next(struct gh_daemon *daemon);

static void run_destroy(struct gh_task *task)
{
	gh_instance_free(&gh_container(task, struct gh_retiring, task)->gone);
}

static void destroyed(struct gh_task *task)
{
	struct gh_retiring *retiring = gh_container(task, struct gh_retiring, task);
	struct gh_daemon *daemon = retiring->daemon;

	gh_log_debug("module '%s' (configuration %llu) is gone", retiring->name,
		     (unsigned long long)retiring->generation);
	gh_loop_timeout_cancel(daemon->loop, &retiring->bound);
	gh_list_remove(&retiring->in_daemon);
	free(retiring->name);
	free(retiring->module);
	free(retiring->version);
	free(retiring->file);
	free(retiring);
	destroy_next(daemon);
	gh_retire_alone(daemon);
}

static void destroy(struct gh_retiring *retiring)
{
	retiring->stage = DESTROYING;
	retiring->in_turn = retiring->daemon->ending;
	retiring->gone = retiring->instance;
	retiring->instance = NULL;
	gh_task_start(&retiring->task, retiring->daemon->inbox, run_destroy, destroyed);
}

/* While the broker serves, one that doesn't return holds up nobody; at the end the order counts. */
static void destroy_next(struct gh_daemon *daemon)
{
	gh_list_each(&daemon->retiring, it, next)
	{
		struct gh_retiring *retiring = gh_container(it, struct gh_retiring, in_daemon);

		if (retiring->stage == DESTROYING && retiring->in_turn)
			return;
	}
	gh_list_each(&daemon->retiring, it, next)
	{
		struct gh_retiring *retiring = gh_container(it, struct gh_retiring, in_daemon);

		if (retiring->stage != STOPPED)
			continue;
		destroy(retiring);
		if (daemon->ending)
			return;
	}
}

/* ---- drained and stopped ---- */

static void stopped_all(struct gh_retiring *retiring)
{
	struct gh_daemon *daemon = retiring->daemon;

	retiring->stage = STOPPED;
	/* behind those that came before it */
	gh_list_remove(&retiring->in_daemon);
	gh_list_append(&daemon->retiring, &retiring->in_daemon);
	destroy_next(daemon);
}

static void on_stopped(struct gh_mail *mail, void *owner)
{
	struct note *n = (struct note *)(void *)mail;
	struct gh_retiring *retiring = owner ? find(n->daemon, n->instance) : NULL;

	free(n);
	if (retiring && retiring->stage == STOPPING && --retiring->outstanding == 0)
		stopped_all(retiring);
}

static void stopped(void *arg, struct gh_instance *instance, unsigned worker)
{
	(void)worker;
	note(arg, instance, on_stopped);
}

static void on_idle(struct gh_mail *mail, void *owner)
{
	struct note *n = (struct note *)(void *)mail;
	struct gh_daemon *daemon = n->daemon;
	struct gh_retiring *retiring = owner ? find(daemon, n->instance) : NULL;

	free(n);
	if (!retiring)
		return;
	retiring->stage = STOPPING;
	gh_work_shut_control(retiring->instance);
	if (!daemon->broker.workers) { /* the end: they have stopped already */
		stopped_all(retiring);
		return;
	}
	retiring->outstanding = daemon->broker.worker_count;
	for (unsigned i = 0; i < daemon->broker.worker_count; i++)
		gh_shard_stop_instance(gh_workers_at(daemon->broker.workers, i), retiring->instance,
				       stopped, daemon);
}

void gh_instance_idle(void *arg, struct gh_instance *instance)
{
	note(arg, instance, on_idle);
}

static void on_bound(struct gh_timeout *timeout)
{
	struct gh_retiring *retiring = gh_container(timeout, struct gh_retiring, bound);
	struct gh_instance_stats stats = { 0 };

	if (retiring->instance)
		gh_instance_stats(retiring->instance, &stats);
	gh_log_warning(
		"module '%s' (configuration %llu) doesn't let go: %u jobs running, %u tickets%s",
		retiring->name, (unsigned long long)retiring->generation, stats.running,
		stats.pending, retiring->instance ? "" : ", its threads or destroy don't end");
}

void gh_retire(struct gh_daemon *daemon, struct gh_instance *instance)
{
	struct gh_retiring *retiring = gh_zalloc(sizeof(*retiring));
	uint64_t timeout = gh_daemon_in_force(daemon)->limits.hook_timeout;

	gh_instance_retire(instance);
	retiring->daemon = daemon;
	retiring->instance = instance;
	retiring->name = gh_strdup(gh_instance_name(instance));
	retiring->module = gh_strdup(gh_instance_plugin(instance)->name);
	retiring->version = gh_strdup(gh_instance_plugin(instance)->version);
	retiring->file = gh_strdup(gh_instance_file(instance));
	retiring->generation = gh_instance_generation(instance);
	retiring->since = gh_clock_wall_us() / 1000000;
	gh_list_append(&daemon->retiring, &retiring->in_daemon);
	gh_timeout_init(&retiring->bound, on_bound);
	gh_loop_timeout(daemon->loop, &retiring->bound, 2 * timeout + GRACE_MS);
}

bool gh_retiring(const struct gh_daemon *daemon, size_t index, struct gh_retiring_view *view_r)
{
	gh_list_each(&daemon->retiring, it, next)
	{
		struct gh_retiring *retiring = gh_container(it, struct gh_retiring, in_daemon);

		if (index-- > 0)
			continue;
		*view_r = (struct gh_retiring_view){ .name = retiring->name,
						     .module = retiring->module,
						     .version = retiring->version,
						     .file = retiring->file,
						     .since = retiring->since,
						     .instance = retiring->instance };
		return true;
	}
	return false;
}

void gh_retire_at_end(struct gh_daemon *daemon)
{
	gh_list_each(&daemon->retiring, it, next)
	{
		struct gh_retiring *retiring = gh_container(it, struct gh_retiring, in_daemon);

		if (retiring->stage == STOPPING)
			stopped_all(retiring);
	}
}

/* ---- alone ---- */

static bool is_retiring(const struct gh_daemon *daemon, const char *name)
{
	gh_list_each(&daemon->retiring, it, next)
	{
		struct gh_retiring *retiring = gh_container(it, struct gh_retiring, in_daemon);

		if (strcmp(retiring->name, name) == 0)
			return true;
	}
	return false;
}

void gh_retire_alone(struct gh_daemon *daemon)
{
	struct gh_runtime *runtime = daemon->runtime;

	if (daemon->stopping || !runtime || gh_runtime_swapping(daemon))
		return;
	for (size_t i = 0; i < runtime->instance_count; i++)
		if (!is_retiring(daemon, gh_instance_name(runtime->instances[i])) &&
		    gh_instance_alone(runtime->instances[i]))
			daemon->alone_open++;
}

void gh_retire_alone_wait(struct gh_daemon *daemon)
{
	gh_retire_alone(daemon);
	daemon->starting = true;
	if (daemon->alone_open)
		gh_loop_run(daemon->loop);
	daemon->starting = false;
}

static void failed(struct gh_daemon *daemon, struct gh_instance *instance)
{
	struct gh_event event = { .kind = GH_EV_MODULE,
				  .code = GH_MODULE_FAILED,
				  .module = gh_instance_name(instance),
				  .text = gh_instance_off(instance) };

	gh_log_error("module '%s' has failed, whatever it is asked is refused until it is replaced: %s",
		     gh_instance_name(instance), gh_instance_off(instance));
	gh_event_tell(daemon->runtime, &event);
	/* What it granted a moment ago isn't kept. */
	gh_change_again(daemon);
}

static void on_alone(struct gh_mail *mail, void *owner)
{
	struct note *n = (struct note *)(void *)mail;
	struct gh_daemon *daemon = n->daemon;
	struct gh_instance *instance = n->instance;

	free(n);
	if (owner) {
		if (--daemon->alone_open == 0 && daemon->starting)
			gh_loop_stop(daemon->loop);
		if (gh_instance_off(instance) && daemon->runtime && !find(daemon, instance))
			failed(daemon, instance);
	}
	gh_instance_unref(instance);
}

void gh_instance_was_alone(void *arg, struct gh_instance *instance)
{
	note(arg, gh_instance_ref(instance), on_alone);
}

/* ---- isolated ones ---- */

static void on_died(struct gh_mail *mail, void *owner)
{
	struct note *n = (struct note *)(void *)mail;
	struct gh_daemon *daemon = n->daemon;
	struct gh_instance *instance = n->instance;
	struct gh_event event = { .kind = GH_EV_MODULE,
				  .code = GH_MODULE_DIED,
				  .module = gh_instance_name(instance) };

	free(n);
	if (owner && daemon->runtime)
		gh_event_tell(daemon->runtime, &event);
	gh_instance_unref(instance);
}

void gh_instance_died(void *arg, struct gh_instance *instance)
{
	if (gh_instance_ref_if_held(instance))
		note(arg, instance, on_died);
}
