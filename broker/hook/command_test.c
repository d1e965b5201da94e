/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of commands: taken over in other sizes, refused, looked up. */
#include "hook/command.h"

#include "base/test.h"

#include <string.h>

static int run(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	(void)instance, (void)count, (void)arguments, (void)reply;
	return 0;
}

static const struct gh_command good[] = {
	{ "user", "NAME", "one", 0, run },
	{ "user add", "NAME [GROUP...]", "a new one", GH_CMD_WRITE | GH_CMD_SECRET, run },
	{ "user-list", NULL, "all", 0, run },
	{ 0 },
};

/* ---- taking over ---- */

START_TEST(none)
{
	struct gh_command *rows = (struct gh_command *)(void *)&rows;

	ck_assert_int_eq(gh_commands_adopt(NULL, 0, &rows, NULL), 0);
	ck_assert_ptr_null(rows);
}
END_TEST

/* Rows of a later edition are longer; what is behind our part isn't looked at. */
START_TEST(wide)
{
	static const struct {
		struct gh_command command;
		const void *more;
	} theirs[] = { { { "one", "", "help", 0, run }, "more" },
		       { { "two", "", "help", GH_CMD_WRITE, run }, "more" },
		       { { 0 }, "more" } };
	struct gh_command *rows = NULL;
	struct gh_error error = { 0 };

	ck_assert_msg(gh_commands_adopt(&theirs[0].command, sizeof(theirs[0]), &rows, &error) == 0,
		      "%s", error.text);
	ck_assert_str_eq(rows[0].name, "one");
	ck_assert_str_eq(rows[1].name, "two");
	ck_assert_uint_eq(rows[1].flags, GH_CMD_WRITE);
	ck_assert_ptr_null(rows[2].name);
	free(rows);
}
END_TEST

static const struct {
	struct gh_command row;
	const char *a, *b;
} refused[] = {
	{ { "", "", "help", 0, run }, "''", "words" },
	{ { "User", "", "help", 0, run }, "'User'", "words" },
	{ { "user  add", "", "help", 0, run }, "'user  add'", "words" },
	{ { " user", "", "help", 0, run }, "' user'", "words" },
	{ { "user ", "", "help", 0, run }, "'user '", "words" },
	{ { "user\tadd", "", "help", 0, run }, "words", "" },
	{ { "us\xc3\xa9r", "", "help", 0, run }, "words", "" },
	{ { "help", "", "help", 0, run }, "'help'", "broker's own" },
	{ { "help me", "", "help", 0, run }, "'help me'", "broker's own" },
	{ { "user", "", NULL, 0, run }, "'user'", "lacks 'help'" },
	{ { "user", "", "help", 0, NULL }, "'user'", "lacks 'run'" },
	{ { "user", "", "help", 0x40, run }, "'user'", "flags" },
	{ { "first", "", "help", 0, run }, "'first'", "two of that name" },
};

START_TEST(refusals)
{
	for (size_t i = 0; i < GH_COUNT(refused); i++) {
		struct gh_command theirs[3] = { { "first", "", "help", 0, run }, refused[i].row };
		struct gh_command *rows = theirs;
		struct gh_error error = { 0 };

		ck_assert_int_eq(gh_commands_adopt(theirs, sizeof(theirs[0]), &rows, &error),
				 GH_EINVAL);
		ck_assert_msg(strstr(error.text, refused[i].a) && strstr(error.text, refused[i].b),
			      "%s", error.text);
		ck_assert_ptr_eq(rows, theirs); /* untouched */
	}
}
END_TEST

START_TEST(bad_strides)
{
	static const size_t strides[] = { 0, 8, sizeof(struct gh_command) - 8,
					  sizeof(struct gh_command) + 1 };
	struct gh_error error = { 0 };
	struct gh_command *rows;

	for (size_t i = 0; i < GH_COUNT(strides); i++)
		ck_assert_int_eq(gh_commands_adopt(good, strides[i], &rows, &error), GH_EINVAL);
	ck_assert_msg(strstr(error.text, "rows of commands"), "%s", error.text);
}
END_TEST

START_TEST(endless)
{
	struct gh_command *theirs = calloc(1100, sizeof(*theirs)), *rows;
	struct gh_error error = { 0 };

	for (size_t i = 0; i < 1099; i++)
		theirs[i] = good[0];
	ck_assert_int_eq(gh_commands_adopt(theirs, sizeof(*theirs), &rows, &error), GH_EINVAL);
	ck_assert_msg(strstr(error.text, "1000"), "%s", error.text);
	free(theirs);
}
END_TEST

/* ---- looking up ---- */

static const struct {
	const char *words[4];
	size_t count;
	int found; /* -1: none */
	size_t used;
} wanted[] = {
	{ { "user" }, 1, 0, 1 },
	{ { "user", "joe" }, 2, 0, 1 },
	{ { "user", "add" }, 2, 1, 2 },
	{ { "user", "add", "joe", "staff" }, 4, 1, 2 },
	{ { "user add", "joe" }, 2, -1, 0 },
	{ { "user-list" }, 1, 2, 1 },
	{ { "use" }, 1, -1, 0 },
	{ { "users" }, 1, -1, 0 },
	{ { "" }, 1, -1, 0 },
	{ { NULL }, 0, -1, 0 },
};

START_TEST(longest)
{
	for (size_t i = 0; i < GH_COUNT(wanted); i++) {
		const struct gh_command *found;
		size_t used = 0;

		found = gh_command_find(good, wanted[i].count, wanted[i].words, &used);
		ck_assert_ptr_eq(found, wanted[i].found < 0 ? NULL : &good[wanted[i].found]);
		ck_assert_uint_eq(used, wanted[i].used);
		ck_assert_ptr_null(gh_command_find(NULL, wanted[i].count, wanted[i].words, &used));
	}
}
END_TEST

GH_TEST_MAIN("hook/command", none, wide, refusals, bad_strides, endless, longest)
