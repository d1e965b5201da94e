/* SPDX-License-Identifier: Apache-2.0 */
/* A connection and its session: found, taken over, resumed or made; and what happens to it when the connection ends. */
#ifndef GH_CLIENT_ATTACH_H
#define GH_CLIENT_ATTACH_H

#include "client/channel.h"

/* On the session's worker, with channel->login judged: CONNACK, or a refusal if the session is another principal's. */
enum gh_next gh_attach_session(struct gh_channel *channel);

/*
 * The connection has ended or is about to. The session is kept for its expiry interval, or ends; the will is published (now,
 * or after its delay) unless channel->clean_end. text: why, for the log. channel->session is NULL afterwards.
 */
void gh_detach(struct gh_channel *channel, const char *text);

/* A new one, of nobody connected yet, among the worker's. */
struct gh_session *gh_session_begin(struct gh_shard *shard, struct gh_str client_id,
				    const struct gh_session_owner *owner);

/* Ends a session that has no connection: subscriptions, queue, will (published now if one waits). */
void gh_session_end(struct gh_shard *shard, struct gh_session *session, uint32_t code);
#define GH_SESSION_EXPIRED 1u
#define GH_SESSION_CLEANED 2u

/* Seconds a session may outlive its connection, as asked for and within its limit. */
uint32_t gh_session_expiry(const struct gh_limits *limits, uint32_t asked);

#endif
