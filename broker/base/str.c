/* SPDX-License-Identifier: Apache-2.0 */
/* Words compared by how far they are apart, for "did you mean". */
#include "base/str.h"
#include "base/mem.h"

#include <ctype.h>

enum { LONGEST_WORD = 64 };

char *gh_str_dup(struct gh_str s)
{
	return gh_strndup(s.p, s.n);
}

bool gh_str_number(struct gh_str s, uint64_t max, uint64_t *value_r)
{
	uint64_t value = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value) || value > max)
			return false;
	}
	*value_r = value;
	return true;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Three rows of the usual table; the one before the last is what a swap of neighbours needs. */
unsigned gh_str_distance(const char *a, const char *b)
{
	unsigned rows[3][LONGEST_WORD + 1], *before = rows[0], *last = rows[1], *row = rows[2],
					    *spare;
	size_t na = strlen(a), nb = strlen(b);

	if (na > LONGEST_WORD || nb > LONGEST_WORD)
		return strcmp(a, b) == 0 ? 0 : (unsigned)(na > nb ? na : nb);
	for (unsigned j = 0; j <= nb; j++)
		last[j] = j;
	for (unsigned i = 1; i <= na; i++) {
		row[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			row[j] = least(least(last[j], row[j - 1]) + 1,
				       last[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[nb];
}

/* A third of the word may be wrong; a word that sits inside the other (packet-size, max-packet-size) is meant too. */
const char *gh_str_nearest(const char *word, const char *const *words, size_t count)
{
	unsigned distance, best = (unsigned)strlen(word) / 3 + 1;
	const char *nearest = NULL, *inside = NULL;

	for (size_t i = 0; i < count; i++) {
		distance = gh_str_distance(word, words[i]);
		if (distance < best || (distance == best && !nearest)) {
			best = distance;
			nearest = words[i];
		}
		if (!inside && strlen(word) > 3 && strlen(words[i]) > 3 &&
		    (strstr(word, words[i]) || strstr(words[i], word)))
			inside = words[i];
	}
	return nearest ? nearest : inside;
}

int gh_bytes_compare(struct gh_bytes a, struct gh_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}
