/* SPDX-License-Identifier: Apache-2.0 */
/* What modules attach to connections. */
#include "priv.h"

#include <stdlib.h>

static struct gh_slot **bucket(struct gh_testhost *host, uint64_t connection)
{
	return &host->slots[connection * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (host->slot_buckets - 1)];
}

static void grow(struct gh_testhost *host)
{
	size_t old = host->slot_buckets;
	struct gh_slot **from = host->slots, *slot, **to;

	host->slot_buckets = old ? old * 4 : 64;
	host->slots = gh_new(host->slot_buckets * sizeof(struct gh_slot *));
	for (size_t i = 0; i < old; i++)
		while ((slot = from[i])) {
			from[i] = slot->next;
			to = bucket(host, slot->connection);
			slot->next = *to;
			*to = slot;
		}
	free(from);
}

static struct gh_slot *find(struct gh_testhost *host, const struct gh_instance *instance,
			    uint64_t connection)
{
	struct gh_slot *slot = host->slot_buckets ? *bucket(host, connection) : NULL;

	while (slot && (slot->connection != connection || slot->instance != instance))
		slot = slot->next;
	return slot;
}

static struct gh_slot *find_or_add(struct gh_testhost *host, struct gh_instance *instance,
				   uint64_t connection)
{
	struct gh_slot *slot = find(host, instance, connection), **at;

	if (slot)
		return slot;
	if (host->slot_count++ >= host->slot_buckets)
		grow(host);
	slot = gh_new(sizeof(*slot));
	at = bucket(host, connection);
	*slot = (struct gh_slot){ .next = *at, .connection = connection, .instance = instance };
	*at = slot;
	return slot;
}

static void free_data(void *arg)
{
	const struct gh_slot *slot = arg;

	slot->free(slot->data);
}

static void drop(struct gh_slot *slot)
{
	if (slot->data && slot->free)
		gh_instance_run_here(slot->instance, GH_IN_END, free_data, slot);
	slot->data = NULL;
}

/* Of one connection, or with instance alone of all. */
static void drop_in(struct gh_testhost *host, size_t index, const uint64_t *connection,
		    const struct gh_instance *instance)
{
	struct gh_slot **at = &host->slots[index], *gone;

	while ((gone = *at)) {
		if ((connection && gone->connection != *connection) ||
		    (instance && gone->instance != instance)) {
			at = &gone->next;
			continue;
		}
		*at = gone->next;
		host->slot_count--;
		drop(gone);
		free(gone);
	}
}

void gh_testhost_gone(struct gh_testhost *host, uint64_t connection)
{
	if (host->slot_buckets)
		drop_in(host, (size_t)(bucket(host, connection) - host->slots), &connection, NULL);
}

void gh_attached_free(struct gh_instance *instance)
{
	for (size_t i = 0; i < instance->host->slot_buckets; i++)
		drop_in(instance->host, i, NULL, instance);
}

static bool in_hook(struct gh_instance *instance, const char *call)
{
	const struct gh_here *here = gh_here();
	bool allowed = here->instance == instance && here->place == GH_IN_HOOK && here->worker;

	if (!allowed)
		gh_misuse(instance, "%s outside of a hook on the client's worker", call);
	return allowed;
}

int gh_host_attach(struct gh_host *theirs, const struct gh_client *client, void *data,
		   gh_free_fn *free_fn)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	struct gh_slot *slot;

	if (!in_hook(instance, "gh_attach()"))
		return GH_EINVAL;
	if (!client || !client->connection)
		return GH_ENOENT;
	slot = find_or_add(instance->host, instance, client->connection);
	drop(slot);
	slot->data = data;
	slot->free = free_fn;
	return 0;
}

void *gh_host_attached(struct gh_host *theirs, const struct gh_client *client)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	const struct gh_slot *slot;

	if (!in_hook(instance, "gh_attached()") || !client || !client->connection)
		return NULL;
	slot = find(instance->host, instance, client->connection);
	return slot ? slot->data : NULL;
}
