/* SPDX-License-Identifier: Apache-2.0 */
/* Folding: once a second of each, with a count; and a table that is full. */
#include "base/test.h"
#include "client/repeat.h"

struct step {
	uint64_t subject;
	const char *kind;
	uint64_t now_ms;
	bool repeated;
	uint64_t left_out;
};

START_TEST(once_a_second)
{
	static const struct step steps[] = {
		{ 7, "size", 1000, false, 0 },   { 7, "size", 1000, true, 0 },
		{ 7, "size", 1999, true, 0 },    { 7, "length", 1999, false, 0 },
		{ 8, "size", 1999, false, 0 },   { 7, "size", 2000, false, 2 },
		{ 7, "size", 2500, true, 0 },    { 7, "length", 2998, true, 0 },
		{ 7, "length", 9000, false, 1 }, { 7, "size", 9000, false, 1 },
		{ 7, "size", 20000, false, 0 },
	};
	struct gh_repeat repeats[GH_REPEATS] = { 0 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const struct step *step = &steps[i];
		uint64_t left_out = 0;

		ck_assert_int_eq(gh_repeated(repeats, step->subject, step->kind, step->now_ms,
					     &left_out),
				 step->repeated);
		ck_assert_uint_eq(left_out, step->left_out);
	}
}
END_TEST

START_TEST(too_many_at_once)
{
	struct gh_repeat repeats[GH_REPEATS] = { 0 };
	unsigned told = 0;
	uint64_t left_out;

	for (uint64_t subject = 1; subject <= 1000; subject++)
		told += !gh_repeated(repeats, subject, "size", 5000, &left_out);
	ck_assert_uint_eq(told, GH_REPEATS);
	ck_assert(!gh_repeated(repeats, 2000, "size", 6000, &left_out));
	ck_assert_uint_eq(left_out, 0);
}
END_TEST

GH_TEST_MAIN("client/repeat", once_a_second, too_many_at_once)
