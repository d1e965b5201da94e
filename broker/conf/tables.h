/* SPDX-License-Identifier: Apache-2.0 */
/* The core's option tables and the structs they fill, before they become struct gh_settings. */
#ifndef GH_CONF_TABLES_H
#define GH_CONF_TABLES_H

#include "conf/option.h"
#include "conf/settings.h"

struct gh_raw_top {
	int64_t profile, workers;
	const char *state_directory;
	uint64_t shutdown_timeout;
	const struct gh_conf_node *include; /* never filled: conf/include.c takes it out of the tree */
	const struct gh_conf_node *log, *control, *listeners, *plugins, *limits;
};
struct gh_raw_log {
	int64_t target, format, level;
	const char *file;
};
struct gh_raw_control {
	const char *socket, *mode;
};
struct gh_raw_listener {
	const char *address, *mode, *client_id, *response_information;
	bool anonymous, check_payload_format;
	int64_t on_deny;
	const struct gh_conf_node *authenticate, *authorize, *message, *limits;
};
struct gh_raw_plugin {
	const char *module, *realm;
	int64_t threads, max_pending, on_error;
	bool isolate;
};

/* `limits:` at the top: with the classes, which gh_read_classes() reads. */
struct gh_raw_limits {
	struct gh_limits limits; /* first: a listener's overlay leaves the rest alone */
	const struct gh_conf_node *classes;
};

extern const struct gh_option gh_top_options[], gh_log_options[], gh_control_options[],
	gh_listener_options[], gh_plugin_options[], gh_limit_options[];

/* Bounds that depend on each other, and natural ends of what is unlimited. node: the section, NULL: none. */
int gh_limits_finish(struct gh_limits *limits, const struct gh_conf_node *node,
		     struct gh_error *error);

#endif
