/* SPDX-License-Identifier: Apache-2.0 */
/* What a module keeps: in memory, by the order of its keys; other instances of it find it again. */
#include "priv.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_MOST = 1024, KEY_MOST = 256, BYTES_MOST = 262144 };

struct gh_kept {
	struct gh_bytes key, value; /* its own */
};

static struct gh_bytes copy(struct gh_bytes bytes)
{
	return (struct gh_bytes){ gh_copy_n(bytes.p, bytes.n), bytes.n };
}

static int compare(struct gh_bytes a, struct gh_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* Locked. The place of that key, or where it belongs. */
static size_t place(const struct gh_testhost *host, struct gh_bytes key, bool *found_r)
{
	size_t i = 0;
	int order = -1;

	while (i < host->kept_count && (order = compare(host->kept[i].key, key)) < 0)
		i++;
	*found_r = i < host->kept_count && order == 0;
	return i;
}

static size_t bytes_of(const struct gh_testhost *host)
{
	size_t n = 0;

	for (size_t i = 0; i < host->kept_count; i++)
		n += host->kept[i].key.n + host->kept[i].value.n;
	return n;
}

/* Locked. */
static void forget(struct gh_testhost *host, size_t i)
{
	free((void *)host->kept[i].key.p);
	free((void *)host->kept[i].value.p);
	memmove(&host->kept[i], &host->kept[i + 1], (--host->kept_count - i) * sizeof(*host->kept));
}

/* Locked. */
static void insert(struct gh_testhost *host, size_t i, struct gh_bytes key, struct gh_bytes value)
{
	host->kept = gh_grow(host->kept, host->kept_count + 1, sizeof(*host->kept));
	memmove(&host->kept[i + 1], &host->kept[i], (host->kept_count++ - i) * sizeof(*host->kept));
	host->kept[i] = (struct gh_kept){ copy(key), copy(value) };
}

/* Locked. */
static int keep(struct gh_testhost *host, struct gh_bytes key, struct gh_bytes value)
{
	bool found;
	size_t i = place(host, key, &found);
	size_t before = found ? host->kept[i].key.n + host->kept[i].value.n : 0;

	if (value.n && (bytes_of(host) - before + key.n + value.n > BYTES_MOST ||
			(!found && host->kept_count >= KEYS_MOST)))
		return GH_EBUSY;
	if (found)
		forget(host, i);
	if (value.n)
		insert(host, i, key, value);
	return 0;
}

int gh_testhost_keep(struct gh_testhost *host, struct gh_bytes key, struct gh_bytes value)
{
	int rc;

	if (!key.n || key.n > KEY_MOST)
		return GH_EINVAL;
	pthread_mutex_lock(&host->lock);
	rc = keep(host, key, value);
	pthread_mutex_unlock(&host->lock);
	return rc;
}

size_t gh_testhost_kept_count(struct gh_testhost *host)
{
	size_t count;

	pthread_mutex_lock(&host->lock);
	count = host->kept_count;
	pthread_mutex_unlock(&host->lock);
	return count;
}

struct gh_bytes gh_testhost_kept(struct gh_testhost *host, struct gh_bytes key)
{
	struct gh_bytes value = { 0 };
	bool found;
	size_t i;

	pthread_mutex_lock(&host->lock);
	i = place(host, key, &found);
	if (found)
		value = copy(host->kept[i].value);
	pthread_mutex_unlock(&host->lock);
	return value;
}

void gh_testhost_storeless(struct gh_testhost *host)
{
	host->storeless = true;
}

static bool lasts(const struct gh_testhost *host)
{
	return !host->storeless && !host->plugin.store;
}

int gh_host_keep(struct gh_host *theirs, struct gh_bytes key, struct gh_bytes value)
{
	struct gh_testhost *host = gh_instance_of(theirs)->host;
	int rc;

	if (!lasts(host))
		return GH_ENOTSUP;
	rc = gh_busy(host, GH_ACT_KEEP);
	return rc ? rc : gh_testhost_keep(host, key, value);
}

/* A copy, so that it may keep something meanwhile. */
static struct gh_kept *all(struct gh_testhost *host, size_t *count_r)
{
	struct gh_kept *copies;

	pthread_mutex_lock(&host->lock);
	*count_r = host->kept_count;
	copies = gh_new((*count_r + 1) * sizeof(*copies));
	for (size_t i = 0; i < *count_r; i++)
		copies[i] = (struct gh_kept){ copy(host->kept[i].key), copy(host->kept[i].value) };
	pthread_mutex_unlock(&host->lock);
	return copies;
}

int gh_host_recall(struct gh_host *theirs, gh_recall_fn *fn, void *arg)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	const struct gh_here *here = gh_here();
	struct gh_kept *kept;
	size_t count;

	if (!fn || here->instance != instance || here->place != GH_IN_CREATE) {
		gh_misuse(instance, "gh_recall() outside of create, or without function");
		return GH_EINVAL;
	}
	if (!lasts(instance->host))
		return GH_ENOTSUP;
	kept = all(instance->host, &count);
	for (size_t i = 0; i < count; i++) {
		fn(arg, kept[i].key, kept[i].value);
		free((void *)kept[i].key.p);
		free((void *)kept[i].value.p);
	}
	free(kept);
	return 0;
}

void gh_kept_done(struct gh_testhost *host)
{
	while (host->kept_count)
		forget(host, host->kept_count - 1);
	free(host->kept);
}
