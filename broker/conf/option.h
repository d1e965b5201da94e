/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: a struct filled from a section by its table, the same for the core and for modules. */
#ifndef GH_CONF_OPTION_H
#define GH_CONF_OPTION_H

#include "base/buf.h"
#include "conf/arena.h"
#include "conf/node.h"

#include <gatehouse/plugin.h>

/*
 * A value is read by the type of its row and nothing else:
 *   GH_BOOL      yes no true false on off
 *   GH_INT       decimal, may be negative                    min, max
 *   GH_FLOAT     decimal                                     min, max
 *   GH_SIZE      bytes, or 64k 1M 2G 1T (powers of 1024)     min, max
 *   GH_DURATION  500ms 10s 5m 2h 7d 1w, or 0                 min, max
 *   GH_STRING    any text                                    min, max: its length in bytes
 *   GH_ENUM      one of the words of `unit`
 *   GH_PATH      relative to the directory of the file it is written in; a default, to sysconfdir/gatehouse
 *   GH_SECRET    a path like GH_PATH, or credential:NAME (below $CREDENTIALS_DIRECTORY): the content without a newline at
 *                its end, 1 to 65,536 bytes
 *   GH_URL       scheme://authority...
 *   GH_STRINGS   a list of values                            min, max: how many
 *   GH_TABLE     a list of maps, or a map of maps            min, max: how many
 * GH_UNLIMITED rows also take the word `unlimited`: the greatest value of the field (GH_FLOAT: infinity).
 * A '_' in the name of a row is a '-' in the file.
 */

/* Rows that only the core has. */
#define GH_NODE \
	64u /* const struct gh_conf_node *: as written, read by the caller; NULL: not there */
#define GH_BROKER_ONLY  0x10000u /* flag: of the whole broker, not to be overridden by a listener */
#define GH_BEFORE_LOGIN 0x20000u /* flag: it is over when a class of limits is known */

/*
 * Checks a table of this broker's shape: types, sizes of fields, offsets inside `size`, names and their uniqueness, defaults
 * and bounds of the right type. The error names the row. core: GH_NODE is allowed.
 */
int gh_options_check(const struct gh_option *rows, size_t size, bool core, struct gh_error *error);

/*
 * A module's table, whose rows are `stride` bytes apart, in this broker's shape, checked; rows of GH_TABLE too. Its strings
 * stay the module's. rows NULL: a table without rows. Freed by gh_options_free() as a whole.
 */
int gh_options_adopt(const struct gh_option *theirs, size_t stride, size_t size,
		     struct gh_option **rows_r, struct gh_error *error);
void gh_options_free(struct gh_option **rows);

/* A filled struct of a module's and all that it points to. */
struct gh_section;

/*
 * node: the map, its keys all in `rows`; NULL: none was written, so everything has its default. place: for what is
 * missing. rows have passed gh_options_check(). Files of GH_SECRET are read here.
 */
int gh_section_fill(const struct gh_conf_node *node, const struct gh_conf_place *place,
		    const struct gh_option *rows, size_t size, struct gh_section **section_r,
		    struct gh_error *error);
const void *gh_section_config(const struct gh_section *section);
/* Wipes and frees the struct and everything in it. */
void gh_section_free(struct gh_section **section);

/*
 * For the core: into a struct of the caller's. fill sets every field; overlay only those that are written, and refuses rows
 * that are GH_BROKER_ONLY. What they point to is in the arena. After an error the struct is half filled.
 */
int gh_options_fill(const struct gh_conf_node *node, const struct gh_conf_place *place,
		    const struct gh_option *rows, struct gh_arena *arena, void *config,
		    struct gh_error *error);
int gh_options_overlay(const struct gh_conf_node *node, const struct gh_option *rows,
		       struct gh_arena *arena, void *config, struct gh_error *error);

/* The table for people: name, type, default, bounds, text, a row each; rows of tables indented below theirs. */
void gh_options_print(const struct gh_option *rows, struct gh_buf *out);

#endif
