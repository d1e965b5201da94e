/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks that stand for those of an isolated module: each sends a frame, and what is asked pends. */
#include "base/clock.h"
#include "base/mem.h"
#include "hook/isolate_priv.h"
#include "hook/reply.h"

#include <stdlib.h>

/* A reply is waited for so long at most, whoever wants it. */
#define ERRAND_MS 120000u

/* ---- clients ---- */

/* Attached to a connection: the process has its snapshot, and forgets it when this is freed. */
struct known {
	struct gh_isolate *isolate;
	struct gh_snapshot *snapshot; /* held: the same pointer is the same snapshot */
	uint64_t id, epoch;
};

static void forget(void *data)
{
	struct known *known = data;
	struct gh_buf frame = gh_link_begin(GH_LINK_FORGET);

	gh_pack_number(&frame, known->id);
	gh_isolate_put(known->isolate, known->epoch, &frame, true);
	gh_snapshot_unref(&known->snapshot);
	free(known);
}

static void tell_client(const struct known *known)
{
	struct gh_buf frame = gh_link_begin(GH_LINK_CLIENT);

	gh_pack_number(&frame, known->id);
	gh_carry_client(&frame, gh_snapshot_client(known->snapshot));
	gh_isolate_put(known->isolate, known->epoch, &frame, true);
}

/* NULL: it has no connection that something could be attached to here. */
static struct known *make_known(struct gh_isolate *isolate, const struct gh_client *client)
{
	struct gh_host *host = (struct gh_host *)(void *)isolate->instance;
	struct known *known = gh_zalloc(sizeof(*known));

	known->isolate = isolate;
	if (gh_attach(host, client, known, forget)) {
		free(known);
		return NULL;
	}
	known->id = atomic_fetch_add(&isolate->names, 1);
	return known;
}

/* Another snapshot of the same identity keeps its number: what is attached there stays. */
static struct known *known_of(struct gh_isolate *isolate, uint64_t epoch,
			      const struct gh_client *client)
{
	struct known *known = gh_attached((struct gh_host *)(void *)isolate->instance, client);
	struct gh_snapshot *snapshot;

	if (!known)
		known = make_known(isolate, client);
	if (!known)
		return NULL;
	snapshot = gh_snapshot_of(client);
	if (known->snapshot == snapshot && known->epoch == epoch)
		return known;
	gh_snapshot_unref(&known->snapshot);
	known->snapshot = gh_snapshot_ref(snapshot);
	known->epoch = epoch;
	tell_client(known);
	return known;
}

/* 0: nobody; 1: the client follows; else its number. Only a worker's hook may attach. */
static void pack_client(struct gh_isolate *isolate, uint64_t epoch, struct gh_buf *frame,
			const struct gh_client *client)
{
	const struct gh_asker *asker = gh_here()->asker;
	struct known *known = NULL;

	if (!client) {
		gh_pack_number(frame, 0);
		return;
	}
	if (client->connection && asker && !gh_asker_is_control(asker))
		known = known_of(isolate, epoch, client);
	gh_pack_number(frame, known ? known->id : 1);
	if (!known)
		gh_carry_client(frame, client);
}

/* ---- questions ---- */

static enum gh_verdict cannot(struct gh_answer *out, enum gh_cause cause, const char *why)
{
	gh_answer_explain(out, cause, "%s", why);
	return GH_ERROR;
}

/* What an exchange is there. */
struct exchange {
	uint64_t id, epoch;
};

/* False: it was begun with a process that is gone. */
static bool pack_exchange(struct gh_isolate *isolate, uint64_t epoch, struct gh_buf *frame,
			  const struct gh_exchange *in)
{
	struct exchange *exchange = *in->state;

	if (!exchange) {
		exchange = *in->state = gh_alloc(sizeof(*exchange));
		*exchange = (struct exchange){ atomic_fetch_add(&isolate->names, 1), epoch };
	}
	gh_pack_number(frame, exchange->id);
	gh_pack_number(frame, in->step);
	return exchange->epoch == epoch;
}

static bool pack_question(struct gh_isolate *isolate, uint64_t epoch, struct gh_buf *frame,
			  enum gh_hook_point point, const struct gh_client *client, const void *in)
{
	gh_pack_number(frame, point);
	pack_client(isolate, epoch, frame, client);
	if (point == GH_HOOK_EXCHANGE && !pack_exchange(isolate, epoch, frame, in))
		return false;
	gh_carry_args(frame, point, in);
	return true;
}

static enum gh_verdict ask(void *self, enum gh_hook_point point, const struct gh_client *client,
			   const void *in, struct gh_answer *out)
{
	struct gh_isolate *isolate = self;
	uint32_t left_ms = gh_time_left(out);
	struct gh_isolate_question question = { .kind = GH_ISOLATE_ANSWER,
						.due_ms = gh_clock_ms() + left_ms + 1000 };
	uint64_t epoch = gh_isolate_epoch(isolate), id;
	struct gh_buf frame = gh_link_begin(GH_LINK_ASK);
	bool sent;

	question.ticket = gh_pend(out);
	id = question.ticket.id ? gh_isolate_open(isolate, &question) : 0;
	gh_pack_number(&frame, id);
	gh_pack_number(&frame, left_ms);
	sent = pack_question(isolate, epoch, &frame, point, client, in) && id &&
	       gh_isolate_put(isolate, epoch, &frame, false);
	gh_link_discard(&frame);
	if (sent)
		return GH_PENDING;
	if (!id)
		return cannot(out, GH_CAUSE_POLICY,
			      "it runs in a process of its own and can't be asked here");
	/* When it isn't ours any more, the process has died and its answer is there already. */
	return gh_isolate_close(isolate, id, GH_ISOLATE_ANSWER, &question)
		       ? cannot(out, GH_CAUSE_BACKEND,
				"its process has ended, or too much waits for it")
		       : GH_PENDING;
}

static enum gh_verdict authenticate(void *self, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	return ask(self, GH_HOOK_AUTHENTICATE, in->client, in, out);
}

static enum gh_verdict exchange(void *self, const struct gh_exchange *in, struct gh_answer *out)
{
	return ask(self, GH_HOOK_EXCHANGE, in->client, in, out);
}

static void exchange_end(void *self, void *state)
{
	struct exchange *gone = state;
	struct gh_buf frame = gh_link_begin(GH_LINK_EXCHANGE_END);

	gh_pack_number(&frame, gone->id);
	gh_isolate_put(self, gone->epoch, &frame, true);
	free(gone);
}

static enum gh_verdict lookup(void *self, const struct gh_lookup *in, struct gh_answer *out)
{
	return ask(self, GH_HOOK_LOOKUP, in->client, in, out);
}

static enum gh_verdict authorize(void *self, const struct gh_authorize *in, struct gh_answer *out)
{
	return ask(self, GH_HOOK_AUTHORIZE, in->client, in, out);
}

static enum gh_verdict publish(void *self, const struct gh_publish *in, struct gh_answer *out)
{
	return ask(self, GH_HOOK_PUBLISH, in->client, in, out);
}

/* ---- what isn't answered by a verdict ---- */

static void event(void *self, const struct gh_event *in)
{
	struct gh_isolate *isolate = self;
	uint64_t epoch = gh_isolate_epoch(isolate);
	struct gh_buf frame = gh_link_begin(GH_LINK_EVENT);

	pack_client(isolate, epoch, &frame, in->client);
	gh_carry_event(&frame, in);
	gh_isolate_put_event(isolate, epoch, &frame);
}

static int barrier(void *self, struct gh_barrier open)
{
	struct gh_isolate *isolate = self;
	struct gh_isolate_question question = { .kind = GH_ISOLATE_BARRIER_END,
						.due_ms = UINT64_MAX,
						.barrier = open };
	uint64_t epoch = gh_isolate_epoch(isolate);
	uint64_t id = gh_isolate_open(isolate, &question);
	struct gh_buf frame = gh_link_begin(GH_LINK_BARRIER);

	gh_pack_number(&frame, id);
	if (!id || !gh_isolate_put(isolate, epoch, &frame, true)) {
		gh_buf_done(&frame);
		return gh_isolate_close(isolate, id, GH_ISOLATE_BARRIER_END, &question) || !id
			       ? GH_EIO
			       : GH_LATER;
	}
	return GH_LATER;
}

/* command: its number from 1; 0: the subject hook. */
static int errand(struct gh_isolate *isolate, size_t command, struct gh_reply *reply,
		  struct gh_buf *task)
{
	struct gh_isolate_question question = { .kind = GH_ISOLATE_REPLY,
						.due_ms = gh_clock_ms() + ERRAND_MS };
	uint64_t epoch = gh_isolate_epoch(isolate), id;
	struct gh_buf frame = gh_link_begin(GH_LINK_ERRAND);
	bool sent;

	question.ticket = gh_reply_pend(reply);
	id = gh_isolate_open(isolate, &question);
	gh_buf_reserve(&frame, task->n + 32);
	gh_pack_number(&frame, id);
	gh_pack_number(&frame, command);
	gh_buf_add(&frame, task->p, task->n);
	sent = id && gh_isolate_put(isolate, epoch, &frame, false);
	gh_link_discard(&frame);
	if (sent || (id && !gh_isolate_close(isolate, id, GH_ISOLATE_REPLY, &question)))
		return GH_LATER;
	gh_reply_end(reply, GH_EBUSY, "its process has ended, or too much waits for it");
	return GH_EBUSY;
}

int gh_isolate_run(void *self, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct gh_isolate *isolate = self;
	struct gh_bytes secret = gh_reply_secret(reply);
	struct gh_buf task = { 0 };
	int rc;

	gh_pack_number(&task, count);
	for (size_t i = 0; i < count; i++)
		gh_pack_bytes(&task, (struct gh_bytes){ arguments[i], strlen(arguments[i]) });
	gh_buf_reserve(&task, secret.n + 16);
	gh_pack_number(&task, secret.p != NULL);
	gh_pack_bytes(&task, secret);
	rc = errand(isolate, (size_t)(reply->command - isolate->plugin.commands) + 1, reply, &task);
	gh_link_discard(&task);
	return rc;
}

static int subject(void *self, const struct gh_subject_request *in, struct gh_reply *reply)
{
	struct gh_buf task = { 0 };
	int rc;

	gh_pack_number(&task, in->forget);
	gh_carry_subject(&task, &in->subject);
	rc = errand(self, 0, reply, &task);
	gh_buf_done(&task);
	return rc;
}

/* ---- the descriptor ---- */

void gh_isolate_set_hooks(struct gh_plugin *plugin, uint32_t hooks)
{
	plugin->authenticate = hooks & GH_ISOLATE_AUTHENTICATE ? authenticate : NULL;
	plugin->exchange = hooks & GH_ISOLATE_EXCHANGE ? exchange : NULL;
	plugin->exchange_end = hooks & GH_ISOLATE_EXCHANGE ? exchange_end : NULL;
	plugin->lookup = hooks & GH_ISOLATE_LOOKUP ? lookup : NULL;
	plugin->authorize = hooks & GH_ISOLATE_AUTHORIZE ? authorize : NULL;
	plugin->publish = hooks & GH_ISOLATE_PUBLISH ? publish : NULL;
	plugin->event = hooks & GH_ISOLATE_EVENT ? event : NULL;
	plugin->barrier = hooks & GH_ISOLATE_BARRIER ? barrier : NULL;
	plugin->subject = hooks & GH_ISOLATE_SUBJECT ? subject : NULL;
}
