/* SPDX-License-Identifier: Apache-2.0 */
/* Output of a connection: segments gathered during a turn, sent by one system call when it ends. */
#include "net/conn_priv.h"

#include <errno.h>
#include <string.h>

/* Segments of one system call; with large ones a megabyte. */
#define FLUSH_SEGMENTS 64

static bool output_stopped(const struct gh_conn *conn)
{
	return conn->flags & (CONN_CLOSING | CONN_ENDED);
}

static void append(struct gh_conn *conn, struct gh_segment *segment)
{
	if (conn->last)
		conn->last->next = segment;
	else
		conn->first = segment;
	conn->last = segment;
}

/* The last segment if it has room for n bytes, else a new one. */
static struct gh_segment *segment_for(struct gh_conn *conn, size_t n)
{
	struct gh_segment *last = conn->last;

	if (last && last->room >= n)
		return last;
	last = gh_segment_new(&conn->worker->pool, n, last && !gh_segment_is_ref(last));
	append(conn, last);
	return last;
}

static void add_bytes(struct gh_conn *conn, struct gh_segment *segment, size_t n)
{
	segment->n += n;
	segment->room -= n;
	conn->pending += n;
}

static void copy_into(struct gh_conn *conn, struct gh_segment *segment, const uint8_t *p, size_t n)
{
	memcpy((uint8_t *)(uintptr_t)segment->p + segment->n, p, n);
	add_bytes(conn, segment, n);
}

void gh_conn_write(struct gh_conn *conn, const void *p_, size_t n)
{
	const uint8_t *p = p_;

	if (output_stopped(conn) || !n)
		return;
	if (conn->last && conn->last->room) {
		size_t part = conn->last->room < n ? conn->last->room : n;

		copy_into(conn, conn->last, p, part);
		p += part;
		n -= part;
	}
	while (n) {
		size_t part = n < GH_SEGMENT_LARGE ? n : GH_SEGMENT_LARGE;

		copy_into(conn, segment_for(conn, part), p, part);
		p += part;
		n -= part;
	}
	gh_conn_attend(conn, 0);
}

uint8_t *gh_conn_reserve(struct gh_conn *conn, size_t n)
{
	struct gh_segment *segment = segment_for(conn, n);

	return (uint8_t *)(uintptr_t)segment->p + segment->n;
}

void gh_conn_commit(struct gh_conn *conn, size_t n)
{
	if (output_stopped(conn))
		return;
	add_bytes(conn, conn->last, n);
	gh_conn_attend(conn, 0);
}

void gh_conn_write_ref(struct gh_conn *conn, const void *p, size_t n, gh_release_fn *release,
		       void *arg)
{
	if (output_stopped(conn) || !n) {
		release(arg);
		return;
	}
	append(conn, gh_segment_ref(p, n, release, arg));
	conn->pending += n;
	gh_conn_attend(conn, 0);
}

size_t gh_conn_pending(const struct gh_conn *conn)
{
	return conn->pending;
}

void gh_conn_want_room(struct gh_conn *conn)
{
	if (!output_stopped(conn))
		gh_conn_attend(conn, CONN_WANT_ROOM);
}

void gh_conn_cork(struct gh_conn *conn)
{
	conn->flags |= CONN_CORKED;
}

void gh_conn_uncork(struct gh_conn *conn)
{
	conn->flags &= (uint16_t)~CONN_CORKED;
	if (conn->pending)
		gh_conn_attend(conn, 0);
}

static void remove_first(struct gh_conn *conn)
{
	struct gh_segment *segment = conn->first;

	conn->first = segment->next;
	if (!conn->first)
		conn->last = NULL;
	gh_segment_free(&conn->worker->pool, segment);
}

/* Also takes segments away that were reserved and never filled. */
static void remove_sent(struct gh_conn *conn, size_t n)
{
	conn->pending -= n;
	while (conn->first && n >= conn->first->n) {
		n -= conn->first->n;
		remove_first(conn);
	}
	if (n) {
		conn->first->p += n;
		conn->first->n -= n;
	}
}

static int gather(const struct gh_conn *conn, struct iovec iov[FLUSH_SEGMENTS])
{
	int count = 0;

	for (struct gh_segment *s = conn->first; s && count < FLUSH_SEGMENTS; s = s->next)
		if (s->n)
			iov[count++] = (struct iovec){ (void *)(uintptr_t)s->p, s->n };
	return count;
}

static ssize_t send_some(struct gh_conn *conn)
{
	struct iovec iov[FLUSH_SEGMENTS];
	ssize_t sent = conn->ops->write(&conn->state, gh_conn_fd(conn), iov, gather(conn, iov));

	gh_counter_add(&conn->worker->writes, 1);
	if (sent > 0) {
		gh_counter_add(&conn->worker->bytes_out, (uint64_t)sent);
		remove_sent(conn, (size_t)sent);
	}
	return sent;
}

void gh_conn_drop_output(struct gh_conn *conn)
{
	while (conn->first)
		remove_first(conn);
	conn->pending = 0;
}

static void all_sent(struct gh_conn *conn)
{
	/* What was reserved and not filled. */
	gh_conn_drop_output(conn);
	gh_conn_watch(conn, gh_conn_watched(conn) & ~(unsigned)GH_IO_WRITE);
}

/* One system call; what is left waits for the kernel to say that it has room. */
void gh_conn_flush(struct gh_conn *conn)
{
	ssize_t sent;

	if (conn->flags & CONN_CORKED && conn->flags & CONN_CLOSING)
		gh_conn_drop_output(conn);
	else if (conn->flags & CONN_CORKED)
		return;
	sent = conn->pending ? send_some(conn) : 0;
	if (sent < 0 && sent != -EAGAIN) {
		conn->error = (int)-sent;
		gh_conn_finish(conn, GH_CONN_RESET);
		return;
	}
	if (conn->pending)
		gh_conn_watch(conn, gh_conn_watched(conn) | GH_IO_WRITE);
	else
		all_sent(conn);
}
