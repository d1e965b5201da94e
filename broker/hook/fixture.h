/* SPDX-License-Identifier: Apache-2.0 */
/* For this folder's tests: an asker with a real loop, and instances of modules that live in the
 * test. */
#ifndef GH_HOOK_FIXTURE_H
#define GH_HOOK_FIXTURE_H

#include "base/clock.h"
#include "base/mem.h"
#include "base/test.h"
#include "hook/ask_priv.h"
#include "hook/asker_priv.h"
#include "hook/host.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define FIXTURE_INSTANCES 8

struct fixture {
	struct gh_hooks hooks;
	struct gh_settings settings;
	struct gh_runtime runtime;
	struct gh_instance *instances[FIXTURE_INSTANCES];
	struct gh_loop *loop;
	struct gh_inbox *inbox;
	struct gh_asker *asker;
	struct gh_snapshot *client;
	atomic_uint idle, instances_idle; /* calls of on_idle, on_instance_idle */
	/* what done() was told */
	unsigned done;
	struct gh_decision decision;
	char shown[32]; /* what shown() was told, and a dot */
};

static void fixture_on_idle(void *arg, struct gh_runtime *runtime)
{
	(void)runtime;
	atomic_fetch_add(&((struct fixture *)arg)->idle, 1);
}

static void fixture_on_instance_idle(void *arg, struct gh_instance *instance)
{
	(void)instance;
	atomic_fetch_add(&((struct fixture *)arg)->instances_idle, 1);
}

static void fixture_post(void *arg, struct gh_mail *mail)
{
	gh_inbox_post(((struct fixture *)arg)->inbox, GH_LANE_CONTROL, mail);
}

static GH_UNUSED void fixture_init(struct fixture *fixture)
{
	struct gh_client facts = { .protocol = 5,
				   .connection = 7,
				   .client_id = "c1",
				   .listener = "mqtt",
				   .address = "192.0.2.7",
				   .ip = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7 } };

	*fixture = (struct fixture){ 0 };
	fixture->settings.limits.hook_timeout = 5000;
	fixture->settings.limits.packet_size = 100;
	fixture->hooks.askers = gh_askers_new(2);
	fixture->hooks.metrics = gh_metrics_new(2);
	fixture->hooks.on_idle = fixture_on_idle;
	fixture->hooks.on_instance_idle = fixture_on_instance_idle;
	fixture->hooks.arg = fixture;
	fixture->runtime = (struct gh_runtime){ .generation = 1,
						.settings = &fixture->settings,
						.instances = fixture->instances,
						.hooks = &fixture->hooks };
	atomic_init(&fixture->runtime.refs, 1);
	fixture->loop = gh_loop_new();
	fixture->inbox = gh_inbox_new(fixture->loop, fixture);
	fixture->asker =
		gh_asker_enter(fixture->hooks.askers, 0, fixture->loop, fixture_post, fixture);
	fixture->client = gh_snapshot_new(&facts, NULL);
	gh_loop_poll(fixture->loop);
}

static GH_UNUSED void fixture_done(struct fixture *fixture)
{
	gh_decision_done(&fixture->decision);
	gh_snapshot_unref(&fixture->client);
	/* Whoever waited has gone: nothing but the control thread's hold is left. */
	ck_assert_uint_eq(atomic_load(&fixture->runtime.refs), 1);
	for (size_t i = 0; i < fixture->runtime.instance_count; i++)
		ck_assert_uint_eq(atomic_load(&fixture->instances[i]->refs), 1);
	for (size_t i = 0; i < fixture->runtime.instance_count; i++) {
		fixture->instances[i]->held = NULL;
		gh_instance_free(&fixture->instances[i]);
	}
	gh_asker_leave(fixture->asker);
	gh_inbox_free(&fixture->inbox);
	gh_loop_free(&fixture->loop);
	gh_askers_free(&fixture->hooks.askers);
	gh_metrics_free(&fixture->hooks.metrics);
}

static void fixture_destroy(void *self)
{
	(void)self;
}

/* plugin and self are the test's; plugin needs no life. */
static GH_UNUSED struct gh_instance *fixture_add(struct fixture *fixture, const char *name,
						 struct gh_plugin *plugin, void *self)
{
	struct gh_instance *instance = gh_zalloc(sizeof(*instance));
	struct gh_error error = { 0 };

	plugin->destroy = fixture_destroy;
	instance->api = &gh_host_table;
	instance->hooks = &fixture->hooks;
	atomic_init(&instance->refs, 1);
	instance->generation = 1;
	instance->held = &fixture->settings; /* lent: see fixture_done() */
	instance->plugin = plugin;
	instance->self = self;
	instance->created = true;
	instance->blocking = instance->elsewhere = plugin->flags & GH_BLOCKING;
	instance->serialized = !(plugin->flags & (GH_CONCURRENT | GH_BLOCKING));
	instance->name = instance->realm = name;
	instance->max_pending = 100;
	instance->threads = plugin->flags & GH_CONCURRENT ? 4 : 1;
	gh_instance_init(instance);
	gh_instance_make_series(instance);
	fixture->instances[fixture->runtime.instance_count++] = instance;
	ck_assert_int_eq(gh_instance_start(instance, &error), 0);
	return instance;
}

/* words: "a !b c": a required one has a '!'. */
static GH_UNUSED struct gh_chain *fixture_chain(struct fixture *fixture, enum gh_list_kind kind,
						bool open, const char *words)
{
	struct gh_entry_settings entries[FIXTURE_INSTANCES];
	struct gh_list_settings list = { .entries = entries, .open = open, .where = "test:1:1" };
	struct gh_chain *chain = NULL;
	struct gh_error error = { 0 };
	char text[200], *save = NULL;

	ck_assert_uint_lt(strlen(words), sizeof(text));
	strcpy(text, words);
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		entries[list.count++] = (struct gh_entry_settings){ word + (*word == '!'),
								    *word == '!', "test:1:1" };
	ck_assert_msg(gh_chain_build(kind, &list, &fixture->runtime, fixture->instances,
				     fixture->runtime.instance_count, &chain, &error) == 0,
		      "%s", error.text);
	return chain;
}

/* Takes what the decision owns. */
static GH_UNUSED void fixture_decided(void *arg, struct gh_decision *decision)
{
	struct fixture *fixture = arg;

	gh_decision_done(&fixture->decision);
	fixture->done++;
	fixture->decision = *decision;
	decision->identity = NULL;
	decision->edited = NULL;
	decision->client_id = NULL;
	decision->auth_data = NULL;
}

static GH_UNUSED void fixture_shown(void *arg, const char *name)
{
	struct fixture *fixture = arg;

	snprintf(fixture->shown, sizeof(fixture->shown), "%s.", name);
}

static GH_UNUSED struct gh_asking fixture_asking(struct fixture *fixture, const struct gh_chain *chain)
{
	return (struct gh_asking){ .asker = fixture->asker,
				   .chain = chain,
				   .done = fixture_decided,
				   .shown = fixture_shown,
				   .arg = fixture };
}

/* Turns the loop until done() was called `times` times in all, for 20 s at most. */
static GH_UNUSED void fixture_wait(struct fixture *fixture, unsigned times)
{
	uint64_t end = gh_clock_ms() + 20000;

	while (fixture->done < times && gh_clock_ms() < end) {
		gh_loop_poll(fixture->loop);
		sched_yield();
	}
	ck_assert_uint_eq(fixture->done, times);
}

#endif
