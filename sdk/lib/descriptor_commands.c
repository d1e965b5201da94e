/* SPDX-License-Identifier: Apache-2.0 */
/* A module's table of commands in the shape of here. */
#include "descriptor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 1000 };
#define KNOWN_FLAGS (GH_CMD_WRITE | GH_CMD_SECRET)
#define LEAST       (offsetof(struct gh_command, run) + sizeof(((struct gh_command *)0)->run))

static bool is_word(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", p[i]))
			return false;
	return n > 0;
}

static bool name_ok(const char *name)
{
	size_t n;

	for (;; name += n + 1) {
		n = strcspn(name, " ");
		if (!is_word(name, n))
			return false;
		if (!name[n])
			return true;
	}
}

/* NULL: the row is fine. */
static const char *problem(const struct gh_command *row, const struct gh_command *rows)
{
	if (!name_ok(row->name))
		return "its name isn't words of lower-case letters, digits and '-' with single blanks";
	if (strcmp(row->name, "help") == 0 || strncmp(row->name, "help ", 5) == 0)
		return "'help' is the broker's own";
	if (!row->help)
		return "it lacks 'help'";
	if (!row->run)
		return "it lacks 'run'";
	if (row->flags & ~KNOWN_FLAGS)
		return "it has flags that this broker doesn't know";
	for (; rows < row; rows++)
		if (strcmp(rows->name, row->name) == 0)
			return "there are two of that name";
	return NULL;
}

static int check(const struct gh_command *rows, char *why, size_t why_size)
{
	for (const struct gh_command *row = rows; row->name; row++) {
		const char *wrong = problem(row, rows);

		if (!wrong)
			continue;
		snprintf(why, why_size, "command '%s': %s", row->name, wrong);
		return GH_EINVAL;
	}
	return 0;
}

/* More than MOST_ROWS: it has no end. Behind the last row is one without name. */
static size_t count_rows(const char *p, size_t stride)
{
	struct gh_command row;
	size_t count = 0;

	for (; count <= MOST_ROWS; count++) {
		memcpy(&row, p + count * stride, LEAST);
		if (!row.name)
			break;
	}
	return count;
}

static int refuse_table(size_t stride, size_t count, char *why, size_t why_size)
{
	if (count > MOST_ROWS)
		snprintf(why, why_size, "a table of more than %d commands", MOST_ROWS);
	else
		snprintf(why, why_size, "rows of commands of %zu bytes, expected at least %zu",
			 stride, LEAST);
	return GH_EINVAL;
}

int gh_descriptor_commands(const struct gh_command *theirs, size_t stride,
			   struct gh_command **rows_r, char *why, size_t why_size)
{
	const char *p = (const char *)theirs;
	struct gh_command *rows;
	size_t count;
	int rc;

	if (!theirs) {
		*rows_r = NULL;
		return 0;
	}
	if (stride < LEAST || stride % _Alignof(struct gh_command))
		return refuse_table(stride, 0, why, why_size);
	count = count_rows(p, stride);
	if (count > MOST_ROWS)
		return refuse_table(stride, count, why, why_size);
	rows = calloc(count + 1, sizeof(*rows));
	if (!rows) {
		snprintf(why, why_size, "no memory");
		return GH_EIO;
	}
	for (size_t i = 0; i < count; i++)
		memcpy(&rows[i], p + i * stride, stride < sizeof(*rows) ? stride : sizeof(*rows));
	rc = check(rows, why, why_size);
	if (rc)
		free(rows);
	else
		*rows_r = rows;
	return rc;
}
