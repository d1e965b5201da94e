/* SPDX-License-Identifier: Apache-2.0 */
/* Words and numbers of the option types: pure functions of their text. */
#include "base/str.h"
#include "conf/option_priv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define KIND(type) sizeof(type), _Alignof(type)

const struct gh_option_kind *gh_option_kind(uint32_t type)
{
	static const struct gh_option_kind kinds[] = {
		[GH_BOOL] = { "yes|no", "yes or no", KIND(bool) },
		[GH_INT] = { "number", "a number", KIND(int64_t) },
		[GH_SIZE] = { "size", "a size such as 64k or 1M", KIND(uint64_t) },
		[GH_DURATION] = { "duration", "a duration such as 500ms, 10s or 2h", KIND(uint64_t) },
		[GH_FLOAT] = { "decimal", "a decimal number", KIND(double) },
		[GH_STRING] = { "text", "a text", KIND(const char *) },
		[GH_ENUM] = { "word", "a word", KIND(int64_t) },
		[GH_PATH] = { "path", "a path", KIND(const char *) },
		[GH_SECRET] = { "file", "the name of a file", KIND(struct gh_bytes) },
		[GH_URL] = { "url", "a URL such as https://host/path", KIND(const char *) },
		[GH_STRINGS] = { "list", "a list", KIND(struct gh_list) },
		[GH_TABLE] = { "map", "a map or a list of maps", KIND(struct gh_list) },
		[GH_NODE] = { "section", "a section", KIND(const struct gh_conf_node *) },
	};

	return type < GH_COUNT_OF(kinds) && kinds[type].name ? &kinds[type] : NULL;
}

bool gh_option_numeric(uint32_t type)
{
	return type == GH_BOOL || type == GH_INT || type == GH_SIZE || type == GH_DURATION ||
	       type == GH_FLOAT || type == GH_ENUM;
}

static bool read_bool(const char *text, union gh_option_number *number_r)
{
	static const struct {
		const char *word;
		bool flag;
	} words[] = { { "yes", true },    { "no", false }, { "true", true },
		      { "false", false }, { "on", true },  { "off", false } };

	for (size_t i = 0; i < GH_COUNT_OF(words); i++)
		if (strcmp(text, words[i].word) == 0) {
			number_r->flag = words[i].flag;
			return true;
		}
	return false;
}

static bool read_int(const char *text, union gh_option_number *number_r)
{
	bool negative = *text == '-';
	uint64_t magnitude;

	if (!gh_str_number(gh_str(text + negative), (uint64_t)INT64_MAX, &magnitude))
		return false;
	number_r->whole = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return true;
}

static bool scaled(struct gh_str digits, uint64_t factor, union gh_option_number *number_r)
{
	uint64_t count;

	if (!gh_str_number(digits, UINT64_MAX / factor - 1, &count))
		return false;
	number_r->count = count * factor;
	return true;
}

struct suffix {
	const char *text;
	uint64_t factor;
};

/* Digits and one of the suffixes, the whole text. */
static bool read_suffixed(const char *text, const struct suffix *suffixes, size_t count,
			  union gh_option_number *number_r)
{
	size_t n = strspn(text, "0123456789");

	for (size_t i = 0; i < count; i++)
		if (strcmp(text + n, suffixes[i].text) == 0)
			return scaled(gh_str_n(text, n), suffixes[i].factor, number_r);
	return false;
}

static bool read_size(const char *text, union gh_option_number *number_r)
{
	static const struct suffix suffixes[] = {
		{ "", 1 },         { "k", 1u << 10 }, { "K", 1u << 10 },
		{ "M", 1u << 20 }, { "G", 1u << 30 }, { "T", (uint64_t)1 << 40 },
	};

	return read_suffixed(text, suffixes, GH_COUNT_OF(suffixes), number_r);
}

static bool read_duration(const char *text, union gh_option_number *number_r)
{
	static const struct suffix suffixes[] = {
		{ "ms", 1 },      { "s", 1000 },     { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 }, { "w", 604800000 },
	};

	if (strcmp(text, "0") == 0) {
		number_r->count = 0;
		return true;
	}
	return read_suffixed(text, suffixes, GH_COUNT_OF(suffixes), number_r);
}

static bool read_float(const char *text, union gh_option_number *number_r)
{
	char *end;
	double real;

	if (!*text || text[strspn(text, "0123456789.eE+-")])
		return false;
	real = strtod(text, &end);
	if (*end || !isfinite(real))
		return false;
	number_r->real = real;
	return true;
}

size_t gh_option_words(const char *unit, struct gh_str words_r[GH_OPTION_WORDS])
{
	size_t count = 0, n;

	for (; unit && count < GH_OPTION_WORDS; unit += n + 1) {
		n = strcspn(unit, "|");
		words_r[count++] = gh_str_n(unit, n);
		if (!unit[n])
			break;
	}
	return count;
}

static bool read_enum(const struct gh_option *row, const char *text, union gh_option_number *number_r)
{
	struct gh_str words[GH_OPTION_WORDS];
	size_t count = gh_option_words(row->unit, words);

	for (size_t i = 0; i < count; i++)
		if (gh_str_is(words[i], text)) {
			number_r->whole = (int64_t)i;
			return true;
		}
	return false;
}

static bool read_unlimited(const struct gh_option *row, const char *text,
			   union gh_option_number *number_r)
{
	if (!(row->flags & GH_UNLIMITED) || strcmp(text, "unlimited") != 0)
		return false;
	if (row->type == GH_INT)
		number_r->whole = INT64_MAX;
	else if (row->type == GH_FLOAT)
		number_r->real = INFINITY;
	else
		number_r->count = UINT64_MAX;
	return true;
}

bool gh_option_read(const struct gh_option *row, const char *text, union gh_option_number *number_r)
{
	switch (row->type) {
	case GH_BOOL: return read_bool(text, number_r);
	case GH_ENUM: return read_enum(row, text, number_r);
	case GH_INT: return read_int(text, number_r) || read_unlimited(row, text, number_r);
	case GH_SIZE: return read_size(text, number_r) || read_unlimited(row, text, number_r);
	case GH_DURATION:
		return read_duration(text, number_r) || read_unlimited(row, text, number_r);
	case GH_FLOAT: return read_float(text, number_r) || read_unlimited(row, text, number_r);
	default: return false;
	}
}

static bool is_unlimited(const struct gh_option *row, const union gh_option_number *number)
{
	union gh_option_number most;

	if (!read_unlimited(row, "unlimited", &most))
		return false;
	return row->type == GH_FLOAT ? isinf(number->real) : number->count == most.count;
}

static int compare(const struct gh_option *row, const union gh_option_number *a,
		   const union gh_option_number *b)
{
	switch (row->type) {
	case GH_INT: return a->whole < b->whole ? -1 : a->whole > b->whole;
	case GH_FLOAT: return a->real < b->real ? -1 : a->real > b->real;
	default: return a->count < b->count ? -1 : a->count > b->count;
	}
}

bool gh_option_in_bounds(const struct gh_option *row, const union gh_option_number *number)
{
	union gh_option_number bound;

	if (row->type == GH_BOOL || row->type == GH_ENUM || is_unlimited(row, number))
		return true;
	if (row->min && gh_option_read(row, row->min, &bound) && compare(row, number, &bound) < 0)
		return false;
	return !(row->max && gh_option_read(row, row->max, &bound) &&
		 compare(row, number, &bound) > 0);
}

bool gh_option_count_in_bounds(const struct gh_option *row, uint64_t count)
{
	uint64_t bound;

	if (row->min && gh_str_number(gh_str(row->min), UINT64_MAX, &bound) && count < bound)
		return false;
	return !(row->max && gh_str_number(gh_str(row->max), UINT64_MAX, &bound) && count > bound);
}

bool gh_option_named(const struct gh_option *row, const char *key)
{
	const char *name = row->name;

	for (; *name && *key; name++, key++)
		if ((*name == '_' ? '-' : *name) != *key)
			return false;
	return *name == *key;
}

const char *gh_option_name(const struct gh_option *row, char name_r[GH_OPTION_NAME_SIZE])
{
	snprintf(name_r, GH_OPTION_NAME_SIZE, "%s", row->name);
	for (char *p = name_r; *p; p++)
		if (*p == '_')
			*p = '-';
	return name_r;
}

static const char *range_unit(const struct gh_option *row)
{
	switch (row->type) {
	case GH_STRING:
	case GH_PATH:
	case GH_SECRET:
	case GH_URL: return " bytes";
	case GH_STRINGS:
	case GH_TABLE: return " entries";
	default: return "";
	}
}

const char *gh_option_range(const struct gh_option *row, char text_r[GH_OPTION_RANGE_SIZE])
{
	const char *unlimited = row->flags & GH_UNLIMITED ? " or unlimited" : "",
		   *unit = range_unit(row);
	const char *min = row->min && strcmp(row->min, "0") == 0 && !row->max ? NULL : row->min;

	if (min && row->max)
		snprintf(text_r, GH_OPTION_RANGE_SIZE, "%s to %s%s%s", min, row->max, unit,
			 unlimited);
	else if (min || row->max)
		snprintf(text_r, GH_OPTION_RANGE_SIZE, "at %s %s%s%s", min ? "least" : "most",
			 min ? min : row->max, unit, unlimited);
	else
		snprintf(text_r, GH_OPTION_RANGE_SIZE, "%s", *unlimited ? "or unlimited" : "");
	return text_r;
}
