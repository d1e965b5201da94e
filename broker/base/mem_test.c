/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/test.h"

#include <signal.h>
#include <string.h>

START_TEST(gives_memory_for_nothing_too)
{
	void *p = gh_alloc(0);
	uint8_t *z = gh_zalloc(100);
	char *s = gh_strndup("abcdef", 3), *t = gh_strdup("xyz"), *empty = gh_strndup(NULL, 0);

	ck_assert_ptr_nonnull(p);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(z[i], 0);
	ck_assert_str_eq(s, "abc");
	ck_assert_str_eq(t, "xyz");
	ck_assert_str_eq(empty, "");
	p = gh_realloc(p, 0);
	ck_assert_ptr_nonnull(p);
	p = gh_realloc_array(p, 10, 10);
	memset(p, 1, 100);
	free(p);
	free(z);
	free(s);
	free(t);
	free(empty);
}
END_TEST

START_TEST(overflow_aborts)
{
	free(gh_alloc_array(SIZE_MAX / 2, 3));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/mem");
	TCase *tcase = tcase_create("base/mem");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, gives_memory_for_nothing_too);
	tcase_add_test_raise_signal(tcase, overflow_aborts, SIGABRT);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
