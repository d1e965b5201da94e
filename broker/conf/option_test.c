/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/option.h"
#include "base/str.h"
#include "base/test.h"
#include "conf/yaml.h"

#include <limits.h>
#include <math.h>
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
	const char *must;
};

static const struct gh_option server_rows[] = {
	GH_OPTION(struct server, name, GH_STRING, "its name"),
	GH_OPTION(struct server, url, GH_URL, "where it is", .flags = GH_REQUIRED),
	GH_OPTION(struct server, port, GH_INT, "its port", .standard = "389"),
	{ 0 },
};
static const struct gh_option rule_rows[] = {
	GH_OPTION(struct server, url, GH_URL, "where it is"),
	{ 0 },
};
static const struct gh_option rows[] = {
	GH_OPTION(struct config, flag, GH_BOOL, "a flag", .standard = "yes"),
	GH_OPTION(struct config, number, GH_INT, "a number", .standard = "-3", .min = "-5",
		  .max = "64", .flags = GH_UNLIMITED),
	GH_OPTION(struct config, word, GH_ENUM, "a word", .unit = "deny|next|never",
		  .standard = "next"),
	{ .name = "the_size",
	  .type = GH_SIZE,
	  .offset = offsetof(struct config, size),
	  .field_size = sizeof(uint64_t),
	  .standard = "64k",
	  .max = "1M" },
	GH_OPTION(struct config, time, GH_DURATION, "a time", .standard = "10s", .min = "1s",
		  .flags = GH_UNLIMITED),
	GH_OPTION(struct config, real, GH_FLOAT, "a real", .standard = "0.5", .max = "1"),
	GH_OPTION(struct config, text, GH_STRING, "a text", .max = "8"),
	GH_OPTION(struct config, path, GH_PATH, "a path", .standard = "passwd"),
	GH_OPTION(struct config, url, GH_URL, "a url"),
	GH_OPTION(struct config, words, GH_STRINGS, "words", .standard = "a, b", .max = "3"),
	GH_OPTION(struct config, servers, GH_TABLE, "servers", .rows = server_rows,
		  .row_size = sizeof(struct server), .max = "2"),
	GH_OPTION(struct config, rules, GH_TABLE, "rules", .rows = rule_rows,
		  .row_size = sizeof(struct server)),
	GH_OPTION(struct config, must, GH_STRING, "must be there", .flags = GH_REQUIRED),
	{ 0 },
};

static struct gh_conf *conf;
static struct gh_section *section;
static struct gh_error error;

static int fill(const char *file, const char *text)
{
	static const struct gh_conf_place place = { "t.yaml", 9, 1 };

	memset(&error, 0, sizeof(error));
	ck_assert_msg(gh_conf_parse(file, text, strlen(text), &conf, &error) == 0, "%s", error.text);
	return gh_section_fill(gh_conf_root(conf), &place, rows, sizeof(struct config), &section,
			       &error);
}

static const struct config *filled(const char *file, const char *text)
{
	ck_assert_msg(fill(file, text) == 0, "%s", error.text);
	return gh_section_config(section);
}

static void done(void)
{
	gh_section_free(&section);
	gh_conf_free(&conf);
	ck_assert_ptr_null(section);
}

static const char *word(const struct gh_list *list, size_t i)
{
	return ((const char *const *)list->items)[i];
}

START_TEST(defaults)
{
	const struct config *c = filled("t.yaml", "must: x\n");

	ck_assert(c->flag);
	ck_assert_int_eq(c->number, -3);
	ck_assert_int_eq(c->word, 1);
	ck_assert_uint_eq(c->size, 65536);
	ck_assert_uint_eq(c->time, 10000);
	ck_assert(c->real == 0.5);
	ck_assert_ptr_null(c->text);
	ck_assert_str_eq(c->path, GH_SYSCONFDIR "/passwd");
	ck_assert_uint_eq(c->words.count, 2);
	ck_assert_str_eq(word(&c->words, 0), "a");
	ck_assert_str_eq(word(&c->words, 1), "b");
	ck_assert_uint_eq(c->servers.count, 0);
	ck_assert_str_eq(c->must, "x");
	done();
}
END_TEST

START_TEST(values)
{
	const struct config *c =
		filled("/etc/x/t.yaml", "flag: off\nnumber: unlimited\nword: never\nthe-size: 1M\n"
					"time: 2h\nreal: 1e-3\ntext: '#{*'\npath: a/b\n"
					"url: ldaps://[::1]:636/x?y\nwords: [p, 'q, r']\nmust: ''\n");

	ck_assert(!c->flag);
	ck_assert_int_eq(c->number, INT64_MAX);
	ck_assert_int_eq(c->word, 2);
	ck_assert_uint_eq(c->size, 1u << 20);
	ck_assert_uint_eq(c->time, 7200000);
	ck_assert(c->real == 0.001);
	ck_assert_str_eq(c->text, "#{*");
	ck_assert_str_eq(c->path, "/etc/x/a/b");
	ck_assert_str_eq(c->url, "ldaps://[::1]:636/x?y");
	ck_assert_uint_eq(c->words.count, 2);
	ck_assert_str_eq(word(&c->words, 1), "q, r");
	ck_assert_str_eq(c->must, "");
	done();
}
END_TEST

START_TEST(paths_are_made_absolute)
{
	char here[PATH_MAX], expected[PATH_MAX + 16];

	ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
	snprintf(expected, sizeof(expected), "%s/etc/p", here);
	ck_assert_str_eq(filled("etc/t.yaml", "path: p\nmust: x\n")->path, expected);
	done();
	snprintf(expected, sizeof(expected), "%s/p", here);
	ck_assert_str_eq(filled("t.yaml", "path: p\nmust: x\n")->path, expected);
	done();
	ck_assert_str_eq(filled("t.yaml", "path: /p\nmust: x\n")->path, "/p");
	done();
}
END_TEST

START_TEST(tables)
{
	const struct config *c = filled(
		"t.yaml",
		"must: x\nservers:\n  one: {url: 'ldap://a'}\n  two: {url: 'ldap://b', port: 1}\n");
	const struct server *s = c->servers.items;

	ck_assert_uint_eq(c->servers.count, 2);
	ck_assert_str_eq(s[0].name, "one");
	ck_assert_int_eq(s[0].port, 389);
	ck_assert_str_eq(s[1].name, "two");
	ck_assert_str_eq(s[1].url, "ldap://b");
	ck_assert_int_eq(s[1].port, 1);
	done();
	c = filled("t.yaml",
		   "must: x\nservers:\n- name: n\n  url: ldap://a\n- url: ldap://b\nrules: [{}]\n");
	s = c->servers.items;
	ck_assert_str_eq(s[0].name, "n");
	ck_assert_ptr_null(s[1].name);
	ck_assert_uint_eq(c->rules.count, 1);
	done();
}
END_TEST

START_TEST(what_is_refused)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "flag: 1", "t.yaml:1:7: 'flag': expected yes or no, found '1'" },
		{ "flag: Yes", "t.yaml:1:7: 'flag': expected yes or no, found 'Yes'" },
		{ "number: many",
		  "t.yaml:1:9: 'number': expected a number, or unlimited, found 'many'" },
		{ "number: 1.5",
		  "t.yaml:1:9: 'number': expected a number, or unlimited, found '1.5'" },
		{ "number: 0x10",
		  "t.yaml:1:9: 'number': expected a number, or unlimited, found '0x10'" },
		{ "number: 65", "t.yaml:1:9: 'number': expected -5 to 64 or unlimited, found '65'" },
		{ "number: -6", "t.yaml:1:9: 'number': expected -5 to 64 or unlimited, found '-6'" },
		{ "number: 99999999999999999999",
		  "t.yaml:1:9: 'number': expected a number, or unlimited, found "
		  "'99999999999999999999'" },
		{ "word: nxt",
		  "t.yaml:1:7: 'word': expected deny, next or never, found 'nxt' (did you mean 'next'?)" },
		{ "word: zzzzzzz",
		  "t.yaml:1:7: 'word': expected deny, next or never, found 'zzzzzzz'" },
		{ "the-size: unlimited",
		  "t.yaml:1:11: 'the-size': expected a size such as 64k or 1M, found 'unlimited'" },
		{ "the-size: 1kB",
		  "t.yaml:1:11: 'the-size': expected a size such as 64k or 1M, found '1kB'" },
		{ "the-size: k",
		  "t.yaml:1:11: 'the-size': expected a size such as 64k or 1M, found 'k'" },
		{ "the-size: 20000000T",
		  "t.yaml:1:11: 'the-size': expected a size such as 64k or 1M, found '20000000T'" },
		{ "the-size: 1025k", "t.yaml:1:11: 'the-size': expected at most 1M, found '1025k'" },
		{ "the_size: 1", "t.yaml:1:1: unknown key 'the_size' (did you mean 'the-size'?)" },
		{ "time: 10",
		  "t.yaml:1:7: 'time': expected a duration such as 500ms, 10s or 2h, or unlimited, found '10'" },
		{ "time: 999ms",
		  "t.yaml:1:7: 'time': expected at least 1s or unlimited, found '999ms'" },
		{ "real: x", "t.yaml:1:7: 'real': expected a decimal number, found 'x'" },
		{ "real: nan", "t.yaml:1:7: 'real': expected a decimal number, found 'nan'" },
		{ "real: 1.5", "t.yaml:1:7: 'real': expected at most 1, found '1.5'" },
		{ "text: 123456789",
		  "t.yaml:1:7: 'text': expected at most 8 bytes, found '123456789'" },
		{ "text: {username}",
		  "t.yaml:1:16: expected a value, found nothing ('{' begins a map in YAML, write the value in "
		  "quotes)" },
		{ "text: {}",
		  "t.yaml:1:7: 'text': expected a text, found a map ('{' begins a map in YAML, write the value in "
		  "quotes)" },
		{ "text: [a]",
		  "t.yaml:1:7: 'text': expected a text, found a list ('[' begins a list in YAML, write the value in "
		  "quotes)" },
		{ "text:\n  a: b", "t.yaml:2:3: 'text': expected a text, found a map" },
		{ "path: ''", "t.yaml:1:7: 'path': expected a path, found ''" },
		{ "url: host/x",
		  "t.yaml:1:6: 'url': expected a URL such as https://host/path, found 'host/x'" },
		{ "url: http:///x",
		  "t.yaml:1:6: 'url': expected a URL such as https://host/path, found 'http:///x'" },
		{ "url: 'http://a b'",
		  "t.yaml:1:6: 'url': expected a URL such as https://host/path, found 'http://a b'" },
		{ "words: a", "t.yaml:1:8: 'words': expected a list such as [a, b], found 'a'" },
		{ "words: [a, [b]]",
		  "t.yaml:1:12: 'words': expected a list of single values, found a list ('[' begins a list in "
		  "YAML, write the value in quotes)" },
		{ "words: [a, b, c, d]",
		  "t.yaml:1:8: 'words': expected at most 3 entries, found a list" },
		{ "servers: x",
		  "t.yaml:1:10: 'servers': expected a map or a list of maps, found 'x'" },
		{ "servers: [x]", "t.yaml:1:11: 'servers': expected a map, found 'x'" },
		{ "servers: [{name: a}]", "t.yaml:1:11: 'url' is missing: where it is" },
		{ "servers: {a: {url: 'x://y', name: b}}",
		  "t.yaml:1:29: 'name' is given already: 'a'" },
		{ "servers: {a: {url: 'x://y', prt: 1}}",
		  "t.yaml:1:29: unknown key 'prt' (did you mean 'port'?)" },
		{ "rules: {a: {}}", "t.yaml:1:8: 'rules': expected a list of maps, found a map" },
		{ "nmber: 1", "t.yaml:1:1: unknown key 'nmber' (did you mean 'number'?)" },
		{ "zzzzzzzzz: 1",
		  "t.yaml:1:1: unknown key 'zzzzzzzzz', expected one of flag, number, word, the-size, time, real, "
		  "text, path, url, words, servers, rules, must" },
		{ "flag: yes", "t.yaml:9:1: 'must' is missing: must be there" },
		{ "text: \"a\\nb\\u202ex01234567890123456789012345678901234567890\"",
		  "t.yaml:1:7: 'text': expected at most 8 bytes, found 'a\\nb\\u{202e}x012345678901234567890123456...'" },
	};

	for (size_t i = 0; i < GH_COUNT(bad); i++) {
		memset(&error, 0, sizeof(error));
		if (gh_conf_parse("t.yaml", bad[i].text, strlen(bad[i].text), &conf, &error) == 0) {
			gh_conf_free(&conf);
			ck_assert_msg(fill("t.yaml", bad[i].text) < 0, "'%s' is accepted",
				      bad[i].text);
		}
		ck_assert_str_eq(error.text, bad[i].message);
		done();
	}
}
END_TEST

START_TEST(no_section_means_defaults)
{
	static const struct gh_conf_place place = { "t.yaml", 7, 3 };

	ck_assert_int_eq(gh_section_fill(NULL, &place, rows, sizeof(struct config), &section, &error),
			 GH_EINVAL);
	ck_assert_str_eq(error.text, "t.yaml:7:3: 'must' is missing: must be there");
	ck_assert_int_eq(gh_section_fill(NULL, &place, server_rows + 2, sizeof(struct server),
					 &section, &error),
			 0);
	ck_assert_int_eq(((const struct server *)gh_section_config(section))->port, 389);
	done();
}
END_TEST

START_TEST(overlay_keeps_what_is_not_written)
{
	static const struct gh_option some[] = {
		GH_OPTION(struct server, name, GH_STRING, "its name", .flags = GH_REQUIRED),
		GH_OPTION(struct server, port, GH_INT, "its port", .standard = "389",
			  .flags = GH_BROKER_ONLY),
		{ 0 },
	};
	struct server server = { .name = "kept", .port = 5 };
	struct gh_arena arena = { 0 };

	ck_assert_int_eq(gh_conf_parse("t.yaml", "{}", 2, &conf, &error), 0);
	ck_assert_int_eq(gh_options_overlay(gh_conf_root(conf), some, &arena, &server, &error), 0);
	ck_assert_str_eq(server.name, "kept");
	ck_assert_int_eq(server.port, 5);
	gh_conf_free(&conf);
	ck_assert_int_eq(gh_conf_parse("t.yaml", "name: new", 9, &conf, &error), 0);
	ck_assert_int_eq(gh_options_overlay(gh_conf_root(conf), some, &arena, &server, &error), 0);
	ck_assert_str_eq(server.name, "new");
	gh_conf_free(&conf);
	ck_assert_int_eq(gh_conf_parse("t.yaml", "port: 1", 7, &conf, &error), 0);
	ck_assert_int_eq(gh_options_overlay(gh_conf_root(conf), some, &arena, &server, &error),
			 GH_EINVAL);
	ck_assert_str_eq(
		error.text,
		"t.yaml:1:1: 'port' is of the whole broker: it can only stand in 'limits' at the top");
	gh_conf_free(&conf);
	gh_arena_done(&arena);
}
END_TEST

START_TEST(printed_for_people)
{
	struct gh_buf out = { 0 };

	gh_options_print(rows, &out);
	gh_buf_u8(&out, 0);
	ck_assert_ptr_nonnull(
		strstr((char *)out.p,
		       "number    number           -3        a number (-5 to 64 or unlimited)\n"));
	ck_assert_ptr_nonnull(strstr((char *)out.p, "word      deny|next|never  next      a word\n"));
	ck_assert_ptr_nonnull(
		strstr((char *)out.p, "the-size  size             64k        (at most 1M)\n"));
	ck_assert_ptr_nonnull(strstr(
		(char *)out.p, "servers   map              -         servers (at most 2 entries)\n"
			       "    name  text    -         its name\n"
			       "    url   url     required  where it is\n"
			       "    port  number  389       its port\n"));
	gh_buf_done(&out);
}
END_TEST

GH_TEST_MAIN("conf/option", defaults, values, paths_are_made_absolute, tables, what_is_refused,
	     no_section_means_defaults, overlay_keeps_what_is_not_written, printed_for_people)
