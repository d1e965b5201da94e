/* SPDX-License-Identifier: Apache-2.0 */
/* One line an event, written whole. */
#include "base/log.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[GH_LOG_ERROR] = { "error", LOG_ERR },      [GH_LOG_WARNING] = { "warning", LOG_WARNING },
	[GH_LOG_NOTICE] = { "notice", LOG_NOTICE }, [GH_LOG_INFO] = { "info", LOG_INFO },
	[GH_LOG_DEBUG] = { "debug", LOG_DEBUG },
};

/* Writers share the lock; opening, reopening and closing exclude them, so that no line goes to a closed descriptor. */
static struct {
	pthread_rwlock_t lock;
	enum gh_log_target target;
	enum gh_log_format format;
	int fd;
	char *file;
	_Atomic int level;
} sink = {
	.lock = PTHREAD_RWLOCK_INITIALIZER,
	.fd = STDERR_FILENO,
	.level = GH_LOG_INFO,
};

static int open_file(const char *file)
{
	return open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
}

static void release(void)
{
	if (sink.target == GH_LOG_FILE)
		close(sink.fd);
	if (sink.target == GH_LOG_SYSLOG)
		closelog();
	free(sink.file);
	sink.file = NULL;
	sink.fd = STDERR_FILENO;
	sink.target = GH_LOG_STDERR;
}

int gh_log_open(const struct gh_log_settings *settings, struct gh_error *error)
{
	int fd = STDERR_FILENO;

	if (settings->target == GH_LOG_FILE) {
		fd = open_file(settings->file);
		if (fd < 0)
			return gh_error_set(error, GH_EIO, "cannot open the log file '%s': %s",
					    settings->file, strerror(errno));
	}
	pthread_rwlock_wrlock(&sink.lock);
	release();
	if (settings->target == GH_LOG_SYSLOG)
		openlog("gatehoused", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	if (settings->target == GH_LOG_FILE)
		sink.file = gh_strdup(settings->file);
	sink.fd = fd;
	sink.target = settings->target;
	sink.format = settings->format;
	atomic_store_explicit(&sink.level, (int)settings->level, memory_order_relaxed);
	pthread_rwlock_unlock(&sink.lock);
	return 0;
}

static int reopen(void)
{
	int fd;

	if (sink.target != GH_LOG_FILE)
		return 0;
	fd = open_file(sink.file);
	if (fd < 0)
		return errno;
	close(sink.fd);
	sink.fd = fd;
	return 0;
}

void gh_log_reopen(void)
{
	int failed;

	pthread_rwlock_wrlock(&sink.lock);
	failed = reopen();
	pthread_rwlock_unlock(&sink.lock);
	if (failed)
		gh_log_error("cannot open the log file anew, the old one stays in use: %s",
			     strerror(failed));
}

void gh_log_close(void)
{
	pthread_rwlock_wrlock(&sink.lock);
	release();
	sink.format = GH_LOG_TEXT;
	atomic_store_explicit(&sink.level, GH_LOG_INFO, memory_order_relaxed);
	pthread_rwlock_unlock(&sink.lock);
}

bool gh_log_wanted(enum gh_level level)
{
	return (int)level <= atomic_load_explicit(&sink.level, memory_order_relaxed);
}

static struct gh_str now(char *text, size_t size)
{
	int64_t us = gh_clock_wall_us();
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(text + n, size - n, ".%03dZ", (int)(us / 1000 % 1000));
	return gh_str_n(text, n);
}

/* A peer chooses names as long as it is let: so much of one is told, and that there was more. */
#define FIELD_MAX 1024u

static struct gh_str shown(struct gh_str s, char room[FIELD_MAX + 3])
{
	size_t n = FIELD_MAX;

	if (s.n <= FIELD_MAX)
		return s;
	while (n > FIELD_MAX - 3 &&
	       ((unsigned char)s.p[n] & 0xc0) == 0x80) /* not in the middle of a character */
		n--;
	memcpy(room, s.p, n);
	memcpy(room + n, "...", 3);
	return gh_str_n(room, n + 3);
}

static void text_line(struct gh_buf *line, enum gh_level level, struct gh_str message,
		      const struct gh_log_field *fields, size_t count)
{
	char time[40], room[FIELD_MAX + 3];

	if (sink.target != GH_LOG_SYSLOG) {
		gh_buf_str(line, now(time, sizeof(time)));
		gh_buf_printf(line, " %s ", levels[level].name);
	}
	gh_escape_message(line, message);
	for (size_t i = 0; i < count; i++) {
		gh_buf_printf(line, " %s=", fields[i].name);
		if (!fields[i].text.p) {
			gh_buf_printf(line, "%" PRId64, fields[i].number);
			continue;
		}
		gh_buf_u8(line, '\'');
		gh_escape_text(line, shown(fields[i].text, room));
		gh_buf_u8(line, '\'');
	}
}

static void json_line(struct gh_buf *line, enum gh_level level, struct gh_str message,
		      const struct gh_log_field *fields, size_t count)
{
	char time[40], room[FIELD_MAX + 3];
	struct gh_json json;

	gh_json_init(&json, line);
	gh_json_object(&json, NULL);
	gh_json_str(&json, "time", now(time, sizeof(time)));
	gh_json_str(&json, "level", gh_str(levels[level].name));
	gh_json_str(&json, "message", message);
	for (size_t i = 0; i < count; i++) {
		if (fields[i].text.p)
			gh_json_str(&json, fields[i].name, shown(fields[i].text, room));
		else
			gh_json_number(&json, fields[i].name, fields[i].number);
	}
	gh_json_end_object(&json);
}

/* A line that can't be written is lost: there is nobody to tell, and the broker doesn't stop for its log. */
static void write_line(enum gh_level level, struct gh_buf *line)
{
	ssize_t n;

	if (sink.target == GH_LOG_SYSLOG) {
		gh_buf_u8(line, 0);
		syslog(levels[level].priority, "%s", (const char *)line->p);
		return;
	}
	gh_buf_u8(line, '\n');
	do
		n = write(sink.fd, line->p, line->n);
	while (n < 0 && errno == EINTR);
}

void gh_log_vline(enum gh_level level, const struct gh_log_field *fields, size_t count,
		  const char *fmt, va_list ap)
{
	struct gh_buf message = { 0 }, line = { 0 };

	if (!gh_log_wanted(level) || level < GH_LOG_ERROR)
		return;
	gh_buf_vprintf(&message, fmt, ap);
	pthread_rwlock_rdlock(&sink.lock);
	if (sink.format == GH_LOG_JSON)
		json_line(&line, level, gh_str_n((char *)message.p, message.n), fields, count);
	else
		text_line(&line, level, gh_str_n((char *)message.p, message.n), fields, count);
	write_line(level, &line);
	pthread_rwlock_unlock(&sink.lock);
	gh_buf_done(&message);
	gh_buf_done(&line);
}

void gh_log_line(enum gh_level level, const struct gh_log_field *fields, size_t count,
		 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	gh_log_vline(level, fields, count, fmt, ap);
	va_end(ap);
}
