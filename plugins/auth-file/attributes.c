/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind a hash: groups, client id, expiry; read from values and written back. */
#include <gatehouse/lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "parse.h"

static void groups_clear(struct auth_file_user *user)
{
	for (size_t i = 0; i < user->group_count; i++)
		free(user->groups[i]);
	user->group_count = 0;
}

const char *auth_file_groups_set(struct auth_file_user *user, const char *text, size_t n, size_t *at_r)
{
	groups_clear(user);
	for (size_t at = 0;;) {
		const char *bar = memchr(text + at, '|', n - at);
		size_t length = bar ? (size_t)(bar - text) - at : n - at;
		const char *problem = auth_file_name_problem(text + at, length);

		*at_r = at;
		if (problem)
			return problem;
		user->groups =
			auth_file_grow(user->groups, user->group_count + 1, sizeof(*user->groups));
		user->groups[user->group_count++] = auth_file_copy(text + at, length);
		if (!bar)
			return NULL;
		at += length + 1;
	}
}

/* What a template makes for the user's name; NULL with the reason: nothing. */
static char *expansion(const struct auth_file_user *user, const struct gh_template *tmpl,
		       const char **problem_r)
{
	struct gh_template_values values = { .username = user->name };
	char out[1024];
	size_t n = 0;

	*problem_r = NULL;
	if (gh_template_uses(tmpl) & ~GH_USES_USERNAME)
		*problem_r = "found a client id with something else than {username} in braces";
	else if (!gh_template_expand(tmpl, &values, out, sizeof(out), &n))
		*problem_r =
			"found a client id with {username}, but the name has '+', '#' or '/', or begins with '$'";
	return *problem_r ? NULL : auth_file_copy(out, n);
}

const char *auth_file_client_id_set(struct auth_file_user *user, const char *text, size_t n,
				    size_t *at_r)
{
	struct gh_template *tmpl = NULL;
	const char *problem = NULL;
	char *bound = NULL;

	*at_r = 0;
	if (n && auth_file_name_problem(text, n))
		return "found a client id that isn't 1 to 256 bytes of UTF-8 without control characters";
	if (n && gh_template_parse((struct gh_str){ text, n }, &tmpl, at_r, &problem) < 0)
		return problem;
	if (n && !(bound = expansion(user, tmpl, &problem))) {
		gh_template_free(&tmpl);
		return problem;
	}
	gh_template_free(&tmpl);
	free(user->client_id);
	free(user->bound_id);
	user->client_id = n ? auth_file_copy(text, n) : NULL;
	user->bound_id = bound;
	return NULL;
}

/* ---- dates ----------------------------------------------------------------------------------- */

/* Digits where the pattern has '0', the same character elsewhere. */
static bool shaped(const char *text, size_t n, const char *pattern)
{
	if (strlen(pattern) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (pattern[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i])
			return false;
	return true;
}

static int digits(const char *text, size_t n)
{
	int number = 0;

	for (size_t i = 0; i < n; i++)
		number = number * 10 + (text[i] - '0');
	return number;
}

bool auth_file_date_parse(const char *text, size_t n, int64_t *time_r)
{
	bool clock = shaped(text, n, "0000-00-00T00:00:00Z");
	struct tm tm = { 0 }, same;
	time_t when;

	if (!clock && !shaped(text, n, "0000-00-00"))
		return false;
	tm.tm_year = digits(text, 4) - 1900;
	tm.tm_mon = digits(text + 5, 2) - 1;
	tm.tm_mday = digits(text + 8, 2);
	if (clock) {
		tm.tm_hour = digits(text + 11, 2);
		tm.tm_min = digits(text + 14, 2);
		tm.tm_sec = digits(text + 17, 2);
	}
	same = tm;
	when = timegm(&tm); /* brings 31 April to 1 May: seen by what it changed */
	if (when <= 0 || tm.tm_mon != same.tm_mon || tm.tm_mday != same.tm_mday ||
	    tm.tm_hour != same.tm_hour || tm.tm_min != same.tm_min || tm.tm_sec != same.tm_sec)
		return false;
	*time_r = when;
	return true;
}

void auth_file_date_format(int64_t when, char text_r[32])
{
	time_t time = (time_t)when;
	struct tm tm;

	gmtime_r(&time, &tm);
	strftime(text_r, 32, when % 86400 ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%d", &tm);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* In quotes where it needs them. */
static void put_value(FILE *out, const char *value)
{
	size_t n = strlen(value);

	if (!strpbrk(value, ",\"\\") && *value != ' ' && value[n - 1] != ' ') {
		fputs(value, out);
		return;
	}
	putc('"', out);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			putc('\\', out);
		putc(*value, out);
	}
	putc('"', out);
}

static void put_groups(FILE *out, const struct auth_file_user *user)
{
	char *joined = NULL;
	size_t n = 0;
	FILE *list = open_memstream(&joined, &n);

	if (!list)
		abort();
	for (size_t i = 0; i < user->group_count; i++)
		fprintf(list, "%s%s", i ? "|" : "", user->groups[i]);
	fclose(list);
	fputs("groups=", out);
	put_value(out, joined);
	free(joined);
}

/* The first attribute is behind a ':', the others behind a ','. */
static void separate(FILE *out, char *separator)
{
	putc(*separator, out);
	*separator = ',';
}

char *auth_file_attributes(const struct auth_file_user *user)
{
	char *text = NULL, separator = ':', date[32];
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		abort();
	if (user->group_count) {
		separate(out, &separator);
		put_groups(out, user);
	}
	if (user->client_id) {
		separate(out, &separator);
		fputs("client-id=", out);
		put_value(out, user->client_id);
	}
	if (user->expires) {
		separate(out, &separator);
		auth_file_date_format(user->expires, date);
		fprintf(out, "expires=%s", date);
	}
	if (user->disabled) {
		separate(out, &separator);
		fputs("disabled", out);
	}
	fclose(out);
	return text;
}
