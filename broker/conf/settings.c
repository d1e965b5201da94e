/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's own settings out of the tree, checked whole. */
#include "conf/settings.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/settings_priv.h"
#include "conf/yaml.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

typedef const struct gh_settings_reader reader;

enum { MOST_WORKERS = 64 };

const char *gh_settings_where(reader *r, const struct gh_conf_place *place)
{
	char where[GH_CONF_WHERE_SIZE];

	return gh_arena_printf(r->arena, "%s", gh_conf_where(place, where));
}

int gh_read_names(reader *r, const struct gh_conf_node *node, size_t *count_r)
{
	char found[GH_CONF_FOUND_SIZE];
	size_t n;

	if (node->kind != GH_CONF_MAP)
		return gh_conf_error(r->error, &node->place,
				     "'%s': expected a map of names, found %s", node->key,
				     gh_conf_found(node, found));
	for (const struct gh_conf_node *item = node->first; item; item = item->next) {
		n = strspn(item->key,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
		if (item->key[n] || n > 64 || strchr("_.-", *item->key))
			return gh_conf_error(
				r->error, &item->key_place,
				"expected a name of at most 64 letters, digits, '-', '_' and '.', found '%.60s'",
				item->key);
	}
	*count_r = node->count;
	return 0;
}

int gh_read_mode(reader *r, const struct gh_conf_node *node, const char *text, unsigned *mode_r)
{
	if (strlen(text) < 3 || strlen(text) > 4 || text[strspn(text, "01234567")] ||
	    (text[3] && text[0] != '0'))
		return gh_conf_error(r->error, &node->place,
				     "'mode': expected octal digits such as 0660, found '%.20s'",
				     text);
	*mode_r = (unsigned)strtoul(text, NULL, 8);
	return 0;
}

static unsigned processors(void)
{
	cpu_set_t set;
	int count = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = CPU_COUNT(&set);
	return count < 1 ? 1 : count > MOST_WORKERS ? MOST_WORKERS : (unsigned)count;
}

static int read_log(reader *r, const struct gh_conf_node *node, const struct gh_conf_place *place)
{
	struct gh_log_settings *log = &r->settings->log;
	struct gh_raw_log raw;
	int rc = gh_options_fill(node, place, gh_log_options, r->arena, &raw, r->error);

	if (rc < 0)
		return rc;
	log->target = (enum gh_log_target)raw.target;
	log->format = (enum gh_log_format)raw.format;
	log->level = (enum gh_level)(raw.level + GH_LOG_ERROR);
	log->file = raw.file;
	if (log->target == GH_LOG_FILE && !log->file)
		return gh_conf_error(r->error, &node->place,
				     "'log': 'target: file' needs 'file: PATH'");
	if (log->target != GH_LOG_FILE && log->file)
		return gh_conf_error(r->error, gh_conf_locate(node, "file"),
				     "'log': 'file' needs 'target: file'");
	return 0;
}

static int read_control(reader *r, const struct gh_conf_node *node, const struct gh_conf_place *place)
{
	struct sockaddr_un address;
	char path[GH_PLACE_SIZE];
	struct gh_raw_control raw;
	int rc = gh_options_fill(node, place, gh_control_options, r->arena, &raw, r->error);

	if (rc < 0)
		return rc;
	gh_default_control_socket(r->settings->state_directory, path);
	r->settings->control_socket =
		raw.socket ? raw.socket : gh_arena_strndup(r->arena, path, strlen(path));
	if (strlen(r->settings->control_socket) >= sizeof(address.sun_path))
		return gh_conf_error(r->error, node ? gh_conf_locate(node, "socket") : place,
				     "'control': the path of a socket is at most 107 bytes: '%s'",
				     r->settings->control_socket);
	return gh_read_mode(r, gh_conf_get(node, "mode"), raw.mode, &r->settings->control_mode);
}

static int read_limits(reader *r, const struct gh_conf_node *node, const struct gh_conf_place *place)
{
	struct gh_raw_limits raw;
	int rc = gh_options_fill(node, place, gh_limit_options, r->arena, &raw, r->error);

	if (rc == 0)
		rc = gh_limits_finish(&raw.limits, node, r->error);
	r->settings->limits = raw.limits;
	return rc == 0 && raw.classes ? gh_check_classes(r, raw.classes) : rc;
}

static int read_top(reader *r, const struct gh_conf_node *root, const struct gh_raw_top *top)
{
	char path[GH_PLACE_SIZE];

	if (top->profile != 0)
		return gh_conf_error(
			r->error, gh_conf_locate(root, "profile"),
			"'profile': this version can't check a profile above minimal: not checked yet");
	r->settings->workers = top->workers ? (unsigned)top->workers : processors();
	gh_default_state_directory(path);
	r->settings->state_directory = top->state_directory
					       ? top->state_directory
					       : gh_arena_strndup(r->arena, path, strlen(path));
	r->settings->shutdown_timeout = top->shutdown_timeout;
	return 0;
}

static int read_tree(reader *r, const struct gh_conf_node *root)
{
	struct gh_raw_top top;
	int rc = gh_options_fill(root, &root->place, gh_top_options, r->arena, &top, r->error);

	if (rc == 0)
		rc = read_top(r, root, &top);
	if (rc == 0)
		rc = read_log(r, top.log, &root->place);
	if (rc == 0)
		rc = read_control(r, top.control, &root->place);
	if (rc == 0)
		rc = read_limits(r, top.limits, &root->place);
	if (rc == 0 && top.plugins)
		rc = gh_read_plugins(r, top.plugins);
	if (rc == 0 && !top.listeners)
		rc = gh_conf_error(r->error, &root->place, "'listeners' is missing: %s",
				   "expected 'listeners: { NAME: { address: ... } }'");
	return rc == 0 ? gh_read_listeners(r, top.listeners, gh_conf_get(top.limits, "classes")) : rc;
}

/* Takes over the tree. */
static int finish(struct gh_conf *conf, const char *file, struct gh_settings **settings_r,
		  struct gh_error *error)
{
	struct gh_settings_box *box = gh_zalloc(sizeof(*box));
	struct gh_settings *settings = &box->settings;
	struct gh_settings_reader r = { settings, &box->arena, error };
	int rc;

	atomic_init(&box->refs, 1);
	box->conf = conf;
	settings->file = file ? gh_arena_strndup(&box->arena, file, strlen(file)) : NULL;
	rc = read_tree(&r, gh_conf_root(conf));
	if (rc < 0)
		gh_settings_free(&settings);
	else
		*settings_r = settings;
	return rc;
}

int gh_settings_read(const char *file, struct gh_settings **settings_r, struct gh_error *error)
{
	struct gh_conf *conf;
	int rc = gh_conf_read(file, &conf, error);

	return rc < 0 ? rc : finish(conf, file, settings_r, error);
}

int gh_settings_parse(const char *name, const void *p, size_t n, struct gh_settings **settings_r,
		      struct gh_error *error)
{
	struct gh_conf *conf;
	int rc = gh_conf_parse(name, p, n, &conf, error);

	return rc < 0 ? rc : finish(conf, NULL, settings_r, error);
}

struct gh_settings *gh_settings_quick(uint16_t port)
{
	static const char text[] =
		"listeners:\n"
		"  quick: { address: '127.0.0.1:%u', anonymous: yes, authorize: none }\n"
		"  quick-ipv6: { address: '[::1]:%u', anonymous: yes, authorize: none }\n";
	struct gh_settings *settings = NULL;
	struct gh_error error = { 0 };
	char filled[sizeof(text) + 16];
	int n = snprintf(filled, sizeof(filled), text, (unsigned)port, (unsigned)port);

	if (gh_settings_parse("(no configuration)", filled, (size_t)n, &settings, &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		abort(); /* a text of ours that we can't read */
	}
	return settings;
}

static void free_template(const struct gh_template *template)
{
	struct gh_template *gone = (struct gh_template *)template;

	gh_template_free(&gone);
}

struct gh_settings *gh_settings_ref(struct gh_settings *settings)
{
	struct gh_settings_box *box = (struct gh_settings_box *)settings;

	atomic_fetch_add_explicit(&box->refs, 1, memory_order_relaxed);
	return settings;
}

void gh_settings_free(struct gh_settings **settings)
{
	struct gh_settings_box *box = (struct gh_settings_box *)*settings;

	*settings = NULL;
	if (!box || atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; box->settings.listeners && i < box->settings.listener_count; i++) {
		free_template(box->settings.listeners[i].client_id_template);
		free_template(box->settings.listeners[i].response_information);
	}
	gh_conf_free(&box->conf);
	gh_arena_done(&box->arena);
	free(box);
}

const struct gh_listener_settings *gh_settings_listener(const struct gh_settings *settings,
							const char *name)
{
	for (size_t i = 0; i < settings->listener_count; i++)
		if (strcmp(settings->listeners[i].name, name) == 0)
			return &settings->listeners[i];
	return NULL;
}

const struct gh_limits *gh_settings_class(const struct gh_listener_settings *listener,
					  const char *name)
{
	for (size_t i = 0; i < listener->class_count; i++)
		if (strcmp(listener->classes[i].name, name) == 0)
			return &listener->classes[i].limits;
	return NULL;
}

bool gh_settings_has_class(const struct gh_settings *settings, const char *name)
{
	return settings->listener_count > 0 && gh_settings_class(&settings->listeners[0], name);
}

const struct gh_settings_table *gh_settings_tables(size_t *count_r)
{
	static const struct gh_settings_table tables[] = {
		{ "", gh_top_options },
		{ "log", gh_log_options },
		{ "control", gh_control_options },
		{ "listeners.NAME", gh_listener_options },
		{ "plugins.NAME", gh_plugin_options },
		{ "limits", gh_limit_options },
	};

	*count_r = sizeof(tables) / sizeof(*tables);
	return tables;
}
