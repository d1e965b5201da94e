/* SPDX-License-Identifier: Apache-2.0 */
/* Asking hooks, and the answers that come later. */
#include "priv.h"

#include <stdlib.h>

/* ---- what the module calls ---- */

struct gh_ticket gh_host_pend(struct gh_answer *answer)
{
	struct gh_instance *instance = answer->instance;

	if (!answer->may_wait) {
		gh_misuse(instance, "gh_pend() in %s: it may not answer later there%s",
			  gh_point_word((enum gh_point)answer->about.point),
			  gh_instance_blocks(instance) ? ", GH_BLOCKING" : "");
		return (struct gh_ticket){ 0 };
	}
	if (!answer->ticket.id)
		answer->ticket = gh_tickets_open(&instance->host->tickets, instance, &answer->about);
	return answer->ticket;
}

uint32_t gh_host_time_left(struct gh_answer *answer)
{
	uint64_t now = gh_clock_now(&answer->instance->host->clock);
	uint64_t left = answer->about.due_ns > now ? answer->about.due_ns - now : 0;

	left /= GH_NS_PER_MS;
	return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

struct gh_answer *gh_host_answer_begin(struct gh_host *theirs, struct gh_ticket ticket)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	struct gh_question about;
	struct gh_answer *answer;

	if (!gh_tickets_claim(&instance->host->tickets, instance, ticket, &about))
		return NULL;
	answer = gh_answer_new(instance, &gh_testhost_api, &about);
	answer->ticket = ticket;
	answer->late = true;
	answer->thread = pthread_self();
	return answer;
}

void gh_host_answer_end(struct gh_answer *answer, enum gh_verdict verdict)
{
	if (!answer->late) {
		gh_misuse(answer->instance, "gh_answer_end() of an answer that was not begun");
		return;
	}
	if (!pthread_equal(answer->thread, pthread_self()))
		gh_misuse(answer->instance,
			  "gh_answer_end() on another thread than gh_answer_begin()");
	gh_answer_judge(answer, verdict);
	if (!gh_tickets_answer(&answer->instance->host->tickets, answer->ticket, answer))
		gh_answer_free(&answer);
}

bool gh_host_ticket_open(struct gh_host *theirs, struct gh_ticket ticket)
{
	return gh_tickets_state(&gh_instance_of(theirs)->host->tickets, ticket) == GH_TICKET_OPEN;
}

/* ---- asking ---- */

struct call {
	struct gh_instance *instance;
	enum gh_point point;
	const void *in;
	struct gh_answer *answer;
	enum gh_verdict verdict;
};

static void call(void *arg)
{
	struct call *c = arg;
	const struct gh_plugin *plugin = &c->instance->host->plugin;
	void *self = c->instance->self;

	switch (c->point) {
	case GH_AT_ACCEPT: c->verdict = plugin->accept(self, c->in, c->answer); break;
	case GH_AT_HANDSHAKE: c->verdict = plugin->handshake(self, c->in, c->answer); break;
	case GH_AT_PSK: c->verdict = plugin->psk(self, c->in, c->answer); break;
	case GH_AT_AUTHENTICATE: c->verdict = plugin->authenticate(self, c->in, c->answer); break;
	case GH_AT_EXCHANGE: c->verdict = plugin->exchange(self, c->in, c->answer); break;
	case GH_AT_LOOKUP: c->verdict = plugin->lookup(self, c->in, c->answer); break;
	case GH_AT_AUTHORIZE: c->verdict = plugin->authorize(self, c->in, c->answer); break;
	case GH_AT_PUBLISH: c->verdict = plugin->publish(self, c->in, c->answer); break;
	}
}

bool gh_testhost_has(const struct gh_testhost *host, enum gh_point point)
{
	const struct gh_plugin *plugin = &host->plugin;

	switch (point) {
	case GH_AT_ACCEPT: return plugin->accept;
	case GH_AT_HANDSHAKE: return plugin->handshake;
	case GH_AT_PSK: return plugin->psk;
	case GH_AT_AUTHENTICATE: return plugin->authenticate;
	case GH_AT_EXCHANGE: return plugin->exchange;
	case GH_AT_LOOKUP: return plugin->lookup;
	case GH_AT_AUTHORIZE: return plugin->authorize;
	default: return plugin->publish;
	}
}

static struct gh_question about_of(struct gh_testhost *host, enum gh_point point, const void *in)
{
	struct gh_question about = { .point = point,
				     .due_ns = gh_clock_now(&host->clock) +
					       host->timeout_ms * GH_NS_PER_MS };

	if (point == GH_AT_AUTHENTICATE) {
		about.flags = ((const struct gh_authenticate *)in)->flags;
		about.named = ((const struct gh_authenticate *)in)->so_far;
	} else if (point == GH_AT_EXCHANGE) {
		about.flags = ((const struct gh_exchange *)in)->flags;
	} else if (point == GH_AT_LOOKUP) {
		about.flags = ((const struct gh_lookup *)in)->flags;
	} else if (point == GH_AT_AUTHORIZE) {
		about.flags = ((const struct gh_authorize *)in)->flags;
		about.action = ((const struct gh_authorize *)in)->action;
	} else if (point == GH_AT_PUBLISH) {
		about.flags = ((const struct gh_publish *)in)->flags;
	}
	return about;
}

static bool may_wait(const struct gh_instance *instance, const struct gh_question *about)
{
	return !gh_instance_blocks(instance) && about->point != GH_AT_ACCEPT &&
	       about->point != GH_AT_PSK && about->action != GH_RECEIVE;
}

/* A ticket that it waits for gets a deadline; one that isn't wanted is void. */
static void settle_ticket(struct gh_answer *answer)
{
	struct gh_testhost *host = answer->instance->host;
	struct gh_due due = { host, gh_ticket_expires,
			      (void *)(uintptr_t)(uint32_t)answer->ticket.id };
	struct gh_answer *early;

	answer->may_wait = false;
	if (!answer->ticket.id)
		return;
	if (answer->verdict == GH_PENDING) {
		gh_clock_start(&host->clock, &due, host->timeout_ms * GH_NS_PER_MS, 0, false);
		return;
	}
	early = gh_tickets_close(&host->tickets, answer->ticket, GH_TICKET_DROPPED);
	gh_answer_free(&early);
	answer->ticket.id = 0;
}

static struct gh_answer *ask(struct gh_instance *instance, enum gh_point point, const void *in)
{
	struct gh_question about = about_of(instance->host, point, in);
	struct call c = { instance, point, in, NULL, GH_ERROR };
	char *why;

	if (gh_instance_blocks(instance) && about.action == GH_RECEIVE)
		return NULL;
	c.answer = gh_answer_new(instance, &gh_testhost_api, &about);
	if (instance->failed) {
		why = gh_format("it failed: %s", instance->failed_why);
		gh_answer_refuse(c.answer, GH_CAUSE_BACKEND, why);
		free(why);
		return c.answer;
	}
	c.answer->may_wait = may_wait(instance, &about);
	if (point == GH_AT_ACCEPT || point == GH_AT_PSK)
		gh_instance_run_here(instance, GH_IN_HOOK, call, &c);
	else
		gh_instance_run(instance, GH_IN_HOOK, call, &c);
	gh_answer_judge(c.answer, c.verdict);
	settle_ticket(c.answer);
	return c.answer;
}

struct gh_answer *gh_testhost_ask(struct gh_testhost *host, enum gh_point point, const void *in)
{
	if (!host->instance || !gh_testhost_has(host, point))
		return NULL;
	return ask(host->instance, point, in);
}

bool gh_testhost_event(struct gh_testhost *host, const struct gh_event *event)
{
	struct gh_instance *instance = host->instance;
	struct gh_here *here, before;

	if (!instance || !host->plugin.event || !(instance->events & event->kind) || instance->failed)
		return false;
	here = gh_here();
	before = *here;
	*here = (struct gh_here){ instance, GH_IN_HOOK, instance->local, true };
	host->plugin.event(instance->self, event);
	*here = before;
	return true;
}

/* ---- exchanges ---- */

struct gh_answer *gh_testhost_exchange(struct gh_testhost *host, struct gh_run *run,
				       struct gh_exchange *in)
{
	if (!host->plugin.exchange || (!run->instance && !host->instance))
		return NULL;
	if (!run->instance) {
		run->instance = host->instance;
		run->instance->exchanges++;
	}
	in->step = run->step++;
	in->state = &run->state;
	return ask(run->instance, GH_AT_EXCHANGE, in);
}

static void end_exchange(void *arg)
{
	const struct gh_run *run = arg;

	run->instance->host->plugin.exchange_end(run->instance->self, run->state);
}

void gh_testhost_exchange_end(struct gh_testhost *host, struct gh_run *run)
{
	(void)host;
	if (!run->instance)
		return;
	if (run->state)
		gh_instance_run(run->instance, GH_IN_END, end_exchange, run);
	run->instance->exchanges--;
	*run = (struct gh_run){ 0 };
}

/* ---- later ---- */

void gh_ticket_expires(void *arg, void *number)
{
	struct gh_testhost *host = arg;
	struct gh_ticket ticket = gh_ticket_numbered((uint32_t)(uintptr_t)number);

	if (gh_testhost_waits(host, ticket))
		gh_tickets_close(&host->tickets, ticket, GH_TICKET_TIMED_OUT);
}

struct gh_answer *gh_testhost_take(struct gh_testhost *host, struct gh_ticket ticket)
{
	static const struct gh_question nothing;
	struct gh_answer *answer;

	switch (gh_tickets_state(&host->tickets, ticket)) {
	case GH_TICKET_ANSWERED: return gh_tickets_take(&host->tickets, ticket);
	case GH_TICKET_TIMED_OUT:
		answer = gh_answer_new(host->instance, &gh_testhost_api, &nothing);
		gh_answer_refuse(answer, GH_CAUSE_TIMEOUT, "it has not answered in time");
		return answer;
	default: return NULL;
	}
}

bool gh_testhost_waits(struct gh_testhost *host, struct gh_ticket ticket)
{
	return gh_tickets_state(&host->tickets, ticket) < GH_TICKET_ANSWERED;
}

void gh_testhost_drop(struct gh_testhost *host, struct gh_ticket ticket)
{
	struct gh_answer *answer = gh_tickets_close(&host->tickets, ticket, GH_TICKET_DROPPED);

	gh_answer_free(&answer);
}

struct gh_ticket_counts gh_testhost_tickets(struct gh_testhost *host)
{
	return gh_tickets_counts(&host->tickets);
}
