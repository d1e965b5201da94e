/* SPDX-License-Identifier: Apache-2.0 */
/* Retained messages that subscriptions asked for and that wait for the window. */
#include "session/backlog.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct gh_backlog_batch {
	struct gh_backlog_batch *next;
	struct gh_backlog_facts facts;
	struct gh_publication **publications;
	size_t n, at;
};

static void free_batch(struct gh_backlog *backlog, struct gh_backlog_batch *batch)
{
	backlog->count -= batch->n - batch->at;
	while (batch->at < batch->n)
		gh_publication_unref(&batch->publications[batch->at++]);
	free(batch->publications);
	free(batch);
}

static void free_first(struct gh_backlog *backlog)
{
	struct gh_backlog_batch *batch = backlog->first;

	backlog->first = batch->next;
	if (!backlog->first)
		backlog->last = NULL;
	free_batch(backlog, batch);
}

void gh_backlog_done(struct gh_backlog *backlog)
{
	while (backlog->first)
		free_first(backlog);
}

void gh_backlog_cancel(struct gh_backlog *backlog, const void *owner)
{
	struct gh_backlog_batch *before = NULL, *batch = backlog->first;

	while (batch && batch->facts.owner != owner) {
		before = batch;
		batch = batch->next;
	}
	if (!batch)
		return;
	if (!before) {
		free_first(backlog);
		return;
	}
	before->next = batch->next;
	if (backlog->last == batch)
		backlog->last = before;
	free_batch(backlog, batch);
}

void gh_backlog_add(struct gh_backlog *backlog, const struct gh_backlog_facts *facts,
		    struct gh_publication **publications, size_t n)
{
	struct gh_backlog_batch *batch;

	gh_backlog_cancel(backlog, facts->owner);
	if (n == 0) {
		free(publications);
		return;
	}
	batch = gh_zalloc(sizeof(*batch));
	batch->facts = *facts;
	batch->publications = publications;
	batch->n = n;
	if (backlog->last)
		backlog->last->next = batch;
	else
		backlog->first = batch;
	backlog->last = batch;
	backlog->count += n;
}

void gh_backlog_uncover(struct gh_backlog *backlog)
{
	for (struct gh_backlog_batch *batch = backlog->first; batch; batch = batch->next)
		batch->facts.covered = 0;
}

static bool wanted(const struct gh_publication *publication, uint64_t now)
{
	return !atomic_load_explicit(&publication->superseded, memory_order_acquire) &&
	       !gh_publication_expired(publication, now);
}

static void fill(struct gh_delivery *delivery, const struct gh_backlog_facts *facts,
		 struct gh_publication *publication)
{
	memset(delivery, 0, sizeof(*delivery));
	delivery->publication = publication;
	delivery->covered = facts->covered;
	delivery->qos = facts->qos < publication->qos ? facts->qos : publication->qos;
	delivery->retain = true;
	if (facts->subscription_id)
		gh_delivery_set_ids(delivery, &facts->subscription_id, 1);
}

/* Past the one at the front; the batch goes with its last one. */
static void advance(struct gh_backlog *backlog)
{
	struct gh_backlog_batch *batch = backlog->first;

	batch->at++;
	backlog->count--;
	if (batch->at == batch->n)
		free_first(backlog);
}

bool gh_backlog_peek(struct gh_backlog *backlog, uint64_t now, struct gh_delivery *delivery_r)
{
	struct gh_backlog_batch *batch;

	while ((batch = backlog->first)) {
		struct gh_publication *publication = batch->publications[batch->at];

		if (wanted(publication, now)) {
			fill(delivery_r, &batch->facts, publication);
			return true;
		}
		gh_publication_unref(&publication);
		advance(backlog);
	}
	return false;
}

void gh_backlog_take(struct gh_backlog *backlog)
{
	advance(backlog);
}
