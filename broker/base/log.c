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
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

/* How a target is written to. A file takes what it is given; pipes, terminals and sockets may make a writer wait. */
enum medium { PLAIN, PIPE, SOCKET };

/* Writers share the lock; opening, reopening and closing exclude them, so that no line goes to a closed descriptor. `turn` is
 * of those who ask first whether there is room, so that it is still there when they write. */
static struct {
	pthread_rwlock_t lock;
	pthread_mutex_t turn;
	_Atomic uint64_t lost; /* lines that couldn't be written, since the last one that could */
	enum medium medium;
	int apart; /* see open_apart(); -1: none */
	enum gh_log_target target;
	enum gh_log_format format;
	int fd;
	char *file;
	_Atomic int level;
	gh_log_divert_fn *divert; /* NULL: nobody takes them */
	void *divert_arg;
} sink = {
	.lock = PTHREAD_RWLOCK_INITIALIZER,
	.turn = PTHREAD_MUTEX_INITIALIZER,
	.fd = STDERR_FILENO,
	.apart = -1,
	.level = GH_LOG_INFO,
};

static int open_file(const char *file)
{
	return open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
}

/* A descriptor of our own, that doesn't wait, for what the target's one would wait for: its flags are shared with others. */
static int open_apart(int fd)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_APPEND | O_CLOEXEC | O_NOCTTY);
}

static void forget_target(void)
{
	if (sink.apart >= 0)
		close(sink.apart);
	sink.apart = -1;
	sink.medium = PLAIN;
}

/* Locked against writers. */
static void look_at_target(void)
{
	struct stat st;

	forget_target();
	if (sink.target == GH_LOG_SYSLOG || fstat(sink.fd, &st) < 0 || S_ISREG(st.st_mode))
		return;
	sink.medium = S_ISSOCK(st.st_mode) ? SOCKET : PIPE;
	if (sink.medium == PIPE)
		sink.apart = open_apart(sink.fd);
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
	forget_target();
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
	look_at_target();
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
	look_at_target();
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

/* A peer chooses names as long as it is let: so many bytes of one are written, and that there was more. Lines stay below PIPE_BUF
 * then, with the five that may be long. */
#define FIELD_MAX  512u
/* What escaping makes of a byte at most: \u0001. */
#define ESCAPE_MAX 6u

typedef void escape_fn(struct gh_buf *buf, struct gh_str s);

static size_t whole_characters(struct gh_str s, size_t n)
{
	size_t most = n;

	while (n > 0 && n > most - 3 && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* How much of it makes at most FIELD_MAX bytes when it is escaped. */
static size_t fitting(struct gh_str s, escape_fn *escape)
{
	size_t n = s.n < FIELD_MAX ? s.n : whole_characters(s, FIELD_MAX);
	struct gh_buf escaped = { 0 };

	for (;;) {
		escaped.n = 0;
		escape(&escaped, gh_str_n(s.p, n));
		if (escaped.n <= FIELD_MAX)
			break;
		n = whole_characters(s, n * FIELD_MAX / escaped.n);
	}
	gh_buf_done(&escaped);
	return n;
}

static struct gh_str shown(struct gh_str s, escape_fn *escape, char room[FIELD_MAX + 3])
{
	size_t n = s.n <= FIELD_MAX / ESCAPE_MAX ? s.n : fitting(s, escape);

	if (n == s.n)
		return s;
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
		gh_escape_text(line, shown(fields[i].text, gh_escape_text, room));
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
			gh_json_str(&json, fields[i].name,
				    shown(fields[i].text, gh_escape_json, room));
		else
			gh_json_number(&json, fields[i].name, fields[i].number);
	}
	gh_json_end_object(&json);
}

/* A pipe that is writable takes PIPE_BUF bytes at least, if others don't write to it just now. */
static bool has_room(void)
{
	struct pollfd fd = { .fd = sink.fd, .events = POLLOUT };

	return poll(&fd, 1, 0) > 0;
}

static ssize_t write_now(const uint8_t *p, size_t n)
{
	if (sink.medium == SOCKET)
		return send(sink.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(sink.apart >= 0 ? sink.apart : sink.fd, p, n);
}

/* Whole, or not at all. */
static bool put(const struct gh_buf *line)
{
	ssize_t n;

	if (sink.medium != PLAIN && (line->n > PIPE_BUF || !has_room()))
		return false;
	do
		n = write_now(line->p, line->n);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)line->n;
}

static void format(struct gh_buf *line, enum gh_level level, struct gh_str message,
		   const struct gh_log_field *fields, size_t count)
{
	if (sink.format == GH_LOG_JSON)
		json_line(line, level, message, fields, count);
	else
		text_line(line, level, message, fields, count);
}

/* That lines are missing stands where they are missing. */
static bool put_lost(void)
{
	uint64_t lost = atomic_exchange(&sink.lost, 0);
	const struct gh_log_field field = GH_FIELD_NUMBER("lines", (int64_t)lost);
	struct gh_buf line = { 0 };
	bool done;

	if (lost == 0)
		return true;
	format(&line, GH_LOG_WARNING,
	       gh_str("lines are missing here: the log could not be written"), &field, 1);
	gh_buf_u8(&line, '\n');
	done = put(&line);
	gh_buf_done(&line);
	if (!done)
		atomic_fetch_add(&sink.lost, lost);
	return done;
}

/* The broker doesn't wait for its log. */
static void write_line(enum gh_level level, struct gh_buf *line)
{
	bool in_turn = sink.medium != PLAIN;

	if (sink.target == GH_LOG_SYSLOG) {
		gh_buf_u8(line, 0);
		syslog(levels[level].priority, "%s", (const char *)line->p);
		return;
	}
	gh_buf_u8(line, '\n');
	if (in_turn)
		pthread_mutex_lock(&sink.turn);
	if (!put_lost() || !put(line))
		atomic_fetch_add(&sink.lost, 1);
	if (in_turn)
		pthread_mutex_unlock(&sink.turn);
}

static void GH_PRINTF(4, 0) write_message(enum gh_level level, const struct gh_log_field *fields,
					  size_t count, const char *fmt, va_list ap)
{
	struct gh_buf message = { 0 }, line = { 0 };

	gh_buf_vprintf(&message, fmt, ap);
	format(&line, level, gh_str_n((char *)message.p, message.n), fields, count);
	write_line(level, &line);
	gh_buf_done(&message);
	gh_buf_done(&line);
}

void gh_log_vline(enum gh_level level, const struct gh_log_field *fields, size_t count,
		  const char *fmt, va_list ap)
{
	if (!gh_log_wanted(level) || level < GH_LOG_ERROR)
		return;
	pthread_rwlock_rdlock(&sink.lock);
	if (sink.divert)
		sink.divert(sink.divert_arg, level, fmt, ap);
	else
		write_message(level, fields, count, fmt, ap);
	pthread_rwlock_unlock(&sink.lock);
}

void gh_log_divert(gh_log_divert_fn *fn, void *arg)
{
	pthread_rwlock_wrlock(&sink.lock);
	sink.divert = fn;
	sink.divert_arg = arg;
	pthread_rwlock_unlock(&sink.lock);
}

void gh_log_line(enum gh_level level, const struct gh_log_field *fields, size_t count,
		 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	gh_log_vline(level, fields, count, fmt, ap);
	va_end(ap);
}
