/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of connections: packets with a length in front, and a handler that notes what it saw. */
#ifndef GH_NET_PACKETS_H
#define GH_NET_PACKETS_H

#include "net/fixture.h"

#include <string.h>

/* What a handler saw. Packets are a length of four bytes, big endian, then as many bytes. */
struct seen {
	unsigned inputs, packets, writable, closed;
	enum gh_conn_end why;
	size_t bytes, largest;
	uint8_t last_byte;
	unsigned pause_at; /* packets after which it pauses itself, 0: never */
	bool no_expect, echo;
	void (*act)(struct gh_conn *conn, struct seen *seen); /* at each packet */
};

static GH_UNUSED uint32_t length_of(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static GH_UNUSED bool one_packet(struct gh_conn *conn, struct seen *seen, const uint8_t *p, size_t n)
{
	seen->packets++;
	seen->bytes += n;
	if (n > seen->largest)
		seen->largest = n;
	seen->last_byte = p[n - 1];
	if (seen->echo)
		gh_conn_write(conn, p - 4, n + 4);
	if (seen->act)
		seen->act(conn, seen);
	if (seen->pause_at && seen->packets % seen->pause_at == 0)
		gh_conn_pause(conn, GH_PAUSE_TICKET);
	return !gh_conn_paused(conn) && !gh_conn_closing(conn);
}

static GH_UNUSED size_t on_input(struct gh_conn *conn, const uint8_t *p, size_t n)
{
	struct seen *seen = gh_conn_arg(conn);
	size_t used = 0;

	seen->inputs++;
	while (n - used >= 4) {
		size_t total = 4 + length_of(p + used);
		bool more;

		if (n - used < total) {
			if (!seen->no_expect)
				gh_conn_expect(conn, total);
			break;
		}
		more = one_packet(conn, seen, p + used + 4, total - 4);
		used += total;
		if (!more)
			break;
	}
	return used;
}

static GH_UNUSED void on_writable(struct gh_conn *conn)
{
	struct seen *seen = gh_conn_arg(conn);

	seen->writable++;
	ck_assert(gh_conn_pending(conn) <= GH_CONN_LOW);
}

static GH_UNUSED void on_closed(struct gh_conn *conn, enum gh_conn_end why)
{
	struct seen *seen = gh_conn_arg(conn);

	seen->closed++;
	seen->why = why;
}

static GH_UNUSED const struct gh_conn_fn handler = { on_input, on_writable, on_closed };
static GH_UNUSED const struct gh_worker_fn no_rooms = { 0 };

static GH_UNUSED void put_packet(int fd, uint32_t n, uint8_t fill)
{
	uint8_t *p = gh_alloc(n + 4);

	p[0] = (uint8_t)(n >> 24), p[1] = (uint8_t)(n >> 16), p[2] = (uint8_t)(n >> 8),
	p[3] = (uint8_t)n;
	memset(p + 4, fill, n);
	ck_assert_int_eq(send(fd, p, n + 4, MSG_NOSIGNAL), n + 4);
	free(p);
}

static GH_UNUSED size_t drain(int fd)
{
	static uint8_t p[1 << 16];
	size_t all = 0;
	ssize_t n;

	while ((n = recv(fd, p, sizeof p, MSG_DONTWAIT)) > 0)
		all += (size_t)n;
	return all;
}

#endif
