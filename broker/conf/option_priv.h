/* SPDX-License-Identifier: Apache-2.0 */
/* What checking, filling and printing of option tables share. */
#ifndef GH_CONF_OPTION_PRIV_H
#define GH_CONF_OPTION_PRIV_H

#include "conf/option.h"

#define GH_COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

/* What a type looks like in memory and in words. */
struct gh_option_kind {
	const char *name;     /* "size": in the manual and --options */
	const char *expected; /* "a size such as 64k or 1M" */
	size_t size, align;   /* of the field */
};
/* NULL: no such type. */
const struct gh_option_kind *gh_option_kind(uint32_t type);

/* A number of any of the numeric types, in the type of its field. */
union gh_option_number {
	bool flag;      /* GH_BOOL */
	int64_t whole;  /* GH_INT, GH_ENUM */
	uint64_t count; /* GH_SIZE, GH_DURATION */
	double real;    /* GH_FLOAT */
};
bool gh_option_numeric(uint32_t type); /* of these */

/* By the row's type; false: it isn't one. Bounds are not looked at. */
bool gh_option_read(const struct gh_option *row, const char *text, union gh_option_number *number_r);
/* Within min and max? `unlimited`, where it is allowed, is always. */
bool gh_option_in_bounds(const struct gh_option *row, const union gh_option_number *number);
/* The same for lengths and counts of the other types. */
bool gh_option_count_in_bounds(const struct gh_option *row, uint64_t count);

/* A word of "a|b|c": calls fn for each; false: it isn't a list of words. */
#define GH_OPTION_WORDS 64
size_t gh_option_words(const char *unit, struct gh_str words_r[GH_OPTION_WORDS]);

/* Is the row meant by this key? ('_' in the row is '-'.) */
bool gh_option_named(const struct gh_option *row, const char *key);
/* The row's name as it is written; returns name_r. */
#define GH_OPTION_NAME_SIZE 64
const char *gh_option_name(const struct gh_option *row, char name_r[GH_OPTION_NAME_SIZE]);

/* "1 to 64", "at least 1s", "at most 1G", "1 to 256 bytes", with " or unlimited"; "" without bounds. Returns text_r. */
#define GH_OPTION_RANGE_SIZE 128
const char *gh_option_range(const struct gh_option *row, char text_r[GH_OPTION_RANGE_SIZE]);

/* The content of the file that a GH_SECRET names (an absolute path), into the arena; the error has no position yet. */
int gh_option_secret(const char *path, struct gh_arena *arena, struct gh_bytes *secret_r,
		     struct gh_error *error);

#endif
