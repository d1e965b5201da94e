/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of MQTT 3.1.1 that a load generator speaks; shares nothing with the broker's own
 * codec on purpose.
 */
#ifndef BENCH_CODEC_H
#define BENCH_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum mq_type {
	MQ_CONNECT = 1,
	MQ_CONNACK = 2,
	MQ_PUBLISH = 3,
	MQ_PUBACK = 4,
	MQ_PUBREC = 5,
	MQ_PUBREL = 6,
	MQ_PUBCOMP = 7,
	MQ_SUBSCRIBE = 8,
	MQ_SUBACK = 9,
	MQ_DISCONNECT = 14,
};

/*
 * Fixed header, packet id and topic length at their longest: what a PUBLISH adds to topic and
 * payload.
 */
#define MQ_PUBLISH_OVERHEAD 9u

/* A packet lying in somebody's buffer; body borrowed from there. */
struct mq_packet {
	enum mq_type type;
	unsigned flags;
	const uint8_t *body;
	size_t len;
};

struct mq_publish {
	unsigned qos;
	bool retain;
	uint16_t packet_id; /* QoS 1 and 2 only */
	const char *topic;
	size_t topic_len;
	const uint8_t *payload;
	size_t payload_len;
};

/*
 * Takes the first packet: the bytes it used, 0 while it is incomplete, -1 when its length is
 * malformed.
 */
ssize_t mq_take(const uint8_t *data, size_t len, struct mq_packet *packet_r);

/* The two bytes at offset as a number; 0 if the body is too short. */
unsigned mq_u16(const struct mq_packet *packet, size_t offset);

/*
 * 0, or -1 when the packet is no PUBLISH that can be right. Topic and payload are borrowed
 * from the packet.
 */
int mq_parse_publish(const struct mq_packet *packet, struct mq_publish *publish_r);

/* Writers: return the new end. The caller has the room. */
uint8_t *mq_put_u16(uint8_t *end, unsigned value);
uint8_t *mq_put_string(uint8_t *end, const char *text, size_t len);
uint8_t *mq_put_header(uint8_t *end, enum mq_type type, unsigned flags, size_t body_len);
uint8_t *mq_put_connect(uint8_t *end, const char *client_id);
uint8_t *mq_put_publish(uint8_t *end, const struct mq_publish *publish);
/* PUBACK, PUBREC, PUBREL and PUBCOMP. */
uint8_t *mq_put_ack(uint8_t *end, enum mq_type type, unsigned packet_id);

#endif
