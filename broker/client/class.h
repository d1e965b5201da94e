/* SPDX-License-Identifier: Apache-2.0 */
/* Which limits hold for a connection and its session: those of its class, or its listener's own. */
#ifndef GH_CLIENT_CLASS_H
#define GH_CLIENT_CLASS_H

#include "client/channel.h"

/*
 * The class in force stands in the client's snapshot (gh_identity.limits_class): what a module has put the client into, else
 * what the login gave. A session keeps it while it is offline. Its limits are one object for all sessions of a worker that have
 * this class on this listener, so a new configuration changes it once; where the class is gone from the configuration the
 * object keeps its last values.
 */
struct gh_class {
	struct gh_node in_shard;
	unsigned holders; /* sessions */
	bool gone;        /* not configured any more */
	struct gh_limits limits;
	const char *listener, *name; /* behind the struct */
	char text[];
};

/* Before the login, and without a class: the listener's. */
static inline const struct gh_limits *gh_channel_limits(const struct gh_channel *channel)
{
	const struct gh_class *class = channel->session ? channel->session->limits_class : NULL;

	return class ? &class->limits : &channel->listener->limits;
}

/* Connected or not. */
const struct gh_limits *gh_session_limits(const struct gh_shard *shard,
					  const struct gh_session *session);

/* A login on the worker of its session: looks whether it is to be put into a class, and whether its CONNECT keeps to the limits
 * of the class it has then. False: it has been refused. */
bool gh_class_admit(struct gh_login *login);
/* It is attached: both point to each other, the session has the channel's snapshot. */
void gh_class_enter(struct gh_login *login);
/* The session has lost its connection and is kept: a class that was the connection's ends. */
void gh_class_detach(struct gh_shard *shard, struct gh_session *session);
/* The session ends. */
void gh_class_leave(struct gh_session *session);

/* The session has another identity. A class that isn't configured leaves the limits as they were. */
void gh_class_follow(struct gh_shard *shard, struct gh_session *session);

/* The worker has another runtime. */
void gh_class_refresh(struct gh_shard *shard);

/* A connected client is put into a class until its connection ends, and no longer than until_ms (0: it may be as long). */
void gh_class_impose(struct gh_shard *shard, struct gh_session *session, const char *name,
		     uint64_t until_ms);
/* What holds by the table of the broker (imposed), else its own class; told if it is another one. */
void gh_class_resolve(struct gh_shard *shard, struct gh_session *session);

#endif
