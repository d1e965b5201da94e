/* SPDX-License-Identifier: Apache-2.0 */
/* What the server sends, PUBLISH excepted. */
#include "mqtt/encode.h"
#include "mqtt/property.h"
#include "mqtt/wire.h"

/* Counts, and writes unless p is NULL: sizes and bytes come from the same code. */
struct out {
	uint8_t *p;
	size_t n;
};

/* The parts of a packet after the fixed header: head, properties (MQTT 5), tail. */
struct plan {
	uint8_t first;
	uint8_t head[3];
	size_t head_n;
	/* without properties their length is left out, and then a final reason 0 of head too */
	bool short_form;
	void (*properties)(struct out *out, const void *packet); /* NULL: none of its own */
	const void *packet;
	struct gh_explanation explanation;
	struct gh_bytes tail;
};

static void out_u8(struct out *out, uint8_t v)
{
	if (out->p)
		out->p[out->n] = v;
	out->n++;
}

static void out_u16(struct out *out, uint16_t v)
{
	if (out->p)
		put_u16(out->p + out->n, v);
	out->n += 2;
}

static void out_u32(struct out *out, uint32_t v)
{
	if (out->p)
		put_u32(out->p + out->n, v);
	out->n += 4;
}

static void out_varint(struct out *out, size_t v)
{
	if (out->p)
		put_varint(out->p + out->n, v);
	out->n += varint_size(v);
}

static void out_run(struct out *out, const void *p, size_t n)
{
	if (out->p)
		put_run(out->p + out->n, p, n);
	out->n += n;
}

static void out_binary(struct out *out, uint8_t id, const void *p, size_t n)
{
	out_u8(out, id);
	out_u16(out, (uint16_t)n);
	out_run(out, p, n);
}

static void out_text(struct out *out, uint8_t id, struct gh_str text)
{
	if (text.n)
		out_binary(out, id, text.p, text.n);
}

static void out_flag(struct out *out, uint8_t id, bool value)
{
	out_u8(out, id);
	out_u8(out, value);
}

static void out_properties(struct out *out, const struct plan *plan)
{
	const struct gh_explanation *e = &plan->explanation;

	if (plan->properties)
		plan->properties(out, plan->packet);
	if (e->has_reason_string)
		out_binary(out, GH_PROPERTY_REASON_STRING, e->reason_string.p, e->reason_string.n);
	out_run(out, e->user_properties.p, e->user_properties.n);
}

static size_t head_size(const struct plan *plan, size_t properties_n)
{
	bool success = plan->short_form && properties_n == 0 &&
		       plan->head[plan->head_n - 1] == GH_REASON_SUCCESS;

	return plan->head_n - success;
}

/* Length of the packet from its parts; *length_r is the remaining length. */
static size_t measure(const struct gh_receiver *receiver, const struct plan *plan,
		      size_t *properties_n_r, size_t *length_r)
{
	struct out count = { 0 };
	size_t length;

	if (receiver->version == GH_MQTT_5)
		out_properties(&count, plan);
	length = head_size(plan, count.n) + plan->tail.n;
	if (receiver->version == GH_MQTT_5 && (count.n || !plan->short_form))
		length += varint_size(count.n) + count.n;
	*properties_n_r = count.n;
	*length_r = length;
	return 1 + varint_size(length) + length;
}

static void write_plan(const struct gh_receiver *receiver, const struct plan *plan,
		       size_t properties_n, size_t length, uint8_t *p)
{
	struct out out = { .p = p };

	out_u8(&out, plan->first);
	out_varint(&out, length);
	out_run(&out, plan->head, head_size(plan, properties_n));
	if (receiver->version == GH_MQTT_5 && (properties_n || !plan->short_form)) {
		out_varint(&out, properties_n);
		out_properties(&out, plan);
	}
	out_run(&out, plan->tail.p, plan->tail.n);
}

/* Leaves out what the receiver doesn't want or can't take, least important first. */
static size_t emit(const struct gh_receiver *receiver, struct plan *plan, uint8_t *p, size_t room)
{
	size_t max = receiver->max < GH_PACKET_MAX ? receiver->max : GH_PACKET_MAX;
	size_t properties_n, length, total;

	if (!receiver->problem_info || plan->explanation.reason_string.n > UINT16_MAX)
		plan->explanation = (struct gh_explanation){ 0 };
	total = measure(receiver, plan, &properties_n, &length);
	if (total > max) {
		plan->explanation.user_properties.n = 0;
		total = measure(receiver, plan, &properties_n, &length);
	}
	if (total > max) {
		plan->explanation.has_reason_string = false;
		total = measure(receiver, plan, &properties_n, &length);
	}
	if (total > max)
		return 0;
	if (total <= room)
		write_plan(receiver, plan, properties_n, length, p);
	return total;
}

static void connack_limits(struct out *out, const struct gh_packet_connack *packet)
{
	if (packet->has_session_expiry) {
		out_u8(out, GH_PROPERTY_SESSION_EXPIRY);
		out_u32(out, packet->session_expiry);
	}
	if (packet->receive_maximum && packet->receive_maximum != UINT16_MAX) {
		out_u8(out, GH_PROPERTY_RECEIVE_MAXIMUM);
		out_u16(out, packet->receive_maximum);
	}
	if (packet->has_maximum_qos)
		out_flag(out, GH_PROPERTY_MAXIMUM_QOS, packet->maximum_qos);
	if (packet->maximum_packet_size) {
		out_u8(out, GH_PROPERTY_MAXIMUM_PACKET_SIZE);
		out_u32(out, packet->maximum_packet_size);
	}
	if (packet->topic_alias_maximum) {
		out_u8(out, GH_PROPERTY_TOPIC_ALIAS_MAXIMUM);
		out_u16(out, packet->topic_alias_maximum);
	}
	if (packet->has_server_keep_alive) {
		out_u8(out, GH_PROPERTY_SERVER_KEEP_ALIVE);
		out_u16(out, packet->server_keep_alive);
	}
}

static void connack_features(struct out *out, const struct gh_packet_connack *packet)
{
	if (packet->no_retain)
		out_flag(out, GH_PROPERTY_RETAIN_AVAILABLE, false);
	if (packet->no_wildcards)
		out_flag(out, GH_PROPERTY_WILDCARD_AVAILABLE, false);
	if (packet->no_subscription_ids)
		out_flag(out, GH_PROPERTY_SUBSCRIPTION_ID_AVAILABLE, false);
	if (packet->no_shared)
		out_flag(out, GH_PROPERTY_SHARED_AVAILABLE, false);
}

static void connack_properties(struct out *out, const void *arg)
{
	const struct gh_packet_connack *packet = arg;

	connack_limits(out, packet);
	connack_features(out, packet);
	out_text(out, GH_PROPERTY_ASSIGNED_CLIENT_ID, packet->assigned_client_id);
	out_text(out, GH_PROPERTY_RESPONSE_INFO, packet->response_info);
	out_text(out, GH_PROPERTY_SERVER_REFERENCE, packet->server_reference);
	out_text(out, GH_PROPERTY_AUTH_METHOD, packet->auth_method);
	if (packet->has_auth_data)
		out_binary(out, GH_PROPERTY_AUTH_DATA, packet->auth_data.p, packet->auth_data.n);
}

size_t gh_encode_connack(const struct gh_receiver *receiver, const struct gh_packet_connack *packet,
			 uint8_t *out, size_t room)
{
	int code = receiver->version == GH_MQTT_5 ? packet->reason
						  : gh_reason_return_code(packet->reason);
	bool present = packet->session_present && code == 0 && receiver->version != GH_MQTT_3_1;
	struct plan plan = {
		.first = GH_PACKET_CONNACK << 4,
		.head = { present, (uint8_t)code },
		.head_n = 2,
		.properties = connack_properties,
		.packet = packet,
		.explanation = packet->explanation,
	};

	return code < 0 ? 0 : emit(receiver, &plan, out, room);
}

size_t gh_encode_ack(const struct gh_receiver *receiver, const struct gh_packet_ack *packet,
		     uint8_t *out, size_t room)
{
	struct plan plan = {
		.first = (uint8_t)(packet->type << 4 | (packet->type == GH_PACKET_PUBREL ? 2 : 0)),
		.head = { (uint8_t)(packet->packet_id >> 8), (uint8_t)packet->packet_id,
			  packet->reason },
		.head_n = receiver->version == GH_MQTT_5 ? 3 : 2,
		.short_form = receiver->version == GH_MQTT_5,
		.explanation = packet->explanation,
	};

	return emit(receiver, &plan, out, room);
}

/* MQTT 3 has one code for all failures [MQTT-3.9.3-2 of 3.1.1]. */
static void translate_codes(uint8_t *codes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (codes[i] >= GH_REASON_FAILURE)
			codes[i] = GH_REASON_FAILURE;
}

size_t gh_encode_suback(const struct gh_receiver *receiver, const struct gh_packet_suback *packet,
			uint8_t *out, size_t room)
{
	bool codes = receiver->version == GH_MQTT_5 || packet->type == GH_PACKET_SUBACK;
	struct plan plan = {
		.first = (uint8_t)(packet->type << 4),
		.head = { (uint8_t)(packet->packet_id >> 8), (uint8_t)packet->packet_id },
		.head_n = 2,
		.explanation = packet->explanation,
		.tail = { packet->reasons, codes ? packet->count : 0 },
	};
	size_t total = emit(receiver, &plan, out, room);

	if (receiver->version != GH_MQTT_5 && total > 0 && total <= room)
		translate_codes(out + total - plan.tail.n, plan.tail.n);
	return total;
}

size_t gh_encode_pingresp(uint8_t *out, size_t room)
{
	static const uint8_t pingresp[] = { GH_PACKET_PINGRESP << 4, 0 };

	if (room >= sizeof(pingresp))
		put_run(out, pingresp, sizeof(pingresp));
	return sizeof(pingresp);
}

static void disconnect_properties(struct out *out, const void *arg)
{
	const struct gh_str *server_reference = arg;

	out_text(out, GH_PROPERTY_SERVER_REFERENCE, *server_reference);
}

size_t gh_encode_disconnect(const struct gh_receiver *receiver, uint8_t reason,
			    struct gh_str server_reference,
			    const struct gh_explanation *explanation, uint8_t *out, size_t room)
{
	struct plan plan = {
		.first = GH_PACKET_DISCONNECT << 4,
		.head = { reason },
		.head_n = 1,
		.short_form = true,
		.properties = disconnect_properties,
		.packet = &server_reference,
	};

	if (explanation)
		plan.explanation = *explanation;
	return receiver->version == GH_MQTT_5 ? emit(receiver, &plan, out, room) : 0;
}

static void auth_properties(struct out *out, const void *arg)
{
	const struct gh_packet_auth *packet = arg;

	out_binary(out, GH_PROPERTY_AUTH_METHOD, packet->method.p, packet->method.n);
	if (packet->has_data)
		out_binary(out, GH_PROPERTY_AUTH_DATA, packet->data.p, packet->data.n);
}

size_t gh_encode_auth(const struct gh_receiver *receiver, const struct gh_packet_auth *packet,
		      uint8_t *out, size_t room)
{
	struct plan plan = {
		.first = GH_PACKET_AUTH << 4,
		.head = { packet->reason },
		.head_n = 1,
		.properties = auth_properties,
		.packet = packet,
		.explanation = packet->explanation,
	};

	return receiver->version == GH_MQTT_5 ? emit(receiver, &plan, out, room) : 0;
}
