/* SPDX-License-Identifier: Apache-2.0 */
/* The acts of modules: checked here, done by the room above. */
#ifndef GH_HOOK_ACTS_H
#define GH_HOOK_ACTS_H

#include "hook/instance.h"
#include "hook/whom.h"

#include <gatehouse/host.h>

/* A message that was checked; all is borrowed. */
struct gh_injection {
	const struct gh_message *message;
	size_t forward_n; /* bytes of the properties that subscribers get */
	bool is_text;     /* payload format indicator 1 */
	uint32_t expiry;  /* seconds; 0: never */
};

/*
 * What the room above does (gh_hooks.acts). Any thread; none waits, each copies what it is given. 0: posted; GH_EBUSY: too
 * much waits already, or nobody is there to do it. `by`: the instance.
 */
struct gh_acts {
	int (*inject)(void *arg, const struct gh_instance *by, const struct gh_injection *injection);
	int (*disconnect)(void *arg, const struct gh_instance *by, const struct gh_whom *whom,
			  uint8_t reason, const char *why);
	/* That instance alone is told; mask: GH_EV_CONNECT, GH_EV_SUBSCRIBE or both. */
	int (*replay)(void *arg, struct gh_instance *to, uint64_t mask);
	int (*recheck)(void *arg, const struct gh_whom *whom);
	/* GH_ADDRESS, GH_CLIENT_ID or GH_PRINCIPAL; seconds 0 lifts it. GH_EBUSY: the table is full, too. */
	int (*ban)(void *arg, const struct gh_instance *by, const struct gh_whom *whom,
		   uint32_t seconds, const char *why);
	/* The class is one of the instance's configuration; NULL: its own. GH_EBUSY: the table is full, too. */
	int (*set_class)(void *arg, const struct gh_instance *by, const struct gh_whom *whom,
			 const char *name, uint32_t seconds);
};

/* As the host's table names them. An instance that isn't in force yet, or never was, is refused. */
int gh_act_inject(struct gh_host *host, const struct gh_message *message, uint32_t expiry_s);
int gh_act_disconnect(struct gh_host *host, struct gh_subject subject, uint8_t reason,
		      const char *why);
int gh_act_replay(struct gh_host *host, uint64_t mask);
int gh_act_recheck(struct gh_host *host, struct gh_subject subject);
int gh_act_set_class(struct gh_host *host, struct gh_subject subject, const char *name,
		     uint32_t seconds);
int gh_act_ban(struct gh_host *host, struct gh_subject subject, uint32_t seconds, const char *why);

#endif
