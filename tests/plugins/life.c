/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life: writes down how an instance comes and goes, and is slow, fails or hangs where it is told to.
 *
 *   plugins:
 *     life:
 *       file: life.jsonl            # where it writes
 *       create-delay: 5s
 *       create-while: go            # create lasts as long as this file exists; so with the others
 *       create-fails-while: broken
 *       alone-while: go
 *       alone-fails: the port is taken
 *       destroy-while: hold
 *
 * Whoever asks may do all; a right to the topic "wait" takes as long as the file work-while exists.
 */
#include "probe.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef LIFE_VERSION
#define LIFE_VERSION "1"
#endif

struct config {
	const char *file, *alone_fails, *create_fails_while, *create_while, *alone_while,
		*work_while, *destroy_while;
	uint64_t create_delay;
};

struct life {
	struct gh_host *host;
	const struct config *config;
	int fd;
};

static void write_down(const struct life *life, const char *what)
{
	struct probe_line line;

	probe_line_begin(&line, what);
	probe_line_string(&line, "name", gh_name(life->host));
	probe_line_string(&line, "version", LIFE_VERSION);
	probe_line_number(&line, "local", gh_local(life->host) != NULL);
	probe_line_end(&line, life->fd);
}

static void sleep_ms(uint64_t ms)
{
	struct timespec left = { (time_t)(ms / 1000), (long)(ms % 1000 * 1000000) };

	while (nanosleep(&left, &left) != 0)
		;
}

static bool exists(const char *path)
{
	return path && access(path, F_OK) == 0;
}

static void while_exists(const char *path)
{
	while (exists(path))
		sleep_ms(5);
}

static void destroy(void *instance)
{
	struct life *life = instance;

	while_exists(life->config->destroy_while);
	write_down(life, "destroy");
	if (life->fd >= 0)
		close(life->fd);
	free(life);
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct life *life = calloc(1, sizeof(*life));

	if (!life)
		return GH_EIO;
	life->host = host;
	life->config = config;
	life->fd = life->config->file
			   ? open(life->config->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
			   : -1;
	write_down(life, previous ? "create again" : "create");
	sleep_ms(life->config->create_delay);
	while_exists(life->config->create_while);
	if (gh_observe(host, GH_EV_MODULE) != 0 || exists(life->config->create_fails_while)) {
		gh_fail(error, "create-fails-while", "not while this is there");
		destroy(life);
		return GH_EINVAL;
	}
	write_down(life, "created");
	*instance_r = life;
	return 0;
}

static int alone(void *instance, struct gh_error *error)
{
	struct life *life = instance;

	write_down(life, "alone");
	while_exists(life->config->alone_while);
	if (!life->config->alone_fails)
		return 0;
	gh_fail(error, "alone-fails", "%s", life->config->alone_fails);
	return GH_EIO;
}

static void *thread_start(void *instance)
{
	return instance;
}

static void thread_stop(void *instance, void *local)
{
	(void)local;
	write_down(instance, "thread stop");
}

static enum gh_verdict authorize(void *instance, const struct gh_authorize *in, struct gh_answer *out)
{
	const struct life *life = instance;

	if (in->topic.n == 4 && memcmp(in->topic.p, "wait", 4) == 0)
		while_exists(life->config->work_while);
	if (in->action == GH_SUBSCRIBE)
		gh_answer_covers(out);
	return GH_ALLOW;
}

static enum gh_verdict accept_client(void *instance, const struct gh_client *in, struct gh_answer *out)
{
	(void)instance, (void)in, (void)out;
	return GH_PASS;
}

static void event(void *instance, const struct gh_event *event)
{
	const struct life *life = instance;
	struct probe_line line;

	probe_line_begin(&line, "event");
	probe_line_string(&line, "name", gh_name(life->host));
	probe_line_string(&line, "module", event->module);
	probe_line_number(&line, "code", event->code);
	probe_line_string(&line, "text", event->text);
	probe_line_end(&line, life->fd);
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, file, GH_PATH, "where it writes"),
	GH_OPTION(struct config, create_delay, GH_DURATION, "how long create takes", .standard = "0"),
	GH_OPTION(struct config, create_while, GH_PATH, "create lasts as long as this file exists"),
	GH_OPTION(struct config, create_fails_while, GH_PATH, "create fails while this file exists"),
	GH_OPTION(struct config, alone_while, GH_PATH, "so does alone"),
	GH_OPTION(struct config, work_while, GH_PATH, "so does an answer about the topic 'wait'"),
	GH_OPTION(struct config, destroy_while, GH_PATH, "so does destroy"),
	GH_OPTION(struct config, alone_fails, GH_STRING, "alone fails with this text"),
	{ 0 }
};

#define PLUGIN(symbol) GH_PLUGIN(symbol) /* the macro's own name first */
PLUGIN(LIFE_SYMBOL) = {
	GH_HEAD,
	.flags = LIFE_FLAGS,
	.name = LIFE_NAME,
	.version = LIFE_VERSION,
	.summary = "writes down its life",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.alone = alone,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.destroy = destroy,
	.accept = accept_client,
	.authorize = authorize,
	.event = event,
};
