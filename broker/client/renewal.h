/* SPDX-License-Identifier: Apache-2.0 */
/* Rights that modules gave for a time: asked anew before it is over, so that whoever is entitled doesn't notice. */
#ifndef GH_CLIENT_RENEWAL_H
#define GH_CLIENT_RENEWAL_H

#include "client/shard.h"

/* What covers deliveries to this session ends then (monotonic ms). Its subscriptions are asked about before; what isn't
 * renewed by then is forgotten: each delivery is asked about. */
void gh_renew_before(struct gh_shard *shard, struct gh_session *session, uint64_t until_ms);

/* All its subscriptions were asked about, and could be answered. */
void gh_renewed(struct gh_session *session);

/* The session ends. */
void gh_renewal_free(struct gh_session *session);

#endif
