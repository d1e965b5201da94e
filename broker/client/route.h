/* SPDX-License-Identifier: Apache-2.0 */
/* An accepted message to all who are to get it: this worker's sessions, shared groups, the other workers. */
#ifndef GH_CLIENT_ROUTE_H
#define GH_CLIENT_ROUTE_H

#include "client/channel.h"
#include "client/transit.h"

enum gh_routed {
	GH_ROUTED,        /* somebody may get it */
	GH_ROUTED_NOBODY, /* no subscription matches, on any worker */
	GH_ROUTED_REFUSED /* it was to be retained, and a limit says no (0x97): not routed either */
};

/* Keeps it if it is to be retained, then routes it. publisher: who feeds it, held back while another worker is crowded;
 * NULL: nobody (a will). */
enum gh_routed gh_route(struct gh_shard *shard, struct gh_transit *transit,
			struct gh_channel *publisher);

#endif
