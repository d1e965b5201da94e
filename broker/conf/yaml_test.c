/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/yaml.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/test.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct gh_conf *conf;
static struct gh_error error;

static int parse(const char *text)
{
	error.text[0] = 0;
	return gh_conf_parse("t.yaml", text, strlen(text), &conf, &error);
}

/* The tree in one line: {key=value, [a, b]}. */
static void dump(const struct gh_conf_node *node, struct gh_buf *out)
{
	if (node->key)
		gh_buf_printf(out, "%s=", node->key);
	if (node->kind == GH_CONF_VALUE) {
		gh_buf_printf(out, "%s", node->text);
		return;
	}
	gh_buf_printf(out, "%s", node->kind == GH_CONF_MAP ? "{" : "[");
	for (const struct gh_conf_node *child = node->first; child; child = child->next) {
		dump(child, out);
		gh_buf_printf(out, "%s", child->next ? ", " : "");
	}
	gh_buf_printf(out, "%s", node->kind == GH_CONF_MAP ? "}" : "]");
}

static void assert_tree(const char *expected)
{
	struct gh_buf out = { 0 };

	dump(gh_conf_root(conf), &out);
	gh_buf_u8(&out, 0);
	ck_assert_str_eq((char *)out.p, expected);
	gh_buf_done(&out);
}

START_TEST(trees)
{
	static const struct {
		const char *text, *tree;
	} rows[] = {
		{ "", "{}" },
		{ "# nothing\n", "{}" },
		{ "a: 1\nb: yes\n", "{a=1, b=yes}" },
		{ "a: {b: [1, 'x y', \"z\\n\"], c: {}}\n", "{a={b=[1, x y, z\n], c={}}}" },
		{ "a:\n  - b\n  - required: c\n", "{a=[b, {required=c}]}" },
		{ "a: \"\"\n", "{a=}" },
		{ "a: '#'\nb: \"{x}\"\nc: '*'\n", "{a=#, b={x}, c=*}" },
		{ "a: x#y\n", "{a=x#y}" },
		{ "\xef\xbb\xbf"
		  "a: gr\xc3\xbc\xc3\x9f\n",
		  "{a=gr\xc3\xbc\xc3\x9f}" },
		{ "a: |\n  two\n  lines\n", "{a=two\nlines\n}" },
		{ "---\na: 1\n...\n", "{a=1}" },
		{ "a: []\n", "{a=[]}" },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		ck_assert_msg(parse(rows[i].text) == 0, "%s: %s", rows[i].text, error.text);
		assert_tree(rows[i].tree);
		gh_conf_free(&conf);
		ck_assert_ptr_null(conf);
	}
}
END_TEST

START_TEST(positions)
{
	const struct gh_conf_node *b, *list;

	ck_assert_int_eq(parse("a: 1\nb:\n  c: [x, {d: y}]\n"), 0);
	b = gh_conf_get(gh_conf_root(conf), "b");
	ck_assert_uint_eq(b->key_place.line, 2);
	ck_assert_uint_eq(b->key_place.column, 1);
	list = gh_conf_get(b, "c");
	ck_assert_uint_eq(list->place.line, 3);
	ck_assert_uint_eq(list->place.column, 6);
	ck_assert_uint_eq(list->count, 2);
	ck_assert(list->flow && !b->flow);
	ck_assert_str_eq(list->place.file, "t.yaml");
	ck_assert_uint_eq(gh_conf_locate(b, "c.1.d")->column, 14);
	ck_assert_uint_eq(gh_conf_locate(b, "c.7.d")->column, 6);
	ck_assert_uint_eq(gh_conf_locate(b, "c.x")->column, 6);
	ck_assert_uint_eq(gh_conf_locate(b, "nothing")->line, 3);
	ck_assert_ptr_null(gh_conf_get(b, "nothing"));
	ck_assert_ptr_null(gh_conf_get(list, "c"));
	ck_assert_ptr_null(gh_conf_get(NULL, "c"));
	gh_conf_free(&conf);
}
END_TEST

START_TEST(what_is_refused)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "a: #\n",
		  "t.yaml:1:3: expected a value, found nothing ('#' begins a comment in YAML, write '#' in quotes)" },
		{ "a:\n  b:    # later\n  c: 1\n",
		  "t.yaml:2:5: expected a value, found nothing ('#' begins a comment in YAML, write '#' in quotes)" },
		{ "a:\n",
		  "t.yaml:1:3: 'a': expected a value, found nothing (an empty map is {}, an empty list [], an empty text '')" },
		{ "a:\n  b:\n  c: 1\n",
		  "t.yaml:2:5: 'b': expected a value, found nothing (an empty map is {}, an empty list [], an empty text '')" },
		{ "- a\n-\n", "t.yaml:2:2: expected a value, found nothing" },
		{ "a: [x, #]\n",
		  "t.yaml:2:1: did not find expected node content while parsing a flow node ('#' begins a comment in "
		  "YAML, write '#' in quotes)" },
		{ "a: {username}/x\n",
		  "t.yaml:1:13: expected a value, found nothing ('{' begins a map in "
		  "YAML, write the value in quotes)" },
		{ "a: *\n",
		  "t.yaml:1:5: did not find expected alphabetic or numeric character while scanning an alias ('*' "
		  "begins an alias in YAML, write the value in quotes)" },
		{ "a: *:1883\n",
		  "t.yaml:1:5: did not find expected alphabetic or numeric character while scanning an alias ('*' "
		  "begins an alias in YAML, write the value in quotes)" },
		{ "a: [::1]:1883\n",
		  "t.yaml:1:5: did not find expected node content while parsing a flow node ('[' begins a "
		  "list in YAML, write the value in quotes)" },
		{ "a: &x 1\nb: *x\n",
		  "t.yaml:1:4: anchors (&) and tags (!) aren't used here ('&' begins an anchor in YAML, write "
		  "the value in quotes)" },
		{ "a: *x\n",
		  "t.yaml:1:4: aliases aren't used here ('*' begins an alias in YAML, write the value in quotes)" },
		{ "a: !!int 1\n", "t.yaml:1:4: anchors (&) and tags (!) aren't used here" },
		{ "a: &x [1]\n",
		  "t.yaml:1:4: anchors (&) and tags (!) aren't used here ('&' begins an anchor in YAML, write the "
		  "value in quotes)" },
		{ "a: &x {b: 1}\n",
		  "t.yaml:1:4: anchors (&) and tags (!) aren't used here ('&' begins an anchor in YAML, write "
		  "the value in quotes)" },
		{ "a: 1\nb: 2\na: 3\n", "t.yaml:3:1: key 'a' stands twice, first in line 1" },
		{ "x: {a: 1, a: 2}\n", "t.yaml:1:11: key 'a' stands twice, first in line 1" },
		{ "? [a]\n: b\n", "t.yaml:1:3: expected a word as key, found a list" },
		{ "{a: 1}: b\n", "t.yaml:1:1: expected a word as key, found a map" },
		{ "'': b\n", "t.yaml:1:1: expected a word as key, found nothing" },
		{ "- a\n", "t.yaml:1:1: expected a map ('key: value'), found a list" },
		{ "hello\n", "t.yaml:1:1: expected a map ('key: value'), found a single value" },
		{ "a: 1\n---\nb: 2\n", "t.yaml:2:1: a second document begins, expected one" },
		{ "a: \"x\\0y\"\n", "t.yaml:1:4: a value with a NUL character in it" },
		{ "a:\n\tb: 1\n",
		  "t.yaml:2:1: found character that cannot start any token while scanning for the next token (a "
		  "tab can't indent in YAML, use blanks)" },
		{ "a: 1\n b: 2\n", "t.yaml:2:3: mapping values are not allowed in this context" },
		{ "a: @x\n",
		  "t.yaml:1:4: found character that cannot start any token while scanning for the next token ('@' means "
		  "something in YAML, write the value in quotes)" },
		{ "a: 1\nb: x\xff\n", "t.yaml:2:5: invalid leading UTF-8 octet: expected UTF-8 text" },
		{ "include: [x]\n", "t.yaml:1:1: include: only a file may include others" },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		ck_assert_msg(parse(rows[i].text) == GH_EINVAL, "'%s' is accepted", rows[i].text);
		ck_assert_str_eq(error.text, rows[i].message);
		ck_assert_ptr_null(conf);
	}
}
END_TEST

START_TEST(bounds)
{
	struct gh_buf text = { 0 };

	for (unsigned i = 0; i < 12; i++)
		gh_buf_printf(&text, "[");
	gh_buf_printf(&text, "x");
	for (unsigned i = 0; i < 12; i++)
		gh_buf_printf(&text, "]");
	gh_buf_u8(&text, 0);
	ck_assert_int_eq(parse((char *)text.p), GH_EINVAL);
	ck_assert_str_eq(error.text, "t.yaml:1:1: expected a map ('key: value'), found a list");
	text.n = 0;
	for (unsigned i = 0; i < 13; i++)
		gh_buf_printf(&text, "{a: ");
	gh_buf_u8(&text, 0);
	ck_assert_int_eq(parse((char *)text.p), GH_EINVAL);
	ck_assert_str_eq(error.text, "t.yaml:1:49: more than 12 lists and maps inside each other");
	text.n = 0;
	gh_buf_printf(&text, "a:\n");
	for (unsigned i = 0; i < GH_CONF_NODES; i++)
		gh_buf_printf(&text, " - x\n");
	gh_buf_u8(&text, 0);
	ck_assert_int_eq(parse((char *)text.p), GH_EINVAL);
	ck_assert_str_eq(error.text, "t.yaml:19999:4: more than 20000 values");
	text.n = 0;
	gh_buf_printf(&text, "#%*d", (int)GH_CONF_FILE_SIZE, 1);
	gh_buf_u8(&text, 0);
	ck_assert_int_eq(parse((char *)text.p), GH_EINVAL);
	ck_assert_str_eq(error.text, "t.yaml: longer than 1048576 bytes");
	gh_buf_done(&text);
}
END_TEST

START_TEST(long_names_keep_the_line)
{
	char name[600];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	memcpy(name + sizeof(name) - 8, "/x.yaml", 8);
	ck_assert_int_eq(gh_conf_parse(name, "a: 1\na: 2\n", 10, &conf, &error), GH_EINVAL);
	ck_assert(strncmp(error.text, "...nnn", 6) == 0);
	ck_assert_ptr_nonnull(
		strstr(error.text, "nnn/x.yaml:2:1: key 'a' stands twice, first in line 1"));
}
END_TEST

/* ---- files ---- */
static char directory[] = "/tmp/yaml_test.XXXXXX", path[PATH_MAX];

static const char *in_directory(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *out = fopen(in_directory(name), "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
}

static void begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(mkdir(in_directory("conf.d"), 0700), 0);
}

static void clean(const char *const *names)
{
	gh_conf_free(&conf);
	for (; *names; names++)
		unlink(in_directory(*names));
	rmdir(in_directory("conf.d"));
	ck_assert_int_eq(rmdir(directory), 0);
}

static int read_main(void)
{
	error.text[0] = 0;
	return gh_conf_read(in_directory("main.yaml"), &conf, &error);
}

/* The message without the directory, which is another one each time. */
static void assert_message(const char *expected)
{
	struct gh_buf got = { 0 };
	const char *at = error.text, *hit;

	while ((hit = strstr(at, directory))) {
		gh_buf_add(&got, at, (size_t)(hit - at));
		gh_buf_printf(&got, "DIR");
		at = hit + strlen(directory);
	}
	gh_buf_printf(&got, "%s", at);
	gh_buf_u8(&got, 0);
	ck_assert_str_eq((char *)got.p, expected);
	gh_buf_done(&got);
}

START_TEST(includes_are_joined)
{
	static const char *const names[] = { "main.yaml", "conf.d/20.yaml", "conf.d/10.yaml",
					     "conf.d/no", "one.yaml",       NULL };

	begin();
	write_file(
		"main.yaml",
		"include: [conf.d/*.yaml, one.yaml, none*.yaml]\nworkers: 1\nplugins: {a: {x: 1}}\n");
	write_file("conf.d/20.yaml", "plugins: {c: {x: 3}}\n");
	write_file("conf.d/10.yaml", "plugins: {b: {x: 2}}\nlisteners: {l: {y: 1}}\n");
	write_file("conf.d/no", "nonsense: [\n");
	write_file("one.yaml", "# empty\n");
	ck_assert_msg(read_main() == 0, "%s", error.text);
	assert_tree("{workers=1, plugins={a={x=1}, b={x=2}, c={x=3}}, listeners={l={y=1}}}");
	snprintf(path, sizeof(path), "%s/conf.d/10.yaml", directory);
	ck_assert_str_eq(gh_conf_get(gh_conf_root(conf), "listeners")->place.file, path);
	clean(names);
}
END_TEST

START_TEST(includes_that_are_wrong)
{
	static const char *const names[] = { "main.yaml", "a.yaml", NULL };
	static const struct {
		const char *main, *a, *message;
	} rows[] = {
		{ "include: a.yaml\n", "",
		  "DIR/main.yaml:1:10: include: expected a list such as [conf.d/*.yaml]" },
		{ "include: []\n", "",
		  "DIR/main.yaml:1:10: include: expected a list such as [conf.d/*.yaml]" },
		{ "include: [[a]]\n", "",
		  "DIR/main.yaml:1:11: include: expected the name of a file, such as conf.d/*.yaml" },
		{ "include: [b.yaml]\n", "",
		  "DIR/main.yaml:1:11: DIR/b.yaml: No such file or directory" },
		{ "include: [conf.d]\n", "", "DIR/main.yaml:1:11: DIR/conf.d: not a regular file" },
		{ "include: [a.yaml]\nworkers: 1\n", "x: 1\nworkers: 2\n",
		  "DIR/a.yaml:2:1: key 'workers' stands twice, first in DIR/main.yaml:2:1" },
		{ "include: [a.yaml]\nplugins: {x: {a: 1}}\n", "plugins:\n  x: {b: 1}\n",
		  "DIR/a.yaml:2:3: key 'x' stands twice, first in DIR/main.yaml:2:11" },
		{ "include: [a.yaml]\n", "x:\n",
		  "DIR/a.yaml:1:3: 'x': expected a value, found nothing (an empty map is {}, an empty list [], an empty text '')" },
		{ "include: [main.yaml]\n", "",
		  "DIR/main.yaml:1:11: files include each other more than 4 deep" },
		{ "include: [/dev/zero]\n", "", "DIR/main.yaml:1:11: /dev/zero: not a regular file" },
	};

	begin();
	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		write_file("main.yaml", rows[i].main);
		write_file("a.yaml", rows[i].a);
		ck_assert_msg(read_main() < 0, "'%s' is accepted", rows[i].main);
		assert_message(rows[i].message);
	}
	ck_assert_int_eq(gh_conf_read(in_directory("nothing.yaml"), &conf, &error), GH_EIO);
	assert_message("DIR/nothing.yaml: No such file or directory");
	clean(names);
}
END_TEST

GH_TEST_MAIN("conf/yaml", trees, positions, what_is_refused, bounds, long_names_keep_the_line,
	     includes_are_joined, includes_that_are_wrong)
