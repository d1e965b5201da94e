/* SPDX-License-Identifier: Apache-2.0 */
/* What modules keep: sorted by name and key, written through to the store. */
#include "hook/keep.h"

#include "base/mem.h"
#include "base/str.h"
#include "hook/host.h"
#include "hook/instance_priv.h"
#include "hook/sink.h"
#include "hook/storage.h"

#include <stdlib.h>
#include <string.h>

struct gh_kept {
	pthread_mutex_t lock; /* held while the store is told: what it hears last is what is here */
	struct gh_record_copy **at; /* by owner, then key */
	size_t count, size;
};

struct gh_kept *gh_kept_new(void)
{
	struct gh_kept *kept = gh_zalloc(sizeof(*kept));

	pthread_mutex_init(&kept->lock, NULL);
	return kept;
}

void gh_kept_free(struct gh_kept **kept)
{
	if (!*kept)
		return;
	for (size_t i = 0; i < (*kept)->count; i++)
		free((*kept)->at[i]);
	free((*kept)->at);
	pthread_mutex_destroy(&(*kept)->lock);
	free(*kept);
	*kept = NULL;
}

/* ---- the sorted array ---- */

static int compare(const struct gh_record *a, const struct gh_record *b)
{
	int order = gh_bytes_compare((struct gh_bytes){ a->owner.p, a->owner.n },
				     (struct gh_bytes){ b->owner.p, b->owner.n });

	return order ? order : gh_bytes_compare(a->key, b->key);
}

/* The first that isn't less. */
static size_t place_of(const struct gh_kept *kept, const struct gh_record *record)
{
	size_t low = 0, high = kept->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&kept->at[middle]->record, record) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct gh_kept *kept, size_t place, const struct gh_record *record)
{
	return place < kept->count && compare(&kept->at[place]->record, record) == 0;
}

static void insert(struct gh_kept *kept, size_t place, struct gh_record_copy *record)
{
	if (kept->count == kept->size) {
		kept->size = kept->size ? kept->size * 2 : 16;
		kept->at = gh_realloc_array(kept->at, kept->size, sizeof(struct gh_record_copy *));
	}
	memmove(&kept->at[place + 1], &kept->at[place],
		(kept->count - place) * sizeof(struct gh_record_copy *));
	kept->at[place] = record;
	kept->count++;
}

static void set(struct gh_kept *kept, const struct gh_record *record)
{
	size_t place = place_of(kept, record);
	bool there = is_at(kept, place, record);

	if (there) {
		free(kept->at[place]);
		kept->at[place] = gh_record_copy_new(record);
	} else {
		insert(kept, place, gh_record_copy_new(record));
	}
}

static void take_out(struct gh_kept *kept, const struct gh_record *record)
{
	size_t place = place_of(kept, record);

	if (!is_at(kept, place, record))
		return;
	free(kept->at[place]);
	kept->count--;
	memmove(&kept->at[place], &kept->at[place + 1],
		(kept->count - place) * sizeof(struct gh_record_copy *));
}

static bool is_full(const struct gh_kept *kept, const struct gh_record *record)
{
	const struct gh_record first = { .owner = record->owner };
	size_t keys = 1, bytes = record->key.n + record->value.n;

	for (size_t i = place_of(kept, &first); i < kept->count; i++) {
		const struct gh_record *other = &kept->at[i]->record;

		if (!gh_str_equal(other->owner, record->owner))
			break;
		if (compare(other, record) == 0)
			continue;
		keys++;
		bytes += other->key.n + other->value.n;
	}
	return keys > GH_KEPT_KEYS || bytes > GH_KEPT_BYTES;
}

int gh_kept_load(struct gh_kept *kept, const struct gh_record *record)
{
	if (!record->owner.n || !record->key.n || record->key.n > GH_KEPT_KEY || !record->value.n)
		return GH_EINVAL;
	pthread_mutex_lock(&kept->lock);
	set(kept, record);
	pthread_mutex_unlock(&kept->lock);
	return 0;
}

/* ---- what modules call ---- */

static int change(struct gh_storage *storage, struct gh_kept *kept, const struct gh_record *record)
{
	int rc;

	if (!record->value.n) {
		rc = gh_storage_erase(storage, record);
		if (rc == 0)
			take_out(kept, record);
		return rc;
	}
	if (is_full(kept, record))
		return GH_EBUSY;
	rc = gh_storage_put(storage, record);
	if (rc == 0)
		set(kept, record);
	return rc;
}

int gh_keep_bytes(struct gh_host *host, struct gh_bytes key, struct gh_bytes value)
{
	struct gh_instance *instance = (struct gh_instance *)(void *)host;
	struct gh_storage *storage = instance->hooks->storage;
	struct gh_record record = { .size = sizeof(record),
				    .kind = GH_REC_MODULE,
				    .owner = gh_str(instance->name),
				    .key = key,
				    .value = value };
	struct gh_kept *kept = gh_storage_kept(storage, instance);
	int rc;

	if (!kept)
		return GH_ENOTSUP;
	if (!key.p || !key.n || key.n > GH_KEPT_KEY || (value.n && !value.p))
		return GH_EINVAL;
	if (value.n > GH_KEPT_BYTES)
		return GH_EBUSY;
	pthread_mutex_lock(&kept->lock);
	rc = change(storage, kept, &record);
	pthread_mutex_unlock(&kept->lock);
	return rc;
}

/* Copies first: fn may keep something. */
static struct gh_record_list all_of(struct gh_kept *kept, struct gh_str owner)
{
	const struct gh_record first = { .owner = owner };
	struct gh_record_list list = { 0 };

	pthread_mutex_lock(&kept->lock);
	for (size_t i = place_of(kept, &first);
	     i < kept->count && gh_str_equal(kept->at[i]->record.owner, owner); i++)
		gh_record_list_add(&list, gh_record_copy_new(&kept->at[i]->record));
	pthread_mutex_unlock(&kept->lock);
	return list;
}

int gh_keep_recall(struct gh_host *host, gh_recall_fn *fn, void *arg)
{
	struct gh_instance *instance = (struct gh_instance *)(void *)host;
	struct gh_kept *kept = gh_storage_kept(instance->hooks->storage, instance);
	struct gh_record_list list;

	if (!fn || gh_here()->creating != instance)
		return GH_EINVAL;
	if (!kept)
		return GH_ENOTSUP;
	list = all_of(kept, gh_str(instance->name));
	for (size_t i = 0; i < list.count; i++)
		fn(arg, list.at[i]->record.key, list.at[i]->record.value);
	gh_record_list_done(&list);
	return 0;
}
