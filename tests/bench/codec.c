/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing MQTT 3.1.1 packets. */
#include "codec.h"

#include <string.h>

enum { KEEP_ALIVE_S = 3600, CLEAN_SESSION = 0x02, LEVEL_3_1_1 = 4 };

ssize_t mq_take(const uint8_t *data, size_t len, struct mq_packet *packet_r)
{
	size_t body_len = 0, pos = 1;
	unsigned shift = 0;

	do {
		if (pos == 5)
			return -1;
		if (pos >= len)
			return 0;
		body_len |= (size_t)(data[pos] & 0x7f) << shift;
		shift += 7;
	} while (data[pos++] & 0x80);
	if (len - pos < body_len)
		return 0;
	*packet_r = (struct mq_packet){ .type = (enum mq_type)(data[0] >> 4),
					.flags = data[0] & 0x0f,
					.body = data + pos,
					.len = body_len };
	return (ssize_t)(pos + body_len);
}

unsigned mq_u16(const struct mq_packet *packet, size_t offset)
{
	if (packet->len < offset + 2)
		return 0;
	return (unsigned)packet->body[offset] << 8 | packet->body[offset + 1];
}

int mq_parse_publish(const struct mq_packet *packet, struct mq_publish *publish_r)
{
	unsigned qos = packet->flags >> 1 & 3;
	size_t topic_len = mq_u16(packet, 0);
	size_t start = 2 + topic_len + (qos ? 2 : 0);

	if (packet->len < start || qos == 3)
		return -1;
	*publish_r = (struct mq_publish){
		.qos = qos,
		.retain = packet->flags & 1,
		.packet_id = (uint16_t)(qos ? mq_u16(packet, 2 + topic_len) : 0),
		.topic = (const char *)packet->body + 2,
		.topic_len = topic_len,
		.payload = packet->body + start,
		.payload_len = packet->len - start,
	};
	return 0;
}

uint8_t *mq_put_u16(uint8_t *end, unsigned value)
{
	*end++ = (uint8_t)(value >> 8);
	*end++ = (uint8_t)value;
	return end;
}

uint8_t *mq_put_string(uint8_t *end, const char *text, size_t len)
{
	end = mq_put_u16(end, (unsigned)len);
	memcpy(end, text, len);
	return end + len;
}

uint8_t *mq_put_header(uint8_t *end, enum mq_type type, unsigned flags, size_t body_len)
{
	*end++ = (uint8_t)((unsigned)type << 4 | flags);
	do {
		uint8_t byte = body_len & 0x7f;

		body_len >>= 7;
		*end++ = body_len ? byte | 0x80 : byte;
	} while (body_len);
	return end;
}

uint8_t *mq_put_connect(uint8_t *end, const char *client_id)
{
	size_t len = strlen(client_id);

	end = mq_put_header(end, MQ_CONNECT, 0, 12 + len);
	end = mq_put_string(end, "MQTT", 4);
	*end++ = LEVEL_3_1_1;
	*end++ = CLEAN_SESSION;
	end = mq_put_u16(end, KEEP_ALIVE_S);
	return mq_put_string(end, client_id, len);
}

uint8_t *mq_put_publish(uint8_t *end, const struct mq_publish *publish)
{
	size_t body_len = 2 + publish->topic_len + (publish->qos ? 2 : 0) + publish->payload_len;

	end = mq_put_header(end, MQ_PUBLISH, publish->qos << 1 | publish->retain, body_len);
	end = mq_put_string(end, publish->topic, publish->topic_len);
	if (publish->qos)
		end = mq_put_u16(end, publish->packet_id);
	memcpy(end, publish->payload, publish->payload_len);
	return end + publish->payload_len;
}

uint8_t *mq_put_ack(uint8_t *end, enum mq_type type, unsigned packet_id)
{
	end = mq_put_header(end, type, type == MQ_PUBREL ? 2 : 0, 2);
	return mq_put_u16(end, packet_id);
}
