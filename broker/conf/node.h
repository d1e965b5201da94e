/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration as it was written: values, lists and maps with their positions; nothing is typed yet. */
#ifndef GH_CONF_NODE_H
#define GH_CONF_NODE_H

#include "base/error.h"

enum gh_conf_kind { GH_CONF_VALUE = 1, GH_CONF_LIST, GH_CONF_MAP };

struct gh_conf_place {
	const char *file;      /* as it was named */
	unsigned line, column; /* from 1; 0: the file as a whole */
};

/* Immutable; lives as long as its tree. */
struct gh_conf_node {
	struct gh_conf_place place; /* of the value */
	enum gh_conf_kind kind;
	bool flow;        /* written with { } or [ ] */
	const char *text; /* GH_CONF_VALUE: UTF-8, terminated, no NUL inside, not empty unless quoted */
	const char *key; /* in a map: its key; else NULL */
	struct gh_conf_place key_place;
	struct gh_conf_node *next, *first; /* sibling; first of a list or map */
	size_t count;                      /* of a list or map */
};

/* The member of a map; NULL when there is none, or node is no map or NULL. */
const struct gh_conf_node *gh_conf_get(const struct gh_conf_node *node, const char *key);

/* The same values, lists and maps, in the same order, wherever they stand. */
bool gh_conf_same(const struct gh_conf_node *a, const struct gh_conf_node *b);

/* "'x'", "a list", "a map": for "found ..."; escaped, and cut where it is longer. Returns text_r. */
#define GH_CONF_FOUND_SIZE 80
const char *gh_conf_found(const struct gh_conf_node *node, char text_r[GH_CONF_FOUND_SIZE]);

/* "FILE:LINE:COLUMN", or "FILE" where there is no line. Returns text_r. */
#define GH_CONF_WHERE_SIZE 256
const char *gh_conf_where(const struct gh_conf_place *place, char text_r[GH_CONF_WHERE_SIZE]);

/* Sets "FILE:LINE:COLUMN: text"; returns GH_EINVAL. */
int gh_conf_error(struct gh_error *error, const struct gh_conf_place *place, const char *fmt, ...)
	GH_PRINTF(3, 4);

/* Where "servers.0.url" stands below a section: the deepest part of it that was written; the section else. */
const struct gh_conf_place *gh_conf_locate(const struct gh_conf_node *section, const char *path);

#endif
