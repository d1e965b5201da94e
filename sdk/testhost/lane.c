/* SPDX-License-Identifier: Apache-2.0 */
/* A thread of an instance, or of gh_offload(). */
#include "lane.h"
#include "text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_S = 60 };

struct gh_lane {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	gh_lane_fn *begin, *end, *fn;
	void *lane_arg, *arg;
	bool busy, over;
};

static void *lane_main(void *arg)
{
	struct gh_lane *lane = arg;

	if (lane->begin)
		lane->begin(lane->lane_arg);
	pthread_mutex_lock(&lane->lock);
	for (;;) {
		lane->busy = false;
		pthread_cond_broadcast(&lane->changed);
		while (!lane->busy && !lane->over)
			pthread_cond_wait(&lane->changed, &lane->lock);
		if (!lane->busy)
			break;
		pthread_mutex_unlock(&lane->lock);
		lane->fn(lane->arg);
		pthread_mutex_lock(&lane->lock);
	}
	pthread_mutex_unlock(&lane->lock);
	if (lane->end)
		lane->end(lane->lane_arg);
	return NULL;
}

/* Locked. Nobody could go on: what it holds can't be taken from it. */
static void await(struct gh_lane *lane)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;
	while (lane->busy)
		if (pthread_cond_timedwait(&lane->changed, &lane->lock, &until) != 0 && lane->busy) {
			fprintf(stderr,
				"gatehouse-testhost: a call of the module hasn't returned after %d s\n",
				PATIENCE_S);
			_exit(1);
		}
}

struct gh_lane *gh_lane_new(gh_lane_fn *begin, gh_lane_fn *end, void *arg)
{
	struct gh_lane *lane = gh_new(sizeof(*lane));
	pthread_condattr_t monotonic;

	lane->begin = begin;
	lane->end = end;
	lane->lane_arg = arg;
	lane->busy = true;
	pthread_mutex_init(&lane->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&lane->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&lane->thread, NULL, lane_main, lane) != 0) {
		fputs("gatehouse-testhost: no thread\n", stderr);
		abort();
	}
	pthread_mutex_lock(&lane->lock);
	await(lane);
	pthread_mutex_unlock(&lane->lock);
	return lane;
}

void gh_lane_run(struct gh_lane *lane, gh_lane_fn *fn, void *arg)
{
	pthread_mutex_lock(&lane->lock);
	lane->fn = fn;
	lane->arg = arg;
	lane->busy = true;
	pthread_cond_broadcast(&lane->changed);
	await(lane);
	pthread_mutex_unlock(&lane->lock);
}

void gh_lane_free(struct gh_lane **lane)
{
	struct gh_lane *gone = *lane;

	*lane = NULL;
	if (!gone)
		return;
	pthread_mutex_lock(&gone->lock);
	gone->over = true;
	pthread_cond_broadcast(&gone->changed);
	pthread_mutex_unlock(&gone->lock);
	pthread_join(gone->thread, NULL);
	pthread_mutex_destroy(&gone->lock);
	pthread_cond_destroy(&gone->changed);
	free(gone);
}
