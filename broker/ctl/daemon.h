/* SPDX-License-Identifier: Apache-2.0 */
/* The control thread: what is in force, how it is replaced, and how it ends. */
#ifndef GH_CTL_DAEMON_H
#define GH_CTL_DAEMON_H

#include "client/broker.h"
#include "conf/settings.h"
#include "net/listener.h"

struct gh_leaving;
struct gh_change;
struct gh_control;
struct gh_figures;

struct gh_daemon_options {
	const char *file;             /* configuration; NULL: none */
	const char *plugin_directory; /* NULL: the installed one */
	uint16_t port;                /* without a file: of the loopback listeners */
	bool verbose;                 /* log level debug, whatever the configuration says */
};

/* Codes of GH_EV_MODULE. */
enum gh_module_code {
	GH_MODULE_LOADED,
	GH_MODULE_REPLACED,
	GH_MODULE_UNLOADED,
	GH_MODULE_FAILED,
	GH_MODULE_DIED
};

/* Everything is the control thread's. */
struct gh_daemon {
	struct gh_daemon_options options;
	struct gh_broker broker;
	struct gh_loop *loop;
	struct gh_inbox *inbox;
	struct gh_asker *asker;
	struct gh_runtime *runtime; /* in force; held */
	struct gh_listeners *listeners;
	struct gh_leaving *leaving; /* runtimes on their way out, newest first */
	struct gh_node retiring; /* instances that aren't in force any more, of struct gh_retiring */
	unsigned restoring;      /* workers that haven't done their step of restoring */
	unsigned alone_open;     /* calls of alone() that haven't returned */
	struct gh_change *change;   /* that is under way; NULL: none */
	struct gh_node changes;     /* that wait for it */
	struct gh_control *control; /* the control socket */
	struct gh_figures *figures; /* gauges of the registry */
	char **listener_names; /* every name ever in force: connections may still refer to one that is gone */
	size_t listener_name_count;
	unsigned nofile;
	bool checking; /* --check-config */
	bool starting; /* the loop is to stop when all are alone */
	bool stopping, ending;
	struct gh_mail stopped; /* the workers have ended */
};

/* Reads, loads and creates everything, opens nothing, undoes it again: `--check-config`. */
int gh_daemon_check(const struct gh_daemon_options *options, struct gh_error *error);

/* Begins to serve. On failure nothing is left running. */
int gh_daemon_start(struct gh_daemon *daemon, const struct gh_daemon_options *options,
		    struct gh_error *error);

/* Serves until gh_daemon_stop() has come to its end. */
void gh_daemon_run(struct gh_daemon *daemon);

/* For a reload: the configuration as it is now, which must not differ in what can't change. Any thread. */
int gh_daemon_read(const struct gh_daemon *daemon, struct gh_settings **settings_r,
		   struct gh_error *error);
/* `runtime` comes in force, and with `whole` listeners and log as its settings say. On failure what ran goes on, and the runtime is the
 * caller's. */
int gh_daemon_take(struct gh_daemon *daemon, struct gh_runtime *runtime, bool whole,
		   struct gh_error *error);

/* Stops accepting, says goodbye to all clients, flushes within shutdown-timeout. Repeated: nothing. */
void gh_daemon_stop(struct gh_daemon *daemon);

/* After run: frees all. False: a module's thread didn't come back; the process is to end by _exit(). */
bool gh_daemon_done(struct gh_daemon *daemon);

static inline const struct gh_settings *gh_daemon_in_force(const struct gh_daemon *daemon)
{
	return daemon->runtime->settings;
}

#endif
