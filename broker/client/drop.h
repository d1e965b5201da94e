/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries that are given up: counted, and told without a flood. */
#ifndef GH_CLIENT_DROP_H
#define GH_CLIENT_DROP_H

#include "client/shard.h"

/*
 * Counts it and tells observers, of a session and reason the first at once, those that follow once a second, with their number.
 * All of them are told, the last of them before the end of the connection or session is. session NULL: nobody's in particular.
 */
void gh_tell_dropped(struct gh_shard *shard, struct gh_session *session, struct gh_str topic,
		     enum gh_counter why);

/* What hasn't been told yet is, now. */
void gh_drops_flush(struct gh_session *session);
void gh_drops_stop(struct gh_shard *shard); /* of nobody in particular; the shard ends */

#endif
