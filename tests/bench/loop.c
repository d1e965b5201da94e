/* SPDX-License-Identifier: Apache-2.0 */
/* The epoll loop and the opening of connections. */
#include "loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util.h"

enum { EVENTS_MAX = 512, IDLE_TURN_MS = 10 };

void loop_init(struct loop *loop, unsigned port, unsigned sources)
{
	*loop = (struct loop){ .port = port, .sources = sources };
	loop->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epfd < 0)
		die("epoll_create1: %s", strerror(errno));
	loop->input = must_alloc(1, CLIENT_PACKET_MAX);
	loop->answers = must_alloc(1, LOOP_ANSWERS_MAX);
}

void loop_done(struct loop *loop)
{
	close(loop->epfd);
	free(loop->input);
	free(loop->answers);
}

static int open_socket(const struct loop *loop, unsigned number)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr =
					    htonl(INADDR_LOOPBACK + number % loop->sources) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (loop->sources > 1) {
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
		if (bind(fd, (struct sockaddr *)&from, sizeof(from))) {
			close(fd);
			return -1;
		}
	}
	return fd;
}

void loop_connect(struct loop *loop, struct client *client)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)loop->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = client };

	client->loop = loop;
	client->started_ns = now_ns();
	client->fd = open_socket(loop, client->number);
	if (client->fd < 0) {
		client->state = CLIENT_CLOSED;
		loop->failed++;
		return;
	}
	client->state = CLIENT_CONNECTING;
	client->watches_write = true;
	loop->connecting++;
	if ((connect(client->fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS) ||
	    epoll_ctl(loop->epfd, EPOLL_CTL_ADD, client->fd, &event))
		client_fail(client);
}

void loop_turn(struct loop *loop, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(loop->epfd, events, EVENTS_MAX, timeout_ms);

	for (int i = 0; i < count; i++)
		client_serve(events[i].data.ptr, events[i].events);
}

void loop_until(struct loop *loop, uint64_t deadline_ns)
{
	while (now_ns() < deadline_ns)
		loop_turn(loop, IDLE_TURN_MS);
}

bool loop_connect_all(struct loop *loop, struct client *const *clients, unsigned count,
		      unsigned batch, uint64_t deadline_ns)
{
	uint64_t wanted = loop->connected + count;
	unsigned next = 0;

	while ((next < count || loop->connecting) && now_ns() < deadline_ns) {
		while (next < count && loop->connecting < batch)
			loop_connect(loop, clients[next++]);
		loop_turn(loop, IDLE_TURN_MS);
	}
	return loop->connected == wanted;
}
