/* SPDX-License-Identifier: Apache-2.0 */
/* Modules: found, checked and loaded, from files or linked in; their descriptors in this broker's
 * shape. */
#ifndef GH_HOOK_MODULE_H
#define GH_HOOK_MODULE_H

#include "base/error.h"
#include "conf/option.h"

#include <gatehouse/plugin.h>

/* Opening and closing: any thread, one after another (libltdl isn't thread-safe): a module's constructors may keep others waiting,
 * so never the control thread while the broker serves. */
struct gh_loader;
struct gh_module;

/*
 * directory: absolute; NULL: GH_PLUGINDIR. Also removes LTDL_LIBRARY_PATH and LD_LIBRARY_PATH from
 * the environment: nothing is ever searched there. Makes no other check: a broker without modules
 * needs no directory.
 */
int gh_loader_new(const char *directory, struct gh_loader **loader_r, struct gh_error *error);
/* All modules must be closed. */
void gh_loader_free(struct gh_loader **loader);
const char *gh_loader_directory(const struct gh_loader *loader);

/*
 * Opens module `name` ("auth-file": [a-z][a-z0-9-]*), the one linked in, or DIRECTORY/NAME.so. The
 * same file (device, inode, time) opened twice is one module, counted. Refused, each with its
 * reason in `error`:
 *   GH_ENOENT  no such module (with the nearest name there is) GH_EIO     the file or its directory
 *   isn't a plain file or directory of root's or ours, or others may write to it;
 *              the dynamic linker's own words: not ELF, a library or a symbol is missing (named)
 *   GH_EINVAL  no descriptor; ABI of another major or a later minor (both numbers); an unknown
 *   flag; a missing callback
 *              (named); the file's name isn't the descriptor's; an option table that is wrong
 */
int gh_module_open(struct gh_loader *loader, const char *name, struct gh_module **module_r,
		   struct gh_error *error);
/* The same state of the file once more, whatever has become of the file meanwhile. */
struct gh_module *gh_module_ref(struct gh_module *module);
/* Drops a reference; with the last one the file is unmapped (unless GH_RESIDENT). No thread may be
 * in its code. */
void gh_module_close(struct gh_module **module);

/* This broker's shape of the descriptor: what an older module lacks is NULL. Lives as long as the
 * module is open. */
const struct gh_plugin *gh_module_plugin(const struct gh_module *module);
const char *gh_module_file(const struct gh_module *module); /* "(built in)" when linked in */
bool gh_module_same(const struct gh_module *a,
		    const struct gh_module *b); /* one file, one state of it */

/* Names of the modules that can be opened, sorted, NULL-terminated, to be freed as one block. */
char **gh_loader_names(struct gh_loader *loader);

/*
 * The check of a descriptor, apart from files. Copies min(its size) into *plugin_r, zeroed before,
 * and its options into rows of this broker's shape (plugin_r->options, to be freed by
 * gh_options_free()), its commands (plugin_r->commands, to be freed as one block) and its store
 * (plugin_r->store, which is then store_r). abi: this broker's, GH_ABI.
 */
int gh_plugin_adopt(const struct gh_plugin *theirs, const char *name, uint32_t abi,
		    struct gh_plugin *plugin_r, struct gh_option **options_r,
		    struct gh_command **commands_r, struct gh_store *store_r, struct gh_error *error);

#endif
