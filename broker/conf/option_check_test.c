/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "base/test.h"
#include "conf/option.h"

struct config {
	int64_t number, other;
	const char *text;
	struct gh_list list;
};

#define NUMBER(...) GH_OPTION(struct config, number, GH_INT, "a number", __VA_ARGS__)

static const struct gh_option inner_wrong[] = { GH_OPTION(struct config, text, GH_INT, "no"), { 0 } };
static const struct gh_option deeper[];
static const struct gh_option for_ever[] = {
	GH_OPTION(struct config, list, GH_TABLE, "itself", .rows = deeper,
		  .row_size = sizeof(struct config)),
	{ 0 },
};
static const struct gh_option deeper[] = {
	GH_OPTION(struct config, list, GH_TABLE, "itself", .rows = for_ever,
		  .row_size = sizeof(struct config)),
	{ 0 },
};

START_TEST(wrong_tables)
{
	static const struct {
		struct gh_option rows[3];
		const char *message;
	} bad[] = {
		{ { { .name = "Number", .type = GH_INT } },
		  "option 'Number': its name isn't of the letters a to z, digits and '-'" },
		{ { { .name = "", .type = GH_INT } },
		  "option '': its name isn't of the letters a to z, digits and '-'" },
		{ { { .name = "x", .type = 0 } }, "option 'x': unknown type 0" },
		{ { { .name = "x", .type = 13 } }, "option 'x': unknown type 13" },
		{ { { .name = "x", .type = GH_NODE } }, "option 'x': unknown type 64" },
		{ { NUMBER(.flags = 0x80) }, "option 'number': unknown flags 0x80" },
		{ { NUMBER(.flags = GH_BROKER_ONLY) }, "option 'number': unknown flags 0x10000" },
		{ { GH_OPTION(struct config, number, GH_BOOL, "") },
		  "option 'number': its field has 8 bytes, type yes|no needs 1" },
		{ { GH_OPTION(struct config, number, GH_STRINGS, "") },
		  "option 'number': its field has 8 bytes, type list needs 16" },
		{ { { .name = "x", .type = GH_INT, .field_size = 8, .offset = sizeof(struct config) } },
		  "option 'x': offset 40 is not inside the 40 bytes of the struct" },
		{ { { .name = "x", .type = GH_INT, .field_size = 8, .offset = sizeof(struct config) - 4 } },
		  "option 'x': offset 36 is not inside the 40 bytes of the struct" },
		{ { { .name = "x", .type = GH_INT, .field_size = 8, .offset = SIZE_MAX - 3 } },
		  "option 'x': offset 18446744073709551612 is not inside the 40 bytes of the struct" },
		{ { { .name = "x", .type = GH_INT, .field_size = 8, .offset = 4 } },
		  "option 'x': offset 4 is not inside the 40 bytes of the struct" },
		{ { GH_OPTION(struct config, number, GH_ENUM, "") },
		  "option 'number': its unit isn't a list of words such as deny|next" },
		{ { GH_OPTION(struct config, number, GH_ENUM, "", .unit = "a||b") },
		  "option 'number': its unit isn't a list of words such as deny|next" },
		{ { GH_OPTION(struct config, number, GH_ENUM, "", .unit = "a|b", .standard = "c") },
		  "option 'number': its default isn't a value it may have" },
		{ { NUMBER(.standard = "x") },
		  "option 'number': its default isn't a value it may have" },
		{ { NUMBER(.standard = "5", .max = "4") },
		  "option 'number': its default isn't a value it may have" },
		{ { NUMBER(.min = "1k") }, "option 'number': its bounds aren't of its type" },
		{ { NUMBER(.standard = "5", .flags = GH_REQUIRED) },
		  "option 'number': it is required and has a default" },
		{ { GH_OPTION(struct config, text, GH_STRING, "", .flags = GH_UNLIMITED) },
		  "option 'text': its type can't be unlimited" },
		{ { GH_OPTION(struct config, text, GH_STRING, "", .standard = "abc", .max = "2") },
		  "option 'text': its default is out of bounds" },
		{ { GH_OPTION(struct config, list, GH_SECRET, "", .standard = "abc") },
		  "option 'list': a default is not possible for its type" },
		{ { GH_OPTION(struct config, list, GH_TABLE, "") },
		  "option 'list': a table needs rows and their size, at most 4 deep" },
		{ { GH_OPTION(struct config, list, GH_TABLE, "", .rows = inner_wrong, .row_size = 7) },
		  "option 'list': option 'text': offset 16 is not inside the 7 bytes of the struct" },
		{ { NUMBER(.min = "1"), NUMBER(.min = "2") },
		  "option 'number': it stands in the table twice" },
		{ { NUMBER(.min = "1"), { .name = "other", .type = GH_SIZE, .field_size = 8 } },
		  "options 'number' and 'other' have the same field" },
		{ { { .name = "on_error", .type = GH_SIZE, .field_size = 8 } },
		  "option 'on_error': the broker has an option of that name in every plugin" },
		{ { { .name = "a-b", .type = GH_SIZE, .field_size = 8 },
		    { .name = "a_b", .type = GH_SIZE, .field_size = 8, .offset = 8 } },
		  "option 'a_b': it stands in the table twice" },
	};
	struct gh_error error;
	struct gh_option *rows = NULL;

	for (size_t i = 0; i < GH_COUNT(bad); i++) {
		memset(&error, 0, sizeof(error));
		ck_assert_msg(gh_options_adopt(bad[i].rows, sizeof(struct gh_option),
					       sizeof(struct config), &rows, &error) == GH_EINVAL,
			      "row %zu is accepted", i);
		ck_assert_str_eq(error.text, bad[i].message);
		ck_assert_ptr_null(rows);
	}
	ck_assert_int_eq(gh_options_check(for_ever, sizeof(struct config), false, &error), GH_EINVAL);
	ck_assert_int_eq(gh_options_adopt(for_ever, sizeof(struct gh_option), sizeof(struct config),
					  &rows, &error),
			 GH_EINVAL);
	ck_assert_str_eq(error.text,
			 "an option table of more than 256 rows or 4 tables inside each other");
}
END_TEST

/* As a later SDK may have it: rows are longer. */
struct later_option {
	struct gh_option row;
	const char *more[3];
};

START_TEST(rows_of_another_size)
{
	static const struct later_option inner[] = { { .row = NUMBER(.standard = "5") },
						     { .row = { 0 } } };
	static const struct later_option later[] = {
		{ .row = NUMBER(.standard = "1"), .more = { "x", "y", "z" } },
		{ .row = { .name = "other",
			   .type = GH_INT,
			   .offset = offsetof(struct config, other),
			   .field_size = 8,
			   .standard = "2" },
		  .more = { "x", "y", "z" } },
		{ .row = GH_OPTION(struct config, list, GH_TABLE, "t", .rows = &inner[0].row,
				   .row_size = sizeof(struct config)) },
		{ .row = { 0 } },
	};
	struct gh_option *rows = NULL;
	struct gh_error error = { 0 };

	ck_assert_msg(gh_options_adopt(&later[0].row, sizeof(later[0]), sizeof(struct config),
				       &rows, &error) == 0,
		      "%s", error.text);
	ck_assert_str_eq(rows[1].name, "other");
	ck_assert_str_eq(rows[1].standard, "2");
	ck_assert_str_eq(rows[2].rows[0].standard, "5");
	ck_assert_ptr_null(rows[2].rows[1].name);
	ck_assert_ptr_null(rows[3].name);
	gh_options_free(&rows);
	ck_assert_ptr_null(rows);
}
END_TEST

/* As an earlier one may have had it: everything behind the default is missing. */
struct earlier_option {
	const char *name;
	uint32_t type, flags;
	size_t offset, field_size;
	const char *standard;
};

START_TEST(rows_that_are_shorter)
{
	static const struct earlier_option earlier[] = {
		{ "number", GH_INT, 0, offsetof(struct config, number), 8, "1" },
		{ "text", GH_STRING, GH_REQUIRED, offsetof(struct config, text), sizeof(char *),
		  NULL },
		{ .name = NULL },
	};
	struct gh_option *rows = NULL;
	struct gh_error error = { 0 };

	ck_assert_msg(gh_options_adopt((const struct gh_option *)(const void *)earlier,
				       sizeof(earlier[0]), sizeof(struct config), &rows, &error) == 0,
		      "%s", error.text);
	ck_assert_str_eq(rows[0].name, "number");
	ck_assert_ptr_null(rows[0].help);
	ck_assert_str_eq(rows[1].name, "text");
	ck_assert_ptr_null(rows[2].name);
	gh_options_free(&rows);
	ck_assert_int_eq(gh_options_adopt((const struct gh_option *)(const void *)earlier, 16,
					  sizeof(struct config), &rows, &error),
			 GH_EINVAL);
	ck_assert_str_eq(error.text, "rows of options of 16 bytes, expected at least 40");
}
END_TEST

START_TEST(no_table_is_an_empty_one)
{
	struct gh_option *rows = NULL;

	ck_assert_int_eq(gh_options_adopt(NULL, 0, 0, &rows, NULL), 0);
	ck_assert_ptr_nonnull(rows);
	ck_assert_ptr_null(rows->name);
	gh_options_free(&rows);
}
END_TEST

GH_TEST_MAIN("conf/option_check", wrong_tables, rows_of_another_size, rows_that_are_shorter,
	     no_table_is_an_empty_one)
