/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a password file: what is read, and each error with its place. */
#include <check.h>
#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>
#include "change.h"
#include "parse.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))
#define H            "$2b$05$CCCCCCCCCCCCCCCCCCCCC.z6PrHbuSsMSSwIGFy1JGevQZf6CqJ1y"
#define H2           "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

static unsigned warnings;

static void warn(void *arg, const struct auth_file_problem *problem)
{
	(void)arg;
	ck_assert_ptr_nonnull(strstr(problem->text, "expected"));
	warnings++;
}

static struct gh_str view(const char *text)
{
	return (struct gh_str){ text, strlen(text) };
}

static struct auth_file_users *parsed(const char *text)
{
	struct auth_file_users *users = NULL;
	struct auth_file_problem problem;
	int rc = auth_file_parse(view(text), warn, NULL, &users, &problem);

	ck_assert_msg(rc == 0, "%u:%u: %s", problem.line, problem.column, problem.text);
	return users;
}

START_TEST(reads_all_of_a_user)
{
	struct auth_file_users *users = parsed(
		"# comment\n\n"
		"alice:" H
		":groups=staff|night shift, client-id=\"a,{username}\\\"\", expires=2027-01-31\n"
		"  bob : " H2 " :disabled,expires=2027-01-31T08:09:10Z\r\n"
		"carol:" H ":\n"
		"d\xc3\xb8"
		"d:" H);
	const struct auth_file_user *user = auth_file_users_find(users, "alice");

	ck_assert_uint_eq(users->count, 4);
	ck_assert_ptr_nonnull(user);
	ck_assert_uint_eq(user->line, 3);
	ck_assert_str_eq(user->hash, H);
	ck_assert_uint_eq(user->group_count, 2);
	ck_assert_str_eq(user->groups[0], "staff");
	ck_assert_str_eq(user->groups[1], "night shift");
	ck_assert_str_eq(user->bound_id, "a,alice\"");
	ck_assert_int_eq(user->expires, 1801353600);
	ck_assert(!user->disabled);
	user = auth_file_users_find(users, "bob");
	ck_assert_str_eq(user->hash, H2);
	ck_assert(user->disabled);
	ck_assert_int_eq(user->expires, 1801382950);
	ck_assert_ptr_null(user->bound_id);
	ck_assert_ptr_nonnull(auth_file_users_find(users, "carol"));
	ck_assert_ptr_nonnull(auth_file_users_find(users, "d\xc3\xb8"
							  "d"));
	ck_assert_ptr_null(auth_file_users_find(users, "Alice"));
	ck_assert_ptr_null(auth_file_users_find(users, ""));
	auth_file_users_free(&users);
}
END_TEST

/* What mosquitto_passwd 2.0.11 wrote, comments only in column 0, and a line that mosquitto skips
 * too. */
START_TEST(reads_what_mosquitto_wrote)
{
	struct auth_file_users *users;

	warnings = 0;
	users = parsed(
		"#alice:x\n"
		"alice:$7$101$z0jRcGOGC7CddzRm$9mFtvYfCG6wypSlntgGmTZAcblm3rwhyPF0dkPgI3nHMMxrJvbvld1T2MW0L0aqlPb3gDzdaUji/"
		"erncDaJxVA==\n"
		"nonsense\n"
		"bob:$6$CU1WOywlDhsaySae$2fMJHIWpf4728wBvsmw8giynnQkcPG0Mn3/MjTbiP/"
		"t0Twhjo31Kud+4QpYCtnIo2bKesUf9b34o/sszva34MA==\n"
		" #dan:" H "\n");
	ck_assert_uint_eq(users->count, 3);
	ck_assert_uint_eq(warnings, 1);
	ck_assert_ptr_nonnull(auth_file_users_find(users, "#dan"));
	ck_assert_int_eq(gh_password_verify(auth_file_users_find(users, "alice")->hash,
					    (struct gh_bytes){ "correct horse", 13 }),
			 GH_PASSWORD_RIGHT);
	auth_file_users_free(&users);
}
END_TEST

START_TEST(reads_nothing)
{
	struct auth_file_users *users = parsed("\n# nobody yet\n\t \n");

	ck_assert_uint_eq(users->count, 0);
	ck_assert_ptr_null(auth_file_users_find(users, "alice"));
	auth_file_users_free(&users);
}
END_TEST

static const struct {
	const char *text;
	unsigned line, column;
	const char *holds;
} bad[] = {
	{ ":" H, 1, 1, "empty name" },
	{ "a:" H "\n  :" H, 2, 3, "empty name" },
	{ "a:", 1, 3, "found nothing" },
	{ "a:secret", 1, 3, "plain text" },
	{ "\na:  secret", 2, 5, "plain text" },
	{ "a:$1$abcdefgh$Zr0LpNGHq0VTmSYjmVZbS/", 1, 3, "md5crypt" },
	{ "a:" H "\nb:" H "\na:" H, 3, 1, "second time" },
	{ "a\x01:" H, 1, 1, "control character" },
	{ "a\xff:" H, 1, 1, "UTF-8" },
	{ "a\xc0\x80:" H, 1, 1, "UTF-8" },
	{ "a\xed\xa0\x80:" H, 1, 1, "UTF-8" },
	{ "\xef\xbb\xbf"
	  "a:" H,
	  1, 1, "byte order mark" },
	{ "a:" H ":gruops=x", 1, 64, "expected groups=" },
	{ "a:" H ":groups", 1, 70, "expected '='" },
	{ "a:" H ":groups=", 1, 71, "empty name" },
	{ "a:" H ":groups=a||b", 1, 73, "empty name" },
	{ "a:" H ":groups=a,groups=b", 1, 73, "second 'groups'" },
	{ "a:" H ":disabled=yes", 1, 72, "has none" },
	{ "a:" H ":expires=2027-02-29", 1, 72, "YYYY-MM-DD" },
	{ "a:" H ":expires=2027-1-1", 1, 72, "YYYY-MM-DD" },
	{ "a:" H ":expires=2027-01-01T00:00:00", 1, 72, "YYYY-MM-DD" },
	{ "a:" H ":expires=2027-01-01T24:00:00Z", 1, 72, "YYYY-MM-DD" },
	{ "a:" H ":expires=1969-01-01", 1, 72, "YYYY-MM-DD" },
	{ "a:" H ":client-id=", 1, 74, "empty client id" },
	{ "a:" H ":client-id=x{user}", 1, 75, "expected {clientid}" },
	{ "a:" H ":client-id={clientid}", 1, 74, "{username}" },
	{ "a/b:" H ":client-id={username}", 1, 76, "the name has" },
	{ "a:" H ":client-id=\"x", 1, 74, "nothing closes" },
	{ "a:" H ":client-id=\"\\x\"", 1, 75, "found '\\'" },
	{ "a:" H ":client-id=\"x\"y", 1, 77, "behind a quoted value" },
	{ "a:" H ":,disabled", 1, 64, "expected groups=" },
};

START_TEST(tells_where_and_what)
{
	struct auth_file_users *users = NULL;
	struct auth_file_problem problem = { 0 };

	ck_assert_int_eq(auth_file_parse(view(bad[_i].text), NULL, NULL, &users, &problem),
			 GH_EINVAL);
	ck_assert_ptr_null(users);
	ck_assert_msg(strstr(problem.text, bad[_i].holds) != NULL, "%d: '%s' in '%s'", _i,
		      bad[_i].holds, problem.text);
	ck_assert_msg(problem.line == bad[_i].line && problem.column == bad[_i].column,
		      "%d: %u:%u: %s", _i, problem.line, problem.column, problem.text);
	ck_assert_ptr_null(strstr(problem.text, "secret"));
}
END_TEST

START_TEST(refuses_nul_and_long_names)
{
	struct auth_file_users *users = NULL;
	struct auth_file_problem problem;
	char text[400];
	static const char nul[] = "a:" H "\nb\0c:" H;

	ck_assert_int_eq(auth_file_parse((struct gh_str){ nul, sizeof(nul) - 1 }, NULL, NULL,
					 &users, &problem),
			 GH_EINVAL);
	ck_assert_uint_eq(problem.line, 2);
	ck_assert_uint_eq(problem.column, 2);
	memset(text, 'n', 257);
	strcpy(text + 257, ":" H);
	ck_assert_int_eq(auth_file_parse(view(text), NULL, NULL, &users, &problem), GH_EINVAL);
	ck_assert_ptr_nonnull(strstr(problem.text, "256 bytes"));
	ck_assert_int_eq(auth_file_parse(view(text + 1), NULL, NULL, &users, &problem), 0);
	auth_file_users_free(&users);
}
END_TEST

static const char *const attributes[] = {
	"",
	":groups=a|b",
	":client-id=\"a,b\\\\c\\\"\"",
	":expires=2027-01-31",
	":expires=2027-01-31T08:09:10Z",
	":disabled",
	":groups=a,client-id=x-{username},expires=2027-01-31,disabled",
	":groups=\" a\"",
};

START_TEST(writes_what_it_reads)
{
	char text[300] = "a:" H;
	struct auth_file_users *users;
	char *written;

	strcat(text, attributes[_i]);
	users = parsed(text);
	written = auth_file_attributes(users->users);
	ck_assert_str_eq(written, attributes[_i]);
	ck_assert_uint_eq(users->users->rest_at.n, strlen(attributes[_i]));
	free(written);
	auth_file_users_free(&users);
}
END_TEST

/* Spans cover the hash, and the line with its end: what is cut out leaves the rest as it was. */
START_TEST(spans_are_exact)
{
	static const char text[] = "# x\r\na:" H "\r\n b : " H2 " :disabled\n\nc:" H;
	struct auth_file_users *users = parsed(text);
	char *changed;
	size_t n;

	changed = auth_file_splice(view(text), auth_file_users_find(users, "b")->whole, view(""), &n);
	ck_assert_mem_eq(changed, "# x\r\na:" H "\r\n\nc:" H, n);
	free(changed);
	changed = auth_file_splice(view(text), auth_file_users_find(users, "b")->hash_at, view("X"),
				   &n);
	ck_assert_mem_eq(changed, "# x\r\na:" H "\r\n b : X :disabled\n\nc:" H, n);
	free(changed);
	changed = auth_file_splice(view(text), auth_file_users_find(users, "c")->whole, view(""), &n);
	ck_assert_uint_eq(n, strlen(text) - strlen("c:" H));
	free(changed);
	auth_file_users_free(&users);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("auth-file/parse");
	TCase *tcase = tcase_create("auth-file/parse");
	SRunner *runner = srunner_create(suite);
	int failures;

	tcase_add_test(tcase, reads_all_of_a_user);
	tcase_add_test(tcase, reads_what_mosquitto_wrote);
	tcase_add_test(tcase, reads_nothing);
	tcase_add_loop_test(tcase, tells_where_and_what, 0, COUNT(bad));
	tcase_add_test(tcase, refuses_nul_and_long_names);
	tcase_add_loop_test(tcase, writes_what_it_reads, 0, COUNT(attributes));
	tcase_add_test(tcase, spans_are_exact);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
