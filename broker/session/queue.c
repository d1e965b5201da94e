/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries that wait for a session, in a ring that grows and shrinks. */
#include "session/queue.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SMALLEST 8u

static struct gh_delivery *at(const struct gh_queue *queue, uint32_t i)
{
	return &queue->ring[(queue->head + i) & (queue->size - 1)];
}

static uint64_t cost(const struct gh_delivery *delivery)
{
	return gh_publication_cost(delivery->publication);
}

static void resize(struct gh_queue *queue, uint32_t size)
{
	struct gh_delivery *ring = gh_alloc_array(size, sizeof(*ring));

	for (uint32_t i = 0; i < queue->count; i++)
		ring[i] = *at(queue, i);
	free(queue->ring);
	queue->ring = ring;
	queue->size = size;
	queue->head = 0;
}

static void shrink(struct gh_queue *queue)
{
	if (queue->size > SMALLEST && queue->count < queue->size / 4)
		resize(queue, queue->size / 2);
}

static void grow(struct gh_queue *queue)
{
	if (queue->count == queue->size)
		resize(queue, queue->size ? queue->size * 2 : SMALLEST);
}

void gh_queue_done(struct gh_queue *queue)
{
	for (uint32_t i = 0; i < queue->count; i++)
		gh_delivery_drop(at(queue, i));
	free(queue->ring);
	*queue = (struct gh_queue){ 0 };
}

void gh_queue_trim(struct gh_queue *queue)
{
	if (queue->count)
		return;
	free(queue->ring);
	queue->ring = NULL;
	queue->size = 0;
}

struct gh_delivery *gh_queue_peek(const struct gh_queue *queue)
{
	return queue->count ? at(queue, 0) : NULL;
}

bool gh_queue_pop(struct gh_queue *queue, struct gh_delivery *delivery_r)
{
	if (queue->count == 0)
		return false;
	*delivery_r = *at(queue, 0);
	queue->bytes -= cost(delivery_r);
	queue->head = (queue->head + 1) & (queue->size - 1);
	queue->count--;
	shrink(queue);
	return true;
}

static void drop(struct gh_queue *queue, struct gh_delivery *delivery, gh_queue_drop_fn *fn, void *arg)
{
	queue->full_count++;
	if (fn)
		fn(arg, delivery);
	gh_delivery_drop(delivery);
}

static bool fits(const struct gh_queue *queue, const struct gh_queue_limits *limits, uint64_t bytes)
{
	return queue->count < limits->messages && bytes <= limits->bytes &&
	       queue->bytes <= limits->bytes - bytes;
}

bool gh_queue_fits(const struct gh_queue *queue, const struct gh_queue_limits *limits,
		   const struct gh_delivery *delivery)
{
	return fits(queue, limits, cost(delivery));
}

/* Something that expires is in it now. */
static void note_expiry(struct gh_queue *queue, const struct gh_delivery *delivery)
{
	uint64_t at = delivery->publication->expires_at;

	if (at && (!queue->expires_at || at < queue->expires_at))
		queue->expires_at = at;
}

void gh_queue_unpop(struct gh_queue *queue, struct gh_delivery *delivery)
{
	grow(queue);
	queue->head = (queue->head - 1) & (queue->size - 1);
	queue->count++;
	queue->bytes += cost(delivery);
	note_expiry(queue, delivery);
	*at(queue, 0) = *delivery;
	memset(delivery, 0, sizeof(*delivery));
}

static uint32_t make_room(struct gh_queue *queue, const struct gh_queue_limits *limits,
			  uint64_t bytes, gh_queue_drop_fn *fn, void *arg)
{
	uint32_t dropped = 0;
	struct gh_delivery oldest;

	if (limits->policy != GH_QUEUE_DROP_OLDEST || bytes > limits->bytes || !limits->messages)
		return 0;
	while (!fits(queue, limits, bytes) && gh_queue_pop(queue, &oldest)) {
		drop(queue, &oldest, fn, arg);
		dropped++;
	}
	return dropped;
}

uint32_t gh_queue_push(struct gh_queue *queue, const struct gh_queue_limits *limits,
		       struct gh_delivery *delivery, gh_queue_drop_fn *fn, void *arg)
{
	uint64_t bytes = cost(delivery);
	uint32_t dropped = make_room(queue, limits, bytes, fn, arg);

	if (!fits(queue, limits, bytes)) {
		drop(queue, delivery, fn, arg);
		return dropped + 1;
	}
	grow(queue);
	note_expiry(queue, delivery);
	*at(queue, queue->count) = *delivery;
	queue->count++;
	queue->bytes += bytes;
	memset(delivery, 0, sizeof(*delivery));
	return dropped;
}

uint32_t gh_queue_filter(struct gh_queue *queue, gh_queue_judge_fn *fn, void *arg)
{
	uint32_t kept = 0, dropped;

	for (uint32_t i = 0; i < queue->count; i++) {
		struct gh_delivery delivery = *at(queue, i);
		uint64_t bytes = cost(&delivery);

		if (fn(arg, &delivery)) {
			queue->bytes -= bytes;
			gh_delivery_drop(&delivery);
		} else {
			*at(queue, kept++) = delivery;
		}
	}
	dropped = queue->count - kept;
	queue->count = kept;
	shrink(queue);
	return dropped;
}

struct expiry {
	struct gh_queue *queue;
	uint64_t now;
	gh_queue_drop_fn *fn;
	void *arg;
};

static bool judge_expiry(void *arg, struct gh_delivery *delivery)
{
	const struct expiry *expiry = arg;

	if (!gh_publication_expired(delivery->publication, expiry->now)) {
		note_expiry(expiry->queue, delivery);
		return false;
	}
	if (expiry->fn)
		expiry->fn(expiry->arg, delivery);
	return true;
}

uint32_t gh_queue_expire(struct gh_queue *queue, uint64_t now, gh_queue_drop_fn *fn, void *arg)
{
	struct expiry expiry = { queue, now, fn, arg };
	uint32_t dropped;

	if (!queue->expires_at || now < queue->expires_at)
		return 0;
	queue->expires_at = 0;
	dropped = gh_queue_filter(queue, judge_expiry, &expiry);
	queue->expired_count += dropped;
	return dropped;
}
