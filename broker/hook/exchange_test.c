/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges of several steps, beside modules that only know passwords. */
#include "hook/fixture.h"

/* Answers CONTINUE `steps` times, then `verdict`; takes up method `method` only. */
struct script {
	const char *method, *principal;
	unsigned steps, asked, asked_authenticate, ends;
	enum gh_verdict verdict, authenticate_verdict;
	bool later, state_anyway, reauth;
	struct gh_ticket ticket;
};

static enum gh_verdict exchange(void *self, const struct gh_exchange *in, struct gh_answer *out)
{
	struct script *script = self;

	script->reauth = in->flags & GH_REAUTH;
	ck_assert_uint_eq(in->size, sizeof(*in));
	if (script->state_anyway)
		*in->state = self;
	if (in->method.n != 1 || *in->method.p != *script->method)
		return GH_PASS;
	ck_assert_uint_eq(in->step, script->asked);
	ck_assert_ptr_eq(*in->state, in->step ? self : *in->state);
	script->asked++;
	*in->state = self;
	if (in->step < script->steps) {
		gh_answer_auth_data(out, "more", 4);
		return GH_CONTINUE;
	}
	if (script->later) {
		script->ticket = gh_pend(out);
		return GH_PENDING;
	}
	gh_answer_principal(out, script->principal);
	gh_answer_auth_data(out, "done", 4);
	return script->verdict;
}

static void exchange_end(void *self, void *state)
{
	ck_assert_ptr_eq(self, state);
	((struct script *)self)->ends++;
}

static enum gh_verdict authenticate(void *self, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	struct script *script = self;

	script->asked_authenticate++;
	ck_assert_str_eq(in->username, "joe");
	gh_answer_principal(out, script->principal);
	return script->authenticate_verdict;
}

static struct gh_plugin with_exchange = {
	.flags = GH_CONCURRENT, .name = "x", .exchange = exchange, .exchange_end = exchange_end
};
static struct gh_plugin with_password = { .flags = GH_CONCURRENT,
					  .name = "p",
					  .authenticate = authenticate };

struct exchanges {
	struct fixture fixture;
	struct script scram, other, password;
	struct gh_instance *scram_instance;
	struct gh_chain *chain;
	struct gh_exchange_run *run;
	struct gh_ask *ask;
};

static void exchanges_init(struct exchanges *exchanges, const char *list)
{
	memset(exchanges, 0, sizeof(*exchanges));
	fixture_init(&exchanges->fixture);
	exchanges->scram =
		(struct script){ .method = "S", .principal = "joe", .steps = 1, .verdict = GH_ALLOW };
	exchanges->other = (struct script){ .method = "O", .principal = "joe", .verdict = GH_ALLOW };
	exchanges->password = (struct script){ .principal = "joe", .authenticate_verdict = GH_ALLOW };
	exchanges->scram_instance =
		fixture_add(&exchanges->fixture, "scram", &with_exchange, &exchanges->scram);
	fixture_add(&exchanges->fixture, "other", &with_exchange, &exchanges->other);
	fixture_add(&exchanges->fixture, "password", &with_password, &exchanges->password);
	exchanges->chain = fixture_chain(&exchanges->fixture, GH_LIST_AUTHENTICATE, false, list);
	exchanges->run = gh_exchange_run_new(exchanges->chain);
}

static void exchanges_done(struct exchanges *exchanges)
{
	gh_exchange_run_free(&exchanges->run);
	gh_chain_free(&exchanges->chain);
	fixture_done(&exchanges->fixture);
}

static enum gh_verdict step(struct exchanges *exchanges, uint32_t flags)
{
	struct gh_asking asking = fixture_asking(&exchanges->fixture, NULL);
	struct gh_authenticate connect = { .client = gh_snapshot_client(exchanges->fixture.client),
					   .username = "joe" };
	struct gh_exchange in = { .client = connect.client,
				  .connect = flags & GH_REAUTH ? NULL : &connect,
				  .flags = flags,
				  .method = { "S", 1 } };
	struct gh_decision decision;

	exchanges->ask = gh_ask_exchange(&asking, exchanges->run, &in, &decision);
	if (exchanges->ask)
		return GH_PENDING;
	fixture_decided(&exchanges->fixture, &decision);
	return exchanges->fixture.decision.verdict;
}

START_TEST(steps)
{
	struct exchanges exchanges;

	exchanges_init(&exchanges, "other password scram");
	exchanges.other.state_anyway = true; /* and passes: its state ends at once */
	ck_assert_int_eq(step(&exchanges, 0), GH_CONTINUE);
	ck_assert_uint_eq(exchanges.other.ends, 1);
	ck_assert_uint_eq(exchanges.password.asked_authenticate, 0);
	ck_assert_uint_eq(exchanges.fixture.decision.auth_data_size, 4);
	ck_assert_int_eq(step(&exchanges, 0), GH_ALLOW);
	ck_assert_int_eq(memcmp(exchanges.fixture.decision.auth_data, "done", 4), 0);
	ck_assert_str_eq(gh_identity_view(exchanges.fixture.decision.identity)->source, "scram");
	ck_assert_int_eq(step(&exchanges, 0), GH_DENY); /* it is over */
	ck_assert_uint_eq(exchanges.scram.ends, 0);
	exchanges_done(&exchanges);
	ck_assert_uint_eq(exchanges.scram.ends, 1);
	ck_assert_uint_eq(exchanges.other.ends, 1);
}
END_TEST

START_TEST(unknown_method)
{
	struct exchanges exchanges;

	exchanges_init(&exchanges, "other password");
	ck_assert_int_eq(step(&exchanges, 0), GH_DENY);
	ck_assert_str_eq(exchanges.fixture.decision.module, "");
	exchanges_done(&exchanges);
}
END_TEST

/* With a method who is required is asked by authenticate, if it doesn't know exchanges. */
START_TEST(required)
{
	static const char *const lists[] = { "!password scram", "scram !password" };

	for (unsigned i = 0; i < GH_COUNT(lists); i++) {
		struct exchanges exchanges;

		exchanges_init(&exchanges, lists[i]);
		ck_assert_int_eq(step(&exchanges, 0), GH_CONTINUE);
		ck_assert_int_eq(step(&exchanges, 0), GH_ALLOW);
		ck_assert_uint_eq(exchanges.password.asked_authenticate, 1);
		ck_assert_str_eq(gh_identity_part(exchanges.fixture.decision.identity, 0),
				 i ? "scram" : "password");
		exchanges_done(&exchanges);

		exchanges_init(&exchanges, lists[i]);
		exchanges.password.authenticate_verdict = GH_PASS;
		step(&exchanges, 0);
		ck_assert_int_eq(step(&exchanges, 0), GH_DENY);
		ck_assert_ptr_null(exchanges.fixture.decision.identity);
		exchanges_done(&exchanges);
		ck_assert_uint_eq(exchanges.scram.ends, i ? 1 : 0);
	}
}
END_TEST

START_TEST(later_and_cancelled)
{
	struct exchanges exchanges;
	struct gh_host *host;
	struct gh_answer *out;

	exchanges_init(&exchanges, "scram");
	host = (struct gh_host *)(void *)exchanges.scram_instance;
	exchanges.scram.later = true;
	ck_assert_int_eq(step(&exchanges, 0), GH_CONTINUE);
	ck_assert_int_eq(step(&exchanges, 0), GH_PENDING);
	out = gh_answer_begin(host, exchanges.scram.ticket);
	ck_assert_ptr_nonnull(out);
	gh_answer_auth_data(out, "even more", 9);
	gh_answer_end(out, GH_CONTINUE);
	fixture_wait(&exchanges.fixture, 2);
	ck_assert_int_eq(exchanges.fixture.decision.verdict, GH_CONTINUE);
	ck_assert_uint_eq(exchanges.fixture.decision.auth_data_size, 9);
	ck_assert_int_eq(step(&exchanges, 0), GH_PENDING);
	gh_ask_cancel(&exchanges.ask);
	exchanges_done(&exchanges);
	ck_assert_uint_eq(exchanges.scram.ends, 1);
}
END_TEST

static void login(struct exchanges *exchanges)
{
	struct gh_snapshot *before = exchanges->fixture.client;

	ck_assert_int_eq(step(exchanges, 0), GH_CONTINUE);
	ck_assert_int_eq(step(exchanges, 0), GH_ALLOW);
	exchanges->fixture.client =
		gh_snapshot_with_identity(before, exchanges->fixture.decision.identity, NULL);
	gh_snapshot_unref(&before);
	gh_exchange_run_free(&exchanges->run);
	exchanges->run = gh_exchange_run_new(exchanges->chain);
	exchanges->scram.asked = 0;
}

/* The password isn't there a second time: what that module gave stands. */
START_TEST(again)
{
	struct exchanges exchanges;

	exchanges_init(&exchanges, "!password scram");
	login(&exchanges);
	ck_assert_int_eq(step(&exchanges, GH_REAUTH), GH_CONTINUE);
	ck_assert(exchanges.scram.reauth);
	ck_assert_int_eq(step(&exchanges, GH_REAUTH), GH_ALLOW);
	ck_assert_uint_eq(exchanges.password.asked_authenticate, 1);
	ck_assert_str_eq(gh_identity_part(exchanges.fixture.decision.identity, 0), "password");
	ck_assert_str_eq(gh_identity_part(exchanges.fixture.decision.identity, 1), "scram");
	exchanges_done(&exchanges);
}
END_TEST

START_TEST(again_as_another)
{
	struct exchanges exchanges;

	exchanges_init(&exchanges, "scram");
	login(&exchanges);
	exchanges.scram.principal = "bob";
	ck_assert_int_eq(step(&exchanges, GH_REAUTH), GH_CONTINUE);
	ck_assert_int_eq(step(&exchanges, GH_REAUTH), GH_DENY);
	ck_assert_ptr_null(exchanges.fixture.decision.identity);
	exchanges_done(&exchanges);
}
END_TEST

GH_TEST_MAIN("hook/exchange", steps, unknown_method, required, later_and_cancelled, again,
	     again_as_another)
