/* SPDX-License-Identifier: Apache-2.0 */
/* What a decision of the authorize list means for one act, and who is told when it means no. */
#ifndef GH_CLIENT_RIGHTS_H
#define GH_CLIENT_RIGHTS_H

#include "client/channel.h"

/* ALLOW, and within the limits that came with it. */
bool gh_right_given(const struct gh_decision *decision, uint8_t qos, bool retain, uint64_t size);

/* Counts, logs and tells observers of something that authorize refused. */
void gh_tell_denied(struct gh_shard *shard, const struct gh_client *client, enum gh_action action,
		    struct gh_str topic, const struct gh_decision *decision);

/* What the SUBSCRIBE's decision said of later deliveries: kept in the subscription under the present generation. */
void gh_cover_keep(struct gh_shard *shard, struct gh_subscriber *subscriber,
		   const struct gh_cover *cover);

/* Another identity or listener: of the verdicts that were kept, and what its subscriptions and what waits for it were covered
 * by, nothing holds. */
void gh_cover_forget(struct gh_shard *shard, struct gh_session *session);
/* Only of what waits for it. */
void gh_cover_forget_waiting(struct gh_session *session);

/* RECEIVE: may this session have a message? covered: policy generation under which its filter covered it. Never waits.
 * A session without an identity in force (its listener is gone) may not. */
enum gh_may {
	GH_MAY_NOT, /* told */
	GH_MAY,
	GH_MAY_LATER /* its rights are being re-checked, and who blocks can't be asked meanwhile: the message waits */
};
enum gh_may gh_may_receive(struct gh_shard *shard, struct gh_session *session,
			   const struct gh_publication_facts *message, uint8_t qos, uint32_t covered);

/* Where the listener says check-payload-format, a payload that is called text must be UTF-8 [MQTT5 3.3.2.3.2]. */
bool gh_payload_acceptable(const struct gh_channel *channel, bool is_text, struct gh_bytes payload);

#endif
