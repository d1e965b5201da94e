/* SPDX-License-Identifier: Apache-2.0 */
/* The traps of YAML that an MQTT configuration steps into: '#', '{', '*' at the beginning of a value. */
#include "base/str.h"
#include "conf/yaml_priv.h"

static struct gh_str line_of(const struct gh_yaml_source *source, unsigned line)
{
	const char *p = source->p, *end = source->p + source->n, *eol;

	for (; line > 1 && p < end; line--) {
		eol = memchr(p, '\n', (size_t)(end - p));
		p = eol ? eol + 1 : end;
	}
	eol = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	return gh_str_n(p, (size_t)((eol ? eol : end) - p));
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct gh_str trimmed(struct gh_str s)
{
	while (s.n > 0 && blank(*s.p)) {
		s.p++;
		s.n--;
	}
	return s;
}

/* Behind "- " and "key: ": where a value begins. */
static struct gh_str value_of(struct gh_str s)
{
	for (s = trimmed(s); s.n > 1 && s.p[0] == '-' && blank(s.p[1]);)
		s = trimmed(gh_str_n(s.p + 1, s.n - 1));
	for (size_t i = 0; i < s.n && s.p[i] != '#'; i++)
		if (s.p[i] == ':' && (i + 1 == s.n || blank(s.p[i + 1])))
			return trimmed(gh_str_n(s.p + i + 1, s.n - i - 1));
	return s;
}

/* Between braces or brackets that were meant as a map or a list: "a: b", "a, b". */
static bool as_meant(struct gh_str value)
{
	if (*value.p == '[')
		return memchr(value.p, ',', value.n) || memchr(value.p, '#', value.n);
	for (size_t i = 1; *value.p == '{' && i + 1 < value.n; i++)
		if (value.p[i] == ':' && blank(value.p[i + 1]))
			return true;
	return false;
}

static bool indented_by_tab(struct gh_str s)
{
	for (size_t i = 0; i < s.n && blank(s.p[i]); i++)
		if (s.p[i] == '\t')
			return true;
	return false;
}

const char *gh_yaml_hint(const struct gh_yaml_source *source, unsigned line)
{
	static const struct {
		char c;
		const char *hint;
	} hints[] = {
		{ '#', " ('#' begins a comment in YAML, write '#' in quotes)" },
		{ '{', " ('{' begins a map in YAML, write the value in quotes)" },
		{ '[', " ('[' begins a list in YAML, write the value in quotes)" },
		{ '*', " ('*' begins an alias in YAML, write the value in quotes)" },
		{ '&', " ('&' begins an anchor in YAML, write the value in quotes)" },
		{ '%', " ('%' means something in YAML, write the value in quotes)" },
		{ '@', " ('@' means something in YAML, write the value in quotes)" },
		{ '`', " ('`' means something in YAML, write the value in quotes)" },
	};
	struct gh_str text = line_of(source, line), value = value_of(text);

	if (indented_by_tab(text))
		return " (a tab can't indent in YAML, use blanks)";
	for (size_t i = 0; value.n && i < sizeof(hints) / sizeof(*hints); i++)
		if (*value.p == hints[i].c && !as_meant(value))
			return hints[i].hint;
	return value.n && memchr(value.p, '#', value.n) ? hints[0].hint : "";
}
