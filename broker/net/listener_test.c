/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners: addresses, changing the set as a whole, limits, running out of descriptors. */
#include "net/listener.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* ---- a server that greets with the listener's user and the peer's text ---- */

static atomic_uint greeted;

static void on_closed(struct gh_conn *conn, enum gh_conn_end why)
{
	(void)conn, (void)why;
}

static size_t on_input(struct gh_conn *conn, const uint8_t *p, size_t n)
{
	(void)conn, (void)p;
	return n;
}

static const struct gh_conn_fn handler = { .input = on_input, .closed = on_closed };

static void on_accepted(struct gh_worker *worker, const struct gh_accepted *accepted)
{
	char text[GH_PEER_TEXT], line[128];

	(void)worker;
	gh_peer_text(gh_conn_peer(accepted->conn), text);
	snprintf(line, sizeof line, "%s %s %s\n", (const char *)accepted->listener, text,
		 gh_conn_transport(accepted->conn)->name);
	gh_conn_bind(accepted->conn, &handler, NULL);
	gh_conn_write(accepted->conn, line, strlen(line));
	atomic_fetch_add(&greeted, 1);
}

static const struct gh_worker_fn rooms = { .accepted = on_accepted };

struct site {
	struct gh_loop *loop;
	struct gh_workers *workers;
	struct gh_total total;
	struct gh_listeners *listeners;
	bool refuse;
};

static bool admit(void *arg, void *listener, const struct gh_peer *peer)
{
	(void)listener;
	ck_assert(peer->local);
	return !((struct site *)arg)->refuse;
}

static void site_init(struct site *site, unsigned max)
{
	struct gh_error error;

	*site = (struct site){ .loop = gh_loop_new() };
	gh_total_init(&site->total, max);
	ck_assert_int_eq(gh_workers_start(2, &rooms, NULL, &site->total, &site->workers, &error), 0);
	site->listeners = gh_listeners_new(site->loop, site->workers, &site->total, admit, site);
}

static void site_done(struct site *site)
{
	gh_listeners_free(&site->listeners);
	gh_workers_free(&site->workers);
	gh_loop_free(&site->loop);
}

static void site_want(struct site *site, const struct gh_listener_want *wants, size_t count)
{
	struct gh_error error = { 0 };

	ck_assert_msg(!gh_listeners_prepare(site->listeners, wants, count, &error), "%s", error.text);
	gh_listeners_commit(site->listeners);
}

static uint16_t port_of(struct site *site, size_t index)
{
	char text[GH_LISTENER_TEXT];
	const char *name;

	ck_assert(gh_listeners_bound(site->listeners, index, &name, text));
	return (uint16_t)atoi(strrchr(text, ':') + 1);
}

static int dial_port(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	if (connect(fd, (struct sockaddr *)&in, sizeof in)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int dial_path(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
	if (connect(fd, (struct sockaddr *)&un, sizeof un)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The greeting, or "" when it was closed without one; the control loop turns meanwhile. */
static const char *greeting(struct site *site, int fd)
{
	static char line[128];
	ssize_t n;

	for (uint64_t deadline = gh_clock_ms() + 20000; gh_clock_ms() < deadline;) {
		gh_loop_poll(site->loop);
		n = recv(fd, line, sizeof line - 1, MSG_DONTWAIT);
		if (n >= 0 || errno != EAGAIN) {
			line[n > 0 ? n : 0] = 0;
			return line;
		}
		poll(NULL, 0, 1);
	}
	ck_abort_msg("neither greeted nor closed");
	return NULL;
}

START_TEST(tcp_and_unix)
{
	char dir[] = "/tmp/gh-listener-XXXXXX", path[64], address[80], expected[80];
	struct gh_listener_want wants[] = {
		{ "tcp", "127.0.0.1:0", 0, "T" },
		{ "local", address, 0600, "U" },
	};
	struct site site;
	struct stat st;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/s", dir);
	snprintf(address, sizeof address, "unix:%s", path);
	site_init(&site, 100);
	site_want(&site, wants, 2);
	fd = dial_port(port_of(&site, 0));
	ck_assert_str_eq(greeting(&site, fd), "T 127.0.0.1 tcp\n");
	close(fd);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	fd = dial_path(path);
	snprintf(expected, sizeof expected, "U unix:%u unix\n", (unsigned)getuid());
	ck_assert_str_eq(greeting(&site, fd), expected);
	close(fd);
	site_done(&site);
	ck_assert_int_eq(stat(path, &st), -1);
	rmdir(dir);
}
END_TEST

struct bad {
	const char *address, *says;
};

static const struct bad bad_addresses[] = {
	{ "1883", "expected HOST:PORT" },
	{ "", "expected HOST:PORT" },
	{ ":1883", "expected HOST:PORT" },
	{ "::1:1883", "expected HOST:PORT, [IPv6]:PORT" },
	{ "[::1:1883", "expected HOST:PORT" },
	{ "[127.0.0.1]:1883", "expected HOST:PORT" },
	{ "127.0.0.1:", "expected a number up to 65535" },
	{ "127.0.0.1:mqtt", "expected a number up to 65535" },
	{ "127.0.0.1:65536", "expected a number up to 65535" },
	{ "127.0.0.1:-1", "expected a number up to 65535" },
	{ "unix:relative", "expected an absolute path" },
	{ "unix:/0123456789012345678901234567890123456789012345678901234567890123456789"
	  "0123456789012345678901234567890123456789",
	  "at most 107 bytes" },
	{ "192.0.2.1:0", "Cannot assign requested address" },
	{ "300.1.1.1:0", "no address for '300.1.1.1'" },
	{ "unix:/no-such-directory/s", "No such file or directory" },
	{ "unix:/etc/passwd", "is no socket" },
};

/* Each names listener and address, and leaves the set as it was. */
START_TEST(bad_ones)
{
	struct gh_listener_want good = { "good", "127.0.0.1:0", 0, "G" };
	struct site site;
	struct gh_error error;
	char text[GH_LISTENER_TEXT];
	const char *name;
	uint16_t port;
	int fd;

	site_init(&site, 100);
	site_want(&site, &good, 1);
	port = port_of(&site, 0);
	for (size_t i = 0; i < GH_COUNT(bad_addresses); i++) {
		struct gh_listener_want two[] = { { "new", "127.0.0.2:0", 0, "N" },
						  { "bad", bad_addresses[i].address, 0, "B" } };

		error = (struct gh_error){ 0 };
		ck_assert_int_lt(gh_listeners_prepare(site.listeners, two, 2, &error), 0);
		ck_assert_msg(strstr(error.text, bad_addresses[i].says) != NULL, "%s", error.text);
		ck_assert(strstr(error.text, "listener 'bad'") == error.text);
		ck_assert(!gh_listeners_bound(site.listeners, 1, &name, text));
	}
	ck_assert_uint_eq(port_of(&site, 0), port);
	fd = dial_port(port);
	ck_assert_str_eq(greeting(&site, fd), "G 127.0.0.1 tcp\n");
	close(fd);
	site_done(&site);
}
END_TEST

START_TEST(same_address_twice)
{
	struct gh_listener_want wants[] = { { "one", "127.0.0.1:0", 0, "1" },
					    { "two", "127.0.0.1:0", 0, "2" } };
	struct site site;
	struct gh_error error = { 0 };

	site_init(&site, 100);
	ck_assert_int_eq(gh_listeners_prepare(site.listeners, wants, 2, &error), GH_EINVAL);
	ck_assert_str_eq(error.text,
			 "listener 'two': address '127.0.0.1:0' is listener 'one' already");
	site_done(&site);
}
END_TEST

START_TEST(taken_port_is_said)
{
	struct gh_listener_want one = { "one", "127.0.0.1:0", 0, "1" }, two = { "two", NULL, 0, "2" };
	struct site site, other;
	struct gh_error error = { 0 };
	char address[32];

	site_init(&site, 100);
	site_init(&other, 100);
	site_want(&site, &one, 1);
	snprintf(address, sizeof address, "127.0.0.1:%u", port_of(&site, 0));
	two.address = address;
	ck_assert_int_eq(gh_listeners_prepare(other.listeners, &two, 1, &error), GH_EIO);
	ck_assert(strstr(error.text, "Address already in use") != NULL);
	site_done(&other);
	site_done(&site);
}
END_TEST

/* A connection that waits in the socket isn't lost when the set changes around it. */
START_TEST(kept_by_address)
{
	struct gh_listener_want before[] = { { "a", "127.0.0.1:0", 0, "A" },
					     { "b", "127.0.0.2:0", 0, "B" } };
	struct gh_listener_want after[] = { { "c", "127.0.0.3:0", 0, "C" },
					    { "renamed", "127.0.0.1:0", 0, "A2" } };
	struct site site;
	struct gh_error error;
	char text[GH_LISTENER_TEXT];
	const char *name;
	uint16_t port;
	int fd;

	site_init(&site, 100);
	site_want(&site, before, 2);
	port = port_of(&site, 0);
	fd = dial_port(port);
	ck_assert_int_eq(gh_listeners_prepare(site.listeners, after, 2, &error), 0);
	gh_listeners_abandon(site.listeners);
	ck_assert(gh_listeners_bound(site.listeners, 1, &name, text));
	ck_assert_str_eq(name, "b");
	ck_assert(!gh_listeners_bound(site.listeners, 2, &name, text));
	site_want(&site, after, 2);
	ck_assert_uint_eq(port_of(&site, 0), port);
	ck_assert(gh_listeners_bound(site.listeners, 0, &name, text));
	ck_assert_str_eq(name, "renamed");
	ck_assert(gh_listeners_bound(site.listeners, 1, &name, text));
	ck_assert_str_eq(name, "c");
	ck_assert(!gh_listeners_bound(site.listeners, 2, &name, text));
	ck_assert_str_eq(greeting(&site, fd), "A2 127.0.0.1 tcp\n");
	close(fd);
	gh_listeners_close(site.listeners);
	ck_assert_int_eq(dial_port(port), -1);
	site_done(&site);
}
END_TEST

START_TEST(any_address_serves_both_families)
{
	struct gh_listener_want want = { "any", "*:0", 0, "*" };
	struct site site;
	int fd;

	site_init(&site, 100);
	site_want(&site, &want, 1);
	fd = dial_port(port_of(&site, 0));
	/* IPv4 comes by the IPv4 socket, never as a mapped address of the other. */
	ck_assert_str_eq(greeting(&site, fd), "* 127.0.0.1 tcp\n");
	close(fd);
	site_done(&site);
}
END_TEST

START_TEST(stale_unix_socket_is_replaced_a_live_one_not)
{
	char dir[] = "/tmp/gh-listener-XXXXXX", path[64], address[80];
	struct gh_listener_want want = { "local", address, 0, "U" };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct site site, other;
	struct gh_error error = { 0 };
	struct stat st;
	int stale = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/s", dir);
	snprintf(address, sizeof address, "unix:%s", path);
	snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
	ck_assert_int_eq(bind(stale, (struct sockaddr *)&un, sizeof un), 0);
	close(stale);
	site_init(&site, 100);
	site_init(&other, 100);
	site_want(&site, &want, 1);
	ck_assert_int_eq(gh_listeners_prepare(other.listeners, &want, 1, &error), GH_EIO);
	ck_assert(strstr(error.text, "Address already in use") != NULL);
	site_done(&other);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	fd = dial_path(path);
	ck_assert_int_eq(greeting(&site, fd)[0], 'U');
	close(fd);
	site_done(&site);
	rmdir(dir);
}
END_TEST

START_TEST(total_and_admission)
{
	struct gh_listener_want want = { "tcp", "127.0.0.1:0", 0, "T" };
	struct gh_listeners_stats stats;
	struct site site;
	int fds[3];

	site_init(&site, 2);
	site_want(&site, &want, 1);
	for (int i = 0; i < 3; i++) {
		fds[i] = dial_port(port_of(&site, 0));
		ck_assert_str_eq(greeting(&site, fds[i]), i < 2 ? "T 127.0.0.1 tcp\n" : "");
	}
	close(fds[0]);
	close(fds[2]);
	for (uint64_t deadline = gh_clock_ms() + 20000;
	     gh_total_used(&site.total) == 2 && gh_clock_ms() < deadline;)
		poll(NULL, 0, 1);
	fds[0] = dial_port(port_of(&site, 0));
	ck_assert_str_eq(greeting(&site, fds[0]), "T 127.0.0.1 tcp\n");
	close(fds[0]);
	site.refuse = true;
	gh_total_set_max(&site.total, 100);
	fds[0] = dial_port(port_of(&site, 0));
	ck_assert_str_eq(greeting(&site, fds[0]), "");
	close(fds[0]);
	close(fds[1]);
	gh_listeners_stats(site.listeners, &stats);
	ck_assert_uint_eq(stats.accepted, 5);
	ck_assert_uint_eq(stats.refused_total, 1);
	ck_assert_uint_eq(stats.refused_admit, 1);
	ck_assert_uint_eq(stats.no_descriptor, 0);
	site_done(&site);
	ck_assert_uint_eq(gh_total_used(&site.total), 0);
}
END_TEST

/* ---- no descriptor left ---- */

static unsigned fill_descriptors(int *fds, unsigned max)
{
	unsigned n = 0;

	while (n < max && (fds[n] = open("/dev/null", O_RDONLY)) >= 0)
		n++;
	return n;
}

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

struct stopper {
	struct gh_timeout timeout;
	struct gh_loop *loop;
};

static void stop_loop(struct gh_timeout *timeout)
{
	gh_loop_stop(gh_container(timeout, struct stopper, timeout)->loop);
}

static unsigned lines_of(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[1024];
	unsigned n = 0;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof line, file))
		n += strstr(line, "can't accept connections") != NULL;
	fclose(file);
	return n;
}

START_TEST(out_of_descriptors)
{
	static int fill[256];
	char dir[] = "/tmp/gh-listener-XXXXXX", path[64];
	struct gh_log_settings log = { GH_LOG_FILE, GH_LOG_TEXT, GH_LOG_INFO, path };
	struct gh_listener_want want = { "tcp", "127.0.0.1:0", 0, "T" };
	struct rlimit limit = { 100, 100 };
	struct gh_listeners_stats stats;
	struct gh_error error;
	struct stopper stopper;
	struct site site;
	int fds[20];
	unsigned filled;
	double cpu;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/log", dir);
	ck_assert_int_eq(gh_log_open(&log, &error), 0);
	site_init(&site, 100);
	site_want(&site, &want, 1);
	for (int i = 0; i < 20; i++)
		fds[i] = dial_port(port_of(&site, 0)); /* they wait in the socket */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	filled = fill_descriptors(fill, GH_COUNT(fill));
	ck_assert_uint_lt(filled, GH_COUNT(fill));
	stopper.loop = site.loop;
	gh_timeout_init(&stopper.timeout, stop_loop);
	gh_loop_timeout(site.loop, &stopper.timeout, 1500);
	cpu = cpu_ms();
	gh_loop_run(site.loop);
	cpu = cpu_ms() - cpu;
	gh_listeners_stats(site.listeners, &stats);
	ck_assert_uint_ge(stats.no_descriptor, 2);
	ck_assert_uint_le(stats.no_descriptor, 10);
	ck_assert_uint_eq(stats.accepted, 0);
	/* It rests instead of spinning: 5 % of the time. */
	ck_assert_msg(cpu < 75, "%f ms", cpu);
	/* Descriptors come back: whoever still waits is served. */
	for (unsigned i = 0; i < filled; i++)
		close(fill[i]);
	ck_assert_uint_ge(lines_of(path), 1);
	ck_assert_uint_le(lines_of(path), 2);
	ck_assert_str_eq(greeting(&site, fds[19]), "T 127.0.0.1 tcp\n");
	for (int i = 0; i < 20; i++)
		close(fds[i]);
	site_done(&site);
	gh_log_close();
	unlink(path);
	rmdir(dir);
}
END_TEST

GH_TEST_MAIN("net/listener", tcp_and_unix, bad_ones, same_address_twice, taken_port_is_said,
	     kept_by_address, any_address_serves_both_families,
	     stale_unix_socket_is_replaced_a_live_one_not, total_and_admission, out_of_descriptors)
