/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "mqtt/packet.h"
#include "mqtt/reason.h"

START_TEST(texts)
{
	/* Table 2-6 of MQTT 5. */
	static const uint8_t known[] = {
		0x00, 0x01, 0x02, 0x04, 0x10, 0x11, 0x18, 0x19, 0x80, 0x81, 0x82,
		0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d,
		0x8e, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98,
		0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
	};
	size_t next = 0;

	for (unsigned reason = 0; reason < 256; reason++) {
		bool is_known = next < GH_COUNT(known) && known[next] == reason;
		bool unknown = strcmp(gh_reason_text((uint8_t)reason), "unknown reason") == 0;

		ck_assert_msg(is_known != unknown, "0x%02x", reason);
		next += is_known;
	}
	ck_assert_str_eq(gh_reason_text(GH_REASON_NOT_AUTHORIZED), "not authorized");
	ck_assert_str_eq(gh_reason_text(0xa2), "wildcard subscriptions not supported");
}
END_TEST

START_TEST(return_codes)
{
	static const struct {
		uint8_t reason;
		int code;
	} rows[] = {
		{ GH_REASON_SUCCESS, 0 },
		{ GH_REASON_UNSUPPORTED_VERSION, 1 },
		{ GH_REASON_CLIENT_ID_INVALID, 2 },
		{ GH_REASON_SERVER_UNAVAILABLE, 3 },
		{ GH_REASON_SERVER_BUSY, 3 },
		{ GH_REASON_QUOTA_EXCEEDED, 3 },
		{ GH_REASON_BAD_CREDENTIALS, 4 },
		{ GH_REASON_NOT_AUTHORIZED, 5 },
		{ GH_REASON_BANNED, 5 },
		{ GH_REASON_MALFORMED_PACKET, -1 },
		{ GH_REASON_PROTOCOL_ERROR, -1 },
		{ GH_REASON_PACKET_TOO_LARGE, -1 },
		{ 0xff, -1 },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++)
		ck_assert_msg(gh_reason_return_code(rows[i].reason) == rows[i].code, "0x%02x",
			      rows[i].reason);
}
END_TEST

/* Tables 3-4 to 3-7, 3-10 (column Client) and 3-11 of MQTT 5. */
START_TEST(what_clients_may_send)
{
	static const struct {
		uint8_t type;
		const char *codes;
		size_t count;
	} rows[] = {
		{ GH_PACKET_PUBACK, "\x00\x10\x80\x83\x87\x90\x91\x97\x99", 9 },
		{ GH_PACKET_PUBREC, "\x00\x10\x80\x83\x87\x90\x91\x97\x99", 9 },
		{ GH_PACKET_PUBREL, "\x00\x92", 2 },
		{ GH_PACKET_PUBCOMP, "\x00\x92", 2 },
		{ GH_PACKET_DISCONNECT, "\x00\x04\x80\x81\x82\x83\x90\x93\x94\x95\x96\x97\x98\x99",
		  14 },
		{ GH_PACKET_AUTH, "\x18\x19", 2 },
		{ GH_PACKET_CONNECT, "", 0 },
		{ GH_PACKET_SUBACK, "", 0 },
		{ 99, "", 0 },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++)
		for (unsigned reason = 0; reason < 256; reason++)
			ck_assert_msg(gh_reason_from_client((uint8_t)reason, rows[i].type) ==
					      (memchr(rows[i].codes, (int)reason, rows[i].count) !=
					       NULL),
				      "0x%02x in packet type %u", reason, rows[i].type);
}
END_TEST

GH_TEST_MAIN("mqtt/reason", texts, return_codes, what_clients_may_send)
