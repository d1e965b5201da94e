/* SPDX-License-Identifier: Apache-2.0 */
/* `plugins:`: what the core wants to know of an instance; the rest of its section is left to its module's table. */
#include "base/str.h"
#include "conf/settings_priv.h"

typedef const struct gh_settings_reader reader;

static bool of_core(const char *key)
{
	for (const struct gh_option *row = gh_plugin_options; row->name; row++)
		if (strcmp(row->name, key) == 0)
			return true;
	return false;
}

/* The members of the section that are the core's, or those that aren't, as a map of its own. */
static struct gh_conf_node *part(reader *r, const struct gh_conf_node *node, bool core)
{
	struct gh_conf_node *map = gh_arena_alloc(r->arena, sizeof(*map)), **end = &map->first;

	*map = *node;
	map->first = map->next = NULL;
	map->count = 0;
	for (const struct gh_conf_node *child = node->first; child; child = child->next) {
		if (of_core(child->key) != core)
			continue;
		*end = gh_arena_alloc(r->arena, sizeof(**end));
		**end = *child;
		(*end)->next = NULL;
		end = &(*end)->next;
		map->count++;
	}
	return map;
}

/* Words that a list of a listener or gatehousectl would take for something else. */
static bool reserved(const char *name)
{
	static const char *const words[] = { "anonymous", "anyone", "none",       "core",
					     "required",  "status", "clients",    "plugins",
					     "plugin",    "reload", "disconnect", "explain",
					     "metrics",   "help",   "export",     "forget" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(name, words[i]) == 0)
			return true;
	return false;
}

static int read_plugin(reader *r, const struct gh_conf_node *node, struct gh_plugin_settings *plugin)
{
	char found[GH_CONF_FOUND_SIZE];
	struct gh_raw_plugin raw;
	int rc;

	if (reserved(node->key))
		return gh_conf_error(r->error, &node->key_place,
				     "no plugin can be named '%s': the word means something else",
				     node->key);
	if (node->kind != GH_CONF_MAP)
		return gh_conf_error(r->error, &node->place,
				     "plugin '%s': expected a map of its options (or {}), found %s",
				     node->key, gh_conf_found(node, found));
	rc = gh_options_fill(part(r, node, true), &node->place, gh_plugin_options, r->arena, &raw,
			     r->error);
	if (rc < 0)
		return rc;
	plugin->name = node->key;
	plugin->module = raw.module ? raw.module : node->key;
	plugin->realm = raw.realm ? raw.realm : node->key;
	plugin->threads = raw.threads;
	plugin->max_pending = raw.max_pending;
	plugin->on_error_next = raw.on_error == 1;
	plugin->isolate = raw.isolate;
	plugin->place = node->key_place;
	plugin->where = gh_settings_where(r, &node->key_place);
	plugin->section = part(r, node, false);
	return 0;
}

bool gh_plugin_settings_same(const struct gh_plugin_settings *a, const struct gh_plugin_settings *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->module, b->module) == 0 &&
	       strcmp(a->realm, b->realm) == 0 && a->threads == b->threads &&
	       a->max_pending == b->max_pending && a->on_error_next == b->on_error_next &&
	       a->isolate == b->isolate && gh_conf_same(a->section, b->section);
}

int gh_read_plugins(reader *r, const struct gh_conf_node *node)
{
	struct gh_plugin_settings *plugins;
	size_t i = 0;
	int rc = gh_read_names(r, node, &r->settings->plugin_count);

	if (rc < 0)
		return rc;
	plugins = gh_arena_alloc(r->arena, node->count * sizeof(*plugins));
	r->settings->plugins = plugins;
	for (const struct gh_conf_node *item = node->first; item && rc == 0; item = item->next)
		rc = read_plugin(r, item, &plugins[i++]);
	return rc;
}
