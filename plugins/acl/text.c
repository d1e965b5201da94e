/* SPDX-License-Identifier: Apache-2.0 */
/* Takes lines of a rule file apart: blanks, quotes, escapes; and patterns with '*'. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "text.h"

void *acl_grow(void *p, size_t count, size_t size)
{
	void *more = reallocarray(p, count ? count : 1, size);

	if (!more)
		abort();
	return more;
}

char *acl_copy(const char *text, size_t n)
{
	char *copy = acl_grow(NULL, n + 1, 1);

	if (n)
		memcpy(copy, text, n);
	copy[n] = '\0';
	return copy;
}

int acl_line_fail(struct acl_line *line, size_t at, const char *fmt, ...)
{
	struct acl_problem *problem = line->problem;
	va_list ap;

	snprintf(problem->file, sizeof(problem->file), "%s", line->file);
	problem->line = line->number;
	problem->column = (unsigned)at + 1;
	va_start(ap, fmt);
	vsnprintf(problem->text, sizeof(problem->text), fmt, ap);
	va_end(ap);
	return GH_EINVAL;
}

/* Bytes of the character that text begins with; 0: it isn't UTF-8 (overlong forms and surrogates aren't either). */
static size_t utf8_length(const unsigned char *p, size_t n)
{
	static const unsigned char lowest[] = { [0xe0 - 0xe0] = 0xa0, [0xf0 - 0xe0] = 0x90 };
	static const unsigned char highest[] = { [0xed - 0xe0] = 0x9f, [0xf4 - 0xe0] = 0x8f };
	size_t length = p[0] < 0x80   ? 1
			: p[0] < 0xc2 ? 0
			: p[0] < 0xe0 ? 2
			: p[0] < 0xf0 ? 3
			: p[0] < 0xf5 ? 4
				      : 0;
	size_t lead = p[0] >= 0xe0 ? p[0] - 0xe0u : 1;

	if (length > n)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if (length > 2 && lead < sizeof(lowest) && p[1] < lowest[lead])
		return 0;
	if (length > 2 && lead < sizeof(highest) && highest[lead] && p[1] > highest[lead])
		return 0;
	return length;
}

int acl_line_check(struct acl_line *line)
{
	size_t length;

	if (line->number == 1 && line->n >= 3 && memcmp(line->p, "\xef\xbb\xbf", 3) == 0)
		return acl_line_fail(line, 0, "found a byte order mark, expected plain UTF-8");
	for (size_t i = 0; i < line->n; i += length) {
		length = utf8_length((const unsigned char *)line->p + i, line->n - i);
		if (!length)
			return acl_line_fail(
				line, i,
				"found the byte 0x%02x, which isn't UTF-8, expected UTF-8 text",
				(unsigned)(unsigned char)line->p[i]);
		if (line->p[i] == '\0')
			return acl_line_fail(line, i, "found a NUL byte, expected text");
	}
	return 0;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void skip_blanks(struct acl_line *line)
{
	while (line->at < line->n && blank(line->p[line->at]))
		line->at++;
}

bool acl_line_empty(const struct acl_line *line)
{
	struct acl_line copy = *line;

	skip_blanks(&copy);
	return copy.at == copy.n || copy.p[copy.at] == '#';
}

/* Behind an opening quote: up to the closing one, behind which a blank or the end stands. */
static int quoted(struct acl_line *line, struct acl_field *field)
{
	size_t open = line->at++;

	field->quoted = true;
	for (; line->at < line->n && line->p[line->at] != '"'; line->at++) {
		char c = line->p[line->at];

		if (c == '\\') {
			c = ++line->at < line->n ? line->p[line->at] : '\0';
			if (c != '"' && c != '\\' && c != '*')
				return acl_line_fail(
					line, line->at - 1,
					"found '\\' in quotes before something else than '\"', '\\' and '*'");
			if (c == '*')
				c = ACL_STAR;
		}
		field->text[field->n++] = c;
	}
	if (line->at == line->n)
		return acl_line_fail(line, open, "found a '\"' that nothing closes on this line");
	line->at++;
	if (line->at < line->n && !blank(line->p[line->at]))
		return acl_line_fail(line, line->at,
				     "found text behind a closing '\"', expected a blank");
	return 1;
}

static int field(struct acl_line *line, struct acl_field *field)
{
	while (line->at < line->n && !blank(line->p[line->at])) {
		char c = line->p[line->at];

		if (c == '"' && (field->n == 0 || field->text[field->n - 1] == '='))
			return quoted(line, field);
		if (c == '"')
			return acl_line_fail(
				line, line->at,
				"found a '\"' inside a word, expected quotes around the whole of it");
		field->text[field->n++] = c;
		line->at++;
	}
	return 1;
}

int acl_line_field(struct acl_line *line, struct acl_field *field_r)
{
	struct acl_field got = { .text = NULL };
	int rc;

	skip_blanks(line);
	if (line->at == line->n)
		return 0;
	got.at = line->at;
	got.text = acl_grow(NULL, line->n - line->at + 1, 1);
	rc = field(line, &got);
	got.text[got.n] = '\0';
	if (rc < 0)
		acl_field_done(&got);
	else
		*field_r = got;
	return rc;
}

void acl_field_done(struct acl_field *field)
{
	free(field->text);
	field->text = NULL;
}

void acl_pattern_set(struct acl_pattern *pattern, const char *text, size_t n)
{
	pattern->p = acl_copy(text, n);
	pattern->n = n;
	pattern->prefix = n;
	for (size_t i = n; i-- > 0;) {
		if (text[i] == '*') {
			pattern->p[i] = '\0';
			pattern->prefix = i;
		} else if (text[i] == ACL_STAR) {
			pattern->p[i] = '*';
		}
	}
}

bool acl_pattern_any(const struct acl_pattern *pattern)
{
	return pattern->n == 1 && pattern->prefix == 0;
}

bool acl_pattern_match(const struct acl_pattern *pattern, const char *text)
{
	const char *p = pattern->p, *end = p + pattern->n, *star = NULL, *back = NULL;

	if (pattern->prefix == pattern->n)
		return strcmp(p, text) == 0;
	while (*text) {
		if (p < end && *p == '\0') {
			star = p++;
			back = text;
		} else if (p < end && *p == *text) {
			p++;
			text++;
		} else if (star) {
			p = star + 1;
			text = ++back;
		} else {
			return false;
		}
	}
	while (p < end && *p == '\0')
		p++;
	return p == end;
}
