/* SPDX-License-Identifier: Apache-2.0 */
/* The sessions of one worker by client id. */
#ifndef GH_SESSION_REGISTRY_H
#define GH_SESSION_REGISTRY_H

#include "base/siphash.h"
#include "session/session.h"

struct gh_registry;

/* key: all workers' the same, so that gh_registry_hash() also chooses the worker (hash %
 * workers). Copied. */
struct gh_registry *gh_registry_new(const struct gh_hash_key *key);
/* It must be empty (asserted): sessions are the caller's. Accepts NULL. */
void gh_registry_free(struct gh_registry **registry);

uint64_t gh_registry_hash(const struct gh_hash_key *key, struct gh_str client_id);

struct gh_session *gh_registry_find(const struct gh_registry *registry,
				    struct gh_str client_id); /* NULL: none */
void gh_registry_add(struct gh_registry *registry,
		     struct gh_session *session); /* its client id isn't in it yet */
void gh_registry_remove(struct gh_registry *registry, struct gh_session *session);
size_t gh_registry_count(const struct gh_registry *registry);

/*
 * A walk in slices, over any number of loop turns: every session that is in it from begin to end
 * comes exactly once, whatever is added or removed meanwhile, by the callback itself too; what is
 * added comes as well.
 */
struct gh_registry_walk {
	struct gh_registry_node marker; /* among the sessions; self-linked: at its end */
};
void gh_registry_walk_begin(struct gh_registry *registry, struct gh_registry_walk *walk);
/* NULL: at its end, and out of the registry. The session may be removed and freed before the
 * next call. */
struct gh_session *gh_registry_walk_next(struct gh_registry *registry, struct gh_registry_walk *walk);
/* Gives up before the end; safe to repeat once begun. */
void gh_registry_walk_end(struct gh_registry_walk *walk);

#endif
