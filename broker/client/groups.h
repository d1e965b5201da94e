/* SPDX-License-Identifier: Apache-2.0 */
/* Shared subscriptions across workers: joining a group where it lives, giving its messages to members, taking them back. */
#ifndef GH_CLIENT_GROUPS_H
#define GH_CLIENT_GROUPS_H

#include "client/channel.h"
#include "client/transit.h"
#include "mqtt/topic.h"

/*
 *   SUBSCRIBE on the member's worker --------- join ---------> the group's worker
 *   message -> the group's worker, pick a member - give -----> the member's worker: RECEIVE, deliver
 *                          ^                                      |  denied, session gone, or ended without PUBACK
 *                          +--------------- back ------------------+  another member is picked
 *
 * All are mails of the control lane but `give` and `back`, which carry messages.
 */

/* Whoever waits for a join, so that a SUBACK isn't sent before messages can come. On the member's worker. */
struct gh_group_wait;
/* joined is false when a worker stops: nobody need be told. NULL is fine; leaves NULL. (By client/subscribe.c.) */
void gh_group_wait_end(struct gh_group_wait **wait, bool joined);

/* The session's shared subscription was made, or its options have changed. gh_group_wait_end() follows, maybe at once. */
void gh_group_join(struct gh_shard *shard, const struct gh_session *session,
		   const struct gh_share *share, const struct gh_subscriber *subscriber,
		   struct gh_group_wait *wait);
void gh_group_leave(struct gh_shard *shard, const struct gh_session *session,
		    const struct gh_share *share);
/* All shared subscriptions of a session: its connection began, or ended and the session goes on. */
void gh_groups_online(struct gh_shard *shard, const struct gh_session *session, bool connected);

/* On the group's worker: one member gets it. */
void gh_group_give(struct gh_shard *shard, struct gh_group *group, struct gh_transit *transit);

/* A member may not have what it was given of a group after all: another one gets a copy. */
void gh_group_return(struct gh_shard *shard, const struct gh_delivery *delivery);

/* A member's session ends: what it was given of groups and hasn't acknowledged goes to other members [MQTT5 4.8.2]. */
void gh_groups_give_back(struct gh_shard *shard, struct gh_session *session);

#endif
