/* SPDX-License-Identifier: Apache-2.0 */
/* A module's descriptor, its options and its commands in this broker's shape. */
#include "hook/command.h"
#include "hook/module.h"

#include <lib/descriptor.h>

int gh_plugin_adopt(const struct gh_plugin *theirs, const char *name, uint32_t abi,
		    struct gh_plugin *plugin_r, struct gh_option **options_r,
		    struct gh_command **commands_r, struct gh_store *store_r, struct gh_error *error)
{
	struct gh_plugin plugin;
	struct gh_option *options = NULL;
	struct gh_command *commands;
	struct gh_store store;
	char why[sizeof(error->text)];
	int rc = gh_descriptor_take(theirs, name, abi, &plugin, &store, why, sizeof(why));

	if (rc)
		return gh_error_set(error, rc, "%s", why);
	rc = gh_options_adopt(plugin.options, plugin.option_stride, plugin.config_size, &options,
			      error);
	if (!rc)
		rc = gh_commands_adopt(plugin.commands, plugin.command_stride, &commands, error);
	if (rc) {
		gh_options_free(&options);
		return rc;
	}
	plugin.options = *options_r = options;
	plugin.commands = *commands_r = commands;
	*store_r = store;
	if (plugin.store)
		plugin.store = store_r;
	*plugin_r = plugin;
	return 0;
}
