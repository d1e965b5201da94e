/* SPDX-License-Identifier: Apache-2.0 */
/* Error texts: formatted once, cut when too long. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int gh_error_set(struct gh_error *error, int code, const char *fmt, ...)
{
	va_list ap;

	if (!error)
		return code;
	va_start(ap, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, ap);
	va_end(ap);
	return code;
}

void gh_error_prefix(struct gh_error *error, const char *fmt, ...)
{
	char prefix[sizeof(error->text)];
	size_t n, rest;
	va_list ap;

	if (!error)
		return;
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix) - 2, fmt, ap);
	va_end(ap);
	n = strlen(prefix);
	memcpy(prefix + n, ": ", 2);
	n += 2;
	rest = strlen(error->text);
	if (rest > sizeof(error->text) - 1 - n)
		rest = sizeof(error->text) - 1 - n;
	memmove(error->text + n, error->text, rest);
	memcpy(error->text, prefix, n);
	error->text[n + rest] = 0;
}
