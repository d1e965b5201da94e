/* SPDX-License-Identifier: Apache-2.0 */
/* PUBLISH, and the properties of messages. */
#include "mqtt/decode.h"
#include "mqtt/message.h"
#include "mqtt/wire.h"

static void message_property(struct gh_message_properties *properties,
			     const struct gh_property *property)
{
	switch (property->id) {
	case GH_PROPERTY_PAYLOAD_FORMAT: properties->is_text = property->number; break;
	case GH_PROPERTY_MESSAGE_EXPIRY:
		properties->has_expiry = true;
		properties->expiry = property->number;
		break;
	case GH_PROPERTY_CONTENT_TYPE:
		properties->has_content_type = true;
		properties->content_type = as_text(property->value);
		break;
	case GH_PROPERTY_RESPONSE_TOPIC:
		properties->has_response_topic = true;
		properties->response_topic = as_text(property->value);
		break;
	case GH_PROPERTY_CORRELATION_DATA:
		properties->has_correlation = true;
		properties->correlation = property->value;
		break;
	case GH_PROPERTY_WILL_DELAY: properties->will_delay = property->number; break;
	case GH_PROPERTY_TOPIC_ALIAS: properties->topic_alias = (uint16_t)property->number; break;
	case GH_PROPERTY_USER: properties->user_count++; break;
	default: break;
	}
}

int message_properties(struct gh_bytes raw, uint32_t packet,
		       struct gh_message_properties *properties_r, struct gh_malformed *why)
{
	struct gh_property_reader reader = { .rest = raw, .packet = packet };
	struct gh_property property;
	int got;

	*properties_r = (struct gh_message_properties){ .raw = raw };
	while (reader.rest.n > 0) {
		size_t before = reader.rest.n;

		got = gh_property_read(&reader, &property, why);
		if (got < 0)
			return GH_EINVAL;
		if (property.id == GH_PROPERTY_SUBSCRIPTION_ID)
			return protocol_error(why, "subscription identifier in a client's PUBLISH");
		message_property(properties_r, &property);
		if (gh_property_forwarded(property.id))
			properties_r->forward_n += before - reader.rest.n;
	}
	return 0;
}

static int read_topic(struct cursor *c, struct gh_packet_publish *packet, struct gh_malformed *why)
{
	if (!take_text(c, &packet->topic))
		return malformed(why, "topic is cut short or isn't valid UTF-8");
	if (packet->topic.n > 0 && !gh_topic_name_valid(packet->topic))
		return refuse(why, GH_REASON_TOPIC_INVALID, "topic to publish to has a wildcard");
	return 0;
}

static int read_id(struct cursor *c, struct gh_packet_publish *packet, struct gh_malformed *why)
{
	if (packet->qos == 0)
		return 0;
	if (!take_u16(c, &packet->packet_id))
		return malformed(why, "PUBLISH is cut short");
	return packet->packet_id == 0 ? protocol_error(why, "packet identifier 0") : 0;
}

int gh_decode_publish(unsigned version, const struct gh_frame *frame,
		      struct gh_packet_publish *packet_r, struct gh_malformed *why)
{
	struct cursor c = cursor_of(frame->body);
	struct gh_bytes raw = { 0 };

	packet_r->packet_id = 0;
	packet_r->qos = frame->flags >> 1 & 3;
	packet_r->dup = frame->flags & 8;
	packet_r->retain = frame->flags & 1;
	if (read_topic(&c, packet_r, why) < 0 || read_id(&c, packet_r, why) < 0)
		return GH_EINVAL;
	if (version == GH_MQTT_5 && !take_properties(&c, &raw))
		return malformed(why, "PUBLISH with cut off properties");
	if (message_properties(raw, GH_IN(GH_PACKET_PUBLISH), &packet_r->properties, why) < 0)
		return GH_EINVAL;
	packet_r->payload = cursor_rest(&c);
	if (packet_r->topic.n > 0 || packet_r->properties.topic_alias)
		return 0;
	return version == GH_MQTT_5 ? protocol_error(why, "PUBLISH without topic and topic alias")
				    : refuse(why, GH_REASON_TOPIC_INVALID, "empty topic");
}
