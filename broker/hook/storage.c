/* SPDX-License-Identifier: Apache-2.0 */
/* The store: opened once, told what changes, closed last. */
#include "hook/storage.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "hook/call.h"
#include "hook/keep.h"
#include "hook/sink.h"

#include <stdlib.h>

#define TOLD_MS 1000u /* between two lines about failures */

struct gh_storage {
	struct gh_instance *instance; /* held; NULL: none. Set before there are other threads */
	struct gh_kept *kept;
	gh_storage_loaded_fn *loaded;
	void *arg;
	atomic_uint_fast64_t told_at, failures; /* failures since it was told */
};

struct gh_storage *gh_storage_new(gh_storage_loaded_fn *loaded, void *arg)
{
	struct gh_storage *storage = gh_zalloc(sizeof(*storage));

	storage->kept = gh_kept_new();
	storage->loaded = loaded;
	storage->arg = arg;
	return storage;
}

void gh_storage_free(struct gh_storage **storage)
{
	if (!*storage)
		return;
	gh_kept_free(&(*storage)->kept);
	free(*storage);
	*storage = NULL;
}

struct gh_instance *gh_storage_instance(const struct gh_storage *storage)
{
	return storage ? storage->instance : NULL;
}

struct gh_kept *gh_storage_kept(const struct gh_storage *storage, const struct gh_instance *instance)
{
	struct gh_instance *store = gh_storage_instance(storage);

	return store && store != instance ? storage->kept : NULL;
}

/* ---- the load ---- */

static int gather(struct gh_sink *sink, const struct gh_record *record)
{
	gh_record_list_add(&sink->records, gh_record_copy_new(record));
	return 0;
}

static int take(struct gh_storage *storage, const struct gh_instance *instance,
		const struct gh_record *record)
{
	if (record->kind != GH_REC_MODULE)
		return storage->loaded(storage->arg, record);
	if (gh_kept_load(storage->kept, record) < 0)
		gh_log_warning("store '%s': it has bytes of a module that none can have kept: ignored",
			       instance->name);
	return 0;
}

/* When the store has returned, and holds no lock of its own: later it is called with ours held. */
static int take_all(struct gh_storage *storage, struct gh_sink *sink)
{
	int rc = sink->rc;

	for (size_t i = 0; i < sink->records.count && !rc; i++) {
		rc = take(storage, sink->instance, &sink->records.at[i]->record);
		free(sink->records.at[i]);
		sink->records.at[i] = NULL;
	}
	gh_record_list_done(&sink->records);
	return rc;
}

int gh_storage_open(struct gh_storage *storage, struct gh_instance *instance, struct gh_error *error)
{
	struct gh_sink sink = { .api = &gh_host_table, .take = gather, .instance = instance };
	uint64_t began = gh_clock_ms();
	int rc = gh_call_store_load(instance, &sink);

	if (rc == 0)
		rc = take_all(storage, &sink);
	else
		gh_record_list_done(&sink.records);
	if (rc)
		return gh_error_set(error, GH_EIO, "%s: store '%s' can't be read: %s",
				    instance->settings->where, instance->name,
				    sink.rc ? "what it gives is no record"
					    : "its own line above says why");
	storage->instance = gh_instance_ref(instance);
	gh_log_info("store '%s' is read, %llu ms", instance->name,
		    (unsigned long long)(gh_clock_ms() - began));
	return 0;
}

void gh_storage_close(struct gh_storage *storage)
{
	struct gh_instance *instance = gh_storage_instance(storage);

	if (!instance)
		return;
	storage->instance = NULL;
	gh_instance_unref(instance);
}

/* ---- what changes ---- */

static int failed(struct gh_storage *storage, enum gh_store_call call, int rc)
{
	uint64_t now = gh_clock_ms(), told = atomic_load(&storage->told_at);
	uint64_t failures = atomic_fetch_add(&storage->failures, 1) + 1;

	gh_series_count(storage->instance->store_failures[call]);
	if ((told == 0 || now - told >= TOLD_MS) &&
	    atomic_compare_exchange_strong(&storage->told_at, &told, now)) {
		atomic_fetch_sub(&storage->failures, failures);
		gh_log_error(
			"store '%s': %s has failed (%d), %llu times since the last such line: what depends on it is refused",
			storage->instance->name, gh_store_call_name(call), rc,
			(unsigned long long)failures);
	}
	return rc < 0 ? rc : GH_EIO;
}

int gh_storage_put(struct gh_storage *storage, const struct gh_record *record)
{
	int rc = storage->instance ? gh_call_store_put(storage->instance, record) : 0;

	return rc ? failed(storage, GH_STORE_PUT, rc) : 0;
}

int gh_storage_erase(struct gh_storage *storage, const struct gh_record *record)
{
	int rc = storage->instance ? gh_call_store_erase(storage->instance, record) : 0;

	return rc ? failed(storage, GH_STORE_ERASE, rc) : 0;
}
