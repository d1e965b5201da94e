/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what a client sends, packet by packet. The first byte chooses the version (0:
 * before CONNECT). */
#include <stdlib.h>
#include "base/str.h"
#include "mqtt/decode.h"
#include "mqtt/encode.h"
#include "mqtt/property.h"
#include "mqtt/topic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
	if (!truth)
		abort();
}

static void message(const struct gh_message_properties *properties)
{
	uint8_t *forward = malloc(properties->raw.n ? properties->raw.n : 1);

	must(gh_property_forward(properties->raw, forward) == properties->forward_n);
	must(properties->forward_n <= properties->raw.n);
	free(forward);
}

static int connect_packet(const struct gh_frame *frame, struct gh_malformed *why)
{
	struct gh_packet_connect packet;
	int result = gh_decode_connect(frame, &packet, why);

	must(packet.version == 0 || (packet.version >= GH_MQTT_3_1 && packet.version <= GH_MQTT_5));
	if (result < 0)
		return result;
	must(packet.version != 0 && packet.receive_maximum > 0 && packet.maximum_packet_size > 0);
	if (packet.has_will) {
		must(gh_topic_name_valid(packet.will.topic) && packet.will.qos <= 2);
		message(&packet.will.properties);
	}
	return 0;
}

/* Encoded again it is the same, but for where its properties stand. */
static void again(unsigned version, const struct gh_packet_publish *in)
{
	struct gh_publish_head head = {
		.version = (uint8_t)version,
		.qos = in->qos,
		.dup = in->dup,
		.retain = in->retain,
		.packet_id = in->packet_id,
		.topic = in->topic,
		.payload_n = in->payload.n,
		.topic_alias = in->properties.topic_alias,
		.has_expiry = in->properties.has_expiry,
		.expiry = in->properties.expiry,
	};
	uint8_t *forward = malloc(in->properties.raw.n + 1), *out;
	struct gh_packet_publish packet;
	struct gh_malformed why;
	struct gh_frame frame;
	size_t total, n;

	head.forward = (struct gh_bytes){ forward, gh_property_forward(in->properties.raw, forward) };
	n = gh_publish_head_size(&head, &total);
	out = malloc(total);
	must(gh_publish_head_write(&head, out) == n);
	memset(out + n, 0, total - n);
	must(gh_frame(version, out, total, GH_PACKET_MAX, &frame, &why) == GH_FRAME_WHOLE);
	must(gh_decode_publish(version, &frame, &packet, &why) == 0);
	must(gh_str_equal(packet.topic, in->topic) && packet.packet_id == in->packet_id);
	must(packet.payload.n == in->payload.n && packet.dup == in->dup &&
	     packet.retain == in->retain);
	must(packet.properties.user_count == in->properties.user_count);
	must(packet.properties.forward_n == in->properties.forward_n);
	must(packet.properties.raw.n == in->properties.raw.n);
	free(forward);
	free(out);
}

static int publish(unsigned version, const struct gh_frame *frame, struct gh_malformed *why)
{
	struct gh_packet_publish packet;

	if (gh_decode_publish(version, frame, &packet, why) < 0)
		return GH_EINVAL;
	must((packet.packet_id != 0) == (packet.qos > 0) && packet.qos <= 2);
	must(packet.topic.n ? gh_topic_name_valid(packet.topic) : packet.properties.topic_alias > 0);
	message(&packet.properties);
	again(version, &packet);
	return 0;
}

static int subscribe(unsigned version, const struct gh_frame *frame, struct gh_malformed *why)
{
	struct gh_subscription subscription;
	struct gh_packet_subscribe packet;
	struct gh_share share;

	if (gh_decode_subscribe(version, frame, &packet, why) < 0)
		return GH_EINVAL;
	must(packet.packet_id && packet.count);
	for (; gh_subscription_next(&packet.filters, &subscription); packet.count--) {
		must(subscription.qos <= 2 && subscription.retain_handling <= 2);
		must(gh_share_parse(subscription.filter, &share));
	}
	must(packet.count == 0 && packet.filters.n == 0);
	return 0;
}

static int unsubscribe(unsigned version, const struct gh_frame *frame, struct gh_malformed *why)
{
	struct gh_packet_unsubscribe packet;
	struct gh_str filter;

	if (gh_decode_unsubscribe(version, frame, &packet, why) < 0)
		return GH_EINVAL;
	for (; gh_filter_next(&packet.filters, &filter); packet.count--)
		must(filter.n > 0);
	must(packet.count == 0 && packet.filters.n == 0);
	return 0;
}

static int decode(unsigned version, const struct gh_frame *frame, struct gh_malformed *why)
{
	struct gh_packet_disconnect disconnect;
	struct gh_packet_auth auth;
	struct gh_packet_ack ack;

	switch (frame->type) {
	case GH_PACKET_CONNECT: return connect_packet(frame, why);
	case GH_PACKET_PUBLISH: return publish(version, frame, why);
	case GH_PACKET_SUBSCRIBE: return subscribe(version, frame, why);
	case GH_PACKET_UNSUBSCRIBE: return unsubscribe(version, frame, why);
	case GH_PACKET_PINGREQ: return gh_decode_pingreq(frame, why);
	case GH_PACKET_DISCONNECT: return gh_decode_disconnect(version, frame, &disconnect, why);
	case GH_PACKET_AUTH: return gh_decode_auth(frame, &auth, why);
	default: return gh_decode_ack(version, frame, &ack, why);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned versions[] = { 0, GH_MQTT_3_1, GH_MQTT_3_1_1, GH_MQTT_5 };
	struct gh_malformed why = { 0 };
	struct gh_frame frame;
	unsigned version;
	int result = 0;

	if (size == 0)
		return 0;
	version = versions[data[0] % 4];
	for (data++, size--; result == 0; data += frame.total, size -= frame.total) {
		result = gh_frame(version, data, size, GH_PACKET_MAX, &frame, &why);
		if (result == GH_FRAME_WHOLE)
			result = decode(version, &frame, &why);
		if (result < 0)
			must(why.reason >= 0x80 && why.text);
	}
	return 0;
}
