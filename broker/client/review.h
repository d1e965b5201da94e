/* SPDX-License-Identifier: Apache-2.0 */
/* One session is asked about again: who it is, and what it may receive. */
#ifndef GH_CLIENT_REVIEW_H
#define GH_CLIENT_REVIEW_H

#include "client/channel.h"

/*
 * lookup (DENY ends connection and session, ALLOW brings the identity up to date), then SUBSCRIBE with RECHECK for each of the
 * subscriptions (DENY takes it away). ERROR and timeout leave what was granted and are asked again, until recheck-grace is over:
 * then they end the session as a DENY does. Any of these may end it and its connection, also at once.
 */

/* The whole. recheck: who waits for it, see gh_recheck_left(); NULL: nobody. */
void gh_review_begin(struct gh_shard *shard, struct gh_recheck *recheck, struct gh_session *session);
/* The one that a recheck waits for ends, undone. */
void gh_review_leave(struct gh_session *session);

/* The whole: what was judged while the policy was replaced, by the one before. */
void gh_review_session(struct gh_shard *shard, struct gh_session *session);

/* A connected client has another identity of the same principal: in force at once, its rights are asked again. `what` is
 * told to observers. */
void gh_review_identity(struct gh_channel *channel, struct gh_shared_identity *identity,
			const char *what);

/* The subscriptions; what was covered holds meanwhile. A review of the whole that is under way isn't lost. */
void gh_review_rights(struct gh_shard *shard, struct gh_session *session);

/* It is resumed by its owner with other groups, attributes, or by another listener: the subscriptions, and nothing is covered. */
void gh_review_resumed(struct gh_shard *shard, struct gh_session *session);

/* The session ends: nothing of it is asked any more. */
void gh_session_unwatch(struct gh_session *session);

#endif
