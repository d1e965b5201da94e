/* SPDX-License-Identifier: Apache-2.0 */
/* What was logged: kept, and shown on standard error from a level on. */
#include "priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *level_word(int level)
{
	static const char *const words[] = { "", "error", "warning", "notice", "info", "debug" };

	return words[level];
}

/* Locked. Of more than are kept the oldest goes. */
static void keep(struct gh_testhost *host, int level, char *text)
{
	struct gh_log_line *line;

	if (host->log_count < LOG_MOST) {
		host->log = gh_grow(host->log, host->log_count + 1, sizeof(*host->log));
		line = &host->log[host->log_count++];
	} else {
		line = &host->log[host->log_first];
		host->log_first = (host->log_first + 1) % LOG_MOST;
		free(line->text);
	}
	*line = (struct gh_log_line){ level, text };
}

static void put(struct gh_testhost *host, const char *name, int level, char *text)
{
	struct gh_text shown = { 0 };

	pthread_mutex_lock(&host->lock);
	if (level <= host->show) {
		gh_text_print(&shown, "%s: %s: ", level_word(level), name);
		for (const char *p = text; *p; p++)
			if ((unsigned char)*p < ' ' || *p == 0x7f)
				gh_text_print(&shown, "\\x%02x", (unsigned char)*p);
			else
				gh_text_put(&shown, p, 1);
		fprintf(stderr, "%s\n", shown.p);
		gh_text_done(&shown);
	}
	keep(host, level, text);
	pthread_mutex_unlock(&host->lock);
}

void gh_log_line(struct gh_testhost *host, const char *name, int level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(host, name, level, gh_format_list(fmt, ap));
	va_end(ap);
}

void gh_misuse(struct gh_instance *instance, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(instance->host, "testhost", GH_LOG_WARNING, gh_format_list(fmt, ap));
	va_end(ap);
}

void gh_host_log(struct gh_host *theirs, int level, const char *fmt, va_list ap)
{
	struct gh_instance *instance = gh_instance_of(theirs);

	if (level < GH_LOG_ERROR || level > GH_LOG_DEBUG)
		level = GH_LOG_INFO;
	put(instance->host, instance->host->name, level, gh_format_list(fmt, ap));
}

bool gh_testhost_logged(struct gh_testhost *host, int level, const char *text)
{
	bool found = false;

	pthread_mutex_lock(&host->lock);
	for (size_t i = 0; i < host->log_count && !found; i++)
		found = (!level || host->log[i].level == level) && strstr(host->log[i].text, text);
	pthread_mutex_unlock(&host->lock);
	return found;
}

void gh_testhost_log_clear(struct gh_testhost *host)
{
	pthread_mutex_lock(&host->lock);
	while (host->log_count)
		free(host->log[--host->log_count].text);
	host->log_first = 0;
	pthread_mutex_unlock(&host->lock);
}

void gh_log_done(struct gh_testhost *host)
{
	gh_testhost_log_clear(host);
	free(host->log);
}

void gh_testhost_show(struct gh_testhost *host, int level)
{
	pthread_mutex_lock(&host->lock);
	host->show = level;
	pthread_mutex_unlock(&host->lock);
}
