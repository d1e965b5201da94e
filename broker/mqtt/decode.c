/* SPDX-License-Identifier: Apache-2.0 */
/* Frames, and the packets that carry no topic. CONNECT, PUBLISH and SUBSCRIBE have files of
 * their own. */
#include "mqtt/decode.h"
#include "mqtt/property.h"
#include "mqtt/wire.h"

static int check_publish_flags(unsigned version, uint8_t flags, struct gh_malformed *why)
{
	if ((flags & 0x06) == 0x06)
		return malformed(why, "PUBLISH with QoS 3");
	/* 3.1 only says that DUP means nothing there. */
	if ((flags & 0x0e) == 0x08 && version != GH_MQTT_3_1)
		return malformed(why, "PUBLISH with DUP and QoS 0");
	return 0;
}

static int check_flags(unsigned version, uint8_t type, uint8_t flags, struct gh_malformed *why)
{
	bool acknowledged = type == GH_PACKET_PUBREL || type == GH_PACKET_SUBSCRIBE ||
			    type == GH_PACKET_UNSUBSCRIBE;

	if (type == GH_PACKET_PUBLISH)
		return check_publish_flags(version, flags, why);
	if (version == GH_MQTT_3_1 && acknowledged)
		return flags & 0x05 ? malformed(why, "reserved flags are set") : 0;
	return flags != (acknowledged ? 0x02 : 0) ? malformed(why, "reserved flags are wrong") : 0;
}

static int check_type(unsigned version, uint8_t type, struct gh_malformed *why)
{
	switch (type) {
	case 0: return malformed(why, "packet type 0");
	case GH_PACKET_CONNECT: return version ? protocol_error(why, "second CONNECT") : 0;
	case GH_PACKET_CONNACK:
	case GH_PACKET_SUBACK:
	case GH_PACKET_UNSUBACK:
	case GH_PACKET_PINGRESP: return protocol_error(why, "packet that only a server sends");
	case GH_PACKET_AUTH:
		if (version && version < GH_MQTT_5)
			return protocol_error(why, "AUTH before MQTT 5");
		/* fall through */
	default: return version ? 0 : protocol_error(why, "first packet isn't CONNECT");
	}
}

int gh_frame(unsigned version, const uint8_t *p, size_t n, size_t max, struct gh_frame *frame_r,
	     struct gh_malformed *why)
{
	uint32_t length;
	int width;

	*frame_r = (struct gh_frame){ 0 };
	if (n == 0)
		return GH_FRAME_MORE;
	frame_r->type = p[0] >> 4;
	frame_r->flags = p[0] & 0x0f;
	if (check_type(version, frame_r->type, why) < 0 ||
	    check_flags(version, frame_r->type, frame_r->flags, why) < 0)
		return GH_EINVAL;
	width = varint_read(p + 1, n - 1, &length);
	if (width < 0)
		return malformed(why, "remaining length of five bytes or not in its shortest form");
	if (width == 0)
		return GH_FRAME_MORE;
	frame_r->total = 1 + (size_t)width + length;
	if (frame_r->total > max)
		return refuse(why, GH_REASON_PACKET_TOO_LARGE, "packet is longer than allowed");
	if (n < frame_r->total)
		return GH_FRAME_MORE;
	frame_r->body = (struct gh_bytes){ p + 1 + width, length };
	return GH_FRAME_WHOLE;
}

/* The reason string among properties that were allowed in the packet; the rest of them is for
 * who walks the raw ones. */
static void explain(struct gh_explanation *explanation, const struct gh_property *property)
{
	if (property->id != GH_PROPERTY_REASON_STRING)
		return;
	explanation->has_reason_string = true;
	explanation->reason_string = as_text(property->value);
}

static int ack_properties(struct cursor *c, struct gh_packet_ack *packet, struct gh_malformed *why)
{
	struct gh_property_reader reader = { .packet = GH_IN(packet->type) };
	struct gh_property property;
	int got;

	if (!take_properties(c, &reader.rest))
		return malformed(why, "acknowledgement with cut off properties");
	packet->explanation.user_properties = reader.rest;
	while ((got = gh_property_read(&reader, &property, why)) > 0)
		explain(&packet->explanation, &property);
	return got;
}

int gh_decode_ack(unsigned version, const struct gh_frame *frame, struct gh_packet_ack *packet_r,
		  struct gh_malformed *why)
{
	struct cursor c = cursor_of(frame->body);

	*packet_r = (struct gh_packet_ack){ .type = frame->type };
	if (!take_u16(&c, &packet_r->packet_id))
		return malformed(why, "acknowledgement without packet identifier");
	if (packet_r->packet_id == 0)
		return protocol_error(why, "packet identifier 0");
	if (version == GH_MQTT_5 && take_u8(&c, &packet_r->reason) && cursor_left(&c) > 0 &&
	    ack_properties(&c, packet_r, why) < 0)
		return GH_EINVAL;
	if (cursor_left(&c) > 0)
		return malformed(why, "acknowledgement with bytes left over");
	if (!gh_reason_from_client(packet_r->reason, frame->type))
		return protocol_error(why, "reason code that this packet can't have");
	return 0;
}

int gh_decode_pingreq(const struct gh_frame *frame, struct gh_malformed *why)
{
	return frame->body.n ? malformed(why, "PINGREQ with bytes left over") : 0;
}

static int disconnect_properties(struct cursor *c, struct gh_packet_disconnect *packet,
				 struct gh_malformed *why)
{
	struct gh_property_reader reader = { .packet = GH_IN(GH_PACKET_DISCONNECT) };
	struct gh_property property;
	int got;

	if (!take_properties(c, &reader.rest))
		return malformed(why, "DISCONNECT with cut off properties");
	packet->explanation.user_properties = reader.rest;
	while ((got = gh_property_read(&reader, &property, why)) > 0) {
		explain(&packet->explanation, &property);
		if (property.id == GH_PROPERTY_SERVER_REFERENCE)
			return protocol_error(why, "server reference from a client");
		if (property.id != GH_PROPERTY_SESSION_EXPIRY)
			continue;
		packet->has_session_expiry = true;
		packet->session_expiry = property.number;
	}
	return got;
}

int gh_decode_disconnect(unsigned version, const struct gh_frame *frame,
			 struct gh_packet_disconnect *packet_r, struct gh_malformed *why)
{
	struct cursor c = cursor_of(frame->body);

	*packet_r = (struct gh_packet_disconnect){ 0 };
	if (version == GH_MQTT_5 && take_u8(&c, &packet_r->reason) && cursor_left(&c) > 0 &&
	    disconnect_properties(&c, packet_r, why) < 0)
		return GH_EINVAL;
	if (cursor_left(&c) > 0)
		return malformed(why, "DISCONNECT with bytes left over");
	if (!gh_reason_from_client(packet_r->reason, GH_PACKET_DISCONNECT))
		return protocol_error(why, "reason code that a client's DISCONNECT can't have");
	return 0;
}

static void auth_property(struct gh_packet_auth *packet, const struct gh_property *property)
{
	switch (property->id) {
	case GH_PROPERTY_AUTH_METHOD: packet->method = as_text(property->value); break;
	case GH_PROPERTY_AUTH_DATA:
		packet->has_data = true;
		packet->data = property->value;
		break;
	default: explain(&packet->explanation, property);
	}
}

int gh_decode_auth(const struct gh_frame *frame, struct gh_packet_auth *packet_r,
		   struct gh_malformed *why)
{
	struct gh_property_reader reader = { .packet = GH_IN(GH_PACKET_AUTH) };
	struct cursor c = cursor_of(frame->body);
	struct gh_property property;
	int got;

	*packet_r = (struct gh_packet_auth){ 0 };
	if (take_u8(&c, &packet_r->reason) && cursor_left(&c) > 0 &&
	    !take_properties(&c, &reader.rest))
		return malformed(why, "AUTH with cut off properties");
	packet_r->explanation.user_properties = reader.rest;
	while ((got = gh_property_read(&reader, &property, why)) > 0)
		auth_property(packet_r, &property);
	if (got < 0)
		return GH_EINVAL;
	if (cursor_left(&c) > 0)
		return malformed(why, "AUTH with bytes left over");
	if (!gh_reason_from_client(packet_r->reason, GH_PACKET_AUTH))
		return protocol_error(why, "reason code that a client's AUTH can't have");
	if (!(reader.seen & 1ull << GH_PROPERTY_AUTH_METHOD))
		return protocol_error(why, "AUTH without authentication method");
	return 0;
}
