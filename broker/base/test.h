/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test begins and ends with: libcheck, and a main() that speaks TAP. */
#ifndef GH_BASE_TEST_H
#define GH_BASE_TEST_H

#include <check.h>
#include <stdlib.h>

/* GH_TEST_MAIN("base/buf", grows, drops): runs the START_TEST()s named, each in a process of its own. */
#define GH_TEST_MAIN(room, ...) \
	int main(void) \
	{ \
		const TTest *tests[] = { __VA_ARGS__ }; \
		Suite *suite = suite_create(room); \
		TCase *tcase = tcase_create(room); \
		SRunner *runner = srunner_create(suite); \
		int failed; \
\
		tcase_set_timeout(tcase, 60); \
		for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) \
			tcase_add_test(tcase, tests[i]); \
		suite_add_tcase(suite, tcase); \
		srunner_set_tap(runner, "-"); \
		srunner_run_all(runner, CK_SILENT); \
		failed = srunner_ntests_failed(runner); \
		srunner_free(runner); \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS; \
	}

#define GH_COUNT(array) (sizeof(array) / sizeof(*(array)))

/* For loops of many steps: what ck_assert() says, without the system call that it makes each time. */
#define GH_MUST(condition) ((condition) ? (void)0 : ck_abort_msg("%s", #condition))

#endif
