/* SPDX-License-Identifier: Apache-2.0 */
/* The control thread: what is in force, how it is replaced, and how it ends. */
#include "ctl/daemon.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/acts.h"
#include "client/admit.h"
#include "client/ban.h"
#include "client/restore.h"
#include "client/shard.h"
#include "ctl/control.h"
#include "ctl/figures.h"
#include "ctl/retire.h"
#include "ctl/runtime.h"
#include "hook/event.h"
#include "hook/instance.h"
#include "hook/offload.h"
#include "hook/storage.h"
#include "limit/nofile.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/* A module's thread that blocks at the very end is given so long. */
#define END_MS 2000u

/* ---- reading ---- */

static int read_settings(const struct gh_daemon_options *options, struct gh_settings **settings_r,
			 struct gh_error *error)
{
	if (options->file)
		return gh_settings_read(options->file, settings_r, error);
	*settings_r = gh_settings_quick(options->port);
	return 0;
}

static int open_log(const struct gh_daemon *daemon, const struct gh_settings *settings,
		    struct gh_error *error)
{
	struct gh_log_settings log = settings->log;

	if (daemon->options.verbose)
		log.level = GH_LOG_DEBUG;
	return gh_log_open(&log, error);
}

static struct gh_penalty_settings penalty_of(const struct gh_limits *limits)
{
	return (struct gh_penalty_settings){ .base_ms = (uint32_t)limits->failed_login_delay,
					     .max_ms = (uint32_t)limits->failed_login_delay_max,
					     .decay_ms = (uint32_t)limits->failed_login_decay,
					     .entries = (uint32_t)limits->failed_login_entries };
}

static uint64_t count_limit(int64_t limit)
{
	return limit == INT64_MAX ? UINT64_MAX : (uint64_t)limit;
}

static struct gh_retained_limits retained_of(const struct gh_limits *limits)
{
	return (struct gh_retained_limits){ .count = count_limit(limits->retained_messages),
					    .bytes = limits->retained_bytes };
}

static void say_open(const struct gh_settings *settings)
{
	for (size_t i = 0; i < settings->listener_count; i++)
		if (settings->listeners[i].authorize.open &&
		    settings->listeners[i].authorize.count == 0)
			gh_log_warning(
				"listener '%s': authorize: none: every client may publish and subscribe to everything",
				settings->listeners[i].name);
}

static unsigned connections_of(const struct gh_daemon *daemon, const struct gh_settings *settings)
{
	unsigned possible = gh_nofile_connections(daemon->nofile, settings->workers);
	uint64_t wanted = (uint64_t)settings->limits.connections;

	return wanted > 0 && wanted < possible ? (unsigned)wanted : possible;
}

/* ---- listeners ---- */

/* A connection may still be on its way with the name of a listener that is gone: names are kept to the end. */
static char *keep_name(struct gh_daemon *daemon, const char *name)
{
	for (size_t i = 0; i < daemon->listener_name_count; i++)
		if (strcmp(daemon->listener_names[i], name) == 0)
			return daemon->listener_names[i];
	daemon->listener_names =
		gh_realloc_array(daemon->listener_names, daemon->listener_name_count + 1,
				 sizeof(*daemon->listener_names));
	return daemon->listener_names[daemon->listener_name_count++] = gh_strdup(name);
}

static int prepare_first(struct gh_daemon *daemon, const struct gh_listener_want *want,
			 struct gh_error *error)
{
	struct gh_error first;
	int rc = gh_listeners_prepare(daemon->listeners, want, 1, &first);

	if (rc < 0)
		*error = first;
	else
		gh_log_warning("serving %s alone: %s", want->address, error->text);
	return rc;
}

static int prepare_listeners(struct gh_daemon *daemon, const struct gh_settings *settings,
			     struct gh_error *error)
{
	struct gh_listener_want *wants = gh_alloc_array(settings->listener_count, sizeof(*wants));
	int rc;

	for (size_t i = 0; i < settings->listener_count; i++)
		wants[i] =
			(struct gh_listener_want){ .name = settings->listeners[i].name,
						   .address = settings->listeners[i].address,
						   .mode = settings->listeners[i].mode,
						   .user = keep_name(daemon,
								     settings->listeners[i].name) };
	rc = gh_listeners_prepare(daemon->listeners, wants, settings->listener_count, error);
	if (rc < 0 && !daemon->options.file) /* loopback on a host without IPv6 */
		rc = prepare_first(daemon, wants, error);
	free(wants);
	return rc;
}

static void say_listening(const struct gh_daemon *daemon)
{
	char address[GH_LISTENER_TEXT];
	const char *name;

	for (size_t i = 0; gh_listeners_bound(daemon->listeners, i, &name, address); i++)
		if (daemon->options.file)
			gh_log_notice("listening on %s (listener '%s')", address, name);
		else
			gh_log_notice(
				"listening on %s only: no listener configured, see gatehouse.yaml(5)",
				address);
}

static bool admit(void *arg, void *listener, const struct gh_peer *peer)
{
	struct gh_daemon *daemon = arg;

	return gh_admit(&daemon->broker, daemon->runtime, listener, peer);
}

/* ---- start ---- */

/* The directories that are missing above what the path names, the last with this mode; who opens it tells the error. */
static void make_parents(const char *path, mode_t nearest)
{
	char *copy = gh_strdup(path);

	for (char *slash = copy + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		bool last = !strchr(slash + 1, '/');

		*slash = '\0';
		mkdir(copy, last ? nearest : 0755);
	}
	free(copy);
}

static int make_directories(const struct gh_settings *settings, struct gh_error *error)
{
	const char *state = settings->state_directory;

	make_parents(state, 0755);
	if (mkdir(state, 0750) < 0 && errno != EEXIST)
		return gh_error_set(error, GH_EIO, "state-directory '%s': %s", state,
				    strerror(errno));
	make_parents(settings->control_socket, 0750);
	return 0;
}

static void post(void *arg, struct gh_mail *mail)
{
	gh_inbox_post(arg, GH_LANE_CONTROL, mail);
}

static int make_hooks(struct gh_daemon *daemon, struct gh_error *error)
{
	struct gh_broker *broker = &daemon->broker;

	broker->hooks = (struct gh_hooks){
		.askers = broker->askers,
		.metrics = broker->metrics,
		.offload = gh_offload_new(),
		.checking = daemon->checking,
		.on_idle = gh_runtime_idle,
		.on_instance_idle = gh_instance_idle,
		.on_alone = gh_instance_was_alone,
		.on_died = gh_instance_died,
		.arg = daemon,
		.acts = &gh_client_acts,
		.acts_arg = broker,
		.storage = daemon->checking ? NULL : gh_storage_new(gh_restore_loaded, broker)
	};
	daemon->loop = gh_loop_new();
	daemon->inbox = daemon->loop ? gh_inbox_new(daemon->loop, daemon) : NULL;
	if (!daemon->inbox)
		return gh_error_set(error, GH_EIO, "no descriptor for the control thread: %s",
				    strerror(errno));
	daemon->asker = gh_asker_enter(broker->askers, broker->worker_count, daemon->loop, post,
				       daemon->inbox);
	return gh_loader_new(daemon->options.plugin_directory, &broker->hooks.loader, error);
}

/* From settings to modules that are loaded and instances that are created. */
static int prepare(struct gh_daemon *daemon, struct gh_error *error)
{
	struct gh_settings *settings;
	struct gh_retained_limits retained;
	struct gh_penalty_settings penalty;
	int rc = read_settings(&daemon->options, &settings, error);

	if (rc < 0)
		return rc;
	daemon->broker.worker_count = settings->workers;
	retained = retained_of(&settings->limits);
	penalty = penalty_of(&settings->limits);
	gh_broker_init(&daemon->broker, &retained, &penalty);
	daemon->broker.bans = gh_terms_new((uint32_t)settings->limits.bans);
	daemon->broker.imposed = gh_terms_new((uint32_t)settings->limits.bans);
	rc = make_hooks(daemon, error);
	if (rc == 0)
		rc = gh_runtime_build(&daemon->broker.hooks, settings, NULL, &daemon->runtime, error);
	if (rc < 0)
		gh_settings_free(&settings);
	return rc;
}

static void tell_module(struct gh_runtime *runtime, const char *name, enum gh_module_code code)
{
	struct gh_event event = { .kind = GH_EV_MODULE, .code = code, .module = name };

	gh_event_tell(runtime, &event);
}

static void tell_instance(struct gh_runtime *runtime, const struct gh_instance *instance,
			  const struct gh_instance *before)
{
	bool was = before && !gh_instance_disabled(before);

	if (instance == before || (!was && gh_instance_disabled(instance)))
		return;
	tell_module(runtime, gh_instance_name(instance),
		    gh_instance_disabled(instance) ? GH_MODULE_UNLOADED
						   : (was ? GH_MODULE_REPLACED : GH_MODULE_LOADED));
}

/* old NULL: at the start. */
static void tell_modules(struct gh_runtime *runtime, const struct gh_runtime *old)
{
	if (!gh_event_wanted(runtime, GH_EV_MODULE))
		return;
	for (size_t i = 0; i < runtime->instance_count; i++) {
		const struct gh_instance *instance = runtime->instances[i];

		tell_instance(runtime, instance,
			      old ? gh_runtime_instance(old, gh_instance_name(instance)) : NULL);
	}
	for (size_t i = 0; old && i < old->instance_count; i++)
		if (!gh_runtime_instance(runtime, gh_instance_name(old->instances[i])))
			tell_module(runtime, gh_instance_name(old->instances[i]), GH_MODULE_UNLOADED);
}

static void on_restored(struct gh_mail *mail, void *owner)
{
	struct gh_daemon *daemon = owner;

	free(mail);
	if (daemon && --daemon->restoring == 0)
		gh_loop_stop(daemon->loop);
}

static void restored(void *arg)
{
	struct gh_daemon *daemon = arg;
	struct gh_mail *mail = gh_zalloc(sizeof(*mail));

	mail->deliver = on_restored;
	gh_inbox_post(daemon->inbox, GH_LANE_CONTROL, mail);
}

static void restore_step(struct gh_daemon *daemon, enum gh_restore_step step)
{
	daemon->restoring = daemon->broker.worker_count;
	gh_restore_step(&daemon->broker, step, restored, daemon);
	gh_loop_run(daemon->loop);
}

/* Before anybody is let in. Sessions first: what modules do and hear when they are alone concerns them too. */
static void settle(struct gh_daemon *daemon)
{
	bool restores = gh_restore_needed(&daemon->broker);

	if (restores)
		restore_step(daemon, GH_RESTORE_SESSIONS);
	gh_acts_open(&daemon->broker);
	gh_retire_alone_wait(daemon);
	if (restores)
		restore_step(daemon, GH_RESTORE_DUE);
	gh_restore_end(&daemon->broker);
}

static int serve(struct gh_daemon *daemon, struct gh_error *error)
{
	const struct gh_settings *settings = gh_daemon_in_force(daemon);
	struct gh_broker *broker = &daemon->broker;
	int rc;

	gh_total_init(&broker->total, connections_of(daemon, settings));
	broker->first = daemon->runtime;
	gh_restore_begin(broker);
	rc = gh_workers_start(broker->worker_count, &gh_shard_fn, broker, &broker->total,
			      &broker->workers, error);
	if (rc < 0)
		return rc;
	daemon->listeners =
		gh_listeners_new(daemon->loop, broker->workers, &broker->total, admit, daemon);
	rc = prepare_listeners(daemon, settings, error);
	if (rc == 0) {
		/* An address that is taken has been seen before anything is. */
		gh_runtime_control_start(daemon->runtime);
		tell_modules(daemon->runtime, NULL);
		settle(daemon);
		rc = gh_control_new(daemon, &daemon->control, error);
		if (rc < 0)
			gh_listeners_abandon(daemon->listeners);
	}
	if (rc < 0)
		return rc;
	gh_listeners_commit(daemon->listeners);
	daemon->figures = gh_figures_new(daemon);
	return 0;
}

static void daemon_init(struct gh_daemon *daemon, const struct gh_daemon_options *options)
{
	*daemon = (struct gh_daemon){ .options = *options };
	gh_list_init(&daemon->retiring);
	gh_list_init(&daemon->changes);
}

int gh_daemon_start(struct gh_daemon *daemon, const struct gh_daemon_options *options,
		    struct gh_error *error)
{
	int rc;

	daemon_init(daemon, options);
	rc = gh_nofile_raise(&daemon->nofile, error);
	if (rc == 0)
		rc = prepare(daemon, error);
	if (rc == 0)
		rc = open_log(daemon, gh_daemon_in_force(daemon), error);
	if (rc == 0)
		rc = make_directories(gh_daemon_in_force(daemon), error);
	if (rc == 0)
		rc = serve(daemon, error);
	if (rc < 0) {
		gh_daemon_done(daemon);
		return rc;
	}
	gh_log_notice("gatehouse " PACKAGE_VERSION
		      " running, workers=%u, descriptors=%u, connections at most %u",
		      daemon->broker.worker_count, daemon->nofile,
		      gh_total_max(&daemon->broker.total));
	say_open(gh_daemon_in_force(daemon));
	say_listening(daemon);
	return 0;
}

int gh_daemon_check(const struct gh_daemon_options *options, struct gh_error *error)
{
	struct gh_daemon daemon;
	int rc;

	daemon_init(&daemon, options);
	daemon.checking = true;
	rc = prepare(&daemon, error);
	gh_daemon_done(&daemon);
	return rc;
}

void gh_daemon_run(struct gh_daemon *daemon)
{
	gh_loop_run(daemon->loop);
}

/* ---- another configuration ---- */

static int fixed(const char *what, bool same, struct gh_error *error)
{
	return same ? 0
		    : gh_error_set(error, GH_EINVAL,
				   "%s can't change while the broker runs: restart needed", what);
}

static int check_fixed(const struct gh_settings *now, const struct gh_settings *then,
		       struct gh_error *error)
{
	int rc = fixed("workers", now->workers == then->workers, error);

	if (rc == 0)
		rc = fixed("state-directory",
			   strcmp(now->state_directory, then->state_directory) == 0, error);
	if (rc == 0)
		rc = fixed("control", strcmp(now->control_socket, then->control_socket) == 0, error);
	return rc;
}

int gh_daemon_read(const struct gh_daemon *daemon, struct gh_settings **settings_r,
		   struct gh_error *error)
{
	struct gh_settings *settings;
	int rc = read_settings(&daemon->options, &settings, error);

	if (rc < 0)
		return rc;
	rc = check_fixed(gh_daemon_in_force(daemon), settings, error);
	if (rc < 0)
		gh_settings_free(&settings);
	else
		*settings_r = settings;
	return rc;
}

static void configure(struct gh_daemon *daemon, const struct gh_settings *settings)
{
	struct gh_retained_limits retained = retained_of(&settings->limits);
	struct gh_penalty_settings penalty = penalty_of(&settings->limits);

	gh_total_set_max(&daemon->broker.total, connections_of(daemon, settings));
	gh_retained_set_limits(daemon->broker.retained, &retained);
	gh_penalties_configure(daemon->broker.penalties, &penalty);
	gh_terms_set_max(daemon->broker.bans, (uint32_t)settings->limits.bans);
	gh_terms_set_max(daemon->broker.imposed, (uint32_t)settings->limits.bans);
}

static int prepare_whole(struct gh_daemon *daemon, const struct gh_settings *settings,
			 struct gh_error *error)
{
	int rc = prepare_listeners(daemon, settings, error);

	if (rc < 0)
		return rc;
	rc = open_log(daemon, settings, error);
	if (rc < 0)
		gh_listeners_abandon(daemon->listeners);
	return rc;
}

int gh_daemon_take(struct gh_daemon *daemon, struct gh_runtime *runtime, bool whole,
		   struct gh_error *error)
{
	struct gh_runtime *old = daemon->runtime;
	int rc = whole ? prepare_whole(daemon, runtime->settings, error) : 0;

	if (rc < 0)
		return rc;
	if (whole)
		configure(daemon, runtime->settings);
	daemon->runtime = runtime;
	gh_runtime_control_start(runtime);
	tell_modules(runtime, old);
	/* Workers first: a connection that the new listeners accept comes to them after it. */
	gh_runtime_replace(daemon, old);
	if (whole) {
		gh_listeners_commit(daemon->listeners);
		say_open(runtime->settings);
	}
	return 0;
}

/* ---- the end ---- */

static void on_stopped(struct gh_mail *mail, void *owner)
{
	struct gh_daemon *daemon = owner;

	(void)mail;
	if (daemon)
		gh_loop_stop(daemon->loop);
}

void gh_daemon_stop(struct gh_daemon *daemon)
{
	if (daemon->stopping)
		return;
	daemon->stopping = true;
	gh_listeners_close(daemon->listeners);
	gh_log_notice("shutting down"); /* whoever reads it finds nobody listening any more */
	for (unsigned i = 0; i < daemon->broker.worker_count; i++)
		gh_shard_shutdown(gh_workers_at(daemon->broker.workers, i));
	daemon->stopped.deliver = on_stopped;
	gh_workers_stop(daemon->broker.workers,
			(uint32_t)gh_daemon_in_force(daemon)->shutdown_timeout, daemon->inbox,
			&daemon->stopped);
}

static void free_names(struct gh_daemon *daemon)
{
	for (size_t i = 0; i < daemon->listener_name_count; i++)
		free(daemon->listener_names[i]);
	free(daemon->listener_names);
}

bool gh_daemon_done(struct gh_daemon *daemon)
{
	struct gh_broker *broker = &daemon->broker;

	gh_control_free(&daemon->control);
	gh_figures_free(&daemon->figures);
	gh_listeners_free(&daemon->listeners);
	gh_acts_close(broker);
	gh_workers_free(&broker->workers);
	if (daemon->runtime && !gh_runtimes_end(daemon, END_MS))
		return false;
	gh_ban_tell(broker); /* what was banned when no worker was there to tell it */
	if (daemon->asker)
		gh_asker_leave(daemon->asker);
	gh_restore_end(broker);
	gh_storage_free(&broker->hooks.storage);
	gh_offload_free(&broker->hooks.offload);
	gh_loader_free(&broker->hooks.loader);
	gh_inbox_free(&daemon->inbox);
	gh_loop_free(&daemon->loop);
	gh_broker_done(broker);
	free_names(daemon);
	gh_log_close();
	return true;
}
