/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of a blocking instance, and the queue before them. */
#ifndef GH_HOOK_POOL_H
#define GH_HOOK_POOL_H

#include "hook/fair.h"
#include "hook/instance.h"

#include <pthread.h>

struct gh_pool;

/* What is asked again after a policy change doesn't wait behind logins, nor these behind it: the lanes take turns. */
enum gh_pool_lane { GH_POOL_QUESTIONS, GH_POOL_RECHECKS, GH_POOL_TIMERS, GH_POOL_LANES };

/* Sits in what is to be run. Held twice: by the pool until it has run or been withdrawn, and by
 * whoever submitted it. */
struct gh_job {
	struct gh_fair_node node;
	enum gh_pool_lane lane;
	atomic_uint refs;
	void (*run)(struct gh_job *job);  /* on a thread of the pool */
	void (*free)(struct gh_job *job); /* with the last reference, any thread */
};

void gh_job_init(struct gh_job *job, void (*run)(struct gh_job *job),
		 void (*free)(struct gh_job *job)); /* refs: 1 */
void gh_job_unref(struct gh_job **job);

/* Its threads call thread_start; GH_EIO when the kernel gives none. max: jobs that wait in a lane; a
 * quarter of them of one source. */
int gh_pool_new(struct gh_instance *instance, unsigned threads, unsigned max,
		struct gh_pool **pool_r, struct gh_error *error);
/* Nothing may be queued any more. Waits for the threads: thread_stop, then they end. */
void gh_pool_free(struct gh_pool **pool);

/* Any thread. False: full. The pool takes a reference of its own. */
bool gh_pool_submit(struct gh_pool *pool, enum gh_pool_lane lane, const uint8_t ip[16],
		    struct gh_job *job);
void gh_pool_submit_always(struct gh_pool *pool, const uint8_t ip[16], struct gh_job *job);
/* Not begun: will never run. Begun: goes on, unseen. */
void gh_pool_withdraw(struct gh_pool *pool, struct gh_job *job);
unsigned gh_pool_queued(struct gh_pool *pool);
unsigned gh_pool_running(struct gh_pool *pool); /* jobs that are begun and not ended */

/* A thread that gets no signal: they are the control thread's. 0 or an errno. */
int gh_pool_thread(pthread_t *thread_r, void *(*main)(void *), void *arg);

#endif
