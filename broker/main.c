/* SPDX-License-Identifier: Apache-2.0 */
/* gatehoused: command line, start, signals, end. */
#include "base/log.h"
#include "base/str.h"
#include "conf/option.h"
#include "ctl/change.h"
#include "ctl/daemon.h"
#include "hook/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum exit_code { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage_text[] =
	"usage: gatehoused [-c FILE | -p PORT] [-t] [-v] [--pid-file FILE] [--plugin-directory DIR]\n"
	"       gatehoused --options [MODULE]\n"
	"\n"
	"  -c, --config FILE            serve as FILE says (gatehouse.yaml(5))\n"
	"  -p, --port PORT              without a file: serve loopback on PORT, without authentication (1883)\n"
	"  -t, --check-config           read the configuration, load the modules, say what is wrong, and end\n"
	"  -v, --verbose                log everything\n"
	"      --options [MODULE]       print the options of the broker, or of a module, and end\n"
	"      --pid-file FILE          write the process id there once the broker serves\n"
	"      --plugin-directory DIR   load modules from DIR\n"
	"      --version, --help\n";

enum action { SERVE, CHECK, OPTIONS, ISOLATED };
struct command {
	struct gh_daemon_options daemon;
	enum action action;
	const char *module, *pid_file;
};

/* ---- the command line ---- */

static int bad_usage(const char *what, const char *value)
{
	fprintf(stderr, "gatehoused: %s '%s'\n%s", what, value, usage_text);
	return EXIT_USAGE;
}

enum { OPT_OPTIONS = 256, OPT_PID, OPT_PLUGINS, OPT_VERSION, OPT_HELP, OPT_ISOLATED };
static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "port", required_argument, NULL, 'p' },
	{ "check-config", no_argument, NULL, 't' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "options", no_argument, NULL, OPT_OPTIONS },
	{ "pid-file", required_argument, NULL, OPT_PID },
	{ "plugin-directory", required_argument, NULL, OPT_PLUGINS },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "isolated", required_argument, NULL,
	  OPT_ISOLATED }, /* what the broker starts for `isolate: yes` */
	{ 0 },
};

static bool take_port(const char *text, uint16_t *port_r)
{
	uint64_t port;

	if (!gh_str_number(gh_str(text), 65535, &port) || port == 0)
		return false;
	*port_r = (uint16_t)port;
	return true;
}

/* -1: go on; else the exit code. */
static int take_option(struct command *command, int option)
{
	switch (option) {
	case 'c': command->daemon.file = optarg; return -1;
	case 'p':
		return take_port(optarg, &command->daemon.port)
			       ? -1
			       : bad_usage("not a port from 1 to 65535:", optarg);
	case 't': command->action = CHECK; return -1;
	case 'v': command->daemon.verbose = true; return -1;
	case OPT_OPTIONS: command->action = OPTIONS; return -1;
	case OPT_PID: command->pid_file = optarg; return -1;
	case OPT_PLUGINS: command->daemon.plugin_directory = optarg; return -1;
	case OPT_VERSION:
		printf("gatehoused " PACKAGE_VERSION ", hook ABI %u.%u\n", GH_ABI_MAJOR,
		       GH_ABI_MINOR);
		return EXIT_FINE;
	case OPT_HELP: fputs(usage_text, stdout); return EXIT_FINE;
	case OPT_ISOLATED: command->action = ISOLATED; return -1; /* its name is for ps(1) */
	default: fputs(usage_text, stderr); return EXIT_USAGE;
	}
}

static int parse(struct command *command, int argc, char **argv)
{
	int option, rc = -1;

	while (rc < 0 && (option = getopt_long(argc, argv, "c:p:tv", long_options, NULL)) != -1)
		rc = take_option(command, option);
	if (rc >= 0)
		return rc;
	if (command->action == OPTIONS && optind < argc)
		command->module = argv[optind++];
	if (optind < argc)
		return bad_usage("unexpected argument", argv[optind]);
	if (command->daemon.file && command->daemon.port)
		return bad_usage("-p is for serving without a file, not with", command->daemon.file);
	if (!command->daemon.port)
		command->daemon.port = 1883;
	return -1;
}

/* ---- --options ---- */

static void print_rows(const char *title, const struct gh_option *rows)
{
	struct gh_buf out = { 0 };

	gh_options_print(rows, &out);
	printf("%s\n%.*s\n", title, (int)out.n, (const char *)out.p);
	gh_buf_done(&out);
}

static void print_core(void)
{
	size_t count;
	const struct gh_settings_table *tables = gh_settings_tables(&count);

	for (size_t i = 0; i < count; i++)
		print_rows(tables[i].section[0] ? tables[i].section : "gatehouse.yaml",
			   tables[i].rows);
}

static int print_module(struct gh_loader *loader, const char *name)
{
	struct gh_error error;
	struct gh_module *module;
	const struct gh_plugin *plugin;

	if (gh_module_open(loader, name, &module, &error) < 0) {
		fprintf(stderr, "gatehoused: %s\n", error.text);
		return EXIT_FAILED;
	}
	plugin = gh_module_plugin(module);
	printf("%s %s: %s\n\n", plugin->name, plugin->version ? plugin->version : "",
	       plugin->summary ? plugin->summary : "");
	if (plugin->options)
		print_rows("options of its section in plugins:", plugin->options);
	gh_module_close(&module);
	return EXIT_FINE;
}

static void print_modules(struct gh_loader *loader)
{
	char **names = gh_loader_names(loader);

	printf("modules (gatehoused --options MODULE):\n");
	for (size_t i = 0; names[i]; i++)
		printf("  %s\n", names[i]);
	free(names);
}

static int print_options(const struct command *command)
{
	struct gh_loader *loader;
	struct gh_error error;
	int rc = EXIT_FINE;

	if (gh_loader_new(command->daemon.plugin_directory, &loader, &error) < 0) {
		fprintf(stderr, "gatehoused: %s\n", error.text);
		return EXIT_FAILED;
	}
	if (command->module) {
		rc = print_module(loader, command->module);
	} else {
		print_core();
		print_modules(loader);
	}
	gh_loader_free(&loader);
	return rc;
}

/* ---- serving ---- */

static void on_terminate(int number, void *arg)
{
	struct gh_daemon *daemon = arg;

	(void)number;
	if (daemon->stopping)
		_exit(EXIT_FINE); /* the second one: at once */
	gh_daemon_stop(daemon);
}

static void on_hangup(int number, void *arg)
{
	(void)number;
	gh_change_reload(arg, NULL, NULL); /* logged there */
}

static void on_reopen(int number, void *arg)
{
	(void)number;
	(void)arg;
	gh_log_reopen();
}

static void end_at_once(int number)
{
	(void)number;
	_exit(EXIT_FINE);
}

/* During the start: noted by what the second one does. */
static void end_soon(int number)
{
	signal(number, end_at_once);
}

static bool was_noted(int number)
{
	struct sigaction now;

	return sigaction(number, NULL, &now) == 0 && now.sa_handler == end_at_once;
}

static void mask(int how, int one, int other)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, one);
	sigaddset(&set, other);
	sigprocmask(how, &set, NULL);
}

/* A start may take long, as its modules do. What comes meanwhile is done afterwards, but a second SIGTERM ends it at once. */
static void hold_signals(void)
{
	mask(SIG_BLOCK, SIGHUP, SIGUSR1);
	signal(SIGTERM, end_soon);
	signal(SIGINT, end_soon);
}

#define SIGNALS 4
static void watch_signals(struct gh_daemon *daemon, struct gh_signal *signals[SIGNALS])
{
	mask(SIG_BLOCK, SIGTERM, SIGINT);
	if (was_noted(SIGTERM) || was_noted(SIGINT))
		gh_daemon_stop(daemon);
	signals[0] = gh_signal_new(daemon->loop, SIGTERM, on_terminate, daemon);
	signals[1] = gh_signal_new(daemon->loop, SIGINT, on_terminate, daemon);
	signals[2] = gh_signal_new(daemon->loop, SIGHUP, on_hangup, daemon);
	signals[3] = gh_signal_new(daemon->loop, SIGUSR1, on_reopen, daemon);
	mask(SIG_UNBLOCK, SIGHUP, SIGUSR1);
	mask(SIG_UNBLOCK, SIGTERM, SIGINT);
}

/* Without a loop signals aren't watched any more; they must not become its exit code, and a second one still ends it. */
static void unwatch_signals(struct gh_signal *signals[SIGNALS])
{
	mask(SIG_BLOCK, SIGHUP, SIGUSR1);
	mask(SIG_BLOCK, SIGTERM, SIGINT);
	for (int i = 0; i < SIGNALS; i++)
		gh_signal_free(&signals[i]);
	signal(SIGTERM, end_at_once);
	signal(SIGINT, end_at_once);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	mask(SIG_UNBLOCK, SIGTERM, SIGINT);
}

static bool write_pid(const char *path)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	bool written = fd >= 0 && write(fd, text, (size_t)n) == n;

	if (!written)
		gh_log_error("pid file '%s': %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return written;
}

static int serve(const struct command *command)
{
	struct gh_signal *signals[SIGNALS];
	struct gh_daemon daemon;
	struct gh_error error;
	bool written = true;

	hold_signals();
	if (gh_daemon_start(&daemon, &command->daemon, &error) < 0) {
		gh_log_error("%s", error.text);
		return EXIT_FAILED;
	}
	watch_signals(&daemon, signals);
	if (command->pid_file)
		written = write_pid(command->pid_file);
	if (!written)
		gh_daemon_stop(&daemon);
	gh_daemon_run(&daemon);
	if (command->pid_file && written)
		unlink(command->pid_file);
	unwatch_signals(signals);
	if (!gh_daemon_done(&daemon))
		_exit(written ? EXIT_FINE : EXIT_FAILED);
	return written ? EXIT_FINE : EXIT_FAILED;
}

static int check(const struct command *command)
{
	struct gh_error error;

	if (gh_daemon_check(&command->daemon, &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		return EXIT_FAILED;
	}
	printf("%s: the configuration is fine\n",
	       command->daemon.file ? command->daemon.file : "defaults");
	return EXIT_FINE;
}

int main(int argc, char **argv)
{
	struct command command = { 0 };
	int rc = parse(&command, argc, argv);

	if (rc >= 0)
		return rc;
	signal(SIGPIPE, SIG_IGN);
	switch (command.action) {
	case OPTIONS: return print_options(&command);
	case CHECK: return check(&command);
	case ISOLATED: return gh_isolated_run(STDERR_FILENO + 1);
	case SERVE: break;
	}
	return serve(&command);
}
