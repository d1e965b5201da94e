/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is always there, text that grows, and what a call told as named facts. */
#ifndef GH_TESTHOST_TEXT_H
#define GH_TESTHOST_TEXT_H

#include <gatehouse/types.h>
#include <stdarg.h>

/* Zeroed; there is always memory, or the program ends. */
void *gh_new(size_t n);
void *gh_grow(void *p, size_t count, size_t size);
char *gh_copy(const char *s);             /* NULL: NULL */
char *gh_copy_n(const void *p, size_t n); /* terminated */
char *gh_format(const char *fmt, ...) GH_PRINTF(1, 2);
char *gh_format_list(const char *fmt, va_list ap) GH_PRINTF(1, 0);
bool gh_same(const char *a, const char *b); /* two NULLs are */
bool gh_is(struct gh_bytes bytes, const char *s);
bool gh_utf8(const char *p, size_t n); /* as MQTT has it: no NUL, no surrogates */

/* { 0 } is empty. p is terminated, and NULL while nothing was put. */
struct gh_text {
	char *p;
	size_t n;
};
void gh_text_done(struct gh_text *text);
void gh_text_put(struct gh_text *text, const void *p, size_t n);
void gh_text_print(struct gh_text *text, const char *fmt, ...) GH_PRINTF(2, 3);
/* As a word of a script: in quotes and escaped where it must be. */
void gh_text_word(struct gh_text *text, const void *p, size_t n);

/* A word and what is told with it: "allow principal=joe group=staff". Keys may come twice. */
struct gh_fact {
	char *key, *value; /* value is terminated, and may have NULs inside */
	size_t n;
};
struct gh_facts {
	char *word;
	struct gh_fact *list;
	size_t count;
};
void gh_facts_done(struct gh_facts *facts);
void gh_facts_word(struct gh_facts *facts, const char *word);
void gh_facts_bytes(struct gh_facts *facts, const char *key, const void *p, size_t n);
void gh_facts_text(struct gh_facts *facts, const char *key, const char *s); /* NULL: left out */
void gh_facts_print(struct gh_facts *facts, const char *key, const char *fmt, ...) GH_PRINTF(3, 4);
/* The line that it is in a script. */
void gh_facts_line(const struct gh_facts *facts, struct gh_text *text);

#endif
