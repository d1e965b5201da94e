/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that come later: named, waited for, dropped. */
#include "script.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_MS = 5000, STEP_NS = 5000000 };

void gh_waiter_add(struct gh_script *script, struct gh_actor *actor, struct gh_ticket ticket,
		   uint32_t point, enum gh_waits what)
{
	struct gh_waiter *waiter = gh_new(sizeof(*waiter));

	waiter->name = script->line->as;
	script->line->as = NULL;
	waiter->actor = actor;
	waiter->ticket = ticket;
	waiter->point = point;
	waiter->what = what;
	waiter->next = script->waiters;
	script->waiters = waiter;
}

static void waiter_drop(struct gh_script *script, struct gh_waiter *waiter)
{
	switch (waiter->what) {
	case GH_WAITS_ANSWER: gh_testhost_drop(script->host, waiter->ticket); break;
	case GH_WAITS_REPLY: gh_testhost_drop_reply(script->host, waiter->ticket); break;
	case GH_WAITS_FETCH: gh_testhost_drop_fetch(script->host, waiter->ticket); break;
	}
	waiter->over = true;
}

void gh_waiters_drop(struct gh_script *script, const struct gh_actor *actor)
{
	struct gh_waiter **at = &script->waiters, *gone;

	while ((gone = *at)) {
		if (actor && gone->actor != actor) {
			at = &gone->next;
			continue;
		}
		*at = gone->next;
		waiter_drop(script, gone);
		free(gone->name);
		free(gone);
	}
}

static struct gh_waiter *named(struct gh_script *script)
{
	const char *name = gh_script_word(script, 1, "the ticket's name");
	struct gh_waiter *waiter = script->waiters;

	while (waiter && !gh_same(waiter->name, name))
		waiter = waiter->next;
	if (!waiter)
		gh_script_wrong(script, "there is no ticket '%s'", name);
	return waiter;
}

bool gh_waiter_waits(struct gh_script *script, const struct gh_actor *actor, uint32_t point)
{
	const struct gh_waiter *waiter = script->waiters;

	while (waiter && (waiter->actor != actor || waiter->point != point || waiter->over ||
			  !gh_testhost_waits(script->host, waiter->ticket)))
		waiter = waiter->next;
	return waiter;
}

void gh_script_answered(struct gh_script *script, struct gh_actor *actor, uint32_t point,
			const struct gh_answer *answer)
{
	bool login = point >= GH_AT_AUTHENTICATE && point <= GH_AT_LOOKUP;

	if (login && answer->verdict == GH_ALLOW && !(answer->about.flags & GH_HYPOTHETICAL))
		gh_actor_become(script, actor, answer);
	if (point == GH_AT_EXCHANGE && answer->verdict != GH_CONTINUE)
		gh_testhost_exchange_end(script->host, &actor->run);
}

static void tell_no_answer(struct gh_script *script, const struct gh_waiter *waiter,
			   struct gh_facts *facts)
{
	gh_facts_word(facts, gh_testhost_waits(script->host, waiter->ticket) ? "pending" : "over");
}

static void expect_answer(struct gh_script *script, struct gh_waiter *waiter, struct gh_facts *facts)
{
	struct gh_answer *answer = gh_testhost_take(script->host, waiter->ticket);

	if (!answer) {
		tell_no_answer(script, waiter, facts);
		return;
	}
	gh_answer_facts(answer, facts);
	gh_script_answered(script, waiter->actor, waiter->point, answer);
	gh_answer_free(&answer);
	waiter->over = true;
}

static void expect_reply(struct gh_script *script, struct gh_waiter *waiter, struct gh_facts *facts)
{
	struct gh_reply *reply = gh_testhost_take_reply(script->host, waiter->ticket);

	if (!reply) {
		tell_no_answer(script, waiter, facts);
		return;
	}
	gh_reply_facts(reply, facts);
	gh_reply_free(&reply);
	waiter->over = true;
}

static void expect_fetch(struct gh_script *script, struct gh_waiter *waiter, struct gh_facts *facts)
{
	struct gh_sink *sink = gh_testhost_take_fetch(script->host, waiter->ticket);

	if (!sink) {
		tell_no_answer(script, waiter, facts);
		return;
	}
	gh_sink_facts(sink, facts);
	gh_sink_free(&sink);
	waiter->over = true;
}

/* What it has become. */
static void expect(struct gh_script *script, struct gh_waiter *waiter, struct gh_facts *facts)
{
	if (waiter->over)
		gh_facts_word(facts, "over");
	else if (waiter->what == GH_WAITS_REPLY)
		expect_reply(script, waiter, facts);
	else if (waiter->what == GH_WAITS_FETCH)
		expect_fetch(script, waiter, facts);
	else
		expect_answer(script, waiter, facts);
}

/* Nobody will ask for an answer without a name: it takes effect by itself. */
void gh_waiters_settle(struct gh_script *script)
{
	struct gh_waiter **at = &script->waiters, *gone;
	struct gh_facts facts = { 0 };

	while ((gone = *at)) {
		if (!gone->name)
			expect(script, gone, &facts);
		if (gone->name || (!gone->over && gh_testhost_waits(script->host, gone->ticket))) {
			at = &gone->next;
			continue;
		}
		*at = gone->next;
		free(gone);
	}
	gh_facts_done(&facts);
}

void gh_do_expect(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_waiter *waiter = named(script);

	if (!gh_script_right(script))
		return;
	expect(script, waiter, facts);
}

static unsigned limit_of(struct gh_script *script)
{
	const struct gh_word *word = gh_line_word(script->line, 2);
	uint64_t ms = word ? gh_script_duration(script, word->p) : WAIT_MS;

	return ms < UINT32_MAX ? (unsigned)ms : UINT32_MAX;
}

void gh_do_wait(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_waiter *waiter = named(script);
	unsigned limit = limit_of(script);

	if (!gh_script_right(script))
		return;
	gh_facts_word(facts,
		      gh_testhost_wait(script->host, waiter->ticket, limit) ? "ok" : "pending");
}

void gh_do_wait_log(struct gh_script *script, struct gh_facts *facts)
{
	const char *text = gh_script_word(script, 1, "the text");
	unsigned left = limit_of(script);
	struct timespec step = { .tv_nsec = STEP_NS };

	if (!gh_script_right(script))
		return;
	while (!gh_testhost_logged(script->host, 0, text) && left) {
		gh_testhost_settle(script->host);
		nanosleep(&step, NULL);
		left -= left < STEP_NS / 1000000 ? left : STEP_NS / 1000000;
	}
	gh_facts_word(facts, gh_testhost_logged(script->host, 0, text) ? "ok" : "no");
}

void gh_do_barriers(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_barrier_counts counts;

	if (!gh_script_right(script))
		return;
	counts = gh_testhost_barriers(script->host);
	gh_facts_print(facts, "open", "%u", counts.open);
	gh_facts_print(facts, "passed", "%llu", (unsigned long long)counts.passed);
	gh_facts_print(facts, "refused", "%llu", (unsigned long long)counts.refused);
	gh_facts_print(facts, "ignored", "%llu", (unsigned long long)counts.ignored);
}

void gh_do_wait_barriers(struct gh_script *script, struct gh_facts *facts)
{
	const struct gh_word *word = gh_line_word(script->line, 1);
	uint64_t left = word ? gh_script_duration(script, word->p) : WAIT_MS;
	struct timespec step = { .tv_nsec = STEP_NS };

	if (!gh_script_right(script))
		return;
	while (gh_testhost_barriers(script->host).open && left) {
		gh_testhost_settle(script->host);
		nanosleep(&step, NULL);
		left -= left < STEP_NS / 1000000 ? left : STEP_NS / 1000000;
	}
	gh_facts_word(facts, gh_testhost_barriers(script->host).open ? "pending" : "ok");
}

void gh_do_drop(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_waiter *waiter = named(script);

	(void)facts;
	if (!gh_script_right(script))
		return;
	waiter_drop(script, waiter);
	if (waiter->point == GH_AT_EXCHANGE)
		gh_testhost_exchange_end(script->host, &waiter->actor->run);
}

void gh_do_tickets(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_ticket_counts counts;

	if (!gh_script_right(script))
		return;
	counts = gh_testhost_tickets(script->host);
	gh_facts_print(facts, "open", "%llu", (unsigned long long)counts.open);
	gh_facts_print(facts, "answered", "%llu", (unsigned long long)counts.answered);
	gh_facts_print(facts, "timed-out", "%llu", (unsigned long long)counts.timed_out);
	gh_facts_print(facts, "late", "%llu", (unsigned long long)counts.late);
	gh_facts_print(facts, "doubled", "%llu", (unsigned long long)counts.doubled);
	gh_facts_print(facts, "orphaned", "%llu", (unsigned long long)counts.orphaned);
	gh_facts_print(facts, "invented", "%llu", (unsigned long long)counts.invented);
}
