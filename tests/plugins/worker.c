/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker: has done what the topic of a PUBLISH says, and writes down where and when it was.
 *
 *   timer/NAME/FIRST/REPEAT   starts a timer; stop/NAME stops it, on whichever thread
 *   watch, write, unwatch     a descriptor of its own
 *   offload/NAME  directory  metrics
 *   hold                      offloads what lasts until a file is there
 *   wrong                     calls that need a loop, from a thread that has none
 *
 * Built twice: "worker" runs on the broker's threads, one call at a time; "worker-blocking" on its
 * own.
 */
#include "probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TIMERS 64u

struct config {
	const char *file, *tag;
	uint64_t each, own; /* repeat, in ms */
	bool directory;
	const char *until, *fail;
};

struct worker;
struct timer {
	struct worker *worker;
	struct gh_timer handle;
	char name[32];
};

struct worker {
	struct gh_host *host;
	const struct config *config;
	int fd, event;
	struct gh_watch watch;
	struct timer timers[TIMERS]; /* one call at a time */
	unsigned count;
	struct timer own, each;
	unsigned figures;
	double connections;
};

static void line_begin(const struct worker *worker, struct probe_line *line, const char *what)
{
	probe_line_begin(line, what);
	probe_line_string(line, "tag", worker->config->tag);
	probe_line_number(line, "thread", syscall(SYS_gettid));
	probe_line_number(line, "local", gh_local(worker->host) != NULL);
}

static void write_line(const struct worker *worker, const char *what, const char *name)
{
	struct probe_line line;

	line_begin(worker, &line, what);
	probe_line_string(&line, "name", name);
	probe_line_end(&line, worker->fd);
}

/* ---- what it is told to do ---- */

static void on_timer(void *instance, void *arg)
{
	write_line(instance, "timer", ((struct timer *)arg)->name);
}

static void start_timer(struct worker *worker, const char *name, unsigned first, unsigned repeat)
{
	struct timer *timer = &worker->timers[worker->count++ % TIMERS];

	snprintf(timer->name, sizeof(timer->name), "%s", name);
	timer->handle = gh_timer_start(worker->host, first, repeat, on_timer, timer);
	write_line(worker, timer->handle.id ? "started" : "refused", name);
}

static void stop_timer(struct worker *worker, const char *name)
{
	for (unsigned i = 0; i < TIMERS; i++)
		if (strcmp(worker->timers[i].name, name) == 0)
			gh_timer_stop(worker->host, worker->timers[i].handle);
	write_line(worker, "stopped", name);
}

static void on_watch(void *instance, void *arg, int fd, unsigned events)
{
	uint64_t value;

	(void)arg;
	if (events & GH_READABLE && read(fd, &value, sizeof(value)) == sizeof(value))
		write_line(instance, "watch", NULL);
}

static void on_offload(void *instance, void *arg)
{
	if (instance) /* its create has not failed */
		write_line(instance, "offload", arg);
	free(arg);
}

static void offload(struct worker *worker, const char *name)
{
	char *copy = strdup(name);

	if (gh_offload(worker->host, on_offload, copy) == 0)
		return;
	write_line(worker, "refused", name);
	free(copy);
}

static void on_hold(void *instance, void *arg)
{
	const struct timespec while_not = { 0, 1000000 };

	while (access(arg, F_OK) != 0)
		nanosleep(&while_not, NULL);
	write_line(instance, "held", NULL);
}

static void keep_in_directory(struct worker *worker)
{
	const char *directory = gh_directory(worker->host);
	char path[4096];
	int fd;

	write_line(worker, "directory", directory);
	if (!directory)
		return;
	snprintf(path, sizeof(path), "%s/kept", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

static void on_sample(void *arg, const struct gh_sample *sample)
{
	struct worker *worker = arg;

	worker->figures++;
	if (strcmp(sample->name, "gatehouse_connections") == 0)
		worker->connections = sample->value;
}

static void write_figures(struct worker *worker)
{
	struct probe_line line;

	worker->figures = 0;
	gh_metrics_each(worker->host, on_sample, worker);
	line_begin(worker, &line, "metrics");
	probe_line_number(&line, "count", worker->figures);
	probe_line_number(&line, "connections", (long long)worker->connections);
	probe_line_end(&line, worker->fd);
}

static void *no_loop(void *arg)
{
	struct worker *worker = arg;

	for (unsigned i = 0; i < 3; i++)
		if (gh_timer_start(worker->host, 0, 0, on_timer, worker).id ||
		    gh_watch_start(worker->host, worker->event, GH_READABLE, on_watch, NULL).id)
			write_line(worker, "not refused", NULL);
	return NULL;
}

static void call_without_loop(struct worker *worker)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, no_loop, worker) == 0)
		pthread_join(thread, NULL);
	write_line(worker, "wrong", NULL);
}

static void write_event(const struct worker *worker)
{
	uint64_t one = 1;

	if (write(worker->event, &one, sizeof(one)) == sizeof(one))
		write_line(worker, "written", NULL);
}

static void do_watch(struct worker *worker)
{
	worker->watch = gh_watch_start(worker->host, worker->event, GH_READABLE, on_watch, NULL);
	write_line(worker, worker->watch.id ? "watching" : "refused", NULL);
}

static void obey(struct worker *worker, const char *topic)
{
	char name[32];
	unsigned first, repeat;

	if (sscanf(topic, "timer/%31[^/]/%u/%u", name, &first, &repeat) == 3)
		start_timer(worker, name, first, repeat);
	else if (sscanf(topic, "stop/%31[^/]", name) == 1)
		stop_timer(worker, name);
	else if (sscanf(topic, "offload/%31[^/]", name) == 1)
		offload(worker, name);
	else if (strcmp(topic, "hold") == 0)
		gh_offload(worker->host, on_hold, (void *)worker->config->until);
	else if (strcmp(topic, "watch") == 0)
		do_watch(worker);
	else if (strcmp(topic, "write") == 0)
		write_event(worker);
	else if (strcmp(topic, "unwatch") == 0)
		gh_watch_stop(worker->host, worker->watch);
	else if (strcmp(topic, "directory") == 0)
		keep_in_directory(worker);
	else if (strcmp(topic, "metrics") == 0)
		write_figures(worker);
	else if (strcmp(topic, "wrong") == 0)
		call_without_loop(worker);
}

static enum gh_verdict authorize(void *instance, const struct gh_authorize *in, struct gh_answer *out)
{
	char topic[128];

	(void)out;
	if (in->action != GH_PUBLISH || in->topic.n >= sizeof(topic))
		return GH_PASS;
	memcpy(topic, in->topic.p, in->topic.n);
	topic[in->topic.n] = 0;
	obey(instance, topic);
	return GH_ALLOW;
}

/* ---- life ---- */

static void *thread_start(void *instance)
{
	struct worker *worker = instance;

	if (worker->config->each)
		gh_timer_start(worker->host, 0, (uint32_t)worker->config->each, on_timer,
			       &worker->each);
	return worker;
}

static void thread_stop(void *instance, void *local)
{
	(void)local;
	write_line(instance, "thread stop", NULL);
}

static void destroy(void *instance)
{
	struct worker *worker = instance;

	write_line(worker, "destroy", NULL);
	if (worker->event >= 0)
		close(worker->event);
	if (worker->fd >= 0)
		close(worker->fd);
	free(worker);
}

static int prepare(struct worker *worker, struct gh_error *error)
{
	const struct config *config = worker->config;

	worker->fd = open(config->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	worker->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (worker->fd < 0 || worker->event < 0) {
		gh_fail(error, "file", "'%s' can't be opened", config->file);
		return GH_EIO;
	}
	if (config->directory)
		write_line(worker, "directory", gh_directory(worker->host));
	strcpy(worker->own.name, "own");
	strcpy(worker->each.name, "each");
	if (config->own)
		gh_timer_start(worker->host, 0, (uint32_t)config->own, on_timer, &worker->own);
	offload(worker, "create");
	if (config->fail)
		gh_fail(error, "fail", "%s", config->fail);
	return config->fail ? GH_EINVAL : 0;
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int rc;

	(void)previous;
	if (!worker)
		return GH_EIO;
	worker->host = host;
	worker->config = config;
	rc = prepare(worker, error);
	if (rc)
		destroy(worker);
	else
		*instance_r = worker;
	return rc;
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, file, GH_PATH, "where it writes", .flags = GH_REQUIRED),
	GH_OPTION(struct config, tag, GH_STRING, "which one it is", .standard = "a"),
	GH_OPTION(struct config, each, GH_DURATION, "a timer on each thread", .standard = "0"),
	GH_OPTION(struct config, own, GH_DURATION, "a timer made in create", .standard = "0"),
	GH_OPTION(struct config, directory, GH_BOOL, "asks for it in create", .standard = "no"),
	GH_OPTION(struct config, until, GH_PATH, "how long hold lasts", .standard = "/"),
	GH_OPTION(struct config, fail, GH_STRING, "fail with this text"),
	{ 0 }
};

#define PLUGIN(symbol) GH_PLUGIN(symbol) /* the macro's own name first */
PLUGIN(WORKER_SYMBOL) = {
	GH_HEAD,
	.flags = WORKER_FLAGS,
	.name = WORKER_NAME,
	.version = "1",
	.summary = "has done what topics say",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.destroy = destroy,
	.authorize = authorize,
};
