/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables for people. */
#include "base/str.h"
#include "conf/option_priv.h"

#include <stdio.h>

static const char *type_of(const struct gh_option *row)
{
	return row->type == GH_ENUM ? row->unit : gh_option_kind(row->type)->name;
}

static const char *default_of(const struct gh_option *row)
{
	if (row->flags & GH_REQUIRED)
		return "required";
	return row->standard ? row->standard : "-";
}

static size_t longer(size_t n, const char *text)
{
	return strlen(text) > n ? strlen(text) : n;
}

static void print(const struct gh_option *rows, unsigned indent, struct gh_buf *out)
{
	size_t name_width = 4, type_width = 4, default_width = 7;
	char name[GH_OPTION_NAME_SIZE], range[GH_OPTION_RANGE_SIZE];

	for (const struct gh_option *row = rows; row->name; row++) {
		name_width = longer(name_width, row->name);
		type_width = longer(type_width, type_of(row));
		default_width = longer(default_width, default_of(row));
	}
	for (const struct gh_option *row = rows; row->name; row++) {
		gh_option_range(row, range);
		gh_buf_printf(out, "%*s%-*s  %-*s  %-*s  %s%s%s%s\n", (int)indent, "",
			      (int)name_width, gh_option_name(row, name), (int)type_width,
			      type_of(row), (int)default_width, default_of(row),
			      row->help ? row->help : "", *range ? " (" : "", range,
			      *range ? ")" : "");
		if (row->type == GH_TABLE)
			print(row->rows, indent + 4, out);
	}
}

void gh_options_print(const struct gh_option *rows, struct gh_buf *out)
{
	print(rows, 0, out);
}
