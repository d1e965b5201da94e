/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of one run, printed as a line for people or as a JSON object. */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include <stdbool.h>
#include <stddef.h>

#define RESULT_FIELDS_MAX 48

struct result_field {
	const char *key; /* in JSON */
	double value;
	int decimals;
	const char *unit; /* NULL: in JSON only */
};

struct result {
	const char *scenario;
	struct result_field field[RESULT_FIELDS_MAX];
	size_t count;
	char void_because[256]; /* empty: the run counts */
};

/* Strings are borrowed until the result is printed. */
void result_add(struct result *result, const char *key, double value, int decimals, const char *unit);

/* A count that must be zero: it is a figure, and a reason to make the run void when it isn't. */
void result_must_be_zero(struct result *result, const char *key, double value);

/* Makes the run void for a reason of its own. */
void result_void(struct result *result, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void result_print(const struct result *result, bool json);

#endif
