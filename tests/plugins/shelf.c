/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shelf: a store in memory, which lasts in `file`. What it is asked it does at once, late, twice, never or not at all, as it is
 * told to. Built once more as shelf-plain, which has no barrier, and one call at a time.
 */
#include "shelf_journal.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum barrier_how { NO, NOW, LATER, REFUSE };
enum fetch_how {
	FETCH_NOW,
	FETCH_LATER,
	FETCH_NEVER,
	FETCH_TWICE,
	FETCH_ERROR,
	FETCH_ERROR_LATER,
	FETCH_OTHER_THREAD
};
enum load_how { LOAD_FINE, LOAD_ERROR, LOAD_BAD };

struct config {
	const char *file, *fail, *fail_erase, *hold, *lose, *stuck;
	int64_t barrier, fetch, load;
	uint64_t delay;
};

/* For the thread: to end a barrier, or (with a ticket) a fetch. */
struct errand {
	struct errand *next;
	struct timespec due;
	struct gh_barrier barrier;
	struct gh_ticket ticket;
	struct shelf *shelf;
	uint32_t limit;
	struct gh_record after; /* its views point into bytes */
	char bytes[];
};

struct shelf {
	struct gh_host *host;
	const struct config *config;
	struct gh_metric puts, erases, fetches, loads, barriers;
	pthread_mutex_t lock;
	struct shelf_set set;
	int journal; /* -1: there is none */
	pthread_t thread;
	pthread_cond_t more;
	struct errand *first, **last;
	bool stop;
	atomic_bool standing;
};

/* ---- the set ---- */

static bool is_there(const char *path)
{
	return path && access(path, F_OK) == 0;
}

static bool is_live(const struct shelf *shelf, const struct gh_record *record)
{
	return !record->expires || record->expires > gh_wall(shelf->host);
}

/* Locked. A configured file that isn't open keeps nothing. */
static int note(struct shelf *shelf, enum shelf_deed deed, const struct gh_record *record)
{
	if (!shelf->config->file || is_there(shelf->config->lose))
		return 0;
	return shelf->journal < 0 ? GH_EIO : shelf_journal_write(shelf->journal, deed, record);
}

/* Without a lock: the first who brings a ban, or takes one away, stands still; who comes meanwhile passes. */
static void stand(struct shelf *shelf, const struct gh_record *record)
{
	if (record->kind != GH_REC_BAN || !is_there(shelf->config->stuck) ||
	    atomic_exchange(&shelf->standing, true))
		return;
	while (is_there(shelf->config->stuck))
		usleep(2000);
}

static int put(void *instance, const struct gh_record *record)
{
	struct shelf *shelf = instance;
	int rc;

	gh_metric_add(shelf->host, shelf->puts, 1);
	stand(shelf, record);
	if (is_there(shelf->config->fail))
		return GH_EIO;
	pthread_mutex_lock(&shelf->lock);
	rc = note(shelf, SHELF_PUT, record);
	if (!rc)
		rc = shelf_set_put(&shelf->set, record);
	pthread_mutex_unlock(&shelf->lock);
	return rc;
}

static int erase(void *instance, const struct gh_record *record)
{
	struct shelf *shelf = instance;
	int rc;

	gh_metric_add(shelf->host, shelf->erases, 1);
	stand(shelf, record);
	if (is_there(shelf->config->fail_erase))
		return GH_EIO;
	pthread_mutex_lock(&shelf->lock);
	rc = note(shelf, SHELF_ERASE, record);
	if (!rc)
		shelf_set_erase(&shelf->set, record);
	pthread_mutex_unlock(&shelf->lock);
	return rc;
}

/* ---- load ---- */

/* Of a queue its last one alone; *at is the first, and then the one behind the queue. */
static int tell_queue(struct shelf *shelf, struct shelf_node **at, struct gh_sink *sink)
{
	struct gh_record told = (*at)->record;
	const struct gh_record *record;

	told.value = (struct gh_bytes){ 0 };
	for (; *at && shelf_same_owner(&(*at)->record, &told); *at = (*at)->next[0]) {
		record = &(*at)->record;
		if (!is_live(shelf, record))
			continue;
		told.key = record->key;
		told.expires = record->expires;
		told.count++;
		told.bytes += record->value.n;
	}
	return told.count ? gh_sink_put(sink, &told) : 0;
}

static int tell_all(struct shelf *shelf, struct gh_sink *sink)
{
	struct shelf_node *at = shelf->set.first[0];
	int rc = 0;

	while (at && !rc) {
		if (at->record.kind == GH_REC_QUEUED) {
			rc = tell_queue(shelf, &at, sink);
			continue;
		}
		if (is_live(shelf, &at->record))
			rc = gh_sink_put(sink, &at->record);
		at = at->next[0];
	}
	return rc;
}

/* What no broker has put. */
static void tell_bad(struct gh_sink *sink)
{
#define TEXT(s) \
	{ \
		s, sizeof(s) - 1 \
	}
	static const struct gh_record bad[] = {
		{ .kind = 99, .owner = TEXT("bad"), .key = TEXT("a"), .value = TEXT("\1x") },
		{ .kind = UINT32_MAX, .value = TEXT("x") },
		{ .kind = 0, .owner = TEXT("bad") },
		{ .kind = GH_REC_SESSION, .owner = TEXT("bad"), .value = TEXT("\377\377garbage") },
		{ .kind = GH_REC_SESSION, .value = TEXT("\1") },
		{ .kind = GH_REC_SESSION, .owner = TEXT("bad\377"), .key = TEXT("key") },
		{ .kind = GH_REC_SUBSCRIPTION, .owner = TEXT("nobody"), .key = TEXT("a/#") },
		{ .kind = GH_REC_SUBSCRIPTION, .owner = TEXT("bad"), .key = TEXT("a/#/b") },
		{ .kind = GH_REC_QUEUED, .owner = TEXT("bad"), .key = TEXT("1"), .count = UINT64_MAX },
		{ .kind = GH_REC_INFLIGHT, .owner = TEXT("bad"), .key = TEXT("\0\0") },
		{ .kind = GH_REC_INBOUND, .owner = TEXT("bad"), .key = TEXT("123") },
		{ .kind = GH_REC_WILL, .owner = TEXT("bad"), .value = TEXT("\1") },
		{ .kind = GH_REC_RETAINED, .key = TEXT("a/+"), .value = TEXT("\1\2\3\4") },
		{ .kind = GH_REC_RETAINED },
		{ .kind = GH_REC_BAN, .key = TEXT("nobody"), .value = TEXT("\377") },
		{ .kind = GH_REC_MODULE, .owner = TEXT("no-such"), .value = TEXT("x") },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct gh_record record = bad[i];

		record.size = sizeof(record);
		gh_sink_put(sink, &record);
	}
#undef TEXT
}

/* Locked. */
static int open_journal(struct shelf *shelf)
{
	const char *file = shelf->config->file;

	if (!file)
		return 0;
	shelf->journal = shelf_journal_open(file);
	if (shelf->journal < 0) {
		gh_log(shelf->host, GH_LOG_ERROR, "%s: %s", file,
		       errno == EWOULDBLOCK ? "somebody else has it" : strerror(errno));
		return GH_EIO;
	}
	if (shelf_journal_read(shelf->journal, &shelf->set) == 0)
		return 0;
	gh_log(shelf->host, GH_LOG_ERROR, "%s can't be read", file);
	return GH_EIO;
}

static int load(void *instance, struct gh_sink *sink)
{
	struct shelf *shelf = instance;
	int rc;

	gh_metric_add(shelf->host, shelf->loads, 1);
	if (shelf->config->load == LOAD_ERROR) {
		gh_log(shelf->host, GH_LOG_ERROR, "the shelf has fallen down");
		return GH_EIO;
	}
	if (shelf->config->load == LOAD_BAD)
		tell_bad(sink);
	pthread_mutex_lock(&shelf->lock);
	rc = open_journal(shelf);
	if (!rc)
		rc = tell_all(shelf, sink);
	pthread_mutex_unlock(&shelf->lock);
	return rc;
}

/* ---- errands ---- */

static struct timespec in_ms(uint64_t ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

static void append(struct shelf *shelf, struct errand *errand)
{
	errand->due = in_ms(shelf->config->delay);
	pthread_mutex_lock(&shelf->lock);
	*shelf->last = errand;
	shelf->last = &errand->next;
	pthread_cond_signal(&shelf->more);
	pthread_mutex_unlock(&shelf->lock);
}

/* Locked. Nobody waits for anything once it is to end. */
static void wait_until(struct shelf *shelf, struct timespec due)
{
	while (!shelf->stop && pthread_cond_timedwait(&shelf->more, &shelf->lock, &due) == 0)
		;
	while (!shelf->stop && is_there(shelf->config->hold)) {
		due = in_ms(5);
		pthread_cond_timedwait(&shelf->more, &shelf->lock, &due);
	}
}

/* NULL: it is to end. */
static struct errand *next(struct shelf *shelf)
{
	struct errand *errand;

	pthread_mutex_lock(&shelf->lock);
	while (!shelf->first && !shelf->stop)
		pthread_cond_wait(&shelf->more, &shelf->lock);
	errand = shelf->first;
	if (errand) {
		wait_until(shelf, errand->due);
		shelf->first = errand->next;
		if (!shelf->first)
			shelf->last = &shelf->first;
	}
	pthread_mutex_unlock(&shelf->lock);
	return errand;
}

static int tell_some(struct shelf *shelf, const struct gh_record *after, uint32_t limit,
		     struct gh_sink *sink)
{
	const struct shelf_node *node;
	int rc = 0;

	pthread_mutex_lock(&shelf->lock);
	node = shelf_set_from(&shelf->set, after);
	if (node && shelf_same_owner(&node->record, after) && node->record.key.n == after->key.n &&
	    (!after->key.n || memcmp(node->record.key.p, after->key.p, after->key.n) == 0))
		node = node->next[0];
	for (; node && limit && !rc && shelf_same_owner(&node->record, after); node = node->next[0])
		if (is_live(shelf, &node->record)) {
			rc = gh_sink_put(sink, &node->record);
			limit--;
		}
	pthread_mutex_unlock(&shelf->lock);
	return rc;
}

/* False: nobody waits. */
static bool end_fetch(const struct errand *errand)
{
	struct shelf *shelf = errand->shelf;
	struct gh_sink *sink = gh_sink_begin(shelf->host, errand->ticket);
	int rc;

	if (!sink)
		return false;
	rc = tell_some(shelf, &errand->after, errand->limit, sink);
	gh_sink_end(sink, shelf->config->fetch == FETCH_ERROR_LATER ? GH_EIO : rc);
	return true;
}

/* A ticket that nobody gave, and one that is used up. */
static void end_again(const struct errand *errand)
{
	struct errand invented = *errand;

	invented.ticket.id ^= 0x500000000;
	if (end_fetch(&invented) || end_fetch(errand))
		gh_log(errand->shelf->host, GH_LOG_ERROR, "it was heard where nobody waits");
}

static void do_errand(struct errand *errand)
{
	struct shelf *shelf = errand->shelf;

	if (!errand->ticket.id) {
		gh_barrier_end(shelf->host, errand->barrier, 0);
		return;
	}
	end_fetch(errand);
	if (shelf->config->fetch == FETCH_TWICE)
		end_again(errand);
}

static void *run(void *arg)
{
	struct errand *errand;

	while ((errand = next(arg))) {
		do_errand(errand);
		free(errand);
	}
	return NULL;
}

/* ---- fetch and barrier ---- */

static struct errand *fetch_errand(struct shelf *shelf, const struct gh_record *after,
				   uint32_t limit, struct gh_ticket ticket)
{
	struct errand *errand = calloc(1, sizeof(*errand) + after->owner.n + after->key.n);

	if (!errand)
		return NULL;
	errand->shelf = shelf;
	errand->ticket = ticket;
	errand->limit = limit;
	errand->after = *after;
	errand->after.owner.p = errand->bytes;
	errand->after.key.p = errand->bytes + after->owner.n;
	if (after->owner.n)
		memcpy(errand->bytes, after->owner.p, after->owner.n);
	if (after->key.n)
		memcpy(errand->bytes + after->owner.n, after->key.p, after->key.n);
	return errand;
}

static void *run_one(void *arg)
{
	end_fetch(arg);
	return NULL;
}

/* It has ended before the hook returns. */
static int fetch_elsewhere(struct errand *errand)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, run_one, errand) == 0 ? GH_LATER : GH_EIO;

	if (rc == GH_LATER)
		pthread_join(thread, NULL);
	free(errand);
	return rc;
}

static int fetch(void *instance, const struct gh_record *after, uint32_t limit, struct gh_sink *sink)
{
	struct shelf *shelf = instance;
	enum fetch_how how = (enum fetch_how)shelf->config->fetch;
	struct gh_ticket ticket;
	struct errand *errand;

	gh_metric_add(shelf->host, shelf->fetches, 1);
	if (how == FETCH_ERROR)
		return GH_EIO;
	if (how == FETCH_NOW)
		return tell_some(shelf, after, limit, sink);
	ticket = gh_sink_pend(sink);
	if (how == FETCH_NEVER)
		return GH_LATER;
	errand = fetch_errand(shelf, after, limit, ticket);
	if (!errand || !ticket.id) {
		free(errand);
		return GH_EIO;
	}
	if (how == FETCH_OTHER_THREAD)
		return fetch_elsewhere(errand);
	append(shelf, errand);
	return GH_LATER;
}

#ifndef SHELF_PLAIN
static int barrier(void *instance, struct gh_barrier raised)
{
	struct shelf *shelf = instance;
	struct errand *errand;

	gh_metric_add(shelf->host, shelf->barriers, 1);
	switch ((enum barrier_how)shelf->config->barrier) {
	case NO: return 0;
	case NOW: gh_barrier_end(shelf->host, raised, 0); return GH_LATER;
	case REFUSE: return GH_EIO;
	default: break;
	}
	errand = calloc(1, sizeof(*errand));
	if (!errand)
		return GH_EIO;
	errand->shelf = shelf;
	errand->barrier = raised;
	append(shelf, errand);
	return GH_LATER;
}
#endif

/* ---- commands ---- */

static const char *kind_name(uint32_t kind, char buf[16])
{
	static const char *const names[] = {
		[GH_REC_SESSION] = "session",   [GH_REC_SUBSCRIPTION] = "subscription",
		[GH_REC_QUEUED] = "queued",     [GH_REC_INFLIGHT] = "inflight",
		[GH_REC_INBOUND] = "inbound",   [GH_REC_WILL] = "will",
		[GH_REC_RETAINED] = "retained", [GH_REC_BAN] = "ban",
		[GH_REC_MODULE] = "module",
	};

	if (kind && kind < sizeof(names) / sizeof(*names))
		return names[kind];
	snprintf(buf, 16, "%u", kind);
	return buf;
}

static void tell_key(struct gh_reply *reply, struct gh_bytes key)
{
	const unsigned char *p = key.p;
	char *hex = calloc(1, 2 * key.n + 1);
	bool text = true;

	if (!hex)
		return;
	for (size_t i = 0; i < key.n; i++) {
		sprintf(hex + 2 * i, "%02x", p[i]);
		text = text && p[i] >= ' ' && p[i] < 0x7f;
	}
	gh_reply_field(reply, "key", "%s", hex);
	gh_reply_field(reply, "text", "%.*s", text ? (int)key.n : 0, (const char *)key.p);
	free(hex);
}

static void tell_record(struct gh_reply *reply, const struct gh_record *record, const char *kind)
{
	gh_reply_row(reply);
	gh_reply_field(reply, "kind", "%s", kind);
	gh_reply_field(reply, "owner", "%.*s", (int)record->owner.n, record->owner.p);
	tell_key(reply, record->key);
	gh_reply_field(reply, "bytes", "%zu", record->value.n);
	gh_reply_field(reply, "expires", "%lld", (long long)record->expires);
}

static int dump(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct shelf *shelf = instance;
	char buf[16];
	const char *kind;

	pthread_mutex_lock(&shelf->lock);
	for (const struct shelf_node *at = shelf->set.first[0]; at; at = at->next[0]) {
		kind = kind_name(at->record.kind, buf);
		if (!count || strcmp(arguments[0], kind) == 0)
			tell_record(reply, &at->record, kind);
	}
	pthread_mutex_unlock(&shelf->lock);
	return 0;
}

static int count_kinds(void *instance, size_t argument_count, const char *const *arguments,
		       struct gh_reply *reply)
{
	struct shelf *shelf = instance;
	const struct shelf_node *at;
	unsigned long count = 0;
	char buf[16];

	(void)argument_count, (void)arguments;
	pthread_mutex_lock(&shelf->lock);
	for (at = shelf->set.first[0]; at; at = at->next[0]) {
		count++;
		if (at->next[0] && at->next[0]->record.kind == at->record.kind)
			continue;
		gh_reply_row(reply);
		gh_reply_field(reply, "kind", "%s", kind_name(at->record.kind, buf));
		gh_reply_field(reply, "count", "%lu", count);
		count = 0;
	}
	pthread_mutex_unlock(&shelf->lock);
	return 0;
}

/* ---- life ---- */

static void destroy(void *instance)
{
	struct shelf *shelf = instance;

	pthread_mutex_lock(&shelf->lock);
	shelf->stop = true;
	pthread_cond_signal(&shelf->more);
	pthread_mutex_unlock(&shelf->lock);
	pthread_join(shelf->thread, NULL);
	if (shelf->journal >= 0)
		close(shelf->journal);
	shelf_set_done(&shelf->set);
	pthread_cond_destroy(&shelf->more);
	pthread_mutex_destroy(&shelf->lock);
	free(shelf);
}

static void start(struct shelf *shelf, struct gh_host *host, const void *config)
{
	pthread_condattr_t monotonic;

	shelf->host = host;
	shelf->config = config;
	shelf->journal = -1;
	shelf->last = &shelf->first;
	pthread_mutex_init(&shelf->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&shelf->more, &monotonic);
	pthread_condattr_destroy(&monotonic);
	shelf->puts = gh_metric_new(host, GH_COUNTER, "puts_total", NULL, "Records put.");
	shelf->erases = gh_metric_new(host, GH_COUNTER, "erases_total", NULL, "Calls of erase.");
	shelf->fetches = gh_metric_new(host, GH_COUNTER, "fetches_total", NULL, "Calls of fetch.");
	shelf->loads = gh_metric_new(host, GH_COUNTER, "loads_total", NULL, "Calls of load.");
	shelf->barriers = gh_metric_new(host, GH_COUNTER, "barriers_total", NULL, "Barriers raised.");
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct shelf *shelf;

	if (previous) {
		gh_fail(error, NULL, "a store isn't replaced while it is at work");
		return GH_ENOTSUP;
	}
	shelf = calloc(1, sizeof(*shelf));
	if (!shelf)
		return GH_EIO;
	start(shelf, host, config);
	if (pthread_create(&shelf->thread, NULL, run, shelf) != 0) {
		pthread_cond_destroy(&shelf->more);
		pthread_mutex_destroy(&shelf->lock);
		free(shelf);
		return GH_EIO;
	}
	*instance_r = shelf;
	return 0;
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, file, GH_PATH, "where it lasts; without it nowhere"),
	GH_OPTION(struct config, fail, GH_PATH, "a file: nothing can be put while it is there"),
	GH_OPTION(struct config, fail_erase, GH_PATH,
		  "a file: nothing can be erased while it is there"),
	GH_OPTION(struct config, hold, GH_PATH, "a file: nothing ends later while it is there"),
	GH_OPTION(struct config, lose, GH_PATH, "a file: nothing comes to last while it is there"),
	GH_OPTION(struct config, stuck, GH_PATH,
		  "a file: the first ban doesn't come through while it is there"),
	GH_OPTION(struct config, barrier, GH_ENUM,
		  "what it says to a barrier; now: ended before it says so", .standard = "no",
		  .unit = "no|now|later|refuse"),
	GH_OPTION(struct config, fetch, GH_ENUM, "how it fetches", .standard = "now",
		  .unit = "now|later|never|twice|error|error-later|other-thread"),
	GH_OPTION(struct config, load, GH_ENUM, "how it loads", .standard = "fine",
		  .unit = "fine|error|bad"),
	GH_OPTION(struct config, delay, GH_DURATION, "how long what ends later takes",
		  .standard = "0"),
	{ 0 }
};

/* Calls what calls it, for who holds a lock meanwhile. */
static int ban(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct shelf *shelf = instance;

	(void)reply;
	if (count < 1)
		return GH_EINVAL;
	return gh_ban(shelf->host, gh_subject_of(GH_CLIENT_ID, arguments[0]), 60, "said so");
}

static const struct gh_command commands[] = { { "dump", "[KIND]", "every record", 0, dump },
					      { "ban", "CLIENT", "for a minute", 0, ban },
					      { "count", NULL, "how many there are of each kind", 0,
						count_kinds },
					      { 0 } };

static const struct gh_store store = {
	.size = sizeof(store),
	.load = load,
	.put = put,
	.erase = erase,
	.fetch = fetch,
};

#ifdef SHELF_PLAIN
GH_PLUGIN(shelf_plain) = {
	GH_HEAD,
	.name = "shelf-plain",
#else
GH_PLUGIN(shelf) = {
	GH_HEAD,
	.name = "shelf",
	.barrier = barrier,
	.flags = GH_CONCURRENT,
#endif
	.version = "1",
	.summary = "a store in memory",
	.config_size = sizeof(struct config),
	.options = options,
	.commands = commands,
	.create = create,
	.destroy = destroy,
	.store = &store,
};
