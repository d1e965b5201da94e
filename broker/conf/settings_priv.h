/* SPDX-License-Identifier: Apache-2.0 */
/* What reading the top and reading listeners and plugins share. */
#ifndef GH_CONF_SETTINGS_PRIV_H
#define GH_CONF_SETTINGS_PRIV_H

#include "conf/arena.h"
#include "conf/settings.h"
#include "conf/tables.h"

#include <stdatomic.h>

/* The settings and what they live in. */
struct gh_settings_box {
	struct gh_settings settings; /* first */
	struct gh_conf *conf;
	struct gh_arena arena;
	atomic_uint refs;
};

/* What one step of reading needs. */
struct gh_settings_reader {
	struct gh_settings *settings;
	struct gh_arena *arena;
	struct gh_error *error;
};

/* A map of sections: how many there are, their names being fit for logs and commands. */
int gh_read_names(const struct gh_settings_reader *r, const struct gh_conf_node *node,
		  size_t *count_r);
/* "0660": octal, of a file's lower nine bits. */
int gh_read_mode(const struct gh_settings_reader *r, const struct gh_conf_node *node,
		 const char *text, unsigned *mode_r);
const char *gh_settings_where(const struct gh_settings_reader *r, const struct gh_conf_place *place);

/* `classes:` of `limits:`, apart from any listener. */
int gh_check_classes(const struct gh_settings_reader *r, const struct gh_conf_node *node);
/* The same as this listener has them, whose own limits are read. NULL: there are none. */
int gh_read_classes(const struct gh_settings_reader *r, const struct gh_conf_node *node,
		    struct gh_listener_settings *listener);

int gh_read_listeners(const struct gh_settings_reader *r, const struct gh_conf_node *node,
		      const struct gh_conf_node *classes);
int gh_read_plugins(const struct gh_settings_reader *r, const struct gh_conf_node *node);

#endif
