/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT 5 properties (section 2.2.2): what is allowed where, and which ones a subscriber gets
 * unchanged. */
#ifndef GH_MQTT_PROPERTY_H
#define GH_MQTT_PROPERTY_H

#include <gatehouse/lib.h>
#include "mqtt/packet.h"

/* One bit a packet type, for tables; the will's properties are a set of their own. */
#define GH_IN(type) (1u << (type))
#define GH_IN_WILL  (1u << 0)

/* The packets that may carry it (GH_IN bits, GH_IN_WILL); 0: no such property. Its type is
 * <gatehouse/lib.h>'s. */
uint32_t gh_property_packets(uint8_t id);

/* Walks the raw properties of one packet and checks each one. */
struct gh_property_reader {
	struct gh_bytes rest;
	uint32_t packet; /* one GH_IN bit */
	uint64_t seen;   /* 1 << id */
};

/* 1: got one; 0: no more; GH_EINVAL: refused, *why filled (0x81 unknown, not in this packet, cut
 * short, text not UTF-8; 0x82 twice, out of range; 0x94 alias 0). */
int gh_property_read(struct gh_property_reader *reader, struct gh_property *property_r,
		     struct gh_malformed *why);

/* A subscriber gets this one as it is [MQTT-3.3.2-4, -15, -16, -17, -18, -20]: payload format,
 * content type, response topic, correlation data, user properties. Not alias, subscription ids,
 * expiry, will delay. */
bool gh_property_forwarded(uint8_t id);

/* Copies the forwarded ones of raw, in order, to out, which has room for forward_n of the same
 * properties (raw.n is always enough). Returns how many bytes that were. raw has been decoded
 * before. Not needed when forward_n is raw.n. */
size_t gh_property_forward(struct gh_bytes raw, uint8_t *out);

#endif
