/* SPDX-License-Identifier: Apache-2.0 */
/* What the packets say, as views into the bytes they came in: nothing is copied, nothing is
 * owned. */
#ifndef GH_MQTT_PACKET_H
#define GH_MQTT_PACKET_H

#include <gatehouse/types.h>

/* Views live as long as the bytes that were decoded. All text in them has passed the UTF-8 check,
 * all topics and filters the rules of <gatehouse/lib.h>. */

enum gh_packet_type {
	GH_PACKET_CONNECT = 1,
	GH_PACKET_CONNACK,
	GH_PACKET_PUBLISH,
	GH_PACKET_PUBACK,
	GH_PACKET_PUBREC,
	GH_PACKET_PUBREL,
	GH_PACKET_PUBCOMP,
	GH_PACKET_SUBSCRIBE,
	GH_PACKET_SUBACK,
	GH_PACKET_UNSUBSCRIBE,
	GH_PACKET_UNSUBACK,
	GH_PACKET_PINGREQ,
	GH_PACKET_PINGRESP,
	GH_PACKET_DISCONNECT,
	GH_PACKET_AUTH
};

/* The protocol level that CONNECT names. */
enum gh_version { GH_MQTT_3_1 = 3, GH_MQTT_3_1_1 = 4, GH_MQTT_5 = 5 };

/* A packet is at most this long, fixed header included (remaining length 268,435,455). */
#define GH_PACKET_MAX (268435455u + 5u)

/* Why a packet was refused: an MQTT 5 reason code and a static text (lower case, fit for a log
 * and a reason string). */
struct gh_malformed {
	uint8_t reason;
	const char *text;
};

/* One packet as it stands in the buffer. */
struct gh_frame {
	uint8_t type;         /* enum gh_packet_type */
	uint8_t flags;        /* low four bits of the first byte */
	size_t total;         /* of the whole packet; 0: not known yet */
	struct gh_bytes body; /* what follows the fixed header */
};

/* Properties that travel with a message (PUBLISH and will). Absent: the value said here. */
struct gh_message_properties {
	struct gh_bytes raw; /* all, as encoded, without the length; empty below MQTT 5 */
	/* bytes of those that a subscriber gets unchanged: gh_property_forward(); raw.n: all of
	 * them */
	size_t forward_n;
	uint32_t user_count;  /* user properties */
	uint32_t expiry;      /* seconds; meaningful if has_expiry (0 is a value) */
	uint32_t will_delay;  /* seconds, 0; will only */
	uint16_t topic_alias; /* 0: none; PUBLISH only */
	bool has_expiry;
	bool has_response_topic; /* it is never empty */
	bool has_correlation;    /* may be empty */
	bool has_content_type;   /* may be empty */
	/* payload format indicator 1; the payload itself isn't checked by the decoder */
	bool is_text;
	struct gh_str content_type, response_topic;
	struct gh_bytes correlation;
};

struct gh_will {
	struct gh_str topic;
	struct gh_bytes payload;
	uint8_t qos;
	bool retain;
	struct gh_message_properties properties;
};

struct gh_packet_connect {
	/* enum gh_version. When the CONNECT is refused: the version whose CONNACK carries the
	 * refusal, 0: none can (the packet isn't an MQTT CONNECT as far as it could be read):
	 * close. */
	uint8_t version;
	bool clean_start; /* clean session of 3.1 and 3.1.1 */
	bool has_will;
	bool has_username; /* the name may be empty */
	bool has_password; /* may be empty; without a user name only in MQTT 5 */
	bool has_auth_method;
	bool has_auth_data;
	bool response_info; /* request response information; false */
	bool problem_info;  /* request problem information; true */
	bool has_maximum_packet_size;
	uint16_t keep_alive;          /* seconds, 0: off */
	uint16_t receive_maximum;     /* 65535 (also below MQTT 5) */
	uint16_t topic_alias_maximum; /* 0 */
	/* seconds; 0; 0xFFFFFFFF: never. Below MQTT 5: clean session 0, else 0xFFFFFFFF */
	uint32_t session_expiry;
	uint32_t maximum_packet_size; /* GH_PACKET_MAX */
	/* May be empty: the server assigns one. Below MQTT 5 only with clean session (else refused,
	 * 0x85), and never in 3.1, whose rule of 1 to 23 characters is otherwise the caller's to
	 * judge. */
	struct gh_str client_id;
	struct gh_str username;
	struct gh_bytes password;
	struct gh_str auth_method;
	struct gh_bytes auth_data;
	struct gh_bytes properties; /* all of CONNECT's, raw */
	struct gh_will will;
};

struct gh_packet_publish {
	struct gh_str topic; /* empty: what topic_alias stands for (MQTT 5) */
	struct gh_bytes payload;
	uint16_t packet_id; /* 0 with QoS 0, never 0 else */
	uint8_t qos;
	bool dup, retain;
	struct gh_message_properties properties;
};

/* Text and user properties that say more about a reason. For the encoder they are optional: see
 * encode.h. */
struct gh_explanation {
	bool has_reason_string;
	struct gh_str reason_string;
	/* raw. Decoded: all the properties of the packet. Encoded: user properties only */
	struct gh_bytes user_properties;
};

/* PUBACK, PUBREC, PUBREL, PUBCOMP. */
struct gh_packet_ack {
	uint8_t type;
	uint8_t reason; /* GH_REASON_SUCCESS below MQTT 5 */
	uint16_t packet_id;
	struct gh_explanation explanation;
};

/* One filter of a SUBSCRIBE. */
struct gh_subscription {
	struct gh_str filter; /* as sent, $share/group/ included */
	uint8_t qos;
	bool no_local; /* these three: MQTT 5, else false, false, 0 */
	bool retain_as_published;
	/* 0: send retained, 1: only if the subscription is new, 2: don't */
	uint8_t retain_handling;
};

struct gh_packet_subscribe {
	uint16_t packet_id;
	uint32_t subscription_id; /* 0: none */
	uint32_t count;           /* of filters, at least 1 */
	struct gh_bytes filters;  /* walked by gh_subscription_next() */
	struct gh_bytes properties;
};

struct gh_packet_unsubscribe {
	uint16_t packet_id;
	uint32_t count;          /* at least 1 */
	struct gh_bytes filters; /* walked by gh_filter_next() */
	struct gh_bytes properties;
};

struct gh_packet_disconnect {
	uint8_t reason;
	bool has_session_expiry;
	/* seconds. That it may not be raised from 0 is the caller's to judge [MQTT5 3.14.2.2.2] */
	uint32_t session_expiry;
	struct gh_explanation explanation;
};

struct gh_packet_auth {
	/* from a client: GH_REASON_CONTINUE_AUTHENTICATION or GH_REASON_REAUTHENTICATE */
	uint8_t reason;
	bool has_data;
	struct gh_str method;
	struct gh_bytes data;
	struct gh_explanation explanation;
};

/* What only the server sends. */

struct gh_packet_connack {
	uint8_t reason;
	bool session_present; /* sent as false with a failure [MQTT-3.2.2-6] */
	/* MQTT 5 only. What is left 0 is the standard's default and isn't sent. */
	bool has_session_expiry, has_server_keep_alive, has_maximum_qos;
	/* The features that are NOT available. */
	bool no_retain, no_wildcards, no_subscription_ids, no_shared;
	uint8_t maximum_qos;                           /* 0 or 1, if has_maximum_qos */
	uint16_t server_keep_alive;                    /* seconds, if has_server_keep_alive */
	uint32_t session_expiry;                       /* seconds, if has_session_expiry */
	uint16_t receive_maximum;                      /* 0 and 65,535: not limited */
	uint16_t topic_alias_maximum;                  /* 0: none are taken */
	uint32_t maximum_packet_size;                  /* 0: no limit of ours */
	struct gh_str assigned_client_id;              /* n 0: not assigned */
	struct gh_str response_info, server_reference; /* n 0: none */
	bool has_auth_data;
	struct gh_str auth_method; /* n 0: none */
	struct gh_bytes auth_data;
	struct gh_explanation explanation;
};

/* SUBACK and UNSUBACK. */
struct gh_packet_suback {
	uint8_t type;
	uint16_t packet_id;
	const uint8_t *reasons; /* one a filter, in order */
	size_t count;
	struct gh_explanation explanation;
};

#endif
