/* SPDX-License-Identifier: Apache-2.0 */
/* What a client id has, connected or not: owner, subscriptions, messages under way, will. Data
 * only, of one worker. */
#ifndef GH_SESSION_SESSION_H
#define GH_SESSION_SESSION_H

#include "base/list.h"
#include "base/wheel.h"
#include "session/backlog.h"
#include "session/inbound.h"
#include "session/queue.h"
#include "session/subscriber.h"
#include "session/window.h"

/* A will that waits: for its connection to end (armed with it), then for its delay. */
struct gh_session_will {
	struct gh_publication *publication; /* a reference; its expiry counts from when it fires */
	uint32_t delay;  /* seconds between the end of the connection and the will */
	uint32_t expiry; /* message expiry in seconds, once it fires */
	bool has_expiry;
	struct gh_session *session; /* for the timeout's callback; the caller's to set */
	struct gh_timeout timeout;  /* of the delay; the caller arms and cancels it */
};

/* Takes over the reference. */
struct gh_session_will *gh_session_will_new(struct gh_publication *publication);
void gh_session_will_free(struct gh_session_will **will); /* the timeout is not set any more */

/* In a registry's list; the markers of walkers stand among them. */
struct gh_registry_node {
	struct gh_node node;
	bool marker;
};

#define GH_EXPIRY_NEVER 0xFFFFFFFFu

struct gh_session {
	struct gh_registry_node in_registry;
	void *channel;      /* the connection's client state; NULL: offline */
	void *keeper;       /* the room above's own, for callbacks of timeouts */
	void *review;       /* the room above's own: a re-check under way */
	void *renewal;      /* likewise: rights to be asked anew before they end */
	void *limits_class; /* likewise: limits other than its listener's; NULL: none */
	void *imposed;      /* likewise: that a module has put it into a class */
	void *lasting;      /* likewise: what the store has of it; NULL: nothing */
	struct gh_node unsure; /* likewise: what it sent and may have to send again; empty where it ends */
	void *drops;           /* likewise: dropped messages that it hasn't told yet */
	struct gh_snapshot *identity; /* the last one that the owner connected with; a reference */

	struct gh_node subscriptions; /* of struct gh_subscriber.in_session */
	uint32_t subscription_count;

	/* Of route/match.h: where this session stands in the message that is being routed. */
	uint32_t match_slot;
	uint64_t match_stamp;

	struct gh_window window;
	struct gh_inbound inbound;
	struct gh_queue queue;
	struct gh_backlog backlog;
	struct gh_session_will *will; /* owned; NULL: none */

	uint32_t expiry_interval; /* seconds after the connection ends; 0: with it; GH_EXPIRY_NEVER */
	struct gh_timeout expiry; /* the caller arms and cancels it */
	int64_t created_at;       /* Unix seconds */
	uint32_t reviewed; /* policy generation under which all its rights were judged; 0: none */
	uint8_t version;   /* of the last connection: enum gh_version */
	bool held; /* what comes goes behind what waits in the queue, QoS 0 too: until that is empty */

	/* Behind the struct: client id, realm, principal, each terminated. */
	uint16_t client_id_n, realm_n, principal_n;
	char text[];
};

/* Whom a session belongs to: fixed for its life. */
struct gh_session_owner {
	struct gh_str realm, principal;
};

/* In no registry yet; expiry interval 0, identity NULL. */
struct gh_session *gh_session_new(struct gh_str client_id, const struct gh_session_owner *owner);

/* Drops all it holds. Before: out of the registry, subscriptions empty, timeouts cancelled,
 * channel NULL (asserted). */
void gh_session_free(struct gh_session **session);

/* Takes a reference of the new one, drops that of the old one. NULL: none. */
void gh_session_set_identity(struct gh_session *session, struct gh_snapshot *identity);

/* All other principals are refused resuming, taking over and cleaning (0x87). */
bool gh_session_owned_by(const struct gh_session *session, const struct gh_session_owner *owner);

/* Gives back what its empty parts have kept for the next message: when the client has been idle,
 * or has gone. */
void gh_session_trim(struct gh_session *session);

/* Bytes in memory, what it points to included and publications left out: for `status`, not
 * exact. */
size_t gh_session_cost(const struct gh_session *session);

static inline struct gh_str gh_session_client_id(const struct gh_session *s)
{
	return (struct gh_str){ s->text, s->client_id_n };
}

static inline struct gh_str gh_session_realm(const struct gh_session *s)
{
	return (struct gh_str){ s->text + s->client_id_n + 1, s->realm_n };
}

static inline struct gh_str gh_session_principal(const struct gh_session *s)
{
	return (struct gh_str){ s->text + s->client_id_n + 1 + s->realm_n + 1, s->principal_n };
}

#endif
