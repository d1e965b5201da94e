/* SPDX-License-Identifier: Apache-2.0 */
/* Building a listener's lists; everything that could be wrong by accident is an error here. */
#include "hook/chain.h"

#include "base/mem.h"
#include "hook/call.h"

#include <stdlib.h>

static struct gh_instance *find(struct gh_instance *const *instances, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(instances[i]->name, name) == 0)
			return instances[i];
	return NULL;
}

/* A word that reads as if it opened the list; NULL: it doesn't. */
static const char *instead_of_word(enum gh_list_kind kind, const char *name)
{
	static const char *const words[] = { "anonymous", "anyone", "anybody", "everyone",
					     "all",       "any",    "none",    "nobody" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(name, words[i]) != 0)
			continue;
		switch (kind) {
		case GH_LIST_AUTHENTICATE:
			return "to let clients in without a login write 'anonymous: yes'";
		case GH_LIST_AUTHORIZE:
			return "to permit everything write 'authorize: none', without brackets";
		default: return NULL;
		}
	}
	return NULL;
}

static int unknown(enum gh_list_kind kind, struct gh_instance *const *instances, size_t count,
		   const struct gh_entry_settings *entry, struct gh_error *error)
{
	const char *instead = instead_of_word(kind, entry->name);

	gh_instance_unknown(instances, count, entry->name, error);
	if (instead)
		gh_error_set(error, GH_EINVAL, "there is no '%s' in plugins: %s", entry->name,
			     instead);
	gh_error_prefix(error, "%s", entry->where);
	return GH_EINVAL;
}

static bool can_login(const struct gh_instance *instance)
{
	return gh_call_has(instance, GH_HOOK_AUTHENTICATE) || gh_call_has(instance, GH_HOOK_EXCHANGE);
}

static int check_entry(enum gh_list_kind kind, const struct gh_entry_settings *entry,
		       const struct gh_instance *instance, struct gh_error *error)
{
	const char *module = instance->plugin->name;

	if (kind == GH_LIST_AUTHORIZE && !gh_call_has(instance, GH_HOOK_AUTHORIZE))
		return gh_error_set(
			error, GH_EINVAL,
			"%s: '%s' can't stand in authorize: module '%s' has no authorize hook",
			entry->where, entry->name, module);
	if (kind == GH_LIST_MESSAGE && !gh_call_has(instance, GH_HOOK_PUBLISH))
		return gh_error_set(error, GH_EINVAL,
				    "%s: '%s' can't stand in message: module '%s' has no publish hook",
				    entry->where, entry->name, module);
	if (kind != GH_LIST_AUTHENTICATE)
		return 0;
	if (entry->required && !can_login(instance))
		return gh_error_set(
			error, GH_EINVAL,
			"%s: '%s' can't be required: module '%s' has neither an authenticate nor an exchange "
			"hook, so it never allows",
			entry->where, entry->name, module);
	if (!can_login(instance) && !gh_call_has(instance, GH_HOOK_ACCEPT))
		return gh_error_set(
			error, GH_EINVAL,
			"%s: '%s' can't stand in authenticate: module '%s' has no accept, authenticate or "
			"exchange hook",
			entry->where, entry->name, module);
	return 0;
}

bool gh_chain_has(const struct gh_chain *chain, const struct gh_instance *instance)
{
	for (unsigned i = 0; i < chain->count; i++)
		if (chain->entries[i].instance == instance)
			return true;
	return false;
}

static int add(struct gh_chain *chain, const struct gh_entry_settings *entry,
	       struct gh_instance *const *instances, size_t count, struct gh_error *error)
{
	struct gh_instance *instance = find(instances, count, entry->name);
	int rc;

	if (!instance)
		return unknown(chain->kind, instances, count, entry, error);
	if (gh_chain_has(chain, instance))
		return gh_error_set(error, GH_EINVAL, "%s: '%s' stands twice in the list",
				    entry->where, entry->name);
	rc = check_entry(chain->kind, entry, instance, error);
	if (rc)
		return rc;
	chain->entries[chain->count++] = (struct gh_entry){ instance, entry->required };
	if (entry->required)
		chain->required_end = chain->count;
	else
		chain->has_optional = chain->has_optional || chain->kind != GH_LIST_AUTHENTICATE ||
				      can_login(instance);
	return 0;
}

static int check_whole(const struct gh_chain *chain, const struct gh_list_settings *list,
		       struct gh_error *error)
{
	static const char *const keys[] = { "authenticate", "authorize", "message" };
	const char *key = keys[chain->kind];

	if (chain->open)
		return 0;
	if (!chain->count)
		return gh_error_set(error, GH_EINVAL, "%s: %s is empty: nobody could do anything",
				    list->where, key);
	for (unsigned i = 0; chain->kind == GH_LIST_AUTHENTICATE && i < chain->count; i++)
		if (can_login(chain->entries[i].instance))
			return 0;
	if (chain->kind == GH_LIST_AUTHENTICATE)
		return gh_error_set(
			error, GH_EINVAL,
			"%s: none of the modules in authenticate has an authenticate or exchange hook: nobody "
			"could log in",
			list->where);
	return 0;
}

int gh_chain_build(enum gh_list_kind kind, const struct gh_list_settings *list,
		   struct gh_runtime *runtime, struct gh_instance *const *instances,
		   size_t instance_count, struct gh_chain **chain_r, struct gh_error *error)
{
	struct gh_chain *chain;
	int rc = 0;

	if (list->count > GH_CHAIN_MAX)
		return gh_error_set(error, GH_EINVAL, "%s: more than %d entries", list->where,
				    GH_CHAIN_MAX);
	chain = gh_zalloc(sizeof(*chain) + list->count * sizeof(struct gh_entry));
	chain->runtime = runtime;
	chain->kind = kind;
	chain->open = chain->has_optional = list->open;
	for (size_t i = 0; i < list->count && !rc; i++)
		rc = add(chain, &list->entries[i], instances, instance_count, error);
	if (!rc)
		rc = check_whole(chain, list, error);
	if (rc)
		gh_chain_free(&chain);
	else
		*chain_r = chain;
	return rc;
}

void gh_chain_free(struct gh_chain **chain)
{
	free(*chain);
	*chain = NULL;
}
