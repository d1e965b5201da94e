/* SPDX-License-Identifier: Apache-2.0 */
/* Is an option table right? A wrong one would write past its struct. */
#include "options.h"
#include "testhost.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 256, DEEPEST = 4, NAME_MOST = 63 };

static int wrong(const struct gh_option *row, struct gh_error *error, const char *what)
{
	return gh_error_set(error, GH_EINVAL, "option '%.60s': %s", row->name, what);
}

static bool name_valid(const char *name)
{
	return *name >= 'a' && *name <= 'z' && strlen(name) <= NAME_MOST &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")];
}

static int check_field(const struct gh_option *row, size_t size, struct gh_error *error)
{
	const struct gh_kind *kind = gh_kind_of(row->type);
	uint32_t unknown = row->flags & ~(GH_REQUIRED | GH_UNLIMITED);

	if (!name_valid(row->name))
		return wrong(row, error, "its name isn't of the letters a to z, digits and '-'");
	if (!kind)
		return gh_error_set(error, GH_EINVAL, "option '%s': unknown type %u", row->name,
				    (unsigned)row->type);
	if (unknown)
		return gh_error_set(error, GH_EINVAL, "option '%s': unknown flags 0x%x", row->name,
				    (unsigned)unknown);
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

static bool bound_valid(const struct gh_option *row, const char *text)
{
	union gh_number number;
	uint64_t count;

	if (!text)
		return true;
	if (row->type == GH_BOOL || row->type == GH_ENUM)
		return false;
	return gh_numeric(row->type) ? gh_number_read(row, text, false, &number)
				     : gh_count_read(text, UINT64_MAX, &count);
}

static bool words_valid(const char *unit)
{
	size_t n = unit ? strlen(unit) : 0;

	return n && unit[0] != '|' && unit[n - 1] != '|' && !strstr(unit, "||");
}

static int check_default(const struct gh_option *row, struct gh_error *error)
{
	union gh_number number;

	if (!row->standard)
		return 0;
	if (row->flags & GH_REQUIRED)
		return wrong(row, error, "it is required and has a default");
	if (row->type == GH_SECRET || row->type == GH_TABLE)
		return wrong(row, error, "a default is not possible for its type");
	if (gh_numeric(row->type) && !gh_number_read(row, row->standard, true, &number))
		return wrong(row, error, "its default isn't a value it may have");
	if (!gh_numeric(row->type) && row->type != GH_STRINGS &&
	    !gh_count_fits(row, strlen(row->standard)))
		return wrong(row, error, "its default is out of bounds");
	return 0;
}

static int check_row(const struct gh_option *row, size_t size, struct gh_error *error)
{
	int rc = check_field(row, size, error);

	if (rc)
		return rc;
	if (row->type == GH_ENUM && !words_valid(row->unit))
		return wrong(row, error, "its unit isn't a list of words such as deny|next");
	if ((row->flags & GH_UNLIMITED) &&
	    (!gh_numeric(row->type) || row->type == GH_BOOL || row->type == GH_ENUM))
		return wrong(row, error, "its type can't be unlimited");
	if (!bound_valid(row, row->min) || !bound_valid(row, row->max))
		return wrong(row, error, "its bounds aren't of its type");
	if (row->type == GH_TABLE && (!row->rows || !row->row_size))
		return wrong(row, error, "a table needs rows and their size, at most 4 deep");
	return check_default(row, error);
}

static bool same_name(const struct gh_option *a, const struct gh_option *b)
{
	const char *p = a->name, *q = b->name;

	for (; *p && *q; p++, q++)
		if ((*p == '_' ? '-' : *p) != (*q == '_' ? '-' : *q))
			return false;
	return *p == *q;
}

static int check_pair(const struct gh_option *row, const struct gh_option *other,
		      struct gh_error *error)
{
	if (same_name(other, row))
		return wrong(row, error, "it stands in the table twice");
	if (other->offset < row->offset + row->field_size &&
	    row->offset < other->offset + other->field_size)
		return gh_error_set(error, GH_EINVAL, "options '%s' and '%s' have the same field",
				    other->name, row->name);
	return 0;
}

static int check_rows(const struct gh_option *rows, size_t size, struct gh_error *error)
{
	int rc = 0;

	for (const struct gh_option *row = rows; row->name && !rc; row++) {
		rc = check_row(row, size, error);
		for (const struct gh_option *other = rows; other < row && !rc; other++)
			rc = check_pair(row, other, error);
		if (!rc && row->type == GH_TABLE)
			rc = check_rows(row->rows, row->row_size, error);
	}
	return rc;
}

static const struct gh_option *row_at(const struct gh_option *theirs, size_t stride, size_t index)
{
	return (const struct gh_option *)(const void *)((const char *)theirs + index * stride);
}

/* NULL: too many rows or too deep. */
static struct gh_option *copy_rows(const struct gh_option *theirs, size_t stride, unsigned depth)
{
	size_t count = 0, known = stride < sizeof(*theirs) ? stride : sizeof(*theirs);
	struct gh_option *rows;
	bool failed = false;

	while (row_at(theirs, stride, count)->name)
		if (++count > MOST_ROWS || depth > DEEPEST)
			return NULL;
	rows = gh_new((count + 1) * sizeof(*rows));
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

	if (theirs &&
	    (stride < offsetof(struct gh_option, min) || stride % _Alignof(struct gh_option)))
		return gh_error_set(error, GH_EINVAL,
				    "rows of options of %zu bytes, expected at least %zu", stride,
				    offsetof(struct gh_option, min));
	rows = copy_rows(theirs ? theirs : none, theirs ? stride : sizeof(*none), 0);
	if (!rows)
		return gh_error_set(
			error, GH_EINVAL,
			"an option table of more than %d rows or %d tables inside each other",
			MOST_ROWS, DEEPEST);
	rc = check_rows(rows, size, error);
	if (rc)
		gh_options_free(&rows);
	else
		*rows_r = rows;
	return rc;
}

void gh_options_free(struct gh_option **rows)
{
	for (struct gh_option *row = *rows; row && row->name; row++) {
		struct gh_option *inner = (struct gh_option *)row->rows;

		gh_options_free(&inner);
	}
	free(*rows);
	*rows = NULL;
}
