/* SPDX-License-Identifier: Apache-2.0 */
/* The control thread: what is in force, how it is replaced, and how it ends. */
#ifndef GH_CTL_DAEMON_H
#define GH_CTL_DAEMON_H

#include "client/broker.h"
#include "conf/settings.h"
#include "net/listener.h"

struct gh_retiring;
struct gh_control;
struct gh_figures;

struct gh_daemon_options {
	const char *file;             /* configuration; NULL: none */
	const char *plugin_directory; /* NULL: the installed one */
	uint16_t port;                /* without a file: of the loopback listeners */
	bool verbose;                 /* log level debug, whatever the configuration says */
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
	struct gh_retiring *retiring; /* runtimes on their way out, newest first */
	struct gh_control *control;   /* the control socket */
	struct gh_figures *figures;   /* gauges of the registry */
	char **listener_names; /* every name ever in force: connections may still refer to one that is gone */
	size_t listener_name_count;
	unsigned nofile;
	bool checking; /* --check-config */
	bool stopping;
	struct gh_mail stopped; /* the workers have ended */
};

/* Reads, loads and creates everything, opens nothing, undoes it again: `--check-config`. */
int gh_daemon_check(const struct gh_daemon_options *options, struct gh_error *error);

/* Begins to serve. On failure nothing is left running. */
int gh_daemon_start(struct gh_daemon *daemon, const struct gh_daemon_options *options,
		    struct gh_error *error);

/* Serves until gh_daemon_stop() has come to its end. */
void gh_daemon_run(struct gh_daemon *daemon);

/* All or nothing: on failure what ran goes on. Logged either way, and told to observers. */
int gh_daemon_reload(struct gh_daemon *daemon, struct gh_error *error);

/* Stops accepting, says goodbye to all clients, flushes within shutdown-timeout. Repeated: nothing. */
void gh_daemon_stop(struct gh_daemon *daemon);

/* After run: frees all. False: a module's thread didn't come back; the process is to end by _exit(). */
bool gh_daemon_done(struct gh_daemon *daemon);

static inline const struct gh_settings *gh_daemon_in_force(const struct gh_daemon *daemon)
{
	return daemon->runtime->settings;
}

#endif
