/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection: made in the nursery, moved once, closed, drained, freed. */
#include "net/conn_priv.h"

#include "base/mem.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* The longest time that a peer may take to close after it was sent everything. */
#define LAST_MS 2000u

unsigned gh_conn_watched(const struct gh_conn *conn)
{
	return (conn->flags & CONN_READ_ON ? GH_IO_READ : 0) |
	       (conn->flags & CONN_WRITE_ON ? GH_IO_WRITE : 0);
}

static void watch_libev(struct gh_conn *conn, unsigned events)
{
	struct ev_loop *ev = conn->worker->loop->ev;

	ev_io_stop(ev, &conn->io);
	/* Not ev_io_set(): that costs a system call even if nothing has changed when the turn ends. */
	ev_io_modify(&conn->io,
		     (events & GH_IO_READ ? EV_READ : 0) | (events & GH_IO_WRITE ? EV_WRITE : 0));
	if (events)
		ev_io_start(ev, &conn->io);
}

void gh_conn_watch(struct gh_conn *conn, unsigned events)
{
	unsigned before = gh_conn_watched(conn);

	if (before == events)
		return;
	if (conn->flags & CONN_YOUNG) {
		if (gh_nursery_set(conn->worker->nursery, conn->io.fd, before, events, conn))
			events = 0; /* out of kernel memory: its deadline ends it */
	} else {
		watch_libev(conn, events);
	}
	conn->flags &= (uint16_t) ~(CONN_READ_ON | CONN_WRITE_ON);
	conn->flags |= (uint16_t)((events & GH_IO_READ ? CONN_READ_ON : 0) |
				  (events & GH_IO_WRITE ? CONN_WRITE_ON : 0));
}

void gh_conn_attend(struct gh_conn *conn, unsigned flag)
{
	struct gh_worker *worker = conn->worker;

	if (conn->flags & CONN_ENDED)
		return;
	conn->flags |= (uint16_t)flag;
	if (conn->attention || conn->flags & CONN_MOVING)
		return;
	gh_conn_array_add(&worker->attention, conn);
	conn->attention = (uint32_t)worker->attention.n;
}

static void forget_attention(struct gh_conn *conn)
{
	if (conn->attention)
		conn->worker->attention.p[conn->attention - 1] = NULL;
	conn->attention = 0;
}

void gh_conn_ready(struct gh_conn *conn, unsigned events)
{
	if (conn->flags & (CONN_ENDED | CONN_MOVING))
		return;
	if (events & GH_IO_WRITE && conn->flags & CONN_WRITE_ON)
		gh_conn_attend(conn, 0);
	if (events & GH_IO_READ)
		gh_conn_read(conn);
}

static void on_io(struct ev_loop *ev, ev_io *io, int events)
{
	(void)ev;
	gh_conn_ready(gh_container(io, struct gh_conn, io),
		      (events & EV_READ ? GH_IO_READ : 0) | (events & EV_WRITE ? GH_IO_WRITE : 0));
}

struct gh_conn *gh_conn_new(struct gh_worker *worker, int fd, const struct gh_transport_ops *ops,
			    const struct gh_peer *peer)
{
	struct gh_conn *conn = gh_zalloc(sizeof *conn);
	int on = 1;

	conn->worker = worker;
	conn->ops = ops;
	conn->peer = *peer;
	conn->flags = CONN_YOUNG;
	gh_list_init(&conn->node);
	gh_list_append(&worker->conns, &conn->node);
	ev_io_init(&conn->io, on_io, fd, 0);
	if (peer->transport == GH_TCP)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	gh_conn_watch(conn, GH_IO_READ);
	return conn;
}

void gh_conn_bind(struct gh_conn *conn, const struct gh_conn_fn *fn, void *arg)
{
	conn->fn = fn;
	conn->arg = arg;
}

void *gh_conn_arg(const struct gh_conn *conn)
{
	return conn->arg;
}

struct gh_worker *gh_conn_worker(const struct gh_conn *conn)
{
	return conn->worker;
}

const struct gh_peer *gh_conn_peer(const struct gh_conn *conn)
{
	return &conn->peer;
}

const struct gh_transport_ops *gh_conn_transport(const struct gh_conn *conn)
{
	return conn->ops;
}

int gh_conn_error(const struct gh_conn *conn)
{
	return conn->error;
}

/* ---- the end ---- */

static void tell(struct gh_conn *conn, enum gh_conn_end why)
{
	if (conn->flags & CONN_TOLD)
		return;
	conn->flags |= CONN_TOLD;
	if (conn->fn && conn->fn->closed)
		conn->fn->closed(conn, why);
}

static void drop_linger(struct gh_conn *conn)
{
	if (!conn->linger)
		return;
	gh_loop_timeout_cancel(conn->worker->loop, &conn->linger->timeout);
	free(conn->linger);
	conn->linger = NULL;
}

static void release_all(struct gh_conn *conn)
{
	struct gh_worker *worker = conn->worker;

	free(conn->kept);
	conn->kept = NULL;
	gh_conn_drop_output(conn);
	conn->ops->close(&conn->state);
	close(conn->io.fd);
	atomic_fetch_sub(&worker->connections, 1);
	if (worker->peers->total)
		gh_total_give(worker->peers->total);
}

void gh_conn_finish(struct gh_conn *conn, enum gh_conn_end why)
{
	struct gh_worker *worker = conn->worker;

	forget_attention(conn);
	gh_conn_watch(conn, 0);
	gh_list_remove(&conn->node);
	drop_linger(conn);
	conn->flags |= CONN_ENDED;
	tell(conn, why);
	release_all(conn);
	gh_conn_array_add(&worker->ended, conn);
}

void gh_conn_free(struct gh_conn *conn)
{
	/* Reserved after its end. */
	gh_conn_drop_output(conn);
	free(conn);
}

static void on_linger_over(struct gh_timeout *timeout)
{
	struct gh_conn *conn = gh_container(timeout, struct gh_linger, timeout)->conn;

	if (conn->pending)
		gh_counter_add(&conn->worker->cut, 1);
	gh_conn_finish(conn, (enum gh_conn_end)conn->why);
}

static void close_with(struct gh_conn *conn, enum gh_conn_end why, uint32_t linger_ms)
{
	if (conn->flags & (CONN_CLOSING | CONN_ENDED | CONN_MOVING))
		return;
	conn->why = (uint8_t)why;
	gh_conn_attend(conn, CONN_CLOSING);
	if (!linger_ms)
		return;
	conn->linger = gh_zalloc(sizeof *conn->linger);
	conn->linger->conn = conn;
	gh_timeout_init(&conn->linger->timeout, on_linger_over);
	gh_loop_timeout(conn->worker->loop, &conn->linger->timeout, linger_ms);
}

void gh_conn_close(struct gh_conn *conn, uint32_t linger_ms)
{
	close_with(conn, GH_CONN_LOCAL, linger_ms);
}

bool gh_conn_closing(const struct gh_conn *conn)
{
	return conn->flags & (CONN_CLOSING | CONN_ENDED);
}

void gh_conn_stop(struct gh_conn *conn, uint32_t linger_ms)
{
	struct gh_loop *loop = conn->worker->loop;

	close_with(conn, GH_CONN_STOP, linger_ms);
	/* What it is owed may take all of it; who has got everything keeps the time it had. */
	if (conn->linger &&
	    (conn->pending || conn->linger->timeout.due > gh_loop_now_ms(loop) + linger_ms))
		gh_loop_timeout(loop, &conn->linger->timeout, linger_ms);
}

/* After its flush at the end of a turn. */
void gh_conn_closing_step(struct gh_conn *conn)
{
	tell(conn, (enum gh_conn_end)conn->why);
	free(conn->kept);
	conn->kept = NULL;
	if (!conn->linger) {
		if (conn->pending)
			gh_counter_add(&conn->worker->cut, 1);
		gh_conn_finish(conn, (enum gh_conn_end)conn->why);
		return;
	}
	if (conn->pending || conn->flags & CONN_FINISHED)
		return;
	conn->flags |= CONN_FINISHED;
	conn->ops->finish(&conn->state, conn->io.fd);
	if (conn->linger->timeout.due > gh_loop_now_ms(conn->worker->loop) + LAST_MS)
		gh_loop_timeout(conn->worker->loop, &conn->linger->timeout, LAST_MS);
	/* Its unread bytes would turn our close into a reset that eats what we have sent. */
	gh_conn_watch(conn, GH_IO_READ);
}

/* ---- moving ---- */

bool gh_conn_move(struct gh_conn *conn, struct gh_worker *to, struct gh_mail *mail)
{
	struct gh_worker *from = conn->worker;

	if (gh_conn_closing(conn) || conn->flags & CONN_MOVING || !(conn->flags & CONN_YOUNG))
		return false;
	gh_conn_watch(conn, 0);
	forget_attention(conn);
	gh_list_remove(&conn->node);
	conn->flags |= CONN_MOVING;
	conn->flags &= (uint16_t) ~(CONN_FEED | CONN_YOUNG);
	conn->paused &= (uint8_t)~GH_PAUSE_INBOX;
	conn->fn = NULL;
	conn->arg = NULL;
	atomic_fetch_sub(&from->connections, 1);
	atomic_fetch_add(&to->connections, 1);
	if (conn->flags & CONN_IN_INPUT) {
		/* Sent when input() has returned and the rest of its bytes is kept. */
		from->move_to = to;
		from->move_mail = mail;
		return true;
	}
	conn->worker = to;
	gh_worker_send(from, to, GH_LANE_CONTROL, mail);
	return true;
}

void gh_conn_adopt(struct gh_conn *conn, struct gh_worker *worker)
{
	conn->worker = worker;
	conn->flags &= (uint16_t)~CONN_MOVING;
	gh_list_append(&worker->conns, &conn->node);
	gh_conn_watch(conn, GH_IO_READ);
	/* Fed and flushed when the turn ends. */
	gh_conn_attend(conn, conn->paused ? 0 : CONN_FEED);
	if (conn->error)
		close_with(conn, GH_CONN_NOMEM, 0);
	if (worker->stopping)
		gh_conn_stop(conn, worker->linger_ms);
}

void gh_conn_discard(struct gh_conn *conn)
{
	release_all(conn);
	gh_conn_free(conn);
}
