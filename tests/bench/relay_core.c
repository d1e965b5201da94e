/* SPDX-License-Identifier: Apache-2.0 */
/* The server under both relays. */
#include "relay_core.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec.h"
#include "util.h"

enum { EVENTS_MAX = 512, BACKLOG = 10000, INPUT_SIZE = 256 * 1024 };

static void watch(struct relay *relay, struct relay_peer *peer, unsigned events)
{
	struct epoll_event event = { .events = events, .data.ptr = peer };

	if (peer->fd >= 0)
		epoll_ctl(relay->epfd, EPOLL_CTL_MOD, peer->fd, &event);
}

void relay_write(struct relay *relay, struct relay_peer *to, struct relay_peer *from,
		 const uint8_t *data, size_t len)
{
	ssize_t sent;

	if (to->fd < 0)
		return;
	sent = send(to->fd, data, len, MSG_NOSIGNAL);
	if (sent < 0)
		sent = 0;
	if ((size_t)sent == len)
		return;
	to->rest_end = len - (size_t)sent;
	to->rest_start = 0;
	to->rest = must_alloc(1, to->rest_end);
	memcpy(to->rest, data + sent, to->rest_end);
	to->source = from;
	watch(relay, to, EPOLLIN | EPOLLOUT);
	watch(relay, from, 0);
}

static void write_rest(struct relay *relay, struct relay_peer *peer)
{
	ssize_t sent = send(peer->fd, peer->rest + peer->rest_start,
			    peer->rest_end - peer->rest_start, MSG_NOSIGNAL);

	if (sent > 0)
		peer->rest_start += (size_t)sent;
	if (peer->rest_start < peer->rest_end)
		return;
	free(peer->rest);
	peer->rest = NULL;
	watch(relay, peer, EPOLLIN);
	watch(relay, peer->source, EPOLLIN);
}

/* The number at the end of a topic: "bench/p/17" is 17, no digits are 0. */
static unsigned topic_number(const struct mq_packet *packet, size_t offset)
{
	size_t end = offset + 2 + mq_u16(packet, offset), start = end;
	unsigned number = 0;

	if (end > packet->len)
		return 0;
	while (start > offset + 2 && packet->body[start - 1] >= '0' && packet->body[start - 1] <= '9')
		start--;
	for (; start < end; start++)
		number = (number * 10 + (packet->body[start] - '0')) % RELAY_TOPICS;
	return number;
}

static void reply(struct relay_peer *peer, const uint8_t *data, size_t len)
{
	if (send(peer->fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		die("relay: cannot answer: %s", strerror(errno));
}

static void on_subscribe(struct relay *relay, struct relay_peer *peer, const struct mq_packet *packet)
{
	uint8_t suback[5], *end = mq_put_header(suback, MQ_SUBACK, 0, 3);

	if (relay->count == RELAY_TOPICS)
		die("relay: more than %u subscribers", RELAY_TOPICS);
	relay->all[relay->count++] = peer;
	relay->subscriber[topic_number(packet, 2)] = peer;
	end = mq_put_u16(end, mq_u16(packet, 0));
	*end++ = 0;
	reply(peer, suback, (size_t)(end - suback));
}

/* False at the first PUBLISH: the handshake is over. */
static bool on_packet(struct relay *relay, struct relay_peer *peer, const struct mq_packet *packet)
{
	static const uint8_t connack[] = { MQ_CONNACK << 4, 2, 0, 0 };

	if (packet->type == MQ_CONNECT)
		reply(peer, connack, sizeof(connack));
	else if (packet->type == MQ_SUBSCRIBE)
		on_subscribe(relay, peer, packet);
	else if (packet->type == MQ_PUBLISH)
		peer->topic = topic_number(packet, 0);
	return packet->type != MQ_PUBLISH;
}

static void handshake(struct relay *relay, struct relay_peer *peer, const uint8_t *data, size_t len)
{
	while (len) {
		struct mq_packet packet;
		ssize_t used = mq_take(data, len, &packet);

		if (used <= 0)
			die("relay: the first packets of a connection must come whole");
		if (!on_packet(relay, peer, &packet)) {
			peer->copying = true;
			relay->copy(relay, peer, data, len);
			return;
		}
		data += used;
		len -= (size_t)used;
	}
}

static void on_readable(struct relay *relay, struct relay_peer *peer)
{
	static uint8_t input[INPUT_SIZE];
	ssize_t got = recv(peer->fd, input, sizeof(input), 0);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		close(peer->fd);
		peer->fd = -1;
	} else if (peer->copying) {
		relay->copy(relay, peer, input, (size_t)got);
	} else {
		handshake(relay, peer, input, (size_t)got);
	}
}

static void on_connection(struct relay *relay, int listener)
{
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct relay_peer *peer = must_alloc(1, sizeof(*peer));
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = peer };

		peer->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		epoll_ctl(relay->epfd, EPOLL_CTL_ADD, fd, &event);
	}
}

static int listen_on(unsigned port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, BACKLOG))
		die("relay: port %u: %s", port, strerror(errno));
	return fd;
}

static void serve(struct relay *relay, struct relay_peer *peer, unsigned events)
{
	if (events & EPOLLOUT && peer->fd >= 0 && peer->rest)
		write_rest(relay, peer);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && peer->fd >= 0)
		on_readable(relay, peer);
}

int relay_main(int argc, char **argv,
	       void (*copy)(struct relay *relay, struct relay_peer *from, const uint8_t *data,
			    size_t len))
{
	struct relay *relay = must_alloc(1, sizeof(*relay));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL }, events[EVENTS_MAX];
	int listener;

	if (argc != 2) {
		fprintf(stderr, "usage: %s PORT\n", argv[0]);
		return 2;
	}
	listener = listen_on((unsigned)strtoul(argv[1], NULL, 10));
	relay->copy = copy;
	relay->epfd = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(relay->epfd, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		int count = epoll_wait(relay->epfd, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++)
			if (events[i].data.ptr)
				serve(relay, events[i].data.ptr, events[i].events);
			else
				on_connection(relay, listener);
	}
}
