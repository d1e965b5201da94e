/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of a client as modules see them: an immutable deep copy, counted, that may be held by any
 * thread. */
#ifndef GH_HOOK_SNAPSHOT_H
#define GH_HOOK_SNAPSHOT_H

#include "hook/identity.h"

/*
 * A connection holds one and replaces it when a fact changes (CONNECT, login, re-authentication);
 * retained messages, wills and tickets hold the one of their time. One allocation with all strings,
 * the identity shared.
 */
struct gh_snapshot;

/* Copies all of `facts` but its identity: that is `identity` (a reference is taken; NULL: not
 * authenticated). */
struct gh_snapshot *gh_snapshot_new(const struct gh_client *facts,
				    struct gh_shared_identity *identity);
struct gh_snapshot *gh_snapshot_ref(struct gh_snapshot *snapshot); /* NULL: NULL */
void gh_snapshot_unref(struct gh_snapshot **snapshot);

/* The same pointer each time, valid as long as a reference is held. It costs nothing. */
const struct gh_client *gh_snapshot_client(const struct gh_snapshot *snapshot);
/* Back from a pointer that gh_snapshot_client() has given. */
struct gh_snapshot *gh_snapshot_of(const struct gh_client *client);
/* borrowed; NULL: none */
struct gh_shared_identity *gh_snapshot_identity(const struct gh_snapshot *snapshot);

/* Copies what TLS established, for it and those made from it; else that is the connection's and must live as long. Before it is
 * shared. */
void gh_snapshot_keep_tls(struct gh_snapshot *snapshot);

/*
 * Where the connection keeps what modules attach to it, as long as this is the snapshot it goes by; NULL: nowhere, as at
 * first. For the connection's worker alone: other holders never look.
 */
struct gh_attachments;
void gh_snapshot_set_home(struct gh_snapshot *snapshot, struct gh_attachments **home);
struct gh_attachments **gh_snapshot_home(const struct gh_snapshot *snapshot);

/* A new one that differs by these, in the same class if it was put into one; client_id NULL: as it was. */
struct gh_snapshot *gh_snapshot_with_identity(const struct gh_snapshot *old,
					      struct gh_shared_identity *identity,
					      const char *client_id);
/* In another limits class than its identity says, whoever that is; NULL: in its own again. */
struct gh_snapshot *gh_snapshot_with_class(const struct gh_snapshot *old, const char *name);
/* As the author of what outlives the connection: connection 0, otherwise the same. */
struct gh_snapshot *gh_snapshot_offline(const struct gh_snapshot *old);

/*
 * The facts of a client that has sent CONNECT, with its identity, as bytes and back; NULL comes back as NULL. Not kept: its
 * connection (0 afterwards) and what TLS established (NULL afterwards). unpack: a reference, the caller's; NULL: it was NULL,
 * or in->rc says what is wrong.
 */
struct gh_buf;
struct gh_unpack;
void gh_snapshot_pack(struct gh_buf *out, const struct gh_snapshot *snapshot);
struct gh_snapshot *gh_snapshot_unpack(struct gh_unpack *in);

#endif
