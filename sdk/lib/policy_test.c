/* SPDX-License-Identifier: Apache-2.0 */
/* The policy for new passwords, with and without libpwquality. */
#include <check.h>
#include <gatehouse/lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char why[512];

static int judged(const char *user, const char *password)
{
	why[0] = '\0';
	return gh_password_policy(user, (struct gh_bytes){ password, strlen(password) }, NULL, why,
				  sizeof(why));
}

START_TEST(takes_a_long_odd_one)
{
	ck_assert_msg(judged("alice", "Ur-sieben+Zwerge.42") == 0, "%s", why);
}
END_TEST

static const char *const poor[] = {
	"", "kurz", "Kurz1!", "xxBoBxx-Zwerge.42", "xxalicexxALICE", "aaaaaaaaaaaaaaaaaaaa"
};

START_TEST(refuses_poor_ones)
{
#ifndef HAVE_PWQUALITY
	if (_i == 5)
		return; /* one character over and over: that is libpwquality's to see */
#endif
	ck_assert_int_eq(judged(_i == 3 ? "bob" : "alice", poor[_i]), GH_EINVAL);
	ck_assert_int_ne(why[0], '\0');
	if (*poor[_i])
		ck_assert_ptr_null(strstr(why, poor[_i]));
}
END_TEST

START_TEST(refuses_what_is_no_text)
{
	static char big[65535];

	memset(big, 'x', sizeof(big));
	ck_assert_int_eq(gh_password_policy("a", (struct gh_bytes){ "Ur-sieben\0Zwerge", 16 }, NULL,
					    why, sizeof(why)),
			 GH_EINVAL);
	ck_assert_int_eq(gh_password_policy("a", (struct gh_bytes){ big, sizeof(big) }, NULL, why,
					    sizeof(why)),
			 GH_EINVAL);
}
END_TEST

START_TEST(tells_what_it_asks)
{
	ck_assert_int_eq(gh_password_policy_text(NULL, why, sizeof(why)), 0);
	ck_assert_ptr_nonnull(strstr(why, "at least"));
#ifndef HAVE_PWQUALITY
	ck_assert_ptr_nonnull(strstr(gh_password_policy_gap(NULL), "without libpwquality"));
#endif
}
END_TEST

/* A configuration that can't be read is never "nothing asked". */
START_TEST(conf_must_be_there)
{
	ck_assert_int_eq(gh_password_policy("a", (struct gh_bytes){ "Ur-sieben+Zwerge.42", 19 },
					    "/nowhere", why, sizeof(why)),
			 GH_EIO);
	ck_assert_ptr_nonnull(strstr(why, "/nowhere"));
	ck_assert_int_eq(gh_password_policy_text("/nowhere", why, sizeof(why)), GH_EIO);
}
END_TEST

#ifdef HAVE_PWQUALITY
START_TEST(conf_changes_it)
{
	char path[] = "/tmp/gh-policy-XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	fputs("minlen = 30\ndictpath = /nowhere/dict\n", f);
	fclose(f);
	ck_assert_int_eq(gh_password_policy("a", (struct gh_bytes){ "Ur-sieben+Zwerge.42", 19 },
					    path, why, sizeof(why)),
			 GH_EINVAL);
	ck_assert_int_eq(gh_password_policy_text(path, why, sizeof(why)), 0);
	ck_assert_ptr_nonnull(strstr(why, "30 bytes"));
	ck_assert_ptr_null(strstr(why, "dictionary"));
	ck_assert_ptr_nonnull(strstr(gh_password_policy_gap(path), "cracklib-runtime"));
	remove(path);
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("sdk/policy");
	TCase *tcase = tcase_create("sdk/policy");
	SRunner *runner = srunner_create(suite);
	int failures;

	tcase_add_test(tcase, takes_a_long_odd_one);
	tcase_add_loop_test(tcase, refuses_poor_ones, 0, (int)(sizeof(poor) / sizeof(*poor)));
	tcase_add_test(tcase, refuses_what_is_no_text);
	tcase_add_test(tcase, tells_what_it_asks);
	tcase_add_test(tcase, conf_must_be_there);
#ifdef HAVE_PWQUALITY
	tcase_add_test(tcase, conf_changes_it);
#endif
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
