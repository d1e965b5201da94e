/* SPDX-License-Identifier: Apache-2.0 */
/* The process of an isolated instance: its start, its loop, its end. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/extract.h"
#include "hook/asker_priv.h"
#include "hook/host.h"
#include "hook/isolated_priv.h"
#include "hook/isolate_priv.h"
#include "hook/offload.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define QUEUE         (16u << 20) /* bytes that may wait for the broker: acts beyond it are GH_EBUSY */
#define PATH_MAX_TEXT 4096u
#define TELL_MS       1000u

/* ---- out ---- */

bool gh_isolated_put(struct gh_isolated *isolated, struct gh_buf *frame, bool must)
{
	bool goes;

	pthread_mutex_lock(&isolated->lock);
	goes = must || isolated->link.queued <= QUEUE;
	/* On the loop's own thread the end of the turn sends it. */
	if (goes && !isolated->link.first && !pthread_equal(pthread_self(), isolated->thread))
		gh_inbox_wake(isolated->inbox, 0);
	if (goes)
		gh_link_put(&isolated->link, frame);
	else
		gh_link_discard(frame);
	pthread_mutex_unlock(&isolated->lock);
	return goes;
}

static void on_turn_end(void *arg)
{
	struct gh_isolated *isolated = arg;
	bool more;

	pthread_mutex_lock(&isolated->lock);
	gh_link_send(&isolated->link); /* where the broker is gone, the end of what it sends is seen */
	more = isolated->link.first;
	pthread_mutex_unlock(&isolated->lock);
	gh_io_set(isolated->io, GH_IO_READ | (more ? GH_IO_WRITE : 0));
}

static void put_number(struct gh_isolated *isolated, enum gh_link_kind kind, uint64_t number)
{
	struct gh_buf frame = gh_link_begin(kind);

	gh_pack_number(&frame, number);
	gh_isolated_put(isolated, &frame, true);
}

static void pack_words(struct gh_buf *frame, const char *text)
{
	gh_pack_bytes(frame, (struct gh_bytes){ text ? text : "", text ? strlen(text) : 0 });
}

/* ---- the end ---- */

static void on_idle(void *arg, struct gh_runtime *runtime)
{
	struct gh_isolated *isolated = arg;

	(void)runtime;
	atomic_store(&isolated->runtime_idle, true);
	gh_inbox_wake(isolated->inbox, 0);
}

static void on_instance_idle(void *arg, struct gh_instance *instance)
{
	struct gh_isolated *isolated = arg;

	(void)instance;
	atomic_store(&isolated->instance_idle, true);
	gh_inbox_wake(isolated->inbox, 0);
}

static void on_wake(void *owner, uint64_t by)
{
	struct gh_isolated *isolated = owner;

	(void)by;
	if (atomic_exchange(&isolated->runtime_idle, false))
		gh_runtime_free(&isolated->runtime);
	if (atomic_load(&isolated->instance_idle))
		gh_loop_stop(isolated->loop);
}

/* As an instance in the broker ends: no call, no timer, thread_stop, destroy. */
static void destroy(struct gh_isolated *isolated)
{
	struct gh_runtime *runtime = isolated->runtime;

	if (!isolated->created) {
		gh_loop_stop(isolated->loop);
		return;
	}
	gh_loop_timeout_cancel(isolated->loop, &isolated->tell);
	gh_isolated_ask_end(isolated);
	gh_instance_retire(isolated->instance);
	if (isolated->started)
		gh_runtime_worker_leave(runtime, isolated->asker);
	gh_runtime_retire(&runtime);
}

static void fail(struct gh_isolated *isolated, const struct gh_error *error)
{
	struct gh_buf frame = gh_link_begin(GH_LINK_FAILED);

	pack_words(&frame, error->text);
	gh_isolated_put(isolated, &frame, true);
	gh_loop_stop(isolated->loop); /* the end of the turn still sends it */
}

/* ---- loaded ---- */

/* What it does on the thread where it is called, or with what only the broker's process has. */
static const char *bound_to_the_broker(const struct gh_plugin *plugin)
{
	if (plugin->flags & GH_IN_PROCESS)
		return "flag GH_IN_PROCESS";
	if (plugin->accept || plugin->handshake || plugin->psk)
		return plugin->accept ? "hook 'accept'"
		       : plugin->psk  ? "hook 'psk'"
				      : "hook 'handshake'";
	return plugin->store ? "a store" : NULL;
}

static int check(const struct gh_isolated *isolated, struct gh_error *error)
{
	const struct gh_plugin *plugin = isolated->instance->plugin;
	const char *what = bound_to_the_broker(plugin);

	return what ? gh_error_set(error, GH_EINVAL,
				   "%s: 'isolate: yes' isn't for module '%s': it has %s",
				   isolated->instance->settings->where, plugin->name, what)
		    : 0;
}

static void make_runtime(struct gh_isolated *isolated, uint64_t generation)
{
	struct gh_runtime *runtime = gh_zalloc(sizeof(*runtime));
	struct gh_chain *chain = gh_zalloc(sizeof(*chain) + sizeof(chain->entries[0]));

	atomic_init(&runtime->refs, 1);
	runtime->generation = generation;
	runtime->settings = isolated->settings;
	runtime->hooks = &isolated->hooks;
	runtime->instances = gh_alloc_array(1, sizeof(struct gh_instance *));
	chain->runtime = runtime;
	chain->has_optional = true;
	isolated->settings = NULL; /* the runtime's now */
	isolated->runtime = runtime;
	isolated->chain = chain;
}

static uint32_t hooks_of(const struct gh_plugin *plugin)
{
	return (plugin->authenticate ? GH_ISOLATE_AUTHENTICATE : 0u) |
	       (plugin->exchange ? GH_ISOLATE_EXCHANGE : 0u) |
	       (plugin->lookup ? GH_ISOLATE_LOOKUP : 0u) |
	       (plugin->authorize ? GH_ISOLATE_AUTHORIZE : 0u) |
	       (plugin->publish ? GH_ISOLATE_PUBLISH : 0u) |
	       (plugin->event ? GH_ISOLATE_EVENT : 0u) | (plugin->barrier ? GH_ISOLATE_BARRIER : 0u) |
	       (plugin->subject ? GH_ISOLATE_SUBJECT : 0u) | (plugin->alone ? GH_ISOLATE_ALONE : 0u);
}

static void pack_commands(struct gh_buf *frame, const struct gh_command *rows)
{
	size_t count = 0;

	while (rows && rows[count].name)
		count++;
	gh_pack_number(frame, count);
	for (size_t i = 0; i < count; i++) {
		pack_words(frame, rows[i].name);
		pack_words(frame, rows[i].usage);
		pack_words(frame, rows[i].help);
		gh_pack_number(frame, rows[i].flags);
	}
}

static void say_loaded(struct gh_isolated *isolated)
{
	const struct gh_plugin *plugin = isolated->instance->plugin;
	struct gh_buf frame = gh_link_begin(GH_LINK_LOADED);

	gh_pack_number(&frame, hooks_of(plugin));
	pack_words(&frame, plugin->name);
	pack_words(&frame, plugin->version);
	pack_words(&frame, plugin->summary);
	pack_words(&frame, gh_module_file(isolated->instance->module));
	pack_commands(&frame, plugin->commands);
	gh_isolated_put(isolated, &frame, true);
}

static int make_instance(struct gh_isolated *isolated, const char *directory, uint64_t generation,
			 struct gh_error *error)
{
	int rc = gh_loader_new(directory, &isolated->hooks.loader, error);

	if (rc)
		return rc;
	make_runtime(isolated, generation);
	rc = gh_instance_new(isolated->runtime, &isolated->runtime->settings->plugins[0], NULL,
			     &isolated->instance, error);
	if (rc)
		return rc;
	isolated->instance->api = &isolated->api;
	isolated->chain->entries[0].instance = isolated->instance;
	isolated->chain->count = 1;
	isolated->runtime->instances[0] = isolated->instance;
	isolated->runtime->instance_count = 1;
	return check(isolated, error);
}

static void load(struct gh_isolated *isolated, struct gh_unpack *in)
{
	uint64_t generation = gh_unpack_number(in, "generation", 0, UINT64_MAX);
	bool checking = gh_unpack_number(in, "checking", 0, 1);
	char *directory = gh_str_dup(gh_unpack_text(in, "directory", PATH_MAX_TEXT));
	struct gh_error error = { 0 };

	isolated->settings = gh_settings_extracted(in);
	if (gh_unpack_end(in) == 0) {
		isolated->hooks.checking = checking;
		gh_log_open(&isolated->settings->log, &error);
		gh_log_divert(gh_isolated_log, isolated);
		if (make_instance(isolated, directory, generation, &error))
			fail(isolated, &error);
		else
			say_loaded(isolated);
	}
	free(directory);
}

/* ---- created ---- */

static void create(struct gh_isolated *isolated, struct gh_unpack *in)
{
	struct gh_error error = { 0 };
	int rc;

	gh_isolated_kept(isolated, in);
	if (!isolated->instance)
		gh_unpack_fail(in, "nothing is loaded");
	if (gh_unpack_end(in))
		return;
	rc = gh_instance_create(isolated->instance, NULL, &error);
	if (!rc)
		rc = gh_instance_start(isolated->instance, &error);
	gh_isolated_kept_done(isolated);
	if (rc) {
		fail(isolated, &error);
		return;
	}
	isolated->created = true;
	gh_loop_timeout(isolated->loop, &isolated->tell, TELL_MS);
	put_number(isolated, GH_LINK_CREATED, isolated->instance->events);
}

/* What is counted here is seen there. */
static void tell_ignored(struct gh_isolated *isolated)
{
	struct gh_ticket_stats *told = &isolated->told, now;
	struct gh_buf frame;

	gh_askers_stats(isolated->hooks.askers, &now);
	if (now.orphaned == told->orphaned && now.doubled == told->doubled &&
	    now.invented == told->invented)
		return;
	frame = gh_link_begin(GH_LINK_IGNORED);
	gh_pack_number(&frame, now.orphaned - told->orphaned);
	gh_pack_number(&frame, now.doubled - told->doubled);
	gh_pack_number(&frame, now.invented - told->invented);
	gh_isolated_put(isolated, &frame, true);
	*told = now;
}

static void on_tell(struct gh_timeout *timeout)
{
	struct gh_isolated *isolated = gh_container(timeout, struct gh_isolated, tell);

	gh_loop_timeout(isolated->loop, timeout, TELL_MS);
	tell_ignored(isolated);
}

static void start(struct gh_isolated *isolated)
{
	isolated->started = true;
	gh_runtime_control_start(isolated->runtime);
	gh_runtime_worker_start(isolated->runtime, isolated->asker);
}

static void on_alone(void *arg, struct gh_instance *instance)
{
	struct gh_isolated *isolated = arg;
	const char *off = gh_instance_off(instance);
	struct gh_buf frame = gh_link_begin(GH_LINK_WAS_ALONE);

	gh_pack_number(&frame, off != NULL);
	pack_words(&frame, off);
	gh_isolated_put(isolated, &frame, true);
}

/* ---- in ---- */

/* What in the broker's process happens on the control thread: there is no gh_local() in it. */
static bool is_controls(enum gh_link_kind kind)
{
	return kind == GH_LINK_CREATE || kind == GH_LINK_ALONE || kind == GH_LINK_ERRAND;
}

static bool take(void *arg, enum gh_link_kind kind, struct gh_bytes body)
{
	struct gh_isolated *isolated = arg;
	struct gh_error error = { 0 };
	struct gh_unpack in = gh_unpack(body, &error);

	if (kind > GH_LINK_CREATE && kind != GH_LINK_DESTROY && !isolated->created)
		return false;
	gh_here()->asker = is_controls(kind) ? &isolated->hooks.askers->at[1] : isolated->asker;
	switch (kind) {
	case GH_LINK_LOAD: load(isolated, &in); break;
	case GH_LINK_CREATE: create(isolated, &in); break;
	case GH_LINK_START: start(isolated); break;
	case GH_LINK_ALONE:
		if (!gh_instance_alone(isolated->instance))
			on_alone(isolated, isolated->instance);
		break;
	case GH_LINK_CLIENT: gh_isolated_client(isolated, &in); break;
	case GH_LINK_FORGET: gh_isolated_forget(isolated, &in); break;
	case GH_LINK_ASK: gh_isolated_ask(isolated, &in); break;
	case GH_LINK_CANCEL: gh_isolated_cancel(isolated, &in); break;
	case GH_LINK_EXCHANGE_END: gh_isolated_exchange_end(isolated, &in); break;
	case GH_LINK_EVENT: gh_isolated_event(isolated, &in); break;
	case GH_LINK_LOST: gh_isolated_lost(isolated, &in); break;
	case GH_LINK_BARRIER: gh_isolated_barrier(isolated, &in); break;
	case GH_LINK_ERRAND: gh_isolated_errand(isolated, &in); break;
	case GH_LINK_DESTROY: destroy(isolated); break;
	default: return false;
	}
	gh_here()->asker = isolated->asker;
	if (in.rc)
		gh_log_error("the broker said what makes no sense: %s", error.text);
	return !in.rc;
}

static void on_io(struct gh_io *io, unsigned events, void *arg)
{
	struct gh_isolated *isolated = arg;

	(void)io;
	if (!(events & GH_IO_READ) || gh_link_receive(&isolated->link, take, isolated))
		return;
	on_turn_end(isolated); /* the last words */
	_exit(EXIT_FAILURE);
}

/* ---- the process ---- */

static void post(void *arg, struct gh_mail *mail)
{
	gh_inbox_post(((struct gh_isolated *)arg)->inbox, GH_LANE_CONTROL, mail);
}

static void init(struct gh_isolated *isolated, int fd)
{
	isolated->thread = pthread_self();
	pthread_mutex_init(&isolated->lock, NULL);
	gh_link_init(&isolated->link, fd);
	gh_list_init(&isolated->kept);
	gh_timeout_init(&isolated->tell, on_tell);
	gh_isolated_api_init(isolated);
	isolated->hooks = (struct gh_hooks){ .askers = gh_askers_new(2),
					     .metrics = gh_metrics_new(2),
					     .offload = gh_offload_new(),
					     .on_idle = on_idle,
					     .on_instance_idle = on_instance_idle,
					     .on_alone = on_alone,
					     .arg = isolated,
					     .acts = &gh_isolated_acts,
					     .acts_arg = isolated };
}

static bool open_loop(struct gh_isolated *isolated)
{
	isolated->loop = gh_loop_new();
	isolated->inbox = isolated->loop ? gh_inbox_new(isolated->loop, isolated) : NULL;
	if (!isolated->inbox)
		return false;
	gh_inbox_on_wake(isolated->inbox, on_wake);
	gh_loop_on_turn_end(isolated->loop, on_turn_end, isolated);
	isolated->io = gh_io_new(isolated->loop, isolated->link.fd, GH_IO_READ, on_io, isolated);
	/* The control thread's first: as which it works is the one entered last. */
	gh_asker_enter(isolated->hooks.askers, 1, isolated->loop, post, isolated);
	isolated->asker = gh_asker_enter(isolated->hooks.askers, 0, isolated->loop, post, isolated);
	return true;
}

static void done(struct gh_isolated *isolated)
{
	if (isolated->runtime) /* it was never in force */
		gh_runtime_free(&isolated->runtime);
	if (isolated->instance) {
		gh_work_shut_control(isolated->instance);
		gh_instance_worker_stop(isolated->instance, isolated->asker);
		gh_instance_free(&isolated->instance);
	}
	gh_asker_leave(&isolated->hooks.askers->at[1]);
	gh_asker_leave(isolated->asker);
	tell_ignored(isolated);
	on_turn_end(isolated); /* the last words */
	gh_log_divert(NULL, NULL);
	gh_settings_free(&isolated->settings);
	free(isolated->chain);
	gh_offload_free(&isolated->hooks.offload);
	gh_loader_free(&isolated->hooks.loader);
	gh_askers_free(&isolated->hooks.askers);
	gh_metrics_free(&isolated->hooks.metrics);
	gh_io_free(&isolated->io);
	gh_inbox_free(&isolated->inbox);
	gh_loop_free(&isolated->loop);
	isolated->link.fd = -1; /* open to the end of the process, for which the broker waits */
	gh_link_done(&isolated->link);
	pthread_mutex_destroy(&isolated->lock);
}

int gh_isolated_run(int fd)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE };
	struct gh_isolated isolated = { 0 };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN); /* what is meant for the broker comes by the link */
	/* Not even a module that hangs outlives the broker's thread that keeps it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	init(&isolated, fd);
	if (!open_loop(&isolated))
		return EXIT_FAILURE;
	gh_loop_run(isolated.loop);
	done(&isolated);
	return EXIT_SUCCESS;
}
