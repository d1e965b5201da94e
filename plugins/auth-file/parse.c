/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a password file line by line: NAME:HASH[:KEY=VALUE,...]. What mosquitto writes is such a
 * file. */
#include <gatehouse/lib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parse.h"

static const char blanks[] = " \t\r\v\f";

struct parser {
	struct gh_str text;
	struct auth_file_users *users;
	struct auth_file_problem *problem;
	unsigned line;
	size_t line_at; /* offset of the line's first byte */
	auth_file_warn_fn *warn;
	void *arg;
};

static GH_PRINTF(3, 4) int fail(struct parser *parser, size_t at, const char *fmt, ...)
{
	va_list ap;

	parser->problem->line = parser->line;
	parser->problem->column = (unsigned)(at - parser->line_at + 1);
	va_start(ap, fmt);
	vsnprintf(parser->problem->text, sizeof(parser->problem->text), fmt, ap);
	va_end(ap);
	return GH_EINVAL;
}

static const char *at(const struct parser *parser, struct auth_file_span span)
{
	return parser->text.p + span.at;
}

static bool blank(char c)
{
	return c && strchr(blanks, c);
}

static struct auth_file_span trim(const struct parser *parser, struct auth_file_span span)
{
	while (span.n && blank(parser->text.p[span.at])) {
		span.at++;
		span.n--;
	}
	while (span.n && blank(parser->text.p[span.at + span.n - 1]))
		span.n--;
	return span;
}

/* What is before the first `c` of *rest, which begins behind it then; false: there is none, all is
 * taken. */
static bool take(const struct parser *parser, struct auth_file_span *rest, char c,
		 struct auth_file_span *part_r)
{
	const char *start = at(parser, *rest), *found = rest->n ? memchr(start, c, rest->n) : NULL;
	size_t n = found ? (size_t)(found - start) : rest->n;

	part_r->at = rest->at;
	part_r->n = n;
	rest->at += n + (found != NULL);
	rest->n -= n + (found != NULL);
	return found;
}

/* ---- KEY=VALUE ------------------------------------------------------------------------------- */

/* One attribute: `at` is where its value begins in the file; value is unquoted, n bytes, owned by
 * the caller. */
struct attribute {
	struct auth_file_span key, value_at;
	char *value; /* NULL: no '=' */
	size_t n;
};

/* A value in quotes, from the quote on: \" and \\ stand for a quote and a backslash. */
static int quoted(struct parser *parser, struct auth_file_span *rest, struct attribute *attribute)
{
	const char *p = at(parser, *rest);
	size_t i = 1;

	attribute->value = auth_file_grow(NULL, rest->n, 1);
	for (; i < rest->n && p[i] != '"'; i++) {
		if (p[i] == '\\' && (++i == rest->n || (p[i] != '"' && p[i] != '\\')))
			return fail(parser, rest->at + i - 1,
				    "found '\\' before something else than '\"' and '\\'");
		attribute->value[attribute->n++] = p[i];
	}
	if (i == rest->n)
		return fail(parser, rest->at, "found a '\"' that nothing closes on this line");
	attribute->value_at.at = rest->at + 1;
	rest->at += i + 1;
	rest->n -= i + 1;
	return 0;
}

static int value(struct parser *parser, struct auth_file_span *rest, struct attribute *attribute)
{
	struct auth_file_span junk;

	*rest = trim(parser, *rest);
	if (rest->n && *at(parser, *rest) == '"') {
		if (quoted(parser, rest, attribute) < 0)
			return GH_EINVAL;
		take(parser, rest, ',', &junk);
		junk = trim(parser, junk);
		return junk.n ? fail(parser, junk.at,
				     "found text behind a quoted value, expected ',' or the end of the line")
			      : 0;
	}
	take(parser, rest, ',', &attribute->value_at);
	attribute->value_at = trim(parser, attribute->value_at);
	attribute->n = attribute->value_at.n;
	attribute->value = auth_file_copy(at(parser, attribute->value_at), attribute->n);
	return 0;
}

/* Takes one off *rest, with the ',' behind it. */
static int attribute_take(struct parser *parser, struct auth_file_span *rest,
			  struct attribute *attribute)
{
	const char *p = at(parser, *rest);
	size_t n = 0;

	while (n < rest->n && p[n] != '=' && p[n] != ',')
		n++;
	attribute->key = trim(parser, (struct auth_file_span){ rest->at, n });
	rest->at += n;
	rest->n -= n;
	if (!rest->n || p[n] == ',') {
		rest->at += rest->n != 0;
		rest->n -= rest->n != 0;
		return 0;
	}
	rest->at++;
	rest->n--;
	return value(parser, rest, attribute);
}

static const char *groups(struct auth_file_user *user, const struct attribute *a, size_t *at_r)
{
	return auth_file_groups_set(user, a->value, a->n, at_r);
}

static const char *client_id(struct auth_file_user *user, const struct attribute *a, size_t *at_r)
{
	if (a->n == 0)
		return "found an empty client id, expected text with {username} perhaps";
	return auth_file_client_id_set(user, a->value, a->n, at_r);
}

static const char *expires(struct auth_file_user *user, const struct attribute *a, size_t *at_r)
{
	*at_r = 0;
	return auth_file_date_parse(a->value, a->n, &user->expires)
		       ? NULL
		       : "found no date, expected YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ (UTC)";
}

static const char *disabled(struct auth_file_user *user, const struct attribute *a, size_t *at_r)
{
	(void)a;
	*at_r = 0;
	user->disabled = true;
	return NULL;
}

static const struct key {
	const char *name;
	bool valued;
	const char *(*set)(struct auth_file_user *user, const struct attribute *a, size_t *at_r);
} keys[] = {
	{ "groups", true, groups },
	{ "client-id", true, client_id },
	{ "expires", true, expires },
	{ "disabled", false, disabled },
};
#define KEYS (sizeof(keys) / sizeof(*keys))

static size_t key_index(const struct parser *parser, struct auth_file_span key)
{
	size_t i = 0;

	while (i < KEYS &&
	       (strlen(keys[i].name) != key.n || memcmp(keys[i].name, at(parser, key), key.n) != 0))
		i++;
	return i;
}

static int attribute_set(struct parser *parser, struct auth_file_user *user,
			 const struct attribute *a, unsigned *seen)
{
	size_t i = key_index(parser, a->key), offset = 0;
	const char *problem;

	if (i == KEYS)
		return fail(parser, a->key.at,
			    "found '%.*s', expected groups=, client-id=, expires= or disabled",
			    a->key.n > 32 ? 32 : (int)a->key.n, at(parser, a->key));
	if (*seen & 1u << i)
		return fail(parser, a->key.at, "found a second '%s'", keys[i].name);
	if (keys[i].valued && !a->value)
		return fail(parser, a->key.at + a->key.n, "found no value for '%s', expected '='",
			    keys[i].name);
	if (!keys[i].valued && a->value)
		return fail(parser, a->key.at + a->key.n, "found a value for '%s', which has none",
			    keys[i].name);
	*seen |= 1u << i;
	problem = keys[i].set(user, a, &offset);
	return problem ? fail(parser, a->value_at.at + offset, "%s", problem) : 0;
}

static int attributes(struct parser *parser, struct auth_file_user *user, struct auth_file_span rest)
{
	unsigned seen = 0;
	int rc = 0;

	rest = trim(parser, rest);
	while (rc == 0 && rest.n) {
		struct attribute a = { .value = NULL };

		rc = attribute_take(parser, &rest, &a);
		if (rc == 0)
			rc = attribute_set(parser, user, &a, &seen);
		free(a.value);
	}
	return rc;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static int name_and_hash(struct parser *parser, struct auth_file_user *user,
			 struct auth_file_span name)
{
	const char *problem = auth_file_name_problem(at(parser, name), name.n);

	if (problem)
		return fail(parser, name.at,
			    "%s, expected NAME:HASH with a name of 1 to 256 bytes of UTF-8", problem);
	user->name = auth_file_copy(at(parser, name), name.n);
	if (!gh_password_check((struct gh_str){ at(parser, user->hash_at), user->hash_at.n },
			       &problem))
		return fail(parser, user->hash_at.at, "user '%s': %s", user->name, problem);
	user->hash = auth_file_copy(at(parser, user->hash_at), user->hash_at.n);
	return 0;
}

/* `line` is without its line feed, whole with it. */
static int user_line(struct parser *parser, struct auth_file_span line, struct auth_file_span whole)
{
	struct auth_file_user *user = auth_file_users_add(parser->users);
	struct auth_file_span rest = line, name, hash;
	int rc;

	take(parser, &rest, ':', &name);
	take(parser, &rest, ':', &hash);
	user->line = parser->line;
	user->whole = whole;
	user->hash_at = trim(parser, hash);
	user->rest_at.at = user->hash_at.at + user->hash_at.n;
	user->rest_at.n = line.at + line.n - user->rest_at.at;
	rc = name_and_hash(parser, user, trim(parser, name));
	return rc < 0 ? rc : attributes(parser, user, rest);
}

static void skipped(struct parser *parser)
{
	struct auth_file_problem problem = { .line = parser->line, .column = 1 };

	snprintf(problem.text, sizeof(problem.text),
		 "found no ':', expected NAME:HASH: line skipped");
	if (parser->warn)
		parser->warn(parser->arg, &problem);
}

static int line_parse(struct parser *parser, struct auth_file_span line, struct auth_file_span whole)
{
	const char *nul = line.n ? memchr(at(parser, line), '\0', line.n) : NULL;

	if (nul)
		return fail(parser, (size_t)(nul - parser->text.p), "found a NUL byte");
	if (parser->line == 1 && line.n >= 3 && memcmp(at(parser, line), "\xef\xbb\xbf", 3) == 0)
		return fail(parser, line.at, "found a byte order mark, expected plain UTF-8");
	if (!line.n || *at(parser, line) == '#' || !trim(parser, line).n)
		return 0;
	if (memchr(at(parser, line), ':', line.n))
		return user_line(parser, line, whole);
	skipped(parser);
	return 0;
}

static int lines(struct parser *parser)
{
	struct auth_file_span rest = { 0, parser->text.n }, line;
	const struct auth_file_user *twice;
	int rc = 0;

	while (rc == 0 && rest.n) {
		parser->line_at = rest.at;
		parser->line++;
		take(parser, &rest, '\n', &line);
		rc = line_parse(parser, line, (struct auth_file_span){ line.at, rest.at - line.at });
	}
	if (rc < 0 || !(twice = auth_file_users_index(parser->users)))
		return rc;
	parser->line = twice->line;
	parser->line_at = twice->whole.at;
	return fail(parser, parser->line_at,
		    "found user '%s' a second time, expected each name once", twice->name);
}

int auth_file_parse(struct gh_str text, auth_file_warn_fn *warn, void *arg,
		    struct auth_file_users **users_r, struct auth_file_problem *problem_r)
{
	struct parser parser = { .text = text, .problem = problem_r, .warn = warn, .arg = arg };
	int rc;

	parser.users = auth_file_users_new();
	rc = lines(&parser);
	if (rc < 0)
		auth_file_users_free(&parser.users);
	else
		*users_r = parser.users;
	return rc;
}
