/* SPDX-License-Identifier: Apache-2.0 */
/* Packets to one client, encoded for its version straight into its output. */
#ifndef GH_CLIENT_SEND_H
#define GH_CLIENT_SEND_H

#include "client/channel.h"
#include "client/transit.h"

void gh_send_connack(struct gh_channel *channel, const struct gh_packet_connack *packet);
/* CONNACK that refuses; nothing where the client's version has no code for the reason. */
void gh_send_refusal(struct gh_channel *channel, enum gh_reason reason);
/* MQTT 5 only. text: the reason string. */
void gh_send_disconnect(struct gh_channel *channel, enum gh_reason reason, const char *text);
void gh_send_auth(struct gh_channel *channel, const struct gh_packet_auth *packet);

/* CONNACK 0, PUBACK, PUBREC, PUBCOMP, SUBACK and UNSUBACK wait for a barrier where a module wants that: hold.h. */
/* PUBACK, PUBREC, PUBREL, PUBCOMP. text: reason string, NULL: none. */
void gh_send_ack(struct gh_channel *channel, enum gh_packet_type type, uint16_t packet_id,
		 enum gh_reason reason, const char *text);
/* Whatever modules want. */
void gh_send_ack_now(struct gh_channel *channel, enum gh_packet_type type, uint16_t packet_id,
		     enum gh_reason reason, const char *text);
/* SUBACK and UNSUBACK. */
void gh_send_suback(struct gh_channel *channel, const struct gh_packet_suback *packet);

/* How one subscriber gets a message. */
struct gh_sending {
	uint16_t packet_id; /* 0 with QoS 0 */
	uint8_t qos;
	bool dup, retain;
	const uint32_t *ids;
	size_t id_count;
};
/* False: longer than the client's maximum packet size: nothing was sent [MQTT-3.1.2-25]. */
bool gh_send_publish(struct gh_channel *channel, struct gh_transit *transit,
		     const struct gh_sending *how);

#endif
