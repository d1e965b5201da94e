/* SPDX-License-Identifier: Apache-2.0 */
/* The few bytes that modules keep in the store: gh_keep(), gh_recall(). */
#ifndef GH_HOOK_KEEP_H
#define GH_HOOK_KEEP_H

#include <gatehouse/host.h>
#include <gatehouse/hooks.h>

/* Of one instance's name. */
#define GH_KEPT_KEYS  1024u
#define GH_KEPT_BYTES (256u << 10) /* keys and values */
#define GH_KEPT_KEY   256u         /* bytes of a key */

/* What is kept, in memory too: so that recalling never waits. Any thread. */
struct gh_kept;
struct gh_kept *gh_kept_new(void);
void gh_kept_free(struct gh_kept **kept);

/* Of a load: GH_REC_MODULE. GH_EINVAL: it can't be one of ours. */
int gh_kept_load(struct gh_kept *kept, const struct gh_record *record);

/* The host's table. */
int gh_keep_bytes(struct gh_host *host, struct gh_bytes key, struct gh_bytes value);
int gh_keep_recall(struct gh_host *host, gh_recall_fn *fn, void *arg);

#endif
