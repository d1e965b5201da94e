/* SPDX-License-Identifier: Apache-2.0 */
/* Fills a struct by its table. */
#include "conf/option.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/option_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct filler {
	struct gh_arena *arena;
	struct gh_error *error;
	bool overlay;
};

static int fill(const struct filler *f, const struct gh_conf_node *node,
		const struct gh_conf_place *place, const struct gh_option *rows, const char *key,
		void *config);

static void *field(const struct gh_option *row, void *config)
{
	return (char *)config + row->offset;
}

static void store(const struct gh_option *row, void *config, const void *value)
{
	memcpy(field(row, config), value, row->field_size);
}

/* "'workers': expected 1 to 64, found '99'" and the hint; NULL: where YAML may have read something else than was meant. */
static int unexpected(const struct filler *f, const struct gh_option *row,
		      const struct gh_conf_node *node, const char *expected, const char *hint)
{
	char name[GH_OPTION_NAME_SIZE], found[GH_CONF_FOUND_SIZE];

	if (!hint && node->flow && node->kind == GH_CONF_MAP)
		hint = " ('{' begins a map in YAML, write the value in quotes)";
	if (!hint && node->flow && node->kind == GH_CONF_LIST)
		hint = " ('[' begins a list in YAML, write the value in quotes)";
	return gh_conf_error(f->error, &node->place, "'%s': expected %s, found %s%s",
			     gh_option_name(row, name), expected,
			     row->type == GH_SECRET && node->kind == GH_CONF_VALUE
				     ? "something else"
				     : gh_conf_found(node, found),
			     hint ? hint : "");
}

/* As one of a few words, with the nearest of them. */
static int no_such_word(const struct filler *f, const struct gh_option *row,
			const struct gh_conf_node *node)
{
	struct gh_str views[GH_OPTION_WORDS];
	size_t count = gh_option_words(row->unit, views);
	const char *words[GH_OPTION_WORDS], *nearest;
	struct gh_buf expected = { 0 };
	char hint[GH_OPTION_NAME_SIZE + 20] = "";
	int rc;

	for (size_t i = 0; i < count; i++) {
		words[i] = gh_arena_strndup(f->arena, views[i].p, views[i].n);
		gh_buf_printf(&expected, "%s%s",
			      i == 0           ? ""
			      : i + 1 == count ? " or "
					       : ", ",
			      words[i]);
	}
	gh_buf_u8(&expected, 0);
	nearest = gh_str_nearest(node->text, words, count);
	if (nearest)
		snprintf(hint, sizeof(hint), " (did you mean '%s'?)", nearest);
	rc = unexpected(f, row, node, (const char *)expected.p, hint);
	gh_buf_done(&expected);
	return rc;
}

static int out_of_bounds(const struct filler *f, const struct gh_option *row,
			 const struct gh_conf_node *node)
{
	char range[GH_OPTION_RANGE_SIZE];

	return unexpected(f, row, node, gh_option_range(row, range), "");
}

static int number(const struct filler *f, const struct gh_option *row,
		  const struct gh_conf_node *node, void *config)
{
	char expected[96];
	union gh_option_number value;

	if (!gh_option_read(row, node->text, &value)) {
		if (row->type == GH_ENUM)
			return no_such_word(f, row, node);
		snprintf(expected, sizeof(expected), "%s%s", gh_option_kind(row->type)->expected,
			 row->flags & GH_UNLIMITED ? ", or unlimited" : "");
		return unexpected(f, row, node, expected, NULL);
	}
	if (!gh_option_in_bounds(row, &value))
		return out_of_bounds(f, row, node);
	store(row, config, &value);
	return 0;
}

/* Below the directory of the file it is written in; that of the working directory comes first where it is relative too. */
static const char *absolute(const struct filler *f, const char *path, const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL;
	char *here, *result;

	if (*path == '/')
		return gh_arena_strndup(f->arena, path, strlen(path));
	if (!file)
		return gh_arena_printf(f->arena, "%s/%s", GH_SYSCONFDIR, path);
	if (*file == '/')
		return gh_arena_printf(f->arena, "%.*s/%s", (int)(slash - file), file, path);
	here = getcwd(NULL, 0);
	result = gh_arena_printf(f->arena, "%s/%.*s%s", here ? here : "",
				 slash ? (int)(slash - file + 1) : 0, file, path);
	free(here);
	return result;
}

/* scheme://authority, and nothing in it that has no place in a URL. */
static bool url_valid(const char *text)
{
	size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+.-");

	if (scheme == 0 || *text < 'a' || *text > 'z' || strncmp(text + scheme, "://", 3) != 0)
		return false;
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("\"<>\\^`{|}", *p))
			return false;
	text += scheme + 3;
	return *text && *text != '/' && *text != '?' && *text != '#' && *text != ':';
}

static int secret(const struct filler *f, const struct gh_option *row,
		  const struct gh_conf_node *node, void *config)
{
	static const char prefix[] = "credential:";
	const char *directory = getenv("CREDENTIALS_DIRECTORY"),
		   *name = node->text + sizeof(prefix) - 1, *path;
	char option[GH_OPTION_NAME_SIZE], where[GH_CONF_WHERE_SIZE];
	struct gh_bytes bytes;
	int rc;

	if (strncmp(node->text, prefix, sizeof(prefix) - 1) != 0)
		path = absolute(f, node->text, node->place.file);
	else if (!*name || *name == '.' || strchr(name, '/'))
		return unexpected(f, row, node, "credential:NAME", NULL);
	else if (!directory || *directory != '/')
		return gh_conf_error(f->error, &node->place,
				     "'%s': systemd has given no credentials, see LoadCredential=",
				     gh_option_name(row, option));
	else
		path = gh_arena_printf(f->arena, "%s/%s", directory, name);
	rc = gh_option_secret(path, f->arena, &bytes, f->error);
	if (rc < 0)
		gh_error_prefix(f->error, "%s: '%s'", gh_conf_where(&node->place, where),
				gh_option_name(row, option));
	else
		store(row, config, &bytes);
	return rc;
}

static int text(const struct filler *f, const struct gh_option *row,
		const struct gh_conf_node *node, void *config)
{
	const char *value;

	if (row->type != GH_STRING && !*node->text)
		return unexpected(f, row, node, gh_option_kind(row->type)->expected, NULL);
	if (row->type == GH_URL && !url_valid(node->text))
		return unexpected(f, row, node, gh_option_kind(GH_URL)->expected, NULL);
	if (!gh_option_count_in_bounds(row, strlen(node->text)))
		return out_of_bounds(f, row, node);
	value = row->type == GH_PATH ? absolute(f, node->text, node->place.file)
				     : gh_arena_strndup(f->arena, node->text, strlen(node->text));
	store(row, config, &value);
	return 0;
}

static int strings(const struct filler *f, const struct gh_option *row,
		   const struct gh_conf_node *node, void *config)
{
	struct gh_list list = { .count = node->count };
	const char **items;
	size_t i = 0;

	if (node->kind != GH_CONF_LIST)
		return unexpected(f, row, node, "a list such as [a, b]", NULL);
	if (!gh_option_count_in_bounds(row, node->count))
		return out_of_bounds(f, row, node);
	items = gh_arena_alloc(f->arena, node->count * sizeof(*items));
	for (const struct gh_conf_node *item = node->first; item; item = item->next) {
		if (item->kind != GH_CONF_VALUE)
			return unexpected(f, row, item, "a list of single values", NULL);
		items[i++] = gh_arena_strndup(f->arena, item->text, strlen(item->text));
	}
	list.items = items;
	store(row, config, &list);
	return 0;
}

static const struct gh_option *named_row(const struct gh_option *rows, const char *key)
{
	for (; rows->name; rows++)
		if (gh_option_named(rows, key))
			return rows;
	return NULL;
}

static int table(const struct filler *f, const struct gh_option *row,
		 const struct gh_conf_node *node, void *config)
{
	const struct filler whole = { f->arena, f->error, false };
	const struct gh_option *name = named_row(row->rows, "name");
	struct gh_list list = { .count = node->count };
	char *items;
	size_t i = 0;
	int rc = 0;

	if (node->kind == GH_CONF_VALUE)
		return unexpected(f, row, node, gh_option_kind(GH_TABLE)->expected, NULL);
	if (node->kind == GH_CONF_MAP && (!name || name->type != GH_STRING))
		return unexpected(f, row, node, "a list of maps", "");
	if (!gh_option_count_in_bounds(row, node->count))
		return out_of_bounds(f, row, node);
	items = gh_arena_alloc(f->arena, node->count * row->row_size);
	for (const struct gh_conf_node *item = node->first; item && rc == 0; item = item->next, i++) {
		if (item->kind != GH_CONF_MAP)
			return unexpected(f, row, item, "a map", NULL);
		rc = fill(&whole, item, &item->place, row->rows, item->key,
			  items + i * row->row_size);
	}
	list.items = items;
	store(row, config, &list);
	return rc;
}

static int value(const struct filler *f, const struct gh_option *row,
		 const struct gh_conf_node *node, void *config)
{
	if (row->type == GH_NODE) {
		store(row, config, &node);
		return 0;
	}
	if (row->type == GH_STRINGS)
		return strings(f, row, node, config);
	if (row->type == GH_TABLE)
		return table(f, row, node, config);
	if (node->kind != GH_CONF_VALUE)
		return unexpected(f, row, node, gh_option_kind(row->type)->expected, NULL);
	if (gh_option_numeric(row->type))
		return number(f, row, node, config);
	return row->type == GH_SECRET ? secret(f, row, node, config) : text(f, row, node, config);
}

static void standard_strings(const struct filler *f, const struct gh_option *row, void *config)
{
	const char *p = row->standard,
		   **items = gh_arena_alloc(f->arena, (strlen(p) + 1) * sizeof(*items));
	struct gh_list list = { .items = items };
	size_t n;

	for (; *p; p += n) {
		p += strspn(p, ", ");
		n = strcspn(p, ", ");
		if (n)
			items[list.count++] = gh_arena_strndup(f->arena, p, n);
	}
	store(row, config, &list);
}

static void standard(const struct filler *f, const struct gh_option *row, void *config)
{
	union gh_option_number number_value;
	const char *text_value;

	if (!row->standard) {
		memset(field(row, config), 0, row->field_size);
	} else if (row->type == GH_STRINGS) {
		standard_strings(f, row, config);
	} else if (gh_option_numeric(row->type)) {
		gh_option_read(row, row->standard, &number_value);
		store(row, config, &number_value);
	} else {
		text_value = row->type == GH_PATH ? absolute(f, row->standard, NULL)
						  : gh_arena_strndup(f->arena, row->standard,
								     strlen(row->standard));
		store(row, config, &text_value);
	}
}

static int unknown_key(const struct filler *f, const struct gh_conf_node *node,
		       const struct gh_option *rows)
{
	struct gh_buf known = { 0 };
	const char *words[256], *nearest; /* as many as gh_options_check() allows */
	char name[GH_OPTION_NAME_SIZE];
	size_t count = 0;
	int rc;

	for (; rows->name; rows++) {
		gh_option_name(rows, name);
		gh_buf_printf(&known, "%s%s", count ? ", " : "", name);
		words[count++] = gh_arena_strndup(f->arena, name, strlen(name));
	}
	gh_buf_u8(&known, 0);
	nearest = gh_str_nearest(node->key, words, count);
	if (nearest)
		rc = gh_conf_error(f->error, &node->key_place,
				   "unknown key '%.60s' (did you mean '%s'?)", node->key, nearest);
	else if (count)
		rc = gh_conf_error(f->error, &node->key_place,
				   "unknown key '%.60s', expected one of %s", node->key,
				   (const char *)known.p);
	else
		rc = gh_conf_error(f->error, &node->key_place, "unknown key '%.60s', expected none",
				   node->key);
	gh_buf_done(&known);
	return rc;
}

static int check_keys(const struct filler *f, const struct gh_conf_node *node,
		      const struct gh_option *rows, const char *key)
{
	for (const struct gh_conf_node *child = node->first; child; child = child->next) {
		const struct gh_option *row = named_row(rows, child->key);

		if (!row)
			return unknown_key(f, child, rows);
		if (key && gh_option_named(row, "name"))
			return gh_conf_error(f->error, &child->key_place,
					     "'name' is given already: '%.60s'", key);
		if (f->overlay && (row->flags & GH_BROKER_ONLY))
			return gh_conf_error(
				f->error, &child->key_place,
				"'%s' is of the whole broker: it can only stand in 'limits' at the top",
				child->key);
	}
	return 0;
}

static const struct gh_conf_node *written(const struct gh_conf_node *node, const struct gh_option *row)
{
	for (const struct gh_conf_node *child = node ? node->first : NULL; child; child = child->next)
		if (gh_option_named(row, child->key))
			return child;
	return NULL;
}

/* key: of the map in a map of maps; it is the value of the row "name". */
static int fill(const struct filler *f, const struct gh_conf_node *node,
		const struct gh_conf_place *place, const struct gh_option *rows, const char *key,
		void *config)
{
	char name[GH_OPTION_NAME_SIZE], found[GH_CONF_FOUND_SIZE];
	const struct gh_conf_node *child;
	int rc = 0;

	if (node && node->kind != GH_CONF_MAP)
		return gh_conf_error(f->error, &node->place,
				     "expected a map ('key: value'), found %s",
				     gh_conf_found(node, found));
	if (node)
		rc = check_keys(f, node, rows, key);
	for (const struct gh_option *row = rows; row->name && rc == 0; row++) {
		child = written(node, row);
		if (key && gh_option_named(row, "name")) {
			key = gh_arena_strndup(f->arena, key, strlen(key));
			store(row, config, &key);
		} else if (child) {
			rc = value(f, row, child, config);
		} else if (f->overlay) {
			continue;
		} else if (row->flags & GH_REQUIRED) {
			rc = gh_conf_error(
				f->error, place, "'%s' is missing: %s", gh_option_name(row, name),
				row->help ? row->help : gh_option_kind(row->type)->expected);
		} else {
			standard(f, row, config);
		}
	}
	return rc;
}

int gh_options_fill(const struct gh_conf_node *node, const struct gh_conf_place *place,
		    const struct gh_option *rows, struct gh_arena *arena, void *config,
		    struct gh_error *error)
{
	const struct filler f = { arena, error, false };

	return fill(&f, node, place, rows, NULL, config);
}

int gh_options_overlay(const struct gh_conf_node *node, const struct gh_option *rows,
		       struct gh_arena *arena, void *config, struct gh_error *error)
{
	const struct filler f = { arena, error, true };

	return fill(&f, node, &node->place, rows, NULL, config);
}
