/* SPDX-License-Identifier: Apache-2.0 */
/* Is an option table right? Asked once, before anything is read by it: a wrong table would write past its struct. */
#include "base/mem.h"
#include "base/str.h"
#include "conf/option_priv.h"
#include "conf/tables.h"

#include <stdlib.h>

enum { MOST_ROWS = 256, DEEPEST = 4 };

static int check_rows(const struct gh_option *rows, size_t size, bool core, unsigned depth,
		      struct gh_error *error);

static int wrong(const struct gh_option *row, struct gh_error *error, const char *what)
{
	return gh_error_set(error, GH_EINVAL, "option '%.60s': %s", row->name, what);
}

static bool name_valid(const char *name)
{
	size_t n = strlen(name);

	return n < GH_OPTION_NAME_SIZE && *name >= 'a' && *name <= 'z' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

static int check_field(const struct gh_option *row, size_t size, bool core, struct gh_error *error)
{
	const struct gh_option_kind *kind = gh_option_kind(row->type);
	uint32_t flags = GH_REQUIRED | GH_UNLIMITED | (core ? GH_BROKER_ONLY | GH_BEFORE_LOGIN : 0);

	if (!name_valid(row->name))
		return wrong(row, error, "its name isn't of the letters a to z, digits and '-'");
	if (!kind || (row->type == GH_NODE && !core))
		return gh_error_set(error, GH_EINVAL, "option '%s': unknown type %u", row->name,
				    (unsigned)row->type);
	if (row->flags & ~flags)
		return gh_error_set(error, GH_EINVAL, "option '%s': unknown flags 0x%x", row->name,
				    (unsigned)(row->flags & ~flags));
	if (row->field_size != kind->size)
		return gh_error_set(error, GH_EINVAL,
				    "option '%s': its field has %zu bytes, type %s needs %zu",
				    row->name, row->field_size, kind->name, kind->size);
	if (row->offset > size || size - row->offset < row->field_size || row->offset % kind->align)
		return gh_error_set(error, GH_EINVAL,
				    "option '%s': offset %zu is not inside the %zu bytes of the struct",
				    row->name, row->offset, size);
	return 0;
}

static int check_words(const struct gh_option *row, struct gh_error *error)
{
	struct gh_str words[GH_OPTION_WORDS];
	size_t count = gh_option_words(row->unit, words);

	for (size_t i = 0; i < count; i++)
		if (words[i].n == 0)
			count = 0;
	return count ? 0 : wrong(row, error, "its unit isn't a list of words such as deny|next");
}

static bool bound_valid(const struct gh_option *row, const char *text)
{
	union gh_option_number number;
	uint64_t count;

	if (!text)
		return true;
	if (row->type == GH_BOOL || row->type == GH_ENUM || row->type == GH_NODE)
		return false;
	return gh_option_numeric(row->type) ? gh_option_read(row, text, &number)
					    : gh_str_number(gh_str(text), UINT64_MAX, &count);
}

static int check_default(const struct gh_option *row, struct gh_error *error)
{
	union gh_option_number number;

	if (!row->standard)
		return 0;
	if (row->flags & GH_REQUIRED)
		return wrong(row, error, "it is required and has a default");
	if (row->type == GH_SECRET || row->type == GH_TABLE || row->type == GH_NODE)
		return wrong(row, error, "a default is not possible for its type");
	if (!gh_option_numeric(row->type))
		return gh_option_count_in_bounds(row, strlen(row->standard)) || row->type == GH_STRINGS
			       ? 0
			       : wrong(row, error, "its default is out of bounds");
	if (!gh_option_read(row, row->standard, &number) || !gh_option_in_bounds(row, &number))
		return wrong(row, error, "its default isn't a value it may have");
	return 0;
}

static int check_row(const struct gh_option *row, size_t size, bool core, unsigned depth,
		     struct gh_error *error)
{
	int rc = check_field(row, size, core, error);

	if (rc < 0)
		return rc;
	if (row->type == GH_ENUM && check_words(row, error) < 0)
		return GH_EINVAL;
	if ((row->flags & GH_UNLIMITED) &&
	    (!gh_option_numeric(row->type) || row->type == GH_BOOL || row->type == GH_ENUM))
		return wrong(row, error, "its type can't be unlimited");
	if (!bound_valid(row, row->min) || !bound_valid(row, row->max))
		return wrong(row, error, "its bounds aren't of its type");
	if (row->type == GH_TABLE && (!row->rows || row->row_size == 0 || depth >= DEEPEST))
		return wrong(row, error, "a table needs rows and their size, at most 4 deep");
	if (row->type == GH_TABLE) {
		rc = check_rows(row->rows, row->row_size, false, depth + 1, error);
		if (rc < 0)
			gh_error_prefix(error, "option '%s'", row->name);
		return rc;
	}
	return check_default(row, error);
}

static bool same_name(const struct gh_option *a, const struct gh_option *b)
{
	char name[GH_OPTION_NAME_SIZE];

	return gh_option_named(a, gh_option_name(b, name));
}

static bool overlap(const struct gh_option *a, const struct gh_option *b)
{
	return a->offset < b->offset + b->field_size && b->offset < a->offset + a->field_size;
}

static int check_rows(const struct gh_option *rows, size_t size, bool core, unsigned depth,
		      struct gh_error *error)
{
	size_t count = 0;
	int rc;

	for (const struct gh_option *row = rows; row->name; row++) {
		if (++count > MOST_ROWS)
			return gh_error_set(
				error, GH_EINVAL,
				"an option table of more than %d rows: is its last row without name?",
				MOST_ROWS);
		rc = check_row(row, size, core, depth, error);
		if (rc < 0)
			return rc;
		for (const struct gh_option *other = rows; other < row; other++) {
			if (same_name(other, row))
				return wrong(row, error, "it stands in the table twice");
			if (overlap(other, row))
				return gh_error_set(error, GH_EINVAL,
						    "options '%s' and '%s' have the same field",
						    other->name, row->name);
		}
	}
	return 0;
}

int gh_options_check(const struct gh_option *rows, size_t size, bool core, struct gh_error *error)
{
	return check_rows(rows, size, core, 0, error);
}

/* In a section of `plugins:` the core takes its own keys first: a module would never see them. */
static int check_names(const struct gh_option *rows, struct gh_error *error)
{
	for (const struct gh_option *row = rows; row->name; row++)
		for (const struct gh_option *taken = gh_plugin_options; taken->name; taken++)
			if (same_name(taken, row))
				return wrong(row, error,
					     "the broker has an option of that name in every plugin");
	return 0;
}

static const struct gh_option *row_at(const struct gh_option *theirs, size_t stride, size_t index)
{
	return (const struct gh_option *)(const void *)((const char *)theirs + index * stride);
}

/* NULL: too many rows or too deep. The rows of tables are copies too, or NULL where they are missing. */
static struct gh_option *copy_rows(const struct gh_option *theirs, size_t stride, unsigned depth)
{
	size_t count = 0, known = stride < sizeof(*theirs) ? stride : sizeof(*theirs);
	struct gh_option *rows;
	bool failed = false;

	while (row_at(theirs, stride, count)->name)
		if (++count > MOST_ROWS || depth > DEEPEST)
			return NULL;
	rows = gh_zalloc((count + 1) * sizeof(*rows));
	for (size_t i = 0; i < count; i++) {
		memcpy(&rows[i], row_at(theirs, stride, i), known);
		if (rows[i].type != GH_TABLE || !rows[i].rows) {
			rows[i].rows = NULL;
			continue;
		}
		rows[i].rows = copy_rows(rows[i].rows, stride, depth + 1);
		failed = failed || !rows[i].rows;
	}
	if (failed)
		gh_options_free(&rows);
	return rows;
}

int gh_options_adopt(const struct gh_option *theirs, size_t stride, size_t size,
		     struct gh_option **rows_r, struct gh_error *error)
{
	static const struct gh_option none[1];
	struct gh_option *rows;
	int rc;

	if (!theirs) {
		theirs = none;
		stride = sizeof(none[0]);
	}
	if (stride < offsetof(struct gh_option, min) || stride % _Alignof(struct gh_option))
		return gh_error_set(error, GH_EINVAL,
				    "rows of options of %zu bytes, expected at least %zu", stride,
				    offsetof(struct gh_option, min));
	rows = copy_rows(theirs, stride, 0);
	if (!rows)
		return gh_error_set(
			error, GH_EINVAL,
			"an option table of more than %d rows or %d tables inside each other",
			MOST_ROWS, DEEPEST);
	rc = gh_options_check(rows, size, false, error);
	if (rc == 0)
		rc = check_names(rows, error);
	if (rc < 0)
		gh_options_free(&rows);
	else
		*rows_r = rows;
	return rc;
}

void gh_options_free(struct gh_option **rows)
{
	struct gh_option *row = *rows;

	for (; row && row->name; row++) {
		struct gh_option *inner = (struct gh_option *)row->rows;

		gh_options_free(&inner);
	}
	free(*rows);
	*rows = NULL;
}
