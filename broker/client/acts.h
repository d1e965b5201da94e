/* SPDX-License-Identifier: Apache-2.0 */
/* What modules do to clients and sessions: from their threads to the workers. */
#ifndef GH_CLIENT_ACTS_H
#define GH_CLIENT_ACTS_H

#include "client/shard.h"
#include "hook/acts.h"

/* For gh_hooks.acts; its argument is the gh_broker. */
extern const struct gh_acts gh_client_acts;

/* So many acts may wait, over all workers; then it is GH_EBUSY. */
#define GH_ACTS_MAX 10000u

/* The workers run; and before they are freed: modules may act from threads of their own until they are destroyed. */
void gh_acts_open(struct gh_broker *broker);
void gh_acts_close(struct gh_broker *broker);

/* Any thread. True: the workers stay until leave. */
bool gh_acts_enter(struct gh_broker *broker);
void gh_acts_leave(struct gh_broker *broker);

#endif
