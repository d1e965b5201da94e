/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a PUBLISH. */
#include "mqtt/encode.h"
#include "mqtt/property.h"
#include "mqtt/wire.h"

static size_t properties_size(const struct gh_publish_head *head)
{
	size_t n = head->forward.n;

	if (head->topic_alias)
		n += 3;
	if (head->has_expiry)
		n += 5;
	for (size_t i = 0; i < head->subscription_id_count; i++)
		n += 1 + varint_size(head->subscription_ids[i]);
	return n;
}

/* All between the fixed header and the payload. */
static size_t variable_size(const struct gh_publish_head *head, size_t properties_n)
{
	size_t n = 2 + head->topic.n + (head->qos ? 2 : 0);

	return head->version == GH_MQTT_5 ? n + varint_size(properties_n) + properties_n : n;
}

size_t gh_publish_head_size(const struct gh_publish_head *head, size_t *total_r)
{
	size_t properties_n = head->version == GH_MQTT_5 ? properties_size(head) : 0;
	size_t variable_n = variable_size(head, properties_n);
	size_t length = variable_n + head->payload_n;
	size_t fixed_n = 1 + varint_size(length);

	if (properties_n >= GH_PACKET_MAX || length > GH_PACKET_MAX - 5)
		return 0;
	if (total_r)
		*total_r = fixed_n + length;
	return fixed_n + variable_n;
}

static uint8_t *put_properties(uint8_t *p, const struct gh_publish_head *head, size_t n)
{
	p = put_varint(p, n);
	if (head->topic_alias) {
		*p++ = GH_PROPERTY_TOPIC_ALIAS;
		p = put_u16(p, head->topic_alias);
	}
	if (head->has_expiry) {
		*p++ = GH_PROPERTY_MESSAGE_EXPIRY;
		p = put_u32(p, head->expiry);
	}
	for (size_t i = 0; i < head->subscription_id_count; i++) {
		*p++ = GH_PROPERTY_SUBSCRIPTION_ID;
		p = put_varint(p, head->subscription_ids[i]);
	}
	return put_run(p, head->forward.p, head->forward.n);
}

static uint8_t first_byte(bool dup, uint8_t qos, bool retain)
{
	return (uint8_t)(GH_PACKET_PUBLISH << 4 | (dup ? 8 : 0) | qos << 1 | (retain ? 1 : 0));
}

size_t gh_publish_head_write(const struct gh_publish_head *head, uint8_t *out)
{
	size_t properties_n = head->version == GH_MQTT_5 ? properties_size(head) : 0;
	uint8_t *p = out;

	*p++ = first_byte(head->dup, head->qos, head->retain);
	p = put_varint(p, variable_size(head, properties_n) + head->payload_n);
	p = put_u16(p, (uint16_t)head->topic.n);
	p = put_run(p, head->topic.p, head->topic.n);
	if (head->qos)
		p = put_u16(p, head->packet_id);
	if (head->version == GH_MQTT_5)
		p = put_properties(p, head, properties_n);
	return (size_t)(p - out);
}

void gh_publish_patch(uint8_t *encoded, bool dup, uint8_t qos, bool retain, uint16_t packet_id)
{
	uint8_t *p = encoded + 1;

	encoded[0] = first_byte(dup, qos, retain);
	if (qos == 0)
		return;
	while (*p++ & 0x80)
		;
	put_u16(p + 2 + (p[0] << 8 | p[1]), packet_id);
}
