/* SPDX-License-Identifier: Apache-2.0 */
/* A runtime's life with real modules: all or nothing, handed over, idle, taken down. Needs the
 * modules of tests/plugins. */
#include "hook/module_fixture.h"

#include "hook/ask.h"
#include "hook/event.h"
#include "hook/instance.h"
#include "hook/snapshot.h"

#include <stdarg.h>

static struct gh_hooks hooks;
static struct gh_loop *loop;
static struct gh_inbox *inbox;
static struct gh_asker *worker;
static struct gh_runtime *idle;
static struct gh_instance *gone[8]; /* that nobody holds any more, in that order */
static unsigned gone_count, alone_count;
static char log_file[300];

static void on_idle(void *arg, struct gh_runtime *runtime)
{
	(void)arg;
	idle = runtime;
}

static void on_instance_idle(void *arg, struct gh_instance *instance)
{
	(void)arg;
	gone[gone_count++] = instance;
}

static void on_alone(void *arg, struct gh_instance *instance)
{
	(void)arg, (void)instance;
	alone_count++;
}

static void post(void *arg, struct gh_mail *mail)
{
	gh_inbox_post(arg, GH_LANE_CONTROL, mail);
}

static void begin(void)
{
	setup();
	copy("probe");
	copy("sleeper");
	snprintf(log_file, sizeof(log_file), "%s/log", directory);
	loop = gh_loop_new();
	inbox = gh_inbox_new(loop, &hooks);
	hooks = (struct gh_hooks){ .loader = loader,
				   .askers = gh_askers_new(2),
				   .metrics = gh_metrics_new(2),
				   .on_idle = on_idle,
				   .on_instance_idle = on_instance_idle,
				   .on_alone = on_alone };
	worker = gh_asker_enter(hooks.askers, 0, loop, post, inbox);
	gh_loop_poll(loop);
}

static void finish(void)
{
	gh_asker_leave(worker);
	gh_inbox_free(&inbox);
	gh_loop_free(&loop);
	gh_askers_free(&hooks.askers);
	gh_metrics_free(&hooks.metrics);
	teardown();
}

/* A listener with these lists, and these plugins; FILE stands for the log. */
static int build(const char *lists, const char *plugins, struct gh_runtime *previous,
		 struct gh_runtime **runtime_r, struct gh_error *error)
{
	struct gh_settings *settings = NULL;
	char text[2000], *at;
	int n = snprintf(text, sizeof(text),
			 "listeners:\n  mqtt: { address: '127.0.0.1:0', %s }\nplugins:\n", lists);

	for (const char *p = plugins; *p && n < 1500; p++) {
		if (strncmp(p, "FILE", 4) == 0) {
			n += snprintf(text + n, sizeof(text) - (size_t)n, "%s", log_file);
			p += 3;
		} else {
			text[n++] = *p;
		}
	}
	at = text + n;
	*at = 0;
	ck_assert_msg(gh_settings_parse("test.yaml", text, (size_t)n, &settings, error) == 0, "%s",
		      error->text);
	n = gh_runtime_build(&hooks, settings, previous, runtime_r, error);
	if (n)
		gh_settings_free(&settings);
	return n;
}

/* The log's lines in order, each by its first word ("create,thread start"). */
static const char *seen(void)
{
	static char words[2000];
	struct gh_buf buf;

	words[0] = 0;
	if (access(log_file, R_OK) != 0)
		return words;
	buf = read_file(log_file);
	gh_buf_u8(&buf, 0);
	for (char *p = (char *)buf.p; (p = strstr(p, "{\"what\":\"")); p++) {
		size_t n = strcspn(p + 9, "\"");

		ck_assert_uint_lt(strlen(words) + n + 2, sizeof(words));
		strcat(words, *words ? "," : "");
		strncat(words, p + 9, n);
	}
	gh_buf_done(&buf);
	return words;
}

/* What nobody holds any more is stopped and destroyed. */
static void destroy_gone(void)
{
	for (unsigned i = 0; i < gone_count; i++) {
		gh_instance_worker_stop(gone[i], worker);
		gh_instance_free(&gone[i]);
	}
	gone_count = 0;
}

static void take_down(struct gh_runtime *runtime)
{
	gh_runtime_worker_leave(runtime, worker);
	idle = NULL;
	gh_runtime_retire(&runtime);
	ck_assert_ptr_null(runtime);
	ck_assert_ptr_nonnull(idle);
	gh_runtime_free(&idle);
	destroy_gone();
}

#define LISTS "anonymous: yes, authorize: [probe]"
#define PROBE "  probe: { file: FILE, answers: [ { hook: authorize, topic: t, answer: allow } ] }\n"

START_TEST(life)
{
	struct gh_runtime *runtime = NULL, *next = NULL;
	struct gh_error error = { 0 };

	begin();
	ck_assert_msg(build(LISTS, PROBE, NULL, &runtime, &error) == 0, "%s", error.text);
	gh_runtime_worker_start(runtime, worker);
	ck_assert_str_eq(seen(), "create,thread start");
	ck_assert_msg(build(LISTS, PROBE, runtime, &next, &error) == 0, "%s", error.text);
	gh_runtime_worker_start(next, worker);
	ck_assert_uint_eq(next->generation, runtime->generation + 1);
	take_down(runtime);
	ck_assert_str_eq(seen(), "create,thread start,create again,thread start,thread stop,destroy");
	take_down(next);
	finish();
}
END_TEST

START_TEST(asks_and_tells)
{
	struct gh_runtime *runtime = NULL;
	struct gh_error error = { 0 };
	struct gh_client facts = { .client_id = "c", .listener = "mqtt" };
	struct gh_snapshot *client = gh_snapshot_new(&facts, gh_identity_anonymous());
	struct gh_asking asking;
	struct gh_authorize in = { .client = gh_snapshot_client(client),
				   .action = GH_PUBLISH,
				   .topic = { "t", 1 } };
	struct gh_event event = { .kind = GH_EV_CONNECT, .client = gh_snapshot_client(client) };
	struct gh_decision decision;
	struct gh_instance_stats stats;

	begin();
	ck_assert_msg(
		build(LISTS,
		      "  probe: { file: FILE, events: [connect], answers: [ { topic: t, answer: allow } ] }\n",
		      NULL, &runtime, &error) == 0,
		"%s", error.text);
	gh_runtime_worker_start(runtime, worker);
	asking = (struct gh_asking){ .asker = worker,
				     .chain = gh_runtime_policy(runtime, "mqtt")->authorize };
	ck_assert_ptr_null(gh_ask_authorize(&asking, &in, NULL, &decision));
	ck_assert_int_eq(decision.verdict, GH_ALLOW);
	in.topic = (struct gh_str){ "u", 1 };
	ck_assert_ptr_null(gh_ask_authorize(&asking, &in, NULL, &decision));
	ck_assert_int_eq(decision.verdict, GH_DENY);
	ck_assert(gh_event_wanted(runtime, GH_EV_CONNECT | GH_EV_PUBLISH));
	ck_assert(!gh_event_wanted(runtime, GH_EV_PUBLISH));
	gh_event_tell(runtime, &event);
	event.kind = GH_EV_PUBLISH;
	gh_event_tell(runtime, &event);
	ck_assert_str_eq(seen(), "create,thread start,event");
	gh_instance_stats(gh_runtime_instance(runtime, "probe"), &stats);
	ck_assert_uint_eq(stats.calls[GH_HOOK_AUTHORIZE], 2);
	ck_assert_uint_eq(stats.verdicts[GH_ALLOW], 1);
	ck_assert_uint_eq(stats.verdicts[GH_PASS], 1);
	ck_assert_uint_eq(stats.calls[GH_HOOK_EVENT], 1);
	take_down(runtime);
	gh_snapshot_unref(&client);
	finish();
}
END_TEST

/* One that can't be created takes back those before it, and the one in force isn't touched. */
START_TEST(all_or_nothing)
{
	struct gh_runtime *runtime = NULL, *next = NULL;
	struct gh_error error = { 0 };

	begin();
	ck_assert_int_eq(build(LISTS, PROBE, NULL, &runtime, &error), 0);
	ck_assert_int_eq(build(LISTS, PROBE "  second:\n    module: probe\n    fail: no way\n",
			       runtime, &next, &error),
			 GH_EINVAL);
	ck_assert_ptr_null(next);
	ck_assert_msg(strstr(error.text, "test.yaml:7:11") && strstr(error.text, "'second'") &&
			      strstr(error.text, "no way"),
		      "%s", error.text);
	ck_assert_str_eq(seen(), "create,create again,destroy");
	/* a list that is wrong is seen before anything is created */
	ck_assert_int_eq(build("anonymous: yes, authorize: [prob]", PROBE, runtime, &next, &error),
			 GH_EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "did you mean 'probe'"));
	ck_assert_int_eq(build(LISTS, PROBE "  other: { module: nothing }\n", runtime, &next, &error),
			 GH_ENOENT);
	ck_assert_ptr_nonnull(strstr(error.text, "test.yaml:5"));
	ck_assert_int_eq(build(LISTS, PROBE "  other: { module: probe, threads: 2 }\n", runtime,
			       &next, &error),
			 GH_EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "threads"));
	ck_assert_str_eq(seen(), "create,create again,destroy");
	gh_runtime_discard(&runtime);
	ck_assert_str_eq(seen(), "create,create again,destroy,destroy");
	finish();
}
END_TEST

static unsigned done_calls;

static void done(void *arg, struct gh_decision *decision)
{
	(void)arg;
	ck_assert_int_eq(decision->verdict, GH_DENY);
	done_calls++;
}

/* An open ticket keeps the old runtime from going; its deadline ends that. */
START_TEST(waits_for_tickets)
{
	struct gh_runtime *runtime = NULL, *held;
	struct gh_error error = { 0 };
	struct gh_client facts = { .client_id = "c", .listener = "mqtt" };
	struct gh_snapshot *client = gh_snapshot_new(&facts, gh_identity_anonymous());
	struct gh_asking asking;
	struct gh_authorize in = { .client = gh_snapshot_client(client),
				   .action = GH_PUBLISH,
				   .topic = { "t", 1 } };
	struct gh_decision decision;
	uint64_t end;

	begin();
	ck_assert_msg(build(LISTS,
			    "  probe: { answers: [ { topic: t, answer: allow, how: never } ] }\n",
			    NULL, &runtime, &error) == 0,
		      "%s", error.text);
	runtime->settings->limits.hook_timeout = 50;
	gh_runtime_worker_start(runtime, worker);
	asking = (struct gh_asking){ .asker = worker,
				     .chain = gh_runtime_policy(runtime, "mqtt")->authorize,
				     .done = done };
	gh_loop_poll(loop);
	ck_assert_ptr_nonnull(gh_ask_authorize(&asking, &in, NULL, &decision));
	gh_runtime_worker_leave(runtime, worker);
	held = runtime;
	idle = NULL;
	gh_runtime_retire(&runtime);
	ck_assert_ptr_null(idle);
	end = gh_loop_now_ms(loop) + 20000;
	while (!idle && gh_loop_now_ms(loop) < end)
		gh_loop_poll(loop);
	ck_assert_ptr_eq(idle, held);
	ck_assert_uint_eq(done_calls, 1);
	gh_runtime_free(&idle);
	destroy_gone();
	gh_snapshot_unref(&client);
	finish();
}
END_TEST

static enum gh_verdict ask_of(struct gh_runtime *runtime, struct gh_decision *decision)
{
	struct gh_client facts = { .client_id = "c", .listener = "mqtt" };
	struct gh_snapshot *client = gh_snapshot_new(&facts, gh_identity_anonymous());
	struct gh_authorize in = { .client = gh_snapshot_client(client),
				   .action = GH_PUBLISH,
				   .topic = { "t", 1 } };
	struct gh_asking asking = { .asker = worker,
				    .chain = gh_runtime_policy(runtime, "mqtt")->authorize };

	ck_assert_ptr_null(gh_ask_authorize(&asking, &in, NULL, decision));
	gh_snapshot_unref(&client);
	return decision->verdict;
}

/* The runtime in which one is another; it takes the place of *runtime. */
static int change(struct gh_runtime **runtime, const char *name, enum gh_runtime_change how,
		  struct gh_error *error)
{
	struct gh_runtime *next;
	int rc = gh_runtime_change(*runtime, name, how, &next, error);

	if (rc)
		return rc;
	gh_runtime_worker_start(next, worker);
	take_down(*runtime);
	*runtime = next;
	return 0;
}

#define TWO PROBE "  second: { module: probe, file: FILE }\n"

/* All others are the same in both runtimes, and neither of them is touched. */
START_TEST(one_is_changed)
{
	struct gh_runtime *runtime = NULL;
	struct gh_instance *first, *second;
	struct gh_error error = { 0 };

	begin();
	ck_assert_msg(build(LISTS, TWO, NULL, &runtime, &error) == 0, "%s", error.text);
	gh_runtime_worker_start(runtime, worker);
	first = runtime->instances[0];
	second = runtime->instances[1];
	ck_assert_int_eq(change(&runtime, "second", GH_CHANGE_RELOAD, &error), 0);
	ck_assert_ptr_eq(runtime->instances[0], first);
	ck_assert(gh_instance_generation(runtime->instances[1]) == 2);
	ck_assert_str_eq(
		seen(),
		"create,create,thread start,thread start,create again,thread start,thread stop,destroy");
	second = runtime->instances[1];
	ck_assert_int_eq(change(&runtime, NULL, GH_CHANGE_NONE, &error), 0);
	ck_assert_ptr_eq(runtime->instances[0], first);
	ck_assert_ptr_eq(runtime->instances[1], second);
	ck_assert_uint_eq(runtime->generation, 3);
	ck_assert_int_eq(change(&runtime, "secnd", GH_CHANGE_RELOAD, &error), GH_ENOENT);
	ck_assert_ptr_nonnull(strstr(error.text, "did you mean 'second'"));
	ck_assert_int_eq(change(&runtime, "other", GH_CHANGE_DISABLE, &error), GH_ENOENT);
	take_down(runtime);
	ck_assert_str_eq(
		seen() + strlen("create,create,thread start,thread start,create again,thread start,thread stop,destroy"),
		",thread stop,destroy,thread stop,destroy");
	finish();
}
END_TEST

/* It stays in its lists and denies, whatever `on-error` says, over a reload too. */
START_TEST(disabled)
{
	static const char plugins[] =
		"  probe: { file: FILE, on-error: next, answers: [ { hook: authorize, topic: t, answer: allow } ] }\n";
	struct gh_runtime *runtime = NULL, *next = NULL;
	struct gh_error error = { 0 };
	struct gh_decision decision;

	begin();
	ck_assert_msg(build(LISTS, plugins, NULL, &runtime, &error) == 0, "%s", error.text);
	gh_runtime_worker_start(runtime, worker);
	ck_assert_int_eq(ask_of(runtime, &decision), GH_ALLOW);
	ck_assert_int_eq(change(&runtime, "probe", GH_CHANGE_ENABLE, &error), GH_EINVAL);
	ck_assert_int_eq(change(&runtime, "probe", GH_CHANGE_DISABLE, &error), 0);
	ck_assert_str_eq(seen(), "create,thread start,thread stop,destroy");
	ck_assert_int_eq(ask_of(runtime, &decision), GH_DENY);
	ck_assert_str_eq(decision.why, "disabled");
	ck_assert_str_eq(decision.module, "probe");
	ck_assert(gh_instance_disabled(runtime->instances[0]));
	ck_assert_str_eq(gh_instance_file(runtime->instances[0]), "");
	ck_assert(!gh_instance_alone(runtime->instances[0]));
	ck_assert_int_eq(change(&runtime, "probe", GH_CHANGE_DISABLE, &error), GH_EINVAL);
	ck_assert_int_eq(build(LISTS, plugins, runtime, &next, &error), 0);
	ck_assert(gh_instance_disabled(next->instances[0]));
	gh_runtime_discard(&next);
	ck_assert_int_eq(change(&runtime, "probe", GH_CHANGE_ENABLE, &error), 0);
	ck_assert_int_eq(ask_of(runtime, &decision), GH_ALLOW);
	ck_assert_str_eq(seen(), "create,thread start,thread stop,destroy,create,thread start");
	take_down(runtime);
	finish();
}
END_TEST

#define LIFE "anonymous: yes, authorize: [life]"

/* Once; not at all where it was replaced before. An error turns it off. */
START_TEST(alone)
{
	struct gh_runtime *runtime = NULL;
	struct gh_error error = { 0 };
	struct gh_decision decision;
	struct gh_event event = { .kind = GH_EV_MODULE };

	begin();
	copy("life");
	ck_assert_msg(build(LIFE, "  life: { alone-fails: the port is taken, file: FILE }\n", NULL,
			    &runtime, &error) == 0,
		      "%s", error.text);
	gh_runtime_worker_start(runtime, worker);
	ck_assert_int_eq(ask_of(runtime, &decision), GH_ALLOW);
	alone_count = 0;
	ck_assert(gh_instance_alone(runtime->instances[0]));
	ck_assert(!gh_instance_alone(runtime->instances[0]));
	ck_assert_uint_eq(alone_count, 1);
	ck_assert_str_eq(gh_instance_off(runtime->instances[0]),
			 "test.yaml:4:24: 'life': the port is taken");
	ck_assert_int_eq(ask_of(runtime, &decision), GH_DENY);
	ck_assert_ptr_nonnull(strstr(decision.why, "the port is taken"));
	gh_event_tell(runtime, &event);
	ck_assert_int_eq(change(&runtime, "life", GH_CHANGE_RELOAD, &error), 0);
	ck_assert_int_eq(ask_of(runtime, &decision), GH_ALLOW);
	gh_instance_retire(runtime->instances[0]);
	ck_assert(gh_instance_alone(runtime->instances[0]));
	ck_assert_uint_eq(alone_count, 2);
	ck_assert_ptr_null(gh_instance_off(runtime->instances[0]));
	take_down(runtime);
	ck_assert_str_eq(
		seen(),
		"create,created,alone,create again,created,thread stop,destroy,thread stop,destroy");
	finish();
}
END_TEST

GH_FILES_TEST_MAIN("hook/runtime", life, asks_and_tells, all_or_nothing, waits_for_tickets,
		   one_is_changed, disabled, alone)
