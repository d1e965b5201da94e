/* SPDX-License-Identifier: Apache-2.0 */
/* Records on their way from a store, judged one by one. */
#include "sink.h"
#include "priv.h"

#include <stdlib.h>
#include <string.h>

const char *const gh_record_kinds[] = { "any",     "session", "subscription", "queued", "inflight",
					"inbound", "will",    "retained",     "ban",    "module",
					NULL };

static struct gh_str copy_str(struct gh_str str)
{
	return (struct gh_str){ gh_copy_n(str.p, str.n), str.n };
}

static struct gh_bytes copy_bytes(struct gh_bytes bytes)
{
	return (struct gh_bytes){ gh_copy_n(bytes.p, bytes.n), bytes.n };
}

struct gh_sink *gh_sink_new(struct gh_instance *instance, const struct gh_asked *asked)
{
	struct gh_sink *sink = gh_new(sizeof(*sink));

	sink->api = &gh_testhost_api;
	sink->instance = instance;
	sink->asked = *asked;
	sink->asked.owner = copy_str(asked->owner);
	sink->asked.after = copy_bytes(asked->after);
	return sink;
}

static void clear(struct gh_sink *sink)
{
	while (sink->count) {
		const struct gh_record *gone = &sink->records[--sink->count];

		free((void *)gone->owner.p);
		free((void *)gone->key.p);
		free((void *)gone->value.p);
	}
}

void gh_sink_free(struct gh_sink **sink)
{
	struct gh_sink *gone = *sink;

	*sink = NULL;
	if (!gone)
		return;
	clear(gone);
	free(gone->records);
	free((void *)gone->asked.owner.p);
	free((void *)gone->asked.after.p);
	free(gone);
}

/* ---- what may be told ---- */

static bool same(const void *a, size_t a_n, const void *b, size_t b_n)
{
	return a_n == b_n && (!a_n || memcmp(a, b, a_n) == 0);
}

static int compare(struct gh_bytes a, struct gh_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

static const char *wrong_in_queue(const struct gh_sink *sink, const struct gh_record *record)
{
	for (size_t i = 0; i < sink->count; i++)
		if (sink->records[i].kind == GH_REC_QUEUED &&
		    same(sink->records[i].owner.p, sink->records[i].owner.n, record->owner.p,
			 record->owner.n))
			return "a second one of that queue in load";
	if (record->value.n || !record->count)
		return "of a queue its last key without value is told, and how many there are";
	return NULL;
}

/* Of those that fetch is to tell: the next one. */
static const char *wrong_in_fetch(const struct gh_sink *sink, const struct gh_record *record)
{
	const struct gh_asked *asked = &sink->asked;
	struct gh_bytes last = sink->count ? sink->records[sink->count - 1].key : asked->after;

	if (record->kind != asked->kind ||
	    !same(record->owner.p, record->owner.n, asked->owner.p, asked->owner.n))
		return "another kind or owner than the one asked for";
	if (compare(record->key, last) <= 0)
		return "its key doesn't come behind the one before";
	return sink->count >= asked->limit ? "more than were asked for" : NULL;
}

/* The broker warns of such a record, leaves it in the store and goes on. */
static const char *wrong_in_load(const struct gh_sink *sink, const struct gh_record *record)
{
	if (!record->kind)
		return "a record without kind";
	if (record->owner.n > UINT16_MAX)
		return "its owner is too long for a client id";
	return record->kind == GH_REC_QUEUED ? wrong_in_queue(sink, record) : NULL;
}

static void keep(struct gh_sink *sink, const struct gh_record *record)
{
	struct gh_record copy = *record;

	copy.owner = copy_str(record->owner);
	copy.key = copy_bytes(record->key);
	copy.value = copy_bytes(record->value);
	sink->records = gh_grow(sink->records, sink->count + 1, sizeof(copy));
	sink->records[sink->count++] = copy;
}

static int take(struct gh_sink *sink, const struct gh_record *theirs)
{
	struct gh_record record = { 0 };
	const char *wrong;
	int rc = gh_busy(sink->instance->host, GH_ACT_SINK);

	if (rc)
		return rc;
	if (!theirs || theirs->size < offsetof(struct gh_record, count)) {
		gh_misuse(sink->instance, "gh_sink_put(): no record, or its size isn't set");
		return GH_EINVAL;
	}
	if (sink->asked.kind && sink->count == GH_FETCH_MOST)
		return GH_EINVAL;
	memcpy(&record, theirs, theirs->size < sizeof(record) ? theirs->size : sizeof(record));
	wrong = sink->asked.kind ? wrong_in_fetch(sink, &record) : wrong_in_load(sink, &record);
	if (wrong)
		gh_misuse(sink->instance, "gh_sink_put(): %s", wrong);
	if (sink->asked.kind && !sink->wrong)
		sink->wrong = wrong;
	keep(sink, &record);
	return 0;
}

int gh_host_sink_put(struct gh_sink *sink, const struct gh_record *record)
{
	if (!sink->rc)
		sink->rc = take(sink, record);
	return sink->rc;
}

void gh_sink_judge(struct gh_sink *sink, int rc)
{
	if (!sink->rc)
		sink->rc = rc > 0 ? GH_EINVAL : rc;
	if (!sink->rc && sink->wrong) {
		sink->rc = GH_EIO;
		sink->why = sink->wrong;
	}
}

/* ---- later ---- */

/* What a ticket's sink may be told is kept while it is open. */
struct gh_fetch {
	struct gh_fetch *next;
	uint64_t id;
	struct gh_asked asked;
};

static void fetch_add(struct gh_testhost *host, const struct gh_sink *sink)
{
	struct gh_fetch *fetch = gh_new(sizeof(*fetch));

	fetch->id = sink->ticket.id;
	fetch->asked = sink->asked;
	fetch->asked.owner = copy_str(sink->asked.owner);
	fetch->asked.after = copy_bytes(sink->asked.after);
	pthread_mutex_lock(&host->lock);
	fetch->next = host->fetches;
	host->fetches = fetch;
	pthread_mutex_unlock(&host->lock);
}

/* id 0: all of them. */
void gh_fetch_forget(struct gh_testhost *host, struct gh_ticket ticket)
{
	struct gh_fetch **at = &host->fetches, *gone;

	pthread_mutex_lock(&host->lock);
	while ((gone = *at)) {
		if (ticket.id && gone->id != ticket.id) {
			at = &gone->next;
			continue;
		}
		*at = gone->next;
		free((void *)gone->asked.owner.p);
		free((void *)gone->asked.after.p);
		free(gone);
	}
	pthread_mutex_unlock(&host->lock);
}

/* NULL: whoever asked went away this moment. */
static struct gh_sink *fetch_sink(struct gh_instance *instance, struct gh_ticket ticket)
{
	struct gh_testhost *host = instance->host;
	struct gh_sink *sink = NULL;
	const struct gh_fetch *fetch;

	pthread_mutex_lock(&host->lock);
	fetch = host->fetches;
	while (fetch && fetch->id != ticket.id)
		fetch = fetch->next;
	if (fetch)
		sink = gh_sink_new(instance, &fetch->asked);
	pthread_mutex_unlock(&host->lock);
	return sink;
}

struct gh_ticket gh_host_sink_pend(struct gh_sink *sink)
{
	struct gh_testhost *host = sink->instance->host;
	struct gh_question about = { .due_ns = gh_clock_now(&host->clock) +
					       host->timeout_ms * GH_NS_PER_MS };

	if (!sink->may_wait) {
		gh_misuse(sink->instance, "gh_sink_pend() outside of fetch");
		return (struct gh_ticket){ 0 };
	}
	if (!sink->ticket.id) {
		sink->ticket = gh_tickets_open(&host->tickets, &sink->instance->sinks, &about);
		fetch_add(host, sink);
	}
	return sink->ticket;
}

struct gh_sink *gh_host_sink_begin(struct gh_host *theirs, struct gh_ticket ticket)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	struct gh_question about;
	struct gh_sink *sink;

	if (!gh_tickets_claim(&instance->host->tickets, &instance->sinks, ticket, &about))
		return NULL;
	sink = fetch_sink(instance, ticket);
	if (!sink)
		return NULL;
	sink->ticket = ticket;
	sink->late = true;
	sink->thread = pthread_self();
	return sink;
}

void gh_host_sink_end(struct gh_sink *sink, int rc)
{
	if (!sink->late) {
		gh_misuse(sink->instance, "gh_sink_end() of a sink that was not begun");
		return;
	}
	if (!pthread_equal(sink->thread, pthread_self()))
		gh_misuse(sink->instance, "gh_sink_end() on another thread than gh_sink_begin()");
	gh_sink_judge(sink, rc);
	if (!gh_tickets_answer(&sink->instance->host->tickets, sink->ticket, sink))
		gh_sink_free(&sink);
}

/* ---- words ---- */

static void add(struct gh_facts *facts, size_t row, const char *name, const void *p, size_t n)
{
	char *key = gh_format("%zu.%s", row, name);

	gh_facts_bytes(facts, key, p, n);
	free(key);
}

static void add_number(struct gh_facts *facts, size_t row, const char *name, uint64_t value)
{
	char *text = gh_format("%llu", (unsigned long long)value);

	if (value)
		add(facts, row, name, text, strlen(text));
	free(text);
}

static void add_record(struct gh_facts *facts, size_t row, const struct gh_record *record)
{
	if (record->kind <= GH_REC_MODULE)
		add(facts, row, "kind", gh_record_kinds[record->kind],
		    strlen(gh_record_kinds[record->kind]));
	else
		add_number(facts, row, "kind", record->kind);
	add(facts, row, "owner", record->owner.p, record->owner.n);
	add(facts, row, "key", record->key.p, record->key.n);
	add(facts, row, "value", record->value.p, record->value.n);
	add_number(facts, row, "expires", (uint64_t)record->expires);
	add_number(facts, row, "count", record->count);
	add_number(facts, row, "bytes", record->bytes);
}

void gh_sink_facts(const struct gh_sink *sink, struct gh_facts *facts)
{
	gh_facts_word(facts, sink->pending ? "pending" : sink->rc ? "error" : "ok");
	if (sink->pending)
		return;
	if (sink->rc) {
		gh_facts_text(facts, "code", gh_code_word(sink->rc));
		gh_facts_text(facts, "message", sink->why);
		return;
	}
	gh_facts_print(facts, "records", "%zu", sink->count);
	for (size_t i = 0; i < sink->count; i++)
		add_record(facts, i + 1, &sink->records[i]);
}
