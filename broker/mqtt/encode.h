/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of the server to bytes, in the version of the client they are for. */
#ifndef GH_MQTT_ENCODE_H
#define GH_MQTT_ENCODE_H

#include "mqtt/packet.h"

/* Whom a packet is for. */
struct gh_receiver {
	uint8_t version; /* enum gh_version */
	/* CONNECT's request problem information: without it, no gh_explanation is sent */
	bool problem_info;
	uint32_t max; /* its maximum packet size; GH_PACKET_MAX: none */
};

/*
 * All work like snprintf: they return the length of the packet and write it only if room is enough
 * for it (out may be NULL with room 0, to ask). 0: it can't be sent, nothing was written: longer
 * than receiver->max [MQTT-3.1.2-24], or not in that version. Reason string and user properties are
 * left out, user properties first, when problem_info is false or they would exceed max
 * [MQTT-3.1.2-29, 3.2.2-19, -20, 3.4.2-2, -3, ...]. Below MQTT 5 what it doesn't know is left out;
 * a reason is translated (reason.h).
 */

/* Below MQTT 5: 0 when the reason has no return code. 3.1 has no session present. */
size_t gh_encode_connack(const struct gh_receiver *receiver, const struct gh_packet_connack *packet,
			 uint8_t *out, size_t room);

/* PUBACK, PUBREC, PUBREL, PUBCOMP. Without explanation never longer than GH_ACK_SIZE. */
#define GH_ACK_SIZE 5u
size_t gh_encode_ack(const struct gh_receiver *receiver, const struct gh_packet_ack *packet,
		     uint8_t *out, size_t room);

/* SUBACK, UNSUBACK. Below MQTT 5 a failure is 0x80, and UNSUBACK has no codes. */
size_t gh_encode_suback(const struct gh_receiver *receiver, const struct gh_packet_suback *packet,
			uint8_t *out, size_t room);

/* Two bytes in every version. */
size_t gh_encode_pingresp(uint8_t *out, size_t room);

/* MQTT 5 only. server_reference: n 0 none. */
size_t gh_encode_disconnect(const struct gh_receiver *receiver, uint8_t reason,
			    struct gh_str server_reference,
			    const struct gh_explanation *explanation, uint8_t *out, size_t room);
size_t gh_encode_auth(const struct gh_receiver *receiver, const struct gh_packet_auth *packet,
		      uint8_t *out, size_t room);

/*
 * PUBLISH is encoded in two parts, so that the payload can be copied or referenced: the head (all
 * but the payload), then payload.n bytes of payload.
 *
 *   type+flags | remaining length | topic | packet id (QoS > 0) | properties (MQTT 5) || payload
 *
 * A fan-out encodes the head once per (version, QoS 0 or not, subscription ids, alias) and copies
 * it, changing the rest with gh_publish_patch().
 */
struct gh_publish_head {
	uint8_t version;
	uint8_t qos;
	bool dup, retain;
	uint16_t packet_id;  /* ignored with QoS 0 */
	struct gh_str topic; /* n 0: alias stands for it */
	size_t payload_n;
	/* MQTT 5 only; ignored below. */
	uint16_t topic_alias; /* 0: none */
	bool has_expiry;
	uint32_t expiry;                  /* seconds that remain */
	const uint32_t *subscription_ids; /* 1 to 268,435,455 each */
	size_t subscription_id_count;
	struct gh_bytes forward; /* raw, what gh_property_forward() gave */
};

/* Length of the head; *total_r (NULL: not wanted): with payload, to be compared with the receiver's
 * maximum packet size. 0: longer than MQTT can say (GH_PACKET_MAX). */
size_t gh_publish_head_size(const struct gh_publish_head *head, size_t *total_r);

/* Writes it; out has room for what gh_publish_head_size() said, which is returned again. */
size_t gh_publish_head_write(const struct gh_publish_head *head, uint8_t *out);

/* Changes an encoded PUBLISH (only its head is touched): flags, and the packet id unless qos is
 * 0. QoS 0 stays QoS 0. */
void gh_publish_patch(uint8_t *encoded, bool dup, uint8_t qos, bool retain, uint16_t packet_id);

#endif
