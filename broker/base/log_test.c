/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/str.h"
#include "base/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/log_test.XXXXXX", file[sizeof(directory) + 8];
static char text[1 << 20];

static void to_file(enum gh_log_format format, enum gh_level level)
{
	struct gh_log_settings settings = { GH_LOG_FILE, format, level, file };

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(file, sizeof(file), "%s/log", directory);
	ck_assert_int_eq(gh_log_open(&settings, NULL), 0);
}

static char *content(void)
{
	FILE *in = fopen(file, "r");
	size_t n = fread(text, 1, sizeof(text) - 1, in);

	text[n] = 0;
	fclose(in);
	return text;
}

static void done(void)
{
	gh_log_close();
	unlink(file);
	rmdir(directory);
}

/* "2026-01-02T03:04:05.678Z " */
static const char *after_time(const char *line)
{
	static const char pattern[] = "0000-00-00T00:00:00.000Z ";

	for (size_t i = 0; pattern[i]; i++)
		ck_assert_msg(pattern[i] == '0' ? line[i] >= '0' && line[i] <= '9'
						: line[i] == pattern[i],
			      "%s", line);
	return line + strlen(pattern);
}

START_TEST(a_text_line)
{
	struct gh_log_field fields[] = { GH_FIELD("client", "a'b\nx"),
					 GH_FIELD_NUMBER("protocol", -5), GH_FIELD("empty", "") };
	static const char expected[] =
		"notice cannot open 'x\\ny' client='a\\'b\\nx' protocol=-5 empty=''\n";
	struct stat st;

	to_file(GH_LOG_TEXT, GH_LOG_INFO);
	gh_log_line(GH_LOG_NOTICE, fields, 3, "cannot open '%s'", "x\ny");
	gh_log_debug("not wanted");
	gh_log_warning("second");
	ck_assert(strncmp(after_time(content()), expected, strlen(expected)) == 0);
	ck_assert_str_eq(after_time(text + strlen("2026-01-02T03:04:05.678Z ") + strlen(expected)),
			 "warning second\n");
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0137, 0);
	done();
}
END_TEST

/* A peer doesn't decide how long a line is: 512 bytes of a field as it is written, whole characters, and a mark. */
START_TEST(a_long_field)
{
	char longest[513], longer[600] = { 0 }, hidden[601];

	memset(longest, 'x', 512);
	longest[512] = 0;
	memset(hidden, 1, 600);
	hidden[600] = 0;
	memset(longer, 'y', 511);
	strcpy(longer + 511, "\xc3\xa4 and so on");
	to_file(GH_LOG_TEXT, GH_LOG_INFO);
	gh_log_line(GH_LOG_NOTICE, &GH_FIELD("user", longest), 1, "a");
	gh_log_line(GH_LOG_NOTICE, &GH_FIELD("user", longer), 1, "b");
	gh_log_line(GH_LOG_NOTICE, &GH_FIELD("user", hidden), 1, "c");
	content();
	ck_assert_uint_le(strlen(strstr(text, " c user")), 540);
	ck_assert_ptr_nonnull(strstr(text, "xxx'\n"));
	ck_assert_ptr_null(strstr(text, "xxx..."));
	ck_assert_ptr_nonnull(strstr(text, "yyy...'\n"));
	ck_assert_ptr_null(strstr(text, "and so on"));
	done();
}
END_TEST

START_TEST(a_json_line)
{
	struct gh_log_field fields[] = { GH_FIELD("client", "a\"b\n"),
					 GH_FIELD_NUMBER("protocol", 5) };

	to_file(GH_LOG_JSON, GH_LOG_DEBUG);
	gh_log_line(GH_LOG_DEBUG, fields, 2, "it's \"%s\"", "x");
	ck_assert(strncmp(content(), "{\"time\":\"", 9) == 0);
	ck_assert_str_eq(
		strstr(text, ",\"level\""),
		",\"level\":\"debug\",\"message\":\"it's \\\"x\\\"\",\"client\":\"a\\\"b\\n\",\"protocol\":5}\n");
	done();
}
END_TEST

START_TEST(levels)
{
	to_file(GH_LOG_TEXT, GH_LOG_WARNING);
	ck_assert(gh_log_wanted(GH_LOG_ERROR));
	ck_assert(gh_log_wanted(GH_LOG_WARNING));
	ck_assert(!gh_log_wanted(GH_LOG_NOTICE));
	gh_log_notice("no");
	ck_assert_str_eq(content(), "");
	done();
	ck_assert(gh_log_wanted(GH_LOG_INFO));
	ck_assert(!gh_log_wanted(GH_LOG_DEBUG));
}
END_TEST

START_TEST(reopens_after_rotation)
{
	char moved[sizeof(file) + 2];

	to_file(GH_LOG_TEXT, GH_LOG_INFO);
	snprintf(moved, sizeof(moved), "%s.1", file);
	gh_log_info("first");
	ck_assert_int_eq(rename(file, moved), 0);
	gh_log_info("second");
	gh_log_reopen();
	gh_log_info("third");
	ck_assert_str_eq(after_time(content()), "info third\n");
	ck_assert_int_eq(rename(moved, file), 0);
	ck_assert_ptr_nonnull(strstr(content(), "info second\n"));
	done();
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_changes_nothing)
{
	struct gh_log_settings bad = { GH_LOG_FILE, GH_LOG_JSON, GH_LOG_DEBUG, "/nonexistent/log" };
	struct gh_error error = { 0 };

	to_file(GH_LOG_TEXT, GH_LOG_INFO);
	ck_assert_int_eq(gh_log_open(&bad, &error), GH_EIO);
	ck_assert_str_eq(error.text,
			 "cannot open the log file '/nonexistent/log': No such file or directory");
	gh_log_info("still here");
	ck_assert_str_eq(after_time(content()), "info still here\n");
	ck_assert(!gh_log_wanted(GH_LOG_DEBUG));
	done();
}
END_TEST

static void *write_lines(void *arg)
{
	for (int i = 0; i < 500; i++)
		gh_log_info("thread %s %0*d", (const char *)arg, 200, i);
	return NULL;
}

START_TEST(lines_of_threads_stay_whole)
{
	pthread_t threads[4];
	static char names[4][2] = { "0", "1", "2", "3" };
	int lines = 0;

	to_file(GH_LOG_TEXT, GH_LOG_INFO);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
	for (int i = 0; i < 100; i++)
		gh_log_reopen();
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (char *line = content(), *end; *line; line = end + 1, lines++) {
		end = strchr(line, '\n');
		ck_assert_int_eq(end - line, 25 + 5 + 7 + 2 + 200);
		ck_assert(strncmp(after_time(line), "info thread ", 12) == 0);
	}
	ck_assert_int_eq(lines, 2000);
	done();
}
END_TEST

GH_TEST_MAIN("base/log", a_text_line, a_long_field, a_json_line, levels, reopens_after_rotation,
	     a_file_that_cannot_be_opened_changes_nothing, lines_of_threads_stay_whole)
