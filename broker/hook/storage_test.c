/* SPDX-License-Identifier: Apache-2.0 */
/* The store as the core uses it: loaded, told, fetched from; and what modules keep in it. */
#include "hook/storage.h"

#include "hook/fetch.h"
#include "hook/fixture.h"
#include "hook/keep.h"
#include "hook/sink.h"

#define RECORDS 80u

/* A store that answers as it is told to. */
static struct {
	struct gh_host *host;
	int load_rc, put_rc, fetch_rc;
	unsigned puts, erases;
	bool later, twice, foreign, unsorted;
	uint32_t more; /* beyond the limit */
	struct gh_ticket ticket;
	struct gh_record last;
	char bytes[600];
} shelf;

static struct fixture fixture;
static struct gh_instance *store, *user;
static struct gh_storage *storage;
static unsigned loaded;
static struct {
	unsigned calls;
	int rc;
	size_t count;
	uint8_t first, last;
} got;

static struct gh_record record_of(uint32_t kind, const char *owner, const char *key, const char *value)
{
	return (struct gh_record){ .size = sizeof(struct gh_record),
				   .kind = kind,
				   .owner = { owner, strlen(owner) },
				   .key = { key, strlen(key) },
				   .value = { value, strlen(value) } };
}

static int shelf_load(void *self, struct gh_sink *sink)
{
	struct gh_record session = record_of(GH_REC_SESSION, "c1", "", "s");
	struct gh_record mine = record_of(GH_REC_MODULE, "user", "b", "2");
	struct gh_record other = record_of(GH_REC_MODULE, "users", "a", "x");
	struct gh_record bad = record_of(GH_REC_MODULE, "user", "", "x");

	(void)self;
	ck_assert_uint_eq(gh_sink_pend(sink).id, 0);
	gh_sink_end(sink, 0); /* it hasn't begun it */
	ck_assert_int_eq(gh_sink_put(sink, &session), 0);
	ck_assert_int_eq(gh_sink_put(sink, &mine), 0);
	ck_assert_int_eq(gh_sink_put(sink, &other), 0);
	ck_assert_int_eq(gh_sink_put(sink, &bad), 0); /* told, no more */
	return shelf.load_rc;
}

static int shelf_put(void *self, const struct gh_record *record)
{
	(void)self;
	shelf.puts++;
	shelf.last = *record;
	return shelf.put_rc;
}

static int shelf_erase(void *self, const struct gh_record *record)
{
	(void)self;
	shelf.erases++;
	shelf.last = *record;
	return shelf.put_rc;
}

/* Keys 1 to RECORDS, a byte each. */
static void give(struct gh_sink *sink, const struct gh_record *after, uint32_t limit)
{
	uint8_t key = after->key.n ? *(const uint8_t *)after->key.p : 0;

	for (uint32_t i = 0; i < limit + shelf.more && key < RECORDS; i++) {
		struct gh_record record =
			record_of(after->kind, shelf.foreign ? "x" : "c1", "", "message");

		key = shelf.unsorted && i ? key : (uint8_t)(key + 1);
		record.key = (struct gh_bytes){ &key, 1 };
		gh_sink_put(sink, &record);
	}
}

static int shelf_fetch(void *self, const struct gh_record *after, uint32_t limit, struct gh_sink *sink)
{
	(void)self;
	if (shelf.later) {
		shelf.ticket = gh_sink_pend(sink);
		return GH_LATER;
	}
	if (!shelf.fetch_rc || shelf.fetch_rc == GH_LATER)
		give(sink, after, limit);
	return shelf.fetch_rc;
}

static const struct gh_store callbacks = { .size = sizeof(callbacks),
					   .load = shelf_load,
					   .put = shelf_put,
					   .erase = shelf_erase,
					   .fetch = shelf_fetch };
static struct gh_plugin store_plugin = { .store = &callbacks },
			user_plugin = { .flags = GH_CONCURRENT };

static int on_loaded(void *arg, const struct gh_record *record)
{
	(void)arg;
	ck_assert_uint_eq(record->kind, GH_REC_SESSION);
	loaded++;
	return 0;
}

static void done(void *arg, int rc, const struct gh_record *const *records, size_t count)
{
	(void)arg;
	got.calls++;
	got.rc = rc;
	got.count = count;
	got.first = count ? *(const uint8_t *)records[0]->key.p : 0;
	got.last = count ? *(const uint8_t *)records[count - 1]->key.p : 0;
}

static struct gh_host *host_of(struct gh_instance *instance)
{
	return (struct gh_host *)(void *)instance;
}

static void setup(void)
{
	static struct gh_plugin_settings settings = { .where = "test:1:1" };
	struct gh_error error = { 0 };

	memset(&shelf, 0, sizeof(shelf));
	memset(&got, 0, sizeof(got));
	loaded = 0;
	fixture_init(&fixture);
	storage = fixture.hooks.storage = gh_storage_new(on_loaded, NULL);
	store = fixture_add(&fixture, "store", &store_plugin, NULL);
	user = fixture_add(&fixture, "user", &user_plugin, NULL);
	store->settings = &settings;
	ck_assert_int_eq(gh_storage_open(storage, store, &error), 0);
}

static void teardown(void)
{
	gh_storage_close(storage);
	gh_storage_close(storage);
	gh_storage_free(&storage);
	fixture_done(&fixture);
}

static struct gh_fetch *fetch(const char *key, uint32_t limit)
{
	const struct gh_fetch_call call = { .asker = fixture.asker, .timeout_ms = 50, .done = done };
	struct gh_record after = record_of(GH_REC_QUEUED, "c1", key, "");

	return gh_fetch_start(&call, store, &after, limit);
}

static void wait_done(void)
{
	while (!got.calls)
		gh_loop_poll(fixture.loop);
}

/* ---- load ---- */

START_TEST(is_loaded)
{
	setup();
	ck_assert_uint_eq(loaded, 1);
	ck_assert_ptr_eq(gh_storage_instance(storage), store);
	ck_assert_ptr_null(gh_storage_instance(NULL));
	teardown();
}
END_TEST

START_TEST(cannot_be_loaded)
{
	struct gh_storage *other = gh_storage_new(on_loaded, NULL);
	struct gh_error error = { 0 };

	setup();
	shelf.load_rc = GH_EIO;
	ck_assert_int_eq(gh_storage_open(other, store, &error), GH_EIO);
	ck_assert_ptr_nonnull(strstr(error.text, "test:1:1: store 'store' can't be read"));
	ck_assert_ptr_null(gh_storage_instance(other));
	gh_storage_free(&other);
	teardown();
}
END_TEST

/* ---- put ---- */

START_TEST(is_told)
{
	struct gh_record record = record_of(GH_REC_SESSION, "c1", "", "s");

	setup();
	ck_assert_int_eq(gh_storage_put(storage, &record), 0);
	ck_assert_int_eq(gh_storage_erase(storage, &record), 0);
	ck_assert_uint_eq(shelf.puts + shelf.erases, 2);
	shelf.put_rc = 5; /* no result at all */
	ck_assert_int_eq(gh_storage_put(storage, &record), GH_EIO);
	shelf.put_rc = GH_EBUSY;
	ck_assert_int_eq(gh_storage_erase(storage, &record), GH_EBUSY);
	teardown();
}
END_TEST

START_TEST(one_that_is_off)
{
	struct gh_record record = record_of(GH_REC_SESSION, "c1", "", "s");

	setup();
	atomic_store(&store->off, "it has failed");
	ck_assert_int_eq(gh_storage_put(storage, &record), GH_EIO);
	ck_assert_uint_eq(shelf.puts, 0);
	fetch("", 10);
	wait_done();
	ck_assert_int_eq(got.rc, GH_EIO);
	teardown();
}
END_TEST

START_TEST(without_one)
{
	struct gh_storage *none = gh_storage_new(on_loaded, NULL);
	struct gh_record record = record_of(GH_REC_SESSION, "c1", "", "s");

	setup();
	ck_assert_int_eq(gh_storage_put(none, &record), 0);
	ck_assert_ptr_null(gh_storage_kept(none, user));
	gh_storage_close(none);
	gh_storage_free(&none);
	teardown();
}
END_TEST

/* ---- fetch ---- */

static const struct {
	const char *key;
	uint32_t limit;
	size_t count;
	uint8_t first, last;
} fetches[] = {
	{ "", 10, 10, 1, 10 },
	{ "\12", 64, 64, 11, 74 },
	{ "\116", 64, 2, 79, 80 },
	{ "\120", 64, 0, 0, 0 },
};

START_TEST(is_fetched)
{
	for (size_t i = 0; i < GH_COUNT(fetches); i++) {
		setup();
		fetch(fetches[i].key, fetches[i].limit);
		ck_assert_uint_eq(got.calls, 0); /* never from inside */
		wait_done();
		ck_assert_int_eq(got.rc, 0);
		ck_assert_uint_eq(got.count, fetches[i].count);
		ck_assert_uint_eq(got.first, fetches[i].first);
		ck_assert_uint_eq(got.last, fetches[i].last);
		teardown();
	}
}
END_TEST

/* What a store may do wrong: nothing of it is believed. */
static void too_many(void)
{
	shelf.more = 1;
}
static void foreign(void)
{
	shelf.foreign = true;
}
static void unsorted(void)
{
	shelf.unsorted = true;
}
static void failing(void)
{
	shelf.fetch_rc = GH_EIO;
}
static void no_result(void)
{
	shelf.fetch_rc = 7;
}
static void later_without_a_ticket(void)
{
	shelf.fetch_rc = GH_LATER;
}
static void (*const wrongs[])(void) = { too_many, foreign,   unsorted,
					failing,  no_result, later_without_a_ticket };

START_TEST(is_wrong)
{
	for (size_t i = 0; i < GH_COUNT(wrongs); i++) {
		setup();
		wrongs[i]();
		fetch("", 10);
		wait_done();
		ck_assert_int_lt(got.rc, 0);
		ck_assert_uint_eq(got.count, 0);
		teardown();
	}
}
END_TEST

START_TEST(comes_later)
{
	struct gh_record after = record_of(GH_REC_QUEUED, "c1", "", "");
	struct gh_sink *sink;

	setup();
	shelf.later = true;
	fetch("", 10);
	gh_loop_poll(fixture.loop);
	ck_assert_uint_eq(got.calls, 0);
	sink = gh_sink_begin(host_of(store), shelf.ticket);
	ck_assert_ptr_nonnull(sink);
	ck_assert_ptr_null(gh_sink_begin(host_of(store), shelf.ticket)); /* it is begun */
	ck_assert_ptr_null(gh_sink_begin(host_of(user), shelf.ticket));
	ck_assert_ptr_null(gh_answer_begin(host_of(store), shelf.ticket)); /* it is none of those */
	ck_assert_ptr_null(gh_reply_begin(host_of(store), shelf.ticket));
	give(sink, &after, 10);
	gh_sink_end(sink, 0);
	wait_done();
	ck_assert_int_eq(got.rc, 0);
	ck_assert_uint_eq(got.count, 10);
	ck_assert_ptr_null(gh_sink_begin(host_of(store), shelf.ticket));
	ck_assert_uint_eq(got.calls, 1);
	teardown();
}
END_TEST

START_TEST(comes_too_late)
{
	struct gh_sink *sink;

	setup();
	shelf.later = true;
	fetch("", 10);
	sink = gh_sink_begin(host_of(store), shelf.ticket);
	wait_done();
	ck_assert_int_eq(got.rc, GH_EIO);
	gh_sink_end(sink, 0);
	ck_assert_ptr_null(gh_sink_begin(host_of(store), shelf.ticket));
	gh_loop_poll(fixture.loop);
	ck_assert_uint_eq(got.calls, 1);
	teardown();
}
END_TEST

START_TEST(nobody_waits)
{
	struct gh_fetch *waiting;
	struct gh_sink *sink;

	setup();
	shelf.later = true;
	waiting = fetch("", 10);
	sink = gh_sink_begin(host_of(store), shelf.ticket);
	gh_fetch_cancel(&waiting);
	gh_fetch_cancel(&waiting);
	gh_sink_end(sink, 0);
	shelf.later = false;
	waiting = fetch("", 10);
	gh_fetch_cancel(&waiting);
	gh_loop_poll(fixture.loop);
	ck_assert_uint_eq(got.calls, 0);
	teardown();
}
END_TEST

/* ---- what modules keep ---- */

static char notes[200];

static void hear(void *arg, struct gh_bytes key, struct gh_bytes value)
{
	size_t n = strlen(notes);

	(void)arg;
	snprintf(notes + n, sizeof(notes) - n, "%.*s=%.*s ", (int)key.n, (const char *)key.p,
		 (int)value.n, (const char *)value.p);
}

static int keep(struct gh_instance *instance, const char *key, const char *value)
{
	return gh_keep(host_of(instance), (struct gh_bytes){ key, strlen(key) },
		       (struct gh_bytes){ value, strlen(value) });
}

static int recall(struct gh_instance *instance)
{
	int rc;

	notes[0] = 0;
	gh_here()->creating = instance;
	rc = gh_recall(host_of(instance), hear, NULL);
	gh_here()->creating = NULL;
	return rc;
}

START_TEST(is_kept)
{
	setup();
	ck_assert_int_eq(recall(user), 0);
	ck_assert_str_eq(notes, "b=2 ");
	ck_assert_int_eq(keep(user, "c", "3"), 0);
	ck_assert_int_eq(keep(user, "a", "1"), 0);
	ck_assert_int_eq(keep(user, "b", "two"), 0);
	ck_assert_int_eq(shelf.last.kind, GH_REC_MODULE);
	ck_assert_int_eq(keep(user, "c", ""), 0);
	ck_assert_uint_eq(shelf.puts, 3);
	ck_assert_uint_eq(shelf.erases, 1);
	ck_assert_int_eq(recall(user), 0);
	ck_assert_str_eq(notes, "a=1 b=two ");
	teardown();
}
END_TEST

START_TEST(is_not_kept)
{
	char key[GH_KEPT_KEY + 2];

	setup();
	memset(key, 'k', sizeof(key));
	key[GH_KEPT_KEY + 1] = 0;
	ck_assert_int_eq(keep(user, key, "x"), GH_EINVAL);
	ck_assert_int_eq(keep(user, "", "x"), GH_EINVAL);
	ck_assert_int_eq(keep(store, "a", "x"), GH_ENOTSUP);
	ck_assert_int_eq(recall(store), GH_ENOTSUP);
	ck_assert_int_eq(gh_recall(host_of(user), hear, NULL), GH_EINVAL); /* not in create */
	shelf.put_rc = GH_EIO;
	ck_assert_int_eq(keep(user, "b", "new"), GH_EIO);
	ck_assert_int_eq(keep(user, "b", ""), GH_EIO);
	recall(user);
	ck_assert_str_eq(notes, "b=2 ");
	teardown();
}
END_TEST

START_TEST(bounds)
{
	static char value[GH_KEPT_BYTES + 1];
	char key[16];

	setup();
	memset(value, 'v', sizeof(value) - 1);
	ck_assert_int_eq(keep(user, "c", value), GH_EBUSY);
	value[GH_KEPT_BYTES - 2] = 0; /* beside "b=2" and the key there is one byte too few */
	ck_assert_int_eq(keep(user, "c", value), GH_EBUSY);
	ck_assert_int_eq(keep(user, "b", value), 0); /* in its place there is */
	ck_assert_int_eq(keep(user, "b", "2"), 0);
	for (unsigned i = 0; i < GH_KEPT_KEYS - 1; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_int_eq(keep(user, key, "x"), 0);
	}
	ck_assert_int_eq(keep(user, "one more", "x"), GH_EBUSY);
	ck_assert_int_eq(keep(user, "k1", "y"), 0);
	ck_assert_int_eq(keep(user, "k1", ""), 0);
	ck_assert_int_eq(keep(user, "one more", "x"), 0);
	teardown();
}
END_TEST

GH_TEST_MAIN("hook/storage", is_loaded, cannot_be_loaded, is_told, one_that_is_off, without_one,
	     is_fetched, is_wrong, comes_later, comes_too_late, nobody_waits, is_kept, is_not_kept,
	     bounds)
