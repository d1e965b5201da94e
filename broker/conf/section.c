/* SPDX-License-Identifier: Apache-2.0 */
/* A module's section, filled: the struct and its arena as one thing. */
#include "base/mem.h"
#include "conf/option.h"

#include <stdlib.h>

struct gh_section {
	struct gh_arena arena;
	void *config;
};

int gh_section_fill(const struct gh_conf_node *node, const struct gh_conf_place *place,
		    const struct gh_option *rows, size_t size, struct gh_section **section_r,
		    struct gh_error *error)
{
	struct gh_section *section = gh_zalloc(sizeof(*section));
	int rc;

	section->config = gh_arena_alloc(&section->arena, size);
	rc = gh_options_fill(node, place, rows, &section->arena, section->config, error);
	if (rc < 0)
		gh_section_free(&section);
	else
		*section_r = section;
	return rc;
}

const void *gh_section_config(const struct gh_section *section)
{
	return section->config;
}

void gh_section_free(struct gh_section **section)
{
	if (!*section)
		return;
	gh_arena_done(&(*section)->arena);
	free(*section);
	*section = NULL;
}
