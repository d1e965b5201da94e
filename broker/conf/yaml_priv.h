/* SPDX-License-Identifier: Apache-2.0 */
/* What reading one file and joining several share. */
#ifndef GH_CONF_YAML_PRIV_H
#define GH_CONF_YAML_PRIV_H

#include "conf/arena.h"
#include "conf/yaml.h"

struct gh_conf {
	struct gh_arena arena;
	struct gh_conf_node *root;
	unsigned nodes, files;
};

/* A file as it was read. */
struct gh_yaml_source {
	const char *name; /* lives in the arena */
	const char *p;
	size_t n;
};

/* One document, one map (an empty file is an empty one); its nodes are conf's. */
int gh_yaml_parse(struct gh_conf *conf, const struct gh_yaml_source *source,
		  struct gh_conf_node **root_r, struct gh_error *error);

/* What may be meant where a line isn't as YAML wants it, or a value is missing: " ('#' begins ...)" or "". line from 1. */
const char *gh_yaml_hint(const struct gh_yaml_source *source, unsigned line);

#endif
