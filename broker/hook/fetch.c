/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches from the store: answered at once or later, checked, told from the loop. */
#include "hook/fetch.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "hook/asker_priv.h"
#include "hook/call.h"
#include "hook/sink.h"
#include "hook/ticket.h"

#include <stdlib.h>
#include <string.h>

struct gh_fetch {
	struct gh_fetch_call call;
	struct gh_instance *store; /* held */
	struct gh_record_copy *after;
	uint32_t limit;
	struct gh_ticket ticket;
	struct gh_timeout timeout; /* the deadline; or, what was put is all there: the next turn */
	struct gh_sink *sink;      /* what was put; NULL: it comes later */
};

static void fetch_free(struct gh_fetch *fetch, enum gh_ticket_end end)
{
	struct gh_instance *store = fetch->store;

	gh_ticket_close(fetch->call.asker, fetch->ticket, end);
	gh_loop_timeout_cancel(fetch->call.asker->loop, &fetch->timeout);
	gh_sink_free(&fetch->sink);
	free(fetch->after);
	free(fetch);
	gh_instance_unref(store);
}

void gh_fetch_cancel(struct gh_fetch **fetch)
{
	if (*fetch)
		fetch_free(*fetch, GH_TICKET_CANCELLED);
	*fetch = NULL;
}

/* ---- what it gave ---- */

static bool was_asked_for(const struct gh_record *record, const struct gh_record *before)
{
	return record->kind == before->kind && gh_str_equal(record->owner, before->owner) &&
	       gh_bytes_compare(record->key, before->key) > 0;
}

static int check(const struct gh_fetch *fetch, const struct gh_record_list *list)
{
	const struct gh_record *before = &fetch->after->record;

	if (list->count > fetch->limit)
		return GH_EIO;
	for (size_t i = 0; i < list->count; i++) {
		if (!was_asked_for(&list->at[i]->record, before))
			return GH_EIO;
		before = &list->at[i]->record;
	}
	return 0;
}

static void finish(struct gh_fetch *fetch)
{
	const struct gh_record *records[GH_FETCH_MAX];
	struct gh_record_list none = { 0 };
	struct gh_record_list *list = fetch->sink ? &fetch->sink->records : &none;
	struct gh_fetch_call call = fetch->call;
	int rc = fetch->sink ? fetch->sink->rc : GH_EIO;

	if (rc == 0)
		rc = check(fetch, list);
	if (rc)
		gh_series_count(fetch->store->store_failures[GH_STORE_FETCH]);
	for (size_t i = 0; rc == 0 && i < list->count; i++)
		records[i] = &list->at[i]->record;
	call.done(call.arg, rc, records, rc == 0 ? list->count : 0);
	fetch_free(fetch, fetch->sink ? GH_TICKET_ANSWERED : GH_TICKET_TIMED_OUT);
}

static void on_timeout(struct gh_timeout *timeout)
{
	finish(gh_container(timeout, struct gh_fetch, timeout));
}

void gh_fetch_deliver(struct gh_mail *mail, void *owner)
{
	struct gh_sink *sink = gh_container(mail, struct gh_sink, mail);
	struct gh_fetch *fetch = NULL;

	if (owner)
		fetch = gh_ticket_waiter(
			gh_ticket_asker(sink->instance->hooks->askers, sink->ticket), sink->ticket);
	if (!fetch || fetch->sink) {
		gh_sink_free(&sink);
		return;
	}
	fetch->sink = sink;
	finish(fetch);
}

/* ---- the start ---- */

/* It ends in the next turn, as if it had been called. */
static void end_soon(struct gh_fetch *fetch, struct gh_sink *sink, int rc)
{
	if (!sink->rc)
		sink->rc = rc <= 0 ? rc : GH_EINVAL;
	fetch->sink = sink;
	gh_loop_timeout(fetch->call.asker->loop, &fetch->timeout, 0);
}

struct gh_fetch *gh_fetch_start(const struct gh_fetch_call *call, struct gh_instance *store,
				const struct gh_record *after, uint32_t limit)
{
	struct gh_fetch *fetch = gh_zalloc(sizeof(*fetch));
	struct gh_sink *sink;
	int rc;

	fetch->call = *call;
	fetch->store = gh_instance_ref(store);
	fetch->after = gh_record_copy_new(after);
	fetch->limit = limit;
	gh_timeout_init(&fetch->timeout, on_timeout);
	gh_loop_timeout(call->asker->loop, &fetch->timeout, call->timeout_ms);
	fetch->ticket = gh_ticket_open_for(call->asker, store, GH_TICKET_FETCH, fetch,
					   gh_clock_ms() + call->timeout_ms);
	sink = gh_sink_new(store, fetch->ticket);
	rc = gh_call_store_fetch(store, &fetch->after->record, limit, sink);
	if (rc == GH_LATER && sink->pended && !sink->rc)
		gh_sink_free(&sink);
	else
		end_soon(fetch, sink, rc);
	return fetch;
}
