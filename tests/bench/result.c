/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting and printing figures. */
#include "result.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

void result_add(struct result *result, const char *key, double value, int decimals, const char *unit)
{
	if (result->count == RESULT_FIELDS_MAX)
		die("%s: more figures than a result holds", result->scenario);
	result->field[result->count++] = (struct result_field){
		.key = key, .value = value, .decimals = decimals, .unit = unit
	};
}

void result_void(struct result *result, const char *fmt, ...)
{
	size_t len = strlen(result->void_because);
	va_list args;

	if (len && len + 2 < sizeof(result->void_because))
		len += (size_t)snprintf(result->void_because + len,
					sizeof(result->void_because) - len, ", ");
	va_start(args, fmt);
	vsnprintf(result->void_because + len, sizeof(result->void_because) - len, fmt, args);
	va_end(args);
}

void result_must_be_zero(struct result *result, const char *key, double value)
{
	result_add(result, key, value, 0, NULL);
	if (value)
		result_void(result, "%.0f %s", value, key);
}

static void print_line(const struct result *result)
{
	printf("%-8s", result->scenario);
	for (size_t i = 0; i < result->count; i++) {
		const struct result_field *f = &result->field[i];

		if (f->unit)
			printf("  %s %.*f%s%s", f->key, f->decimals, f->value, *f->unit ? " " : "",
			       f->unit);
	}
	if (*result->void_because)
		printf("  VOID: %s", result->void_because);
	putchar('\n');
}

static void print_json(const struct result *result)
{
	printf("{\"scenario\": \"%s\", \"void\": ", result->scenario);
	if (*result->void_because)
		printf("\"%s\"", result->void_because);
	else
		printf("null");
	for (size_t i = 0; i < result->count; i++) {
		const struct result_field *f = &result->field[i];

		printf(", \"%s\": %.*f", f->key, f->decimals, f->value);
	}
	puts("}");
}

void result_print(const struct result *result, bool json)
{
	if (json)
		print_json(result);
	else
		print_line(result);
}
