/* SPDX-License-Identifier: Apache-2.0 */
/* Records on their way from a store, and how what comes later finds its way. */
#include "hook/sink.h"

#include "base/log.h"
#include "base/mem.h"
#include "hook/fetch.h"
#include "hook/instance_priv.h"
#include "hook/ticket.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t *put(uint8_t **at, const void *p, size_t n)
{
	uint8_t *to = *at;

	if (n > 0)
		memcpy(to, p, n);
	*at += n;
	return to;
}

/* A shorter one is of an older header: what it lacks is 0. */
static struct gh_record in_our_shape(const struct gh_record *theirs)
{
	struct gh_record record = { 0 };

	memcpy(&record, theirs, theirs->size < sizeof(record) ? theirs->size : sizeof(record));
	record.size = sizeof(record);
	return record;
}

struct gh_record_copy *gh_record_copy_new(const struct gh_record *theirs)
{
	struct gh_record record = in_our_shape(theirs);
	struct gh_record_copy *copy =
		gh_alloc(sizeof(*copy) + record.owner.n + record.key.n + record.value.n);
	uint8_t *at = copy->bytes;

	copy->record = record;
	copy->record.owner.p = (const char *)put(&at, record.owner.p, record.owner.n);
	copy->record.key.p = put(&at, record.key.p, record.key.n);
	copy->record.value.p = put(&at, record.value.p, record.value.n);
	return copy;
}

void gh_record_list_add(struct gh_record_list *list, struct gh_record_copy *record)
{
	/* grows at 0, 16, 32, 64, ... */
	if (list->count == 0 || (list->count >= 16 && (list->count & (list->count - 1)) == 0))
		list->at = gh_realloc_array(list->at, list->count ? list->count * 2 : 16,
					    sizeof(*list->at));
	list->at[list->count++] = record;
}

void gh_record_list_done(struct gh_record_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->at[i]);
	free(list->at);
	*list = (struct gh_record_list){ 0 };
}

/* ---- what modules call ---- */

int gh_sink_take(struct gh_sink *sink, const struct gh_record *record)
{
	if (sink->rc)
		return sink->rc;
	if (!record || record->size < offsetof(struct gh_record, count))
		sink->rc = GH_EINVAL;
	else
		sink->rc = sink->take(sink, record);
	return sink->rc;
}

struct gh_ticket gh_sink_ticket(struct gh_sink *sink)
{
	if (sink->late || !sink->ticket.id) {
		gh_log_warning(
			"module '%s' asks for a ticket where there is nothing to wait for: refused",
			sink->instance->name);
		return (struct gh_ticket){ 0 };
	}
	sink->pended = true;
	return sink->ticket;
}

struct gh_sink *gh_sink_claim(struct gh_host *host, struct gh_ticket ticket)
{
	struct gh_instance *instance = (struct gh_instance *)(void *)host;
	struct gh_sink *sink;
	uint64_t due_ms;

	if (!gh_ticket_claim(instance->hooks->askers, instance, GH_TICKET_FETCH, ticket, &due_ms))
		return NULL;
	sink = gh_sink_new(instance, ticket);
	sink->late = true;
	return sink;
}

void gh_sink_finish(struct gh_sink *sink, int rc)
{
	if (!sink->late) {
		gh_log_warning("module '%s' ends a sink that it has not begun: ignored",
			       sink->instance->name);
		return;
	}
	if (!sink->rc)
		sink->rc = rc <= 0 ? rc : GH_EINVAL;
	if (!gh_ticket_post(sink->instance->hooks->askers, sink->ticket, &sink->mail))
		gh_sink_free(&sink);
}

/* ---- of a fetch ---- */

static int gather(struct gh_sink *sink, const struct gh_record *record)
{
	if (sink->records.count == GH_FETCH_MAX)
		return GH_EINVAL;
	gh_record_list_add(&sink->records, gh_record_copy_new(record));
	return 0;
}

struct gh_sink *gh_sink_new(struct gh_instance *instance, struct gh_ticket ticket)
{
	struct gh_sink *sink = gh_zalloc(sizeof(*sink));

	sink->api = &gh_host_table;
	sink->mail.deliver = gh_fetch_deliver;
	sink->take = gather;
	sink->instance = instance;
	sink->ticket = ticket;
	return sink;
}

void gh_sink_free(struct gh_sink **sink)
{
	if (*sink)
		gh_record_list_done(&(*sink)->records);
	free(*sink);
	*sink = NULL;
}
