/* SPDX-License-Identifier: Apache-2.0 */
/* Barriers: raised by the script, ended by the module on whichever thread. */
#include "priv.h"

#include <stdlib.h>

struct gh_raised {
	struct gh_raised *next;
	uint64_t id;
	struct gh_instance *instance;
};

struct call {
	struct gh_instance *instance;
	struct gh_barrier barrier;
	int rc;
};

static void call(void *arg)
{
	struct call *c = arg;

	c->rc = c->instance->host->plugin.barrier(c->instance->self, c->barrier);
}

/* Locked. NULL: it isn't open, or another instance's. */
static struct gh_raised *take(struct gh_testhost *host, const struct gh_instance *instance,
			      uint64_t id)
{
	struct gh_raised **at = &host->raised, *found;

	while ((found = *at) && (found->id != id || found->instance != instance))
		at = &found->next;
	if (found)
		*at = found->next;
	return found;
}

static void open_barrier(struct gh_testhost *host, struct call *c)
{
	struct gh_raised *raised = gh_new(sizeof(*raised));

	pthread_mutex_lock(&host->lock);
	raised->id = ++host->barriers.raised;
	raised->instance = c->instance;
	raised->next = host->raised;
	host->raised = raised;
	host->barriers.open++;
	pthread_mutex_unlock(&host->lock);
	c->instance->barriers++;
	c->barrier.id = raised->id;
}

static bool end(struct gh_testhost *host, struct gh_instance *instance, uint64_t id)
{
	struct gh_raised *raised;
	bool was_open;

	pthread_mutex_lock(&host->lock);
	raised = take(host, instance, id);
	was_open = raised;
	if (was_open)
		host->barriers.open--;
	else
		host->barriers.ignored++;
	pthread_mutex_unlock(&host->lock);
	free(raised);
	return was_open;
}

static void count(struct gh_testhost *host, struct gh_instance *instance, int rc)
{
	pthread_mutex_lock(&host->lock);
	if (rc == 0)
		host->barriers.passed++;
	else
		host->barriers.refused++;
	pthread_mutex_unlock(&host->lock);
	instance->barriers--;
}

void gh_host_barrier_end(struct gh_host *theirs, struct gh_barrier barrier, int rc)
{
	struct gh_instance *instance = gh_instance_of(theirs);

	if (end(instance->host, instance, barrier.id))
		count(instance->host, instance, rc);
}

/* What it ends before it returns takes effect; what it opens by its answer is open already. */
int gh_testhost_barrier(struct gh_testhost *host, struct gh_error *error)
{
	struct call c = { .instance = host->instance };

	if (!host->instance || !host->plugin.barrier)
		return gh_error_set(error, GH_ENOENT, "%s",
				    host->instance ? "the module has no barrier" : "no instance");
	if (host->instance->failed)
		return GH_EIO;
	open_barrier(host, &c);
	gh_instance_run_here(host->instance, GH_IN_HOOK, call, &c);
	if (c.rc == GH_LATER)
		return GH_LATER;
	if (end(host, c.instance, c.barrier.id))
		count(host, c.instance, c.rc);
	return c.rc > 0 ? GH_EIO : c.rc;
}

struct gh_barrier_counts gh_testhost_barriers(struct gh_testhost *host)
{
	struct gh_barrier_counts counts;

	pthread_mutex_lock(&host->lock);
	counts = host->barriers;
	pthread_mutex_unlock(&host->lock);
	return counts;
}

void gh_barriers_done(struct gh_testhost *host)
{
	struct gh_raised *gone;

	while ((gone = host->raised)) {
		host->raised = gone->next;
		free(gone);
	}
}
