/* SPDX-License-Identifier: Apache-2.0 */
/* Substitution of {clientid}, {username}, {group} and {attr:NAME}: parsed once, expanded for each
 * client. */
#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>

/* uses 0: literal text; else one GH_USES_ bit, and text is the NAME of GH_USES_ATTRIBUTE. */
struct part {
	unsigned uses;
	size_t n;
	const char *text; /* in the template's copy of its source, terminated */
};

struct gh_template {
	unsigned uses;
	size_t count;
	char *storage;
	struct part *parts;
};

static const char words[] =
	"expected {clientid}, {username}, {group} or {attr:NAME} ('{{' is a brace)";

static void *need(void *p)
{
	if (!p)
		abort();
	return p;
}

/* The bit of what stands between braces; 0: no such word. */
static unsigned word_bit(const char *word, size_t n)
{
	static const struct {
		const char *word;
		unsigned uses;
	} table[] = { { "clientid", GH_USES_CLIENT_ID },
		      { "username", GH_USES_USERNAME },
		      { "group", GH_USES_GROUP } };

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (strlen(table[i].word) == n && memcmp(table[i].word, word, n) == 0)
			return table[i].uses;
	return n > 5 && memcmp(word, "attr:", 5) == 0 ? GH_USES_ATTRIBUTE : 0;
}

/* Appends a part whose text is copied to *end of the storage, terminated. */
static void add(struct gh_template *tmpl, char **end, unsigned uses, const char *text, size_t n)
{
	struct part *part = &tmpl->parts[tmpl->count++];

	part->uses = uses;
	part->n = n;
	part->text = *end;
	if (n)
		memcpy(*end, text, n);
	(*end)[n] = '\0';
	*end += n + 1;
	tmpl->uses |= uses;
}

/* The length of the literal text that text begins with: up to a brace, "{{" giving one brace of its
 * own. */
static size_t literal(struct gh_str text, size_t *taken_r)
{
	const char *brace;

	if (text.n >= 2 && text.p[0] == '{' && text.p[1] == '{') {
		*taken_r = 2;
		return 1;
	}
	brace = memchr(text.p, '{', text.n);
	return *taken_r = brace ? (size_t)(brace - text.p) : text.n;
}

/* One part of text at *at; a constant text when there is something else than expected. */
static const char *parse_part(struct gh_template *tmpl, struct gh_str text, size_t *at, char **end)
{
	struct gh_str rest = { text.p + *at, text.n - *at };
	size_t taken, n = literal(rest, &taken);
	const char *close;
	unsigned uses;

	if (n) {
		add(tmpl, end, 0, rest.p, n);
		*at += taken;
		return NULL;
	}
	close = memchr(rest.p, '}', rest.n);
	if (!close)
		return "expected '}' after this '{' ('{{' is a brace)";
	n = (size_t)(close - rest.p) - 1;
	uses = word_bit(rest.p + 1, n);
	if (!uses || memchr(rest.p + 1, '\0', n))
		return words;
	if (uses == GH_USES_ATTRIBUTE)
		add(tmpl, end, uses, rest.p + 6, n - 5);
	else
		add(tmpl, end, uses, NULL, 0);
	*at += n + 2;
	return NULL;
}

int gh_template_parse(struct gh_str text, struct gh_template **template_r, size_t *at_r,
		      const char **problem_r)
{
	struct gh_template *tmpl = need(calloc(1, sizeof(*tmpl)));
	const char *problem = NULL;
	size_t at = 0;
	char *end;

	/* A part takes a byte of source or more, and a byte more than its text. */
	tmpl->parts = need(calloc(text.n + 1, sizeof(*tmpl->parts)));
	tmpl->storage = end = need(malloc(2 * text.n + 1));
	while (at < text.n && !problem)
		problem = parse_part(tmpl, text, &at, &end);
	if (!problem) {
		*template_r = tmpl;
		return 0;
	}
	gh_template_free(&tmpl);
	*at_r = at;
	*problem_r = problem;
	return GH_EINVAL;
}

void gh_template_free(struct gh_template **tmpl)
{
	if (!*tmpl)
		return;
	free((*tmpl)->parts);
	free((*tmpl)->storage);
	free(*tmpl);
	*tmpl = NULL;
}

unsigned gh_template_uses(const struct gh_template *tmpl)
{
	return tmpl->uses;
}

static const char *attribute(const struct gh_template_values *values, const char *name)
{
	for (size_t i = 0; i < values->attribute_count; i++)
		if (strcmp(values->attributes[i].name, name) == 0)
			return values->attributes[i].value;
	return NULL;
}

static const char *value_of(const struct part *part, const struct gh_template_values *values)
{
	switch (part->uses) {
	case GH_USES_CLIENT_ID: return values->client_id;
	case GH_USES_USERNAME: return values->username;
	case GH_USES_GROUP: return values->group;
	default: return attribute(values, part->text);
	}
}

/* Terminated values hold no NUL; '$' matters where it would make a topic one of the broker's
 * own. */
static bool harmless(const char *value, bool first)
{
	return value && *value && !strpbrk(value, "+#/") && !(first && *value == '$');
}

bool gh_template_expand(const struct gh_template *tmpl, const struct gh_template_values *values,
			char *out, size_t size, size_t *n_r)
{
	size_t at = 0;

	for (size_t i = 0; i < tmpl->count; i++) {
		const struct part *part = &tmpl->parts[i];
		const char *text = part->uses ? value_of(part, values) : part->text;
		size_t n;

		if (part->uses && !harmless(text, at == 0))
			return false;
		n = part->uses ? strlen(text) : part->n;
		if (n > size - at)
			return false;
		memcpy(out + at, text, n);
		at += n;
	}
	*n_r = at;
	return true;
}
