/* SPDX-License-Identifier: Apache-2.0 */
/* GH_EV_USAGE: once a second, what each client with traffic has sent and got since. */
#ifndef GH_CLIENT_USAGE_H
#define GH_CLIENT_USAGE_H

#include "client/channel.h"

/* The shard has a runtime, maybe another one: begins or ends, as its instances want. Costs nothing where nobody does. */
void gh_usage_set(struct gh_shard *shard);
void gh_usage_cancel(struct gh_shard *shard);

/* The connection ends: what hasn't been told yet is, if somebody wants it. */
void gh_usage_last(struct gh_channel *channel);

#endif
