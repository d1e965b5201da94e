/* SPDX-License-Identifier: Apache-2.0 */
/* Shared subscriptions: the groups that belong to one worker, their members on any worker, and
 * whose turn it is. */
#ifndef GH_ROUTE_SHARED_H
#define GH_ROUTE_SHARED_H

#include "route/index.h"

/*
 * A group is (name, filter). It belongs to the worker gh_shared_worker() says, which alone has it
 * here and in its index; the workers of its members tell that one of joining, leaving, connecting
 * and disconnecting. A message that matches comes to the group's worker; gh_shared_pick() says who
 * gets it. When the member's worker can't deliver it (RECEIVE denied, session gone, QoS 0 without a
 * connection), or the member ends without having acknowledged it, it comes back, and another is
 * picked; `tried` names those that can't have it.
 *
 * Connected members take turns; if none is left, those that are offline and have a session do.
 */
struct gh_shared;

/* As the member's SUBSCRIBE said. */
struct gh_member_facts {
	struct gh_str client_id; /* copied */
	uint16_t worker;         /* of its session */
	uint8_t qos;             /* granted */
	bool retain_as_published;
	bool connected;
	uint32_t subscription_id; /* 0: none */
};

struct gh_member {
	struct gh_member_facts facts; /* client_id is the member's own memory */
	uint64_t serial;              /* never used twice on this worker: what `tried` is made of */
	/* The rest is its own. */
	struct gh_group *group;
	uint64_t stamp;
	uint64_t refused; /* what it was refused last; 0: nothing */
	uint32_t place;
};

struct gh_group {
	uint64_t id; /* never used twice, on any worker; never 0 */
	struct gh_str name, filter;
	struct gh_subscriber *entry; /* in the index */
	/* The rest is its own. [0]: offline, [1]: connected. */
	struct gh_member **members[2];
	uint32_t count[2], size[2], turn[2];
	bool refused; /* somebody was refused something, ever */
};

/* key: the same on all workers. index: where the groups are entered and removed. */
struct gh_shared *gh_shared_new(const struct gh_hash_key *key, struct gh_index *index,
				unsigned worker);
/* Frees the groups and members that are left; before the index. */
void gh_shared_free(struct gh_shared **shared);

/* The worker that a group belongs to, of `workers`. */
unsigned gh_shared_worker(const struct gh_hash_key *key, struct gh_str name, struct gh_str filter,
			  unsigned workers);

/* The worker that a group with this id belongs to. */
static inline unsigned gh_shared_id_worker(uint64_t id)
{
	return (unsigned)(id >> 48);
}

/* Joins, or changes the options of a member that has joined. Never NULL; the group is made if it
 * is the first. */
struct gh_member *gh_shared_join(struct gh_shared *shared, struct gh_str name, struct gh_str filter,
				 const struct gh_member_facts *facts);

/* False: no such member. The last one takes the group with it. */
bool gh_shared_leave(struct gh_shared *shared, struct gh_str name, struct gh_str filter,
		     struct gh_str client_id);

/* The member's connection began or ended (its session goes on). False: no such member. */
bool gh_shared_online(struct gh_shared *shared, struct gh_str name, struct gh_str filter,
		      struct gh_str client_id, bool connected);

/* NULL: it is gone; what is handed back for it is dropped and counted. */
struct gh_group *gh_shared_find(const struct gh_shared *shared, uint64_t id);

/* One thing that is given. */
struct gh_pick {
	const uint64_t *tried; /* serials of members that won't do: read by the first call */
	size_t count;
	uint64_t what; /* which of all things it is: a hash of the topic, say; 0 only where group->refused is false */
	bool offline; /* false for what is only worth giving to a connected member (QoS 0) */
	/* The rest is its own. */
	bool begun;
	uint32_t again; /* who were refused the same thing, and picked nevertheless */
};
#define GH_PICK_AGAIN 64u
/* The next whose turn it is; each member once for a gh_pick, no other gh_pick in between. Who was refused the same thing comes
 * after those who weren't, and so many of them at most, so that many who may not have it don't make each message go through all
 * of them. NULL: nobody is left. */
struct gh_member *gh_shared_pick(struct gh_shared *shared, struct gh_group *group,
				 struct gh_pick *pick);
/* NULL: it has left. */
struct gh_member *gh_shared_member(const struct gh_shared *shared, uint64_t serial);
/* This member wasn't given it. It may have left. */
void gh_shared_refused(struct gh_shared *shared, uint64_t serial, uint64_t what);

size_t gh_shared_groups(const struct gh_shared *shared);
size_t gh_shared_members(const struct gh_shared *shared);

#endif
