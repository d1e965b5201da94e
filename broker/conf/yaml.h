/* SPDX-License-Identifier: Apache-2.0 */
/* Reads configuration files (YAML) into nodes; the only user of libyaml. */
#ifndef GH_CONF_YAML_H
#define GH_CONF_YAML_H

#include "conf/node.h"

/* Owns the nodes of all its files. */
struct gh_conf;

/* What a configuration may be at most; more is an error that says so. */
#define GH_CONF_FILE_SIZE (1u << 20) /* bytes of one file */
#define GH_CONF_NODES     20000u     /* values, lists and maps, of all files */
#define GH_CONF_DEPTH     12u        /* lists and maps inside each other */
#define GH_CONF_FILES     256u       /* included, directly or not */
#define GH_CONF_INCLUDES  4u         /* files including each other */

/*
 * The file is a regular one and holds one map. Refused, with position: anchors, aliases, tags, a second document, keys that
 * aren't words, the same key twice, values that are empty without being quoted.
 * `include: [conf.d/...]` at its top: the files that match, sorted, below the directory of the file that says so; a
 * name without wildcards must exist. Their maps are joined with ours: what is a map in both is one map, and the same key
 * twice is an error that names both places. The key `include` itself is gone from the result.
 */
int gh_conf_read(const char *file, struct gh_conf **conf_r, struct gh_error *error);
/* The same from memory; `name` is what positions say. An include is refused. */
int gh_conf_parse(const char *name, const void *p, size_t n, struct gh_conf **conf_r,
		  struct gh_error *error);
void gh_conf_free(struct gh_conf **conf);

const struct gh_conf_node *gh_conf_root(const struct gh_conf *conf); /* a map, maybe an empty one */

#endif
