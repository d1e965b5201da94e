/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of one instance as bytes and back: each thing that crosses can be written in one way only. */
#include "conf/extract.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/settings_priv.h"
#include "conf/yaml.h"

#include <limits.h>

/* The first byte of a node: its kind, and these. */
enum { KIND = 0x03, FLOW = 0x04, KEYED = 0x08 };

/* A configuration is one file and those that are included. */
enum { MOST_FILES = GH_CONF_FILES + 1 };

/* Where a file is named first its name follows its number, which is the next one; later on the number is enough. */
struct files {
	const char *names[MOST_FILES];
	size_t count;
};

static size_t number_of(const struct files *files, const char *name)
{
	size_t i = 0;

	while (i < files->count && files->names[i] != name && strcmp(files->names[i], name) != 0)
		i++;
	return i;
}

struct packer {
	struct gh_buf *out;
	struct files files;
};

static void pack_place(struct packer *packer, const struct gh_conf_place *place)
{
	struct files *files = &packer->files;
	size_t i = number_of(files, place->file);

	gh_pack_number(packer->out, i);
	if (i == files->count) {
		gh_pack_text(packer->out, gh_str(place->file));
		if (i < MOST_FILES)
			files->names[files->count++] = place->file;
	}
	gh_pack_number(packer->out, place->line);
	gh_pack_number(packer->out, place->column);
}

/* It recurses as deep as a configuration may be, GH_CONF_DEPTH. */
static void pack_node(struct packer *packer, const struct gh_conf_node *node)
{
	gh_buf_u8(packer->out, (uint8_t)((unsigned)node->kind | (node->flow ? FLOW : 0u) |
					 (node->key ? KEYED : 0u)));
	pack_place(packer, &node->place);
	if (node->key) {
		gh_pack_text(packer->out, gh_str(node->key));
		pack_place(packer, &node->key_place);
	}
	if (node->kind == GH_CONF_VALUE) {
		gh_pack_text(packer->out, gh_str(node->text));
		return;
	}
	gh_pack_number(packer->out, node->count);
	for (const struct gh_conf_node *child = node->first; child; child = child->next)
		pack_node(packer, child);
}

/* `where` is the place in words. */
static void pack_plugin(struct gh_buf *out, const struct gh_plugin_settings *plugin)
{
	struct packer packer = { .out = out };

	gh_pack_text(out, gh_str(plugin->name));
	gh_pack_text(out, gh_str(plugin->module));
	gh_pack_text(out, gh_str(plugin->realm));
	gh_pack_number(out, (uint64_t)plugin->threads);
	gh_pack_number(out, (uint64_t)plugin->max_pending);
	gh_buf_u8(out, plugin->on_error_next);
	pack_place(&packer, &plugin->place);
	pack_node(&packer, plugin->section);
}

static void pack_limits(struct gh_buf *out, const struct gh_limits *limits)
{
	gh_pack_number(out, limits->hook_timeout);
	gh_pack_number(out, limits->packet_size);
	gh_pack_number(out, (uint64_t)limits->topic_length);
	gh_pack_number(out, (uint64_t)limits->topic_levels);
	gh_pack_number(out, (uint64_t)limits->user_properties);
}

/* The classes are the same on each listener. */
static void pack_classes(struct gh_buf *out, const struct gh_settings *settings)
{
	const struct gh_listener_settings *listener = settings->listeners;
	size_t count = settings->listener_count ? listener->class_count : 0;

	gh_pack_number(out, count);
	for (size_t i = 0; i < count; i++)
		gh_pack_text(out, gh_str(listener->classes[i].name));
}

void gh_settings_extract(struct gh_buf *out, const struct gh_settings *settings,
			 const struct gh_plugin_settings *plugin)
{
	gh_pack_text(out, gh_str(settings->state_directory));
	gh_pack_number(out, settings->log.level);
	pack_limits(out, &settings->limits);
	pack_classes(out, settings);
	pack_plugin(out, plugin);
}

struct unpacker {
	struct gh_unpack *in;
	struct gh_arena *arena;
	struct files files;
	unsigned nodes;
};

static const char *unpack_text(const struct unpacker *u, const char *field)
{
	struct gh_str text = gh_unpack_text(u->in, field, GH_CONF_FILE_SIZE);

	return gh_arena_strndup(u->arena, text.p, text.n);
}

/* What the system calls a file needn't be UTF-8. */
static const char *unpack_path(const struct unpacker *u, const char *field)
{
	struct gh_bytes path = gh_unpack_bytes(u->in, field, GH_CONF_FILE_SIZE);

	if (path.n && memchr(path.p, 0, path.n))
		gh_unpack_fail(u->in, "'%s' has a NUL character in it", field);
	return gh_arena_strndup(u->arena, (const char *)path.p, path.n);
}

static const char *unpack_file(struct unpacker *u)
{
	struct files *files = &u->files;
	size_t most = files->count < MOST_FILES ? files->count : MOST_FILES - 1,
	       i = (size_t)gh_unpack_number(u->in, "file", 0, most);
	const char *name;

	if (i < files->count)
		return files->names[i];
	name = unpack_path(u, "file");
	if (number_of(files, name) < files->count)
		gh_unpack_fail(u->in, "'file' is named a second time");
	files->names[files->count++] = name;
	return name;
}

static struct gh_conf_place unpack_place(struct unpacker *u)
{
	struct gh_conf_place place = { .file = unpack_file(u) };

	place.line = (unsigned)gh_unpack_number(u->in, "line", 0, UINT_MAX);
	place.column = (unsigned)gh_unpack_number(u->in, "column", 0, UINT_MAX);
	return place;
}

static struct gh_conf_node *unpack_node(struct unpacker *u, unsigned depth);

/* Those that came are counted, not those that were promised. */
static void unpack_members(struct unpacker *u, struct gh_conf_node *node, unsigned depth)
{
	size_t count = (size_t)gh_unpack_number(u->in, "members", 0, GH_CONF_NODES);
	struct gh_conf_node **end = &node->first, *child;

	if (depth >= GH_CONF_DEPTH)
		gh_unpack_fail(u->in, "more than %u lists and maps inside each other", GH_CONF_DEPTH);
	while (node->count < count && !u->in->rc) {
		child = unpack_node(u, depth + 1);
		if ((node->kind == GH_CONF_MAP) != (child->key != NULL))
			gh_unpack_fail(u->in, "a map's members have keys, a list's have none");
		else if (child->key && gh_conf_get(node, child->key))
			gh_unpack_fail(u->in, "key '%.100s' stands twice", child->key);
		if (u->in->rc)
			return;
		*end = child;
		end = &child->next;
		node->count++;
	}
}

static struct gh_conf_node *unpack_node(struct unpacker *u, unsigned depth)
{
	struct gh_conf_node *node = gh_arena_alloc(u->arena, sizeof(*node));
	unsigned head = gh_unpack_flags(u->in, "kind", KIND | FLOW | KEYED);

	node->kind = head & KIND;
	node->flow = head & FLOW;
	if (!node->kind)
		gh_unpack_fail(u->in, "neither a value nor a list nor a map");
	if (u->nodes++ >= GH_CONF_NODES)
		gh_unpack_fail(u->in, "more than %u values", GH_CONF_NODES);
	node->place = unpack_place(u);
	if (head & KEYED) {
		node->key = unpack_text(u, "key");
		node->key_place = unpack_place(u);
	}
	if (u->in->rc)
		return node;
	if (node->kind == GH_CONF_VALUE)
		node->text = unpack_text(u, "value");
	else
		unpack_members(u, node, depth);
	return node;
}

static void unpack_plugin(struct unpacker *u, struct gh_plugin_settings *plugin)
{
	const struct gh_settings_reader words = { .arena = u->arena };

	plugin->name = unpack_text(u, "name");
	plugin->module = unpack_text(u, "module");
	plugin->realm = unpack_text(u, "realm");
	plugin->threads = (int64_t)gh_unpack_number(u->in, "threads", 0, INT64_MAX);
	plugin->max_pending = (int64_t)gh_unpack_number(u->in, "max-pending", 0, INT64_MAX);
	plugin->on_error_next = gh_unpack_flags(u->in, "on-error", 1);
	plugin->place = unpack_place(u);
	plugin->where = gh_settings_where(&words, &plugin->place);
	plugin->section = unpack_node(u, 0);
	if (plugin->section->kind != GH_CONF_MAP)
		gh_unpack_fail(u->in, "the section isn't a map");
}

static void unpack_limits(struct gh_unpack *in, struct gh_limits *limits)
{
	limits->hook_timeout = gh_unpack_number(in, "hook-timeout", 0, UINT64_MAX);
	limits->packet_size = gh_unpack_number(in, "packet-size", 0, UINT64_MAX);
	limits->topic_length = (int64_t)gh_unpack_number(in, "topic-length", 0, INT64_MAX);
	limits->topic_levels = (int64_t)gh_unpack_number(in, "topic-levels", 0, INT64_MAX);
	limits->user_properties = (int64_t)gh_unpack_number(in, "user-properties", 0, INT64_MAX);
}

/* A class is looked up by its name on the first listener. */
static void unpack_listener(const struct unpacker *u, const struct gh_limits *limits,
			    struct gh_listener_settings *listener)
{
	size_t count = (size_t)gh_unpack_number(u->in, "classes", 0, GH_CLASSES_MAX);
	struct gh_class_settings *classes = gh_arena_alloc(u->arena, count * sizeof(*classes));

	for (size_t i = 0; i < count; i++)
		classes[i].name = unpack_text(u, "class");
	listener->name = "";
	listener->limits = *limits;
	listener->classes = classes;
	listener->class_count = count;
}

static void unpack_settings(struct unpacker *u, struct gh_settings *settings)
{
	struct gh_listener_settings *listener = gh_arena_alloc(u->arena, sizeof(*listener));
	struct gh_plugin_settings *plugin = gh_arena_alloc(u->arena, sizeof(*plugin));

	settings->workers = 1;
	settings->state_directory = unpack_path(u, "state-directory");
	settings->log.level =
		(enum gh_level)gh_unpack_number(u->in, "level", GH_LOG_ERROR, GH_LOG_DEBUG);
	unpack_limits(u->in, &settings->limits);
	unpack_listener(u, &settings->limits, listener);
	settings->listeners = listener;
	settings->listener_count = 1;
	unpack_plugin(u, plugin);
	settings->plugins = plugin;
	settings->plugin_count = 1;
}

struct gh_settings *gh_settings_extracted(struct gh_unpack *in)
{
	struct gh_settings_box *box = gh_zalloc(sizeof(*box));
	struct unpacker u = { .in = in, .arena = &box->arena };
	struct gh_settings *settings = &box->settings;

	atomic_init(&box->refs, 1);
	unpack_settings(&u, settings);
	if (in->rc)
		gh_settings_free(&settings);
	return settings;
}
