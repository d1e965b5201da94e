/* SPDX-License-Identifier: Apache-2.0 */
/* Topic names and filters: what is valid, what matches, what covers and what overlaps. */
#include <gatehouse/lib.h>
#include <string.h>

#define TOPIC_MAX 65535u
#define ONES      0x0101010101010101ull
#define HIGHS     0x8080808080808080ull

/* Not 0 if one of the eight bytes of x is zero. */
static uint64_t zero_byte(uint64_t x)
{
	return (x - ONES) & ~x & HIGHS;
}

static bool plain(char c)
{
	return c != '+' && c != '#' && c != '\0';
}

bool gh_topic_name_valid(struct gh_str topic)
{
	size_t i = 0;

	if (topic.n == 0 || topic.n > TOPIC_MAX)
		return false;
	for (; i + 8 <= topic.n; i += 8) {
		uint64_t x;

		memcpy(&x, topic.p + i, sizeof(x));
		if (zero_byte(x) | zero_byte(x ^ ONES * '+') | zero_byte(x ^ ONES * '#'))
			return false;
	}
	while (i < topic.n && plain(topic.p[i]))
		i++;
	return i == topic.n;
}

/* The wildcard at i stands alone in its level, '#' in the last one. */
static bool wildcard_placed(struct gh_str filter, size_t i)
{
	if (i > 0 && filter.p[i - 1] != '/')
		return false;
	return i + 1 == filter.n || (filter.p[i] == '+' && filter.p[i + 1] == '/');
}

bool gh_topic_filter_valid(struct gh_str filter)
{
	if (filter.n == 0 || filter.n > TOPIC_MAX)
		return false;
	for (size_t i = 0; i < filter.n; i++) {
		if (filter.p[i] == '\0')
			return false;
		if (!plain(filter.p[i]) && !wildcard_placed(filter, i))
			return false;
	}
	return true;
}

bool gh_topic_level(struct gh_str *rest, struct gh_str *level_r)
{
	const char *slash;

	if (!rest->p)
		return false;
	slash = rest->n ? memchr(rest->p, '/', rest->n) : NULL;
	level_r->p = rest->p;
	level_r->n = slash ? (size_t)(slash - rest->p) : rest->n;
	rest->p = slash ? slash + 1 : NULL;
	rest->n = slash ? rest->n - level_r->n - 1 : 0;
	return true;
}

static bool is(struct gh_str level, char wildcard)
{
	return level.n == 1 && level.p[0] == wildcard;
}

static bool same(struct gh_str a, struct gh_str b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* a begins with a wildcard, and b with the '$' that those don't match. */
static bool hidden(struct gh_str a, struct gh_str b)
{
	return b.n > 0 && b.p[0] == '$' && a.n > 0 && (a.p[0] == '+' || a.p[0] == '#');
}

bool gh_topic_match(struct gh_str filter, struct gh_str topic)
{
	struct gh_str f, t;

	if (hidden(filter, topic))
		return false;
	while (gh_topic_level(&filter, &f)) {
		if (is(f, '#'))
			return true;
		if (!gh_topic_level(&topic, &t))
			return false;
		if (!is(f, '+') && !same(f, t))
			return false;
	}
	return !topic.p;
}

/* The empty topic, which "#" and "/#" would match too, doesn't exist. */
static struct gh_str spelled_out(struct gh_str filter)
{
	if (filter.n == 1 && filter.p[0] == '#')
		return (struct gh_str){ "+/#", 3 };
	if (filter.n == 2 && memcmp(filter.p, "/#", 2) == 0)
		return (struct gh_str){ "/+/#", 4 };
	return filter;
}

bool gh_topic_covers(struct gh_str filter, struct gh_str requested)
{
	struct gh_str f, r;

	if (hidden(filter, requested))
		return false;
	requested = spelled_out(requested);
	while (gh_topic_level(&filter, &f)) {
		if (is(f, '#'))
			return true;
		if (!gh_topic_level(&requested, &r) || is(r, '#'))
			return false;
		if (!is(f, '+') && !same(f, r))
			return false;
	}
	return !requested.p;
}

bool gh_topic_overlaps(struct gh_str filter, struct gh_str other)
{
	struct gh_str f, o;

	if (hidden(filter, other) || hidden(other, filter))
		return false;
	filter = spelled_out(filter);
	other = spelled_out(other);
	for (;;) {
		bool more = gh_topic_level(&filter, &f), more_other = gh_topic_level(&other, &o);

		if ((more && is(f, '#')) || (more_other && is(o, '#')))
			return true;
		if (!more || !more_other)
			return more == more_other;
		if (!is(f, '+') && !is(o, '+') && !same(f, o))
			return false;
	}
}
