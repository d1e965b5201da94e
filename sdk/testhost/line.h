/* SPDX-License-Identifier: Apache-2.0 */
/* One line of a script, taken apart; and whether an answer is the one expected. Pure. */
#ifndef GH_TESTHOST_LINE_H
#define GH_TESTHOST_LINE_H

#include "text.h"

/*
 * A line is words; blanks part them. "..." takes blanks into a word, and \\ \" \n \r \t \xHH there
 * stand for bytes. A '=' outside of quotes makes a word KEY=VALUE. What is behind -> is expected of
 * the answer; "as NAME" before it names a ticket. '#' as the first non-blank makes the line a comment.
 */
struct gh_word {
	char *p; /* terminated, and may have NULs inside */
	size_t n;
	size_t key; /* length of KEY; 0: not KEY=VALUE */
	bool quoted, used;
};
struct gh_line {
	struct gh_word *words; /* the command's */
	size_t count;
	struct gh_word *expected;
	size_t expected_count;
	bool expects;        /* there is a -> */
	char *expected_text; /* as it is written */
	char *as;            /* NULL: no name */
};
/* 0, with no words where the line is empty or a comment; or GH_EINVAL with a constant text and the
 * column (from 1). */
int gh_line_parse(const char *text, struct gh_line *line_r, const char **problem_r, size_t *column_r);
void gh_line_done(struct gh_line *line);

/* The value of KEY, which is used by that; p NULL: not given. */
struct gh_bytes gh_line_value(struct gh_line *line, const char *key);
/* The next of several of that key: *at is 0 at first. False: no more. */
bool gh_line_next(struct gh_line *line, const char *key, size_t *at, struct gh_bytes *value_r);
/* Those that begin with PREFIX, with what is behind it. */
bool gh_line_next_with(struct gh_line *line, const char *prefix, size_t *at, struct gh_str *rest_r,
		       struct gh_bytes *value_r);
/* The index-th word that isn't KEY=VALUE, used by that; NULL: there are fewer. */
const struct gh_word *gh_line_word(struct gh_line *line, size_t index);
/* The first that nobody has used; NULL: none. */
const struct gh_word *gh_line_unused(const struct gh_line *line);

/*
 * The expected word is the facts' (left out: any), each KEY=VALUE is among them, no !KEY is. '*' in a
 * word or value is any run of bytes.
 */
bool gh_line_fits(const struct gh_line *line, const struct gh_facts *facts);

#endif
