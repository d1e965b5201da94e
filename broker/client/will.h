/* SPDX-License-Identifier: Apache-2.0 */
/* The will of a session: armed by CONNECT, fired by the end of the connection, judged again before it is published. */
#ifndef GH_CLIENT_WILL_H
#define GH_CLIENT_WILL_H

#include "client/channel.h"

/* The session's will is this one from now on (NULL: none); one that waited for its delay is dropped [MQTT-3.1.3-9]. */
void gh_will_set(struct gh_channel *channel, const struct gh_will *will);

/* One that the store had, and what is due of it when its client has been away for so long: all sessions are there by then. */
struct gh_stored_will; /* session/record.h */
void gh_will_restore(struct gh_session *session, const struct gh_stored_will *stored);
void gh_will_due(struct gh_shard *shard, struct gh_session *session, uint64_t offline_s);

/* Likewise one that had fired, and waited for an answer: it goes on, whatever its session is now. */
void gh_will_restore_firing(struct gh_shard *shard, uint64_t serial,
			    const struct gh_stored_will *stored);
void gh_wills_go_on(struct gh_shard *shard);

/* Fires it, at once or after its delay, unless the client said goodbye (clean). */
void gh_will_connection_ends(struct gh_shard *shard, struct gh_session *session, bool clean);

/* One that waits for its delay fires now [MQTT-3.1.2-8]. */
void gh_will_session_ends(struct gh_shard *shard, struct gh_session *session);

/* Forgets those that wait for their authorization: the worker stops. What the store has of them fires at the next start. */
void gh_wills_cancel(struct gh_shard *shard);

#endif
