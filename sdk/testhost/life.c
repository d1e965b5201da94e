/* SPDX-License-Identifier: Apache-2.0 */
/* The life of instances: made, in force, alone, replaced, gone. */
#include "priv.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_WALL_US INT64_C(1767225600000000) /* 2026-01-01 */
#define TIMEOUT_MS    5000u

int gh_error_set(struct gh_error *error, int code, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = gh_format_list(fmt, ap);
	va_end(ap);
	error->option[0] = 0;
	strncpy(error->text, text, sizeof(error->text) - 1);
	error->text[sizeof(error->text) - 1] = 0;
	free(text);
	return code;
}

/* ---- where a thread is ---- */

struct gh_here *gh_here(void)
{
	static _Thread_local struct gh_here here;

	return &here;
}

struct gh_instance *gh_instance_of(struct gh_host *host)
{
	return (struct gh_instance *)(void *)host;
}

bool gh_instance_blocks(const struct gh_instance *instance)
{
	return instance->host->plugin.flags & GH_BLOCKING;
}

void gh_instance_run_here(struct gh_instance *instance, enum gh_place place, void (*fn)(void *),
			  void *arg)
{
	struct gh_here *here = gh_here(), before = *here;

	*here = (struct gh_here){ .instance = instance, .place = place, .worker = true };
	if (place == GH_IN_HOOK || place == GH_IN_LOOP)
		here->local = instance->local;
	fn(arg);
	*here = before;
}

struct lane_call {
	struct gh_instance *instance;
	enum gh_place place;
	void (*fn)(void *);
	void *arg;
};

static void on_lane(void *arg)
{
	const struct lane_call *call = arg;
	struct gh_here *here = gh_here();

	*here = (struct gh_here){ .instance = call->instance,
				  .place = call->place,
				  .local = call->instance->lane_local };
	call->fn(call->arg);
	here->place = GH_ELSEWHERE;
}

void gh_instance_run(struct gh_instance *instance, enum gh_place place, void (*fn)(void *), void *arg)
{
	struct lane_call call = { instance, place, fn, arg };

	if (instance->lane)
		gh_lane_run(instance->lane, on_lane, &call);
	else
		gh_instance_run_here(instance, place, fn, arg);
}

/* ---- threads ---- */

static void thread_start(void *arg)
{
	struct gh_instance *instance = arg;

	instance->local = instance->host->plugin.thread_start(instance->self);
}

static void thread_stop(void *arg)
{
	struct gh_instance *instance = arg;

	instance->host->plugin.thread_stop(instance->self, instance->local);
}

static void lane_begin(void *arg)
{
	struct gh_instance *instance = arg;

	*gh_here() = (struct gh_here){ .instance = instance, .place = GH_IN_END };
	if (instance->host->plugin.thread_start)
		instance->lane_local = instance->host->plugin.thread_start(instance->self);
}

static void lane_end(void *arg)
{
	struct gh_instance *instance = arg;

	*gh_here() = (struct gh_here){ .instance = instance, .place = GH_IN_END };
	if (instance->host->plugin.thread_stop)
		instance->host->plugin.thread_stop(instance->self, instance->lane_local);
}

/* Of a blocking instance only what can't wait stays on the worker. */
static bool on_worker(const struct gh_instance *instance)
{
	const struct gh_plugin *plugin = &instance->host->plugin;

	return plugin->thread_start &&
	       (!gh_instance_blocks(instance) || plugin->accept || plugin->psk || plugin->event ||
		plugin->barrier || plugin->store);
}

/* ---- the end ---- */

static void destroy(void *arg)
{
	struct gh_instance *instance = arg;

	instance->host->plugin.destroy(instance->self);
}

static void close_tickets(struct gh_instance *instance)
{
	struct gh_tickets *tickets = &instance->host->tickets;
	struct gh_answer *answer;
	struct gh_reply *reply;
	struct gh_ticket ticket;

	while ((ticket = gh_tickets_any(tickets, instance)).id) {
		answer = gh_tickets_close(tickets, ticket, GH_TICKET_DROPPED);
		gh_answer_free(&answer);
	}
	while ((ticket = gh_tickets_any(tickets, &instance->replies)).id) {
		reply = gh_tickets_close(tickets, ticket, GH_TICKET_DROPPED);
		gh_reply_free(&reply);
	}
	while ((ticket = gh_tickets_any(tickets, &instance->sinks)).id)
		gh_testhost_drop_fetch(instance->host, ticket);
}

static void instance_free(struct gh_instance *instance)
{
	gh_config_free(&instance->config);
	free(instance->directory);
	free(instance);
}

static void take_down(struct gh_instance *instance)
{
	struct gh_testhost *host = instance->host;
	bool was_in_force = instance->in_force;

	close_tickets(instance);
	while (gh_work_jobs(host))
		;
	gh_work_stop(instance);
	gh_attached_free(instance);
	instance->in_force = false;
	gh_lane_free(&instance->lane);
	if (was_in_force && on_worker(instance))
		gh_instance_run_here(instance, GH_IN_END, thread_stop, instance);
	gh_instance_run_here(instance, GH_IN_END, destroy, instance);
	/* What its last threads have begun meanwhile. */
	while (gh_work_jobs(host))
		;
	instance_free(instance);
}

/* ---- create ---- */

struct creation {
	struct gh_instance *instance;
	void *previous;
	struct gh_error error;
	int rc;
};

static void create(void *arg)
{
	struct creation *c = arg;
	struct gh_instance *instance = c->instance;

	c->rc = instance->host->plugin.create((struct gh_host *)(void *)instance,
					      gh_config_struct(instance->config), c->previous,
					      &instance->self, &c->error);
}

/* With an option's name the place where it is written is added. */
static int failed(const struct gh_testhost *host, const struct gh_error *theirs, int code,
		  const char *what, struct gh_error *error)
{
	const struct gh_setting *setting =
		theirs->option[0] ? gh_setting_find(&host->settings, theirs->option) : NULL;
	const char *place = setting && setting->place ? setting->place : NULL;

	if (code > 0)
		code = GH_EINVAL;
	if (!theirs->text[0])
		gh_error_set(error, code, "%s failed without gh_fail() (%s)", what,
			     gh_code_word(code));
	else
		gh_error_set(error, code, "%s%s%s", place ? place : "", place ? ": " : "",
			     theirs->text);
	memcpy(error->option, theirs->option, sizeof(error->option));
	return code;
}

static int make(struct gh_testhost *host, struct gh_instance **instance_r, struct gh_error *error)
{
	struct creation c = { .error = { .api = &gh_testhost_api } };
	struct gh_instance *instance = gh_new(sizeof(*instance));
	int rc = gh_config_new(host->options, host->plugin.config_size, &host->settings,
			       host->base ? host->base : ".", &instance->config, error);

	if (rc) {
		free(instance);
		return rc;
	}
	instance->api = &gh_testhost_api;
	instance->host = host;
	c.instance = instance;
	c.previous = host->instance ? host->instance->self : NULL;
	gh_instance_run_here(instance, GH_IN_CREATE, create, &c);
	if (c.rc) {
		rc = failed(host, &c.error, c.rc, "create", error);
		gh_work_stop(instance);
		instance_free(instance);
		return rc;
	}
	rc = gh_store_load(instance, error);
	if (rc) {
		take_down(instance);
		return rc;
	}
	*instance_r = instance;
	return 0;
}

static void put_in_force(struct gh_instance *instance)
{
	if (gh_instance_blocks(instance))
		instance->lane = gh_lane_new(lane_begin, lane_end, instance);
	if (on_worker(instance))
		gh_instance_run_here(instance, GH_IN_END, thread_start, instance);
	instance->in_force = true;
	gh_clock_release(&instance->host->clock, instance);
}

/* ---- alone ---- */

struct solitude {
	struct gh_instance *instance;
	struct gh_error error;
	int rc;
};

static void alone(void *arg)
{
	struct solitude *s = arg;

	s->rc = s->instance->host->plugin.alone(s->instance->self, &s->error);
}

static void tell_what_is_true(struct gh_testhost *host, struct gh_instance *instance)
{
	struct gh_event event = { .size = sizeof(event) };

	for (size_t i = 0; host->replay && host->replay(host->replay_arg, i, &event); i++)
		if (event.kind & instance->replay) {
			instance->events |= event.kind;
			gh_testhost_event(host, &event);
		}
}

static void make_alone(struct gh_instance *instance)
{
	struct solitude s = { instance, { .api = &gh_testhost_api }, 0 };
	struct gh_testhost *host = instance->host;
	struct gh_error error;
	uint64_t events = instance->events;

	instance->is_alone = true;
	if (!host->plugin.alone)
		return;
	gh_instance_run(instance, GH_IN_ALONE, alone, &s);
	if (s.rc) {
		failed(host, &s.error, s.rc, "alone", &error);
		memcpy(instance->failed_why, error.text, sizeof(instance->failed_why));
		instance->failed = true;
		gh_log_line(host, "testhost", GH_LOG_ERROR, "alone: %s", error.text);
		return;
	}
	tell_what_is_true(host, instance);
	instance->events = events;
}

/* ---- draining ---- */

static bool is_idle(const struct gh_instance *instance)
{
	struct gh_tickets *tickets = &instance->host->tickets;

	return !gh_tickets_any(tickets, instance).id &&
	       !gh_tickets_any(tickets, &instance->replies).id && !instance->jobs &&
	       !instance->exchanges && !instance->barriers;
}

void gh_life_drain(struct gh_testhost *host)
{
	struct gh_instance **at = &host->old, *gone;

	while ((gone = *at)) {
		if (!is_idle(gone)) {
			at = &gone->next;
			continue;
		}
		*at = gone->next;
		take_down(gone);
	}
	if (!host->old && host->instance && !host->instance->is_alone)
		make_alone(host->instance);
}

/* ---- the public part ---- */

int gh_testhost_create(struct gh_testhost *host, struct gh_error *error)
{
	struct gh_instance *instance;
	int rc;

	if (host->instance)
		return gh_error_set(error, GH_EINVAL, "there is an instance already");
	rc = make(host, &instance, error);
	if (rc)
		return rc;
	host->instance = instance;
	put_in_force(instance);
	gh_life_drain(host);
	return 0;
}

int gh_testhost_reload(struct gh_testhost *host, struct gh_error *error)
{
	struct gh_instance *instance;
	int rc;

	if (!host->instance)
		return gh_error_set(error, GH_EINVAL, "there is no instance yet");
	if (host->plugin.store)
		return gh_error_set(error, GH_ENOTSUP,
				    "a store isn't replaced: that needs a restart");
	rc = make(host, &instance, error);
	if (rc)
		return rc;
	put_in_force(instance);
	host->instance->next = host->old;
	host->old = host->instance;
	host->instance = instance;
	gh_life_drain(host);
	return 0;
}

void gh_testhost_destroy(struct gh_testhost *host)
{
	struct gh_instance *instance = host->instance, *old;

	while ((old = host->old)) {
		host->old = old->next;
		take_down(old);
	}
	host->instance = NULL;
	if (instance)
		take_down(instance);
}

bool gh_testhost_works(const struct gh_testhost *host)
{
	return host->instance;
}

const char *gh_testhost_failure(const struct gh_testhost *host)
{
	return host->instance && host->instance->failed ? host->instance->failed_why : NULL;
}

unsigned gh_testhost_drains(const struct gh_testhost *host)
{
	unsigned count = 0;

	for (const struct gh_instance *old = host->old; old; old = old->next)
		count++;
	return count;
}

int gh_testhost_open(const char *file, struct gh_testhost **host_r, struct gh_error *error)
{
	struct gh_testhost *host = gh_new(sizeof(*host));
	int rc;

	host->file = gh_copy(file);
	host->timeout_ms = TIMEOUT_MS;
	host->show = GH_LOG_WARNING;
	host->acts_end = &host->acts;
	host->jobs_end = &host->jobs;
	gh_clock_init(&host->clock, FIRST_WALL_US);
	gh_tickets_init(&host->tickets);
	gh_metrics_init(&host->metrics);
	pthread_mutex_init(&host->lock, NULL);
	rc = gh_module_load(host, error);
	if (rc)
		gh_testhost_free(&host);
	else
		*host_r = host;
	return rc;
}

static int remove_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void gh_testhost_free(struct gh_testhost **host)
{
	struct gh_testhost *gone = *host;
	struct gh_act *act;

	*host = NULL;
	gh_testhost_destroy(gone);
	gh_lane_free(&gone->offload);
	while ((act = gh_testhost_act(gone)))
		gh_act_free(&act);
	if (gone->own_directory)
		nftw(gone->directory, remove_file, 8, FTW_DEPTH | FTW_PHYS);
	gh_barriers_done(gone);
	gh_fetch_forget(gone, (struct gh_ticket){ 0 });
	gh_sink_free(&gone->loaded);
	gh_kept_done(gone);
	gh_log_done(gone);
	gh_clock_done(&gone->clock);
	gh_tickets_done(&gone->tickets);
	gh_metrics_done(&gone->metrics);
	pthread_mutex_destroy(&gone->lock);
	gh_setting_done(&gone->settings);
	gh_options_free(&gone->options);
	free(gone->commands);
	while (gone->class_count)
		free(gone->classes[--gone->class_count]);
	free(gone->classes);
	free(gone->slots);
	free(gone->file);
	free(gone->name);
	free(gone->base);
	free(gone->directory);
	free(gone);
}

const struct gh_plugin *gh_testhost_plugin(const struct gh_testhost *host)
{
	return &host->plugin;
}

static void set_text(char **to, const char *from)
{
	free(*to);
	*to = gh_copy(from);
}

void gh_testhost_name(struct gh_testhost *host, const char *name)
{
	set_text(&host->name, name);
}

const char *gh_testhost_named(const struct gh_testhost *host)
{
	return host->name;
}

void gh_testhost_directory(struct gh_testhost *host, const char *path)
{
	set_text(&host->directory, path);
}

void gh_testhost_base(struct gh_testhost *host, const char *directory)
{
	set_text(&host->base, directory);
}

char *gh_testhost_path(const struct gh_testhost *host, const char *path)
{
	return *path == '/' ? gh_copy(path) : gh_format("%s/%s", host->base ? host->base : ".", path);
}

void gh_testhost_clock(struct gh_testhost *host, int64_t wall_us)
{
	host->clock.wall_us = wall_us - (int64_t)(gh_clock_now(&host->clock) / 1000);
}

void gh_testhost_timeout(struct gh_testhost *host, uint64_t ms)
{
	host->timeout_ms = ms;
}

void gh_testhost_option(struct gh_testhost *host, const char *path, const char *const *words,
			size_t count, const char *place)
{
	gh_setting_put(&host->settings, path, words, count, place);
}

void gh_testhost_replay(struct gh_testhost *host, gh_replay_fn *fn, void *arg)
{
	host->replay = fn;
	host->replay_arg = arg;
}
