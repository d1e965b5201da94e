/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a module; what is wrong with its descriptor is said as the broker says it. */
#include "priv.h"

#include <dlfcn.h>
#include <errno.h>
#include <lib/descriptor.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SYMBOL "_LTX_gatehouse_plugin"

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

static int adopt(struct gh_testhost *host, const struct gh_plugin *theirs, struct gh_error *error)
{
	struct gh_plugin *plugin = &host->plugin;
	char why[sizeof(error->text)];
	int rc = gh_descriptor_take(theirs, host->name, GH_ABI, plugin, &host->store, why,
				    sizeof(why));

	if (!rc)
		rc = gh_descriptor_commands(plugin->commands, plugin->command_stride,
					    &host->commands, why, sizeof(why));
	if (rc)
		return gh_error_set(error, rc, "%s", why);
	return gh_options_adopt(plugin->options, plugin->option_stride, plugin->config_size,
				&host->options, error);
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
