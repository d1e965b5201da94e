/* SPDX-License-Identifier: Apache-2.0 */
/* A call of a command or of the subject hook, from its start to its end. */
#ifndef GH_HOOK_ERRAND_H
#define GH_HOOK_ERRAND_H

#include "hook/instance.h"

struct gh_errand;

/* What is to be done; all borrowed until gh_errand_start() returns, the command itself is its module's. */
struct gh_errand_task {
	const struct gh_command *command; /* NULL: the subject hook, which there is */
	size_t argument_count;
	const char *const *arguments; /* NULL behind the last */
	struct gh_bytes secret;
	const struct gh_subject_request *request; /* subject */
};

struct gh_errand_result {
	int rc;               /* 0 or an error */
	const char *message;  /* of an error; never empty then */
	struct gh_bytes rows; /* see gh_reply_rows(); there may be some beside an error */
};
typedef void gh_errand_done_fn(void *arg, const struct gh_errand_result *result);

/* Who wants it. done(): once, out of the asker's loop, never from inside gh_errand_start(). */
struct gh_errand_call {
	struct gh_asker *asker; /* of this thread */
	uint64_t timeout_ms;
	gh_errand_done_fn *done;
	void *arg;
};

/*
 * The asker's thread. Runs it now under the instance's lock or, of one that blocks, gives it to its threads with copies.
 * Holds the instance until done() has returned or it is cancelled. What is not ended in time is an error; what comes after
 * that, or a second time, is ignored.
 */
struct gh_errand *gh_errand_start(const struct gh_errand_call *call, struct gh_instance *instance,
				  const struct gh_errand_task *task);
/* Nobody waits any more: no done(). NULL is fine. */
void gh_errand_cancel(struct gh_errand **errand);

/* A part of the reply has come (struct gh_reply's mail). */
void gh_errand_deliver(struct gh_mail *mail, void *owner);

#endif
