/* SPDX-License-Identifier: Apache-2.0 */
/* Words and numbers of the option types: pure functions of their text. */
#include "options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KIND(type) sizeof(type), _Alignof(type)

const struct gh_kind *gh_kind_of(uint32_t type)
{
	static const struct gh_kind kinds[] = {
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
		[GH_STRINGS] = { "list", "a list of words", KIND(struct gh_list) },
		[GH_TABLE] = { "map", "entries such as NAME.0.OPTION", KIND(struct gh_list) },
	};

	return type < sizeof(kinds) / sizeof(*kinds) && kinds[type].name ? &kinds[type] : NULL;
}

bool gh_numeric(uint32_t type)
{
	return (type >= GH_BOOL && type <= GH_FLOAT) || type == GH_ENUM;
}

bool gh_count_read(const char *text, uint64_t most, uint64_t *count_r)
{
	uint64_t count = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || count > (most - digit) / 10 || digit > most)
			return false;
		count = count * 10 + digit;
	}
	*count_r = count;
	return true;
}

static bool read_bool(const char *text, bool *flag_r)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(text, words[i]) == 0) {
			*flag_r = i % 2;
			return true;
		}
	return false;
}

static bool read_int(const char *text, int64_t *whole_r)
{
	bool negative = *text == '-';
	uint64_t magnitude;

	if (!gh_count_read(text + negative, INT64_MAX, &magnitude))
		return false;
	*whole_r = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return true;
}

struct suffix {
	const char *text;
	uint64_t factor;
};

static bool read_suffixed(const char *text, const struct suffix *suffixes, uint64_t *count_r)
{
	size_t n = strspn(text, "0123456789");
	char *digits = gh_copy_n(text, n);
	bool read = false;
	uint64_t count;

	for (; suffixes->text && !read; suffixes++) {
		if (strcmp(text + n, suffixes->text) != 0)
			continue;
		read = gh_count_read(digits, UINT64_MAX / suffixes->factor - 1, &count);
		if (read)
			*count_r = count * suffixes->factor;
	}
	free(digits);
	return read;
}

static bool read_size(const char *text, uint64_t *count_r)
{
	static const struct suffix suffixes[] = {
		{ "", 1 },         { "k", 1u << 10 },          { "K", 1u << 10 }, { "M", 1u << 20 },
		{ "G", 1u << 30 }, { "T", (uint64_t)1 << 40 }, { NULL, 0 },
	};

	return read_suffixed(text, suffixes, count_r);
}

bool gh_duration_read(const char *text, uint64_t *ms_r)
{
	static const struct suffix suffixes[] = {
		{ "ms", 1 },       { "s", 1000 },      { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 }, { "w", 604800000 }, { NULL, 0 },
	};

	if (strcmp(text, "0") == 0) {
		*ms_r = 0;
		return true;
	}
	return read_suffixed(text, suffixes, ms_r);
}

static bool read_float(const char *text, double *real_r)
{
	char *end;
	double real;

	if (!*text || text[strspn(text, "0123456789.eE+-")])
		return false;
	real = strtod(text, &end);
	if (*end || !isfinite(real))
		return false;
	*real_r = real;
	return true;
}

static bool read_enum(const char *unit, const char *text, int64_t *whole_r)
{
	size_t n = strlen(text), word;

	for (int64_t i = 0; unit && n; i++, unit += word + 1) {
		word = strcspn(unit, "|");
		if (word == n && memcmp(unit, text, n) == 0) {
			*whole_r = i;
			return true;
		}
		if (!unit[word])
			break;
	}
	return false;
}

static bool read_unlimited(const struct gh_option *row, const char *text, union gh_number *number_r)
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

static bool read_plain(const struct gh_option *row, const char *text, union gh_number *number_r)
{
	switch (row->type) {
	case GH_BOOL: return read_bool(text, &number_r->flag);
	case GH_ENUM: return read_enum(row->unit, text, &number_r->whole);
	case GH_INT: return read_int(text, &number_r->whole);
	case GH_SIZE: return read_size(text, &number_r->count);
	case GH_DURATION: return gh_duration_read(text, &number_r->count);
	case GH_FLOAT: return read_float(text, &number_r->real);
	default: return false;
	}
}

static int compare(const struct gh_option *row, const union gh_number *a, const union gh_number *b)
{
	switch (row->type) {
	case GH_INT: return a->whole < b->whole ? -1 : a->whole > b->whole;
	case GH_FLOAT: return a->real < b->real ? -1 : a->real > b->real;
	default: return a->count < b->count ? -1 : a->count > b->count;
	}
}

static bool in_bounds(const struct gh_option *row, const union gh_number *number)
{
	union gh_number bound;

	if (row->min && read_plain(row, row->min, &bound) && compare(row, number, &bound) < 0)
		return false;
	return !(row->max && read_plain(row, row->max, &bound) && compare(row, number, &bound) > 0);
}

bool gh_number_read(const struct gh_option *row, const char *text, bool bounded,
		    union gh_number *number_r)
{
	if (read_unlimited(row, text, number_r))
		return true;
	if (!read_plain(row, text, number_r))
		return false;
	return !bounded || row->type == GH_BOOL || row->type == GH_ENUM || in_bounds(row, number_r);
}

bool gh_count_fits(const struct gh_option *row, uint64_t count)
{
	uint64_t bound;

	if (row->min && gh_count_read(row->min, UINT64_MAX, &bound) && count < bound)
		return false;
	return !(row->max && gh_count_read(row->max, UINT64_MAX, &bound) && count > bound);
}

/* scheme://authority, and nothing in it that has no place in a URL. */
bool gh_url_valid(const char *text)
{
	size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+.-");

	if (scheme == 0 || *text < 'a' || *text > 'z' || strncmp(text + scheme, "://", 3) != 0)
		return false;
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("\"<>\\^`{|}", *p))
			return false;
	text += scheme + 3;
	return *text && !strchr("/?#:", *text);
}

bool gh_option_is(const struct gh_option *row, const char *key)
{
	const char *name = row->name;

	for (; *name && *key; name++, key++)
		if ((*name == '_' ? '-' : *name) != *key)
			return false;
	return *name == *key;
}

static const char *unit_of(const struct gh_option *row)
{
	if (row->type == GH_STRINGS || row->type == GH_TABLE)
		return " entries";
	return gh_numeric(row->type) ? "" : " bytes";
}

char *gh_option_expected(const struct gh_option *row)
{
	const char *kind = gh_kind_of(row->type)->expected, *unit = unit_of(row);
	const char *unlimited = row->flags & GH_UNLIMITED ? ", or unlimited" : "";

	if (row->type == GH_ENUM)
		return gh_format("one of %s", row->unit);
	if (row->min && row->max)
		return gh_format("%s, %s to %s%s%s", kind, row->min, row->max, unit, unlimited);
	if (row->min || row->max)
		return gh_format("%s, at %s %s%s%s", kind, row->min ? "least" : "most",
				 row->min ? row->min : row->max, unit, unlimited);
	return gh_format("%s%s", kind, unlimited);
}
