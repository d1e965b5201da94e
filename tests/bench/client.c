/* SPDX-License-Identifier: Apache-2.0 */
/* Reading whole packets, writing at once, and buffering only what the socket refuses. */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "util.h"

enum { ANSWER_LEN = 4, UNSENT_KEPT = 4096 };

static void watch(struct client *client, bool write)
{
	struct epoll_event event = { .events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.ptr = client };

	if (client->watches_write == write)
		return;
	client->watches_write = write;
	epoll_ctl(client->loop->epfd, EPOLL_CTL_MOD, client->fd, &event);
}

static void bytes_drop(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){ 0 };
}

static void bytes_add(struct bytes *bytes, const uint8_t *data, size_t len)
{
	if (bytes->start) {
		memmove(bytes->data, bytes->data + bytes->start, bytes->end - bytes->start);
		bytes->end -= bytes->start;
		bytes->start = 0;
	}
	if (bytes->end + len > bytes->size) {
		bytes->size = bytes->end + len + 256;
		bytes->data = must_realloc(bytes->data, bytes->size);
	}
	memcpy(bytes->data + bytes->end, data, len);
	bytes->end += len;
}

void client_close(struct client *client, bool reset)
{
	struct linger at_once = { .l_onoff = 1 };

	if (client->state == CLIENT_CLOSED || client->state == CLIENT_NEW)
		return;
	if (reset)
		setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(client->fd);
	if (client->state != CLIENT_READY)
		client->loop->connecting--;
	client->fd = -1;
	client->state = CLIENT_CLOSED;
	client->watches_write = false;
	bytes_drop(&client->unsent);
	bytes_drop(&client->unparsed);
}

void client_fail(struct client *client)
{
	if (client->state == CLIENT_READY)
		client->loop->closed++;
	else
		client->loop->failed++;
	client_close(client, true);
}

/* The bytes the socket took, maybe 0; -1: the connection is gone and closed. */
static ssize_t try_write(struct client *client, const uint8_t *data, size_t len)
{
	ssize_t sent = send(client->fd, data, len, MSG_NOSIGNAL);

	if (sent >= 0)
		return sent;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	client_fail(client);
	return -1;
}

bool client_has_unsent(const struct client *client)
{
	return client->unsent.start < client->unsent.end;
}

void client_send(struct client *client, const uint8_t *data, size_t len)
{
	ssize_t sent = 0;

	if (client->state == CLIENT_CLOSED)
		return;
	if (!client_has_unsent(client))
		sent = try_write(client, data, len);
	if (sent < 0 || (size_t)sent == len)
		return;
	bytes_add(&client->unsent, data + sent, len - (size_t)sent);
	watch(client, true);
}

void client_answer(struct client *client, enum mq_type type, unsigned packet_id)
{
	struct loop *loop = client->loop;

	if (loop->answers_len + ANSWER_LEN > LOOP_ANSWERS_MAX) {
		client_send(client, loop->answers, loop->answers_len);
		loop->answers_len = 0;
	}
	loop->answers_len = (size_t)(mq_put_ack(loop->answers + loop->answers_len, type, packet_id) -
				     loop->answers);
}

static void on_writable(struct client *client)
{
	struct bytes *unsent = &client->unsent;
	ssize_t sent = try_write(client, unsent->data + unsent->start, unsent->end - unsent->start);

	if (sent < 0)
		return;
	unsent->start += (size_t)sent;
	if (client_has_unsent(client))
		return;
	unsent->start = unsent->end = 0;
	if (unsent->size > UNSENT_KEPT)
		bytes_drop(unsent);
	watch(client, false);
	if (client->events->drained)
		client->events->drained(client);
}

static void on_connack(struct client *client, const struct mq_packet *packet)
{
	if (client->state != CLIENT_GREETING || packet->len != 2 || packet->body[1]) {
		client_fail(client);
		return;
	}
	client->state = CLIENT_READY;
	client->loop->connecting--;
	client->loop->connected++;
	if (client->events->ready)
		client->events->ready(client);
}

/* The bytes used; what is left is the beginning of a packet, or the client is closed. */
static size_t take_packets(struct client *client, const uint8_t *data, size_t len)
{
	size_t used = 0;

	while (client->state != CLIENT_CLOSED) {
		struct mq_packet packet;
		ssize_t n = mq_take(data + used, len - used, &packet);

		if (n < 0)
			client_fail(client);
		if (n <= 0)
			break;
		used += (size_t)n;
		if (packet.type == MQ_CONNACK)
			on_connack(client, &packet);
		else if (client->state == CLIENT_READY && client->events->packet)
			client->events->packet(client, &packet);
		else
			client_fail(client);
	}
	return used;
}

static void on_readable(struct client *client)
{
	struct loop *loop = client->loop;
	struct bytes *rest = &client->unparsed;
	size_t have = rest->end, used;
	ssize_t got;

	if (have)
		memcpy(loop->input, rest->data, have);
	got = recv(client->fd, loop->input + have, CLIENT_PACKET_MAX - have, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		client_fail(client);
		return;
	}
	have += (size_t)got;
	loop->now = now_ns();
	loop->answers_len = 0;
	used = take_packets(client, loop->input, have);
	if (client->state != CLIENT_CLOSED && loop->answers_len)
		client_send(client, loop->answers, loop->answers_len);
	if (client->state == CLIENT_CLOSED)
		return;
	rest->end = 0;
	if (used < have)
		bytes_add(rest, loop->input + used, have - used);
	else if (rest->data)
		bytes_drop(rest);
}

static void send_connect(struct client *client)
{
	char id[48];
	uint8_t packet[80];

	snprintf(id, sizeof(id), "mqbench-%ld-%c%u", (long)getpid(), client->role, client->number);
	client->state = CLIENT_GREETING;
	client_send(client, packet, (size_t)(mq_put_connect(packet, id) - packet));
}

static void on_connected(struct client *client)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error) {
		client_fail(client);
		return;
	}
	watch(client, false);
	send_connect(client);
}

void client_serve(struct client *client, unsigned events)
{
	if (client->state == CLIENT_CONNECTING) {
		on_connected(client);
		return;
	}
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP) && client->state != CLIENT_CLOSED)
		on_readable(client);
	if (events & EPOLLOUT && client->state != CLIENT_CLOSED && client_has_unsent(client))
		on_writable(client);
}
