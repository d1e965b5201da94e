/* SPDX-License-Identifier: Apache-2.0 */
/* What instances have attached to a connection. */
#include "hook/attach.h"

#include "base/log.h"
#include "base/mem.h"
#include "hook/asker_priv.h"
#include "hook/call.h"
#include "hook/host.h"

#include <stdlib.h>

/* Connections whose slots are looked at in one turn. */
#define SLICE 256u

struct slot {
	struct gh_instance *instance;
	void *data;
	gh_free_fn *fn;
};

struct gh_attachments {
	struct gh_node in_asker;
	unsigned count;
	struct slot *at;
};

/* ---- slots ---- */

static struct slot *find(struct gh_attachments *slots, const struct gh_instance *instance)
{
	for (unsigned i = 0; slots && i < slots->count; i++)
		if (slots->at[i].instance == instance)
			return &slots->at[i];
	return NULL;
}

static void free_data(const struct slot *slot)
{
	if (slot->fn && slot->data)
		gh_call_free(slot->instance, slot->fn, slot->data);
	gh_instance_unref(slot->instance);
}

static void discard(struct gh_attachments **slots)
{
	struct gh_attachments *gone = *slots;

	*slots = NULL;
	gh_list_remove(&gone->in_asker);
	free(gone->at);
	free(gone);
}

void gh_attachments_free(struct gh_attachments **slots)
{
	if (!*slots)
		return;
	for (unsigned i = 0; i < (*slots)->count; i++)
		free_data(&(*slots)->at[i]);
	discard(slots);
}

/* Frees those of instances that aren't in force any more. */
static void free_retired(struct gh_attachments *slots)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < slots->count; i++) {
		struct slot slot = slots->at[i];

		if (atomic_load(&slot.instance->retired))
			free_data(&slot);
		else
			slots->at[kept++] = slot;
	}
	slots->count = kept;
}

void gh_attachments_leave(struct gh_attachments **slots)
{
	if (!*slots)
		return;
	free_retired(*slots);
	gh_list_remove(&(*slots)->in_asker);
	if ((*slots)->count == 0)
		discard(slots);
}

void gh_attachments_enter(struct gh_attachments **slots, struct gh_asker *asker)
{
	if (!*slots)
		return;
	gh_list_append(&asker->attached, &(*slots)->in_asker);
	free_retired(*slots);
}

/* ---- another runtime ---- */

static void on_sweep(struct gh_timeout *timeout)
{
	struct gh_asker *asker = gh_container(timeout, struct gh_asker, sweep);

	for (unsigned n = 0; n < SLICE && !gh_list_empty(&asker->stale); n++) {
		struct gh_node *node = asker->stale.next;

		/* Without a slot it stays its connection's, for the next. */
		gh_list_remove(node);
		gh_list_append(&asker->attached, node);
		free_retired(gh_container(node, struct gh_attachments, in_asker));
	}
	if (!gh_list_empty(&asker->stale))
		gh_loop_timeout(asker->loop, &asker->sweep, 0);
}

void gh_attachments_sweep(struct gh_asker *asker)
{
	gh_list_splice(&asker->stale, &asker->attached);
	if (gh_list_empty(&asker->stale))
		return;
	gh_timeout_init(&asker->sweep, on_sweep);
	gh_loop_timeout(asker->loop, &asker->sweep, 0);
}

/* ---- the host's calls ---- */

/* Where the slots of a hook's client are. NULL: this thread isn't its worker, or it has no connection. */
static struct gh_attachments **home_of(const struct gh_client *client)
{
	const struct gh_here *here = gh_here();

	if (!client || !here->asker || here->instance || gh_asker_is_control(here->asker) ||
	    client->connection == 0)
		return NULL;
	return gh_snapshot_home(gh_snapshot_of(client));
}

static bool on_a_worker(const struct gh_instance *instance)
{
	const struct gh_here *here = gh_here();

	if (here->asker && !here->instance)
		return true;
	gh_log_warning("module '%s' calls gh_attach outside of a worker's hook: refused",
		       instance->name);
	return false;
}

static struct slot *add(struct gh_attachments **home, struct gh_instance *instance,
			struct gh_asker *asker)
{
	struct gh_attachments *slots = *home;

	if (!slots) {
		slots = *home = gh_zalloc(sizeof(*slots));
		gh_list_append(&asker->attached, &slots->in_asker);
	}
	slots->at = gh_realloc_array(slots->at, slots->count + 1, sizeof(*slots->at));
	slots->at[slots->count] = (struct slot){ .instance = instance };
	gh_instance_ref(instance);
	return &slots->at[slots->count++];
}

int gh_attach_set(struct gh_host *host, const struct gh_client *client, void *data, gh_free_fn *fn)
{
	struct gh_instance *instance = (struct gh_instance *)(void *)host;
	struct gh_asker *asker = gh_here()->asker;
	struct gh_attachments **home;
	struct slot *slot, old;

	if (!client || !on_a_worker(instance))
		return GH_EINVAL;
	home = home_of(client);
	/* One that is replaced answers what it was asked; nobody would free what it attaches now. */
	if (!home || atomic_load(&instance->retired))
		return GH_ENOENT;
	slot = find(*home, instance);
	if (!slot)
		slot = add(home, instance, asker);
	old = *slot;
	slot->data = data;
	slot->fn = fn;
	if (old.fn && old.data && old.data != data)
		old.fn(old.data); /* inside its own hook: the lock is held where it has one */
	return 0;
}

void *gh_attach_get(struct gh_host *host, const struct gh_client *client)
{
	struct gh_attachments **home = home_of(client);
	struct slot *slot = home ? find(*home, (struct gh_instance *)(void *)host) : NULL;

	return slot ? slot->data : NULL;
}
