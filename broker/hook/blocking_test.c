/* SPDX-License-Identifier: Apache-2.0 */
/* Instances that block: their threads, the queue before them, and exchanges. */
#include "hook/fixture.h"
#include "hook/pool.h"

#include <semaphore.h>

/* A module whose calls take as long as the test wants. */
struct gate {
	sem_t open, entered;
	atomic_uint calls, ends, inside, most_inside;
	atomic_ulong last;
	bool covers;
	enum gh_verdict verdict;
	char order[64]; /* the last digit of each caller's address, in the order served */
};

static enum gh_verdict pass_gate(struct gate *gate, const struct gh_client *client)
{
	unsigned inside = atomic_fetch_add(&gate->inside, 1) + 1;
	unsigned call = atomic_fetch_add(&gate->calls, 1);

	if (inside > atomic_load(&gate->most_inside))
		atomic_store(&gate->most_inside, inside);
	if (call < sizeof(gate->order) - 1)
		gate->order[call] = (char)('0' + client->ip[15]);
	atomic_store(&gate->last, pthread_self());
	sem_post(&gate->entered);
	sem_wait(&gate->open);
	atomic_fetch_sub(&gate->inside, 1);
	return gate->verdict;
}

static enum gh_verdict authenticate(void *self, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	enum gh_verdict verdict = pass_gate(self, in->client);

	/* the caller's buffers are long gone */
	ck_assert_str_eq(in->username, "joe");
	ck_assert_int_eq(memcmp(in->password.p, "secret", 6), 0);
	gh_answer_principal(out, in->username);
	return verdict;
}

static enum gh_verdict authorize(void *self, const struct gh_authorize *in, struct gh_answer *out)
{
	struct gate *gate = self;
	enum gh_verdict verdict = pass_gate(gate, in->client);

	if (gate->covers)
		gh_answer_covers(out);
	return verdict;
}

static enum gh_verdict exchange(void *self, const struct gh_exchange *in, struct gh_answer *out)
{
	enum gh_verdict verdict = pass_gate(self, in->client);

	if (in->step == 0) {
		ck_assert_ptr_null(*in->state);
		*in->state = self;
		gh_answer_auth_data(out, "challenge", 9);
		return GH_CONTINUE;
	}
	ck_assert_ptr_eq(*in->state, self);
	gh_answer_principal(out, "joe");
	return verdict;
}

static void exchange_end(void *self, void *state)
{
	struct gate *gate = self;

	ck_assert_ptr_eq(self, state);
	ck_assert(pthread_equal(atomic_load(&gate->last),
				pthread_self())); /* one thread: that of the exchange */
	atomic_fetch_add(&gate->ends, 1);
}

static void *thread_start(void *self)
{
	return self;
}

static void thread_stop(void *self, void *local)
{
	ck_assert_ptr_eq(self, local);
}

static struct gh_plugin one_thread = { .flags = GH_BLOCKING,
				       .name = "gate",
				       .thread_start = thread_start,
				       .thread_stop = thread_stop,
				       .authenticate = authenticate,
				       .exchange = exchange,
				       .exchange_end = exchange_end,
				       .authorize = authorize };
static struct gh_plugin four_threads = { .flags = GH_BLOCKING | GH_CONCURRENT,
					 .name = "gate",
					 .authenticate = authenticate,
					 .authorize = authorize };

struct gated {
	struct fixture fixture;
	struct gate gate;
	struct gh_instance *instance;
	struct gh_chain *logins, *rights;
};

static void gated_init(struct gated *gated, struct gh_plugin *plugin, const char *list)
{
	fixture_init(&gated->fixture);
	memset(&gated->gate, 0, sizeof(gated->gate));
	sem_init(&gated->gate.open, 0, 0);
	sem_init(&gated->gate.entered, 0, 0);
	gated->gate.verdict = GH_ALLOW;
	gated->instance = fixture_add(&gated->fixture, "gate", plugin, &gated->gate);
	gated->logins = fixture_chain(&gated->fixture, GH_LIST_AUTHENTICATE, false, list);
	gated->rights = fixture_chain(&gated->fixture, GH_LIST_AUTHORIZE, false, list);
}

/* Opens the gate for good and waits until nobody but the fixture holds the instance. */
static void gated_done(struct gated *gated)
{
	uint64_t end = gh_clock_ms() + 20000;

	for (unsigned i = 0; i < 100; i++)
		sem_post(&gated->gate.open);
	while (atomic_load(&gated->instance->refs) > 1 && gh_clock_ms() < end) {
		gh_loop_poll(gated->fixture.loop);
		sched_yield();
	}
	gh_chain_free(&gated->logins);
	gh_chain_free(&gated->rights);
	fixture_done(&gated->fixture);
}

/* The client, at this address. */
static struct gh_snapshot *client_at(const struct gated *gated, uint8_t address)
{
	struct gh_client facts = *gh_snapshot_client(gated->fixture.client);

	facts.ip[15] = address;
	return gh_snapshot_new(&facts, NULL);
}

static struct gh_ask *begin_login(struct gated *gated, uint8_t address)
{
	struct gh_asking asking = fixture_asking(&gated->fixture, gated->logins);
	char user[] = "joe", password[] = "secret";
	struct gh_authenticate in = { .username = user, .password = { password, 6 } };
	struct gh_snapshot *snapshot = client_at(gated, address);
	struct gh_decision decision;
	struct gh_ask *ask;

	in.client = gh_snapshot_client(snapshot);
	ask = gh_ask_authenticate(&asking, &in, &decision);
	if (!ask)
		fixture_decided(&gated->fixture, &decision);
	gh_snapshot_unref(&snapshot);
	memset(user, 'x', 3);
	memset(password, 'x', 6);
	return ask;
}

/* So many calls pass the gate, and so many questions have been decided then. */
static void pass(struct gated *gated, unsigned calls, unsigned decided)
{
	while (calls--)
		sem_post(&gated->gate.open);
	fixture_wait(&gated->fixture, decided);
}

static void entered(struct gated *gated, unsigned times)
{
	while (times--)
		sem_wait(&gated->gate.entered);
}

START_TEST(runs_on_its_own_thread)
{
	struct gated gated;

	gated_init(&gated, &one_thread, "gate");
	ck_assert_ptr_nonnull(begin_login(&gated, 1));
	entered(&gated, 1);
	ck_assert_uint_eq(gated.fixture.done, 0); /* nobody waits for it but the client */
	sem_post(&gated.gate.open);
	fixture_wait(&gated.fixture, 1);
	ck_assert(!pthread_equal(atomic_load(&gated.gate.last), pthread_self()));
	ck_assert_int_eq(gated.fixture.decision.verdict, GH_ALLOW);
	gated_done(&gated);
}
END_TEST

START_TEST(as_many_threads_as_said)
{
	struct gated gated;

	gated_init(&gated, &four_threads, "gate");
	for (unsigned i = 0; i < 8; i++)
		begin_login(&gated, 1);
	entered(&gated, 4);
	ck_assert_uint_eq(atomic_load(&gated.gate.calls), 4);
	pass(&gated, 8, 8);
	ck_assert_uint_eq(atomic_load(&gated.gate.most_inside), 4);
	gated_done(&gated);
}
END_TEST

/* One address has filled the queue: the others are served in turn all the same. */
START_TEST(addresses_in_turn)
{
	struct gated gated;

	gated_init(&gated, &one_thread, "gate");
	begin_login(&gated, 1);
	entered(&gated, 1); /* the thread is busy; the rest waits */
	for (unsigned i = 0; i < 10; i++)
		begin_login(&gated, 1);
	begin_login(&gated, 2);
	begin_login(&gated, 2);
	begin_login(&gated, 3);
	pass(&gated, 14, 14);
	ck_assert_str_eq(gated.gate.order, "11231211111111");
	gated_done(&gated);
}
END_TEST

static void begin_recheck(struct gated *gated, uint8_t address)
{
	struct gh_asking asking = fixture_asking(&gated->fixture, gated->rights);
	struct gh_authorize in = { .flags = GH_RECHECK, .action = GH_SUBSCRIBE, .topic = { "a", 1 } };
	struct gh_snapshot *snapshot = client_at(gated, address);
	struct gh_decision decision;

	in.client = gh_snapshot_client(snapshot);
	ck_assert_ptr_nonnull(gh_ask_authorize(&asking, &in, NULL, &decision));
	gh_snapshot_unref(&snapshot);
}

/* A flood of logins can't hold up what takes rights away, not even from the same address; nor the other way round. */
START_TEST(rechecks_and_logins_in_turn)
{
	struct gated gated;

	gated_init(&gated, &one_thread, "gate");
	begin_login(&gated, 1);
	entered(&gated, 1);
	for (unsigned i = 0; i < 5; i++)
		begin_login(&gated, 1);
	for (unsigned i = 0; i < 3; i++)
		begin_recheck(&gated, 9);
	pass(&gated, 9, 9);
	ck_assert_str_eq(gated.gate.order, "191919111");
	gated_done(&gated);
}
END_TEST

/* max-pending 100: one address has at most a quarter of the places. */
START_TEST(bounded)
{
	struct gated gated;

	gated_init(&gated, &one_thread, "gate");
	begin_login(&gated, 1);
	entered(&gated, 1);
	for (unsigned i = 0; i < 25; i++)
		ck_assert_ptr_nonnull(begin_login(&gated, 1));
	ck_assert_ptr_null(begin_login(&gated, 1));
	ck_assert_int_eq(gated.fixture.decision.verdict, GH_DENY);
	ck_assert(gated.fixture.decision.failed);
	ck_assert_ptr_nonnull(begin_login(&gated, 2));
	pass(&gated, 27, 28);
	gated_done(&gated);
}
END_TEST

START_TEST(dropped_unrun)
{
	struct gated gated;
	struct gh_instance_stats stats;
	struct gh_ask *waiting;

	gated_init(&gated, &one_thread, "gate");
	gated.fixture.settings.limits.hook_timeout = 50;
	gh_loop_poll(gated.fixture.loop);
	begin_login(&gated, 1);
	entered(&gated, 1);
	begin_login(&gated, 1); /* its deadline passes in the queue */
	fixture_wait(&gated.fixture, 2);
	ck_assert_uint_eq(gated.fixture.decision.cause, GH_CAUSE_TIMEOUT);
	gated.fixture.settings.limits.hook_timeout = 5000;
	waiting = begin_login(&gated, 1); /* its client goes away */
	gh_ask_cancel(&waiting);
	gh_instance_stats(gated.instance, &stats);
	ck_assert_uint_eq(stats.queued, 0);
	ck_assert_uint_eq(stats.pending, 0);
	gated_done(&gated);
	ck_assert_uint_eq(atomic_load(&gated.gate.calls), 1);
}
END_TEST

/* An instance that blocks is never asked RECEIVE. */
START_TEST(receive_by_covers)
{
	struct gated gated;
	struct gh_authorize in = { .action = GH_SUBSCRIBE, .topic = { "t", 1 } };
	struct gh_asking asking;
	struct gh_decision decision;
	struct gh_cover cover;

	gated_init(&gated, &one_thread, "gate");
	asking = fixture_asking(&gated.fixture, gated.rights);
	in.client = gh_snapshot_client(gated.fixture.client);
	for (unsigned i = 0; i < 3; i++)
		sem_post(&gated.gate.open);
	ck_assert_ptr_nonnull(gh_ask_authorize(&asking, &in, NULL, &decision));
	fixture_wait(&gated.fixture, 1);
	ck_assert_int_eq(gated.fixture.decision.verdict, GH_DENY); /* ALLOW without covers */
	ck_assert(gated.fixture.decision.failed);
	gated.gate.covers = true;
	gh_ask_authorize(&asking, &in, NULL, &decision);
	fixture_wait(&gated.fixture, 2);
	ck_assert_int_eq(gated.fixture.decision.verdict, GH_ALLOW);
	cover = gated.fixture.decision.cover;
	ck_assert(cover.whole);
	in.action = GH_RECEIVE;
	ck_assert_ptr_null(gh_ask_authorize(&asking, &in, &cover, &decision));
	ck_assert_int_eq(decision.verdict, GH_ALLOW);
	ck_assert_ptr_null(gh_ask_authorize(&asking, &in, NULL, &decision));
	ck_assert_int_eq(decision.verdict, GH_DENY);
	/* its PASS covers by itself */
	in.action = GH_SUBSCRIBE;
	gated.gate.covers = false;
	gated.gate.verdict = GH_PASS;
	gh_ask_authorize(&asking, &in, NULL, &decision);
	fixture_wait(&gated.fixture, 3);
	ck_assert_uint_eq(gated.fixture.decision.cover.pass, 1);
	gated_done(&gated);
}
END_TEST

static struct gh_ask *step(struct gated *gated, struct gh_exchange_run *run)
{
	struct gh_asking asking = fixture_asking(&gated->fixture, NULL);
	struct gh_exchange in = { .client = gh_snapshot_client(gated->fixture.client),
				  .method = { "M", 1 } };
	struct gh_decision decision;

	return gh_ask_exchange(&asking, run, &in, &decision);
}

START_TEST(exchange_on_its_thread)
{
	struct gated gated;
	struct gh_exchange_run *run;
	struct gh_ask *ask;

	gated_init(&gated, &one_thread, "gate");
	for (unsigned i = 0; i < 3; i++)
		sem_post(&gated.gate.open);
	run = gh_exchange_run_new(gated.logins);
	ck_assert_ptr_nonnull(step(&gated, run));
	fixture_wait(&gated.fixture, 1);
	ck_assert_int_eq(gated.fixture.decision.verdict, GH_CONTINUE);
	ck_assert_uint_eq(gated.fixture.decision.auth_data_size, 9);
	ck_assert_ptr_nonnull(step(&gated, run));
	fixture_wait(&gated.fixture, 2);
	ck_assert_int_eq(gated.fixture.decision.verdict, GH_ALLOW);
	gh_exchange_run_free(&run);
	/* given up in the middle, while a step runs */
	run = gh_exchange_run_new(gated.logins);
	step(&gated, run);
	fixture_wait(&gated.fixture, 3);
	ask = step(&gated, run);
	entered(&gated, 4);
	gh_ask_cancel(&ask);
	gh_exchange_run_free(&run);
	gated_done(&gated);
	ck_assert_uint_eq(atomic_load(&gated.gate.ends), 2);
}
END_TEST

GH_TEST_MAIN("hook/blocking", runs_on_its_own_thread, as_many_threads_as_said, addresses_in_turn,
	     rechecks_and_logins_in_turn, bounded, dropped_unrun, receive_by_covers,
	     exchange_on_its_thread)
