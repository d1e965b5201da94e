/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of a module: its table in this broker's shape. */
#include "hook/command.h"

#include <lib/descriptor.h>
#include <string.h>

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

int gh_commands_adopt(const struct gh_command *theirs, size_t stride, struct gh_command **rows_r,
		      struct gh_error *error)
{
	char why[sizeof(error->text)];
	int rc = gh_descriptor_commands(theirs, stride, rows_r, why, sizeof(why));

	return rc ? gh_error_set(error, rc, "%s", why) : 0;
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
