/* SPDX-License-Identifier: Apache-2.0 */
/* What instances have attached to a connection: gh_attach(), gh_attached(). */
#ifndef GH_HOOK_ATTACH_H
#define GH_HOOK_ATTACH_H

#include "hook/asker.h"

#include <gatehouse/host.h>

/*
 * A connection has a pointer to its slots, NULL before the first; its snapshot leads there (gh_snapshot_set_home). All of it
 * is the connection's worker's alone. A slot holds its instance: nothing is unmapped before it is freed.
 */
struct gh_attachments;

/* As the host's table names them. */
int gh_attach_set(struct gh_host *host, const struct gh_client *client, void *data, gh_free_fn *fn);
void *gh_attach_get(struct gh_host *host, const struct gh_client *client);

/* Frees what is attached: the connection or its identity ends. NULL is fine. */
void gh_attachments_free(struct gh_attachments **slots);
/* The connection moves to another worker: before, and there. */
void gh_attachments_leave(struct gh_attachments **slots);
void gh_attachments_enter(struct gh_attachments **slots, struct gh_asker *asker);

/* The asker works with another runtime: what instances that are in force no more have attached is freed in slices. */
void gh_attachments_sweep(struct gh_asker *asker);

#endif
