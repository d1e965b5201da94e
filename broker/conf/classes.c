/* SPDX-License-Identifier: Apache-2.0 */
/* `classes:` of `limits:`: what a client has that a plugin put into one, on each listener. */
#include "conf/settings_priv.h"

typedef const struct gh_settings_reader reader;

/* Nobody is in a class yet when these end: written there they would look as if they held. */
static int check_times(reader *r, const struct gh_conf_node *node)
{
	const struct gh_conf_node *child;

	for (const struct gh_option *row = gh_limit_options; row->name; row++) {
		child = row->flags & GH_BEFORE_LOGIN ? gh_conf_get(node, row->name) : NULL;
		if (child)
			return gh_conf_error(
				r->error, &child->key_place,
				"'%s' holds before the login: a class, which the login gives, can't have it",
				row->name);
	}
	return 0;
}

int gh_check_classes(reader *r, const struct gh_conf_node *node)
{
	size_t count;
	int rc = gh_read_names(r, node, &count);

	if (rc == 0 && count > GH_CLASSES_MAX)
		return gh_conf_error(r->error, &node->place,
				     "'classes': expected at most %u classes, found %zu",
				     GH_CLASSES_MAX, count);
	for (const struct gh_conf_node *item = node->first; item && rc == 0; item = item->next)
		rc = check_times(r, item);
	return rc;
}

static int read_class(reader *r, const struct gh_conf_node *node,
		      const struct gh_listener_settings *listener, struct gh_class_settings *class)
{
	struct gh_raw_limits raw = { .limits = listener->limits };
	int rc = gh_options_overlay(node, gh_limit_options, r->arena, &raw, r->error);

	if (rc == 0)
		rc = gh_limits_finish(&raw.limits, NULL, r->error);
	class->name = node->key;
	class->limits = raw.limits;
	return rc;
}

int gh_read_classes(reader *r, const struct gh_conf_node *node, struct gh_listener_settings *listener)
{
	struct gh_class_settings *classes;
	size_t i = 0;
	int rc = 0;

	if (!node)
		return 0;
	classes = gh_arena_alloc(r->arena, node->count * sizeof(*classes));
	for (const struct gh_conf_node *item = node->first; item && rc == 0; item = item->next)
		rc = read_class(r, item, listener, &classes[i++]);
	listener->classes = classes;
	listener->class_count = node->count;
	return rc;
}
