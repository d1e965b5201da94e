/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and loading modules by libltdl, which itself never says why it can't: that is found out
 * beforehand. */
#include "hook/module.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <ltdl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYMBOL "gatehouse_plugin"

/* Only there in a program that libtool has linked with -dlpreopen; its first row names the
 * program. */
extern const lt_dlsymlist lt__PROGRAM__LTX_preloaded_symbols[] __attribute__((weak));

struct gh_loader {
	char *directory;
	pthread_mutex_t lock;   /* of libltdl and of all below */
	struct gh_node modules; /* those that are open */
	unsigned opened;        /* ever */
};

struct gh_module {
	struct gh_node node;
	struct gh_loader *loader;
	unsigned refs;
	char *name, *file;
	struct stat stat; /* of the file; all zero when linked in */
	lt_dlhandle handle;
	struct gh_plugin plugin;
	struct gh_option *options;
	struct gh_command *commands;
	struct gh_store store;
};

int gh_loader_new(const char *directory, struct gh_loader **loader_r, struct gh_error *error)
{
	struct gh_loader *loader;

	if (!directory)
		directory = GH_PLUGINDIR;
	if (directory[0] != '/')
		return gh_error_set(error, GH_EINVAL,
				    "the module directory '%s' isn't an absolute path", directory);
	/* libltdl searches what these say whenever it doesn't find a file itself. */
	unsetenv("LTDL_LIBRARY_PATH");
	unsetenv("LD_LIBRARY_PATH");
	if (lt__PROGRAM__LTX_preloaded_symbols)
		lt_dlpreload_default(lt__PROGRAM__LTX_preloaded_symbols);
	if (lt_dlinit() != 0)
		return gh_error_set(error, GH_EIO, "libltdl can't start: %s", lt_dlerror());
	loader = gh_zalloc(sizeof(*loader));
	loader->directory = gh_strdup(directory);
	pthread_mutex_init(&loader->lock, NULL);
	gh_list_init(&loader->modules);
	*loader_r = loader;
	return 0;
}

void gh_loader_free(struct gh_loader **loader)
{
	struct gh_loader *gone = *loader;

	*loader = NULL;
	if (!gone)
		return;
	lt_dlexit();
	pthread_mutex_destroy(&gone->lock);
	free(gone->directory);
	free(gone);
}

const char *gh_loader_directory(const struct gh_loader *loader)
{
	return loader->directory;
}

/* ---- which there are ---- */

static bool name_ok(const char *name)
{
	if (!(*name >= 'a' && *name <= 'z') || strlen(name) > 64)
		return false;
	while ((*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') || *name == '-')
		name++;
	return *name == 0;
}

/* Linked in as NAME.a. */
static bool linked_in(const char *name)
{
	const lt_dlsymlist *row = lt__PROGRAM__LTX_preloaded_symbols;
	size_t n = strlen(name);

	for (; row && row->name; row++)
		if (!row->address && strncmp(row->name, name, n) == 0 &&
		    strcmp(row->name + n, ".a") == 0)
			return true;
	return false;
}

struct names {
	char **list;
	size_t count;
};

static void names_add(struct names *names, const char *file, const char *suffix)
{
	size_t n = strlen(file), tail = strlen(suffix);
	char *name;

	if (n <= tail || strcmp(file + n - tail, suffix) != 0)
		return;
	name = gh_strndup(file, n - tail);
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->list[i], name) == 0) {
			free(name);
			return;
		}
	if (!name_ok(name)) {
		free(name);
		return;
	}
	names->list = gh_realloc_array(names->list, names->count + 1, sizeof(char *));
	names->list[names->count++] = name;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One block, so that the caller needs no function to free it. */
static char **pack(struct names *names)
{
	size_t bytes = (names->count + 1) * sizeof(char *);
	char **block, *text;

	for (size_t i = 0; i < names->count; i++)
		bytes += strlen(names->list[i]) + 1;
	block = gh_alloc(bytes);
	text = (char *)(block + names->count + 1);
	for (size_t i = 0; i < names->count; i++) {
		block[i] = text;
		text = stpcpy(text, names->list[i]) + 1;
		free(names->list[i]);
	}
	block[names->count] = NULL;
	free(names->list);
	return block;
}

char **gh_loader_names(struct gh_loader *loader)
{
	struct names names = { NULL, 0 };
	DIR *directory = opendir(loader->directory);
	struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		names_add(&names, entry->d_name, ".so");
	if (directory)
		closedir(directory);
	for (const lt_dlsymlist *row = lt__PROGRAM__LTX_preloaded_symbols; row && row->name; row++)
		if (!row->address)
			names_add(&names, row->name, ".a");
	if (names.count)
		qsort(names.list, names.count, sizeof(char *), by_text);
	return pack(&names);
}

static int no_such(struct gh_loader *loader, const char *name, struct gh_error *error)
{
	char **names = gh_loader_names(loader);
	size_t count = 0;
	const char *nearest;

	while (names[count])
		count++;
	nearest = gh_str_nearest(name, (const char *const *)names, count);
	if (nearest)
		gh_error_set(error, GH_ENOENT, "there is no module '%s' in %s: did you mean '%s'?",
			     name, loader->directory, nearest);
	else
		gh_error_set(error, GH_ENOENT, "there is no module '%s' in %s", name,
			     loader->directory);
	free(names);
	return GH_ENOENT;
}

/* ---- may it be trusted ---- */

static int check_owner(const char *path, const struct stat *st, struct gh_error *error)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return gh_error_set(
			error, GH_EIO,
			"%s belongs to user %u; it must be root's or the broker's own (chown root %s)",
			path, (unsigned)st->st_uid, path);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return gh_error_set(error, GH_EIO,
				    "%s may be written to by %s (mode %04o): chmod go-w %s", path,
				    st->st_mode & S_IWOTH ? "everybody" : "its group",
				    (unsigned)(st->st_mode & 07777), path);
	return 0;
}

static int check_file(struct gh_loader *loader, const char *name, const char *path, struct stat *st,
		      struct gh_error *error)
{
	struct stat directory;
	int rc;

	if (lstat(path, st) != 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? no_such(loader, name, error)
			       : gh_error_set(error, GH_EIO, "%s: %s", path, strerror(errno));
	if (stat(loader->directory, &directory) != 0)
		return gh_error_set(error, GH_EIO, "%s: %s", loader->directory, strerror(errno));
	rc = check_owner(loader->directory, &directory, error);
	if (rc)
		return rc;
	if (!S_ISREG(st->st_mode))
		return gh_error_set(error, GH_EIO, "%s isn't a plain file", path);
	return check_owner(path, st, error);
}

/* ---- opening ---- */

/* The linker takes a path that it has seen for the file that it has opened under it, even if another one is there now: each file
 * is opened by a spelling of its own, the bits of a number as "/" and "./". */
static void spell(struct gh_buf *path, const char *directory, unsigned number, const char *name)
{
	gh_buf_printf(path, "%s/", directory);
	for (; number; number >>= 1)
		gh_buf_printf(path, "%s", number & 1 ? "./" : "/");
	gh_buf_printf(path, "%s.so", name);
	gh_buf_u8(path, 0);
}

static int open_handle(const char *path, lt_dlhandle *handle_r, struct gh_error *error)
{
	/* libltdl binds lazily and says 'file not found' whatever it is: ask the linker itself, for
	 * all symbols at once. */
	void *first = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	lt_dladvise advise;

	if (!first)
		return gh_error_set(error, GH_EIO, "%s", dlerror());
	*handle_r = NULL;
	if (lt_dladvise_init(&advise) == 0) {
		lt_dladvise_local(&advise);
		*handle_r = lt_dlopenadvise(path, advise);
		lt_dladvise_destroy(&advise);
	}
	dlclose(first);
	if (!*handle_r)
		return gh_error_set(error, GH_EIO, "%s: %s", path, lt_dlerror());
	return 0;
}

static int no_descriptor(const struct gh_module *module, struct gh_error *error)
{
	char *symbol = gh_strdup(module->name);

	for (char *dash; (dash = strchr(symbol, '-'));)
		*dash = '_';
	gh_error_set(error, GH_EINVAL, "%s is no module: it has no descriptor '%s_LTX_" SYMBOL "'",
		     module->file, symbol);
	free(symbol);
	return GH_EINVAL;
}

static int adopt(struct gh_module *module, struct gh_error *error)
{
	const struct gh_plugin *theirs = lt_dlsym(module->handle, SYMBOL);
	int rc;

	if (!theirs)
		return no_descriptor(module, error);
	rc = gh_plugin_adopt(theirs, module->name, GH_ABI, &module->plugin, &module->options,
			     &module->commands, &module->store, error);
	if (rc)
		gh_error_prefix(error, "%s", module->file);
	else if (module->plugin.flags & GH_RESIDENT)
		lt_dlmakeresident(module->handle);
	return rc;
}

static void module_free(struct gh_module *module)
{
	gh_list_remove(&module->node);
	gh_options_free(&module->options);
	free(module->commands);
	if (module->handle)
		lt_dlclose(module->handle);
	free(module->name);
	free(module->file);
	free(module);
}

/* One that is open: the same name, file and state of it. */
static int find_open(struct gh_loader *loader, const char *name, const struct stat *st,
		     struct gh_module **module_r, struct gh_error *error)
{
	gh_list_each(&loader->modules, it, next)
	{
		struct gh_module *module = gh_container(it, struct gh_module, node);

		if (strcmp(module->name, name) != 0 || module->stat.st_dev != st->st_dev ||
		    module->stat.st_ino != st->st_ino)
			continue;
		if (module->stat.st_mtim.tv_sec != st->st_mtim.tv_sec ||
		    module->stat.st_mtim.tv_nsec != st->st_mtim.tv_nsec)
			return gh_error_set(
				error, GH_EIO,
				"%s was overwritten while it is loaded: install a new file by renaming it over "
				"the old one",
				module->file);
		module->refs++;
		*module_r = module;
		return 0;
	}
	return 0;
}

static int open_new(struct gh_loader *loader, const char *name, const char *path,
		    const struct stat *st, bool built_in, struct gh_module **module_r,
		    struct gh_error *error)
{
	struct gh_module *module = gh_zalloc(sizeof(*module));
	int rc = 0;

	gh_list_init(&module->node);
	module->loader = loader;
	module->refs = 1;
	module->name = gh_strdup(name);
	module->file = gh_strdup(built_in ? "(built in)" : path);
	module->stat = *st;
	if (built_in) {
		module->handle = lt_dlopen(path);
	} else {
		struct gh_buf spelled = { 0 };

		spell(&spelled, loader->directory, loader->opened++, name);
		rc = open_handle((char *)spelled.p, &module->handle, error);
		gh_buf_done(&spelled);
	}
	if (!rc && !module->handle)
		rc = gh_error_set(error, GH_EIO, "%s: %s", path, lt_dlerror());
	if (!rc)
		rc = adopt(module, error);
	if (rc) {
		module_free(module);
		return rc;
	}
	gh_list_append(&loader->modules, &module->node);
	*module_r = module;
	return 0;
}

static int open_locked(struct gh_loader *loader, const char *name, struct gh_module **module_r,
		       struct gh_error *error)
{
	struct gh_module *module = NULL;
	bool built_in = linked_in(name);
	struct stat st = { 0 };
	struct gh_buf path = { 0 };
	int rc = 0;

	if (!name_ok(name))
		return gh_error_set(error, GH_ENOENT,
				    "'%s' is no name of a module: lower case letters, digits and '-'",
				    name);
	if (built_in)
		gh_buf_printf(&path, "%s.a", name);
	else
		gh_buf_printf(&path, "%s/%s.so", loader->directory, name);
	gh_buf_u8(&path, 0);
	if (!built_in)
		rc = check_file(loader, name, (char *)path.p, &st, error);
	if (!rc)
		rc = find_open(loader, name, &st, &module, error);
	if (!rc && !module)
		rc = open_new(loader, name, (char *)path.p, &st, built_in, &module, error);
	gh_buf_done(&path);
	if (!rc)
		*module_r = module;
	return rc;
}

int gh_module_open(struct gh_loader *loader, const char *name, struct gh_module **module_r,
		   struct gh_error *error)
{
	int rc;

	pthread_mutex_lock(&loader->lock);
	rc = open_locked(loader, name, module_r, error);
	pthread_mutex_unlock(&loader->lock);
	return rc;
}

struct gh_module *gh_module_ref(struct gh_module *module)
{
	pthread_mutex_lock(&module->loader->lock);
	module->refs++;
	pthread_mutex_unlock(&module->loader->lock);
	return module;
}

void gh_module_close(struct gh_module **module)
{
	struct gh_module *gone = *module;
	struct gh_loader *loader = gone ? gone->loader : NULL;

	*module = NULL;
	if (!gone)
		return;
	pthread_mutex_lock(&loader->lock);
	if (--gone->refs == 0)
		module_free(gone);
	pthread_mutex_unlock(&loader->lock);
}

const struct gh_plugin *gh_module_plugin(const struct gh_module *module)
{
	return &module->plugin;
}

const char *gh_module_file(const struct gh_module *module)
{
	return module->file;
}

bool gh_module_same(const struct gh_module *a, const struct gh_module *b)
{
	return a == b;
}
