/* SPDX-License-Identifier: Apache-2.0 */
/* A module's options: its table checked, and a struct filled by it, as the broker does it. */
#ifndef GH_TESTHOST_OPTIONS_H
#define GH_TESTHOST_OPTIONS_H

#include "text.h"

#include <gatehouse/plugin.h>

struct gh_error;

/* What is written: a tree of names. { 0 } is an empty one. */
struct gh_setting {
	char *key, *place; /* place: "FILE:LINE", for messages */
	char **words;
	size_t word_count;
	struct gh_setting *below;
	size_t count;
};
void gh_setting_done(struct gh_setting *setting);
/* path: "answers.0.user". Written again: the later one holds. count 0: it and all below is gone. */
void gh_setting_put(struct gh_setting *root, const char *path, const char *const *words,
		    size_t count, const char *place);
/* The nearest that is written on that path; NULL: none. */
const struct gh_setting *gh_setting_find(const struct gh_setting *root, const char *path);

/* A copy of the module's table in this shape, checked; tables in it too. */
int gh_options_adopt(const struct gh_option *theirs, size_t stride, size_t size,
		     struct gh_option **rows_r, struct gh_error *error);
void gh_options_free(struct gh_option **rows);

/* A filled struct, and all that it points to. */
struct gh_config;
/* base: what relative paths are relative to. */
int gh_config_new(const struct gh_option *rows, size_t size, const struct gh_setting *root,
		  const char *base, struct gh_config **config_r, struct gh_error *error);
const void *gh_config_struct(const struct gh_config *config);
void gh_config_free(struct gh_config **config); /* wipes */

/* ---- values: option_value.c ---- */
union gh_number {
	bool flag;      /* GH_BOOL */
	int64_t whole;  /* GH_INT, GH_ENUM */
	uint64_t count; /* GH_SIZE, GH_DURATION */
	double real;    /* GH_FLOAT */
};
struct gh_kind {
	const char *name, *expected;
	size_t size, align;
};
const struct gh_kind *gh_kind_of(uint32_t type); /* NULL: no such type */
bool gh_numeric(uint32_t type);
/* By the row's type, and within its bounds if `bounded`. */
bool gh_number_read(const struct gh_option *row, const char *text, bool bounded,
		    union gh_number *number_r);
bool gh_count_fits(const struct gh_option *row, uint64_t count); /* a length, a number of entries */
bool gh_count_read(const char *text, uint64_t most, uint64_t *count_r); /* digits alone */
bool gh_duration_read(const char *text, uint64_t *ms_r);
bool gh_url_valid(const char *text);
bool gh_option_is(const struct gh_option *row, const char *key); /* '_' in the row is '-' */
/* What the row takes, for people: "a number, 1 to 64"; to be freed. */
char *gh_option_expected(const struct gh_option *row);

#endif
