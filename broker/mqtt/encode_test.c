/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "mqtt/encode.h"
#include "mqtt/notation.h"

static const struct gh_receiver v3 = { GH_MQTT_3_1, true, GH_PACKET_MAX };
static const struct gh_receiver v4 = { GH_MQTT_3_1_1, true, GH_PACKET_MAX };
static const struct gh_receiver v5 = { GH_MQTT_5, true, GH_PACKET_MAX };
static const struct gh_receiver terse = { GH_MQTT_5, false, GH_PACKET_MAX };

/* One encoder with its packet. */
typedef size_t encode_fn(const struct gh_receiver *receiver, const void *packet, uint8_t *out,
			 size_t room);

static size_t connack(const struct gh_receiver *receiver, const void *packet, uint8_t *out,
		      size_t room)
{
	return gh_encode_connack(receiver, packet, out, room);
}

static size_t ack(const struct gh_receiver *receiver, const void *packet, uint8_t *out, size_t room)
{
	return gh_encode_ack(receiver, packet, out, room);
}

static size_t suback(const struct gh_receiver *receiver, const void *packet, uint8_t *out, size_t room)
{
	return gh_encode_suback(receiver, packet, out, room);
}

static size_t auth(const struct gh_receiver *receiver, const void *packet, uint8_t *out, size_t room)
{
	return gh_encode_auth(receiver, packet, out, room);
}

struct disconnect {
	uint8_t reason;
	const char *server_reference;
	struct gh_explanation explanation;
};

static size_t disconnect(const struct gh_receiver *receiver, const void *packet, uint8_t *out,
			 size_t room)
{
	const struct disconnect *d = packet;

	return gh_encode_disconnect(receiver, d->reason, gh_str(d->server_reference),
				    &d->explanation, out, room);
}

/* The same length is told for every room, and nothing is written where there isn't enough. */
static void encodes(encode_fn *encode, const struct gh_receiver *receiver, const void *packet,
		    const char *want)
{
	struct gh_buf wanted = notation(want);
	uint8_t *out;

	ck_assert_msg(encode(receiver, packet, NULL, 0) == wanted.n, "%s: %zu bytes", want,
		      encode(receiver, packet, NULL, 0));
	for (size_t room = 0; room <= wanted.n; room++) {
		out = malloc(room + 1);
		memset(out, 0x5a, room + 1);
		ck_assert_uint_eq(encode(receiver, packet, out, room), wanted.n);
		if (room == wanted.n)
			ck_assert_msg(room == 0 || memcmp(out, wanted.p, room) == 0, "%s", want);
		for (size_t i = room == wanted.n ? room : 0; i <= room; i++)
			ck_assert_uint_eq(out[i], 0x5a);
		free(out);
	}
	gh_buf_done(&wanted);
}

#define SAYING(text) \
	{ \
		true, { text, sizeof(text) - 1 }, \
		{ \
			"\x26\x00\x01k\x00\x01v", 7 \
		} \
	}

START_TEST(connacks)
{
	struct gh_packet_connack packet = { 0 };

	encodes(connack, &v3, &packet, "20 [ 00 00 ]");
	encodes(connack, &v4, &packet, "20 [ 00 00 ]");
	encodes(connack, &v5, &packet, "20 [ 00 00 [] ]");
	packet.session_present = true;
	encodes(connack, &v3, &packet, "20 [ 00 00 ]");
	encodes(connack, &v4, &packet, "20 [ 01 00 ]");
	encodes(connack, &v5, &packet, "20 [ 01 00 [] ]");
	packet.reason = GH_REASON_NOT_AUTHORIZED;
	encodes(connack, &v3, &packet, "20 [ 00 05 ]");
	encodes(connack, &v4, &packet, "20 [ 00 05 ]");
	encodes(connack, &v5, &packet, "20 [ 00 87 [] ]");
	packet.reason = GH_REASON_MALFORMED_PACKET;
	encodes(connack, &v4, &packet, "");
	encodes(connack, &v5, &packet, "20 [ 00 81 [] ]");
}
END_TEST

START_TEST(connack_properties)
{
	struct gh_packet_connack packet = {
		.session_expiry = 10,
		.has_session_expiry = true,
		.server_keep_alive = 60,
		.has_server_keep_alive = true,
		.no_retain = true,
		.no_wildcards = true,
		.no_subscription_ids = true,
		.no_shared = true,
		.has_maximum_qos = true,
		.maximum_qos = 1,
		.receive_maximum = 20,
		.topic_alias_maximum = 5,
		.maximum_packet_size = 4096,
		.assigned_client_id = gh_str("id"),
		.response_info = gh_str("info"),
		.server_reference = gh_str("other"),
		.auth_method = gh_str("M"),
		.auth_data = { "D", 1 },
		.has_auth_data = true,
		.explanation = SAYING("why"),
	};

	encodes(connack, &v4, &packet, "20 [ 00 00 ]");
	encodes(connack, &v5, &packet,
		"20 [ 00 00 [ 11 0000000a 21 0014 24 01 27 00001000 22 0005 13 003c 25 00 28 00 29 00 2a 00"
		" 12 'id' 1a 'info' 1c 'other' 15 'M' 16 'D' 1f 'why' 26 'k' 'v' ] ]");
	encodes(connack, &terse, &packet,
		"20 [ 00 00 [ 11 0000000a 21 0014 24 01 27 00001000 22 0005 13 003c 25 00 28 00 29 00 2a 00"
		" 12 'id' 1a 'info' 1c 'other' 15 'M' 16 'D' ] ]");
}
END_TEST

START_TEST(acks)
{
	struct gh_packet_ack packet = { .type = GH_PACKET_PUBACK, .packet_id = 0x1234 };

	encodes(ack, &v3, &packet, "40 [ 1234 ]");
	encodes(ack, &v4, &packet, "40 [ 1234 ]");
	encodes(ack, &v5, &packet, "40 [ 1234 ]");
	packet.type = GH_PACKET_PUBREC;
	packet.reason = GH_REASON_NOT_AUTHORIZED;
	encodes(ack, &v4, &packet, "50 [ 1234 ]");
	encodes(ack, &v5, &packet, "50 [ 1234 87 ]");
	ck_assert_uint_eq(gh_encode_ack(&v5, &packet, NULL, 0), GH_ACK_SIZE);
	packet.explanation = (struct gh_explanation)SAYING("no");
	encodes(ack, &v4, &packet, "50 [ 1234 ]");
	encodes(ack, &v5, &packet, "50 [ 1234 87 [ 1f 'no' 26 'k' 'v' ] ]");
	encodes(ack, &terse, &packet, "50 [ 1234 87 ]");
	packet.type = GH_PACKET_PUBREL;
	packet.reason = GH_REASON_SUCCESS;
	encodes(ack, &v5, &packet, "62 [ 1234 00 [ 1f 'no' 26 'k' 'v' ] ]");
	encodes(ack, &terse, &packet, "62 [ 1234 ]");
	packet.type = GH_PACKET_PUBCOMP;
	packet.reason = GH_REASON_PACKET_ID_NOT_FOUND;
	encodes(ack, &terse, &packet, "70 [ 1234 92 ]");
	packet.explanation = (struct gh_explanation){ .has_reason_string = true };
	encodes(ack, &v5, &packet, "70 [ 1234 92 [ 1f '' ] ]");
}
END_TEST

/* What doesn't fit goes, user properties first; what can't be left out isn't sent
 * [MQTT-3.1.2-24, 3.4.2-2, -3]. */
START_TEST(maximum_packet_sizes)
{
	struct gh_packet_ack packet = { GH_PACKET_PUBACK, 0x87, 1, SAYING("because") };
	struct gh_receiver small = v5;

	for (small.max = 0; small.max < 30; small.max++) {
		size_t n = gh_encode_ack(&small, &packet, NULL, 0);
		size_t want = small.max >= 23 ? 23 : small.max >= 16 ? 16 : small.max >= 5 ? 5 : 0;

		ck_assert_msg(n == want, "max %u: %zu bytes", small.max, n);
	}
	small.max = 22;
	encodes(ack, &small, &packet, "40 [ 0001 87 [ 1f 'because' ] ]");
	small.max = 15;
	encodes(ack, &small, &packet, "40 [ 0001 87 ]");
	small.max = 4;
	encodes(ack, &small, &packet, "");
	packet.reason = GH_REASON_SUCCESS;
	encodes(ack, &small, &packet, "40 [ 0001 ]");
}
END_TEST

/* A reason string can't be longer than its length says. */
START_TEST(overlong_reason_string)
{
	char *text = malloc(65536);
	struct gh_packet_ack packet = { GH_PACKET_PUBACK, 0x87, 1, { true, { text, 65535 }, { 0 } } };

	memset(text, 'x', 65536);
	ck_assert_uint_eq(gh_encode_ack(&v5, &packet, NULL, 0), 4 + 3 + 3 + 3 + 65535);
	packet.explanation.reason_string.n++;
	encodes(ack, &v5, &packet, "40 [ 0001 87 ]");
	free(text);
}
END_TEST

START_TEST(subacks)
{
	struct gh_packet_suback packet = {
		GH_PACKET_SUBACK, 0x0a0b, (const uint8_t *)"\x00\x01\x02\x87\x8f", 5, { 0 }
	};

	encodes(suback, &v3, &packet, "90 [ 0a0b 00 01 02 80 80 ]");
	encodes(suback, &v4, &packet, "90 [ 0a0b 00 01 02 80 80 ]");
	encodes(suback, &v5, &packet, "90 [ 0a0b [] 00 01 02 87 8f ]");
	packet.explanation = (struct gh_explanation)SAYING("hm");
	encodes(suback, &v4, &packet, "90 [ 0a0b 00 01 02 80 80 ]");
	encodes(suback, &v5, &packet, "90 [ 0a0b [ 1f 'hm' 26 'k' 'v' ] 00 01 02 87 8f ]");
	encodes(suback, &terse, &packet, "90 [ 0a0b [] 00 01 02 87 8f ]");

	packet = (struct gh_packet_suback){
		GH_PACKET_UNSUBACK, 1, (const uint8_t *)"\x00\x11\x87", 3, { 0 }
	};
	encodes(suback, &v3, &packet, "b0 [ 0001 ]");
	encodes(suback, &v4, &packet, "b0 [ 0001 ]");
	encodes(suback, &v5, &packet, "b0 [ 0001 [] 00 11 87 ]");
}
END_TEST

START_TEST(pingresps)
{
	uint8_t out[2] = { 0x5a, 0x5a };

	ck_assert_uint_eq(gh_encode_pingresp(out, 1), 2);
	ck_assert_uint_eq(out[0], 0x5a);
	ck_assert_uint_eq(gh_encode_pingresp(out, 2), 2);
	ck_assert(out[0] == 0xd0 && out[1] == 0);
}
END_TEST

START_TEST(disconnects)
{
	struct disconnect d = { .reason = GH_REASON_SUCCESS };

	encodes(disconnect, &v3, &d, "");
	encodes(disconnect, &v4, &d, "");
	encodes(disconnect, &v5, &d, "e0 []");
	d.reason = GH_REASON_SESSION_TAKEN_OVER;
	encodes(disconnect, &v5, &d, "e0 [ 8e ]");
	ck_assert_uint_eq(gh_encode_disconnect(&v5, 0x8e, gh_str(NULL), NULL, NULL, 0), 3);
	d.server_reference = "b";
	encodes(disconnect, &v5, &d, "e0 [ 8e [ 1c 'b' ] ]");
	d.explanation = (struct gh_explanation)SAYING("moved");
	encodes(disconnect, &v5, &d, "e0 [ 8e [ 1c 'b' 1f 'moved' 26 'k' 'v' ] ]");
	encodes(disconnect, &terse, &d, "e0 [ 8e [ 1c 'b' ] ]");
}
END_TEST

START_TEST(auths)
{
	struct gh_packet_auth packet = {
		GH_REASON_CONTINUE_AUTHENTICATION, true, gh_str("M"), { "\0\1", 2 }, SAYING("go")
	};

	encodes(auth, &v4, &packet, "");
	encodes(auth, &v5, &packet, "f0 [ 18 [ 15 'M' 16 0002 0001 1f 'go' 26 'k' 'v' ] ]");
	encodes(auth, &terse, &packet, "f0 [ 18 [ 15 'M' 16 0002 0001 ] ]");
	packet.has_data = false;
	packet.reason = GH_REASON_SUCCESS;
	encodes(auth, &terse, &packet, "f0 [ 00 [ 15 'M' ] ]");
}
END_TEST

GH_TEST_MAIN("mqtt/encode", connacks, connack_properties, acks, maximum_packet_sizes,
	     overlong_reason_string, subacks, pingresps, disconnects, auths)
