/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker asks of a store. */
#include "priv.h"

#include <stdlib.h>

struct call {
	struct gh_instance *instance;
	int (*change)(void *instance, const struct gh_record *record); /* NULL: fetch, or load */
	const struct gh_record *record;
	struct gh_sink *sink;
	uint32_t limit;
	int rc;
};

static void call(void *arg)
{
	struct call *c = arg;
	const struct gh_store *store = &c->instance->host->store;
	void *self = c->instance->self;

	if (c->change)
		c->rc = c->change(self, c->record);
	else if (c->record)
		c->rc = store->fetch(self, c->record, c->limit, c->sink);
	else
		c->rc = store->load(self, c->sink);
}

/* Whatever the module's flags: on a worker, load on the control thread. */
static int run(struct call *c)
{
	gh_instance_run_here(c->instance, GH_IN_HOOK, call, c);
	return c->rc;
}

static int change(struct call *c)
{
	int rc = run(c);

	return rc > 0 ? GH_EIO : rc;
}

int gh_store_load(struct gh_instance *instance, struct gh_error *error)
{
	struct gh_testhost *host = instance->host;
	struct call c = { .instance = instance };
	int rc;

	if (!host->plugin.store)
		return 0;
	c.sink = gh_sink_new(instance, &(struct gh_asked){ 0 });
	gh_sink_judge(c.sink, run(&c));
	rc = c.sink->rc;
	if (rc) {
		gh_sink_free(&c.sink);
		return gh_error_set(error, rc, "load failed (%s)", gh_code_word(rc));
	}
	gh_sink_free(&host->loaded);
	host->loaded = c.sink;
	return 0;
}

const struct gh_sink *gh_testhost_loaded(const struct gh_testhost *host)
{
	return host->loaded;
}

static int check(const struct gh_testhost *host, struct gh_error *error)
{
	if (host->instance && host->plugin.store)
		return 0;
	return gh_error_set(error, GH_ENOENT, "%s",
			    host->instance ? "the module has no store"
					   : "there is no instance: create comes first");
}

int gh_testhost_put(struct gh_testhost *host, const struct gh_record *record, struct gh_error *error)
{
	struct call c = { .instance = host->instance, .record = record };

	if (check(host, error) != 0)
		return GH_ENOENT;
	c.change = host->store.put;
	return change(&c);
}

int gh_testhost_erase(struct gh_testhost *host, const struct gh_record *record, struct gh_error *error)
{
	struct call c = { .instance = host->instance, .record = record };

	if (check(host, error) != 0)
		return GH_ENOENT;
	c.change = host->store.erase;
	return change(&c);
}

/* Only what comes by the ticket counts then. */
static void wait_for(struct gh_sink *sink)
{
	struct gh_testhost *host = sink->instance->host;

	sink->pending = true;
	if (sink->count)
		gh_misuse(sink->instance, "fetch: it has told records and wants to answer later");
	gh_clock_start(&host->clock,
		       &(struct gh_due){ host, gh_ticket_expires,
					 (void *)(uintptr_t)(uint32_t)sink->ticket.id },
		       host->timeout_ms * GH_NS_PER_MS, 0, false);
}

struct gh_sink *gh_testhost_fetch(struct gh_testhost *host, const struct gh_record *after,
				  uint32_t limit, struct gh_error *error)
{
	struct gh_asked asked = { after->kind, after->owner, after->key, limit };
	struct call c = { .instance = host->instance, .record = after, .limit = limit };

	if (check(host, error) != 0)
		return NULL;
	c.sink = gh_sink_new(host->instance, &asked);
	c.sink->may_wait = true;
	run(&c);
	c.sink->may_wait = false;
	if (c.rc == GH_LATER && c.sink->ticket.id && !c.sink->rc) {
		wait_for(c.sink);
		return c.sink;
	}
	if (c.rc == GH_LATER && !c.sink->ticket.id)
		c.sink->why = "it wants to answer later, but has no ticket";
	gh_testhost_drop_fetch(host, c.sink->ticket);
	gh_sink_judge(c.sink, c.rc);
	return c.sink;
}

struct gh_sink *gh_testhost_take_fetch(struct gh_testhost *host, struct gh_ticket ticket)
{
	struct gh_sink *sink;

	switch (gh_tickets_state(&host->tickets, ticket)) {
	case GH_TICKET_ANSWERED: sink = gh_tickets_take(&host->tickets, ticket); break;
	case GH_TICKET_TIMED_OUT:
		sink = gh_sink_new(NULL, &(struct gh_asked){ 0 });
		sink->rc = GH_EIO;
		sink->why = "it has not answered in time";
		break;
	default: return NULL;
	}
	gh_fetch_forget(host, ticket);
	return sink;
}

void gh_testhost_drop_fetch(struct gh_testhost *host, struct gh_ticket ticket)
{
	struct gh_sink *sink;

	if (!ticket.id)
		return;
	sink = gh_tickets_close(&host->tickets, ticket, GH_TICKET_DROPPED);
	gh_sink_free(&sink);
	gh_fetch_forget(host, ticket);
}
