/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of what crosses: each kind of thing read from bytes, whole, cut short or longer than it should be. */
#ifndef GH_HOOK_CARRY_FIXTURE_H
#define GH_HOOK_CARRY_FIXTURE_H

#include "base/test.h"
#include "hook/carry.h"

#include <string.h>

#define NOT_UTF8 "caf\xe9"

static struct gh_bytes bytes(const struct gh_buf *buf)
{
	return (struct gh_bytes){ buf->p, buf->n };
}

/* Beside the hook points whose arguments cross. */
enum { CLIENT = GH_HOOK_POINTS, EVENT, LOGIN_ANSWER, ANSWER, MESSAGE, SUBJECT };

static bool read_answer(struct gh_unpack *in, bool login)
{
	struct gh_answer answer;
	enum gh_verdict verdict;

	gh_answer_init(&answer, NULL, login, 0);
	verdict = gh_carried_answer(in, &answer);
	if (in->rc)
		ck_assert_int_eq(verdict, GH_ERROR);
	gh_answer_done(&answer);
	return !in->rc;
}

static int read_kind(unsigned kind, struct gh_bytes value, struct gh_error *error)
{
	struct gh_unpack in = gh_unpack(value, error);
	struct gh_snapshot *snapshot = NULL;
	struct gh_carried carried = { 0 };
	const void *got;

	if (kind == CLIENT)
		got = snapshot = gh_carried_client(&in);
	else if (kind == EVENT)
		got = gh_carried_event(&in, NULL, &carried);
	else if (kind == LOGIN_ANSWER || kind == ANSWER)
		got = read_answer(&in, kind == LOGIN_ANSWER) ? "" : NULL;
	else if (kind == MESSAGE)
		got = gh_carried_message(&in, &carried);
	else if (kind == SUBJECT)
		got = gh_carried_subject(&in, &carried);
	else
		got = gh_carried_args(&in, (enum gh_hook_point)kind, NULL, &carried);
	ck_assert_int_eq(in.rc == 0, got != NULL);
	if (in.rc)
		ck_assert(!carried.texts && !carried.so_far && error->text[0]);
	gh_snapshot_unref(&snapshot);
	gh_carried_done(&carried);
	return gh_unpack_end(&in);
}

/* No beginning of it is taken, and nothing may follow. */
static GH_UNUSED void whole_only(unsigned kind, const struct gh_buf *buf)
{
	struct gh_error error = { 0 };
	struct gh_buf longer = { 0 };

	ck_assert_msg(read_kind(kind, bytes(buf), &error) == 0, "%s", error.text);
	for (size_t n = 0; n < buf->n; n++) {
		/* as large as the beginning, so that a sanitizer sees every byte read behind it */
		struct gh_buf part = { 0 };

		gh_buf_reserve(&part, n);
		gh_buf_add(&part, buf->p, n);
		error.text[0] = 0;
		GH_MUST(read_kind(kind, bytes(&part), &error) == GH_EINVAL);
		gh_buf_done(&part);
	}
	gh_buf_add(&longer, buf->p, buf->n);
	gh_buf_u8(&longer, 0);
	ck_assert_int_eq(read_kind(kind, bytes(&longer), &error), GH_EINVAL);
	ck_assert_msg(strstr(error.text, "left over"), "%s", error.text);
	gh_buf_done(&longer);
}

#endif
