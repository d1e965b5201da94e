/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/extract.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/test.h"
#include "conf/option.h"
#include "conf/yaml.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct server {
	const char *name, *url;
	int64_t port;
};
struct config {
	bool flag;
	int64_t number, word;
	uint64_t size, time;
	double real;
	const char *text, *path, *url;
	struct gh_list words, servers, rules;
	struct gh_bytes secret;
};

static const struct gh_option server_rows[] = {
	GH_OPTION(struct server, name, GH_STRING, "its name"),
	GH_OPTION(struct server, url, GH_PATH, "where it is", .flags = GH_REQUIRED),
	GH_OPTION(struct server, port, GH_INT, "its port", .standard = "389"),
	{ 0 },
};
static const struct gh_option rule_rows[] = {
	GH_OPTION(struct server, url, GH_STRING, "what it says"),
	{ 0 },
};
static const struct gh_option rows[] = {
	GH_OPTION(struct config, flag, GH_BOOL, "a flag", .standard = "yes"),
	GH_OPTION(struct config, number, GH_INT, "a number", .min = "-5", .max = "64"),
	GH_OPTION(struct config, word, GH_ENUM, "a word", .unit = "deny|next|never"),
	GH_OPTION(struct config, size, GH_SIZE, "a size", .max = "1M"),
	GH_OPTION(struct config, time, GH_DURATION, "a time", .standard = "10s",
		  .flags = GH_UNLIMITED),
	GH_OPTION(struct config, real, GH_FLOAT, "a real", .max = "1"),
	GH_OPTION(struct config, text, GH_STRING, "a text", .max = "40"),
	GH_OPTION(struct config, path, GH_PATH, "a path", .standard = "passwd"),
	GH_OPTION(struct config, url, GH_URL, "a url"),
	GH_OPTION(struct config, words, GH_STRINGS, "words", .standard = "a, b", .max = "3"),
	GH_OPTION(struct config, servers, GH_TABLE, "servers", .rows = server_rows,
		  .row_size = sizeof(struct server), .max = "2"),
	GH_OPTION(struct config, rules, GH_TABLE, "rules", .rows = rule_rows,
		  .row_size = sizeof(struct server)),
	GH_OPTION(struct config, secret, GH_SECRET, "a secret"),
	{ 0 },
};

#define TOP \
	"limits: {packet-size: 2M, topic-length: 100, topic-levels: 9, user-properties: unlimited, inflight: 7,\n" \
	"  hook-timeout: 3s, classes: {slow: {inflight: 2}, fast: {}}}\n" \
	"log: {level: warning, target: file, file: x.log, format: json}\n" \
	"state-directory: /var/lib/one\nworkers: 3\n" \
	"listeners: {l: {address: '127.0.0.1:1883', anonymous: yes, client-id: '{username}'}}\n"

static struct gh_settings *here, *there; /* as they were written, and as they crossed */
static struct gh_buf packed;
static struct gh_error error;

static void parsed(const char *file, const char *text)
{
	ck_assert_msg(gh_settings_parse(file, text, strlen(text), &here, &error) == 0, "%s",
		      error.text);
}

/* In memory of just that size, so that a sanitizer sees what is read behind it. */
static int unpack(const void *p, size_t n)
{
	uint8_t *copy = gh_alloc(n);
	struct gh_unpack in;

	if (n)
		memcpy(copy, p, n);
	memset(&error, 0, sizeof(error));
	in = gh_unpack((struct gh_bytes){ copy, n }, &error);
	there = gh_settings_extracted(&in);
	ck_assert(in.rc == 0 ? there && gh_unpack_end(&in) == 0 : !there);
	free(copy);
	return in.rc;
}

static void cross(void)
{
	packed.n = 0;
	gh_settings_extract(&packed, here, &here->plugins[0]);
	ck_assert_msg(unpack(packed.p, packed.n) == 0, "%s", error.text);
}

static void done(void)
{
	gh_settings_free(&here);
	gh_settings_free(&there);
	gh_buf_done(&packed);
}

static void assert_place(const struct gh_conf_place *a, const struct gh_conf_place *b)
{
	ck_assert_str_eq(a->file, b->file);
	ck_assert_ptr_ne(a->file, b->file);
	ck_assert_uint_eq(a->line, b->line);
	ck_assert_uint_eq(a->column, b->column);
}

static void assert_node(const struct gh_conf_node *a, const struct gh_conf_node *b)
{
	const struct gh_conf_node *x = a->first, *y = b->first;

	ck_assert_int_eq(a->kind, b->kind);
	ck_assert_int_eq(a->flow, b->flow);
	ck_assert_uint_eq(a->count, b->count);
	ck_assert_pstr_eq(a->text, b->text);
	ck_assert_pstr_eq(a->key, b->key);
	assert_place(&a->place, &b->place);
	if (a->key)
		assert_place(&a->key_place, &b->key_place);
	for (; x && y; x = x->next, y = y->next)
		assert_node(x, y);
	ck_assert(!x && !y);
}

static void assert_plugin(const struct gh_plugin_settings *a, const struct gh_plugin_settings *b)
{
	ck_assert_str_eq(a->name, b->name);
	ck_assert_str_eq(a->module, b->module);
	ck_assert_str_eq(a->realm, b->realm);
	ck_assert_int_eq(a->threads, b->threads);
	ck_assert_int_eq(a->max_pending, b->max_pending);
	ck_assert_int_eq(a->on_error_next, b->on_error_next);
	ck_assert_str_eq(a->where, b->where);
	assert_place(&a->place, &b->place);
	assert_node(a->section, b->section);
	ck_assert(gh_plugin_settings_same(a, b));
}

START_TEST(what_crosses)
{
	const struct gh_listener_settings *l;

	parsed("t.yaml", TOP "plugins:\n  p: {module: m, realm: r, threads: 5, max-pending: 77, "
			     "on-error: next, a: {b: [1, {c: ''}, []], d: {}}}\n");
	cross();
	assert_plugin(&here->plugins[0], &there->plugins[0]);
	ck_assert_uint_eq(there->plugin_count, 1);
	ck_assert_str_eq(there->plugins[0].where, "t.yaml:8:3");
	ck_assert_str_eq(there->plugins[0].realm, "r");
	ck_assert_uint_eq(there->workers, 1);
	ck_assert_str_eq(there->state_directory, "/var/lib/one");
	ck_assert_int_eq(there->log.level, GH_LOG_WARNING);
	ck_assert_int_eq(there->log.target, GH_LOG_STDERR);
	ck_assert_int_eq(there->log.format, GH_LOG_TEXT);
	ck_assert_ptr_null(there->log.file);
	ck_assert_ptr_null(there->file);
	ck_assert_uint_eq(there->limits.packet_size, 2 << 20);
	ck_assert_int_eq(there->limits.topic_length, 100);
	ck_assert_int_eq(there->limits.topic_levels, 9);
	ck_assert_int_eq(there->limits.user_properties, INT64_MAX);
	ck_assert_uint_eq(there->limits.hook_timeout, 3000);
	ck_assert_int_eq(there->limits.inflight, 0);
	ck_assert_uint_eq(there->listener_count, 1);
	l = &there->listeners[0];
	ck_assert_mem_eq(&l->limits, &there->limits, sizeof(l->limits));
	ck_assert_ptr_null(l->address);
	ck_assert_uint_eq(l->authenticate.count + l->authorize.count + l->message.count, 0);
	ck_assert(!l->authenticate.open && !l->authorize.open);
	ck_assert(gh_settings_has_class(there, "slow") && gh_settings_has_class(there, "fast"));
	ck_assert(!gh_settings_has_class(there, "SLOW") && !gh_settings_has_class(there, ""));
	ck_assert_ptr_null(gh_settings_listener(there, "l"));
	done();
}
END_TEST

/* The name, where neither module nor realm is given, and no class. */
START_TEST(defaults)
{
	parsed("t.yaml", "listeners: {l: {address: '127.0.0.1:1883', anonymous: yes}}\n"
			 "plugins: {first: {}, second: {a: 1}}\n");
	packed.n = 0;
	gh_settings_extract(&packed, here, &here->plugins[1]);
	ck_assert_int_eq(unpack(packed.p, packed.n), 0);
	assert_plugin(&here->plugins[1], &there->plugins[0]);
	ck_assert_str_eq(there->plugins[0].module, "second");
	ck_assert_int_eq(there->plugins[0].threads, 0);
	ck_assert_uint_eq(there->listeners[0].class_count, 0);
	ck_assert(!gh_settings_has_class(there, "second"));
	ck_assert_str_eq(there->state_directory, here->state_directory);
	done();
}
END_TEST

START_TEST(held_by_count)
{
	struct gh_settings *second;

	parsed("t.yaml", TOP "plugins: {p: {a: b}}\n");
	cross();
	second = gh_settings_ref(there);
	gh_settings_free(&second);
	ck_assert_str_eq(gh_conf_get(there->plugins[0].section, "a")->text, "b");
	second = gh_settings_ref(there);
	gh_settings_free(&there);
	ck_assert_str_eq(gh_conf_get(second->plugins[0].section, "a")->text, "b");
	gh_settings_free(&second);
	done();
}
END_TEST

static const char *word(const struct gh_list *list, size_t i)
{
	return ((const char *const *)list->items)[i];
}

static void assert_servers(const struct gh_list *a, const struct gh_list *b)
{
	const struct server *x = a->items, *y = b->items;

	ck_assert_uint_eq(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		ck_assert_pstr_eq(x[i].name, y[i].name);
		ck_assert_pstr_eq(x[i].url, y[i].url);
		ck_assert_int_eq(x[i].port, y[i].port);
	}
}

static void assert_config(const struct config *a, const struct config *b)
{
	ck_assert(a->flag == b->flag && a->real == b->real);
	ck_assert(a->number == b->number && a->word == b->word);
	ck_assert(a->size == b->size && a->time == b->time);
	ck_assert_pstr_eq(a->text, b->text);
	ck_assert_pstr_eq(a->path, b->path);
	ck_assert_pstr_eq(a->url, b->url);
	ck_assert_uint_eq(a->words.count, b->words.count);
	for (size_t i = 0; i < a->words.count; i++)
		ck_assert_str_eq(word(&a->words, i), word(&b->words, i));
	assert_servers(&a->servers, &b->servers);
	assert_servers(&a->rules, &b->rules);
	ck_assert_uint_eq(a->secret.n, b->secret.n);
	ck_assert(a->secret.n == 0 || memcmp(a->secret.p, b->secret.p, a->secret.n) == 0);
}

static int fill(const struct gh_settings *settings, struct gh_section **section_r)
{
	const struct gh_plugin_settings *plugin = &settings->plugins[0];

	memset(&error, 0, sizeof(error));
	return gh_section_fill(plugin->section, &plugin->place, rows, sizeof(struct config),
			       section_r, &error);
}

/* Both sides fill the same struct, or say the same words. */
static void assert_filled(const char *message)
{
	struct gh_section *a = NULL, *b = NULL;
	int rc = fill(here, &a);

	ck_assert_str_eq(error.text, message ? message : "");
	ck_assert_int_eq(rc, message ? GH_EINVAL : 0);
	ck_assert_int_eq(fill(there, &b), rc);
	ck_assert_str_eq(error.text, message ? message : "");
	if (rc == 0)
		assert_config(gh_section_config(a), gh_section_config(b));
	gh_section_free(&a);
	gh_section_free(&b);
}

static void assert_located(void)
{
	static const char *const paths[] = { "",
					     "text",
					     "words",
					     "words.1",
					     "words.7",
					     "words.x",
					     "servers",
					     "servers.0",
					     "servers.0.url",
					     "servers.b.port",
					     "servers.b.nothing",
					     "rules.1.url",
					     "nothing.at.all" };

	for (size_t i = 0; i < GH_COUNT(paths); i++)
		assert_place(gh_conf_locate(here->plugins[0].section, paths[i]),
			     gh_conf_locate(there->plugins[0].section, paths[i]));
}

START_TEST(filled_the_same)
{
	static const struct {
		const char *section, *message; /* NULL: it is right */
	} sections[] = {
		{ "{}", NULL },
		{ "{flag: off, number: -5, word: next, size: 64k, time: unlimited, real: 0.25}",
		  NULL },
		{ "{text: '', words: ['', 'b, c', \"\\u00e4\\n\"]}", NULL },
		{ "{text: \"\\x01\\U0001F3E0\\uFFFE\", words: []}", NULL },
		{ "{path: users/passwd, url: 'ldaps://[::1]:636/x?y'}", NULL },
		{ "{path: /abs/olute}", NULL },
		{ "{servers: [{url: a/b, port: 1}, {name: '', url: ../c}]}", NULL },
		{ "{servers: {a: {url: a}, b: {url: b, port: 2}}}", NULL },
		{ "\n    servers:\n      - name: x\n        url: |\n          y\n    rules: []",
		  NULL },
		{ "{servers: {}, rules: [{}, {url: '{x}'}]}", NULL },
		{ "{flag: maybe}", "dir/t.yaml:8:13: 'flag': expected yes or no, found 'maybe'" },
		{ "{number: 65}", "dir/t.yaml:8:15: 'number': expected -5 to 64, found '65'" },
		{ "{number: ''}", "dir/t.yaml:8:15: 'number': expected a number, found ''" },
		{ "{word: nixt}",
		  "dir/t.yaml:8:13: 'word': expected deny, next or never, found 'nixt' (did you mean 'next'?)" },
		{ "{txet: x}", "dir/t.yaml:8:7: unknown key 'txet' (did you mean 'text'?)" },
		{ "{path: ''}", "dir/t.yaml:8:13: 'path': expected a path, found ''" },
		{ "{text: {a: b}}",
		  "dir/t.yaml:8:13: 'text': expected a text, found a map ('{' begins a map in YAML, write the value in quotes)" },
		{ "{text: [a]}",
		  "dir/t.yaml:8:13: 'text': expected a text, found a list ('[' begins a list in YAML, write the value in quotes)" },
		{ "\n    text:\n      - a", "dir/t.yaml:10:7: 'text': expected a text, found a list" },
		{ "{words: x}",
		  "dir/t.yaml:8:14: 'words': expected a list such as [a, b], found 'x'" },
		{ "{words: [a, {}]}",
		  "dir/t.yaml:8:18: 'words': expected a list of single values, found a map ('{' begins a map in YAML, write the value in quotes)" },
		{ "{words: [a, b, c, d]}",
		  "dir/t.yaml:8:14: 'words': expected at most 3 entries, found a list" },
		{ "{servers: [{port: 1}]}", "dir/t.yaml:8:17: 'url' is missing: where it is" },
		{ "{servers: {a: {url: x, name: b}}}",
		  "dir/t.yaml:8:29: 'name' is given already: 'a'" },
		{ "\n    servers:\n      b:\n        url: u\n        port: x",
		  "dir/t.yaml:12:15: 'port': expected a number, found 'x'" },
		{ "{rules: {a: {}}}",
		  "dir/t.yaml:8:14: 'rules': expected a list of maps, found a map" },
		{ "{secret: 'credential:'}",
		  "dir/t.yaml:8:15: 'secret': expected credential:NAME, found something else" },
	};
	char text[2048];

	for (size_t i = 0; i < GH_COUNT(sections); i++) {
		snprintf(text, sizeof(text), "%splugins:\n  p: %s\n", TOP, sections[i].section);
		parsed("dir/t.yaml", text);
		cross();
		assert_plugin(&here->plugins[0], &there->plugins[0]);
		assert_filled(sections[i].message);
		assert_located();
		done();
	}
}
END_TEST

static char directory[] = "/tmp/gatehouse-extract-XXXXXX";

static const char *in_directory(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(in_directory(name), "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

/* A section below the directory of the file it stands in, whose name needn't be UTF-8; its secret is read there. */
START_TEST(of_included_files)
{
	struct gh_section *section = NULL;
	const struct config *config;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(mkdir(in_directory("conf.\xff"), 0700), 0);
	put("main.yaml", "include: ['conf.*/a.yaml']\n" TOP);
	put("conf.\xff/a.yaml", "plugins:\n  p: {path: x, secret: key, text: [a]}\n");
	put("conf.\xff/key", "1234\n");
	ck_assert_int_eq(chmod(in_directory("conf.\xff/key"), 0600), 0);
	ck_assert_msg(gh_settings_read(in_directory("main.yaml"), &here, &error) == 0, "%s",
		      error.text);
	cross();
	assert_plugin(&here->plugins[0], &there->plugins[0]);
	ck_assert_int_eq(fill(there, &section), GH_EINVAL);
	ck_assert(gh_str_starts(gh_str(error.text), gh_str(in_directory("conf.\xff/a.yaml:2:35: "))));
	done();
	put("conf.\xff/a.yaml", "plugins:\n  p: {path: x, secret: key}\n");
	ck_assert_int_eq(gh_settings_read(in_directory("main.yaml"), &here, &error), 0);
	cross();
	assert_filled(NULL);
	ck_assert_int_eq(fill(there, &section), 0);
	config = gh_section_config(section);
	ck_assert_str_eq(config->path, in_directory("conf.\xff/x"));
	ck_assert_mem_eq(config->secret.p, "1234", 4);
	gh_section_free(&section);
	done();
	unlink(in_directory("conf.\xff/key"));
	unlink(in_directory("conf.\xff/a.yaml"));
	unlink(in_directory("main.yaml"));
	rmdir(in_directory("conf.\xff"));
	ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(every_prefix_fails)
{
	parsed("t.yaml", TOP "plugins: {p: {a: {b: [1, {c: ''}, []], d: {}}, e: f}}\n");
	cross();
	gh_settings_free(&there);
	for (size_t n = 0; n < packed.n; n++) {
		ck_assert_int_eq(unpack(packed.p, n), GH_EINVAL);
		ck_assert(gh_str_starts(gh_str(error.text), gh_str("it ends in the middle of '")));
	}
	done();
}
END_TEST

/* Whatever is made of a byte, it is refused or means what it says. */
START_TEST(every_byte_is_another)
{
	struct gh_buf again = { 0 };

	parsed("t.yaml", TOP "plugins: {p: {a: {b: [1, {c: ''}, []], d: {}}, e: f}}\n");
	packed.n = 0;
	gh_settings_extract(&packed, here, &here->plugins[0]);
	for (size_t i = 0; i < packed.n * 255; i++) {
		struct gh_unpack in = gh_unpack((struct gh_bytes){ packed.p, packed.n }, &error);
		uint8_t *at = packed.p + i / 255, was = *at;
		size_t used;

		*at ^= (uint8_t)(i % 255 + 1);
		there = gh_settings_extracted(&in);
		if (there) {
			used = packed.n - gh_unpack_left(&in);
			again.n = 0;
			gh_settings_extract(&again, there, there->plugins);
			GH_MUST(again.n == used && memcmp(again.p, packed.p, used) == 0);
			gh_settings_free(&there);
		}
		*at = was;
	}
	gh_buf_done(&again);
	done();
}
END_TEST

/* One that was never written, made by hand: what no file could say is refused. */
static struct gh_conf_node *node(enum gh_conf_kind kind, const char *key, const char *file)
{
	struct gh_conf_node *made = gh_zalloc(sizeof(*made));

	made->kind = kind;
	made->key = key;
	made->text = kind == GH_CONF_VALUE ? "x" : NULL;
	made->place = made->key_place = (struct gh_conf_place){ file, 1, 1 };
	return made;
}

static struct gh_conf_node *add(struct gh_conf_node *parent, struct gh_conf_node *child)
{
	child->next = parent->first;
	parent->first = child;
	parent->count++;
	return child;
}

static void free_nodes(struct gh_conf_node *tree)
{
	for (struct gh_conf_node *child = tree->first, *next; child; child = next) {
		next = child->next;
		free_nodes(child);
	}
	free(tree);
}

/* Frees the section. */
static int cross_by_hand(struct gh_conf_node *section)
{
	const struct gh_settings settings = { .state_directory = "/x", .log.level = GH_LOG_INFO };
	const struct gh_plugin_settings plugin = {
		.name = "p", .module = "m", .realm = "r", .place = { "f", 1, 1 }, .section = section
	};
	int rc;

	packed.n = 0;
	gh_settings_extract(&packed, &settings, &plugin);
	free_nodes(section);
	rc = unpack(packed.p, packed.n);
	gh_settings_free(&there);
	return rc;
}

START_TEST(not_a_tree_of_a_file)
{
	struct gh_conf_node *map;

	ck_assert_int_eq(cross_by_hand(node(GH_CONF_MAP, "p", "f")), 0);
	ck_assert_int_eq(cross_by_hand(node(GH_CONF_MAP, NULL, "f")), 0);
	ck_assert_int_eq(cross_by_hand(node(GH_CONF_LIST, "p", "f")), GH_EINVAL);
	ck_assert_str_eq(error.text, "the section isn't a map");
	ck_assert_int_eq(cross_by_hand(node((enum gh_conf_kind)0, "p", "f")), GH_EINVAL);
	ck_assert_str_eq(error.text, "neither a value nor a list nor a map");
	map = node(GH_CONF_MAP, "p", "f");
	add(map, node(GH_CONF_VALUE, NULL, "f"));
	ck_assert_int_eq(cross_by_hand(map), GH_EINVAL);
	ck_assert_str_eq(error.text, "a map's members have keys, a list's have none");
	map = node(GH_CONF_MAP, "p", "f");
	add(add(map, node(GH_CONF_LIST, "l", "f")), node(GH_CONF_VALUE, "k", "f"));
	ck_assert_int_eq(cross_by_hand(map), GH_EINVAL);
	ck_assert_str_eq(error.text, "a map's members have keys, a list's have none");
	map = node(GH_CONF_MAP, "p", "f");
	add(map, node(GH_CONF_VALUE, "k", "f"));
	add(map, node(GH_CONF_VALUE, "k", "f"));
	ck_assert_int_eq(cross_by_hand(map), GH_EINVAL);
	ck_assert_str_eq(error.text, "key 'k' stands twice");
	map = node(GH_CONF_MAP, "p", "f");
	add(map, node(GH_CONF_VALUE, "k", "f"))->text = "\xff";
	ck_assert_int_eq(cross_by_hand(map), GH_EINVAL);
	ck_assert_str_eq(error.text, "'value' isn't UTF-8");
	gh_buf_done(&packed);
}
END_TEST

START_TEST(bounds)
{
	static char names[GH_CONF_FILES + 1][8];
	struct gh_conf_node *map, *at;
	struct gh_buf text = { 0 };

	for (unsigned depth = GH_CONF_DEPTH; depth <= GH_CONF_DEPTH + 1; depth++) {
		map = at = node(GH_CONF_MAP, "p", "f");
		for (unsigned i = 1; i < depth; i++)
			at = add(at, node(GH_CONF_MAP, "k", "f"));
		add(at, node(GH_CONF_VALUE, "k", "f"));
		ck_assert_int_eq(cross_by_hand(map), depth > GH_CONF_DEPTH ? GH_EINVAL : 0);
	}
	ck_assert_str_eq(error.text, "more than 12 lists and maps inside each other");
	for (unsigned nodes = GH_CONF_NODES; nodes <= GH_CONF_NODES + 1; nodes++) {
		map = node(GH_CONF_MAP, "p", "f");
		at = add(map, node(GH_CONF_LIST, "k", "f"));
		for (unsigned i = 2; i < nodes; i++)
			add(at, node(GH_CONF_VALUE, NULL, "f"));
		ck_assert_int_eq(cross_by_hand(map), nodes > GH_CONF_NODES ? GH_EINVAL : 0);
	}
	ck_assert_str_eq(error.text, "more than 20000 values");
	for (unsigned files = GH_CONF_FILES; files <= GH_CONF_FILES + 1; files++) {
		map = node(GH_CONF_MAP, "p", "f");
		at = add(map, node(GH_CONF_LIST, "k", "f"));
		for (unsigned i = 0; i < files; i++) {
			snprintf(names[i], sizeof(names[i]), "%u", i);
			add(at, node(GH_CONF_VALUE, NULL, names[i]));
		}
		ck_assert_int_eq(cross_by_hand(map), files > GH_CONF_FILES ? GH_EINVAL : 0);
	}
	for (size_t n = GH_CONF_FILE_SIZE; n <= GH_CONF_FILE_SIZE + 1; n++) {
		map = node(GH_CONF_MAP, "p", "f");
		text.n = 0;
		memset(gh_buf_reserve(&text, n + 1), 'x', n);
		text.p[n] = 0;
		add(map, node(GH_CONF_VALUE, "k", "f"))->text = (const char *)text.p;
		ck_assert_int_eq(cross_by_hand(map), n > GH_CONF_FILE_SIZE ? GH_EINVAL : 0);
	}
	ck_assert_str_eq(error.text, "'value' is of 1048577 bytes, at most 1048576 expected");
	gh_buf_done(&text);
	gh_buf_done(&packed);
}
END_TEST

/* What stands before the place of the plugin, as it is packed. */
static void pack_head(unsigned level, unsigned classes)
{
	packed.n = 0;
	gh_pack_text(&packed, gh_str("/x"));
	gh_pack_number(&packed, level);
	for (unsigned i = 0; i < 5; i++)
		gh_pack_number(&packed, 100); /* limits */
	gh_pack_number(&packed, classes);
	for (unsigned i = 0; i < classes; i++)
		gh_pack_text(&packed, gh_str("c"));
	for (unsigned i = 0; i < 3; i++)
		gh_pack_text(&packed, gh_str("p"));
	gh_pack_number(&packed, 4);
	gh_pack_number(&packed, 5);
	gh_buf_u8(&packed, 1);
}

static const char *refused(const char *p, size_t n)
{
	gh_buf_add(&packed, p, n);
	ck_assert_int_eq(unpack(packed.p, packed.n), GH_EINVAL);
	return error.text;
}
#define REFUSED(literal) refused(literal, sizeof(literal) - 1)

START_TEST(bytes_that_are_wrong)
{
#define PLACE "\0\1f\1\1" /* file 0, "f", line, column */
	pack_head(GH_LOG_DEBUG, GH_CLASSES_MAX);
	gh_buf_add(&packed, PLACE "\3\0\1\1\0", 10);
	ck_assert_msg(unpack(packed.p, packed.n) == 0, "%s", error.text);
	ck_assert_int_eq(there->plugins[0].max_pending, 5);
	ck_assert(there->plugins[0].on_error_next);
	gh_settings_free(&there);
	pack_head(GH_LOG_DEBUG, GH_CLASSES_MAX + 1);
	ck_assert_str_eq(REFUSED(PLACE "\3\0\1\1\0"), "'classes' is 65, expected 0 to 64");
	pack_head(GH_LOG_DEBUG + 1, 0);
	ck_assert_str_eq(REFUSED(PLACE "\3\0\1\1\0"), "'level' is 6, expected 1 to 5");
	pack_head(0, 0);
	ck_assert_str_eq(REFUSED(PLACE "\3\0\1\1\0"), "'level' is 0, expected 1 to 5");
	pack_head(GH_LOG_DEBUG, 0);
	ck_assert_str_eq(REFUSED("\1"), "'file' is 1, expected 0 to 0");
	pack_head(GH_LOG_DEBUG, 0);
	ck_assert_str_eq(REFUSED("\0\1\0\1\1"), "'file' has a NUL character in it");
	pack_head(GH_LOG_DEBUG, 0);
	ck_assert_str_eq(REFUSED(PLACE "\3\1\1f\1\1\0"), "'file' is named a second time");
	pack_head(GH_LOG_DEBUG, 0);
	ck_assert_str_eq(REFUSED(PLACE "\3\2"), "'file' is 2, expected 0 to 1");
	pack_head(GH_LOG_DEBUG, 0);
	ck_assert_str_eq(REFUSED(PLACE "\x13\0\1\1\0"), "'kind' has bits that are not known (0x13)");
	pack_head(GH_LOG_DEBUG, 0);
	ck_assert_str_eq(REFUSED(PLACE "\3\0\1\1\xa1\x9c\1"),
			 "'members' is 20001, expected 0 to 20000");
	pack_head(GH_LOG_DEBUG, 0);
	ck_assert_str_eq(REFUSED(PLACE "\3\0\1\1\1\x09\0\1\1\1\0\0\1\1\1x"), "'key' isn't UTF-8");
	gh_buf_done(&packed);
}
END_TEST

GH_TEST_MAIN("conf/extract", what_crosses, defaults, held_by_count, filled_the_same,
	     of_included_files, every_prefix_fails, every_byte_is_another, not_a_tree_of_a_file,
	     bounds, bytes_that_are_wrong)
