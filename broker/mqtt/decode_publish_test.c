/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "mqtt/notation.h"

static struct gh_packet_publish decoded(unsigned version, const char *packet)
{
	struct gh_frame frame = frame_of(version, packet);
	struct gh_malformed why = { 0, "" };
	struct gh_packet_publish publish;

	memset(&publish, 0xff, sizeof(publish));
	ck_assert_msg(gh_decode_publish(version, &frame, &publish, &why) == 0, "%s: %s", packet,
		      why.text);
	return publish;
}

START_TEST(publishes)
{
	static const struct {
		unsigned version;
		const char *packet;
		const char *topic, *payload;
		uint16_t packet_id;
		uint8_t qos;
		bool dup, retain;
	} rows[] = {
		{ 3, "30 [ 'a/b' <hello> ]", "a/b", "hello", 0, 0, false, false },
		{ 4, "30 [ 'a/b' <hello> ]", "a/b", "hello", 0, 0, false, false },
		{ 5, "30 [ 'a/b' [] <hello> ]", "a/b", "hello", 0, 0, false, false },
		{ 4, "31 [ 'a' ]", "a", "", 0, 0, false, true },
		{ 5, "31 [ 'a' [] ]", "a", "", 0, 0, false, true },
		{ 4, "32 [ 'a' 0001 <x> ]", "a", "x", 1, 1, false, false },
		{ 4, "3b [ 'a' ffff <x> ]", "a", "x", 65535, 1, true, true },
		{ 3, "3c [ '/' 0100 ]", "/", "", 256, 2, true, false },
		{ 5, "34 [ 'a//' 0100 [] ]", "a//", "", 256, 2, false, false },
		{ 3, "38 [ 'a' ]", "a", "", 0, 0, true, false },
		{ 4, "30 [ 0002 c3a9 <x> ]", "\xc3\xa9", "x", 0, 0, false, false },
		{ 4, "30 [ '$SYS/x' ]", "$SYS/x", "", 0, 0, false, false },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_packet_publish p = decoded(rows[i].version, rows[i].packet);

		ck_assert_msg(gh_str_is(p.topic, rows[i].topic), "%s", rows[i].packet);
		ck_assert_msg(bytes_are(p.payload, rows[i].payload), "%s", rows[i].packet);
		ck_assert_msg(p.packet_id == rows[i].packet_id && p.qos == rows[i].qos, "%s",
			      rows[i].packet);
		ck_assert_msg(p.dup == rows[i].dup && p.retain == rows[i].retain, "%s",
			      rows[i].packet);
		ck_assert_uint_eq(p.properties.raw.n, 0);
		ck_assert_uint_eq(p.properties.forward_n, 0);
		ck_assert_uint_eq(p.properties.topic_alias, 0);
		ck_assert_uint_eq(p.properties.user_count, 0);
		ck_assert(!p.properties.has_expiry && !p.properties.has_content_type);
		ck_assert(!p.properties.has_response_topic && !p.properties.has_correlation);
		ck_assert(!p.properties.is_text);
	}
}
END_TEST

START_TEST(all_properties)
{
	struct gh_packet_publish p = decoded(5, "32 [ 't' 0007 [ 26 'k' 'v' 01 01 02 00000000 23 0009"
						" 08 'r' 09 0002 00ff 03 '' 26 'k' 'v' ] <body> ]");

	ck_assert(bytes_are(p.payload, "body"));
	ck_assert(p.properties.is_text);
	ck_assert(p.properties.has_expiry);
	ck_assert_uint_eq(p.properties.expiry, 0);
	ck_assert_uint_eq(p.properties.topic_alias, 9);
	ck_assert(p.properties.has_response_topic && gh_str_is(p.properties.response_topic, "r"));
	ck_assert(p.properties.has_correlation);
	ck_assert_uint_eq(p.properties.correlation.n, 2);
	ck_assert(p.properties.has_content_type);
	ck_assert_uint_eq(p.properties.content_type.n, 0);
	ck_assert_uint_eq(p.properties.user_count, 2);
	ck_assert_uint_eq(p.properties.raw.n, 7 + 2 + 5 + 3 + 4 + 5 + 3 + 7);
	ck_assert_uint_eq(p.properties.forward_n, p.properties.raw.n - 5 - 3);
}
END_TEST

START_TEST(alias_without_topic)
{
	struct gh_packet_publish p = decoded(5, "30 [ '' [ 23 0001 ] <x> ]");

	ck_assert_uint_eq(p.topic.n, 0);
	ck_assert_uint_eq(p.properties.topic_alias, 1);
}
END_TEST

START_TEST(publishes_refused)
{
	static const struct refusal rows[] = {
		{ 4, "30 []", GH_REASON_MALFORMED_PACKET },
		{ 4, "30 [ 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "30 [ 0002 61 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "30 [ ffff 61 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "30 [ 0001 ff ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "30 [ 0001 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "30 [ 0003 eda080 [] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "30 [ 0009 <abcdefgh> 80 [] ]", GH_REASON_MALFORMED_PACKET },
		{ 3, "30 [ '' ]", GH_REASON_TOPIC_INVALID },
		{ 4, "30 [ '' <x> ]", GH_REASON_TOPIC_INVALID },
		{ 4, "30 [ 'a/#' ]", GH_REASON_TOPIC_INVALID },
		{ 5, "30 [ 'a/+/b' [] ]", GH_REASON_TOPIC_INVALID },
		{ 5, "30 [ 'a+' [] ]", GH_REASON_TOPIC_INVALID },
		{ 4, "32 [ 'a' ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "32 [ 'a' 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "32 [ 'a' 0000 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "34 [ 'a' 0000 [] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "30 [ '' [] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "30 [ 'a' ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "30 [ 'a' 05 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "30 [ 'a' 80 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "30 [ 'a' [ 23 0000 ] ]", GH_REASON_TOPIC_ALIAS_INVALID },
		{ 5, "30 [ 'a' [ 23 0001 23 0001 ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "30 [ 'a' [ 23 00 ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "30 [ 'a' [ 01 02 ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "30 [ 'a' [ 01 00 01 00 ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "30 [ 'a' [ 02 00000001 02 00000001 ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "30 [ 'a' [ 08 '' ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "30 [ 'a' [ 08 'x/#' ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "30 [ 'a' [ 08 '+' ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "30 [ 'a' [ 08 0001 ff ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "30 [ 'a' [ 09 'x' 09 'x' ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "30 [ 'a' [ 03 'x' 03 'x' ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "30 [ 'a' [ 03 0001 ff ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "30 [ 'a' [ 0b 01 ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "30 [ 'a' [ 0b 00 ] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "30 [ 'a' [ 26 'k' ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "30 [ 'a' [ 26 0001 00 'v' ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "30 [ 'a' [ 18 00000001 ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "30 [ 'a' [ 1f 'why' ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "30 [ 'a' [ 7f ] ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "30 [ 'a' [ ff ] ]", GH_REASON_MALFORMED_PACKET },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_frame frame = frame_of(rows[i].version, rows[i].packet);
		struct gh_malformed why = { 0 };
		struct gh_packet_publish publish;

		refused(&rows[i], gh_decode_publish(rows[i].version, &frame, &publish, &why), &why);
	}
}
END_TEST

GH_TEST_MAIN("mqtt/decode_publish", publishes, all_properties, alias_without_topic, publishes_refused)
