/* SPDX-License-Identifier: Apache-2.0 */
/* CONNECT in its three versions. */
#include "base/str.h"
#include "mqtt/decode.h"
#include "mqtt/message.h"
#include "mqtt/wire.h"

/* Connect flags. */
#define RESERVED        0x01
#define CLEAN           0x02
#define WILL            0x04
#define WILL_QOS(flags) ((flags) >> 3 & 3)
#define WILL_RETAIN     0x20
#define PASSWORD        0x40
#define USERNAME        0x80

static int decode_protocol(struct cursor *c, struct gh_packet_connect *packet,
			   struct gh_malformed *why)
{
	struct gh_str name;
	uint8_t level;

	if (!take_text(c, &name) || !take_u8(c, &level))
		return malformed(why, "CONNECT without protocol name and level");
	if (gh_str_is(name, "MQIsdp")) {
		packet->version = GH_MQTT_3_1;
		return level == GH_MQTT_3_1 ? 0
					    : refuse(why, GH_REASON_UNSUPPORTED_VERSION,
						     "protocol MQIsdp with a level other than 3");
	}
	if (!gh_str_is(name, "MQTT"))
		return refuse(why, GH_REASON_UNSUPPORTED_VERSION,
			      "protocol name is neither MQTT nor MQIsdp");
	/* Bridges of other brokers set the high bit and fall back when told so in their version. */
	packet->version = (level & 0x7f) >= GH_MQTT_5 ? GH_MQTT_5 : GH_MQTT_3_1_1;
	if (level != packet->version)
		return refuse(why, GH_REASON_UNSUPPORTED_VERSION,
			      "protocol level is neither 4 nor 5");
	return 0;
}

/* 3.1 reserves nothing here: what has no meaning in it is ignored. */
static int check_flags(unsigned version, uint8_t flags, struct gh_malformed *why)
{
	bool strict = version != GH_MQTT_3_1;

	if (strict && (flags & RESERVED))
		return malformed(why, "reserved flag of CONNECT is set");
	if ((flags & WILL) && WILL_QOS(flags) == 3)
		return malformed(why, "will with QoS 3");
	if (strict && !(flags & WILL) && (WILL_QOS(flags) || (flags & WILL_RETAIN)))
		return malformed(why, "will QoS or will retain without a will");
	if (version != GH_MQTT_5 && (flags & PASSWORD) && !(flags & USERNAME))
		return malformed(why, "password without user name");
	return 0;
}

static int decode_head(struct cursor *c, struct gh_packet_connect *packet, struct gh_malformed *why)
{
	uint8_t flags;

	if (!take_u8(c, &flags) || !take_u16(c, &packet->keep_alive))
		return malformed(why, "CONNECT is cut short");
	if (check_flags(packet->version, flags, why) < 0)
		return GH_EINVAL;
	packet->clean_start = flags & CLEAN;
	packet->has_will = flags & WILL;
	packet->will.qos = packet->has_will ? WILL_QOS(flags) : 0;
	packet->will.retain = packet->has_will && (flags & WILL_RETAIN);
	packet->has_username = flags & USERNAME;
	packet->has_password = flags & PASSWORD;
	if (packet->version != GH_MQTT_5 && !packet->clean_start)
		packet->session_expiry = UINT32_MAX;
	return 0;
}

static void connect_property(struct gh_packet_connect *packet, const struct gh_property *property)
{
	switch (property->id) {
	case GH_PROPERTY_SESSION_EXPIRY: packet->session_expiry = property->number; break;
	case GH_PROPERTY_RECEIVE_MAXIMUM:
		packet->receive_maximum = (uint16_t)property->number;
		break;
	case GH_PROPERTY_MAXIMUM_PACKET_SIZE:
		packet->has_maximum_packet_size = true;
		packet->maximum_packet_size =
			property->number < GH_PACKET_MAX ? property->number : GH_PACKET_MAX;
		break;
	case GH_PROPERTY_TOPIC_ALIAS_MAXIMUM:
		packet->topic_alias_maximum = (uint16_t)property->number;
		break;
	case GH_PROPERTY_REQUEST_RESPONSE_INFO: packet->response_info = property->number; break;
	case GH_PROPERTY_REQUEST_PROBLEM_INFO: packet->problem_info = property->number; break;
	case GH_PROPERTY_AUTH_METHOD:
		packet->has_auth_method = true;
		packet->auth_method = as_text(property->value);
		break;
	case GH_PROPERTY_AUTH_DATA:
		packet->has_auth_data = true;
		packet->auth_data = property->value;
		break;
	default: /* user properties: left raw */ break;
	}
}

static int decode_properties(struct cursor *c, struct gh_packet_connect *packet,
			     struct gh_malformed *why)
{
	struct gh_property_reader reader = { .packet = GH_IN(GH_PACKET_CONNECT) };
	struct gh_property property;
	int got;

	if (packet->version != GH_MQTT_5)
		return 0;
	if (!take_properties(c, &reader.rest))
		return malformed(why, "CONNECT with cut off properties");
	packet->properties = reader.rest;
	while ((got = gh_property_read(&reader, &property, why)) > 0)
		connect_property(packet, &property);
	if (got == 0 && packet->has_auth_data && !packet->has_auth_method)
		return protocol_error(why, "authentication data without method");
	return got;
}

static int decode_client_id(struct cursor *c, struct gh_packet_connect *packet,
			    struct gh_malformed *why)
{
	if (!take_text(c, &packet->client_id))
		return malformed(why, "client identifier is cut short or isn't valid UTF-8");
	if (packet->client_id.n > 0 || packet->version == GH_MQTT_5)
		return 0;
	if (packet->version == GH_MQTT_3_1)
		return refuse(why, GH_REASON_CLIENT_ID_INVALID,
			      "empty client identifier in MQTT 3.1");
	if (!packet->clean_start)
		return refuse(why, GH_REASON_CLIENT_ID_INVALID,
			      "empty client identifier without clean session");
	return 0;
}

static int decode_will(struct cursor *c, struct gh_packet_connect *packet, struct gh_malformed *why)
{
	struct gh_will *will = &packet->will;
	struct gh_bytes raw = { 0 };

	if (!packet->has_will)
		return 0;
	if (packet->version == GH_MQTT_5 && !take_properties(c, &raw))
		return malformed(why, "will with cut off properties");
	if (message_properties(raw, GH_IN_WILL, &will->properties, why) < 0)
		return GH_EINVAL;
	if (!take_text(c, &will->topic))
		return malformed(why, "will topic is cut short or isn't valid UTF-8");
	if (!gh_topic_name_valid(will->topic))
		return refuse(why, GH_REASON_TOPIC_INVALID, "empty will topic, or wildcard in it");
	if (!take_bytes(c, &will->payload))
		return malformed(why, "will payload is cut short");
	return 0;
}

/* 3.1 lets the packet end where the flags promise a user name or password. */
static bool left_out(const struct cursor *c, const struct gh_packet_connect *packet)
{
	return packet->version == GH_MQTT_3_1 && cursor_left(c) == 0;
}

static int decode_credentials(struct cursor *c, struct gh_packet_connect *packet,
			      struct gh_malformed *why)
{
	packet->has_username = packet->has_username && !left_out(c, packet);
	if (packet->has_username && !take_text(c, &packet->username))
		return malformed(why, "user name is cut short or isn't valid UTF-8");
	packet->has_password = packet->has_password && !left_out(c, packet);
	if (packet->has_password && !take_bytes(c, &packet->password))
		return malformed(why, "password is cut short");
	return cursor_left(c) ? malformed(why, "CONNECT with bytes left over") : 0;
}

int gh_decode_connect(const struct gh_frame *frame, struct gh_packet_connect *packet_r,
		      struct gh_malformed *why)
{
	static int (*const steps[])(struct cursor *, struct gh_packet_connect *,
				    struct gh_malformed *) = {
		decode_protocol,  decode_head, decode_properties,
		decode_client_id, decode_will, decode_credentials,
	};
	struct cursor c = cursor_of(frame->body);

	*packet_r = (struct gh_packet_connect){
		.problem_info = true,
		.receive_maximum = UINT16_MAX,
		.maximum_packet_size = GH_PACKET_MAX,
	};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i](&c, packet_r, why) < 0)
			return GH_EINVAL;
	return 0;
}
