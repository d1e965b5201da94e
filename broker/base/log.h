/* SPDX-License-Identifier: Apache-2.0 */
/* The log: one line an event, to stderr, a file or syslog, as text or JSON. The only global of the broker. */
#ifndef GH_BASE_LOG_H
#define GH_BASE_LOG_H

#include "base/error.h"
#include "base/str.h"

#include <gatehouse/host.h>
#include <stdarg.h>

/*
 * A line: ISO time with milliseconds in UTC, level, message, then fields as name='value' (JSON: members).
 *   2026-01-02T03:04:05.678Z notice client connected address='192.0.2.7' client='x' user='y' listener='mqtt' protocol=5
 * The message is a constant of ours plus its arguments; both it and the values are escaped here and nowhere else. Text is
 * always in quotes and numbers never: what a peer sent goes into a field, so that it can't be taken for one.
 * To syslog go message and fields alone, as text or JSON.
 * Never a payload, a password, a token or a key. Thread-safe; a line is written whole, in a file by one write(2). Nobody waits
 * for a reader: what a pipe, socket or terminal has no room for is lost, and the next line that can be written tells how many
 * were. (syslog(3) waits for its daemon.)
 */
struct gh_log_field {
	const char *name;
	struct gh_str text; /* p NULL: the number is meant. Of more than 512 bytes, as escaped, the first, then "..." */
	int64_t number;
};
#define GH_FIELD(n, s)        ((struct gh_log_field){ .name = (n), .text = gh_str(s) })
#define GH_FIELD_STR(n, s)    ((struct gh_log_field){ .name = (n), .text = (s) })
#define GH_FIELD_NUMBER(n, v) ((struct gh_log_field){ .name = (n), .number = (v) })

enum gh_log_target { GH_LOG_STDERR, GH_LOG_FILE, GH_LOG_SYSLOG };
enum gh_log_format { GH_LOG_TEXT, GH_LOG_JSON };
struct gh_log_settings {
	enum gh_log_target target;
	enum gh_log_format format;
	enum gh_level level; /* lines above it are dropped */
	const char *file;    /* GH_LOG_FILE: made with mode 0640, appended to */
};

/* Takes effect for all later lines; on error the old settings stay. Until the first call: stderr, text, info. */
int gh_log_open(const struct gh_log_settings *settings, struct gh_error *error);
void gh_log_reopen(void); /* after logrotate has renamed the file */
void gh_log_close(void);  /* back to stderr; frees */
bool gh_log_wanted(enum gh_level level);
/* All later lines go to fn instead of the target, without their fields; NULL: to the target again. fn doesn't log. */
typedef void gh_log_divert_fn(void *arg, enum gh_level level, const char *fmt, va_list ap);
void gh_log_divert(gh_log_divert_fn *fn, void *arg);

void gh_log_line(enum gh_level level, const struct gh_log_field *fields, size_t count,
		 const char *fmt, ...) GH_PRINTF(4, 5);
void gh_log_vline(enum gh_level level, const struct gh_log_field *fields, size_t count,
		  const char *fmt, va_list ap) GH_PRINTF(4, 0) __attribute__((nonnull(4)));
#define gh_log_error(...)   gh_log_line(GH_LOG_ERROR, NULL, 0, __VA_ARGS__)
#define gh_log_warning(...) gh_log_line(GH_LOG_WARNING, NULL, 0, __VA_ARGS__)
#define gh_log_notice(...)  gh_log_line(GH_LOG_NOTICE, NULL, 0, __VA_ARGS__)
#define gh_log_info(...)    gh_log_line(GH_LOG_INFO, NULL, 0, __VA_ARGS__)
#define gh_log_debug(...)   gh_log_line(GH_LOG_DEBUG, NULL, 0, __VA_ARGS__)

#endif
