/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT 5 reason codes (section 2.4), their names, and what the older versions are told instead. */
#ifndef GH_MQTT_REASON_H
#define GH_MQTT_REASON_H

#include <gatehouse/types.h>

/* Inside the broker every outcome has an MQTT 5 code, whatever the client speaks; encode.h
 * translates. */
enum gh_reason {
	GH_REASON_SUCCESS = 0x00, /* also normal disconnection, granted QoS 0 */
	GH_REASON_GRANTED_QOS_1 = 0x01,
	GH_REASON_GRANTED_QOS_2 = 0x02,
	GH_REASON_DISCONNECT_WITH_WILL = 0x04,
	GH_REASON_NO_MATCHING_SUBSCRIBERS = 0x10,
	GH_REASON_NO_SUBSCRIPTION_EXISTED = 0x11,
	GH_REASON_CONTINUE_AUTHENTICATION = 0x18,
	GH_REASON_REAUTHENTICATE = 0x19,
	GH_REASON_UNSPECIFIED = 0x80,
	GH_REASON_MALFORMED_PACKET = 0x81,
	GH_REASON_PROTOCOL_ERROR = 0x82,
	GH_REASON_IMPLEMENTATION_SPECIFIC = 0x83,
	GH_REASON_UNSUPPORTED_VERSION = 0x84,
	GH_REASON_CLIENT_ID_INVALID = 0x85,
	GH_REASON_BAD_CREDENTIALS = 0x86,
	GH_REASON_NOT_AUTHORIZED = 0x87,
	GH_REASON_SERVER_UNAVAILABLE = 0x88,
	GH_REASON_SERVER_BUSY = 0x89,
	GH_REASON_BANNED = 0x8A,
	GH_REASON_SERVER_SHUTTING_DOWN = 0x8B,
	GH_REASON_BAD_AUTH_METHOD = 0x8C,
	GH_REASON_KEEP_ALIVE_TIMEOUT = 0x8D,
	GH_REASON_SESSION_TAKEN_OVER = 0x8E,
	GH_REASON_FILTER_INVALID = 0x8F,
	GH_REASON_TOPIC_INVALID = 0x90,
	GH_REASON_PACKET_ID_IN_USE = 0x91,
	GH_REASON_PACKET_ID_NOT_FOUND = 0x92,
	GH_REASON_RECEIVE_MAXIMUM_EXCEEDED = 0x93,
	GH_REASON_TOPIC_ALIAS_INVALID = 0x94,
	GH_REASON_PACKET_TOO_LARGE = 0x95,
	GH_REASON_MESSAGE_RATE_TOO_HIGH = 0x96,
	GH_REASON_QUOTA_EXCEEDED = 0x97,
	GH_REASON_ADMINISTRATIVE_ACTION = 0x98,
	GH_REASON_PAYLOAD_FORMAT_INVALID = 0x99,
	GH_REASON_RETAIN_NOT_SUPPORTED = 0x9A,
	GH_REASON_QOS_NOT_SUPPORTED = 0x9B,
	GH_REASON_USE_ANOTHER_SERVER = 0x9C,
	GH_REASON_SERVER_MOVED = 0x9D,
	GH_REASON_SHARED_NOT_SUPPORTED = 0x9E,
	GH_REASON_CONNECTION_RATE_EXCEEDED = 0x9F,
	GH_REASON_MAXIMUM_CONNECT_TIME = 0xA0,
	GH_REASON_SUBSCRIPTION_ID_NOT_SUPPORTED = 0xA1,
	GH_REASON_WILDCARDS_NOT_SUPPORTED = 0xA2
};

/* From here on a code means failure. */
#define GH_REASON_FAILURE 0x80u

/* The standard's name, in lower case ("not authorized"), for logs and reason strings. Never NULL:
 * "unknown reason" for a code the standard doesn't have. */
const char *gh_reason_text(uint8_t reason);

/* The CONNACK return code (0 to 5) that tells 3.1 and 3.1.1 this reason; -1: they have none, so the
 * connection is closed without a CONNACK (malformed packets and protocol errors) [MQTT-3.1.4-1
 * of 3.1.1]. */
int gh_reason_return_code(uint8_t reason);

/* A client may send this code in a packet of this type (enum gh_packet_type: PUBACK to PUBCOMP,
 * DISCONNECT, AUTH) [MQTT-3.4.2-1, 3.5.2-1, 3.6.2-1, 3.7.2-1, 3.14.2-1, 3.15.2-1]. */
bool gh_reason_from_client(uint8_t reason, unsigned packet_type);

#endif
