/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that come later: from any thread, twice, too late, after the end, or never. */
#include "hook/fixture.h"

struct script {
	struct gh_instance *instance;
	bool pend, answer_inside;
	enum gh_verdict verdict; /* without pend */
	struct gh_ticket ticket;
	unsigned asked;
	char seen[64]; /* user name and password as the last call got them */
	const char *so_far;
};

static struct gh_host *host_of(const struct script *script)
{
	return (struct gh_host *)(void *)script->instance;
}

static bool give(const struct script *script, struct gh_ticket ticket, enum gh_verdict verdict)
{
	struct gh_answer *out = gh_answer_begin(host_of(script), ticket);

	if (!out)
		return false;
	gh_answer_principal(out, "joe");
	gh_answer_end(out, verdict);
	return true;
}

static enum gh_verdict answer(struct script *script, struct gh_answer *out)
{
	script->asked++;
	if (!script->pend) {
		gh_answer_principal(out, "joe");
		return script->verdict;
	}
	script->ticket = gh_pend(out);
	ck_assert_uint_gt(gh_time_left(out), 0);
	if (script->answer_inside)
		ck_assert(give(script, script->ticket, GH_ALLOW));
	return script->verdict ? script->verdict : GH_PENDING;
}

static enum gh_verdict authenticate(void *self, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	struct script *script = self;

	snprintf(script->seen, sizeof(script->seen), "%s:%.*s", in->username, (int)in->password.n,
		 (const char *)in->password.p);
	script->so_far = in->so_far ? in->so_far->principal : NULL;
	return answer(script, out);
}

static enum gh_verdict authorize(void *self, const struct gh_authorize *in, struct gh_answer *out)
{
	(void)in;
	return answer(self, out);
}

static struct gh_plugin plugin = {
	.flags = GH_CONCURRENT, .name = "script", .authenticate = authenticate, .authorize = authorize
};

struct scripts {
	struct fixture fixture;
	struct script at[2];
	struct gh_chain *authenticate, *authorize;
};

static void scripts_init(struct scripts *scripts)
{
	fixture_init(&scripts->fixture);
	for (unsigned i = 0; i < 2; i++) {
		scripts->at[i] = (struct script){ .pend = true };
		scripts->at[i].instance =
			fixture_add(&scripts->fixture, i ? "b" : "a", &plugin, &scripts->at[i]);
	}
	scripts->authenticate = fixture_chain(&scripts->fixture, GH_LIST_AUTHENTICATE, false, "!a b");
	scripts->authorize = fixture_chain(&scripts->fixture, GH_LIST_AUTHORIZE, false, "a b");
}

static void scripts_done(struct scripts *scripts)
{
	gh_chain_free(&scripts->authenticate);
	gh_chain_free(&scripts->authorize);
	fixture_done(&scripts->fixture);
}

static struct gh_ask *begin_authorize(struct scripts *scripts)
{
	struct gh_asking asking = fixture_asking(&scripts->fixture, scripts->authorize);
	char topic[] = "a/b";
	struct gh_authorize in = { .client = gh_snapshot_client(scripts->fixture.client),
				   .action = GH_PUBLISH,
				   .topic = { topic, 3 } };
	struct gh_decision decision;
	struct gh_ask *ask = gh_ask_authorize(&asking, &in, NULL, &decision);

	if (!ask)
		fixture_decided(&scripts->fixture, &decision);
	memset(topic, 'x', sizeof(topic)); /* the caller's buffer is gone */
	return ask;
}

static struct gh_ticket_stats stats(struct scripts *scripts)
{
	struct gh_ticket_stats all;

	gh_askers_stats(scripts->fixture.hooks.askers, &all);
	return all;
}

/* The second module, asked later, gets copies of what the first one got. */
START_TEST(arguments_are_copied)
{
	struct scripts scripts;
	struct gh_asking asking;
	struct gh_decision decision;
	char user[] = "joe", password[] = "secret";
	struct gh_authenticate in = { .username = user, .password = { password, 6 } };
	struct gh_ask *ask;

	scripts_init(&scripts);
	asking = fixture_asking(&scripts.fixture, scripts.authenticate);
	in.client = gh_snapshot_client(scripts.fixture.client);
	ask = gh_ask_authenticate(&asking, &in, &decision);
	ck_assert_ptr_nonnull(ask);
	memset(user, 'x', sizeof(user) - 1);
	memset(password, 'x', sizeof(password) - 1);
	gh_snapshot_unref(&scripts.fixture.client);
	ck_assert(give(&scripts.at[0], scripts.at[0].ticket, GH_ALLOW));
	ck_assert_uint_eq(scripts.at[1].asked, 0); /* never from inside the call */
	gh_loop_poll(scripts.fixture.loop);
	ck_assert_str_eq(scripts.at[1].seen, "joe:secret");
	ck_assert_str_eq(scripts.at[1].so_far, "joe");
	ck_assert_uint_eq(scripts.fixture.done, 0);
	ck_assert(give(&scripts.at[1], scripts.at[1].ticket, GH_ALLOW));
	fixture_wait(&scripts.fixture, 1);
	ck_assert_int_eq(scripts.fixture.decision.verdict, GH_ALLOW);
	ck_assert_str_eq(gh_identity_part(scripts.fixture.decision.identity, 1), "b");
	scripts_done(&scripts);
}
END_TEST

START_TEST(answered_inside_the_hook)
{
	struct scripts scripts;

	scripts_init(&scripts);
	scripts.at[0].answer_inside = true;
	ck_assert_ptr_nonnull(begin_authorize(&scripts));
	ck_assert_uint_eq(scripts.fixture.done, 0);
	fixture_wait(&scripts.fixture, 1);
	ck_assert_int_eq(scripts.fixture.decision.verdict, GH_ALLOW);
	/* with another verdict than PENDING the ticket is void, and what was answered for it too */
	scripts.at[0].verdict = GH_DENY;
	ck_assert_ptr_null(begin_authorize(&scripts));
	ck_assert_int_eq(scripts.fixture.decision.verdict, GH_DENY);
	gh_loop_poll(scripts.fixture.loop);
	ck_assert_uint_eq(scripts.fixture.done, 2);
	ck_assert_uint_eq(stats(&scripts).orphaned, 1);
	scripts_done(&scripts);
}
END_TEST

START_TEST(twice)
{
	struct scripts scripts;
	struct gh_answer *first;

	scripts_init(&scripts);
	begin_authorize(&scripts);
	first = gh_answer_begin(host_of(&scripts.at[0]), scripts.at[0].ticket);
	ck_assert_ptr_nonnull(first);
	ck_assert(!give(&scripts.at[0], scripts.at[0].ticket, GH_ALLOW)); /* begun already */
	gh_answer_end(first, GH_DENY);
	ck_assert(!give(&scripts.at[0], scripts.at[0].ticket, GH_ALLOW)); /* on its way */
	fixture_wait(&scripts.fixture, 1);
	ck_assert(!give(&scripts.at[0], scripts.at[0].ticket, GH_ALLOW)); /* through */
	gh_loop_poll(scripts.fixture.loop);
	ck_assert_uint_eq(scripts.fixture.done, 1);
	ck_assert_int_eq(scripts.fixture.decision.verdict, GH_DENY);
	ck_assert_uint_eq(stats(&scripts).doubled, 3);
	scripts_done(&scripts);
}
END_TEST

START_TEST(never)
{
	struct scripts scripts;
	struct gh_instance_stats figures;

	scripts_init(&scripts);
	scripts.fixture.settings.limits.hook_timeout = 50;
	gh_loop_poll(scripts.fixture.loop);
	begin_authorize(&scripts);
	fixture_wait(&scripts.fixture, 1);
	ck_assert_int_eq(scripts.fixture.decision.verdict, GH_DENY);
	ck_assert(scripts.fixture.decision.failed);
	ck_assert_uint_eq(scripts.fixture.decision.cause, GH_CAUSE_TIMEOUT);
	ck_assert_str_eq(scripts.fixture.decision.module, "a");
	/* and too late */
	ck_assert(!gh_ticket_open(host_of(&scripts.at[0]), scripts.at[0].ticket));
	ck_assert(!give(&scripts.at[0], scripts.at[0].ticket, GH_ALLOW));
	ck_assert_uint_eq(stats(&scripts).timed_out, 1);
	ck_assert_uint_eq(stats(&scripts).orphaned, 1);
	gh_instance_stats(scripts.at[0].instance, &figures);
	ck_assert_uint_eq(figures.timeouts, 1);
	ck_assert_uint_eq(figures.pending, 0);
	scripts_done(&scripts);
}
END_TEST

/* on-error: next: the next one is asked, within what is left of the whole. */
START_TEST(never_then_next)
{
	struct scripts scripts;

	scripts_init(&scripts);
	scripts.fixture.settings.limits.hook_timeout = 1500; /* a slow machine has as much again */
	scripts.at[0].instance->on_error_next = true;
	scripts.at[1].pend = false;
	scripts.at[1].verdict = GH_ALLOW;
	gh_loop_poll(scripts.fixture.loop);
	begin_authorize(&scripts);
	fixture_wait(&scripts.fixture, 1);
	ck_assert_int_eq(scripts.fixture.decision.verdict, GH_ALLOW);
	ck_assert_str_eq(scripts.fixture.decision.module, "b");
	scripts_done(&scripts);
}
END_TEST

/* No more than two waits: who would be the third isn't asked. */
START_TEST(never_and_never)
{
	struct script third = { .verdict = GH_ALLOW };
	struct scripts scripts;

	scripts_init(&scripts);
	fixture_add(&scripts.fixture, "c", &plugin, &third);
	gh_chain_free(&scripts.authorize);
	scripts.authorize = fixture_chain(&scripts.fixture, GH_LIST_AUTHORIZE, false, "a b c");
	scripts.fixture.settings.limits.hook_timeout = 1000;
	scripts.at[0].instance->on_error_next = scripts.at[1].instance->on_error_next = true;
	gh_loop_poll(scripts.fixture.loop);
	begin_authorize(&scripts);
	fixture_wait(&scripts.fixture, 1);
	ck_assert_uint_eq(scripts.at[1].asked, 1);
	ck_assert_uint_eq(third.asked, 0);
	ck_assert_int_eq(scripts.fixture.decision.verdict, GH_DENY);
	ck_assert(scripts.fixture.decision.failed);
	ck_assert_str_eq(scripts.fixture.decision.module, "c");
	scripts_done(&scripts);
}
END_TEST

/* The deadline is over, but the loop hasn't come to it yet. */
START_TEST(too_late_by_the_clock)
{
	struct scripts scripts;
	uint64_t end;

	scripts_init(&scripts);
	scripts.fixture.settings.limits.hook_timeout = 20;
	gh_loop_poll(scripts.fixture.loop);
	begin_authorize(&scripts);
	for (end = gh_clock_ms() + 40; gh_clock_ms() < end;)
		sched_yield();
	ck_assert(!gh_ticket_open(host_of(&scripts.at[0]), scripts.at[0].ticket));
	ck_assert(!give(&scripts.at[0], scripts.at[0].ticket, GH_ALLOW));
	ck_assert_uint_eq(stats(&scripts).orphaned, 1);
	fixture_wait(&scripts.fixture, 1);
	ck_assert_uint_eq(scripts.fixture.decision.cause, GH_CAUSE_TIMEOUT);
	scripts_done(&scripts);
}
END_TEST

START_TEST(begun_in_time_ended_too_late)
{
	struct scripts scripts;
	struct gh_answer *out;

	scripts_init(&scripts);
	scripts.fixture.settings.limits.hook_timeout = 50;
	gh_loop_poll(scripts.fixture.loop);
	begin_authorize(&scripts);
	out = gh_answer_begin(host_of(&scripts.at[0]), scripts.at[0].ticket);
	ck_assert_ptr_nonnull(out);
	fixture_wait(&scripts.fixture, 1);
	gh_answer_why(out, "too late");
	gh_answer_end(out, GH_ALLOW);
	gh_loop_poll(scripts.fixture.loop);
	ck_assert_uint_eq(scripts.fixture.done, 1);
	ck_assert_int_eq(scripts.fixture.decision.verdict, GH_DENY);
	scripts_done(&scripts);
}
END_TEST

START_TEST(cancelled)
{
	struct scripts scripts;
	struct gh_ask *ask;

	scripts_init(&scripts);
	ask = begin_authorize(&scripts);
	gh_ask_cancel(&ask);
	ck_assert_ptr_null(ask);
	ck_assert(!give(&scripts.at[0], scripts.at[0].ticket, GH_ALLOW));
	/* cancelled while the answer is in the box */
	ask = begin_authorize(&scripts);
	ck_assert(give(&scripts.at[0], scripts.at[0].ticket, GH_ALLOW));
	gh_ask_cancel(&ask);
	gh_loop_poll(scripts.fixture.loop);
	ck_assert_uint_eq(scripts.fixture.done, 0);
	ck_assert_uint_eq(stats(&scripts).orphaned, 2);
	scripts_done(&scripts);
}
END_TEST

START_TEST(invented)
{
	struct scripts scripts;
	struct gh_ask *ask;
	struct gh_ticket ticket;

	scripts_init(&scripts);
	ask = begin_authorize(&scripts);
	ticket = scripts.at[0].ticket;
	ck_assert(!give(&scripts.at[1], ticket, GH_ALLOW)); /* of another instance */
	for (unsigned bit = 0; bit < 64; bit++) {
		struct gh_ticket other = { ticket.id ^ 1ull << bit };

		ck_assert(!gh_ticket_open(host_of(&scripts.at[0]), other));
		ck_assert(!give(&scripts.at[0], other, GH_ALLOW));
	}
	ck_assert(!give(&scripts.at[0], (struct gh_ticket){ 0 }, GH_ALLOW));
	ck_assert_uint_ge(stats(&scripts).invented, 60);
	ck_assert(gh_ticket_open(host_of(&scripts.at[0]), ticket));
	gh_ask_cancel(&ask);
	scripts_done(&scripts);
}
END_TEST

START_TEST(too_many)
{
	struct scripts scripts;
	struct gh_ask *asks[3] = { NULL };

	scripts_init(&scripts);
	scripts.at[0].instance->max_pending = 2;
	asks[0] = begin_authorize(&scripts);
	asks[1] = begin_authorize(&scripts);
	ck_assert_ptr_nonnull(asks[1]);
	asks[2] = begin_authorize(&scripts);
	ck_assert_ptr_null(asks[2]);
	ck_assert_uint_eq(scripts.at[0].asked, 2); /* unasked */
	ck_assert_int_eq(scripts.fixture.decision.verdict, GH_DENY);
	ck_assert(scripts.fixture.decision.failed);
	for (unsigned i = 0; i < 2; i++)
		gh_ask_cancel(&asks[i]);
	scripts_done(&scripts);
}
END_TEST

/* ---- other threads ---- */

#define TICKETS   2000u
#define ANSWERERS 4u

struct storm {
	struct script *script;
	struct gh_ticket tickets[TICKETS];
	atomic_uint next, given, waiting;
};

static void *answerer(void *arg)
{
	struct storm *storm = arg;
	unsigned i;

	while ((i = atomic_fetch_add(&storm->next, 1)) < TICKETS * 2) {
		/* Each ticket is answered by two. */
		if (give(storm->script, storm->tickets[i % TICKETS], i & 1 ? GH_ALLOW : GH_DENY))
			atomic_fetch_add(&storm->given, 1);
	}
	return NULL;
}

START_TEST(from_threads)
{
	static struct storm storm;
	struct scripts scripts;
	pthread_t threads[ANSWERERS];
	struct gh_ticket_stats all;

	scripts_init(&scripts);
	storm.script = &scripts.at[0];
	scripts.at[0].instance->max_pending = TICKETS;
	for (unsigned i = 0; i < TICKETS; i++) {
		ck_assert_ptr_nonnull(begin_authorize(&scripts));
		storm.tickets[i] = scripts.at[0].ticket;
	}
	for (unsigned i = 0; i < ANSWERERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, answerer, &storm), 0);
	fixture_wait(&scripts.fixture, TICKETS);
	for (unsigned i = 0; i < ANSWERERS; i++)
		pthread_join(threads[i], NULL);
	all = stats(&scripts);
	ck_assert_uint_eq(all.answered, TICKETS);
	ck_assert_uint_eq(atomic_load(&storm.given), TICKETS);
	ck_assert_uint_eq(all.doubled + all.orphaned + all.invented, TICKETS);
	scripts_done(&scripts);
}
END_TEST

/* The last holder tells that the runtime is idle: nothing of it is left to wait for. */
START_TEST(idle_after_the_last)
{
	struct scripts scripts;
	struct gh_runtime *runtime = &scripts.fixture.runtime;
	struct gh_ask *ask;

	scripts_init(&scripts);
	ask = begin_authorize(&scripts);
	gh_runtime_retire(&runtime);
	ck_assert_uint_eq(atomic_load(&scripts.fixture.idle), 0);
	ck_assert(give(&scripts.at[0], scripts.at[0].ticket, GH_ALLOW));
	fixture_wait(&scripts.fixture, 1);
	ck_assert_ptr_nonnull(ask);
	ck_assert_uint_eq(atomic_load(&scripts.fixture.idle), 1);
	/* the ticket of a former runtime */
	ck_assert(!give(&scripts.at[0], scripts.at[0].ticket, GH_ALLOW));
	atomic_store(&scripts.fixture.runtime.refs, 1);
	scripts_done(&scripts);
}
END_TEST

GH_TEST_MAIN("hook/ask", arguments_are_copied, answered_inside_the_hook, twice, never,
	     never_then_next, never_and_never, too_late_by_the_clock, begun_in_time_ended_too_late,
	     cancelled, invented, too_many, from_threads, idle_after_the_last)
