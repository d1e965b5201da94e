/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE and UNSUBSCRIBE: every filter is judged for itself, then all take effect in their order. */
#ifndef GH_CLIENT_SUBSCRIBE_H
#define GH_CLIENT_SUBSCRIBE_H

#include "client/channel.h"

/*
 *   all filters are asked, none is waited for meanwhile -> all answers are in -> subscriptions made, groups joined
 *   -> (the groups' workers have them) -> SUBACK -> retained messages
 */
struct gh_subscribing;
enum gh_next gh_subscribe(struct gh_channel *channel, const struct gh_frame *frame);
enum gh_next gh_unsubscribe(struct gh_channel *channel, const struct gh_frame *frame);
void gh_subscribing_free(struct gh_subscribing **subscribing);

/* Takes one subscription away: by UNSUBSCRIBE, by the end of the session, or because the right is gone (revoked). */
void gh_subscription_end(struct gh_shard *shard, struct gh_session *session,
			 struct gh_subscriber *subscriber, bool revoked);

#endif
