/* SPDX-License-Identifier: Apache-2.0 */
/* After a policy change: what is live is gone through, slice by slice. */
#include "client/recheck.h"

#include "base/mem.h"
#include "base/str.h"
#include "client/review.h"
#include "client/rights.h"

#include <stdlib.h>

/* Reviews begun in one turn, sessions compared with who is meant, and reviews that may wait at the same time: nobody
 * connected is kept waiting by it. */
#define SLICE            32u
#define LOOKS            1024u
#define OPEN_MAX_REVIEWS 64u
/* More than those, of clients that are named while others are gone through. */
#define OPEN_MAX_NAMED   64u
/* Between the end of one walk and the beginning of the next that a module asks for. */
#define PAUSE_MS         250u

struct gh_recheck {
	struct gh_shard *shard;
	struct gh_whoms now, next; /* who is gone through, and who after that */
	struct gh_registry_walk walk;
	unsigned found;          /* of those who are looked up one by one */
	struct gh_timeout slice; /* the next one, or the beginning of the next walk */
	bool walking;
	unsigned open; /* reviews that wait */
};

/* A timeout that is due: the next turn runs it, and everything else that waits for its turn too. */
static void slice_soon(struct gh_recheck *recheck)
{
	if (recheck->walking)
		gh_loop_timeout(recheck->shard->loop, &recheck->slice, 0);
}

void gh_recheck_left(struct gh_recheck *recheck)
{
	recheck->open--;
	slice_soon(recheck);
}

static void begin(struct gh_recheck *recheck, struct gh_session *session)
{
	recheck->open++;
	gh_review_begin(recheck->shard, recheck, session);
}

static bool by_client_id(const struct gh_whoms *whoms)
{
	for (unsigned i = 0; i < whoms->count; i++)
		if (whoms->at[i].kind != GH_CLIENT_ID)
			return false;
	return !whoms->everyone;
}

static void begin_walk(struct gh_recheck *recheck)
{
	recheck->now = recheck->next;
	recheck->next = (struct gh_whoms){ 0 };
	recheck->found = 0;
	recheck->walking = true;
	if (!by_client_id(&recheck->now))
		gh_registry_walk_begin(recheck->shard->sessions, &recheck->walk);
}

static void end_walk(struct gh_recheck *recheck)
{
	struct gh_shard *shard = recheck->shard;

	shard->recheck_ended_at = gh_shard_now(shard);
	gh_whoms_done(&recheck->now);
	recheck->walking = false;
	if (gh_whoms_empty(&recheck->next))
		gh_recheck_cancel(shard);
	else
		gh_loop_timeout(shard->loop, &recheck->slice, PAUSE_MS);
}

/* False: that was the last. NULL: this one isn't meant. */
static bool next_session(struct gh_recheck *recheck, struct gh_session **session_r)
{
	struct gh_shard *shard = recheck->shard;
	struct gh_session *session;

	*session_r = NULL;
	if (by_client_id(&recheck->now)) {
		if (recheck->found == recheck->now.count)
			return false;
		*session_r = gh_registry_find(shard->sessions,
					      gh_str(recheck->now.at[recheck->found++].text));
		return true;
	}
	session = gh_registry_walk_next(shard->sessions, &recheck->walk);
	if (session && gh_whoms_have(&recheck->now, gh_snapshot_client(session->identity)))
		*session_r = session;
	return session;
}

static void on_slice(struct gh_timeout *timeout)
{
	struct gh_recheck *recheck = gh_container(timeout, struct gh_recheck, slice);
	struct gh_shard *shard = recheck->shard;
	struct gh_session *session;
	unsigned begun = 0;

	if (!recheck->walking)
		begin_walk(recheck);
	for (unsigned n = 0; n < LOOKS && begun < SLICE && recheck->open < OPEN_MAX_REVIEWS; n++) {
		if (!next_session(recheck, &session)) {
			if (recheck->open == 0)
				end_walk(recheck);
			return;
		}
		if (!session)
			continue;
		begun++;
		if (!recheck->now.everyone)
			gh_cover_forget(shard, session);
		begin(recheck, session);
	}
	slice_soon(recheck);
}

static struct gh_recheck *recheck_new(struct gh_shard *shard)
{
	struct gh_recheck *recheck = shard->recheck = gh_zalloc(sizeof(*recheck));

	recheck->shard = shard;
	gh_timeout_init(&recheck->slice, on_slice);
	gh_registry_walk_begin(shard->sessions, &recheck->walk);
	gh_registry_walk_end(&recheck->walk);
	return recheck;
}

void gh_recheck_begin(struct gh_shard *shard)
{
	struct gh_recheck *recheck;

	gh_recheck_cancel(shard);
	recheck = recheck_new(shard);
	recheck->next.everyone = true;
	gh_loop_timeout(shard->loop, &recheck->slice, 0);
}

/* One that is named doesn't wait until others, who may be waiting for somebody that is away, have been gone through. */
static bool ask_at_once(struct gh_shard *shard, const struct gh_whom *whom)
{
	struct gh_recheck *recheck = shard->recheck;
	struct gh_session *session;

	if (!recheck || !recheck->walking || whom->kind != GH_CLIENT_ID ||
	    recheck->open >= OPEN_MAX_REVIEWS + OPEN_MAX_NAMED)
		return false;
	session = gh_registry_find(shard->sessions, gh_str(whom->text));
	if (!session)
		return true;
	gh_cover_forget(shard, session);
	if (session->review) /* else, asked for again and again, it would never come to its end */
		return false;
	begin(recheck, session);
	return true;
}

void gh_recheck_ask(struct gh_shard *shard, const struct gh_whom *whom)
{
	uint64_t ended = shard->recheck_ended_at, now = gh_shard_now(shard);

	if (ask_at_once(shard, whom))
		return;
	if (!shard->recheck) {
		recheck_new(shard);
		gh_loop_timeout(shard->loop, &shard->recheck->slice,
				ended && now - ended < PAUSE_MS ? PAUSE_MS - (now - ended) : 0);
	}
	gh_whoms_add(&shard->recheck->next, whom);
}

static void leave_reviews(struct gh_shard *shard)
{
	struct gh_registry_walk walk;
	struct gh_session *session;

	gh_registry_walk_begin(shard->sessions, &walk);
	while ((session = gh_registry_walk_next(shard->sessions, &walk)))
		gh_review_leave(session);
}

void gh_recheck_cancel(struct gh_shard *shard)
{
	struct gh_recheck *recheck = shard->recheck;

	if (!recheck)
		return;
	if (recheck->open > 0)
		leave_reviews(shard);
	gh_registry_walk_end(&recheck->walk);
	gh_loop_timeout_cancel(shard->loop, &recheck->slice);
	gh_whoms_done(&recheck->now);
	gh_whoms_done(&recheck->next);
	free(recheck);
	shard->recheck = NULL;
}
