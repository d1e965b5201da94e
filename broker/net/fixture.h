/* SPDX-License-Identifier: Apache-2.0 */
/* For this folder's tests: a worker without a thread, turned by hand, and a connection whose
 * other end is a socket. */
#ifndef GH_NET_FIXTURE_H
#define GH_NET_FIXTURE_H

#include "net/conn_priv.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
	struct gh_workers workers;
	struct gh_worker *worker;
	struct gh_total total;
};

static GH_UNUSED void fixture_init(struct fixture *fixture, const struct gh_worker_fn *fn,
				   unsigned count)
{
	*fixture = (struct fixture){ 0 };
	gh_total_init(&fixture->total, 1000);
	fixture->workers.fn = fn;
	fixture->workers.total = &fixture->total;
	fixture->workers.count = count;
	for (unsigned i = 0; i < count; i++)
		fixture->workers.workers[i] = gh_worker_new(&fixture->workers, i);
	fixture->worker = fixture->workers.workers[0];
}

static GH_UNUSED void fixture_turn(struct fixture *fixture)
{
	for (unsigned i = 0; i < fixture->workers.count; i++)
		gh_loop_poll(fixture->workers.workers[i]->loop);
}

/* fd becomes a connection in the nursery of the first worker. */
static GH_UNUSED struct gh_conn *fixture_adopt(struct fixture *fixture, int fd, uint8_t transport,
					       const struct gh_conn_fn *fn, void *arg)
{
	struct gh_peer peer = { .transport = transport, .local = true };
	struct gh_conn *conn;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	ck_assert(gh_total_take(&fixture->total));
	atomic_fetch_add(&fixture->worker->connections, 1);
	conn = gh_conn_new(fixture->worker, fd,
			   transport == GH_TCP ? &gh_transport_tcp : &gh_transport_unix, &peer);
	gh_conn_bind(conn, fn, arg);
	return conn;
}

/* One with the other end in *fd_r (blocking). */
static GH_UNUSED struct gh_conn *fixture_conn(struct fixture *fixture, const struct gh_conn_fn *fn,
					      void *arg, int *fd_r)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	*fd_r = fds[1];
	return fixture_adopt(fixture, fds[0], GH_UNIX, fn, arg);
}

/* The same over TCP. */
static GH_UNUSED struct gh_conn *fixture_tcp(struct fixture *fixture, const struct gh_conn_fn *fn,
					     void *arg, int *fd_r)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	socklen_t n = sizeof in;

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&in, n), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&in, &n), 0);
	*fd_r = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(*fd_r, (struct sockaddr *)&in, n), 0);
	fd = accept(listener, NULL, NULL);
	close(listener);
	return fixture_adopt(fixture, fd, GH_TCP, fn, arg);
}

/* Turns until the condition holds, at most 20 s. */
#define TURN_UNTIL(fixture, condition) \
	do { \
		uint64_t deadline_ = gh_clock_ms() + 20000; \
\
		while (!(condition)) { \
			ck_assert_msg(gh_clock_ms() < deadline_, "never: %s", #condition); \
			fixture_turn(fixture); \
		} \
	} while (0)

static GH_UNUSED void fixture_done(struct fixture *fixture)
{
	for (unsigned i = 0; i < fixture->workers.count; i++)
		gh_inbox_free(&fixture->workers.workers[i]->inbox);
	for (unsigned i = 0; i < fixture->workers.count; i++)
		gh_worker_free(fixture->workers.workers[i]);
}

#endif
