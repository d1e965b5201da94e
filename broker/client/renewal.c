/* SPDX-License-Identifier: Apache-2.0 */
/* Rights that modules gave for a time: asked anew before it is over. */
#include "client/renewal.h"

#include "base/mem.h"
#include "client/review.h"
#include "client/rights.h"

#include <stdlib.h>

/* Covers that modules gave for a time: asked anew before it is over, so that whoever is entitled doesn't notice. */
struct renewal {
	struct gh_timeout timeout;
	struct gh_shard *shard;
	struct gh_session *session;
	uint64_t until_ms; /* the first of them ends */
	uint64_t next_ms; /* of those that were given since they are asked anew; UINT64_MAX: none */
	bool asked;
};
/* They are asked about so much earlier: a quarter of their time, a module's answer included. */
#define RENEW_SHARE  4u
#define RENEW_MAX_MS 10000u

void gh_renewal_free(struct gh_session *session)
{
	struct renewal *renewal = session->renewal;

	if (!renewal)
		return;
	session->renewal = NULL;
	gh_loop_timeout_cancel(renewal->shard->loop, &renewal->timeout);
	free(renewal);
}

static void arm_renewal(struct renewal *renewal)
{
	uint64_t now = gh_shard_now(renewal->shard);
	uint64_t left = renewal->until_ms > now ? renewal->until_ms - now : 0;
	uint64_t early = left / RENEW_SHARE < RENEW_MAX_MS ? left / RENEW_SHARE : RENEW_MAX_MS;

	gh_loop_timeout_at(renewal->shard->loop, &renewal->timeout, renewal->until_ms - early);
}

static void on_renewal(struct gh_timeout *timeout)
{
	struct renewal *renewal = gh_container(timeout, struct renewal, timeout);
	struct gh_session *session = renewal->session;
	struct gh_shard *shard = renewal->shard;

	if (renewal->asked) {
		gh_renewal_free(session);
		gh_cover_forget(shard, session);
		return;
	}
	renewal->asked = true;
	renewal->next_ms = UINT64_MAX;
	gh_loop_timeout_at(shard->loop, &renewal->timeout, renewal->until_ms);
	gh_review_rights(shard, session);
}

void gh_renewed(struct gh_session *session)
{
	struct renewal *renewal = session->renewal;

	if (!renewal || !renewal->asked)
		return;
	renewal->asked = false;
	renewal->until_ms = renewal->next_ms;
	if (renewal->until_ms == UINT64_MAX)
		gh_renewal_free(session);
	else
		arm_renewal(renewal);
}

void gh_renew_before(struct gh_shard *shard, struct gh_session *session, uint64_t until_ms)
{
	struct renewal *renewal = session->renewal;

	if (!renewal) {
		renewal = session->renewal = gh_zalloc(sizeof(*renewal));
		*renewal =
			(struct renewal){ .shard = shard, .session = session, .until_ms = UINT64_MAX };
		gh_timeout_init(&renewal->timeout, on_renewal);
	}
	if (renewal->asked) {
		renewal->next_ms = until_ms < renewal->next_ms ? until_ms : renewal->next_ms;
	} else if (until_ms < renewal->until_ms) {
		renewal->until_ms = until_ms;
		arm_renewal(renewal);
	}
}
