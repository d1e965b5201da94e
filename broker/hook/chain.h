/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of a listener: who is asked, in which order, and what an empty place means. */
#ifndef GH_HOOK_CHAIN_H
#define GH_HOOK_CHAIN_H

#include "base/error.h"
#include "conf/settings.h"

#include <gatehouse/types.h>

struct gh_instance;
struct gh_runtime;

enum gh_list_kind { GH_LIST_AUTHENTICATE, GH_LIST_AUTHORIZE, GH_LIST_MESSAGE };

#define GH_CHAIN_MAX 32 /* entries: one bit each in struct gh_cover */

/*
 * The built-in word `open` of a list. authenticate: `anonymous`: who brings neither user name,
 * password nor method is let in as the anonymous principal (without any entry: everybody, whatever
 * they bring). authorize: `anyone`: everything but topics and filters that begin with '$'. As an
 * entry before all others, not required. message: open where it isn't written: nobody is asked.
 */
struct gh_entry {
	struct gh_instance *instance; /* the runtime's */
	bool required;
};
struct gh_chain {
	struct gh_runtime *runtime; /* that it belongs to; a chain lives as long */
	enum gh_list_kind kind;
	bool open;
	bool has_optional; /* an entry that isn't required, or `open` */
	unsigned count;
	/* one past the last required entry: nobody after it need be asked after an ALLOW */
	unsigned required_end;
	struct gh_entry entries[];
};

/*
 * GH_EINVAL, with `where`: an empty list without its word; more than GH_CHAIN_MAX entries; an
 * instance that isn't there (with the nearest name) or stands twice; one whose module has no hook
 * for such a list; authenticate: a required one with neither authenticate nor exchange, or none at
 * all that has. instances: all there are, in any order. The chain is freed by gh_chain_free().
 */
int gh_chain_build(enum gh_list_kind kind, const struct gh_list_settings *list,
		   struct gh_runtime *runtime, struct gh_instance *const *instances,
		   size_t instance_count, struct gh_chain **chain_r, struct gh_error *error);
void gh_chain_free(struct gh_chain **chain);

/* Does it stand in the list? */
bool gh_chain_has(const struct gh_chain *chain, const struct gh_instance *instance);

#endif
