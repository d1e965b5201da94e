/* SPDX-License-Identifier: Apache-2.0 */
/* One MQTT connection of the generator. Opened and served by loop.h; one thread. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec.h"

/* The largest packet that can be received. */
#define CLIENT_PACKET_MAX (256u * 1024)

struct client;
struct loop;

enum client_state {
	CLIENT_NEW,
	CLIENT_CONNECTING, /* TCP */
	CLIENT_GREETING,   /* CONNECT sent, CONNACK awaited */
	CLIENT_READY,
	CLIENT_CLOSED,
};

/* What a scenario wants to hear of; NULL where it doesn't. A callback may close its client. */
struct client_events {
	void (*ready)(struct client *client);                                  /* CONNACK 0 */
	void (*packet)(struct client *client, const struct mq_packet *packet); /* all but CONNACK */
	void (*drained)(struct client *client); /* what the socket refused at first is written */
};

struct bytes {
	uint8_t *data;
	size_t start, end, size;
};

/* The scenario sets events, role and number, the rest is zero before loop_connect(). */
struct client {
	const struct client_events *events;
	char role; /* with the number, the client id */
	unsigned number;
	struct loop *loop;
	uint64_t started_ns; /* when the connection was begun */
	int fd;
	enum client_state state;
	bool watches_write;
	struct bytes unsent;
	struct bytes unparsed;
};

/* Writes at once and keeps what the socket refuses. Does nothing when the client is closed. */
void client_send(struct client *client, const uint8_t *data, size_t len);
bool client_has_unsent(const struct client *client);

/* Joins an acknowledgement to the answers to what is being read. Only within a packet callback. */
void client_answer(struct client *client, enum mq_type type, unsigned packet_id);

/* Closes; with reset, leaving no TIME_WAIT behind: ports are few. */
void client_close(struct client *client, bool reset);

/* Counts the client as failed, or closed if it was ready, and closes it. */
void client_fail(struct client *client);

/* For the loop: what epoll reported. */
void client_serve(struct client *client, unsigned events);

#endif
