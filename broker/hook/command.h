/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands of a module: taken over, checked, looked up. */
#ifndef GH_HOOK_COMMAND_H
#define GH_HOOK_COMMAND_H

#include "base/error.h"

#include <gatehouse/plugin.h>

/*
 * A module's table, whose rows are `stride` bytes apart, in this broker's shape, to be freed as one block; NULL where theirs is.
 * Its strings stay the module's. Refused, with the command named: a name that isn't words of [a-z0-9-] with single blanks
 * between them, or begins with `help`; two of one name; no help, no run; a flag that this broker doesn't know.
 */
int gh_commands_adopt(const struct gh_command *theirs, size_t stride, struct gh_command **rows_r,
		      struct gh_error *error);

/* The command with the longest name that the words begin with; *used_r of them. NULL: none. rows NULL: no commands. */
const struct gh_command *gh_command_find(const struct gh_command *rows, size_t count,
					 const char *const *words, size_t *used_r);

#endif
