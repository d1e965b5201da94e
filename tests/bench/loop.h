/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT connections to one loopback port in one epoll loop; one thread. */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"

struct loop {
	int epfd;
	unsigned port;
	unsigned sources; /* connections come from 127.0.0.1 .. 127.0.0.N in turn */
	uint64_t now;     /* when the latest read returned */
	uint8_t *input;
	uint8_t *answers; /* acknowledgements of one read, sent together */
	size_t answers_len;
	uint64_t connecting;
	uint64_t connected; /* CONNACK 0 so far */
	uint64_t failed;    /* before CONNACK 0 */
	uint64_t closed;    /* by the broker, or for what it sent */
};

#define LOOP_ANSWERS_MAX (64u * 1024)

void loop_init(struct loop *loop, unsigned port, unsigned sources);
void loop_done(struct loop *loop);

/* Waits for events, at most timeout_ms, and serves each once. */
void loop_turn(struct loop *loop, int timeout_ms);

/* Turns until the time has come. */
void loop_until(struct loop *loop, uint64_t deadline_ns);

/* Begins a connection. A failure is counted and leaves CLIENT_CLOSED. */
void loop_connect(struct loop *loop, struct client *client);

/*
 * Connects all of them, at most batch at a time. False: they aren't all ready, because of
 * failures or the deadline.
 */
bool loop_connect_all(struct loop *loop, struct client *const *clients, unsigned count,
		      unsigned batch, uint64_t deadline_ns);

#endif
