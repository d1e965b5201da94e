/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that asks modules: each worker is one, the control thread is one. */
#ifndef GH_HOOK_ASKER_H
#define GH_HOOK_ASKER_H

#include "net/inbox.h"
#include "net/worker.h"

/*
 * What an asker brings: where its answers are posted, the loop that keeps their deadlines, and its
 * table of open tickets. Everything but the post is of its own thread.
 */
struct gh_asker;
struct gh_askers;

#define GH_ASKERS_MAX (GH_WORKERS_MAX + 1)

/* Any thread; as gh_inbox_post(): deliver(mail, owner) runs on the asker's thread later, owner NULL
 * when it has gone. */
typedef void gh_asker_post_fn(void *arg, struct gh_mail *mail);

/* count: workers + 1. Outlives runtimes and workers. */
struct gh_askers *gh_askers_new(unsigned count);
/* When no ask, no ticket and no runtime is left. */
void gh_askers_free(struct gh_askers **askers);

/* On its own thread, once, before it asks. index: the worker's, or for the control thread count -
 * 1. Takes metrics' slot index + 1 for a worker; the control thread shares slot 0. */
struct gh_asker *gh_asker_enter(struct gh_askers *askers, unsigned index, struct gh_loop *loop,
				gh_asker_post_fn *post, void *arg);
/* On its own thread, the last call; its asks have ended or been cancelled. Answers that come later
 * are ignored. */
void gh_asker_leave(struct gh_asker *asker);
unsigned gh_asker_index(const struct gh_asker *asker);
bool gh_asker_is_control(const struct gh_asker *asker);

/* Any thread. False: it has left, the mail is the caller's. */
bool gh_asker_post(struct gh_asker *asker, struct gh_mail *mail);

/* Answers that were ignored since the start, by reason; any thread. */
struct gh_ticket_stats {
	uint64_t opened;
	uint64_t answered;
	uint64_t timed_out; /* closed at their deadline */
	uint64_t orphaned;  /* answered after the deadline, or after the client had gone */
	uint64_t doubled;   /* answered, or begun, a second time */
	uint64_t invented;  /* never given, or to another instance */
};
void gh_askers_stats(struct gh_askers *askers, struct gh_ticket_stats *stats_r);
/* Any thread. Some more, which were ignored elsewhere. */
void gh_askers_count(struct gh_askers *askers, const struct gh_ticket_stats *more);

#endif
