/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "mqtt/notation.h"

static struct gh_packet_subscribe subscribe(unsigned version, const char *packet)
{
	struct gh_frame frame = frame_of(version, packet);
	struct gh_malformed why = { 0, "" };
	struct gh_packet_subscribe got;

	ck_assert_msg(gh_decode_subscribe(version, &frame, &got, &why) == 0, "%s: %s", packet,
		      why.text);
	return got;
}

static struct gh_packet_unsubscribe unsubscribe(unsigned version, const char *packet)
{
	struct gh_frame frame = frame_of(version, packet);
	struct gh_malformed why = { 0, "" };
	struct gh_packet_unsubscribe got;

	ck_assert_msg(gh_decode_unsubscribe(version, &frame, &got, &why) == 0, "%s: %s", packet,
		      why.text);
	return got;
}

START_TEST(subscribes_of_3)
{
	for (unsigned version = 3; version <= 4; version++) {
		struct gh_packet_subscribe s =
			subscribe(version, "82 [ 000a 'a/#' 00 '+' 01 '$SYS/+' 02 ]");
		static const char *const filters[] = { "a/#", "+", "$SYS/+" };
		struct gh_subscription got;

		ck_assert_uint_eq(s.packet_id, 10);
		ck_assert_uint_eq(s.count, 3);
		ck_assert_uint_eq(s.subscription_id, 0);
		for (uint8_t i = 0; i < 3; i++) {
			ck_assert(gh_subscription_next(&s.filters, &got));
			ck_assert(gh_str_is(got.filter, filters[i]));
			ck_assert_uint_eq(got.qos, i);
			ck_assert(!got.no_local && !got.retain_as_published);
			ck_assert_uint_eq(got.retain_handling, 0);
		}
		ck_assert(!gh_subscription_next(&s.filters, &got));
	}
}
END_TEST

START_TEST(subscribes_of_5)
{
	struct gh_packet_subscribe s = subscribe(5, "82 [ ffff [ 26 'k' 'v' 0b ffffff7f 26 'k' 'v' ]"
						    " 'a' 2e '$share/g/#' 19 ]");
	struct gh_subscription got;

	ck_assert_uint_eq(s.packet_id, 65535);
	ck_assert_uint_eq(s.count, 2);
	ck_assert_uint_eq(s.subscription_id, 268435455);
	ck_assert_uint_eq(s.properties.n, 19);

	ck_assert(gh_subscription_next(&s.filters, &got));
	ck_assert(gh_str_is(got.filter, "a"));
	ck_assert(got.qos == 2 && got.no_local && got.retain_as_published && got.retain_handling == 2);
	ck_assert(gh_subscription_next(&s.filters, &got));
	ck_assert(gh_str_is(got.filter, "$share/g/#"));
	ck_assert(got.qos == 1 && !got.no_local && got.retain_as_published &&
		  got.retain_handling == 1);
	ck_assert(!gh_subscription_next(&s.filters, &got));

	s = subscribe(5, "82 [ 0001 [] 'a' 00 ]");
	ck_assert_uint_eq(s.subscription_id, 0);
	s = subscribe(5, "82 [ 0001 [ 0b 01 ] 'a' 00 ]");
	ck_assert_uint_eq(s.subscription_id, 1);
}
END_TEST

START_TEST(subscribes_refused)
{
	static const struct refusal rows[] = {
		{ 4, "82 []", GH_REASON_MALFORMED_PACKET },
		{ 4, "82 [ 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "82 [ 0000 'a' 00 ]", GH_REASON_PROTOCOL_ERROR },
		{ 3, "82 [ 0001 ]", GH_REASON_PROTOCOL_ERROR },
		{ 4, "82 [ 0001 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "82 [ 0001 [] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "82 [ 0001 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "82 [ 0001 'a' ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "82 [ 0001 'a' 00 'b' ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "82 [ 0001 'a' 00 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "82 [ 0001 0003 61 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "82 [ 0001 0001 ff 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "82 [ 0001 0001 00 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "82 [ 0001 '' 00 ]", GH_REASON_FILTER_INVALID },
		{ 5, "82 [ 0001 [] '' 00 ]", GH_REASON_FILTER_INVALID },
		{ 4, "82 [ 0001 'a#' 00 ]", GH_REASON_FILTER_INVALID },
		{ 4, "82 [ 0001 'a/#/b' 00 ]", GH_REASON_FILTER_INVALID },
		{ 5, "82 [ 0001 [] 'ok' 00 'a+' 00 ]", GH_REASON_FILTER_INVALID },
		{ 5, "82 [ 0001 [] '$share/g' 00 ]", GH_REASON_FILTER_INVALID },
		{ 5, "82 [ 0001 [] '$share//a' 00 ]", GH_REASON_FILTER_INVALID },
		{ 5, "82 [ 0001 [] '$share/+/a' 00 ]", GH_REASON_FILTER_INVALID },
		{ 3, "82 [ 0001 'a' 03 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "82 [ 0001 'a' 03 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "82 [ 0001 [] 'a' 03 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "82 [ 0001 'a' 04 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "82 [ 0001 'a' 10 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "82 [ 0001 'a' 80 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "82 [ 0001 [] 'a' 40 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "82 [ 0001 [] 'a' 80 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "82 [ 0001 [] 'a' 30 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "82 [ 0001 [] '$share/g/a' 04 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "82 [ 0001 [ 0b 00 ] 'a' 00 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "82 [ 0001 [ 0b 01 0b 02 ] 'a' 00 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "82 [ 0001 [ 0b ffffffff01 ] 'a' 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "82 [ 0001 [ 0b 8100 ] 'a' 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "82 [ 0001 [ 1f 'x' ] 'a' 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "82 [ 0001 [ 23 0001 ] 'a' 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 5, "82 [ 0001 30 'a' 00 ]", GH_REASON_MALFORMED_PACKET },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_frame frame = frame_of(rows[i].version, rows[i].packet);
		struct gh_malformed why = { 0 };
		struct gh_packet_subscribe got;

		refused(&rows[i], gh_decode_subscribe(rows[i].version, &frame, &got, &why), &why);
	}
}
END_TEST

START_TEST(unsubscribes)
{
	static const struct {
		unsigned version;
		const char *packet;
	} rows[] = {
		{ 3, "a2 [ 0102 'a/#' '$share/g/b' ]" },
		{ 4, "a2 [ 0102 'a/#' '$share/g/b' ]" },
		{ 5, "a2 [ 0102 [] 'a/#' '$share/g/b' ]" },
		{ 5, "a2 [ 0102 [ 26 'k' 'v' 26 'k' 'v' ] 'a/#' '$share/g/b' ]" },
	};
	struct gh_str filter;

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_packet_unsubscribe u = unsubscribe(rows[i].version, rows[i].packet);

		ck_assert_uint_eq(u.packet_id, 258);
		ck_assert_uint_eq(u.count, 2);
		ck_assert(gh_filter_next(&u.filters, &filter) && gh_str_is(filter, "a/#"));
		ck_assert(gh_filter_next(&u.filters, &filter) && gh_str_is(filter, "$share/g/b"));
		ck_assert(!gh_filter_next(&u.filters, &filter));
	}
}
END_TEST

START_TEST(unsubscribes_refused)
{
	static const struct refusal rows[] = {
		{ 4, "a2 []", GH_REASON_MALFORMED_PACKET },
		{ 4, "a2 [ 0000 'a' ]", GH_REASON_PROTOCOL_ERROR },
		{ 3, "a2 [ 0001 ]", GH_REASON_PROTOCOL_ERROR },
		{ 4, "a2 [ 0001 ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "a2 [ 0001 [] ]", GH_REASON_PROTOCOL_ERROR },
		{ 5, "a2 [ 0001 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "a2 [ 0001 'a' 00 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "a2 [ 0001 0002 61 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "a2 [ 0001 0001 80 ]", GH_REASON_MALFORMED_PACKET },
		{ 4, "a2 [ 0001 '' ]", GH_REASON_FILTER_INVALID },
		{ 5, "a2 [ 0001 [] 'a' '#/a' ]", GH_REASON_FILTER_INVALID },
		{ 5, "a2 [ 0001 [] '$share/g/' ]", GH_REASON_FILTER_INVALID },
		{ 5, "a2 [ 0001 [ 0b 01 ] 'a' ]", GH_REASON_MALFORMED_PACKET },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_frame frame = frame_of(rows[i].version, rows[i].packet);
		struct gh_malformed why = { 0 };
		struct gh_packet_unsubscribe got;

		refused(&rows[i], gh_decode_unsubscribe(rows[i].version, &frame, &got, &why), &why);
	}
}
END_TEST

GH_TEST_MAIN("mqtt/decode_subscribe", subscribes_of_3, subscribes_of_5, subscribes_refused,
	     unsubscribes, unsubscribes_refused)
