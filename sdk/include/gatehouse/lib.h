/* SPDX-License-Identifier: Apache-2.0 */
/* What modules share beside the ABI: a static library, linked into each module that wants it (and into the broker). */
#ifndef GATEHOUSE_LIB_H
#define GATEHOUSE_LIB_H

#include <gatehouse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- topic names and filters (MQTT 5 section 4.7; the older versions say the same) ------------------------------ */
/*
 * All are pure, allocate nothing, read each byte a bounded number of times and don't recurse. They look at levels and
 * wildcards only: that the text is UTF-8 is checked where it comes in. Levels may be empty ("a//b" has three).
 */

/* May be published to: 1 to 65,535 bytes without '+', '#' and NUL [MQTT-4.7.0-1, 4.7.1-1, 4.7.3-1, -2, -3]. */
bool gh_topic_name_valid(struct gh_str topic);

/* May be subscribed to: 1 to 65,535 bytes, '+' and '#' alone in their level, '#' only as the last level, no NUL.
 * Says nothing of $share: that filter is valid here like any other that begins with '$'. */
bool gh_topic_filter_valid(struct gh_str filter);

/* For the four below both arguments have passed the checks above. A wildcard in the first level matches no topic that
 * begins with '$' [MQTT-4.7.2-1]; "a/#" matches "a" too. */

/* filter matches topic. */
bool gh_topic_match(struct gh_str filter, struct gh_str topic);

/* Every topic that `requested` matches is matched by filter ("a/#" covers "a/+", "+" doesn't cover "#"). */
bool gh_topic_covers(struct gh_str filter, struct gh_str requested);

/* There is a topic that both filters match. Covering implies it. */
bool gh_topic_overlaps(struct gh_str filter, struct gh_str other);

/* Walks levels: takes the first one off *rest. False when there is none left (rest->p is NULL then, as after the last):
 * "a/" gives "a", "" and ends. Start with a non-empty name or filter. */
bool gh_topic_level(struct gh_str *rest, struct gh_str *level_r);

/* ---- MQTT 5 properties ------------------------------------------------------------------------------------------ */

enum gh_property_id {
	GH_PROPERTY_PAYLOAD_FORMAT = 0x01,
	GH_PROPERTY_MESSAGE_EXPIRY = 0x02,
	GH_PROPERTY_CONTENT_TYPE = 0x03,
	GH_PROPERTY_RESPONSE_TOPIC = 0x08,
	GH_PROPERTY_CORRELATION_DATA = 0x09,
	GH_PROPERTY_SUBSCRIPTION_ID = 0x0B,
	GH_PROPERTY_SESSION_EXPIRY = 0x11,
	GH_PROPERTY_ASSIGNED_CLIENT_ID = 0x12,
	GH_PROPERTY_SERVER_KEEP_ALIVE = 0x13,
	GH_PROPERTY_AUTH_METHOD = 0x15,
	GH_PROPERTY_AUTH_DATA = 0x16,
	GH_PROPERTY_REQUEST_PROBLEM_INFO = 0x17,
	GH_PROPERTY_WILL_DELAY = 0x18,
	GH_PROPERTY_REQUEST_RESPONSE_INFO = 0x19,
	GH_PROPERTY_RESPONSE_INFO = 0x1A,
	GH_PROPERTY_SERVER_REFERENCE = 0x1C,
	GH_PROPERTY_REASON_STRING = 0x1F,
	GH_PROPERTY_RECEIVE_MAXIMUM = 0x21,
	GH_PROPERTY_TOPIC_ALIAS_MAXIMUM = 0x22,
	GH_PROPERTY_TOPIC_ALIAS = 0x23,
	GH_PROPERTY_MAXIMUM_QOS = 0x24,
	GH_PROPERTY_RETAIN_AVAILABLE = 0x25,
	GH_PROPERTY_USER = 0x26,
	GH_PROPERTY_MAXIMUM_PACKET_SIZE = 0x27,
	GH_PROPERTY_WILDCARD_AVAILABLE = 0x28,
	GH_PROPERTY_SUBSCRIPTION_ID_AVAILABLE = 0x29,
	GH_PROPERTY_SHARED_AVAILABLE = 0x2A
};

/* How a property's value is encoded [MQTT5 2.2.2.2]. */
enum gh_property_type {
	GH_PROPERTY_BYTE = 1, /* number, 0 to 255 */
	GH_PROPERTY_U16,      /* number */
	GH_PROPERTY_U32,      /* number */
	GH_PROPERTY_VARINT,   /* number, 0 to 268,435,455, in the least number of bytes */
	GH_PROPERTY_BINARY,   /* value */
	GH_PROPERTY_STRING,   /* value: text */
	GH_PROPERTY_PAIR      /* name and value: text */
};

/* One property. Views point into what is walked. What the type doesn't have is 0. */
struct gh_property {
	uint8_t id;   /* enum gh_property_id */
	uint8_t type; /* enum gh_property_type */
	uint32_t number;
	struct gh_str name;
	struct gh_bytes value;
};

/* Takes the first property off *rest (raw properties, without their length: `properties` of the hooks' arguments).
 * 1: got one; 0: none left; GH_EINVAL: unknown identifier or cut short, nothing taken. What a hook is given has been
 * checked and never gives GH_EINVAL. Strings aren't checked for UTF-8 here. */
int gh_property_next(struct gh_bytes *rest, struct gh_property *property_r);

#ifdef __cplusplus
}
#endif
#endif
