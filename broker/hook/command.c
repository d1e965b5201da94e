/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of a module: its table in this broker's shape. */
#include "hook/command.h"

#include "base/mem.h"

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

/* How many of the words the name is; 0: they begin with something else. */
static size_t matches(const char *name, size_t count, const char *const *words)
{
	for (size_t used = 0; used < count; used++) {
		size_t n = strcspn(name, " ");

		if (strlen(words[used]) != n || memcmp(words[used], name, n) != 0)
			return 0;
		if (!name[n])
			return used + 1;
		name += n + 1;
	}
	return 0;
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

static int check(const struct gh_command *rows, struct gh_error *error)
{
	for (const struct gh_command *row = rows; row->name; row++) {
		const char *wrong = problem(row, rows);

		if (wrong)
			return gh_error_set(error, GH_EINVAL, "command '%s': %s", row->name, wrong);
	}
	return 0;
}

/* NULL: it has no end. Behind the last row is one without name. */
static struct gh_command *copy_rows(const struct gh_command *theirs, size_t stride)
{
	const char *p = (const char *)theirs;
	struct gh_command row, *rows;
	size_t count = 0;

	for (; count <= MOST_ROWS; count++) {
		memcpy(&row, p + count * stride, LEAST);
		if (!row.name)
			break;
	}
	if (count > MOST_ROWS)
		return NULL;
	rows = gh_zalloc((count + 1) * sizeof(*rows));
	for (size_t i = 0; i < count; i++)
		memcpy(&rows[i], p + i * stride, stride < sizeof(*rows) ? stride : sizeof(*rows));
	return rows;
}

int gh_commands_adopt(const struct gh_command *theirs, size_t stride, struct gh_command **rows_r,
		      struct gh_error *error)
{
	struct gh_command *rows;
	int rc;

	if (!theirs) {
		*rows_r = NULL;
		return 0;
	}
	if (stride < LEAST || stride % _Alignof(struct gh_command))
		return gh_error_set(error, GH_EINVAL,
				    "rows of commands of %zu bytes, expected at least %zu", stride,
				    LEAST);
	rows = copy_rows(theirs, stride);
	if (!rows)
		return gh_error_set(error, GH_EINVAL, "a table of more than %d commands", MOST_ROWS);
	rc = check(rows, error);
	if (rc)
		free(rows);
	else
		*rows_r = rows;
	return rc;
}

const struct gh_command *gh_command_find(const struct gh_command *rows, size_t count,
					 const char *const *words, size_t *used_r)
{
	const struct gh_command *found = NULL;
	size_t most = 0;

	for (const struct gh_command *row = rows; row && row->name; row++) {
		size_t used = matches(row->name, count, words);

		if (used <= most)
			continue;
		most = used;
		found = row;
	}
	if (found)
		*used_r = most;
	return found;
}
