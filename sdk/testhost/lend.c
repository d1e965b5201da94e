/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of one call. */
#include "lend.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define SPOILT 0xdb

void *gh_lend(struct gh_lent *lent, const void *p, size_t n)
{
	void *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	if (n)
		memcpy(copy, p, n);
	lent->list = gh_grow(lent->list, lent->count + 1, sizeof(*lent->list));
	lent->list[lent->count++] = (struct gh_bytes){ copy, n };
	return copy;
}

const char *gh_lend_text(struct gh_lent *lent, const char *s)
{
	return s ? gh_lend(lent, s, strlen(s) + 1) : NULL;
}

struct gh_bytes gh_lend_bytes(struct gh_lent *lent, struct gh_bytes bytes)
{
	if (!bytes.p)
		return bytes;
	return (struct gh_bytes){ gh_lend(lent, bytes.p, bytes.n), bytes.n };
}

struct gh_str gh_lend_str(struct gh_lent *lent, struct gh_bytes bytes)
{
	struct gh_bytes copy = gh_lend_bytes(lent, bytes);

	return (struct gh_str){ copy.p, copy.n };
}

void gh_lent_end(struct gh_lent *lent)
{
	for (size_t i = 0; i < lent->count; i++) {
		/* Not wiped by the compiler's leave: whoever reads it shall see it. */
		volatile unsigned char *p = (volatile unsigned char *)(void *)lent->list[i].p;

		for (size_t n = lent->list[i].n; n; n--)
			*p++ = SPOILT;
		free((void *)lent->list[i].p);
	}
	free(lent->list);
	*lent = (struct gh_lent){ 0 };
}
