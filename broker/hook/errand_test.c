/* SPDX-License-Identifier: Apache-2.0 */
/* Commands and the subject hook: run, answered at once, later, twice, too late or never. */
#include "hook/errand.h"

#include "hook/fixture.h"
#include "hook/reply.h"

#include <semaphore.h>

struct clerk {
	struct gh_host *host;
	struct gh_ticket ticket;
	sem_t go, entered;
	char secret[16];
	unsigned answers; /* that found somebody who waits */
	bool on_loop;
};

static struct fixture fixture;
static struct clerk clerk;
static struct gh_instance *instance;
static pthread_t control;
static struct {
	unsigned calls;
	int rc;
	char message[GH_REPLY_TEXT];
	char rows[2000];
	size_t size;
} told;

static int say(void *self, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct gh_bytes secret = gh_reply_secret(reply);

	(void)self;
	clerk.on_loop = pthread_equal(pthread_self(), control);
	ck_assert_ptr_null(arguments[count]);
	gh_reply_row(reply); /* rows without fields are none */
	for (size_t i = 0; i < count; i++) {
		gh_reply_field(reply, "n", "%zu", i);
		gh_reply_field(reply, "argument", "%s", arguments[i]);
		gh_reply_row(reply);
	}
	if (secret.n)
		memcpy(clerk.secret, secret.p, secret.n);
	return 0;
}

static int refuse(void *self, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	(void)self;
	if (count > 1)
		gh_reply_end(reply, GH_EIO, arguments[1]);
	return (int)strtol(arguments[0], NULL, 10);
}

static int flood(void *self, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	static char much[1 << 20];

	(void)self, (void)count, (void)arguments;
	memset(much, 'x', sizeof(much) - 1);
	for (unsigned i = 0; i < 100; i++) {
		gh_reply_field(reply, "much", "%s", much);
		gh_reply_row(reply);
	}
	return 0;
}

/* `answers`: how many times somebody answers, each by a word of its own. */
static void answer(const char *word)
{
	struct gh_reply *reply = gh_reply_begin(clerk.host, clerk.ticket);

	if (!reply)
		return;
	clerk.answers++;
	ck_assert_uint_eq(gh_reply_pend(reply).id, 0);
	gh_reply_field(reply, "word", "%s", word);
	gh_reply_end(reply, 0, NULL);
}

static int later(void *self, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	(void)self;
	gh_reply_field(reply, "word", "now");
	clerk.ticket = gh_reply_pend(reply);
	ck_assert_uint_ne(clerk.ticket.id, 0);
	ck_assert_ptr_null(gh_answer_begin(clerk.host, clerk.ticket)); /* not of that kind */
	for (size_t i = 0; i < count; i++)
		answer(arguments[i]); /* takes effect after this */
	sem_post(&clerk.entered);
	if (instance->blocking)
		sem_wait(&clerk.go);
	return GH_LATER;
}

static int liar(void *self, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	(void)self, (void)count, (void)arguments, (void)reply;
	return GH_LATER;
}

static int subject(void *self, const struct gh_subject_request *in, struct gh_reply *reply)
{
	(void)self;
	gh_reply_field(reply, "kept", "%s %s", in->forget ? "no more of" : "of", in->subject.text);
	return 0;
}

static const struct gh_command commands[] = {
	{ "say", "WORD...", "repeats", GH_CMD_SECRET, say },
	{ "refuse", "CODE [WHY]", "fails", 0, refuse },
	{ "flood", NULL, "too much", 0, flood },
	{ "later", "", "not now", 0, later },
	{ "liar", "", "never", 0, liar },
	{ 0 },
};
static struct gh_plugin plain = { .name = "clerk", .commands = commands, .subject = subject };
static struct gh_plugin blocking = {
	.name = "clerk", .flags = GH_BLOCKING, .commands = commands, .subject = subject
};

static void begin(struct gh_plugin *plugin)
{
	fixture_init(&fixture);
	memset(&clerk, 0, sizeof(clerk));
	memset(&told, 0, sizeof(told));
	sem_init(&clerk.go, 0, 0);
	sem_init(&clerk.entered, 0, 0);
	control = pthread_self();
	instance = fixture_add(&fixture, "clerk", plugin, &clerk);
	clerk.host = (struct gh_host *)(void *)instance;
}

static void end(void)
{
	uint64_t deadline = gh_clock_ms() + 20000;

	while (atomic_load(&instance->refs) > 1 && gh_clock_ms() < deadline)
		gh_loop_poll(fixture.loop);
	fixture_done(&fixture);
}

static void done(void *arg, const struct gh_errand_result *result)
{
	struct gh_buf rows = { 0 };

	(void)arg;
	told.calls++;
	told.rc = result->rc;
	if (result->rc)
		snprintf(told.message, sizeof(told.message), "%s", result->message);
	gh_reply_rows(&rows, result->rows, NULL);
	told.size = rows.n;
	snprintf(told.rows, sizeof(told.rows), "%.*s", (int)rows.n, rows.n ? (char *)rows.p : "");
	gh_buf_done(&rows);
}

static struct gh_errand *start(const char *name, const char *const *words, const char *secret,
			       uint64_t timeout_ms)
{
	struct gh_errand_call call = { fixture.asker, timeout_ms, done, NULL };
	struct gh_errand_task task = { .arguments = words };
	struct gh_errand *errand;

	for (task.command = commands; strcmp(task.command->name, name) != 0; task.command++)
		;
	while (words[task.argument_count])
		task.argument_count++;
	if (secret)
		task.secret = (struct gh_bytes){ secret, strlen(secret) };
	told.calls = 0;
	errand = gh_errand_start(&call, instance, &task);
	ck_assert_uint_eq(told.calls, 0); /* never from inside */
	return errand;
}

static void wait_told(void)
{
	uint64_t deadline = gh_clock_ms() + 20000;

	while (!told.calls && gh_clock_ms() < deadline)
		gh_loop_poll(fixture.loop);
	ck_assert_uint_eq(told.calls, 1);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_WORDS   ((const char *const[]){ NULL })

static struct gh_plugin *const plugins[] = { &plain, &blocking };

START_TEST(rows)
{
	for (size_t i = 0; i < GH_COUNT(plugins); i++) {
		begin(plugins[i]);
		start("say", WORDS("a", "\"\n\xff\x1b"), "canary", 20000);
		wait_told();
		ck_assert_int_eq(told.rc, 0);
		ck_assert_str_eq(told.rows, "{\"n\":\"0\",\"argument\":\"a\"},"
					    "{\"n\":\"1\",\"argument\":"
					    "\"\\\"\\n\xef\xbf\xbd\\u001b\"}");
		ck_assert_str_eq(clerk.secret, "canary");
		ck_assert(clerk.on_loop == !instance->blocking);
		end();
	}
}
END_TEST

static const struct {
	const char *words[3];
	int rc;
	const char *message;
} failures[] = {
	{ { "-4", "the disk is full" }, GH_EIO, "the disk is full" },
	{ { "-2", "no user 'joe'" }, GH_ENOENT, "no user 'joe'" },
	{ { "0", "but it failed" }, GH_EIO, "but it failed" }, /* one of them is enough */
	{ { "-1" }, GH_EINVAL, "usage: gatehousectl clerk refuse CODE [WHY]" },
	{ { "-2" }, GH_ENOENT, "there is no such thing" },
	{ { "-4" }, GH_EIO, "it failed and gives no reason" },
	{ { "-99" }, -99, "it failed and gives no reason" },
	{ { "2" }, GH_EIO, "it returned what is no result" },
	{ { "1" }, GH_EIO, "it wanted to answer later, without a ticket" },
};

START_TEST(errors)
{
	begin(&plain);
	for (size_t i = 0; i < GH_COUNT(failures); i++) {
		start("refuse", failures[i].words, NULL, 20000);
		wait_told();
		ck_assert_int_eq(told.rc, failures[i].rc);
		ck_assert_str_eq(told.message, failures[i].message);
	}
	end();
}
END_TEST

START_TEST(bounded)
{
	begin(&plain);
	start("flood", NO_WORDS, NULL, 20000);
	wait_told();
	ck_assert_int_eq(told.rc, GH_EIO);
	ck_assert_ptr_nonnull(strstr(told.message, "16 MiB"));
	ck_assert_uint_le(told.size, GH_REPLY_MAX + 100);
	ck_assert_uint_ge(told.size, GH_REPLY_MAX - (2u << 20));
	end();
}
END_TEST

START_TEST(answered_later)
{
	begin(&plain);
	start("later", NO_WORDS, NULL, 20000);
	gh_loop_poll(fixture.loop);
	ck_assert_uint_eq(told.calls, 0);
	ck_assert(gh_ticket_open(clerk.host, clerk.ticket));
	answer("then");
	answer("again");
	wait_told();
	answer("and again");
	ck_assert_int_eq(told.rc, 0);
	ck_assert_str_eq(told.rows, "{\"word\":\"now\"},{\"word\":\"then\"}");
	ck_assert_uint_eq(clerk.answers, 1);
	ck_assert(!gh_ticket_open(clerk.host, clerk.ticket));
	end();
}
END_TEST

/* By the ticket before the call has returned it. */
START_TEST(answered_early)
{
	for (size_t i = 0; i < GH_COUNT(plugins); i++) {
		begin(plugins[i]);
		start("later", WORDS("then", "again"), NULL, 20000);
		if (instance->blocking) {
			sem_wait(&clerk.entered);
			for (unsigned turns = 0; turns < 10; turns++)
				gh_loop_poll(fixture.loop);
			ck_assert_uint_eq(told.calls, 0);
			sem_post(&clerk.go);
		}
		wait_told();
		ck_assert_int_eq(told.rc, 0);
		ck_assert_str_eq(told.rows, "{\"word\":\"now\"},{\"word\":\"then\"}");
		ck_assert_uint_eq(clerk.answers, 1);
		end();
	}
}
END_TEST

START_TEST(never)
{
	begin(&plain);
	start("later", NO_WORDS, NULL, 50);
	wait_told();
	ck_assert_int_lt(told.rc, 0);
	ck_assert_str_eq(told.message, "no answer in time");
	answer("too late");
	ck_assert_uint_eq(clerk.answers, 0);
	start("liar", NO_WORDS, NULL, 20000);
	wait_told();
	ck_assert_ptr_nonnull(strstr(told.message, "without a ticket"));
	end();
}
END_TEST

/* A hung thread holds up nobody who asks; what it says in the end isn't heard. */
START_TEST(hung)
{
	begin(&blocking);
	start("later", NO_WORDS, NULL, 50);
	sem_wait(&clerk.entered);
	wait_told();
	ck_assert_str_eq(told.message, "no answer in time");
	start("say", WORDS("a"), NULL, 50); /* isn't even begun */
	wait_told();
	ck_assert_str_eq(told.message, "no answer in time");
	sem_post(&clerk.go);
	end();
}
END_TEST

START_TEST(cancelled)
{
	struct gh_errand *errand, *none = NULL;

	for (size_t i = 0; i < GH_COUNT(plugins); i++) {
		begin(plugins[i]);
		errand = start("later", NO_WORDS, NULL, 20000);
		ck_assert_uint_ge(atomic_load(&instance->refs), 2); /* held */
		sem_wait(&clerk.entered);
		gh_errand_cancel(&errand);
		ck_assert_ptr_null(errand);
		answer("nobody listens");
		ck_assert_uint_eq(clerk.answers, 0);
		sem_post(&clerk.go);
		end();
		ck_assert_uint_eq(told.calls, 0);
	}
	gh_errand_cancel(&none);
}
END_TEST

/* Somebody has begun to answer when it is too late. */
START_TEST(overtaken)
{
	struct gh_errand *errand;
	struct gh_reply *reply;

	begin(&plain);
	errand = start("later", NO_WORDS, NULL, 20000);
	reply = gh_reply_begin(clerk.host, clerk.ticket);
	ck_assert_ptr_nonnull(reply);
	ck_assert_ptr_null(gh_reply_begin(clerk.host, clerk.ticket));
	gh_errand_cancel(&errand);
	gh_reply_field(reply, "word", "late");
	gh_reply_end(reply, 0, NULL);
	gh_loop_poll(fixture.loop);
	ck_assert_uint_eq(told.calls, 0);
	end();
}
END_TEST

START_TEST(invented)
{
	begin(&plain);
	start("later", NO_WORDS, NULL, 20000);
	for (uint64_t id = 0; id < 100; id++)
		ck_assert_ptr_null(gh_reply_begin(clerk.host, (struct gh_ticket){ id << 20 | id }));
	ck_assert_ptr_null(gh_reply_begin(clerk.host, (struct gh_ticket){ UINT64_MAX }));
	ck_assert_ptr_null(
		gh_reply_begin(clerk.host, (struct gh_ticket){ clerk.ticket.id + (1ull << 32) }));
	answer("the real one");
	wait_told();
	ck_assert_int_eq(told.rc, 0);
	end();
}
END_TEST

START_TEST(of_a_subject)
{
	struct gh_errand_call call;
	struct gh_subject_request request = { .size = sizeof(request),
					      .forget = true,
					      .subject = { GH_CLIENT_ID, 0, "pump-1" } };
	struct gh_errand_task task = { .request = &request };

	for (size_t i = 0; i < GH_COUNT(plugins); i++) {
		begin(plugins[i]);
		call = (struct gh_errand_call){ fixture.asker, 20000, done, NULL };
		gh_errand_start(&call, instance, &task);
		wait_told();
		ck_assert_int_eq(told.rc, 0);
		ck_assert_str_eq(told.rows, "{\"kept\":\"no more of pump-1\"}");
		end();
	}
}
END_TEST

START_TEST(named_rows)
{
	static const char packed[] = "\0\1\1a\1"
				     "1\0\0\1\1b\1"
				     "2";
	struct gh_buf out = { 0 };

	gh_reply_rows(&out, (struct gh_bytes){ packed, sizeof(packed) - 1 }, "x\"y");
	gh_buf_u8(&out, 0);
	ck_assert_str_eq((char *)out.p, "{\"instance\":\"x\\\"y\",\"a\":\"1\"},"
					"{\"instance\":\"x\\\"y\",\"b\":\"2\"}");
	gh_buf_done(&out);
}
END_TEST

/* Of another process: whole rows become ours, and what isn't any is refused. */
START_TEST(adopted_rows)
{
	static const struct {
		const char *p;
		size_t n;
		bool right;
	} cases[] = {
		{ "", 0, true },
		{ "\0\0", 2, true },
		{ "\1\1a\1x\0\1\1b\0", 10, true },
		{ "\2", 1, false },                    /* no such mark */
		{ "\1\1a", 3, false },                 /* a name without its value */
		{ "\1\5a\1x", 5, false },              /* a name that is longer than there is */
		{ "\1\1a\xff\xff\xff\x7f", 7, false }, /* so is a value, by far */
	};
	struct gh_reply *reply;
	struct gh_buf out = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(&plain);
		reply = gh_reply_new(instance, (struct gh_ticket){ 0 });
		ck_assert_int_eq(gh_reply_adopt(reply, (struct gh_bytes){ cases[i].p, cases[i].n }),
				 cases[i].right);
		out.n = 0;
		gh_reply_rows(&out, (struct gh_bytes){ reply->rows.p, reply->rows.n }, NULL);
		gh_buf_u8(&out, 0);
		ck_assert_str_eq((char *)out.p, i == 2 ? "{\"a\":\"x\"},{\"b\":\"\"}" : "");
		gh_reply_free(&reply);
		end();
	}
	gh_buf_done(&out);
}
END_TEST

GH_TEST_MAIN("hook/errand", rows, errors, bounded, answered_later, answered_early, never, hung,
	     cancelled, overtaken, invented, of_a_subject, named_rows, adopted_rows)
