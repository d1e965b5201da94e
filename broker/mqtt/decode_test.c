/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "mqtt/notation.h"

START_TEST(frames_grow_byte_by_byte)
{
	struct gh_buf buf = notation("32 [ 'topic' 0001 00 <payload> ]");
	struct gh_malformed why;
	struct gh_frame frame;

	for (size_t n = 0; n < buf.n; n++) {
		ck_assert_int_eq(gh_frame(5, buf.p, n, 100, &frame, &why), GH_FRAME_MORE);
		ck_assert_uint_eq(frame.total, n < 2 ? 0 : buf.n);
	}
	ck_assert_int_eq(gh_frame(5, buf.p, buf.n, 100, &frame, &why), GH_FRAME_WHOLE);
	ck_assert_uint_eq(frame.type, GH_PACKET_PUBLISH);
	ck_assert_uint_eq(frame.flags, 2);
	ck_assert_uint_eq(frame.total, buf.n);
	ck_assert_ptr_eq(frame.body.p, buf.p + 2);
	ck_assert_uint_eq(frame.body.n, buf.n - 2);
	gh_buf_done(&buf);
}
END_TEST

START_TEST(frame_lengths)
{
	static const struct {
		const char *bytes;
		size_t max;
		int result;
		size_t total;
		uint8_t reason;
	} rows[] = {
		{ "c0 00", 2, GH_FRAME_WHOLE, 2, 0 },
		{ "30 7f", 129, GH_FRAME_MORE, 129, 0 },
		{ "30 7f", 128, GH_EINVAL, 0, GH_REASON_PACKET_TOO_LARGE },
		{ "30 80", GH_PACKET_MAX, GH_FRAME_MORE, 0, 0 },
		{ "30 80 01", 131, GH_FRAME_MORE, 131, 0 },
		{ "30 80 01", 130, GH_EINVAL, 0, GH_REASON_PACKET_TOO_LARGE },
		{ "30 ff 7f", GH_PACKET_MAX, GH_FRAME_MORE, 3 + 16383, 0 },
		{ "30 80 80 01", GH_PACKET_MAX, GH_FRAME_MORE, 4 + 16384, 0 },
		{ "30 ff ff 7f", GH_PACKET_MAX, GH_FRAME_MORE, 4 + 2097151, 0 },
		{ "30 80 80 80 01", GH_PACKET_MAX, GH_FRAME_MORE, 5 + 2097152, 0 },
		{ "30 ff ff ff 7f", GH_PACKET_MAX, GH_FRAME_MORE, GH_PACKET_MAX, 0 },
		{ "30 ff ff ff 7f", GH_PACKET_MAX - 1, GH_EINVAL, 0, GH_REASON_PACKET_TOO_LARGE },
		{ "30 ff ff ff 80", GH_PACKET_MAX, GH_EINVAL, 0, GH_REASON_MALFORMED_PACKET },
		{ "30 ff ff ff ff 01", GH_PACKET_MAX, GH_EINVAL, 0, GH_REASON_MALFORMED_PACKET },
		{ "c0 80 00", GH_PACKET_MAX, GH_EINVAL, 0, GH_REASON_MALFORMED_PACKET },
		{ "30 85 80 00", GH_PACKET_MAX, GH_EINVAL, 0, GH_REASON_MALFORMED_PACKET },
		{ "30 85 80 80 00", GH_PACKET_MAX, GH_EINVAL, 0, GH_REASON_MALFORMED_PACKET },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_buf buf = notation(rows[i].bytes);
		struct gh_malformed why = { 0 };
		struct gh_frame frame;

		ck_assert_msg(gh_frame(4, buf.p, buf.n, rows[i].max, &frame, &why) == rows[i].result,
			      "%s", rows[i].bytes);
		ck_assert_msg(why.reason == rows[i].reason, "%s: 0x%02x", rows[i].bytes, why.reason);
		if (rows[i].result >= 0)
			ck_assert_msg(frame.total == rows[i].total, "%s", rows[i].bytes);
		gh_buf_done(&buf);
	}
}
END_TEST

/* What the first byte may be, for each version, from the first byte alone. */
START_TEST(first_bytes)
{
	static const struct {
		unsigned version;
		uint8_t type;
		const char *flags; /* those allowed, as hexadecimal digits */
		uint8_t reason;    /* for a type that is refused whatever the flags */
	} rows[] = {
		{ 0, GH_PACKET_CONNECT, "0", 0 },
		{ 0, GH_PACKET_PUBLISH, NULL, GH_REASON_PROTOCOL_ERROR },
		{ 0, GH_PACKET_PINGREQ, NULL, GH_REASON_PROTOCOL_ERROR },
		{ 0, GH_PACKET_DISCONNECT, NULL, GH_REASON_PROTOCOL_ERROR },
		{ 0, GH_PACKET_AUTH, NULL, GH_REASON_PROTOCOL_ERROR },
		{ 0, 0, NULL, GH_REASON_MALFORMED_PACKET },
		{ 3, GH_PACKET_PUBLISH, "01234589abcd", 0 },
		{ 4, GH_PACKET_PUBLISH, "012345abcd", 0 },
		{ 5, GH_PACKET_PUBLISH, "012345abcd", 0 },
		{ 3, GH_PACKET_PUBREL, "028a", 0 },
		{ 4, GH_PACKET_PUBREL, "2", 0 },
		{ 5, GH_PACKET_PUBREL, "2", 0 },
		{ 3, GH_PACKET_SUBSCRIBE, "028a", 0 },
		{ 4, GH_PACKET_SUBSCRIBE, "2", 0 },
		{ 5, GH_PACKET_SUBSCRIBE, "2", 0 },
		{ 3, GH_PACKET_UNSUBSCRIBE, "028a", 0 },
		{ 4, GH_PACKET_UNSUBSCRIBE, "2", 0 },
		{ 5, GH_PACKET_UNSUBSCRIBE, "2", 0 },
		{ 3, GH_PACKET_PUBACK, "0", 0 },
		{ 4, GH_PACKET_PUBACK, "0", 0 },
		{ 4, GH_PACKET_PUBREC, "0", 0 },
		{ 4, GH_PACKET_PUBCOMP, "0", 0 },
		{ 4, GH_PACKET_PINGREQ, "0", 0 },
		{ 4, GH_PACKET_DISCONNECT, "0", 0 },
		{ 5, GH_PACKET_PUBACK, "0", 0 },
		{ 5, GH_PACKET_PUBREC, "0", 0 },
		{ 5, GH_PACKET_PUBCOMP, "0", 0 },
		{ 5, GH_PACKET_PINGREQ, "0", 0 },
		{ 5, GH_PACKET_DISCONNECT, "0", 0 },
		{ 5, GH_PACKET_AUTH, "0", 0 },
		{ 3, GH_PACKET_AUTH, NULL, GH_REASON_PROTOCOL_ERROR },
		{ 4, GH_PACKET_AUTH, NULL, GH_REASON_PROTOCOL_ERROR },
		{ 3, GH_PACKET_CONNECT, NULL, GH_REASON_PROTOCOL_ERROR },
		{ 4, GH_PACKET_CONNECT, NULL, GH_REASON_PROTOCOL_ERROR },
		{ 5, GH_PACKET_CONNECT, NULL, GH_REASON_PROTOCOL_ERROR },
		{ 5, GH_PACKET_CONNACK, NULL, GH_REASON_PROTOCOL_ERROR },
		{ 5, GH_PACKET_SUBACK, NULL, GH_REASON_PROTOCOL_ERROR },
		{ 5, GH_PACKET_UNSUBACK, NULL, GH_REASON_PROTOCOL_ERROR },
		{ 5, GH_PACKET_PINGRESP, NULL, GH_REASON_PROTOCOL_ERROR },
		{ 4, 0, NULL, GH_REASON_MALFORMED_PACKET },
		{ 5, 0, NULL, GH_REASON_MALFORMED_PACKET },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		for (unsigned flags = 0; flags < 16; flags++) {
			uint8_t byte = (uint8_t)(rows[i].type << 4 | flags);
			struct gh_malformed why = { 0 };
			struct gh_frame frame;
			int result = gh_frame(rows[i].version, &byte, 1, 100, &frame, &why);
			bool good = rows[i].flags && strchr(rows[i].flags, "0123456789abcdef"[flags]);

			ck_assert_msg(result == (good ? GH_FRAME_MORE : GH_EINVAL),
				      "version %u byte 0x%02x", rows[i].version, byte);
			if (!good)
				ck_assert_uint_eq(why.reason, rows[i].reason
								      ? rows[i].reason
								      : GH_REASON_MALFORMED_PACKET);
		}
	}
}
END_TEST

START_TEST(acknowledgements)
{
	static const struct {
		unsigned version;
		const char *packet;
		uint8_t type;
		uint16_t id;
		uint8_t reason;
		const char *text; /* reason string */
	} rows[] = {
		{ 3, "40 [ 0001 ]", GH_PACKET_PUBACK, 1, 0, NULL },
		{ 4, "40 [ ffff ]", GH_PACKET_PUBACK, 65535, 0, NULL },
		{ 4, "50 [ 0102 ]", GH_PACKET_PUBREC, 258, 0, NULL },
		{ 3, "6a [ 0102 ]", GH_PACKET_PUBREL, 258, 0, NULL },
		{ 4, "62 [ 0102 ]", GH_PACKET_PUBREL, 258, 0, NULL },
		{ 4, "70 [ 0102 ]", GH_PACKET_PUBCOMP, 258, 0, NULL },
		{ 5, "40 [ 0001 ]", GH_PACKET_PUBACK, 1, 0, NULL },
		{ 5, "40 [ 0001 10 ]", GH_PACKET_PUBACK, 1, 0x10, NULL },
		{ 5, "40 [ 0001 87 [] ]", GH_PACKET_PUBACK, 1, 0x87, NULL },
		{ 5, "40 [ 0001 87 [ 1f 'no' ] ]", GH_PACKET_PUBACK, 1, 0x87, "no" },
		{ 5, "50 [ 0001 99 [ 26 'k' 'v' 1f '' 26 'k' 'v' ] ]", GH_PACKET_PUBREC, 1, 0x99, "" },
		{ 5, "62 [ 0001 92 [ 1f 'gone' ] ]", GH_PACKET_PUBREL, 1, 0x92, "gone" },
		{ 5, "70 [ 0001 00 [ 1f 'ok' ] ]", GH_PACKET_PUBCOMP, 1, 0, "ok" },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_frame frame = frame_of(rows[i].version, rows[i].packet);
		struct gh_malformed why = { 0 };
		struct gh_packet_ack ack;

		ck_assert_msg(gh_decode_ack(rows[i].version, &frame, &ack, &why) == 0, "%s: %s",
			      rows[i].packet, why.text);
		ck_assert_msg(ack.type == rows[i].type && ack.packet_id == rows[i].id, "%s",
			      rows[i].packet);
		ck_assert_msg(ack.reason == rows[i].reason, "%s", rows[i].packet);
		ck_assert_msg(ack.explanation.has_reason_string == (rows[i].text != NULL), "%s",
			      rows[i].packet);
		if (rows[i].text)
			ck_assert(gh_str_is(ack.explanation.reason_string, rows[i].text));
	}
}
END_TEST

START_TEST(acknowledgements_refused)
{
	static const struct refusal rows[] = {
		{ 4, "40 []", GH_REASON_MALFORMED_PACKET },
		{ 4, "40 [ 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "40 [ 0001 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 3, "62 [ 0001 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "40 [ 0000 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "40 [ 0000 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "40 []", GH_REASON_MALFORMED_PACKET },
		{ 5, "40 [ 01 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "40 [ 0001 00 [] 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "40 [ 0001 00 01 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "40 [ 0001 00 80 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "40 [ 0001 00 8000 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "40 [ 0001 00 [ 1f 'x' 1f 'x' ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "40 [ 0001 00 [ 1f 0002 ff fe ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "40 [ 0001 00 [ 1f 0005 00 ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "40 [ 0001 00 [ 26 'k' ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "40 [ 0001 00 [ 23 0001 ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "40 [ 0001 00 [ 00 ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "40 [ 0001 92 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "40 [ 0001 01 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "50 [ 0001 92 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "62 [ 0001 10 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "70 [ 0001 80 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "70 [ 0001 ff ]", GH_REASON_PROTOCOL_ERROR },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_frame frame = frame_of(rows[i].version, rows[i].packet);
		struct gh_malformed why = { 0 };
		struct gh_packet_ack ack;

		refused(&rows[i], gh_decode_ack(rows[i].version, &frame, &ack, &why), &why);
	}
}
END_TEST

START_TEST(pings)
{
	struct gh_frame good = frame_of(4, "c0 00"), bad = frame_of(4, "c0 [ 00 ]");
	struct gh_malformed why = { 0 };

	ck_assert_int_eq(gh_decode_pingreq(&good, &why), 0);
	ck_assert_int_eq(gh_decode_pingreq(&bad, &why), GH_EINVAL);
	ck_assert_uint_eq(why.reason, GH_REASON_MALFORMED_PACKET);
}
END_TEST

START_TEST(disconnects)
{
	static const struct {
		unsigned version;
		const char *packet;
		uint8_t reason;
		int64_t session_expiry; /* -1: absent */
		const char *text;
	} rows[] = {
		{ 3, "e0 00", 0, -1, NULL },
		{ 4, "e0 00", 0, -1, NULL },
		{ 5, "e0 00", 0, -1, NULL },
		{ 5, "e0 [ 04 ]", 4, -1, NULL },
		{ 5, "e0 [ 04 [] ]", 4, -1, NULL },
		{ 5, "e0 [ 00 [ 1f 'bye' ] ]", 0, -1, "bye" },
		{ 5, "e0 [ 00 [ 11 00000000 ] ]", 0, 0, NULL },
		{ 5, "e0 [ 99 [ 1f 'bye' 26 'k' 'v' 11 ffffffff ] ]", 0x99, UINT32_MAX, "bye" },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_frame frame = frame_of(rows[i].version, rows[i].packet);
		struct gh_malformed why = { 0 };
		struct gh_packet_disconnect got;

		ck_assert_msg(gh_decode_disconnect(rows[i].version, &frame, &got, &why) == 0,
			      "%s: %s", rows[i].packet, why.text);
		ck_assert_uint_eq(got.reason, rows[i].reason);
		ck_assert_int_eq(got.has_session_expiry ? (int64_t)got.session_expiry : -1,
				 rows[i].session_expiry);
		ck_assert(got.explanation.has_reason_string == (rows[i].text != NULL));
		if (rows[i].text)
			ck_assert(gh_str_is(got.explanation.reason_string, rows[i].text));
	}
}
END_TEST

START_TEST(disconnects_refused)
{
	static const struct refusal rows[] = {
		{ 3, "e0 [ 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "e0 [ 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "e0 [ 01 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "e0 [ 8b ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "e0 [ 8e [] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "e0 [ 00 [] 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "e0 [ 00 05 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "e0 [ 00 [ 11 000000 ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "e0 [ 00 [ 11 00000000 11 00000000 ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "e0 [ 00 [ 1c 'elsewhere' ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "e0 [ 00 [ 21 0001 ] ]", GH_REASON_MALFORMED_PACKET },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_frame frame = frame_of(rows[i].version, rows[i].packet);
		struct gh_malformed why = { 0 };
		struct gh_packet_disconnect got;

		refused(&rows[i], gh_decode_disconnect(rows[i].version, &frame, &got, &why), &why);
	}
}
END_TEST

START_TEST(auths)
{
	struct gh_frame first = frame_of(5, "f0 [ 18 [ 15 'SCRAM' 16 0003 00 ff 01 ] ]");
	struct gh_frame again = frame_of(5, "f0 [ 19 [ 1f 'hm' 26 'k' 'v' 15 'X' ] ]");
	struct gh_malformed why;
	struct gh_packet_auth auth;

	ck_assert_int_eq(gh_decode_auth(&first, &auth, &why), 0);
	ck_assert_uint_eq(auth.reason, GH_REASON_CONTINUE_AUTHENTICATION);
	ck_assert(gh_str_is(auth.method, "SCRAM"));
	ck_assert(auth.has_data && auth.data.n == 3 && memcmp(auth.data.p, "\0\xff\1", 3) == 0);
	ck_assert(!auth.explanation.has_reason_string);

	ck_assert_int_eq(gh_decode_auth(&again, &auth, &why), 0);
	ck_assert_uint_eq(auth.reason, GH_REASON_REAUTHENTICATE);
	ck_assert(!auth.has_data);
	ck_assert(gh_str_is(auth.explanation.reason_string, "hm"));
}
END_TEST

START_TEST(auths_refused)
{
	static const struct refusal rows[] = {
		{ 5, "f0 00", GH_REASON_PROTOCOL_ERROR },
		{ 5, "f0 [ 18 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "f0 [ 18 [] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "f0 [ 18 [ 16 'data' ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "f0 [ 00 [ 15 'X' ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "f0 [ 87 [ 15 'X' ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "f0 [ 18 [ 15 'X' 15 'X' ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "f0 [ 18 [ 15 'X' 16 'X' 16 'X' ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "f0 [ 18 [ 15 'X' ] 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "f0 [ 18 09 15 'X' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "f0 [ 18 [ 15 0001 80 ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "f0 [ 18 [ 15 'X' 11 00000000 ] ]", GH_REASON_MALFORMED_PACKET },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_frame frame = frame_of(5, rows[i].packet);
		struct gh_malformed why = { 0 };
		struct gh_packet_auth auth;

		refused(&rows[i], gh_decode_auth(&frame, &auth, &why), &why);
	}
}
END_TEST

GH_TEST_MAIN("mqtt/decode", frames_grow_byte_by_byte, frame_lengths, first_bytes, acknowledgements,
	     acknowledgements_refused, pings, disconnects, disconnects_refused, auths, auths_refused)
