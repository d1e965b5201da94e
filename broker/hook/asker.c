/* SPDX-License-Identifier: Apache-2.0 */
/* Askers: where a thread's answers go. */
#include "hook/asker_priv.h"

#include "base/mem.h"
#include "hook/host.h"
#include "hook/metrics.h"
#include "hook/timer.h"
#include "hook/watch.h"

#include <stdlib.h>

struct gh_askers *gh_askers_new(unsigned count)
{
	struct gh_askers *askers = gh_zalloc(sizeof(*askers) + count * sizeof(struct gh_asker));

	askers->count = count;
	for (unsigned i = 0; i < count; i++) {
		struct gh_asker *asker = &askers->at[i];

		asker->askers = askers;
		asker->index = i;
		asker->free = UINT32_MAX;
		gh_handles_init(&asker->timers, i);
		gh_handles_init(&asker->watches, i);
		gh_list_init(&asker->attached);
		gh_list_init(&asker->stale);
		pthread_mutex_init(&asker->lock, NULL);
	}
	return askers;
}

void gh_askers_free(struct gh_askers **askers)
{
	struct gh_askers *gone = *askers;

	*askers = NULL;
	if (!gone)
		return;
	for (unsigned i = 0; i < gone->count; i++) {
		pthread_mutex_destroy(&gone->at[i].lock);
		free(gone->at[i].slots);
		free(gone->at[i].started);
		gh_handles_done(&gone->at[i].timers);
		gh_handles_done(&gone->at[i].watches);
	}
	free(gone);
}

struct gh_asker *gh_asker_enter(struct gh_askers *askers, unsigned index, struct gh_loop *loop,
				gh_asker_post_fn *post, void *arg)
{
	struct gh_asker *asker = &askers->at[index];

	gh_here()->asker = asker;
	gh_metrics_enter(index + 1 < askers->count ? index + 1 : 0);
	asker->loop = loop;
	pthread_mutex_lock(&asker->lock);
	asker->post = post;
	asker->arg = arg;
	pthread_mutex_unlock(&asker->lock);
	return asker;
}

void gh_asker_leave(struct gh_asker *asker)
{
	/* Of an instance that drains to the end they may be left. */
	gh_timers_leave(asker);
	gh_watches_leave(asker);
	pthread_mutex_lock(&asker->lock);
	asker->post = NULL;
	pthread_mutex_unlock(&asker->lock);
	asker->loop = NULL;
	asker->runtime = NULL;
	gh_here()->asker = NULL;
	gh_metrics_enter(0);
}

bool gh_asker_post(struct gh_asker *asker, struct gh_mail *mail)
{
	bool posted;

	pthread_mutex_lock(&asker->lock);
	posted = asker->post;
	if (posted)
		asker->post(asker->arg, mail);
	pthread_mutex_unlock(&asker->lock);
	return posted;
}

unsigned gh_asker_index(const struct gh_asker *asker)
{
	return asker->index;
}

bool gh_asker_is_control(const struct gh_asker *asker)
{
	return asker->index + 1 == asker->askers->count;
}

void gh_askers_stats(struct gh_askers *askers, struct gh_ticket_stats *stats_r)
{
	*stats_r = (struct gh_ticket_stats){ 0 };
	for (unsigned i = 0; i < askers->count; i++) {
		struct gh_asker *asker = &askers->at[i];

		pthread_mutex_lock(&asker->lock);
		stats_r->opened += asker->stats.opened;
		stats_r->answered += asker->stats.answered;
		stats_r->timed_out += asker->stats.timed_out;
		stats_r->orphaned += asker->stats.orphaned;
		stats_r->doubled += asker->stats.doubled;
		stats_r->invented += asker->stats.invented;
		pthread_mutex_unlock(&asker->lock);
	}
}

void gh_askers_count(struct gh_askers *askers, const struct gh_ticket_stats *more)
{
	struct gh_asker *asker = &askers->at[askers->count - 1];

	pthread_mutex_lock(&asker->lock);
	asker->stats.orphaned += more->orphaned;
	asker->stats.doubled += more->doubled;
	asker->stats.invented += more->invented;
	pthread_mutex_unlock(&asker->lock);
}
