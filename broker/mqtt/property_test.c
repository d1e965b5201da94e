/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/notation.h"
#include "mqtt/property.h"

/* Table 2-4 of MQTT 5: C connect, c connack, P publish, w will, a acknowledgements, S subscribe,
 * s suback, U unsubscribe, u unsuback, D disconnect, A auth. */
START_TEST(where_allowed)
{
	static const char *const table[0x2b] = {
		[0x01] = "Pw",     [0x02] = "Pw",  [0x03] = "Pw",          [0x08] = "Pw",
		[0x09] = "Pw",     [0x0b] = "PS",  [0x11] = "CcD",         [0x12] = "c",
		[0x13] = "c",      [0x15] = "CcA", [0x16] = "CcA",         [0x17] = "C",
		[0x18] = "w",      [0x19] = "C",   [0x1a] = "c",           [0x1c] = "cD",
		[0x1f] = "casuDA", [0x21] = "Cc",  [0x22] = "Cc",          [0x23] = "P",
		[0x24] = "c",      [0x25] = "c",   [0x26] = "CcPwaSsUuDA", [0x27] = "Cc",
		[0x28] = "c",      [0x29] = "c",   [0x2a] = "c",
	};
	static const char letters[] = { [GH_PACKET_CONNECT] = 'C',  [GH_PACKET_CONNACK] = 'c',
					[GH_PACKET_PUBLISH] = 'P',  [GH_PACKET_PUBACK] = 'a',
					[GH_PACKET_PUBREC] = 'a',   [GH_PACKET_PUBREL] = 'a',
					[GH_PACKET_PUBCOMP] = 'a',  [GH_PACKET_SUBSCRIBE] = 'S',
					[GH_PACKET_SUBACK] = 's',   [GH_PACKET_UNSUBSCRIBE] = 'U',
					[GH_PACKET_UNSUBACK] = 'u', [GH_PACKET_PINGREQ] = '-',
					[GH_PACKET_PINGRESP] = '-', [GH_PACKET_DISCONNECT] = 'D',
					[GH_PACKET_AUTH] = 'A' };

	for (unsigned id = 0; id < 256; id++) {
		const char *want = id < GH_COUNT(table) && table[id] ? table[id] : "";
		uint32_t got = gh_property_packets((uint8_t)id);

		ck_assert_msg(!(got & GH_IN_WILL) == !strchr(want, 'w'), "0x%02x in a will", id);
		for (unsigned type = GH_PACKET_CONNECT; type <= GH_PACKET_AUTH; type++)
			ck_assert_msg(!(got & GH_IN(type)) == !strchr(want, letters[type]),
				      "0x%02x in packet type %u", id, type);
	}
}
END_TEST

START_TEST(forwarded)
{
	static const struct {
		const char *raw, *kept;
	} rows[] = {
		{ "", "" },
		{ "23 0001", "" },
		{ "02 00000005 23 0001 0b 05 18 00000001", "" },
		{ "26 'k' 'v'", "26 'k' 'v'" },
		{ "23 0001 26 'a' '1' 02 00000005 26 'b' '2' 01 01 26 'a' '3'",
		  "26 'a' '1' 26 'b' '2' 01 01 26 'a' '3'" },
		{ "01 00 03 'text' 08 'r' 09 'c' 26 'k' 'v'",
		  "01 00 03 'text' 08 'r' 09 'c' 26 'k' 'v'" },
	};
	uint8_t out[64];

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_buf raw = notation(rows[i].raw), kept = notation(rows[i].kept);

		ck_assert_uint_eq(gh_property_forward((struct gh_bytes){ raw.p, raw.n }, out),
				  kept.n);
		ck_assert(kept.n == 0 || memcmp(out, kept.p, kept.n) == 0);
		gh_buf_done(&raw);
		gh_buf_done(&kept);
	}
}
END_TEST

/* Each property that may come once, twice: refused; user properties: as many as there are. */
START_TEST(repetition)
{
	static const struct {
		uint32_t packet;
		const char *once;
		bool repeatable;
	} rows[] = {
		{ GH_IN(GH_PACKET_CONNECT), "11 00000001", false },
		{ GH_IN(GH_PACKET_CONNECT), "15 'm'", false },
		{ GH_IN(GH_PACKET_CONNECT), "16 'd'", false },
		{ GH_IN(GH_PACKET_CONNECT), "17 01", false },
		{ GH_IN(GH_PACKET_CONNECT), "19 01", false },
		{ GH_IN(GH_PACKET_CONNECT), "21 0001", false },
		{ GH_IN(GH_PACKET_CONNECT), "22 0001", false },
		{ GH_IN(GH_PACKET_CONNECT), "27 00000001", false },
		{ GH_IN(GH_PACKET_CONNECT), "26 'k' 'v'", true },
		{ GH_IN_WILL, "18 00000001", false },
		{ GH_IN_WILL, "26 'k' 'v'", true },
		{ GH_IN(GH_PACKET_PUBLISH), "01 01", false },
		{ GH_IN(GH_PACKET_PUBLISH), "02 00000001", false },
		{ GH_IN(GH_PACKET_PUBLISH), "03 'c'", false },
		{ GH_IN(GH_PACKET_PUBLISH), "08 'r'", false },
		{ GH_IN(GH_PACKET_PUBLISH), "09 'd'", false },
		{ GH_IN(GH_PACKET_PUBLISH), "23 0001", false },
		{ GH_IN(GH_PACKET_SUBSCRIBE), "0b 01", false },
		{ GH_IN(GH_PACKET_PUBACK), "1f 'r'", false },
		{ GH_IN(GH_PACKET_AUTH), "26 'k' 'v'", true },
	};

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_buf buf = notation(rows[i].once);
		size_t once = buf.n;
		struct gh_property_reader reader = { .packet = rows[i].packet };
		struct gh_property property;
		struct gh_malformed why = { 0 };

		gh_buf_add(&buf, exactly(buf.p, once), once);
		reader.rest = (struct gh_bytes){ buf.p, buf.n };
		ck_assert_msg(gh_property_read(&reader, &property, &why) == 1, "%s", rows[i].once);
		ck_assert_uint_eq(reader.rest.n, once);
		ck_assert_msg(gh_property_read(&reader, &property, &why) ==
				      (rows[i].repeatable ? 1 : GH_EINVAL),
			      "%s", rows[i].once);
		if (!rows[i].repeatable)
			ck_assert_uint_eq(why.reason, GH_REASON_PROTOCOL_ERROR);
		else
			ck_assert_int_eq(gh_property_read(&reader, &property, &why), 0);
		gh_buf_done(&buf);
	}
}
END_TEST

GH_TEST_MAIN("mqtt/property", where_allowed, forwarded, repetition)
