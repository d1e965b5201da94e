/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of what is in force: one at a time, prepared on a thread of its own, taken by the control thread. */
#include "ctl/change.h"

#include "base/log.h"
#include "base/mem.h"
#include "ctl/task.h"
#include "hook/event.h"
#include "hook/instance.h"

#include <stdlib.h>
#include <string.h>

struct waiter {
	struct waiter *next;
	gh_change_done_fn *done;
	void *arg;
};

/* PREPARING: on the other thread -> taken or refused; what is refused when it was ready is destroyed on the other thread too. */
struct gh_change {
	struct gh_node in_daemon;
	struct gh_daemon *daemon;
	struct gh_task task;
	bool whole;
	enum gh_runtime_change change;
	char *name;
	struct waiter *waiters;
	struct gh_runtime *runtime; /* what has been made */
	struct gh_error error;
	int rc;
};

static void next_change(struct gh_daemon *daemon);

/* ---- the other thread ---- */

static int prepare_whole(struct gh_change *change)
{
	struct gh_daemon *daemon = change->daemon;
	struct gh_settings *settings;
	int rc = gh_daemon_read(daemon, &settings, &change->error);

	if (rc < 0)
		return rc;
	rc = gh_runtime_build(&daemon->broker.hooks, settings, daemon->runtime, &change->runtime,
			      &change->error);
	if (rc < 0)
		gh_settings_free(&settings);
	return rc;
}

static void prepare(struct gh_task *task)
{
	struct gh_change *change = gh_container(task, struct gh_change, task);

	change->rc = change->whole
			     ? prepare_whole(change)
			     : gh_runtime_change(change->daemon->runtime, change->name,
						 change->change, &change->runtime, &change->error);
}

static void discard(struct gh_task *task)
{
	gh_runtime_discard(&gh_container(task, struct gh_change, task)->runtime);
}

/* ---- told ---- */

static const char *const verbs[] = { "", "disabled", "enabled", "reloaded", "replaced" };

static void tell_whole(struct gh_daemon *daemon, const struct gh_change *change)
{
	struct gh_event event = { .kind = GH_EV_RELOAD };

	if (change->rc < 0) {
		gh_log_error("reload refused, the old configuration stays: %s", change->error.text);
		event.text = change->error.text;
		event.code = 1;
	} else {
		gh_log_notice("configuration reloaded");
	}
	if (gh_event_wanted(daemon->runtime, GH_EV_RELOAD))
		gh_event_tell(daemon->runtime, &event);
}

static void tell(struct gh_daemon *daemon, const struct gh_change *change)
{
	if (change->whole)
		tell_whole(daemon, change);
	else if (change->change == GH_CHANGE_NONE)
		return;
	else if (change->rc < 0)
		gh_log_error("plugin '%s' can't be %s, all stays as it was: %s", change->name,
			     verbs[change->change], change->error.text);
	else
		gh_log_notice("plugin '%s' %s", change->name, verbs[change->change]);
}

/* ---- the control thread ---- */

static void finish(struct gh_change *change)
{
	struct gh_daemon *daemon = change->daemon;
	struct waiter *waiter;

	tell(daemon, change);
	daemon->change = NULL;
	while ((waiter = change->waiters)) {
		change->waiters = waiter->next;
		waiter->done(waiter->arg, change->rc, &change->error);
		free(waiter);
	}
	free(change->name);
	free(change);
	next_change(daemon);
}

static void discarded(struct gh_task *task)
{
	finish(gh_container(task, struct gh_change, task));
}

static void refuse(struct gh_change *change)
{
	gh_task_start(&change->task, change->daemon->inbox, discard, discarded);
}

static void prepared(struct gh_task *task)
{
	struct gh_change *change = gh_container(task, struct gh_change, task);
	struct gh_daemon *daemon = change->daemon;

	if (change->rc == 0 && daemon->stopping)
		change->rc = gh_error_set(&change->error, GH_EBUSY, "the broker stops");
	else if (change->rc == 0)
		change->rc = gh_daemon_take(daemon, change->runtime, change->whole, &change->error);
	else
		change->runtime = NULL;
	if (change->rc < 0 && change->runtime)
		refuse(change);
	else
		finish(change);
}

/* Nobody is told before the loop turns. */
static void refuse_now(struct gh_task *task)
{
	struct gh_change *change = gh_container(task, struct gh_change, task);

	change->rc = gh_error_set(&change->error, GH_EBUSY, "the broker stops");
}

static void next_change(struct gh_daemon *daemon)
{
	struct gh_change *change;

	if (daemon->change || gh_list_empty(&daemon->changes))
		return;
	change = gh_container(daemon->changes.next, struct gh_change, in_daemon);
	gh_list_remove(&change->in_daemon);
	daemon->change = change;
	gh_task_start(&change->task, daemon->inbox, daemon->stopping ? refuse_now : prepare,
		      prepared);
}

static void add_waiter(struct gh_change *change, gh_change_done_fn *done, void *arg)
{
	struct waiter **at = &change->waiters;
	struct waiter *waiter;

	if (!done)
		return;
	waiter = gh_zalloc(sizeof(*waiter));
	waiter->done = done;
	waiter->arg = arg;
	while (*at)
		at = &(*at)->next;
	*at = waiter;
}

static struct gh_change *change_new(struct gh_daemon *daemon)
{
	struct gh_change *change = gh_zalloc(sizeof(*change));

	change->daemon = daemon;
	gh_list_append(&daemon->changes, &change->in_daemon);
	return change;
}

static struct gh_change *waiting_reload(struct gh_daemon *daemon)
{
	gh_list_each(&daemon->changes, it, next)
	{
		struct gh_change *change = gh_container(it, struct gh_change, in_daemon);

		if (change->whole)
			return change;
	}
	return NULL;
}

void gh_change_reload(struct gh_daemon *daemon, gh_change_done_fn *done, void *arg)
{
	struct gh_change *change = waiting_reload(daemon);

	if (!change)
		change = change_new(daemon);
	change->whole = true;
	add_waiter(change, done, arg);
	next_change(daemon);
}

void gh_change_plugin(struct gh_daemon *daemon, const char *name, enum gh_runtime_change verb,
		      gh_change_done_fn *done, void *arg)
{
	struct gh_change *change = change_new(daemon);

	change->name = gh_strdup(name);
	change->change = verb;
	add_waiter(change, done, arg);
	next_change(daemon);
}

void gh_change_again(struct gh_daemon *daemon)
{
	change_new(daemon);
	next_change(daemon);
}

static void forget(struct gh_change *change, const void *arg)
{
	struct waiter **at = &change->waiters, *gone;

	while ((gone = *at)) {
		if (gone->arg != arg) {
			at = &gone->next;
			continue;
		}
		*at = gone->next;
		free(gone);
	}
}

void gh_change_forget(struct gh_daemon *daemon, const void *arg)
{
	if (daemon->change)
		forget(daemon->change, arg);
	gh_list_each(&daemon->changes, it, next)
		forget(gh_container(it, struct gh_change, in_daemon), arg);
}

bool gh_change_runs(const struct gh_daemon *daemon)
{
	return daemon->change != NULL;
}
