/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a script. */
#include "line.h"

#include <gatehouse/types.h>
#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>

static void words_done(struct gh_word *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		gh_wipe(words[i].p, words[i].n);
		free(words[i].p);
	}
	free(words);
}

void gh_line_done(struct gh_line *line)
{
	words_done(line->words, line->count);
	words_done(line->expected, line->expected_count);
	free(line->expected_text);
	free(line->as);
	*line = (struct gh_line){ 0 };
}

/* ---- taking apart ---- */

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* The bytes that it takes behind the backslash; 0: none such. */
static size_t escape(const char *p, char *byte_r)
{
	static const char letters[] = "\\\"nrt", bytes[] = "\\\"\n\r\t";
	const char *letter = *p ? strchr(letters, *p) : NULL;

	if (letter) {
		*byte_r = bytes[letter - letters];
		return 1;
	}
	if (*p != 'x' || hex(p[1]) < 0 || hex(p[2]) < 0)
		return 0;
	*byte_r = (char)(hex(p[1]) << 4 | hex(p[2]));
	return 3;
}

struct scan {
	const char *p;
	const char *problem;
	struct gh_text text;
};

static void quoted(struct scan *s)
{
	size_t n;
	char byte;

	for (s->p++; *s->p && *s->p != '"'; s->p++) {
		byte = *s->p;
		if (byte == '\\') {
			n = escape(s->p + 1, &byte);
			if (!n) {
				s->problem = "expected \\\\ \\\" \\n \\r \\t or \\xHH";
				return;
			}
			s->p += n;
		}
		gh_text_put(&s->text, &byte, 1);
	}
	if (!*s->p)
		s->problem = "a '\"' that nothing ends";
	else
		s->p++;
}

static struct gh_word next_word(struct scan *s)
{
	struct gh_word word = { 0 };

	s->text = (struct gh_text){ 0 };
	while (*s->p && !blank(*s->p) && !s->problem) {
		if (*s->p == '"') {
			quoted(s);
			word.quoted = true;
			continue;
		}
		if (*s->p == '=' && !word.key && !word.quoted)
			word.key = s->text.n;
		gh_text_put(&s->text, s->p++, 1);
	}
	word.p = s->text.p ? s->text.p : gh_new(1);
	word.n = s->text.n;
	return word;
}

static void add(struct gh_word **words, size_t *count, struct gh_word word)
{
	*words = gh_grow(*words, *count + 1, sizeof(word));
	(*words)[(*count)++] = word;
}

static bool bare(const struct gh_word *word, const char *text)
{
	return !word->quoted && strcmp(word->p, text) == 0;
}

static void take_name(struct gh_line *line)
{
	if (line->count < 3 || !bare(&line->words[line->count - 2], "as"))
		return;
	line->as = line->words[line->count - 1].p;
	free(line->words[line->count - 2].p);
	line->count -= 2;
}

int gh_line_parse(const char *text, struct gh_line *line_r, const char **problem_r, size_t *column_r)
{
	struct scan s = { text, NULL, { 0 } };
	struct gh_line line = { 0 };

	for (;;) {
		const char *begin;
		struct gh_word word;

		while (blank(*s.p))
			s.p++;
		if (!*s.p || (*s.p == '#' && !line.count))
			break;
		begin = s.p;
		word = next_word(&s);
		if (!line.expects && bare(&word, "->")) {
			line.expects = true;
			line.expected_text = gh_copy(s.p + strspn(s.p, " \t"));
			free(word.p);
		} else if (line.expects) {
			add(&line.expected, &line.expected_count, word);
		} else {
			add(&line.words, &line.count, word);
		}
		if (s.problem) {
			*column_r = (size_t)(begin - text) + 1;
			break;
		}
	}
	if (!s.problem && line.expects && (!line.count || !line.expected_count)) {
		s.problem = "expected a command, ->, and what its answer must be";
		*column_r = 1;
	}
	if (s.problem) {
		gh_line_done(&line);
		*problem_r = s.problem;
		return GH_EINVAL;
	}
	take_name(&line);
	*line_r = line;
	return 0;
}

/* ---- using it ---- */

static struct gh_bytes value_of(const struct gh_word *word)
{
	return (struct gh_bytes){ word->p + word->key + 1, word->n - word->key - 1 };
}

static bool has_key(const struct gh_word *word, const char *key)
{
	return word->key && word->key == strlen(key) && memcmp(word->p, key, word->key) == 0;
}

bool gh_line_next(struct gh_line *line, const char *key, size_t *at, struct gh_bytes *value_r)
{
	while (*at < line->count) {
		struct gh_word *word = &line->words[(*at)++];

		if (!has_key(word, key))
			continue;
		word->used = true;
		*value_r = value_of(word);
		return true;
	}
	return false;
}

bool gh_line_next_with(struct gh_line *line, const char *prefix, size_t *at, struct gh_str *rest_r,
		       struct gh_bytes *value_r)
{
	size_t n = strlen(prefix);

	while (*at < line->count) {
		struct gh_word *word = &line->words[(*at)++];

		if (word->key <= n || memcmp(word->p, prefix, n) != 0)
			continue;
		word->used = true;
		*rest_r = (struct gh_str){ word->p + n, word->key - n };
		*value_r = value_of(word);
		return true;
	}
	return false;
}

struct gh_bytes gh_line_value(struct gh_line *line, const char *key)
{
	struct gh_bytes value = { 0 }, later;
	size_t at = 0;

	while (gh_line_next(line, key, &at, &later))
		value = later;
	return value;
}

const struct gh_word *gh_line_word(struct gh_line *line, size_t index)
{
	for (size_t i = 0; i < line->count; i++)
		if (!line->words[i].key && index-- == 0) {
			line->words[i].used = true;
			return &line->words[i];
		}
	return NULL;
}

const struct gh_word *gh_line_unused(const struct gh_line *line)
{
	for (size_t i = 0; i < line->count; i++)
		if (!line->words[i].used)
			return &line->words[i];
	return NULL;
}

/* ---- what is expected ---- */

/* '*' is any run: what follows the last one is tried at each place, so it never recurses. */
static bool glob(struct gh_bytes pattern, struct gh_bytes text)
{
	const char *p = pattern.p, *s = text.p;
	size_t i = 0, j = 0, star = SIZE_MAX, mark = 0;

	while (j < text.n) {
		if (i < pattern.n && p[i] == '*') {
			star = i++;
			mark = j;
		} else if (i < pattern.n && p[i] == s[j]) {
			i++;
			j++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			j = ++mark;
		} else {
			return false;
		}
	}
	while (i < pattern.n && p[i] == '*')
		i++;
	return i == pattern.n;
}

static bool among(const struct gh_facts *facts, const char *key, size_t n,
		  const struct gh_bytes *pattern)
{
	for (size_t i = 0; i < facts->count; i++) {
		const struct gh_fact *fact = &facts->list[i];

		if (strlen(fact->key) == n && memcmp(fact->key, key, n) == 0 &&
		    (!pattern || glob(*pattern, (struct gh_bytes){ fact->value, fact->n })))
			return true;
	}
	return false;
}

static bool fits(const struct gh_word *word, const struct gh_facts *facts)
{
	struct gh_bytes pattern;

	if (word->key) {
		pattern = value_of(word);
		return among(facts, word->p, word->key, &pattern);
	}
	if (word->p[0] == '!' && !word->quoted)
		return !among(facts, word->p + 1, word->n - 1, NULL);
	pattern = (struct gh_bytes){ word->p, word->n };
	return facts->word && glob(pattern, (struct gh_bytes){ facts->word, strlen(facts->word) });
}

bool gh_line_fits(const struct gh_line *line, const struct gh_facts *facts)
{
	for (size_t i = 0; i < line->expected_count; i++)
		if (!fits(&line->expected[i], facts))
			return false;
	return true;
}
