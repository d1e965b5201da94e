/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a module, and the check of its descriptor; the broker says the same of it. */
#include "priv.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SYMBOL      "_LTX_gatehouse_plugin"
#define KNOWN_FLAGS (GH_CONCURRENT | GH_BLOCKING | GH_RESIDENT)

static bool name_ok(const char *name)
{
	return *name >= 'a' && *name <= 'z' && strlen(name) <= 64 &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

/* "dir/auth-file.so": "auth-file". NULL: no such name. */
static char *name_of(const char *file)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
	size_t n = strlen(base);
	char *name;

	if (n <= 3 || strcmp(base + n - 3, ".so") != 0)
		return NULL;
	name = gh_copy_n(base, n - 3);
	if (name_ok(name))
		return name;
	free(name);
	return NULL;
}

static int check_abi(const struct gh_plugin *theirs, struct gh_error *error)
{
	unsigned major = theirs->abi >> 16, minor = theirs->abi & 0xffff;

	if (major != GH_ABI_MAJOR || minor > GH_ABI_MINOR)
		return gh_error_set(error, GH_EINVAL,
				    "it is built for ABI %u.%u, this broker has %u.%u", major,
				    minor, GH_ABI_MAJOR, GH_ABI_MINOR);
	if (theirs->size < offsetof(struct gh_plugin, accept))
		return gh_error_set(error, GH_EINVAL, "its descriptor is cut short (%u bytes)",
				    theirs->size);
	return 0;
}

static int lacks(struct gh_error *error, const char *what)
{
	return gh_error_set(error, GH_EINVAL, "its descriptor lacks '%s'", what);
}

/* The first callback that is missing or cut short; NULL: none. */
static const char *store_lacks(const struct gh_store *store)
{
#define LACKS(member) \
	(!store->member || store->size < offsetof(struct gh_store, member) + sizeof(store->member))
	if (LACKS(load) || LACKS(put))
		return LACKS(load) ? "store.load" : "store.put";
	if (LACKS(erase) || LACKS(fetch))
		return LACKS(erase) ? "store.erase" : "store.fetch";
	return NULL;
#undef LACKS
}

static int adopt_store(struct gh_testhost *host, struct gh_error *error)
{
	const struct gh_store *theirs = host->plugin.store;
	struct gh_store *store = &host->store;
	const char *lacking;

	if (!theirs)
		return 0;
	memcpy(store, theirs, theirs->size < sizeof(*store) ? theirs->size : sizeof(*store));
	store->size = theirs->size;
	lacking = store_lacks(store);
	return lacking ? lacks(error, lacking) : 0;
}

static int check_callbacks(const struct gh_plugin *plugin, struct gh_error *error)
{
	if (!plugin->name || !plugin->version || !plugin->summary)
		return lacks(error, !plugin->name      ? "name"
				    : !plugin->version ? "version"
						       : "summary");
	if (!plugin->create || !plugin->destroy)
		return lacks(error, !plugin->create ? "create" : "destroy");
	if (!plugin->thread_start != !plugin->thread_stop)
		return lacks(error, !plugin->thread_start ? "thread_start" : "thread_stop");
	if (plugin->exchange && !plugin->exchange_end)
		return lacks(error, "exchange_end");
	if (!plugin->accept && !plugin->authenticate && !plugin->exchange && !plugin->lookup &&
	    !plugin->authorize && !plugin->event && !plugin->handshake && !plugin->psk &&
	    !plugin->publish && !plugin->barrier && !plugin->subject && !plugin->store &&
	    !plugin->commands)
		return gh_error_set(error, GH_EINVAL, "its descriptor lacks a hook");
	return 0;
}

static int check_flags(const struct gh_plugin *plugin, struct gh_error *error)
{
	const char *hook = plugin->accept    ? "accept"
			   : plugin->psk     ? "psk"
			   : plugin->event   ? "event"
			   : plugin->barrier ? "barrier"
			   : plugin->store   ? "store"
					     : NULL;

	if (plugin->flags & ~KNOWN_FLAGS)
		return gh_error_set(error, GH_EINVAL,
				    "it has flags that this broker doesn't know (0x%x)",
				    plugin->flags & ~KNOWN_FLAGS);
	if (plugin->flags & GH_BLOCKING && !(plugin->flags & GH_CONCURRENT) && hook)
		return gh_error_set(
			error, GH_EINVAL,
			"it has flag GH_BLOCKING and hook '%s', so it needs GH_CONCURRENT too", hook);
	return 0;
}

static int check_commands(const struct gh_plugin *plugin, struct gh_error *error)
{
	const size_t least = offsetof(struct gh_command, run) + sizeof(plugin->commands->run);

	if (plugin->commands &&
	    (plugin->command_stride < least || plugin->command_stride % _Alignof(struct gh_command)))
		return gh_error_set(error, GH_EINVAL,
				    "rows of commands of %zu bytes, expected at least %zu",
				    plugin->command_stride, least);
	return 0;
}

static int adopt(struct gh_testhost *host, const struct gh_plugin *theirs, struct gh_error *error)
{
	struct gh_plugin *plugin = &host->plugin;
	int rc = check_abi(theirs, error);

	if (rc)
		return rc;
	memcpy(plugin, theirs, theirs->size < sizeof(*plugin) ? theirs->size : sizeof(*plugin));
	rc = check_flags(plugin, error);
	if (!rc)
		rc = check_callbacks(plugin, error);
	if (!rc && strcmp(plugin->name, host->name) != 0)
		rc = gh_error_set(error, GH_EINVAL,
				  "it calls itself '%s': the file's name must be that", plugin->name);
	if (!rc)
		rc = adopt_store(host, error);
	if (!rc)
		rc = check_commands(plugin, error);
	if (!rc)
		rc = gh_options_adopt(plugin->options, plugin->option_stride, plugin->config_size,
				      &host->options, error);
	return rc;
}

/* A name without a slash would be searched for where libraries are. */
static void *open_file(struct gh_testhost *host, struct gh_error *error)
{
	char *path = gh_format("%s%s", strchr(host->file, '/') ? "" : "./", host->file);
	struct stat st;
	void *handle = NULL;

	if (stat(path, &st) != 0)
		gh_error_set(error, GH_ENOENT, "%s: %s", host->file, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		gh_error_set(error, GH_EIO, "%s isn't a plain file", host->file);
	else
		handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle && !error->text[0])
		gh_error_set(error, GH_EIO, "%s", dlerror());
	free(path);
	return handle;
}

int gh_module_load(struct gh_testhost *host, struct gh_error *error)
{
	const struct gh_plugin *theirs;
	char *symbol, why[sizeof(error->text)];
	void *handle;
	int rc;

	error->text[0] = 0;
	host->name = name_of(host->file);
	if (!host->name)
		return gh_error_set(
			error, GH_EINVAL,
			"%s is no name of a module: lower case letters, digits and '-', then .so",
			host->file);
	handle = open_file(host, error);
	if (!handle)
		return GH_EIO;
	symbol = gh_format("%s" SYMBOL, host->name);
	for (char *p = symbol; *p; p++)
		if (*p == '-')
			*p = '_';
	theirs = dlsym(handle, symbol);
	if (theirs) {
		rc = adopt(host, theirs, error);
		memcpy(why, error->text, sizeof(why));
		if (rc)
			gh_error_set(error, rc, "%s: %s", host->file, why);
	} else {
		rc = gh_error_set(error, GH_EINVAL, "%s is no module: it has no descriptor '%s'",
				  host->file, symbol);
	}
	free(symbol);
	dlclose(handle); /* it stays mapped */
	return rc;
}
