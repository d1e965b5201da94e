/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor that brokers are compared with: a server that answers CONNECT and SUBSCRIBE, and
 * from a connection's first PUBLISH on copies its bytes without looking at them. One thread,
 * level-triggered epoll, one read an event, as a broker.
 */
#ifndef BENCH_RELAY_CORE_H
#define BENCH_RELAY_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_TOPICS 65536u

struct relay_peer {
	int fd; /* -1: closed */
	bool copying;
	unsigned topic;            /* the number at the end of what it publishes to */
	struct relay_peer *source; /* paused until `rest` is written */
	uint8_t *rest;
	size_t rest_start, rest_end;
};

struct relay {
	int epfd;
	/* What to do with the bytes of a publisher. */
	void (*copy)(struct relay *relay, struct relay_peer *from, const uint8_t *data, size_t len);
	struct relay_peer *subscriber[RELAY_TOPICS]; /* by topic, the latest */
	struct relay_peer *all[RELAY_TOPICS];        /* in the order of their coming */
	unsigned count;
};

/* Serves 127.0.0.1:PORT (argv[1]) for ever; returns an exit status when it can't. */
int relay_main(int argc, char **argv,
	       void (*copy)(struct relay *relay, struct relay_peer *from, const uint8_t *data,
			    size_t len));

/* Writes what the socket takes and keeps the rest, pausing the source meanwhile. */
void relay_write(struct relay *relay, struct relay_peer *to, struct relay_peer *from,
		 const uint8_t *data, size_t len);

#endif
