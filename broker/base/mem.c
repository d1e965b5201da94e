/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that never returns NULL. */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *p, size_t n)
{
	if (p)
		return p;
	fprintf(stderr, "out of memory: %zu bytes\n", n);
	abort();
}

static size_t product(size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		check(NULL, SIZE_MAX);
	return n;
}

void *gh_alloc(size_t n)
{
	return check(malloc(n ? n : 1), n);
}

void *gh_zalloc(size_t n)
{
	return check(calloc(1, n ? n : 1), n);
}

void *gh_realloc(void *p, size_t n)
{
	return check(realloc(p, n ? n : 1), n);
}

void *gh_alloc_array(size_t count, size_t size)
{
	return gh_alloc(product(count, size));
}

void *gh_realloc_array(void *p, size_t count, size_t size)
{
	return gh_realloc(p, product(count, size));
}

char *gh_strdup(const char *s)
{
	return gh_strndup(s, strlen(s));
}

char *gh_strndup(const char *s, size_t n)
{
	char *copy = gh_alloc(n + 1);

	if (n)
		memcpy(copy, s, n);
	copy[n] = 0;
	return copy;
}
