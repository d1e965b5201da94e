/* SPDX-License-Identifier: Apache-2.0 */
/* After a policy change: what is live is asked again, session by session; who is still entitled notices nothing. */
#ifndef GH_CLIENT_RECHECK_H
#define GH_CLIENT_RECHECK_H

#include "client/channel.h"
#include "hook/whom.h"

/*
 * For each session, connected or not: lookup (DENY ends connection and session, ALLOW brings the identity up to date), then
 * SUBSCRIBE with RECHECK for each of its subscriptions (DENY takes it away). Deliveries, retained messages and wills are asked
 * where they take effect, since what was covered belongs to an older generation; where somebody blocks they wait in the queue
 * until the filters are judged. ERROR and timeout leave what was granted and
 * are asked again, until recheck-grace is over: then they end the session as a DENY does.
 */

/* Begins with the shard's present runtime; one under way begins anew. */
void gh_recheck_begin(struct gh_shard *shard);

/* A module has said that the policy changed for these. Cheap to repeat: what is asked for while sessions are gone through, or
 * soon after, is done in one. What was covered for everyone has ended already, by gh_shard_generation(). */
void gh_recheck_ask(struct gh_shard *shard, const struct gh_whom *whom);
void gh_recheck_cancel(struct gh_shard *shard);

/* A connected client has another identity of the same principal: in force at once, its rights are asked again. `what` is
 * told to observers. May end the session and its connection. */
void gh_recheck_identity(struct gh_channel *channel, struct gh_shared_identity *identity,
			 const char *what);

/* One session: what was judged while the policy was replaced, by the one before. May end it and its connection. */
void gh_recheck_session(struct gh_shard *shard, struct gh_session *session);

/* Asks about its subscriptions; what was covered holds meanwhile. A re-check of the whole that is under way isn't lost. */
void gh_review_rights(struct gh_shard *shard, struct gh_session *session);

/* A session is resumed by its owner with other groups, attributes, or by another listener: its subscriptions are asked again. */
void gh_recheck_rights(struct gh_shard *shard, struct gh_session *session);

/* The session ends: nothing of it is asked any more. */
void gh_session_unwatch(struct gh_session *session);

#endif
