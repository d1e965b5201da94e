/* SPDX-License-Identifier: Apache-2.0 */
/* The check of a module's descriptor, and its copy in this broker's shape. */
#include "hook/command.h"
#include "hook/module.h"

#include <string.h>

#define KNOWN_FLAGS (GH_CONCURRENT | GH_BLOCKING | GH_RESIDENT)

static int check_abi(const struct gh_plugin *theirs, uint32_t abi, struct gh_error *error)
{
	unsigned major = theirs->abi >> 16, minor = theirs->abi & 0xffff;

	if (major != abi >> 16 || minor > (abi & 0xffff))
		return gh_error_set(error, GH_EINVAL,
				    "it is built for ABI %u.%u, this broker has %u.%u", major,
				    minor, (unsigned)(abi >> 16), (unsigned)(abi & 0xffff));
	return 0;
}

static int lacks(struct gh_error *error, const char *what)
{
	return gh_error_set(error, GH_EINVAL, "its descriptor lacks '%s'", what);
}

static int check_callbacks(const struct gh_plugin *plugin, struct gh_error *error)
{
	if (!plugin->name || !plugin->version || !plugin->summary)
		return lacks(error,
			     !plugin->name ? "name" : (!plugin->version ? "version" : "summary"));
	if (!plugin->create || !plugin->destroy)
		return lacks(error, !plugin->create ? "create" : "destroy");
	if (!plugin->thread_start != !plugin->thread_stop)
		return lacks(error, !plugin->thread_start ? "thread_start" : "thread_stop");
	if (plugin->exchange && !plugin->exchange_end)
		return lacks(error, "exchange_end");
	if (!plugin->accept && !plugin->authenticate && !plugin->exchange && !plugin->lookup &&
	    !plugin->authorize && !plugin->publish && !plugin->event && !plugin->barrier &&
	    !plugin->handshake && !plugin->psk && !plugin->subject && !plugin->store &&
	    !plugin->commands)
		return gh_error_set(
			error, GH_EINVAL,
			"its descriptor lacks a hook: accept, handshake, psk, authenticate, exchange, lookup, authorize, "
			"publish, event, barrier, subject or store, or commands");
	return 0;
}

/* Of those that stay on the workers whatever the flags. */
static const char *workers_hook(const struct gh_plugin *plugin)
{
	if (plugin->accept || plugin->psk)
		return plugin->accept ? "accept" : "psk";
	if (plugin->event || plugin->barrier)
		return plugin->event ? "event" : "barrier";
	return plugin->store ? "store" : NULL;
}

static int check_flags(const struct gh_plugin *plugin, struct gh_error *error)
{
	const char *hook = workers_hook(plugin);

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

static int adopt_store(const struct gh_store *theirs, struct gh_store *store_r, struct gh_error *error)
{
	struct gh_store store = { 0 };
	const char *lacking;

	if (!theirs)
		return 0;
	memcpy(&store, theirs, theirs->size < sizeof(store) ? theirs->size : sizeof(store));
	store.size = theirs->size;
	lacking = store_lacks(&store);
	if (lacking)
		return lacks(error, lacking);
	store.size = sizeof(store);
	*store_r = store;
	return 0;
}

int gh_plugin_adopt(const struct gh_plugin *theirs, const char *name, uint32_t abi,
		    struct gh_plugin *plugin_r, struct gh_option **options_r,
		    struct gh_command **commands_r, struct gh_store *store_r, struct gh_error *error)
{
	struct gh_plugin plugin = { 0 };
	struct gh_option *options = NULL;
	struct gh_command *commands;
	struct gh_store store = { 0 };
	int rc = check_abi(theirs, abi, error);

	if (rc)
		return rc;
	if (theirs->size < offsetof(struct gh_plugin, accept))
		return gh_error_set(error, GH_EINVAL, "its descriptor is cut short (%u bytes)",
				    theirs->size);
	memcpy(&plugin, theirs, theirs->size < sizeof(plugin) ? theirs->size : sizeof(plugin));
	rc = check_flags(&plugin, error);
	if (!rc)
		rc = check_callbacks(&plugin, error);
	if (!rc && strcmp(plugin.name, name) != 0)
		rc = gh_error_set(error, GH_EINVAL,
				  "it calls itself '%s': the file's name must be that", plugin.name);
	if (!rc)
		rc = adopt_store(plugin.store, &store, error);
	if (!rc)
		rc = gh_options_adopt(plugin.options, plugin.option_stride, plugin.config_size,
				      &options, error);
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
