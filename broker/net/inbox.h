/* SPDX-License-Identifier: Apache-2.0 */
/* How a thread is told something: a mailbox with many senders and one receiver, the thread
 * whose loop it belongs to. */
#ifndef GH_NET_INBOX_H
#define GH_NET_INBOX_H

#include "net/loop.h"

/*
 * One message, the head of a larger struct of the sender's. Posting gives it away; deliver()
 * runs on the receiver's thread and consumes it (frees it, or keeps it as its own). `owner` is
 * what gh_inbox_new() was given, for a worker the struct gh_worker; it is NULL when the receiver
 * is gone: then deliver only frees what the mail holds.
 */
struct gh_mail {
	struct gh_mail *next; /* the inbox's */
	void (*deliver)(struct gh_mail *mail, void *owner);
	/* Bytes that the mail keeps alive, its own struct included; counted in the data lane. */
	uint32_t weight;
};

/*
 * Two lanes. Control mail (takeover, disconnect, runtime swap, connections, answers of tickets)
 * is never held up and is delivered before data mail that waits. Data mail (messages) is
 * weighed: above the high-water mark the inbox is crowded and senders stop reading from what
 * feeds it (gh_conn_hold) until it is below the low-water mark. Posting never fails and never
 * blocks: a sender that has read a message may always hand it on. Order: FIFO per sender and
 * lane. Nothing is said about the order of two lanes or two senders.
 */
enum gh_lane { GH_LANE_CONTROL, GH_LANE_DATA };
#define GH_LANES      2
#define GH_INBOX_HIGH (8u << 20)
#define GH_INBOX_LOW  (2u << 20)

struct gh_inbox;

/* `owner` is handed to deliver(). NULL when the kernel gives no descriptor. */
struct gh_inbox *gh_inbox_new(struct gh_loop *loop, void *owner);
/* All senders must be through. What is still there is delivered with owner NULL. */
void gh_inbox_free(struct gh_inbox **inbox);

/* Any thread. Wakes the receiver if it isn't awake for this inbox already. */
void gh_inbox_post(struct gh_inbox *inbox, enum gh_lane lane, struct gh_mail *mail);

/* A run of mails collected by one sender, posted at once. { 0 } is empty. */
struct gh_mail_run {
	struct gh_mail *newest, *oldest;
	size_t weight, count;
};
void gh_mail_run_add(struct gh_mail_run *run, struct gh_mail *mail);
void gh_inbox_post_run(struct gh_inbox *inbox, enum gh_lane lane,
		       struct gh_mail_run *run); /* leaves it empty */

/* ---- back-pressure ---- */
size_t gh_inbox_weight(const struct gh_inbox *inbox); /* any thread */
/* Any thread: `more` is what the caller has collected and not posted yet. */
bool gh_inbox_crowded(const struct gh_inbox *inbox, size_t more);
/* Any thread: what the receiver has passed on to another inbox weighs here too until it is dealt with there, so that those who
 * feed the first feel the second. */
void gh_inbox_charge(struct gh_inbox *inbox, size_t weight);
void gh_inbox_discharge(struct gh_inbox *inbox, size_t weight);
/* A sender asks, by its number 0..63, to be called once the inbox is below the low-water
 * mark. False: it is already, no call will come. */
bool gh_inbox_await(struct gh_inbox *inbox, unsigned sender);
/* What the receiver calls when it falls below the mark: `senders` is a mask of those that wait. */
typedef void gh_inbox_drained_fn(void *owner, uint64_t senders);
void gh_inbox_on_drained(struct gh_inbox *inbox, gh_inbox_drained_fn *fn);
/* Any thread: the receiver's `drained_by` call runs on its thread with the mask of all `by`
 * numbers since. Allocates nothing: this is how one inbox tells another that it has drained. */
typedef void gh_inbox_wake_fn(void *owner, uint64_t by);
void gh_inbox_on_wake(struct gh_inbox *inbox, gh_inbox_wake_fn *fn);
void gh_inbox_wake(struct gh_inbox *inbox, unsigned by);

/* Mails delivered so far, and wake-ups that took; any thread. */
uint64_t gh_inbox_delivered(const struct gh_inbox *inbox);
uint64_t gh_inbox_wakes(const struct gh_inbox *inbox);

#endif
