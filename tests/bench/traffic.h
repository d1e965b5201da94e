/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishers and subscribers of a scenario, and the messages between them. Publishers are held
 * back by what was really delivered (--window), by acknowledgements (--inflight) or by a clock
 * (--total-rate), so a queue in the broker can't hide its cost. Every message carries a stamp,
 * which the receiving side checks.
 */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "hist.h"
#include "loop.h"
#include "options.h"
#include "stamp.h"

#define TOPIC_MAX 96

struct traffic;

struct publisher {
	struct client client;
	uint64_t sent;
	uint64_t copies; /* deliveries of its messages, all subscribers together */
	uint64_t budget; /* messages it may send in all */
	uint64_t due_ns; /* of its next message, with a total rate */
	uint64_t random; /* state of the scenario's choice of topics */
	unsigned inflight;
	uint16_t packet_id;
	bool ready; /* something happened that may let it send */
};

struct subscriber {
	struct client client;
	unsigned next_filter;
	unsigned asked;     /* filters in the SUBSCRIBE under way */
	uint32_t *next_seq; /* by publisher, for the checks */
};

/* What a scenario is made of. */
struct plan {
	/* Filters of a subscriber; NULL means one. */
	unsigned (*filters)(const struct options *options, unsigned subscriber);
	char *(*put_filter)(char *end, const struct options *options, unsigned subscriber,
			    unsigned nth);
	char *(*put_topic)(char *end, const struct options *options, struct publisher *publisher);
	/* Counts what is wrong with a message in the tally. */
	void (*check)(struct traffic *traffic, struct subscriber *subscriber,
		      const struct mq_publish *publish, const struct stamp *stamp);
	bool retain;
};

struct tally {
	uint64_t sent, received, acked;
	uint64_t out_of_order, duplicates;
	uint64_t misrouted;        /* wrong receiver, topic or content */
	uint64_t granted, refused; /* filters */
};

struct traffic {
	struct loop loop;
	const struct options *options;
	const struct plan *plan;
	unsigned copies; /* subscribers that get each message */
	unsigned publishers, subscribers;
	struct publisher *publisher;
	struct subscriber *subscriber;
	struct client **clients; /* all of them, subscribers first */
	unsigned subscribed;     /* subscribers that have all their filters */
	bool producing;
	unsigned burst; /* messages in one write at most */
	double step_ns; /* between messages of a publisher; 0: no rate */
	uint8_t *payload, *output;
	struct tally tally;
	struct hist latency;
};

/* Makes the clients and connects them all; ends the program when that fails. */
void traffic_open(struct traffic *traffic, const struct options *options, const struct plan *plan,
		  unsigned copies);
void traffic_close(struct traffic *traffic);

/* The end of what --timeout grants from now on. */
uint64_t traffic_deadline(const struct traffic *traffic);

/*
 * Subscribes every subscriber to its filters; ends the program when they aren't all granted in
 * time.
 */
void traffic_subscribe(struct traffic *traffic);

/* Lets the publishers begin. Each may send `budget` messages more. */
void traffic_start(struct traffic *traffic, uint64_t budget);

/*
 * Lets publishers send what they may, then waits for events and serves them; at most some
 * milliseconds.
 */
void traffic_turn(struct traffic *traffic);
void traffic_run_until(struct traffic *traffic, uint64_t deadline_ns);

/*
 * Stops the publishers and runs until everything sent is delivered and acknowledged, or
 * nothing has moved for two seconds.
 */
void traffic_drain(struct traffic *traffic);

/* Check for subscribers that see every message of their publishers. */
void check_gapless(struct traffic *traffic, struct subscriber *subscriber,
		   const struct mq_publish *publish, const struct stamp *stamp);

/* Check for subscribers that see some of them. */
void check_increasing(struct traffic *traffic, struct subscriber *subscriber,
		      const struct mq_publish *publish, const struct stamp *stamp);

#endif
