/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of a client's facts: one block, texts behind the struct. */
#include "hook/snapshot.h"

#include "base/list.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct gh_snapshot {
	struct gh_client client;
	atomic_uint refs;
	struct gh_shared_identity *identity;
	struct gh_attachments **home;
};

static size_t length(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

static const char *put(char **text, const char *s)
{
	char *at = *text;

	if (!s)
		return NULL;
	memcpy(at, s, length(s));
	*text += length(s);
	return at;
}

struct gh_snapshot *gh_snapshot_new(const struct gh_client *facts, struct gh_shared_identity *identity)
{
	struct gh_snapshot *snapshot = gh_alloc(sizeof(*snapshot) + length(facts->client_id) +
						length(facts->listener) + length(facts->address));
	char *text = (char *)(snapshot + 1);

	snapshot->client = *facts;
	snapshot->client.size = sizeof(snapshot->client);
	snapshot->client.client_id = put(&text, facts->client_id);
	snapshot->client.listener = put(&text, facts->listener);
	snapshot->client.address = put(&text, facts->address);
	snapshot->client.identity = gh_identity_view(identity);
	snapshot->identity = gh_identity_ref(identity);
	snapshot->home = NULL;
	atomic_init(&snapshot->refs, 1);
	return snapshot;
}

struct gh_snapshot *gh_snapshot_ref(struct gh_snapshot *snapshot)
{
	if (snapshot)
		atomic_fetch_add_explicit(&snapshot->refs, 1, memory_order_relaxed);
	return snapshot;
}

void gh_snapshot_unref(struct gh_snapshot **snapshot)
{
	struct gh_snapshot *gone = *snapshot;

	*snapshot = NULL;
	if (!gone || atomic_fetch_sub_explicit(&gone->refs, 1, memory_order_acq_rel) != 1)
		return;
	gh_identity_unref(&gone->identity);
	free(gone);
}

const struct gh_client *gh_snapshot_client(const struct gh_snapshot *snapshot)
{
	return &snapshot->client;
}

struct gh_snapshot *gh_snapshot_of(const struct gh_client *client)
{
	return gh_container(client, struct gh_snapshot, client);
}

struct gh_shared_identity *gh_snapshot_identity(const struct gh_snapshot *snapshot)
{
	return snapshot->identity;
}

void gh_snapshot_set_home(struct gh_snapshot *snapshot, struct gh_attachments **home)
{
	snapshot->home = home;
}

struct gh_attachments **gh_snapshot_home(const struct gh_snapshot *snapshot)
{
	return snapshot->home;
}

struct gh_snapshot *gh_snapshot_with_identity(const struct gh_snapshot *old,
					      struct gh_shared_identity *identity,
					      const char *client_id)
{
	struct gh_client facts = old->client;

	if (client_id)
		facts.client_id = client_id;
	return gh_snapshot_new(&facts, identity);
}

struct gh_snapshot *gh_snapshot_offline(const struct gh_snapshot *old)
{
	struct gh_client facts = old->client;

	facts.connection = 0;
	return gh_snapshot_new(&facts, old->identity);
}
