/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "mqtt/encode.h"
#include "mqtt/notation.h"
#include "mqtt/property.h"

/* Head and payload of so many 'x', as `want` says. */
static void encodes(struct gh_publish_head head, const char *want)
{
	struct gh_buf wanted = notation(want);
	size_t total, n = gh_publish_head_size(&head, &total);
	uint8_t *out = malloc(n);

	ck_assert_msg(total == wanted.n && n == total - head.payload_n, "%s: %zu bytes", want, total);
	ck_assert_uint_eq(gh_publish_head_write(&head, out), n);
	ck_assert_msg(memcmp(out, wanted.p, n) == 0, "%s", want);
	free(out);
	gh_buf_done(&wanted);
}

START_TEST(heads)
{
	static const uint32_t ids[] = { 1, 128, 268435455 };
	struct gh_publish_head head = { .version = 4, .topic = gh_str("a/b"), .payload_n = 2 };

	encodes(head, "30 [ 'a/b' <xx> ]");
	head.version = 3;
	encodes(head, "30 [ 'a/b' <xx> ]");
	head.version = 5;
	encodes(head, "30 [ 'a/b' [] <xx> ]");
	head.retain = true;
	head.qos = 1;
	head.packet_id = 0x0102;
	encodes(head, "33 [ 'a/b' 0102 [] <xx> ]");
	head.dup = true;
	head.qos = 2;
	encodes(head, "3d [ 'a/b' 0102 [] <xx> ]");
	head.version = 4;
	encodes(head, "3d [ 'a/b' 0102 <xx> ]");

	head.topic_alias = 9;
	head.has_expiry = true;
	head.expiry = 60;
	head.subscription_ids = ids;
	head.subscription_id_count = 3;
	head.forward = (struct gh_bytes){ "\x01\x01\x26\x00\x01k\x00\x01v", 9 };
	encodes(head, "3d [ 'a/b' 0102 <xx> ]");
	head.version = 5;
	encodes(head,
		"3d [ 'a/b' 0102 [ 23 0009 02 0000003c 0b 01 0b 8001 0b ffffff7f 01 01 26 'k' 'v' ]"
		" <xx> ]");
	head.topic = gh_str("");
	head.payload_n = 0;
	encodes(head,
		"3d [ '' 0102 [ 23 0009 02 0000003c 0b 01 0b 8001 0b ffffff7f 01 01 26 'k' 'v' ] ]");
}
END_TEST

/* Around each step of the remaining length. */
START_TEST(lengths)
{
	static const struct {
		size_t payload_n, total;
	} rows[] = {
		{ 124, 129 },
		{ 125, 131 },
		{ 16380, 16386 },
		{ 16381, 16388 },
		{ 2097148, 2097155 },
		{ 2097149, 2097157 },
		{ 268435452, GH_PACKET_MAX },
	};
	struct gh_publish_head head = { .version = 4, .topic = gh_str("a") };
	size_t total;

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		head.payload_n = rows[i].payload_n;
		ck_assert_uint_eq(gh_publish_head_size(&head, &total),
				  rows[i].total - head.payload_n);
		ck_assert_uint_eq(total, rows[i].total);
	}
	head.payload_n++;
	ck_assert_uint_eq(gh_publish_head_size(&head, &total), 0);
	head.payload_n = SIZE_MAX / 2;
	ck_assert_uint_eq(gh_publish_head_size(&head, NULL), 0);
	head = (struct gh_publish_head){ .version = 5, .topic = gh_str("a"), .payload_n = 268435452 };
	ck_assert_uint_eq(gh_publish_head_size(&head, NULL), 0);
}
END_TEST

START_TEST(patches)
{
	char topic[300];
	struct gh_packet_publish publish;
	struct gh_malformed why;
	struct gh_frame frame;

	memset(topic, 't', sizeof(topic));
	/* Topics that make remaining lengths of one and of two bytes, and lengths of topics
	 * above 255. */
	for (size_t n = 1; n <= sizeof(topic); n++) {
		struct gh_publish_head head = {
			.version = 5, .qos = 1, .packet_id = 1, .topic = { topic, n }
		};
		uint8_t out[400];
		size_t size = gh_publish_head_write(&head, out);

		gh_publish_patch(out, true, 2, true, 0xfffe);
		ck_assert_int_eq(gh_frame(5, out, size, sizeof(out), &frame, &why), GH_FRAME_WHOLE);
		ck_assert_int_eq(gh_decode_publish(5, &frame, &publish, &why), 0);
		ck_assert(publish.dup && publish.retain && publish.qos == 2);
		ck_assert_uint_eq(publish.packet_id, 0xfffe);
		ck_assert(gh_str_equal(publish.topic, head.topic));

		head.qos = 0;
		size = gh_publish_head_write(&head, out);
		gh_publish_patch(out, false, 0, true, 7);
		ck_assert_int_eq(gh_frame(5, out, size, sizeof(out), &frame, &why), GH_FRAME_WHOLE);
		ck_assert_int_eq(gh_decode_publish(5, &frame, &publish, &why), 0);
		ck_assert(!publish.dup && publish.retain && publish.qos == 0);
		ck_assert(gh_str_equal(publish.topic, head.topic));
	}
}
END_TEST

/* What comes in with properties goes out with those that are forwarded, and comes in again the
 * same. */
START_TEST(round_trip)
{
	struct gh_frame frame =
		frame_of(5, "3b [ 't/x' 0007 [ 26 'k' 'v' 01 01 02 00000064 23 0009 08 'r'"
			    " 09 'c' 03 'text' 26 'k' 'w' ] <body> ]");
	struct gh_malformed why;
	struct gh_packet_publish in, again;
	uint8_t forward[100], out[200];
	struct gh_publish_head head;
	size_t n;

	ck_assert_int_eq(gh_decode_publish(5, &frame, &in, &why), 0);
	head = (struct gh_publish_head){
		.version = 5,
		.qos = in.qos,
		.retain = in.retain,
		.packet_id = 99,
		.topic = in.topic,
		.payload_n = in.payload.n,
		.has_expiry = true,
		.expiry = in.properties.expiry - 1,
		.forward = { forward, gh_property_forward(in.properties.raw, forward) },
	};
	ck_assert_uint_eq(head.forward.n, in.properties.forward_n);
	n = gh_publish_head_write(&head, out);
	memcpy(out + n, in.payload.p, in.payload.n);
	ck_assert_int_eq(gh_frame(5, out, n + in.payload.n, sizeof(out), &frame, &why),
			 GH_FRAME_WHOLE);
	ck_assert_int_eq(gh_decode_publish(5, &frame, &again, &why), 0);
	ck_assert(gh_str_equal(again.topic, in.topic));
	ck_assert(bytes_are(again.payload, "body"));
	ck_assert(again.packet_id == 99 && again.qos == 1 && again.retain && !again.dup);
	ck_assert(again.properties.expiry == 99 && again.properties.topic_alias == 0);
	ck_assert(again.properties.is_text && again.properties.user_count == 2);
	ck_assert(gh_str_is(again.properties.response_topic, "r"));
	ck_assert(gh_str_is(again.properties.content_type, "text"));
	ck_assert(bytes_are(again.properties.correlation, "c"));
}
END_TEST

GH_TEST_MAIN("mqtt/encode_publish", heads, lengths, patches, round_trip)
