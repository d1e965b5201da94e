/* SPDX-License-Identifier: Apache-2.0 */
/* Workers with real threads: churn of moving connections, back-pressure, stopping. */
#include "net/worker.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/test.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- every epoll set that is made, libev's included ---- */

static atomic_uint epoll_sets;

int epoll_create1(int flags)
{
	int (*real)(int flags) = (int (*)(int))dlsym(RTLD_NEXT, "epoll_create1");

	atomic_fetch_add(&epoll_sets, 1);
	return real(flags);
}

/* ---- an echo server whose connections move to the worker that their first byte names ---- */

struct rooms {
	atomic_uint started, stopped, accepted, adopted, closed, stop_ends;
};

struct client {
	struct gh_mail mail;
	struct gh_conn *conn;
};

static struct rooms *rooms_of(struct gh_conn *conn)
{
	return gh_worker_user(gh_conn_worker(conn));
}

static size_t echo_input(struct gh_conn *conn, const uint8_t *p, size_t n)
{
	gh_conn_write(conn, p, n);
	if (memchr(p, 'Q', n))
		gh_conn_close(conn, 1000);
	return n;
}

static void echo_closed(struct gh_conn *conn, enum gh_conn_end why)
{
	atomic_fetch_add(&rooms_of(conn)->closed, 1);
	if (why == GH_CONN_STOP)
		atomic_fetch_add(&rooms_of(conn)->stop_ends, 1);
	free(gh_conn_arg(conn));
}

static const struct gh_conn_fn echo = { .input = echo_input, .closed = echo_closed };

static void client_arrives(struct gh_mail *mail, void *owner)
{
	struct client *client = gh_container(mail, struct client, mail);

	if (!owner) {
		gh_conn_discard(client->conn);
		free(client);
		return;
	}
	gh_conn_adopt(client->conn, owner);
	gh_conn_bind(client->conn, &echo, client);
	atomic_fetch_add(&rooms_of(client->conn)->adopted, 1);
}

static size_t first_input(struct gh_conn *conn, const uint8_t *p, size_t n)
{
	struct gh_workers *workers = gh_worker_peers(gh_conn_worker(conn));
	struct client *client = gh_conn_arg(conn);

	if (!n)
		return 0;
	gh_conn_write(conn, "hello", 5);
	client->mail.deliver = client_arrives;
	ck_assert(gh_conn_move(conn, gh_workers_at(workers, p[0] % gh_workers_count(workers)),
			       &client->mail));
	return 1;
}

static const struct gh_conn_fn first = { .input = first_input, .closed = echo_closed };

static void rooms_start(struct gh_worker *worker, void *arg)
{
	struct rooms *rooms = arg;

	gh_worker_set_user(worker, rooms);
	atomic_fetch_add(&rooms->started, 1);
}

static void rooms_accepted(struct gh_worker *worker, const struct gh_accepted *accepted)
{
	struct rooms *rooms = gh_worker_user(worker);
	struct client *client = gh_zalloc(sizeof *client);

	client->conn = accepted->conn;
	gh_conn_bind(accepted->conn, &first, client);
	atomic_fetch_add(&rooms->accepted, 1);
}

static void rooms_stop(struct gh_worker *worker)
{
	struct rooms *rooms = gh_worker_user(worker);

	atomic_fetch_add(&rooms->stopped, 1);
}

static const struct gh_worker_fn rooms_fn = {
	.start = rooms_start,
	.accepted = rooms_accepted,
	.stop = rooms_stop,
};

static const struct gh_peer here = { .transport = GH_UNIX, .local = true };

/* A socket served by the workers; blocking. */
static int dial(struct gh_workers *workers, struct gh_total *total)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	ck_assert(gh_total_take(total));
	gh_worker_hand_over(gh_workers_least_loaded(workers), fds[0], &here, NULL, gh_clock_ms());
	return fds[1];
}

static void expect(int fd, const char *text)
{
	char got[256] = "";
	size_t n = 0, all = strlen(text);

	while (n < all) {
		struct pollfd ready = { fd, POLLIN, 0 };
		ssize_t part;

		ck_assert_int_eq(poll(&ready, 1, 20000), 1);
		part = recv(fd, got + n, all - n, 0);
		ck_assert_int_gt(part, 0);
		n += (size_t)part;
	}
	ck_assert(!memcmp(got, text, all));
}

#define WAIT_FOR(condition) \
	for (uint64_t deadline_ = gh_clock_ms() + 20000; !(condition); poll(NULL, 0, 1)) \
	ck_assert_msg(gh_clock_ms() < deadline_, "never: %s", #condition)

#define CHURN_ROUNDS  150
#define CHURN_AT_ONCE 8

struct churner {
	pthread_t thread;
	struct gh_workers *workers;
	struct gh_total *total;
	unsigned seed;
};

/* Descriptor numbers come back at once, on other workers than before. */
static void *churn(void *arg)
{
	struct churner *churner = arg;
	int fds[CHURN_AT_ONCE];

	for (unsigned round = 0; round < CHURN_ROUNDS; round++) {
		for (unsigned i = 0; i < CHURN_AT_ONCE; i++) {
			char text[] = "0tail";

			text[0] = (char)('0' + (round * 7 + i * 3 + churner->seed) % 10);
			fds[i] = dial(churner->workers, churner->total);
			ck_assert_int_eq(send(fds[i], text, 5, 0), 5);
		}
		for (unsigned i = 0; i < CHURN_AT_ONCE; i++)
			expect(fds[i], "hellotail");
		for (unsigned i = 0; i < CHURN_AT_ONCE; i++) {
			ck_assert_int_eq(send(fds[i], i % 2 ? "Q" : "x", 1, 0), 1);
			expect(fds[i], i % 2 ? "Q" : "x");
			close(fds[i]);
		}
	}
	return NULL;
}

/* Nobody's epoll set is rebuilt, however connections come, move and go. */
START_TEST(churn_makes_no_epoll_set)
{
	unsigned count = _i ? 4 : 2, before = atomic_load(&epoll_sets), made;
	struct gh_total total;
	struct rooms rooms = { 0 };
	struct gh_workers *workers;
	struct gh_error error;
	struct churner churners[2];

	gh_total_init(&total, 1000);
	ck_assert_int_eq(gh_workers_start(count, &rooms_fn, &rooms, &total, &workers, &error), 0);
	ck_assert_uint_eq(atomic_load(&rooms.started), count);
	made = atomic_load(&epoll_sets);
	ck_assert_uint_eq(made - before, 2 * count);
	for (unsigned i = 0; i < 2; i++) {
		churners[i] = (struct churner){ .workers = workers, .total = &total, .seed = i };
		pthread_create(&churners[i].thread, NULL, churn, &churners[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(churners[i].thread, NULL);
	WAIT_FOR(gh_total_used(&total) == 0);
	ck_assert_uint_eq(atomic_load(&epoll_sets), made);
	ck_assert_uint_eq(atomic_load(&rooms.adopted), 2 * CHURN_ROUNDS * CHURN_AT_ONCE);
	ck_assert_uint_eq(atomic_load(&rooms.closed), 2 * CHURN_ROUNDS * CHURN_AT_ONCE);
	for (unsigned i = 0; i < count; i++) {
		struct gh_worker_stats stats;

		gh_worker_stats(gh_workers_at(workers, i), &stats);
		ck_assert_uint_eq(stats.connections, 0);
		ck_assert_uint_gt(stats.bytes_in, 0);
		ck_assert_uint_gt(stats.lag.total_us, 0);
	}
	gh_workers_free(&workers);
	ck_assert_uint_eq(atomic_load(&rooms.stopped), count);
}
END_TEST

START_TEST(load_is_spread)
{
	struct gh_total total;
	struct rooms rooms = { 0 };
	struct gh_workers *workers;
	struct gh_error error;
	int fds[40];

	gh_total_init(&total, 1000);
	ck_assert_int_eq(gh_workers_start(4, &rooms_fn, &rooms, &total, &workers, &error), 0);
	for (unsigned i = 0; i < 40; i++)
		fds[i] = dial(workers, &total);
	WAIT_FOR(atomic_load(&rooms.accepted) == 40);
	for (unsigned i = 0; i < 4; i++) {
		struct gh_worker_stats stats;

		gh_worker_stats(gh_workers_at(workers, i), &stats);
		ck_assert_uint_eq(stats.connections, 10);
	}
	for (unsigned i = 0; i < 40; i++)
		close(fds[i]);
	gh_workers_free(&workers);
	ck_assert_uint_eq(atomic_load(&rooms.closed), 40);
	ck_assert_uint_eq(gh_total_used(&total), 0);
}
END_TEST

/* ---- stopping ---- */

struct told {
	struct gh_mail mail;
	struct gh_loop *loop;
	struct gh_inbox *control;
	bool done;
};

static void told_deliver(struct gh_mail *mail, void *owner)
{
	struct told *told = gh_container(mail, struct told, mail);

	(void)owner;
	told->done = true;
	gh_loop_stop(told->loop);
}

/* Asks them to end, and waits until that is told. */
static void stop(struct told *told, struct gh_workers *workers, uint32_t linger_ms)
{
	*told = (struct told){ .mail = { .deliver = told_deliver }, .loop = gh_loop_new() };
	told->control = gh_inbox_new(told->loop, told);
	gh_workers_stop(workers, linger_ms, told->control, &told->mail);
	gh_loop_run(told->loop);
	ck_assert(told->done);
}

/* When the threads have been joined: until then one may be leaving the inbox. */
static void told_done(struct told *told)
{
	gh_inbox_free(&told->control);
	gh_loop_free(&told->loop);
}

START_TEST(stopping_closes_all_and_tells)
{
	struct gh_total total;
	struct rooms rooms = { 0 };
	struct gh_workers *workers;
	struct gh_error error;
	struct told told;
	uint64_t began;
	char byte;
	int fds[10];

	gh_total_init(&total, 1000);
	ck_assert_int_eq(gh_workers_start(3, &rooms_fn, &rooms, &total, &workers, &error), 0);
	for (unsigned i = 0; i < 10; i++) {
		fds[i] = dial(workers, &total);
		if (i < 5) {
			ck_assert_int_eq(send(fds[i], "1abc", 4, 0), 4);
			expect(fds[i], "helloabc");
		}
	}
	began = gh_clock_ms();
	/* Nobody closes on the other side: each is cut when the time is over. */
	stop(&told, workers, 200);
	ck_assert_uint_ge(gh_clock_ms(), began + 200);
	ck_assert_uint_lt(gh_clock_ms(), began + 10000);
	ck_assert_uint_eq(atomic_load(&rooms.stop_ends), atomic_load(&rooms.accepted));
	ck_assert_uint_eq(atomic_load(&rooms.stopped), 3);
	ck_assert_uint_eq(gh_total_used(&total), 0);
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_int_le(recv(fds[i], &byte, 1, MSG_DONTWAIT), 0);
		ck_assert_int_ne(errno, EAGAIN);
		errno = 0;
		close(fds[i]);
	}
	/* Too late, and still nothing leaks. */
	close(dial(workers, &total));
	gh_workers_free(&workers);
	ck_assert_uint_eq(gh_total_used(&total), 0);
	told_done(&told);
}
END_TEST

/* ---- the end: what goes from worker to worker arrives, though they have no connection ---- */

#define HOPS 1000u

struct parcel {
	struct gh_mail mail;
	unsigned hops;
};

static void hop_deliver(struct gh_mail *mail, void *owner)
{
	struct parcel *parcel = gh_container(mail, struct parcel, mail);
	struct gh_workers *workers;

	if (!owner || ++parcel->hops == HOPS)
		return;
	workers = gh_worker_peers(owner);
	gh_worker_send(owner, gh_workers_at(workers, parcel->hops % gh_workers_count(workers)),
		       GH_LANE_DATA, mail);
}

START_TEST(stopping_delivers_what_is_on_its_way)
{
	struct gh_total total;
	struct rooms rooms = { 0 };
	struct gh_workers *workers;
	struct gh_error error;
	struct told told;
	struct parcel parcel = { .mail = { .deliver = hop_deliver } };

	gh_total_init(&total, 1000);
	ck_assert_int_eq(gh_workers_start(4, &rooms_fn, &rooms, &total, &workers, &error), 0);
	gh_worker_post(gh_workers_at(workers, 3), GH_LANE_DATA, &parcel.mail);
	stop(&told, workers, 1000);
	gh_workers_free(&workers);
	ck_assert_uint_eq(parcel.hops, HOPS);
	told_done(&told);
}
END_TEST

/* ---- back-pressure: what comes in at worker 0 goes to worker 1, which is slow ---- */

struct freight {
	struct gh_mail mail;
	uint8_t *bytes;
};

struct pressure {
	atomic_bool slow;
	atomic_ullong arrived, most;
};

static void freight_deliver(struct gh_mail *mail, void *owner)
{
	struct freight *freight = gh_container(mail, struct freight, mail);
	struct gh_worker *worker = owner;

	if (worker) {
		struct pressure *pressure = gh_worker_user(worker);
		struct gh_worker_stats stats;

		gh_worker_stats(worker, &stats);
		if (stats.inbox_bytes > atomic_load(&pressure->most))
			atomic_store(&pressure->most, stats.inbox_bytes);
		while (atomic_load(&pressure->slow))
			poll(NULL, 0, 1);
		atomic_fetch_add(&pressure->arrived, mail->weight);
	}
	free(freight->bytes);
	free(freight);
}

static size_t freight_input(struct gh_conn *conn, const uint8_t *p, size_t n)
{
	struct gh_worker *from = gh_conn_worker(conn);
	struct gh_worker *to = gh_workers_at(gh_worker_peers(from), 1);
	size_t used = 0;

	while (used < n && !gh_conn_paused(conn)) {
		struct freight *freight = gh_zalloc(sizeof *freight);

		freight->mail.deliver = freight_deliver;
		freight->mail.weight = n - used < 4096 ? (uint32_t)(n - used) : 4096;
		freight->bytes = gh_alloc(freight->mail.weight);
		memcpy(freight->bytes, p + used, freight->mail.weight);
		used += freight->mail.weight;
		gh_worker_send(from, to, GH_LANE_DATA, &freight->mail);
		gh_conn_hold(conn, to);
	}
	return used;
}

static void freight_closed(struct gh_conn *conn, enum gh_conn_end why)
{
	(void)conn, (void)why;
}

static const struct gh_conn_fn freight_fn = { .input = freight_input, .closed = freight_closed };

static void freight_arrives(struct gh_mail *mail, void *owner)
{
	struct client *client = gh_container(mail, struct client, mail);

	ck_assert_ptr_nonnull(owner);
	gh_conn_adopt(client->conn, owner);
	gh_conn_bind(client->conn, &freight_fn, NULL);
	free(client);
}

static void pressure_start(struct gh_worker *worker, void *arg)
{
	gh_worker_set_user(worker, arg);
}

/* Whichever worker accepted it, it moves to the first. */
static void pressure_accepted(struct gh_worker *worker, const struct gh_accepted *accepted)
{
	struct client *client = gh_zalloc(sizeof *client);

	client->conn = accepted->conn;
	client->mail.deliver = freight_arrives;
	ck_assert(gh_conn_move(accepted->conn, gh_workers_at(gh_worker_peers(worker), 0),
			       &client->mail));
}

static const struct gh_worker_fn pressure_fn = {
	.start = pressure_start,
	.accepted = pressure_accepted,
};

#define SENDERS   6
#define SEND_MOST (64u << 20)

static size_t send_all(const int fds[SENDERS], uint64_t until_idle_ms, size_t most)
{
	static uint8_t block[1 << 16];
	uint64_t idle_since = gh_clock_ms();
	size_t sent = 0;

	while (sent < most && gh_clock_ms() < idle_since + until_idle_ms)
		for (int i = 0; i < SENDERS && sent < most; i++) {
			ssize_t n = send(fds[i], block, sizeof block, MSG_DONTWAIT);

			if (n > 0) {
				sent += (size_t)n;
				idle_since = gh_clock_ms();
			}
		}
	return sent;
}

START_TEST(crowded_worker_holds_its_feeders)
{
	struct gh_total total;
	struct pressure pressure = { .slow = true };
	struct gh_workers *workers;
	struct gh_worker_stats stats;
	struct gh_error error;
	int fds[SENDERS];
	size_t sent;

	gh_total_init(&total, 1000);
	ck_assert_int_eq(gh_workers_start(2, &pressure_fn, &pressure, &total, &workers, &error), 0);
	for (int i = 0; i < SENDERS; i++)
		fds[i] = dial(workers, &total);
	/* The receiver stands still: what can be sent is bounded by the mark, a read a
	 * sender, and the sockets. */
	sent = send_all(fds, 300, SEND_MOST);
	ck_assert_uint_lt(sent, GH_INBOX_HIGH + SENDERS * (GH_CONN_READ + (512u << 10)));
	gh_worker_stats(gh_workers_at(workers, 0), &stats);
	ck_assert_uint_ge(stats.held, 1);
	/* A control message passes. */
	gh_worker_stats(gh_workers_at(workers, 1), &stats);
	ck_assert_uint_ge(stats.busy_ms, 100);
	atomic_store(&pressure.slow, false);
	sent += send_all(fds, 20000, SEND_MOST);
	WAIT_FOR(atomic_load(&pressure.arrived) == sent);
	ck_assert_uint_lt(atomic_load(&pressure.most), GH_INBOX_HIGH + 2 * GH_CONN_READ);
	for (int i = 0; i < SENDERS; i++)
		close(fds[i]);
	WAIT_FOR(gh_total_used(&total) == 0);
	gh_workers_free(&workers);
}
END_TEST

/* ---- a queue that is sent by want_room alone, with nothing else to wake the loop ---- */

#define PUMP_CHUNKS 64
#define PUMP_CHUNK  (32u << 10)

struct pump {
	unsigned left;
};

static void pump_writable(struct gh_conn *conn)
{
	static const uint8_t chunk[PUMP_CHUNK];
	struct pump *pump = gh_conn_arg(conn);

	gh_conn_write(conn, chunk, sizeof chunk);
	if (--pump->left)
		gh_conn_want_room(conn);
}

static size_t pump_input(struct gh_conn *conn, const uint8_t *p, size_t n)
{
	(void)p;
	gh_conn_want_room(conn);
	return n;
}

static void pump_closed(struct gh_conn *conn, enum gh_conn_end why)
{
	(void)why;
	free(gh_conn_arg(conn));
}

static const struct gh_conn_fn pump_fn = {
	.input = pump_input,
	.writable = pump_writable,
	.closed = pump_closed,
};

static void pump_accepted(struct gh_worker *worker, const struct gh_accepted *accepted)
{
	struct pump *pump = gh_zalloc(sizeof *pump);

	(void)worker;
	pump->left = PUMP_CHUNKS;
	gh_conn_bind(accepted->conn, &pump_fn, pump);
}

static const struct gh_worker_fn pump_rooms = { .accepted = pump_accepted };

START_TEST(a_queue_drains_by_itself)
{
	static uint8_t got[1 << 16];
	struct gh_total total;
	struct gh_workers *workers;
	struct gh_error error;
	size_t all = 0;
	int fd;

	gh_total_init(&total, 10);
	ck_assert_int_eq(gh_workers_start(1, &pump_rooms, NULL, &total, &workers, &error), 0);
	fd = dial(workers, &total);
	ck_assert_int_eq(send(fd, "#", 1, 0), 1);
	while (all < (size_t)PUMP_CHUNKS * PUMP_CHUNK) {
		struct pollfd ready = { fd, POLLIN, 0 };
		ssize_t n;

		ck_assert_int_eq(poll(&ready, 1, 10000), 1);
		n = recv(fd, got, sizeof got, 0);
		ck_assert_int_gt(n, 0);
		all += (size_t)n;
	}
	close(fd);
	WAIT_FOR(gh_total_used(&total) == 0);
	gh_workers_free(&workers);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/worker");
	TCase *tcase = tcase_create("net/worker");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, churn_makes_no_epoll_set, 0, 2);
	tcase_add_test(tcase, load_is_spread);
	tcase_add_test(tcase, stopping_closes_all_and_tells);
	tcase_add_test(tcase, stopping_delivers_what_is_on_its_way);
	tcase_add_test(tcase, crowded_worker_holds_its_feeders);
	tcase_add_test(tcase, a_queue_drains_by_itself);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
