/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers for the views of the ABI: gh_str is text with a length, not terminated; gh_bytes any bytes. */
#ifndef GH_BASE_STR_H
#define GH_BASE_STR_H

#include <gatehouse/types.h>
#include <string.h>

static inline struct gh_str gh_str(const char *s)
{
	return (struct gh_str){ s, s ? strlen(s) : 0 };
}

static inline struct gh_str gh_str_n(const char *p, size_t n)
{
	return (struct gh_str){ p, n };
}

static inline bool gh_str_equal(struct gh_str a, struct gh_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool gh_str_is(struct gh_str a, const char *s)
{
	return gh_str_equal(a, gh_str(s));
}

static inline bool gh_str_starts(struct gh_str s, struct gh_str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* A terminated copy on the heap. */
char *gh_str_dup(struct gh_str s);

/* Unsigned decimal, the whole string, at most `max`; false (and *value_r untouched) for anything else. */
bool gh_str_number(struct gh_str s, uint64_t max, uint64_t *value_r);

/* How far two words are apart (insert, delete, change, swap of neighbours; case ignored): for "did you mean". */
unsigned gh_str_distance(const char *a, const char *b);

/* The nearest of `count` words, or NULL when none is near enough to be meant. */
const char *gh_str_nearest(const char *word, const char *const *words, size_t count);

/* Below 0, 0, above 0: by the bytes, a beginning before what it begins. */
int gh_bytes_compare(struct gh_bytes a, struct gh_bytes b);

#endif
