/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what comes from the process of an isolated instance, or goes there; what is taken has this one form. */
#include "hook/carry.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
	if (!truth)
		abort();
}

/* The first byte of an input. */
enum {
	CLIENT,
	AUTHENTICATE,
	EXCHANGE,
	LOOKUP,
	AUTHORIZE,
	PUBLISH,
	EVENT,
	LOGIN,
	ANSWER,
	MESSAGE,
	SUBJECT
};

static const enum gh_hook_point points[] = { [AUTHENTICATE] = GH_HOOK_AUTHENTICATE,
					     [EXCHANGE] = GH_HOOK_EXCHANGE,
					     [LOOKUP] = GH_HOOK_LOOKUP,
					     [AUTHORIZE] = GH_HOOK_AUTHORIZE,
					     [PUBLISH] = GH_HOOK_PUBLISH };

static void client(struct gh_unpack *in, struct gh_buf *again)
{
	struct gh_snapshot *snapshot = gh_carried_client(in);

	must((snapshot == NULL) == (in->rc != 0));
	if (!snapshot)
		return;
	gh_carry_client(again, gh_snapshot_client(snapshot));
	gh_snapshot_unref(&snapshot);
}

static void answer(struct gh_unpack *in, bool login, struct gh_buf *again)
{
	struct gh_answer answer;
	enum gh_verdict verdict;

	gh_answer_init(&answer, NULL, login, 0);
	verdict = gh_carried_answer(in, &answer);
	must(!in->rc || verdict == GH_ERROR);
	if (!in->rc)
		gh_carry_answer(again, &answer, verdict);
	gh_answer_done(&answer);
}

/* Is there what `point` wants of its argument? */
static void whole(unsigned kind, const struct gh_carried *carried, const struct gh_client *who)
{
	const union gh_args_in *in = &carried->in;

	must(kind != AUTHENTICATE || in->authenticate.client == who);
	must(kind != EXCHANGE || (in->exchange.client == who && !in->exchange.state));
	must(kind != EXCHANGE || !in->exchange.connect || in->exchange.connect->client == who);
	must(kind != LOOKUP || in->lookup.client == who);
	must(kind != AUTHORIZE || (in->authorize.client == who && in->authorize.qos <= 2));
	must(kind != PUBLISH || (in->publish.client == who && in->publish.message->qos <= 2));
}

static void others(struct gh_unpack *in, unsigned kind, struct gh_buf *again)
{
	const struct gh_client who = { .size = sizeof(who) };
	struct gh_carried carried = { 0 };
	const void *got;

	if (kind == EVENT)
		got = gh_carried_event(in, &who, &carried);
	else if (kind == MESSAGE)
		got = gh_carried_message(in, &carried);
	else if (kind == SUBJECT)
		got = gh_carried_subject(in, &carried);
	else
		got = gh_carried_args(in, points[kind], &who, &carried);
	must((got == NULL) == (in->rc != 0));
	if (!got)
		must(!carried.texts && !carried.so_far);
	else if (kind == EVENT)
		gh_carry_event(again, got);
	else if (kind == MESSAGE)
		gh_carry_message(again, got);
	else if (kind == SUBJECT)
		gh_carry_subject(again, got);
	else
		gh_carry_args(again, points[kind], got);
	if (got)
		whole(kind, &carried, &who);
	gh_carried_done(&carried);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = size ? data[0] % (SUBJECT + 1) : 0;
	struct gh_error error = { .text = "" };
	struct gh_buf again = { 0 };
	struct gh_unpack in;

	if (!size)
		return 0;
	in = gh_unpack((struct gh_bytes){ data + 1, size - 1 }, &error);
	if (kind == CLIENT)
		client(&in, &again);
	else if (kind == LOGIN || kind == ANSWER)
		answer(&in, kind == LOGIN, &again);
	else
		others(&in, kind, &again);
	must((in.rc != 0) == (error.text[0] != 0));
	if (!in.rc) {
		size_t taken = (size_t)(in.p - (data + 1));

		must(again.n == taken && memcmp(again.p, data + 1, taken) == 0);
	}
	gh_buf_done(&again);
	return 0;
}
