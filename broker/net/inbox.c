/* SPDX-License-Identifier: Apache-2.0 */
/* The mailbox: one lock-free stack a lane, turned over when it is emptied, and one wake-up
 * while it stands full. */
#include "net/inbox.h"

#include "net/loop_priv.h"

#include "base/mem.h"

#include <stdlib.h>

/* The weight is given back in steps of this much: each is a write to a cache line that
 * senders share. */
#define GH_INBOX_STEP (64u << 10)

struct gh_inbox {
	struct gh_loop *loop;
	void *owner;
	ev_async async;
	gh_inbox_drained_fn *drained;
	gh_inbox_wake_fn *wake;
	_Atomic(struct gh_mail *) lanes[GH_LANES]; /* newest first */
	atomic_bool armed;                         /* a wake-up is on its way: don't send another */
	atomic_size_t weight;
	_Atomic uint64_t waiting; /* senders that want to be told */
	_Atomic uint64_t woken_by;
	_Atomic uint64_t delivered, wakes;
};

static void arm(struct gh_inbox *inbox)
{
	if (!atomic_exchange(&inbox->armed, true))
		ev_async_send(inbox->loop->ev, &inbox->async);
}

static struct gh_mail *oldest_first(struct gh_mail *mail)
{
	struct gh_mail *first = NULL;

	while (mail) {
		struct gh_mail *next = mail->next;

		mail->next = first;
		first = mail;
		mail = next;
	}
	return first;
}

/*
 * The other half stands in gh_inbox_await(): it sets its bit, then reads the weight; here the
 * weight is lowered, then the bits are read. Both sequentially consistent: one of the two sees
 * the other.
 */
static void give_back(struct gh_inbox *inbox, size_t weight)
{
	size_t left = atomic_fetch_sub(&inbox->weight, weight) - weight;
	uint64_t senders;

	if (left > GH_INBOX_LOW || !atomic_load(&inbox->waiting))
		return;
	senders = atomic_exchange(&inbox->waiting, 0);
	if (senders && inbox->drained && inbox->owner)
		inbox->drained(inbox->owner, senders);
}

static void deliver_lane(struct gh_inbox *inbox, enum gh_lane lane)
{
	struct gh_mail *mail = oldest_first(atomic_exchange(&inbox->lanes[lane], NULL));
	size_t weight = 0;
	uint64_t count = 0;

	while (mail) {
		struct gh_mail *next = mail->next;

		weight += mail->weight;
		count++;
		mail->deliver(mail, inbox->owner);
		if (lane == GH_LANE_DATA && weight >= GH_INBOX_STEP) {
			give_back(inbox, weight);
			weight = 0;
		}
		mail = next;
	}
	if (lane == GH_LANE_DATA && weight)
		give_back(inbox, weight);
	gh_counter_add(&inbox->delivered, count);
}

static void on_async(struct ev_loop *ev, ev_async *watcher, int events)
{
	struct gh_inbox *inbox = watcher->data;
	uint64_t by;

	(void)ev, (void)events;
	gh_counter_add(&inbox->wakes, 1);
	/* First this, then the lanes: what comes in between arms again. */
	atomic_store(&inbox->armed, false);
	by = atomic_exchange(&inbox->woken_by, 0);
	if (by && inbox->wake)
		inbox->wake(inbox->owner, by);
	deliver_lane(inbox, GH_LANE_CONTROL);
	deliver_lane(inbox, GH_LANE_DATA);
}

struct gh_inbox *gh_inbox_new(struct gh_loop *loop, void *owner)
{
	struct gh_inbox *inbox = gh_zalloc(sizeof *inbox);

	inbox->loop = loop;
	inbox->owner = owner;
	ev_async_init(&inbox->async, on_async);
	inbox->async.data = inbox;
	ev_async_start(loop->ev, &inbox->async);
	return inbox;
}

void gh_inbox_free(struct gh_inbox **inbox_)
{
	struct gh_inbox *inbox = *inbox_;

	if (!inbox)
		return;
	ev_async_stop(inbox->loop->ev, &inbox->async);
	inbox->owner = NULL;
	for (int lane = 0; lane < GH_LANES; lane++)
		while (atomic_load(&inbox->lanes[lane]))
			deliver_lane(inbox, (enum gh_lane)lane);
	free(inbox);
	*inbox_ = NULL;
}

void gh_mail_run_add(struct gh_mail_run *run, struct gh_mail *mail)
{
	mail->next = run->newest;
	run->newest = mail;
	if (!run->oldest)
		run->oldest = mail;
	run->weight += mail->weight;
	run->count++;
}

void gh_inbox_post_run(struct gh_inbox *inbox, enum gh_lane lane, struct gh_mail_run *run)
{
	struct gh_mail *head = atomic_load_explicit(&inbox->lanes[lane], memory_order_relaxed);

	if (!run->newest)
		return;
	if (lane == GH_LANE_DATA)
		atomic_fetch_add(&inbox->weight, run->weight);
	do
		run->oldest->next = head;
	while (!atomic_compare_exchange_weak(&inbox->lanes[lane], &head, run->newest));
	*run = (struct gh_mail_run){ 0 };
	arm(inbox);
}

void gh_inbox_post(struct gh_inbox *inbox, enum gh_lane lane, struct gh_mail *mail)
{
	struct gh_mail_run run = { 0 };

	gh_mail_run_add(&run, mail);
	gh_inbox_post_run(inbox, lane, &run);
}

size_t gh_inbox_weight(const struct gh_inbox *inbox)
{
	return atomic_load_explicit(&inbox->weight, memory_order_relaxed);
}

bool gh_inbox_crowded(const struct gh_inbox *inbox, size_t more)
{
	return gh_inbox_weight(inbox) + more > GH_INBOX_HIGH;
}

bool gh_inbox_await(struct gh_inbox *inbox, unsigned sender)
{
	uint64_t bit = UINT64_C(1) << sender;

	atomic_fetch_or(&inbox->waiting, bit);
	if (atomic_load(&inbox->weight) > GH_INBOX_LOW)
		return true;
	/* Whoever takes the bit makes the call: if it is gone, the call is on its way. */
	return !(atomic_fetch_and(&inbox->waiting, ~bit) & bit);
}

void gh_inbox_charge(struct gh_inbox *inbox, size_t weight)
{
	atomic_fetch_add(&inbox->weight, weight);
}

void gh_inbox_discharge(struct gh_inbox *inbox, size_t weight)
{
	give_back(inbox, weight);
}

void gh_inbox_on_drained(struct gh_inbox *inbox, gh_inbox_drained_fn *fn)
{
	inbox->drained = fn;
}

void gh_inbox_on_wake(struct gh_inbox *inbox, gh_inbox_wake_fn *fn)
{
	inbox->wake = fn;
}

void gh_inbox_wake(struct gh_inbox *inbox, unsigned by)
{
	atomic_fetch_or(&inbox->woken_by, UINT64_C(1) << by);
	arm(inbox);
}

uint64_t gh_inbox_delivered(const struct gh_inbox *inbox)
{
	return gh_counter_get(&inbox->delivered);
}

uint64_t gh_inbox_wakes(const struct gh_inbox *inbox)
{
	return gh_counter_get(&inbox->wakes);
}
