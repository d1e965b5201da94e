/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a client to packets: pure, without allocation, each refusal with its reason. */
#ifndef GH_MQTT_DECODE_H
#define GH_MQTT_DECODE_H

#include "mqtt/packet.h"

/*
 * Everything here trusts nothing but its arguments' lengths, reads each byte a bounded number of
 * times, doesn't recurse and has no state. All return 0, or GH_EINVAL with *why filled and
 * *packet_r in no particular state; after GH_EINVAL the connection is to be closed (MQTT 5:
 * DISCONNECT, or CONNACK, with why->reason) [MQTT-4.8.0-1, 4.13.1-1]. version is an enum
 * gh_version, the one of the CONNECT; 0 before there is one.
 */

enum gh_frame_result {
	GH_FRAME_WHOLE = 0,
	GH_FRAME_MORE = 1 /* read on; frame->total tells how long it will be, once known */
};

/*
 * The packet that begins at p, of which n bytes are there. max: the longest whole packet that is
 * accepted. A wrong first byte or length is refused (GH_EINVAL) as soon as it is seen, before the
 * rest is waited for:
 *   0x81  reserved type or flags [MQTT-2.1.3-1; 3.1.1: MQTT-2.2.2-2], QoS 3, DUP with QoS 0, a
 *         length of five bytes or not in its shortest form [MQTT-1.5.5-1]
 *   0x82  a packet that only a server sends or that this version doesn't have, another than CONNECT
 *         first [MQTT-3.1.0-1], a second CONNECT [MQTT-3.1.0-2]
 *   0x95  longer than max
 * 3.1 alone may set DUP in PUBREL, SUBSCRIBE, UNSUBSCRIBE and QoS 0, and may leave out the flags of
 * those packets.
 */
int gh_frame(unsigned version, const uint8_t *p, size_t n, size_t max, struct gh_frame *frame_r,
	     struct gh_malformed *why);

/*
 * Each takes a whole frame of its type as gh_frame() gave it. Beside the rules of each field, all
 * refuse text that isn't UTF-8 or has U+0000 (0x81), bytes that are missing or left over (0x81),
 * packet id 0 (0x82), and of properties: unknown or not for this packet (0x81), twice (0x82), a
 * value out of range (0x82).
 */

/* See packet->version for how to answer a refusal. 0x84: unknown level; 0x85: empty client id where
 * it may not be; 0x90: will topic. */
int gh_decode_connect(const struct gh_frame *frame, struct gh_packet_connect *packet_r,
		      struct gh_malformed *why);

/* 0x90: topic with a wildcard; 0x94: alias 0; 0x82: neither topic nor alias, or a subscription
 * id [MQTT-3.3.4-6]. Whether alias and QoS are within what CONNACK offered is the caller's to
 * judge. */
int gh_decode_publish(unsigned version, const struct gh_frame *frame,
		      struct gh_packet_publish *packet_r, struct gh_malformed *why);

/* PUBACK, PUBREC, PUBREL and PUBCOMP, by frame->type. */
int gh_decode_ack(unsigned version, const struct gh_frame *frame, struct gh_packet_ack *packet_r,
		  struct gh_malformed *why);

/* Every filter is checked here. 0x8F: a filter, or its $share part, that breaks the rules; 0x82: no
 * filter at all, no local on a shared one [MQTT-3.8.3-4]. */
int gh_decode_subscribe(unsigned version, const struct gh_frame *frame,
			struct gh_packet_subscribe *packet_r, struct gh_malformed *why);
int gh_decode_unsubscribe(unsigned version, const struct gh_frame *frame,
			  struct gh_packet_unsubscribe *packet_r, struct gh_malformed *why);

/* PINGREQ: nothing but its length to check. */
int gh_decode_pingreq(const struct gh_frame *frame, struct gh_malformed *why);

int gh_decode_disconnect(unsigned version, const struct gh_frame *frame,
			 struct gh_packet_disconnect *packet_r, struct gh_malformed *why);

/* MQTT 5 only. A method is demanded here; that it is CONNECT's is the caller's to judge
 * [MQTT-4.12.0-5]. */
int gh_decode_auth(const struct gh_frame *frame, struct gh_packet_auth *packet_r,
		   struct gh_malformed *why);

/* The next filter of a decoded SUBSCRIBE or UNSUBSCRIBE; *rest starts as a copy of its
 * `filters`. False: no more. */
bool gh_subscription_next(struct gh_bytes *rest, struct gh_subscription *subscription_r);
bool gh_filter_next(struct gh_bytes *rest, struct gh_str *filter_r);

#endif
