/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of a client's facts: one block, texts behind the struct. */
#include "hook/snapshot.h"

#include "base/list.h"
#include "base/mem.h"
#include "hook/tls_facts.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct gh_snapshot {
	struct gh_client client;
	atomic_uint refs;
	struct gh_shared_identity *identity;
	const char *class;        /* that it was put into; NULL: none */
	struct gh_tls_facts *tls; /* what client.tls leads into; NULL: the connection's, or none */
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

/* In another class the identity's view is one of our own. */
static void set_identity(struct gh_snapshot *snapshot, struct gh_shared_identity *identity,
			 struct gh_identity *own)
{
	snapshot->identity = gh_identity_ref(identity);
	snapshot->client.identity = gh_identity_view(identity);
	if (!identity || !snapshot->class)
		return;
	*own = *snapshot->client.identity;
	own->limits_class = snapshot->class;
	snapshot->client.identity = own;
}

static struct gh_snapshot *make(const struct gh_client *facts, struct gh_shared_identity *identity,
				const char *class)
{
	size_t own = class ? sizeof(struct gh_identity) : 0;
	struct gh_snapshot *snapshot =
		gh_alloc(sizeof(*snapshot) + own + length(facts->client_id) +
			 length(facts->listener) + length(facts->address) + length(class));
	char *text = (char *)(snapshot + 1) + own;

	snapshot->client = *facts;
	snapshot->client.size = sizeof(snapshot->client);
	snapshot->client.client_id = put(&text, facts->client_id);
	snapshot->client.listener = put(&text, facts->listener);
	snapshot->client.address = put(&text, facts->address);
	snapshot->class = put(&text, class);
	set_identity(snapshot, identity, (struct gh_identity *)(snapshot + 1));
	snapshot->home = NULL;
	snapshot->tls = NULL;
	atomic_init(&snapshot->refs, 1);
	return snapshot;
}

static struct gh_snapshot *derive(const struct gh_snapshot *old, const struct gh_client *facts,
				  struct gh_shared_identity *identity, const char *class)
{
	struct gh_snapshot *snapshot = make(facts, identity, class);

	snapshot->tls = gh_tls_facts_ref(old->tls);
	return snapshot;
}

struct gh_snapshot *gh_snapshot_new(const struct gh_client *facts, struct gh_shared_identity *identity)
{
	return make(facts, identity, NULL);
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
	gh_tls_facts_unref(&gone->tls);
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

void gh_snapshot_keep_tls(struct gh_snapshot *snapshot)
{
	if (!snapshot->client.tls || snapshot->tls)
		return;
	snapshot->tls = gh_tls_facts_new(snapshot->client.tls);
	snapshot->client.tls = gh_tls_facts_view(snapshot->tls);
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
	return derive(old, &facts, identity, old->class);
}

struct gh_snapshot *gh_snapshot_with_class(const struct gh_snapshot *old, const char *name)
{
	return derive(old, &old->client, old->identity, name);
}

struct gh_snapshot *gh_snapshot_offline(const struct gh_snapshot *old)
{
	struct gh_client facts = old->client;

	facts.connection = 0;
	return derive(old, &facts, old->identity, old->class);
}
