/* SPDX-License-Identifier: Apache-2.0 */
/* What an isolated instance is asked and told, in its process. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "hook/ask_priv.h"
#include "hook/attach.h"
#include "hook/call.h"
#include "hook/errand.h"
#include "hook/event.h"
#include "hook/exchange.h"
#include "hook/isolated_priv.h"

#include <stdlib.h>
#include <string.h>

#define ERRAND_MS 30000u /* for a command that answers later */
#define WORDS_MAX 1000u  /* of a command */
#define WORD_MAX  (1u << 20)

/* ---- by the number that the broker gave ---- */

struct named {
	uint64_t id;
};

static bool same(const void *element, const void *key)
{
	return ((const struct named *)element)->id == *(const uint64_t *)key;
}

/* They are handles and counts: their lower bits may all be the same. */
static uint64_t hash(uint64_t id)
{
	id *= UINT64_C(0x9e3779b97f4a7c15);
	return id ^ id >> 32;
}

static void *find(const struct gh_table *table, uint64_t id)
{
	return gh_table_find(table, hash(id), same, &id);
}

static void add(struct gh_table *table, struct named *named, uint64_t id)
{
	named->id = id;
	gh_table_add(table, hash(id), named);
}

static void take_out(struct gh_table *table, const struct named *named)
{
	gh_table_remove(table, hash(named->id), named);
}

/* ---- clients ---- */

/* A connection that the broker has told of. */
struct client {
	struct named named; /* first */
	struct gh_snapshot *snapshot;
	struct gh_attachments *slots;
};

static void client_free(struct gh_isolated *isolated, struct client *client)
{
	take_out(&isolated->clients, &client->named);
	gh_attachments_free(&client->slots);
	gh_snapshot_unref(&client->snapshot);
	free(client);
}

void gh_isolated_client(struct gh_isolated *isolated, struct gh_unpack *in)
{
	uint64_t id = gh_unpack_number(in, "client", 2, UINT64_MAX);
	struct gh_snapshot *snapshot = gh_carried_client(in);
	struct client *client;

	if (gh_unpack_end(in)) {
		gh_snapshot_unref(&snapshot);
		return;
	}
	client = find(&isolated->clients, id);
	if (!client) {
		client = gh_zalloc(sizeof(*client));
		add(&isolated->clients, &client->named, id);
	}
	gh_snapshot_unref(&client->snapshot);
	client->snapshot = snapshot;
	gh_snapshot_set_home(snapshot, &client->slots);
}

void gh_isolated_forget(struct gh_isolated *isolated, struct gh_unpack *in)
{
	uint64_t id = gh_unpack_number(in, "client", 2, UINT64_MAX);
	struct client *client = find(&isolated->clients, id);

	if (gh_unpack_end(in) == 0 && client)
		client_free(isolated, client);
}

/* A reference; NULL: nobody, or in->rc. */
static struct gh_snapshot *take_client(struct gh_isolated *isolated, struct gh_unpack *in)
{
	uint64_t id = gh_unpack_number(in, "client", 0, UINT64_MAX);
	const struct client *client;

	if (id <= 1)
		return id ? gh_carried_client(in) : NULL;
	client = find(&isolated->clients, id);
	if (!client)
		gh_unpack_fail(in, "'client' is unknown");
	return client ? gh_snapshot_ref(client->snapshot) : NULL;
}

/* ---- exchanges ---- */

struct question;
static void cancel_question(struct question *question);

struct exchange {
	struct named named; /* first */
	struct gh_exchange_run *run;
	struct question *question; /* its step that is being asked; NULL: none */
};

static void exchange_free(struct gh_isolated *isolated, struct exchange *exchange)
{
	if (exchange->question)
		cancel_question(exchange->question);
	take_out(&isolated->exchanges, &exchange->named);
	gh_exchange_run_free(&exchange->run);
	free(exchange);
}

static struct exchange *take_exchange(struct gh_isolated *isolated, struct gh_unpack *in)
{
	uint64_t id = gh_unpack_number(in, "exchange", 2, UINT64_MAX);
	uint32_t step = (uint32_t)gh_unpack_number(in, "step", 0, UINT32_MAX);
	struct exchange *exchange = find(&isolated->exchanges, id);

	if (in->rc)
		return NULL;
	if (!exchange) {
		exchange = gh_zalloc(sizeof(*exchange));
		exchange->run = gh_exchange_run_new(isolated->chain);
		add(&isolated->exchanges, &exchange->named, id);
	}
	/* Its steps never overlap. */
	if (exchange->question)
		gh_unpack_fail(in, "'exchange' is being asked");
	exchange->run->step = step;
	return exchange;
}

void gh_isolated_exchange_end(struct gh_isolated *isolated, struct gh_unpack *in)
{
	uint64_t id = gh_unpack_number(in, "exchange", 2, UINT64_MAX);
	struct exchange *exchange = find(&isolated->exchanges, id);

	if (gh_unpack_end(in) == 0 && exchange)
		exchange_free(isolated, exchange);
}

/* ---- questions ---- */

struct question {
	struct named named; /* first */
	struct gh_isolated *isolated;
	struct gh_ask *ask;        /* it waits */
	struct exchange *exchange; /* whose step it is; NULL: of none */
};

static void question_free(struct question *question)
{
	if (question->exchange)
		question->exchange->question = NULL;
	take_out(&question->isolated->asks, &question->named);
	free(question);
}

static void said(void *arg, struct gh_answer *answer, enum gh_verdict verdict)
{
	struct question *question = arg;
	struct gh_buf frame = gh_link_begin(GH_LINK_ANSWER);

	gh_pack_number(&frame, question->named.id);
	gh_carry_answer(&frame, answer, verdict);
	gh_isolated_put(question->isolated, &frame, true);
	question_free(question);
}

static void done(void *arg, struct gh_decision *decision)
{
	(void)arg, (void)decision;
}

static void ask(struct gh_isolated *isolated, const struct gh_one *one, struct exchange *exchange,
		uint64_t id)
{
	struct question *question = gh_zalloc(sizeof(*question));
	struct gh_asking asking = {
		.asker = isolated->asker, .chain = isolated->chain, .done = done, .arg = question
	};
	struct gh_ask *waits;

	question->isolated = isolated;
	question->exchange = exchange;
	if (exchange)
		exchange->question = question;
	add(&isolated->asks, &question->named, id);
	waits = gh_ask_one(&asking, one, said);
	if (waits)
		question->ask = waits;
}

void gh_isolated_ask(struct gh_isolated *isolated, struct gh_unpack *in)
{
	uint64_t id = gh_unpack_number(in, "id", 1, UINT64_MAX);
	uint64_t left_ms = gh_unpack_number(in, "time left", 0, UINT32_MAX);
	struct gh_one one = { .point = (enum gh_hook_point)gh_unpack_number(
				      in, "hook", GH_HOOK_AUTHENTICATE, GH_HOOK_PUBLISH),
			      .due_ms = gh_clock_ms() + left_ms };
	struct gh_snapshot *snapshot = take_client(isolated, in);
	struct exchange *exchange = NULL;
	struct gh_carried carried = { 0 };

	if (!in->rc && !snapshot)
		gh_unpack_fail(in, "'client' is nobody");
	if (!in->rc && one.point == GH_HOOK_EXCHANGE)
		exchange = take_exchange(isolated, in);
	if (!in->rc) {
		one.run = exchange ? exchange->run : NULL;
		one.client = gh_snapshot_client(snapshot);
		one.in = gh_carried_args(in, one.point, one.client, &carried);
		one.so_far = carried.so_far;
	}
	if (gh_unpack_end(in) == 0)
		ask(isolated, &one, exchange, id);
	gh_carried_done(&carried);
	gh_snapshot_unref(&snapshot);
}

/* ---- told ---- */

void gh_isolated_event(struct gh_isolated *isolated, struct gh_unpack *in)
{
	struct gh_snapshot *snapshot = take_client(isolated, in);
	struct gh_carried carried = { 0 };
	const struct gh_event *event = NULL;
	struct gh_event mine;

	if (!in->rc)
		event = gh_carried_event(in, snapshot ? gh_snapshot_client(snapshot) : NULL,
					 &carried);
	if (gh_unpack_end(in) == 0 && isolated->instance->plugin->event) {
		mine = *event;
		gh_event_tell_one(isolated->instance, &mine);
	}
	gh_carried_done(&carried);
	gh_snapshot_unref(&snapshot);
}

void gh_isolated_lost(struct gh_isolated *isolated, struct gh_unpack *in)
{
	struct gh_event event = { .kind = GH_EV_LIMIT,
				  .text = "events",
				  .count = gh_unpack_number(in, "lost", 1, UINT64_MAX) };

	if (gh_unpack_end(in) == 0 && isolated->instance->events & GH_EV_LIMIT)
		gh_event_tell_one(isolated->instance, &event);
}

void gh_isolated_barrier(struct gh_isolated *isolated, struct gh_unpack *in)
{
	struct gh_barrier barrier = { gh_unpack_number(in, "id", 1, UINT64_MAX) };
	struct gh_host *host = (struct gh_host *)(void *)isolated->instance;
	int rc;

	if (gh_unpack_end(in))
		return;
	rc = gh_call_has_barrier(isolated->instance) ? gh_call_barrier(isolated->instance, barrier)
						     : GH_EIO;
	if (rc != GH_LATER)
		gh_barrier_end(host, barrier, rc > 0 ? GH_EIO : rc);
}

/* ---- errands ---- */

struct errand {
	struct named named; /* first */
	struct gh_isolated *isolated;
	struct gh_errand *errand;
};

static void errand_free(struct errand *errand)
{
	take_out(&errand->isolated->errands, &errand->named);
	free(errand);
}

static void finished(void *arg, const struct gh_errand_result *result)
{
	struct errand *errand = arg;
	struct gh_buf frame = gh_link_begin(GH_LINK_REPLY);

	gh_pack_number(&frame, errand->named.id);
	gh_pack_number(&frame, result->rc < 0 ? (uint64_t) - (int64_t)result->rc : 0);
	gh_pack_text(&frame, gh_str(result->rc < 0 ? result->message : ""));
	gh_pack_bytes(&frame, result->rows);
	gh_isolated_put(errand->isolated, &frame, true);
	errand_free(errand);
}

static void start_errand(struct gh_isolated *isolated, uint64_t id, const struct gh_errand_task *task)
{
	struct errand *errand = gh_zalloc(sizeof(*errand));
	struct gh_errand_call call = {
		.asker = isolated->asker, .timeout_ms = ERRAND_MS, .done = finished, .arg = errand
	};

	errand->isolated = isolated;
	add(&isolated->errands, &errand->named, id);
	errand->errand = gh_errand_start(&call, isolated->instance, task);
}

static const struct gh_command *take_command(const struct gh_isolated *isolated,
					     struct gh_unpack *in, uint64_t index)
{
	const struct gh_command *row = isolated->instance->plugin->commands;

	for (; row && row->name; row++)
		if (--index == 0)
			return row;
	gh_unpack_fail(in, "'command' is none");
	return NULL;
}

/* Of whatever bytes, as it was typed. */
static char *take_word(struct gh_unpack *in)
{
	struct gh_bytes word = gh_unpack_bytes(in, "word", WORD_MAX);

	if (word.n && memchr(word.p, 0, word.n))
		gh_unpack_fail(in, "'word' has a NUL in it");
	return gh_strndup(word.n ? word.p : "", word.n);
}

static void run_command(struct gh_isolated *isolated, uint64_t id, uint64_t index,
			struct gh_unpack *in)
{
	struct gh_errand_task task = { .command = take_command(isolated, in, index) };
	uint64_t count = gh_unpack_number(in, "words", 0, WORDS_MAX);
	char **words = gh_alloc_array((size_t)count + 1, sizeof(*words));
	bool there;

	for (; task.argument_count < count; task.argument_count++)
		words[task.argument_count] = take_word(in);
	words[count] = NULL;
	there = gh_unpack_number(in, "secret", 0, 1);
	task.secret = gh_unpack_bytes(in, "secret", WORD_MAX);
	if (!there)
		task.secret = (struct gh_bytes){ 0 };
	task.arguments = (const char *const *)words;
	if (gh_unpack_end(in) == 0)
		start_errand(isolated, id, &task);
	for (size_t i = 0; i < count; i++)
		free(words[i]);
	free(words);
}

static void run_subject(struct gh_isolated *isolated, uint64_t id, struct gh_unpack *in)
{
	struct gh_subject_request request = { .size = sizeof(request),
					      .forget = gh_unpack_number(in, "forget", 0, 1) };
	struct gh_errand_task task = { .request = &request };
	struct gh_carried carried = { 0 };
	const struct gh_subject *subject = gh_carried_subject(in, &carried);

	if (!isolated->instance->plugin->subject)
		gh_unpack_fail(in, "there is no hook for it");
	if (gh_unpack_end(in) == 0) {
		request.subject = *subject;
		start_errand(isolated, id, &task);
	}
	gh_carried_done(&carried);
}

void gh_isolated_errand(struct gh_isolated *isolated, struct gh_unpack *in)
{
	uint64_t id = gh_unpack_number(in, "id", 1, UINT64_MAX);
	uint64_t command = gh_unpack_number(in, "command", 0, UINT32_MAX);

	if (in->rc)
		return;
	if (command)
		run_command(isolated, id, command, in);
	else
		run_subject(isolated, id, in);
}

/* ---- given up ---- */

static void cancel_question(struct question *question)
{
	gh_ask_cancel(&question->ask);
	question_free(question);
}

static void cancel_errand(struct errand *errand)
{
	gh_errand_cancel(&errand->errand);
	errand_free(errand);
}

/* It may have been answered meanwhile. */
void gh_isolated_cancel(struct gh_isolated *isolated, struct gh_unpack *in)
{
	uint64_t id = gh_unpack_number(in, "id", 1, UINT64_MAX);
	struct question *question = find(&isolated->asks, id);
	struct errand *errand = find(&isolated->errands, id);

	if (gh_unpack_end(in))
		return;
	if (question)
		cancel_question(question);
	if (errand)
		cancel_errand(errand);
}

static void *any_of(const struct gh_table *table)
{
	size_t cursor = 0;

	return gh_table_next(table, &cursor);
}

void gh_isolated_ask_end(struct gh_isolated *isolated)
{
	void *left;

	while ((left = any_of(&isolated->asks)))
		cancel_question(left);
	while ((left = any_of(&isolated->errands)))
		cancel_errand(left);
	while ((left = any_of(&isolated->exchanges)))
		exchange_free(isolated, left);
	while ((left = any_of(&isolated->clients)))
		client_free(isolated, left);
	gh_table_done(&isolated->asks);
	gh_table_done(&isolated->errands);
	gh_table_done(&isolated->exchanges);
	gh_table_done(&isolated->clients);
}
