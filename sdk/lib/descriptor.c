/* SPDX-License-Identifier: Apache-2.0 */
/* The check of a module's descriptor, and its copy in the shape of here. */
#include "descriptor.h"

#include <stdio.h>
#include <string.h>

#define KNOWN_FLAGS (GH_CONCURRENT | GH_BLOCKING | GH_RESIDENT | GH_IN_PROCESS)

struct check {
	const struct gh_plugin *plugin;
	char *why;
	size_t size;
};

#define REFUSE(check, ...) (snprintf((check)->why, (check)->size, __VA_ARGS__), GH_EINVAL)

static int lacks(const struct check *check, const char *what)
{
	return REFUSE(check, "its descriptor lacks '%s'", what);
}

static int check_abi(const struct check *check, const struct gh_plugin *theirs, uint32_t abi)
{
	unsigned major = theirs->abi >> 16, minor = theirs->abi & 0xffff;

	if (major != abi >> 16 || minor > (abi & 0xffff))
		return REFUSE(check, "it is built for ABI %u.%u, this broker has %u.%u", major,
			      minor, (unsigned)(abi >> 16), (unsigned)(abi & 0xffff));
	if (theirs->size < offsetof(struct gh_plugin, accept))
		return REFUSE(check, "its descriptor is cut short (%u bytes)",
			      (unsigned)theirs->size);
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

static int check_flags(const struct check *check)
{
	uint32_t flags = check->plugin->flags;
	const char *hook = workers_hook(check->plugin);

	if (flags & ~KNOWN_FLAGS)
		return REFUSE(check, "it has flags that this broker doesn't know (0x%x)",
			      (unsigned)(flags & ~KNOWN_FLAGS));
	if (flags & GH_BLOCKING && !(flags & GH_CONCURRENT) && hook)
		return REFUSE(check,
			      "it has flag GH_BLOCKING and hook '%s', so it needs GH_CONCURRENT too",
			      hook);
	return 0;
}

static bool has_hook(const struct gh_plugin *plugin)
{
	return plugin->accept || plugin->handshake || plugin->psk || plugin->authenticate ||
	       plugin->exchange || plugin->lookup || plugin->authorize || plugin->publish ||
	       plugin->event || plugin->barrier || plugin->subject || plugin->store ||
	       plugin->commands;
}

static int check_callbacks(const struct check *check)
{
	const struct gh_plugin *plugin = check->plugin;

	if (!plugin->name)
		return lacks(check, "name");
	if (!plugin->version || !plugin->summary)
		return lacks(check, !plugin->version ? "version" : "summary");
	if (!plugin->create || !plugin->destroy)
		return lacks(check, !plugin->create ? "create" : "destroy");
	if (!plugin->thread_start != !plugin->thread_stop)
		return lacks(check, !plugin->thread_start ? "thread_start" : "thread_stop");
	if (plugin->exchange && !plugin->exchange_end)
		return lacks(check, "exchange_end");
	if (!has_hook(plugin))
		return REFUSE(check,
			      "its descriptor lacks a hook: accept, handshake, psk, authenticate, "
			      "exchange, lookup, authorize, publish, event, barrier, subject or store, "
			      "or commands");
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

static int take_store(const struct check *check, struct gh_store *store)
{
	const struct gh_store *theirs = check->plugin->store;
	const char *lacking;

	if (!theirs)
		return 0;
	memcpy(store, theirs, theirs->size < sizeof(*store) ? theirs->size : sizeof(*store));
	lacking = store_lacks(store);
	if (lacking)
		return lacks(check, lacking);
	store->size = sizeof(*store);
	return 0;
}

int gh_descriptor_take(const struct gh_plugin *theirs, const char *name, uint32_t abi,
		       struct gh_plugin *plugin_r, struct gh_store *store_r, char *why,
		       size_t why_size)
{
	struct gh_plugin plugin = { 0 };
	struct gh_store store = { 0 };
	const struct check check = { &plugin, why, why_size };
	int rc = check_abi(&check, theirs, abi);

	if (rc)
		return rc;
	memcpy(&plugin, theirs, theirs->size < sizeof(plugin) ? theirs->size : sizeof(plugin));
	rc = check_flags(&check);
	if (!rc)
		rc = check_callbacks(&check);
	if (!rc && strcmp(plugin.name, name) != 0)
		rc = REFUSE(&check, "it calls itself '%s': the file's name must be that",
			    plugin.name);
	if (!rc)
		rc = take_store(&check, &store);
	if (rc)
		return rc;
	*store_r = store;
	if (plugin.store)
		plugin.store = store_r;
	*plugin_r = plugin;
	return 0;
}
