/* SPDX-License-Identifier: Apache-2.0 */
/* After a policy change: what is live is gone through, slice by slice; who is still entitled notices nothing. */
#ifndef GH_CLIENT_RECHECK_H
#define GH_CLIENT_RECHECK_H

#include "client/shard.h"
#include "hook/whom.h"

/* For each session, connected or not: a review. Deliveries, retained messages and wills are asked about where they take effect, since
 * what was covered belongs to an older generation; where somebody blocks they wait in the queue until the filters are judged. */

/* Begins with the shard's present runtime; one under way begins anew. */
void gh_recheck_begin(struct gh_shard *shard);

/* A module has said that the policy changed for these. Cheap to repeat: what is asked for while sessions are gone through, or
 * soon after, is done in one; only a client that is named, and isn't being asked about, is asked about at once. What was covered
 * for everyone has ended already, by gh_shard_generation(). */
void gh_recheck_ask(struct gh_shard *shard, const struct gh_whom *whom);
void gh_recheck_cancel(struct gh_shard *shard);

/* review.c: one that gh_review_begin() was told to be of this is over, or waits to be asked again later. */
void gh_recheck_left(struct gh_recheck *recheck);

#endif
