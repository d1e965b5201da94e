/* SPDX-License-Identifier: Apache-2.0 */
/* One fetch from the store, from its start to its end. */
#ifndef GH_HOOK_FETCH_H
#define GH_HOOK_FETCH_H

#include "hook/instance.h"

struct gh_fetch;

#define GH_FETCH_MAX 64u

/* rc 0: these, at most as many as were asked for, in their order; fewer: there are no more. Else nothing. Valid for the call. */
typedef void gh_fetch_done_fn(void *arg, int rc, const struct gh_record *const *records,
			      size_t count);

/* done(): once, out of the asker's loop, never from inside gh_fetch_start(). */
struct gh_fetch_call {
	struct gh_asker *asker; /* of this thread */
	uint64_t timeout_ms;    /* then: GH_EIO */
	gh_fetch_done_fn *done;
	void *arg;
};

/*
 * The asker's thread. The first `limit` (1 to GH_FETCH_MAX) records of after's kind and owner behind its key. What the store gives
 * besides, or in another order, is GH_EIO: it can't be believed.
 */
struct gh_fetch *gh_fetch_start(const struct gh_fetch_call *call, struct gh_instance *store,
				const struct gh_record *after, uint32_t limit);
/* Nobody waits any more: no done(). NULL is fine. */
void gh_fetch_cancel(struct gh_fetch **fetch);

/* What was put later has come (struct gh_sink's mail). */
void gh_fetch_deliver(struct gh_mail *mail, void *owner);

#endif
