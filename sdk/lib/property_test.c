/* SPDX-License-Identifier: Apache-2.0 */
#include <gatehouse/lib.h>
#include <string.h>
#include "base/test.h"

static bool text_is(struct gh_str is, const char *want)
{
	return is.n == strlen(want) && (is.n == 0 || memcmp(is.p, want, is.n) == 0);
}

#define BYTES(text) ((struct gh_bytes){ text, sizeof(text) - 1 })

START_TEST(one_of_each_type)
{
	struct gh_bytes rest = BYTES("\x01\x01"                /* payload format */
				     "\x23\x12\x34"            /* topic alias */
				     "\x02\x01\x02\x03\x04"    /* message expiry */
				     "\x0b\xff\xff\xff\x7f"    /* subscription identifier */
				     "\x09\x00\x02\x00\xff"    /* correlation data */
				     "\x03\x00\x03txt"         /* content type */
				     "\x26\x00\x01k\x00\x02vv" /* user property */
				     "\x26\x00\x00\x00\x00");  /* empty user property */
	static const struct {
		uint8_t id, type;
		uint32_t number;
		const char *name, *value;
		size_t value_n;
	} rows[] = {
		{ GH_PROPERTY_PAYLOAD_FORMAT, GH_PROPERTY_BYTE, 1, "", "", 0 },
		{ GH_PROPERTY_TOPIC_ALIAS, GH_PROPERTY_U16, 0x1234, "", "", 0 },
		{ GH_PROPERTY_MESSAGE_EXPIRY, GH_PROPERTY_U32, 0x01020304, "", "", 0 },
		{ GH_PROPERTY_SUBSCRIPTION_ID, GH_PROPERTY_VARINT, 268435455, "", "", 0 },
		{ GH_PROPERTY_CORRELATION_DATA, GH_PROPERTY_BINARY, 0, "", "\0\xff", 2 },
		{ GH_PROPERTY_CONTENT_TYPE, GH_PROPERTY_STRING, 0, "", "txt", 3 },
		{ GH_PROPERTY_USER, GH_PROPERTY_PAIR, 0, "k", "vv", 2 },
		{ GH_PROPERTY_USER, GH_PROPERTY_PAIR, 0, "", "", 0 },
	};
	struct gh_property property;

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		ck_assert_int_eq(gh_property_next(&rest, &property), 1);
		ck_assert_uint_eq(property.id, rows[i].id);
		ck_assert_uint_eq(property.type, rows[i].type);
		ck_assert_uint_eq(property.number, rows[i].number);
		ck_assert(text_is(property.name, rows[i].name));
		ck_assert_uint_eq(property.value.n, rows[i].value_n);
		ck_assert(rows[i].value_n == 0 ||
			  memcmp(property.value.p, rows[i].value, rows[i].value_n) == 0);
	}
	ck_assert_int_eq(gh_property_next(&rest, &property), 0);
}
END_TEST

START_TEST(refused)
{
	static const struct gh_bytes rows[] = {
		BYTES("\x00\x00"),
		BYTES("\x04\x00\x00"),
		BYTES("\x2b\x00"),
		BYTES("\x7f\x00"),
		BYTES("\x81\x00\x01"),
		BYTES("\xff"),
		BYTES("\x01"),
		BYTES("\x23\x00"),
		BYTES("\x02\x00\x00\x00"),
		BYTES("\x0b"),
		BYTES("\x0b\x80"),
		BYTES("\x0b\x80\x00"),
		BYTES("\x0b\xff\xff\xff\xff\x01"),
		BYTES("\x09"),
		BYTES("\x09\x00"),
		BYTES("\x09\x00\x01"),
		BYTES("\x03\xff\xffx"),
		BYTES("\x26\x00\x01k"),
		BYTES("\x26\x00\x01k\x00"),
		BYTES("\x26\x00\x01k\x00\x01"),
	};
	struct gh_property property = { .id = 0x55 };

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct gh_bytes rest = rows[i];

		ck_assert_msg(gh_property_next(&rest, &property) == GH_EINVAL, "row %zu", i);
		ck_assert(rest.p == rows[i].p && rest.n == rows[i].n && property.id == 0x55);
	}
}
END_TEST

GH_TEST_MAIN("sdk/property", one_of_each_type, refused)
