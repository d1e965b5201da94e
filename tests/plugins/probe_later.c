/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that answers tickets when they are due. */
#include "probe.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define AGAIN_NS 5000000u

struct due {
	struct due *next;
	uint64_t at_ns;
	struct probe_due what;
};

struct probe_later {
	struct gh_host *host;
	probe_answer_fn *fill;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct due *list; /* the earliest first */
	bool stop;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void answer(struct probe_later *later, const struct probe_due *due, enum gh_verdict verdict)
{
	struct gh_answer *out = gh_answer_begin(later->host, due->ticket);

	if (!out)
		return;
	later->fill(due->rule, out);
	gh_answer_end(out, verdict);
}

static enum gh_verdict opposite(enum gh_verdict verdict)
{
	return verdict == GH_ALLOW || verdict == GH_PASS ? GH_DENY : GH_ALLOW;
}

/* Locked. */
static void insert(struct probe_later *later, struct due *due)
{
	struct due **at = &later->list;

	while (*at && (*at)->at_ns <= due->at_ns)
		at = &(*at)->next;
	due->next = *at;
	*at = due;
}

static bool is_held(const struct due *due)
{
	return due->what.until && access(due->what.until, F_OK) != 0;
}

/* Locked. NULL: stop. */
static struct due *wait_for_due(struct probe_later *later)
{
	struct due *first;
	struct timespec at;

	for (;;) {
		first = later->list;
		if (later->stop)
			return NULL;
		if (!first) {
			pthread_cond_wait(&later->changed, &later->lock);
		} else if (first->at_ns <= now_ns()) {
			later->list = first->next;
			if (!is_held(first))
				return first;
			first->at_ns = now_ns() + AGAIN_NS;
			insert(later, first);
		} else {
			at.tv_sec = (time_t)(first->at_ns / 1000000000u);
			at.tv_nsec = (long)(first->at_ns % 1000000000u);
			pthread_cond_timedwait(&later->changed, &later->lock, &at);
		}
	}
}

static void *later_main(void *arg)
{
	struct probe_later *later = arg;
	struct due *due;

	pthread_mutex_lock(&later->lock);
	while ((due = wait_for_due(later))) {
		pthread_mutex_unlock(&later->lock);
		answer(later, &due->what, due->what.verdict);
		if (due->what.twice)
			answer(later, &due->what, opposite(due->what.verdict));
		free(due);
		pthread_mutex_lock(&later->lock);
	}
	pthread_mutex_unlock(&later->lock);
	return NULL;
}

struct probe_later *probe_later_new(struct gh_host *host, probe_answer_fn *fill)
{
	struct probe_later *later = calloc(1, sizeof(*later));
	pthread_condattr_t monotonic;

	if (!later)
		return NULL;
	later->host = host;
	later->fill = fill;
	pthread_mutex_init(&later->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&later->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&later->thread, NULL, later_main, later) == 0)
		return later;
	free(later);
	return NULL;
}

void probe_later_free(struct probe_later *later)
{
	struct due *due;

	pthread_mutex_lock(&later->lock);
	later->stop = true;
	pthread_cond_signal(&later->changed);
	pthread_mutex_unlock(&later->lock);
	pthread_join(later->thread, NULL);
	while ((due = later->list)) {
		later->list = due->next;
		free(due);
	}
	pthread_cond_destroy(&later->changed);
	pthread_mutex_destroy(&later->lock);
	free(later);
}

void probe_later_add(struct probe_later *later, const struct probe_due *what)
{
	struct due *due = calloc(1, sizeof(*due));

	if (!due)
		return;
	due->at_ns = now_ns() + what->delay_ms * 1000000u;
	due->what = *what;
	pthread_mutex_lock(&later->lock);
	insert(later, due);
	pthread_cond_signal(&later->changed);
	pthread_mutex_unlock(&later->lock);
}
