/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up among nodes, and saying where they are. */
#include "conf/node.h"
#include "base/escape.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

const struct gh_conf_node *gh_conf_get(const struct gh_conf_node *node, const char *key)
{
	if (!node || node->kind != GH_CONF_MAP)
		return NULL;
	for (const struct gh_conf_node *child = node->first; child; child = child->next)
		if (strcmp(child->key, key) == 0)
			return child;
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* It recurses as deep as a configuration may be, GH_CONF_DEPTH. */
bool gh_conf_same(const struct gh_conf_node *a, const struct gh_conf_node *b)
{
	const struct gh_conf_node *x = a->first, *y = b->first;

	if (a->kind != b->kind || !same_text(a->key, b->key) || !same_text(a->text, b->text))
		return false;
	for (; x && y && gh_conf_same(x, y); x = x->next)
		y = y->next;
	return !x && !y;
}

const char *gh_conf_found(const struct gh_conf_node *node, char text_r[GH_CONF_FOUND_SIZE])
{
	enum { LONGEST = 40 };
	struct gh_buf buf = { 0 };
	size_t n;

	if (node->kind != GH_CONF_VALUE) {
		snprintf(text_r, GH_CONF_FOUND_SIZE, "%s",
			 node->kind == GH_CONF_LIST ? "a list" : "a map");
		return text_r;
	}
	gh_escape_text(&buf, gh_str(node->text));
	n = buf.n > LONGEST ? LONGEST : buf.n;
	while (n < buf.n && n > 0 && (buf.p[n] & 0xc0) == 0x80)
		n--;
	snprintf(text_r, GH_CONF_FOUND_SIZE, "'%.*s%s'", (int)n, buf.p ? (char *)buf.p : "",
		 n < buf.n ? "..." : "");
	gh_buf_done(&buf);
	return text_r;
}

const char *gh_conf_where(const struct gh_conf_place *place, char text_r[GH_CONF_WHERE_SIZE])
{
	enum {
		LONGEST = GH_CONF_WHERE_SIZE - 32
	}; /* the line must not be lost: the end of a name tells more */
	size_t n = strlen(place->file);
	const char *cut = n > LONGEST ? "..." : "",
		   *file = place->file + (n > LONGEST ? n - LONGEST : 0);

	if (place->line == 0)
		snprintf(text_r, GH_CONF_WHERE_SIZE, "%s%s", cut, file);
	else
		snprintf(text_r, GH_CONF_WHERE_SIZE, "%s%s:%u:%u", cut, file, place->line,
			 place->column);
	return text_r;
}

int gh_conf_error(struct gh_error *error, const struct gh_conf_place *place, const char *fmt, ...)
{
	char where[GH_CONF_WHERE_SIZE];
	va_list ap;

	if (!error)
		return GH_EINVAL;
	va_start(ap, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, ap);
	va_end(ap);
	gh_error_prefix(error, "%s", gh_conf_where(place, where));
	return GH_EINVAL;
}

static const struct gh_conf_node *step(const struct gh_conf_node *node, struct gh_str name)
{
	uint64_t index, i = 0;

	if (node->kind == GH_CONF_LIST && !gh_str_number(name, UINT32_MAX, &index))
		return NULL;
	for (const struct gh_conf_node *child = node->first; child; child = child->next, i++)
		if (node->kind == GH_CONF_MAP ? gh_str_is(name, child->key) : i == index)
			return child;
	return NULL;
}

const struct gh_conf_place *gh_conf_locate(const struct gh_conf_node *section, const char *path)
{
	const struct gh_conf_node *child;
	size_t n;

	while (*path && section->kind != GH_CONF_VALUE) {
		n = strcspn(path, ".");
		child = step(section, gh_str_n(path, n));
		if (!child)
			break;
		section = child;
		path += n + (path[n] == '.');
	}
	return &section->place;
}
