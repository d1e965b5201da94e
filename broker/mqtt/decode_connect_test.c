/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "mqtt/notation.h"

#define V5 "'MQTT' 05 02 003c "

static struct gh_packet_connect decoded(const char *packet)
{
	struct gh_frame frame = frame_of(0, packet);
	struct gh_malformed why = { 0, "" };
	struct gh_packet_connect connect;

	ck_assert_msg(gh_decode_connect(&frame, &connect, &why) == 0, "%s: %s", packet, why.text);
	return connect;
}

START_TEST(least)
{
	static const struct {
		const char *packet;
		uint8_t version;
		uint32_t session_expiry;
	} rows[] = {
		{ "10 [ 'MQIsdp' 03 02 0000 'c' ]", GH_MQTT_3_1, 0 },
		{ "10 [ 'MQIsdp' 03 00 0000 'c' ]", GH_MQTT_3_1, UINT32_MAX },
		{ "10 [ 'MQTT' 04 02 0000 '' ]", GH_MQTT_3_1_1, 0 },
		{ "10 [ 'MQTT' 04 00 0000 'c' ]", GH_MQTT_3_1_1, UINT32_MAX },
		{ "10 [ 'MQTT' 05 02 0000 [] '' ]", GH_MQTT_5, 0 },
		{ "10 [ 'MQTT' 05 00 0000 [] '' ]", GH_MQTT_5, 0 },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_packet_connect c = decoded(rows[i].packet);

		ck_assert_msg(c.version == rows[i].version, "%s", rows[i].packet);
		ck_assert_msg(c.session_expiry == rows[i].session_expiry, "%s", rows[i].packet);
		ck_assert(!c.has_will && !c.has_username && !c.has_password);
		ck_assert(!c.has_auth_method && !c.has_auth_data && !c.has_maximum_packet_size);
		ck_assert(c.problem_info && !c.response_info);
		ck_assert_uint_eq(c.receive_maximum, 65535);
		ck_assert_uint_eq(c.topic_alias_maximum, 0);
		ck_assert_uint_eq(c.maximum_packet_size, GH_PACKET_MAX);
		ck_assert_uint_eq(c.properties.n, 0);
	}
}
END_TEST

START_TEST(all_of_3)
{
	static const char *const packets[] = {
		"10 [ 'MQTT' 04 f6 1234 'client' 'will/topic' 'gone' 'user' 'secret' ]",
		"10 [ 'MQIsdp' 03 f6 1234 'client' 'will/topic' 'gone' 'user' 'secret' ]",
	};

	for (size_t i = 0; i < GH_COUNT(packets); i++) {
		struct gh_packet_connect c = decoded(packets[i]);

		ck_assert(c.clean_start && c.has_will && c.has_username && c.has_password);
		ck_assert_uint_eq(c.keep_alive, 0x1234);
		ck_assert(gh_str_is(c.client_id, "client"));
		ck_assert(gh_str_is(c.will.topic, "will/topic"));
		ck_assert(bytes_are(c.will.payload, "gone"));
		ck_assert_uint_eq(c.will.qos, 2);
		ck_assert(c.will.retain);
		ck_assert_uint_eq(c.will.properties.raw.n, 0);
		ck_assert_uint_eq(c.will.properties.will_delay, 0);
		ck_assert(!c.will.properties.has_expiry);
		ck_assert(gh_str_is(c.username, "user"));
		ck_assert(bytes_are(c.password, "secret"));
	}
}
END_TEST

START_TEST(all_of_5)
{
	struct gh_packet_connect c = decoded(
		"10 [ 'MQTT' 05 ee 0001"
		"  [ 11 0000000a 21 0014 27 00001000 22 0005 19 01 17 00 26 'k' 'v' 15 'M' 16 'D' 26 'k' 'w' ]"
		"  'id'"
		"  [ 18 00000007 01 01 02 0000003c 03 'text/plain' 08 're/ply' 09 'corr' 26 'a' 'b' 26 'a' 'c' ]"
		"  'w' '' '' '' ]");

	ck_assert_uint_eq(c.session_expiry, 10);
	ck_assert_uint_eq(c.receive_maximum, 20);
	ck_assert(c.has_maximum_packet_size);
	ck_assert_uint_eq(c.maximum_packet_size, 4096);
	ck_assert_uint_eq(c.topic_alias_maximum, 5);
	ck_assert(c.response_info && !c.problem_info);
	ck_assert(c.has_auth_method && gh_str_is(c.auth_method, "M"));
	ck_assert(c.has_auth_data && bytes_are(c.auth_data, "D"));
	ck_assert_uint_eq(c.properties.n, 5 + 3 + 5 + 3 + 2 + 2 + 7 + 4 + 4 + 7);

	ck_assert(c.has_will && c.will.qos == 1 && c.will.retain);
	ck_assert_uint_eq(c.will.payload.n, 0);
	ck_assert_uint_eq(c.will.properties.will_delay, 7);
	ck_assert(c.will.properties.is_text);
	ck_assert(c.will.properties.has_expiry && c.will.properties.expiry == 60);
	ck_assert(c.will.properties.has_content_type);
	ck_assert(gh_str_is(c.will.properties.content_type, "text/plain"));
	ck_assert(c.will.properties.has_response_topic);
	ck_assert(gh_str_is(c.will.properties.response_topic, "re/ply"));
	ck_assert(c.will.properties.has_correlation);
	ck_assert(bytes_are(c.will.properties.correlation, "corr"));
	ck_assert_uint_eq(c.will.properties.user_count, 2);
	ck_assert_uint_eq(c.will.properties.raw.n - c.will.properties.forward_n, 10);

	ck_assert(c.has_username && c.username.n == 0);
	ck_assert(c.has_password && c.password.n == 0);
}
END_TEST

/* A password is bytes, and MQTT 5 takes one without a user name. */
START_TEST(passwords)
{
	struct gh_packet_connect c = decoded("10 [ 'MQTT' 05 42 0000 [] '' 0004 00ff8000 ]");

	ck_assert(!c.has_username && c.has_password);
	ck_assert_uint_eq(c.password.n, 4);
	ck_assert_int_eq(memcmp(c.password.p, "\0\xff\x80\0", 4), 0);
}
END_TEST

/* 3.1: user name and password may be missing in spite of their flags; flags without meaning
 * don't matter. */
START_TEST(leniency_of_3_1)
{
	struct gh_packet_connect c = decoded("10 [ 'MQIsdp' 03 c2 0000 'c' ]");

	ck_assert(!c.has_username && !c.has_password);
	c = decoded("10 [ 'MQIsdp' 03 c2 0000 'c' 'user' ]");
	ck_assert(c.has_username && !c.has_password);
	c = decoded("10 [ 'MQIsdp' 03 33 0000 'c' ]");
	ck_assert(!c.has_will && c.will.qos == 0 && !c.will.retain);
	c = decoded("10 [ 'MQIsdp' 03 02 0000 'a client id of more than 23' ]");
	ck_assert_uint_eq(c.client_id.n, 27);
}
END_TEST

START_TEST(largest_packet_size)
{
	struct gh_packet_connect c = decoded("10 [ " V5 "[ 27 ffffffff ] '' ]");

	ck_assert(c.has_maximum_packet_size);
	ck_assert_uint_eq(c.maximum_packet_size, GH_PACKET_MAX);
}
END_TEST

START_TEST(every_cut_refused)
{
	struct gh_frame frame = frame_of(0, "10 [ 'MQTT' 05 ee 0001 [ 11 0000000a 26 'k' 'v' ] 'id'"
					    " [ 18 00000007 ] 'w' 'payload' 'user' 'password' ]");
	struct gh_malformed why;
	struct gh_packet_connect connect;

	for (size_t n = 0; n < frame.body.n; n++) {
		struct gh_frame cut = { GH_PACKET_CONNECT, 0, n, { exactly(frame.body.p, n), n } };

		ck_assert_int_eq(gh_decode_connect(&cut, &connect, &why), GH_EINVAL);
	}
}
END_TEST

START_TEST(connects_refused)
{
	/* version: what the answer is encoded in, 0: none */
	static const struct refusal rows[] = {
		{ 0, "10 []", GH_REASON_MALFORMED_PACKET },
		{ 0, "10 [ 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 0, "10 [ 'MQTT' ]", GH_REASON_MALFORMED_PACKET },
		{ 0, "10 [ 0004 d0d0d0d0 04 02 0000 '' ]", GH_REASON_MALFORMED_PACKET },
		{ 0, "10 [ 'mqtt' 04 02 0000 '' ]", GH_REASON_UNSUPPORTED_VERSION },
		{ 0, "10 [ 'MQTTX' 04 02 0000 '' ]", GH_REASON_UNSUPPORTED_VERSION },
		{ 0, "10 [ '' 04 02 0000 '' ]", GH_REASON_UNSUPPORTED_VERSION },
		{ 3, "10 [ 'MQIsdp' 04 02 0000 'c' ]", GH_REASON_UNSUPPORTED_VERSION },
		{ 4, "10 [ 'MQTT' 03 02 0000 '' ]", GH_REASON_UNSUPPORTED_VERSION },
		{ 4, "10 [ 'MQTT' 00 02 0000 '' ]", GH_REASON_UNSUPPORTED_VERSION },
		{ 4, "10 [ 'MQTT' 84 02 0000 '' ]", GH_REASON_UNSUPPORTED_VERSION },
		{ 5, "10 [ 'MQTT' 06 02 0000 '' ]", GH_REASON_UNSUPPORTED_VERSION },
		{ 5, "10 [ 'MQTT' ff ]", GH_REASON_UNSUPPORTED_VERSION },
		/* flags */
		{ 4, "10 [ 'MQTT' 04 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 02 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 03 0000 '' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ 'MQTT' 05 01 0000 [] '' ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 1e 0000 '' 't' 'p' ]", GH_REASON_MALFORMED_PACKET },
		{ 3, "10 [ 'MQIsdp' 03 1e 0000 'c' 't' 'p' ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 0a 0000 '' ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 12 0000 '' ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 22 0000 '' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ 'MQTT' 05 0a 0000 [] '' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ 'MQTT' 05 22 0000 [] '' ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 42 0000 '' 'pw' ]", GH_REASON_MALFORMED_PACKET },
		{ 3, "10 [ 'MQIsdp' 03 42 0000 'c' 'pw' ]", GH_REASON_MALFORMED_PACKET },
		/* client id */
		{ 4, "10 [ 'MQTT' 04 02 0000 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 02 0000 0002 63 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 02 0000 0001 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 02 0000 0003 eda080 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 02 0000 0002 c0af ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 00 0000 '' ]", GH_REASON_CLIENT_ID_INVALID },
		{ 3, "10 [ 'MQIsdp' 03 02 0000 '' ]", GH_REASON_CLIENT_ID_INVALID },
		/* will */
		{ 4, "10 [ 'MQTT' 04 06 0000 '' ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 06 0000 '' 't' ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 06 0000 '' 't' 0001 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 06 0000 '' 0001 ff 'p' ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 06 0000 '' '' 'p' ]", GH_REASON_TOPIC_INVALID },
		{ 4, "10 [ 'MQTT' 04 06 0000 '' 'a/#' 'p' ]", GH_REASON_TOPIC_INVALID },
		{ 5, "10 [ 'MQTT' 05 06 0000 [] '' [] 'a/+' 'p' ]", GH_REASON_TOPIC_INVALID },
		{ 5, "10 [ 'MQTT' 05 06 0000 [] '' 05 't' 'p' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ 'MQTT' 05 06 0000 [] '' [ 23 0001 ] 't' 'p' ]",
		  GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ 'MQTT' 05 06 0000 [] '' [ 0b 01 ] 't' 'p' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ 'MQTT' 05 06 0000 [] '' [ 11 00000000 ] 't' 'p' ]",
		  GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ 'MQTT' 05 06 0000 [] '' [ 01 02 ] 't' 'p' ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "10 [ 'MQTT' 05 06 0000 [] '' [ 01 00 01 00 ] 't' 'p' ]",
		  GH_REASON_PROTOCOL_ERROR },
		{ 5, "10 [ 'MQTT' 05 06 0000 [] '' [ 08 'a/#' ] 't' 'p' ]", GH_REASON_PROTOCOL_ERROR },
		/* credentials */
		{ 4, "10 [ 'MQTT' 04 c2 0000 '' ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 c2 0000 '' 'u' ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 82 0000 '' 0002 ffff ]", GH_REASON_MALFORMED_PACKET },
		{ 3, "10 [ 'MQIsdp' 03 c2 0000 'c' 0005 75 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "10 [ 'MQTT' 04 c2 0000 '' 'u' 'p' 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 3, "10 [ 'MQIsdp' 03 02 0000 'c' 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ 'MQTT' 05 02 0000 [] '' 'left over' ]", GH_REASON_MALFORMED_PACKET },
		/* properties */
		{ 5, "10 [ 'MQTT' 05 02 0000 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ " V5 "7f '' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ " V5 "80 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ " V5 "8000 '' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ " V5 "ffffffff01 '' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ " V5 "[ 21 0000 ] '' ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "10 [ " V5 "[ 27 00000000 ] '' ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "10 [ " V5 "[ 17 02 ] '' ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "10 [ " V5 "[ 19 02 ] '' ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "10 [ " V5 "[ 16 'data' ] '' ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "10 [ " V5 "[ 11 00000001 11 00000001 ] '' ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "10 [ " V5 "[ 21 0001 21 0001 ] '' ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "10 [ " V5 "[ 22 0001 22 0001 ] '' ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "10 [ " V5 "[ 15 'M' 15 'M' ] '' ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "10 [ " V5 "[ 15 0001 00 ] '' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ " V5 "[ 26 0001 ff 'v' ] '' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ " V5 "[ 26 'k' 0001 ff ] '' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ " V5 "[ 18 00000001 ] '' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ " V5 "[ 1f 'why' ] '' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "10 [ " V5 "[ 05 00 ] '' ]", GH_REASON_MALFORMED_PACKET },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_frame frame = frame_of(0, rows[i].packet);
		struct gh_malformed why = { 0 };
		struct gh_packet_connect connect;

		refused(&rows[i], gh_decode_connect(&frame, &connect, &why), &why);
		ck_assert_msg(connect.version == rows[i].version, "%s: answer in %u",
			      rows[i].packet, connect.version);
	}
}
END_TEST

GH_TEST_MAIN("mqtt/decode_connect", least, all_of_3, all_of_5, passwords, leniency_of_3_1,
	     largest_packet_size, every_cut_refused, connects_refused)
