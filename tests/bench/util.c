/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clock, memory, giving up, and topic names written without printf: they are made once a
 * message.
 */
#include "util.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void *must_alloc(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		die("out of memory");
	return memory;
}

void *must_realloc(void *old, size_t size)
{
	void *memory = realloc(old, size);

	if (!memory)
		die("out of memory");
	return memory;
}

void die(const char *fmt, ...)
{
	va_list args;

	fputs("mqbench: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

char *put_text(char *end, const char *text)
{
	size_t len = strlen(text);

	memcpy(end, text, len);
	return end + len;
}

char *put_number(char *end, uint64_t number)
{
	char digits[20];
	unsigned count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (count)
		*end++ = digits[--count];
	return end;
}
