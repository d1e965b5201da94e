/* SPDX-License-Identifier: Apache-2.0 */
/* A module's descriptor, as whoever loads it takes it over: the broker and gatehouse-testhost. Not installed. */
#ifndef GH_LIB_DESCRIPTOR_H
#define GH_LIB_DESCRIPTOR_H

#include <gatehouse/plugin.h>

/*
 * Is it one that a host with this ABI can load, of a module of this name? Copies min(its size) of it into *plugin_r, zeroed
 * before, and of its store into *store_r. plugin_r->store is then store_r, NULL without one; options and commands are still
 * theirs. Else GH_EINVAL, with why; *plugin_r and *store_r are untouched.
 */
int gh_descriptor_take(const struct gh_plugin *theirs, const char *name, uint32_t abi,
		       struct gh_plugin *plugin_r, struct gh_store *store_r, char *why,
		       size_t why_size);

/*
 * Its commands, whose rows are `stride` bytes apart, in the shape of here, to be freed as one block; NULL where theirs is. Their
 * strings stay the module's. GH_EINVAL, with why: a name that isn't words of [a-z0-9-] with single blanks between them, or begins
 * with `help`; two of one name; no help, no run; an unknown flag; a wrong stride; too many rows. GH_EIO: no memory.
 */
int gh_descriptor_commands(const struct gh_command *theirs, size_t stride,
			   struct gh_command **rows_r, char *why, size_t why_size);

#endif
