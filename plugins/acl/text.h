/* SPDX-License-Identifier: Apache-2.0 */
/* Lines, fields and patterns of rule files: gatehouse-acl(5). Pure. */
#ifndef GH_ACL_TEXT_H
#define GH_ACL_TEXT_H

#include <gatehouse/types.h>

/* Where something is wrong, in lines and bytes from 1 on, and what: found and expected. line 0: the file as a whole. */
struct acl_problem {
	char file[1024];
	unsigned line, column;
	char text[512];
};

/* One line without its line feed, taken apart from the left. */
struct acl_line {
	const char *p;
	size_t n, at;
	const char *file;
	unsigned number;
	struct acl_problem *problem;
};

/* A field with its quotes and escapes resolved; "\*" is ACL_STAR in it. `at` is where it begins in the line. */
#define ACL_STAR '\xff' /* never a byte of UTF-8 */
struct acl_field {
	char *text; /* n bytes and a NUL, owned */
	size_t n, at;
	bool quoted;
};

/* Fills line->problem for the byte at `at` of line; returns GH_EINVAL. */
int acl_line_fail(struct acl_line *line, size_t at, const char *fmt, ...) GH_PRINTF(3, 4);

/* What no line may have: NUL, invalid UTF-8, a byte order mark. 0 or GH_EINVAL. */
int acl_line_check(struct acl_line *line);

/* Nothing but blanks, or a comment. */
bool acl_line_empty(const struct acl_line *line);

/* The next field: 1, 0 at the end of the line, or GH_EINVAL. Free it with acl_field_done(). */
int acl_line_field(struct acl_line *line, struct acl_field *field_r);
void acl_field_done(struct acl_field *field);

/* Text with '*' for any bytes, none too. As a counted string in which a wildcard is a NUL. */
struct acl_pattern {
	char *p; /* NULL: not given */
	size_t n;
	size_t prefix; /* bytes before the first wildcard; n: there is none */
};
void acl_pattern_set(struct acl_pattern *pattern, const char *text, size_t n);
bool acl_pattern_match(const struct acl_pattern *pattern, const char *text);
/* Only "*". */
bool acl_pattern_any(const struct acl_pattern *pattern);

/* Memory that is there: none aborts. */
void *acl_grow(void *p, size_t count, size_t size);
char *acl_copy(const char *text, size_t n);

#endif
