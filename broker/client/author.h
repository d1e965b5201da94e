/* SPDX-License-Identifier: Apache-2.0 */
/* Is the author of a message that was kept (retained, will) still entitled to it? */
#ifndef GH_CLIENT_AUTHOR_H
#define GH_CLIENT_AUTHOR_H

#include "client/channel.h"

/*
 * Does the author's principal still exist (lookup), and may it still do this there (PUBLISH or WILL, with RECHECK)? A module
 * that can't tell (ERROR, timeout) leaves what was rightly granted for recheck-grace after the policy change (UNKNOWN: entitled,
 * but to be asked again the next time); not so a will, which is published now. An author whose listener is gone can't be judged
 * and isn't entitled.
 */
enum gh_author { GH_AUTHOR_ENTITLED, GH_AUTHOR_UNKNOWN, GH_AUTHOR_NOT, GH_AUTHOR_WAITS };
struct gh_inquiry;
typedef void gh_inquiry_fn(void *arg, enum gh_author answer);

struct gh_inquiring {
	struct gh_shard *shard;
	struct gh_publication *publication;
	enum gh_action action;
	gh_inquiry_fn *done; /* after WAITS, once; the inquiry is dead then */
	void *arg;
};
enum gh_author gh_inquire(const struct gh_inquiring *inquiring, struct gh_inquiry **inquiry_r);
void gh_inquiry_free(struct gh_inquiry **inquiry); /* cancels */

/*
 * For a retained message that a channel is to get. Asked once per message and policy generation; that
 * the author is entitled is kept in the message. After WAITS gh_deliver_pump() follows, and the message is asked about again.
 */
enum gh_author gh_author_check(struct gh_channel *channel, struct gh_publication *publication);
struct gh_author_answer;
void gh_author_answer_free(struct gh_author_answer **answer);
bool gh_author_waits(const struct gh_channel *channel);
/* A module asked for a re-check of somebody. */
void gh_author_policy_changed(struct gh_shard *shard);
/* Under which generation a message's author was entitled: where it was published. */
void gh_author_entitled(const struct gh_shard *shard, struct gh_publication *publication);

/* The client as an author: a snapshot without its connection, made once per identity. Borrowed. */
struct gh_snapshot *gh_author_of(struct gh_channel *channel);

#endif
