/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of a question, and a deep copy of them for an answer that comes later. */
#ifndef GH_HOOK_ARGS_H
#define GH_HOOK_ARGS_H

#include "hook/instance.h"
#include "hook/snapshot.h"

#include <gatehouse/hooks.h>

union gh_args_in {
	struct gh_authenticate authenticate;
	struct gh_exchange exchange;
	struct gh_lookup lookup;
	struct gh_authorize authorize;
	struct gh_publish publish;
};

/* Immutable and counted: the ask and its jobs on other threads share it. What it holds of CONNECT
 * is wiped with the last. */
struct gh_args {
	atomic_uint refs;
	enum gh_hook_point point;
	union gh_args_in in;            /* pointers lead into this object */
	struct gh_authenticate connect; /* what in.exchange.connect points to */
	struct gh_message message;      /* the will, or what in.publish.message points to */
	struct gh_snapshot *snapshot;
	size_t text_size;
	char text[];
};

/* `in` is the argument of that point; its client is of a snapshot, which is held. */
struct gh_args *gh_args_new(enum gh_hook_point point, const void *in);
struct gh_args *gh_args_ref(struct gh_args *args);
void gh_args_unref(struct gh_args **args);

#endif
