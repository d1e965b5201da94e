/* SPDX-License-Identifier: Apache-2.0 */
/* Files that include others, joined into one tree. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/yaml_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_file(struct gh_conf *conf, const char *file, unsigned depth,
		     struct gh_conf_node **root_r, struct gh_error *error);

/* To where the node was included, or to nowhere. */
static int file_error(struct gh_error *error, const char *file, const char *what)
{
	return gh_error_set(error, GH_EIO, "%s: %s", file, what);
}

static int slurp_fd(int fd, const char *file, struct gh_buf *content, struct gh_error *error)
{
	struct stat st;
	ssize_t n = 1;

	if (fstat(fd, &st) < 0)
		return file_error(error, file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return file_error(error, file, "not a regular file");
	while (n > 0 && content->n <= GH_CONF_FILE_SIZE) {
		n = read(fd, gh_buf_reserve(content, 65536), 65536);
		if (n < 0)
			return file_error(error, file, strerror(errno));
		content->n += (size_t)n;
	}
	if (content->n > GH_CONF_FILE_SIZE)
		return gh_error_set(error, GH_EINVAL, "%s: longer than %u bytes", file,
				    GH_CONF_FILE_SIZE);
	return 0;
}

static int slurp(const char *file, struct gh_buf *content, struct gh_error *error)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;

	if (fd < 0)
		return file_error(error, file, strerror(errno));
	rc = slurp_fd(fd, file, content, error);
	close(fd);
	return rc;
}

static int twice(const struct gh_conf_node *node, const struct gh_conf_node *twin,
		 struct gh_error *error)
{
	char where[GH_CONF_WHERE_SIZE];

	return gh_conf_error(error, &node->key_place, "key '%.100s' stands twice, first in %s",
			     node->key, gh_conf_where(&twin->key_place, where));
}

static int add_member(struct gh_conf_node *map, struct gh_conf_node *node, struct gh_error *error)
{
	struct gh_conf_node **end = &map->first;

	for (; *end; end = &(*end)->next)
		if (strcmp((*end)->key, node->key) == 0)
			return twice(node, *end, error);
	node->next = NULL;
	*end = node;
	map->count++;
	return 0;
}

static struct gh_conf_node *member(struct gh_conf_node *map, const char *key)
{
	for (struct gh_conf_node *node = map->first; node; node = node->next)
		if (strcmp(node->key, key) == 0)
			return node;
	return NULL;
}

static int join_members(struct gh_conf_node *into, struct gh_conf_node *from, struct gh_error *error)
{
	int rc = 0;

	for (struct gh_conf_node *node = from->first, *next; node && rc == 0; node = next) {
		next = node->next;
		rc = add_member(into, node, error);
	}
	return rc;
}

/* What is a map at the top of both files is joined; anything else may be in one of them only. */
static int join(struct gh_conf_node *root, struct gh_conf_node *other, struct gh_error *error)
{
	struct gh_conf_node *twin;
	int rc = 0;

	for (struct gh_conf_node *node = other->first, *next; node && rc == 0; node = next) {
		next = node->next;
		twin = member(root, node->key);
		if (twin && twin->kind == GH_CONF_MAP && node->kind == GH_CONF_MAP)
			rc = join_members(twin, node, error);
		else
			rc = add_member(root, node, error);
	}
	return rc;
}

static int include_file(struct gh_conf *conf, struct gh_conf_node *root,
			const struct gh_conf_place *place, const char *file, unsigned depth,
			struct gh_error *error)
{
	char where[GH_CONF_WHERE_SIZE];
	struct gh_conf_node *other;
	int rc;

	if (depth >= GH_CONF_INCLUDES)
		return gh_conf_error(error, place, "files include each other more than %u deep",
				     GH_CONF_INCLUDES);
	if (conf->files++ >= GH_CONF_FILES)
		return gh_conf_error(error, place, "more than %u files are included", GH_CONF_FILES);
	rc = read_file(conf, gh_arena_strndup(&conf->arena, file, strlen(file)), depth + 1, &other,
		       error);
	if (rc == GH_EIO)
		gh_error_prefix(error, "%s", gh_conf_where(place, where));
	return rc < 0 ? rc : join(root, other, error);
}

static int include_pattern(struct gh_conf *conf, struct gh_conf_node *root,
			   const struct gh_conf_node *node, unsigned depth, struct gh_error *error)
{
	const char *slash = strrchr(node->place.file, '/');
	char *pattern;
	glob_t found;
	int rc;

	if (node->kind != GH_CONF_VALUE || !*node->text)
		return gh_conf_error(error, &node->place,
				     "include: expected the name of a file, such as conf.d/*.yaml");
	pattern = *node->text == '/' || !slash
			  ? gh_arena_strndup(&conf->arena, node->text, strlen(node->text))
			  : gh_arena_printf(&conf->arena, "%.*s/%s", (int)(slash - node->place.file),
					    node->place.file, node->text);
	if (!strpbrk(pattern, "*?["))
		return include_file(conf, root, &node->place, pattern, depth, error);
	rc = glob(pattern, GLOB_ERR, NULL, &found);
	if (rc == GLOB_NOMATCH)
		return 0;
	if (rc != 0)
		return gh_conf_error(error, &node->place, "include: cannot look for '%s': %s",
				     pattern, strerror(errno));
	for (size_t i = 0; i < found.gl_pathc && rc == 0; i++)
		rc = include_file(conf, root, &node->place, found.gl_pathv[i], depth, error);
	globfree(&found);
	return rc;
}

static struct gh_conf_node *take_include(struct gh_conf_node *root)
{
	for (struct gh_conf_node **at = &root->first; *at; at = &(*at)->next) {
		struct gh_conf_node *node = *at;

		if (strcmp(node->key, "include") != 0)
			continue;
		*at = node->next;
		root->count--;
		return node;
	}
	return NULL;
}

static int include_all(struct gh_conf *conf, struct gh_conf_node *root, unsigned depth,
		       struct gh_error *error)
{
	struct gh_conf_node *include = take_include(root);
	int rc = 0;

	if (!include)
		return 0;
	if (include->kind != GH_CONF_LIST || !include->first)
		return gh_conf_error(error, &include->place,
				     "include: expected a list such as [conf.d/*.yaml]");
	for (const struct gh_conf_node *node = include->first; node && rc == 0; node = node->next)
		rc = include_pattern(conf, root, node, depth, error);
	return rc;
}

static int read_file(struct gh_conf *conf, const char *file, unsigned depth,
		     struct gh_conf_node **root_r, struct gh_error *error)
{
	struct gh_yaml_source source = { .name = file };
	struct gh_buf content = { 0 };
	int rc = slurp(file, &content, error);

	if (rc == 0) {
		source.p = (const char *)content.p;
		source.n = content.n;
		rc = gh_yaml_parse(conf, &source, root_r, error);
	}
	gh_buf_done(&content);
	return rc < 0 ? rc : include_all(conf, *root_r, depth, error);
}

static int finish(struct gh_conf *conf, int rc, struct gh_conf **conf_r)
{
	if (rc < 0)
		gh_conf_free(&conf);
	else
		*conf_r = conf;
	return rc;
}

int gh_conf_read(const char *file, struct gh_conf **conf_r, struct gh_error *error)
{
	struct gh_conf *conf = gh_zalloc(sizeof(*conf));

	file = gh_arena_strndup(&conf->arena, file, strlen(file));
	return finish(conf, read_file(conf, file, 0, &conf->root, error), conf_r);
}

int gh_conf_parse(const char *name, const void *p, size_t n, struct gh_conf **conf_r,
		  struct gh_error *error)
{
	struct gh_conf *conf = gh_zalloc(sizeof(*conf));
	struct gh_yaml_source source = { .p = p, .n = n };
	const struct gh_conf_node *include;
	int rc;

	source.name = gh_arena_strndup(&conf->arena, name, strlen(name));
	if (n > GH_CONF_FILE_SIZE)
		return finish(conf,
			      gh_error_set(error, GH_EINVAL, "%s: longer than %u bytes", name,
					   GH_CONF_FILE_SIZE),
			      conf_r);
	rc = gh_yaml_parse(conf, &source, &conf->root, error);
	include = rc == 0 ? gh_conf_get(conf->root, "include") : NULL;
	if (include)
		rc = gh_conf_error(error, &include->key_place,
				   "include: only a file may include others");
	return finish(conf, rc, conf_r);
}

void gh_conf_free(struct gh_conf **conf)
{
	if (!*conf)
		return;
	gh_arena_done(&(*conf)->arena);
	free(*conf);
	*conf = NULL;
}

const struct gh_conf_node *gh_conf_root(const struct gh_conf *conf)
{
	return conf->root;
}
