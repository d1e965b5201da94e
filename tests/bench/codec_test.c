/* SPDX-License-Identifier: Apache-2.0 */
/* The generator's codec against bytes of the standard. */
#include "codec.h"

#include <string.h>

#include "base/test.h"

START_TEST(lengths_are_taken_or_refused)
{
	static const struct {
		const char *bytes;
		size_t len;
		ssize_t used;
		size_t body;
	} cases[] = {
		{ "", 0, 0, 0 },
		{ "\xd0", 1, 0, 0 },
		{ "\xd0\x00", 2, 2, 0 },
		{ "\x40\x02\x00", 3, 0, 0 },
		{ "\x40\x02\x00\x07", 4, 4, 2 },
		{ "\x40\x02\x00\x07\x40", 5, 4, 2 },
		{ "\x30\x80", 2, 0, 0 },
		{ "\x30\x82\x00\x00\x00", 5, 5, 2 },
		{ "\x30\xff\xff\xff\x7f", 5, 0, 0 },
		{ "\x30\xff\xff\xff\xff", 5, -1, 0 },
	};

	for (size_t i = 0; i < GH_COUNT(cases); i++) {
		struct mq_packet packet = { 0 };

		ck_assert_int_eq(mq_take((const uint8_t *)cases[i].bytes, cases[i].len, &packet),
				 cases[i].used);
		ck_assert_uint_eq(packet.len, cases[i].body);
	}
}
END_TEST

START_TEST(a_publish_reads_back)
{
	const struct mq_publish sent = { .qos = 2,
					 .retain = true,
					 .packet_id = 0x1234,
					 .topic = "a/b",
					 .topic_len = 3,
					 .payload = (const uint8_t *)"xyz",
					 .payload_len = 3 };
	static const uint8_t wire[] = "\x35\x0a\x00\x03"
				      "a/b\x12\x34xyz";
	uint8_t bytes[32];
	struct mq_packet packet;
	struct mq_publish got;

	ck_assert_uint_eq((size_t)(mq_put_publish(bytes, &sent) - bytes), sizeof(wire) - 1);
	ck_assert_mem_eq(bytes, wire, sizeof(wire) - 1);
	ck_assert_int_eq(mq_take(bytes, sizeof(bytes), &packet), sizeof(wire) - 1);
	ck_assert_int_eq(mq_parse_publish(&packet, &got), 0);
	ck_assert_uint_eq(got.qos, 2);
	ck_assert(got.retain);
	ck_assert_uint_eq(got.packet_id, 0x1234);
	ck_assert_uint_eq(got.topic_len, 3);
	ck_assert_mem_eq(got.payload, "xyz", 3);
	ck_assert_uint_eq(got.payload_len, 3);
}
END_TEST

START_TEST(a_publish_too_short_for_its_topic_is_refused)
{
	static const uint8_t topic[] = "\x30\x03\x00\x05x", packet_id[] = "\x32\x04\x00\x01x\x00",
			     qos3[] = "\x36\x05\x00\x01x\x00\x01";
	const uint8_t *const wire[] = { topic, packet_id, qos3 };

	for (size_t i = 0; i < GH_COUNT(wire); i++) {
		struct mq_packet packet;
		struct mq_publish got;

		ck_assert_int_eq(mq_take(wire[i], 2u + wire[i][1], &packet), 2 + wire[i][1]);
		ck_assert_int_eq(mq_parse_publish(&packet, &got), -1);
	}
}
END_TEST

START_TEST(connect_and_acks_are_the_standards_bytes)
{
	static const uint8_t connect[] = "\x10\x0e\x00\x04MQTT\x04\x02\x0e\x10\x00\x02"
					 "ab",
			     pubrel[] = "\x62\x02\x01\x02", puback[] = "\x40\x02\x01\x02";
	uint8_t bytes[32];

	ck_assert_uint_eq((size_t)(mq_put_connect(bytes, "ab") - bytes), sizeof(connect) - 1);
	ck_assert_mem_eq(bytes, connect, sizeof(connect) - 1);
	mq_put_ack(bytes, MQ_PUBREL, 0x0102);
	ck_assert_mem_eq(bytes, pubrel, sizeof(pubrel) - 1);
	mq_put_ack(bytes, MQ_PUBACK, 0x0102);
	ck_assert_mem_eq(bytes, puback, sizeof(puback) - 1);
}
END_TEST

GH_TEST_MAIN("tests/bench/codec", lengths_are_taken_or_refused, a_publish_reads_back,
	     a_publish_too_short_for_its_topic_is_refused, connect_and_acks_are_the_standards_bytes)
