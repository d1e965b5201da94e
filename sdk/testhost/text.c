/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, text and facts. */
#include "text.h"

#include <gatehouse/lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *there(void *p)
{
	if (p)
		return p;
	fputs("gatehouse-testhost: no memory\n", stderr);
	abort();
}

void *gh_new(size_t n)
{
	return there(calloc(1, n ? n : 1));
}

void *gh_grow(void *p, size_t count, size_t size)
{
	return there(reallocarray(p, count ? count : 1, size));
}

char *gh_copy_n(const void *p, size_t n)
{
	char *copy = gh_new(n + 1);

	if (n)
		memcpy(copy, p, n);
	return copy;
}

char *gh_copy(const char *s)
{
	return s ? gh_copy_n(s, strlen(s)) : NULL;
}

char *gh_format_list(const char *fmt, va_list ap)
{
	char *text = NULL;

	return vasprintf(&text, fmt, ap) < 0 ? there(NULL) : text;
}

char *gh_format(const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = gh_format_list(fmt, ap);
	va_end(ap);
	return text;
}

bool gh_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool gh_is(struct gh_bytes bytes, const char *s)
{
	return strlen(s) == bytes.n && (!bytes.n || memcmp(bytes.p, s, bytes.n) == 0);
}

/* The bytes of the character that begins here; 0: none does. */
static size_t character(const unsigned char *p, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = *p < 0x80 ? 1 : *p < 0xc0 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	uint32_t code = length < 2 ? *p : *p & (0xffu >> (length + 1));

	if (!length || length > n || *p >= 0xf8)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	return code == 0 || code < least[length] || code > 0x10ffff ||
			       (code >= 0xd800 && code <= 0xdfff)
		       ? 0
		       : length;
}

bool gh_utf8(const char *p, size_t n)
{
	size_t length;

	for (; n; p += length, n -= length) {
		length = character((const unsigned char *)p, n);
		if (!length)
			return false;
	}
	return true;
}

/* ---- text ---- */

void gh_text_done(struct gh_text *text)
{
	free(text->p);
	*text = (struct gh_text){ 0 };
}

void gh_text_put(struct gh_text *text, const void *p, size_t n)
{
	text->p = gh_grow(text->p, text->n + n + 1, 1);
	if (n)
		memcpy(text->p + text->n, p, n);
	text->n += n;
	text->p[text->n] = 0;
}

void gh_text_print(struct gh_text *text, const char *fmt, ...)
{
	char *more;
	va_list ap;

	va_start(ap, fmt);
	more = gh_format_list(fmt, ap);
	va_end(ap);
	gh_text_put(text, more, strlen(more));
	free(more);
}

static bool plain(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] == 0x7f || strchr("\"\\=", p[i]))
			return false;
	return n > 0 && !(n == 2 && memcmp(p, "->", 2) == 0);
}

static void escape(struct gh_text *text, unsigned char c)
{
	if (c == '"' || c == '\\')
		gh_text_print(text, "\\%c", c);
	else if (c == '\n')
		gh_text_print(text, "\\n");
	else if (c < ' ' || c == 0x7f)
		gh_text_print(text, "\\x%02x", c);
	else
		gh_text_put(text, &c, 1);
}

void gh_text_word(struct gh_text *text, const void *p, size_t n)
{
	const unsigned char *bytes = p;

	if (plain(bytes, n)) {
		gh_text_put(text, p, n);
		return;
	}
	gh_text_put(text, "\"", 1);
	for (size_t i = 0; i < n; i++)
		escape(text, bytes[i]);
	gh_text_put(text, "\"", 1);
}

/* ---- facts ---- */

void gh_facts_done(struct gh_facts *facts)
{
	for (size_t i = 0; i < facts->count; i++) {
		gh_wipe(facts->list[i].value, facts->list[i].n);
		free(facts->list[i].key);
		free(facts->list[i].value);
	}
	free(facts->list);
	free(facts->word);
	*facts = (struct gh_facts){ 0 };
}

void gh_facts_word(struct gh_facts *facts, const char *word)
{
	free(facts->word);
	facts->word = gh_copy(word);
}

void gh_facts_bytes(struct gh_facts *facts, const char *key, const void *p, size_t n)
{
	facts->list = gh_grow(facts->list, facts->count + 1, sizeof(*facts->list));
	facts->list[facts->count++] = (struct gh_fact){ gh_copy(key), gh_copy_n(p, n), n };
}

void gh_facts_text(struct gh_facts *facts, const char *key, const char *s)
{
	if (s)
		gh_facts_bytes(facts, key, s, strlen(s));
}

void gh_facts_print(struct gh_facts *facts, const char *key, const char *fmt, ...)
{
	char *value;
	va_list ap;

	va_start(ap, fmt);
	value = gh_format_list(fmt, ap);
	va_end(ap);
	gh_facts_text(facts, key, value);
	free(value);
}

void gh_facts_line(const struct gh_facts *facts, struct gh_text *text)
{
	gh_text_print(text, "%s", facts->word ? facts->word : "");
	for (size_t i = 0; i < facts->count; i++) {
		gh_text_print(text, "%s%s=", text->n ? " " : "", facts->list[i].key);
		gh_text_word(text, facts->list[i].value, facts->list[i].n);
	}
}
