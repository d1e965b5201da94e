/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of a connection: whole packets in, one write a turn out, pausing. */
#include "net/packets.h"

#include "base/buf.h"

#include <errno.h>

START_TEST(packets_come_whole)
{
	struct fixture f;
	struct seen seen = { 0 };
	struct gh_conn *conn;
	uint8_t packet[] = { 0, 0, 0, 3, 'a', 'b', 'c' };
	int fd;

	fixture_init(&f, &no_rooms, 1);
	conn = fixture_conn(&f, &handler, &seen, &fd);
	for (size_t i = 0; i < sizeof packet; i++) {
		ck_assert_uint_eq(seen.packets, 0);
		ck_assert_int_eq(send(fd, packet + i, 1, 0), 1);
		fixture_turn(&f);
	}
	ck_assert_uint_eq(seen.packets, 1);
	ck_assert_uint_eq(seen.bytes, 3);
	ck_assert_uint_eq(gh_conn_kept(conn), 0);
	ck_assert_ptr_null(conn->kept);
	/* No call between the one that told the length and the last byte. */
	ck_assert_uint_eq(seen.inputs, 5);
	close(fd);
	TURN_UNTIL(&f, seen.closed);
	ck_assert_int_eq(seen.why, GH_CONN_EOF);
	ck_assert_uint_eq(gh_total_used(&f.total), 0);
	fixture_done(&f);
}
END_TEST

START_TEST(many_packets_of_one_read)
{
	struct fixture f;
	struct seen seen = { 0 };
	int fd;

	fixture_init(&f, &no_rooms, 1);
	fixture_conn(&f, &handler, &seen, &fd);
	for (int i = 0; i < 100; i++)
		put_packet(fd, 20, 'x');
	fixture_turn(&f);
	ck_assert_uint_eq(seen.packets, 100);
	ck_assert_uint_eq(seen.inputs, 1);
	ck_assert_uint_eq(gh_counter_get(&f.worker->reads), 1);
	close(fd);
	TURN_UNTIL(&f, seen.closed);
	fixture_done(&f);
}
END_TEST

struct claim {
	bool no_expect;
	size_t sent, most;
};

/* A length field claims 200 MiB: memory follows what really came. */
START_TEST(claims_cost_nothing)
{
	static const struct claim claims[] = {
		{ false, 5, 4096 },
		{ true, 5, 4096 },
		{ false, 100000, 240000 },
		{ true, 100000, 240000 },
	};
	const struct claim *claim = &claims[_i];
	struct fixture f;
	struct seen seen = { .no_expect = claim->no_expect };
	struct gh_conn *conn;
	uint8_t start[4] = { 12, 128, 0, 0 }, block[1000] = { 0 };
	size_t sent = 4;
	int fd;

	fixture_init(&f, &no_rooms, 1);
	conn = fixture_conn(&f, &handler, &seen, &fd);
	send(fd, start, 4, 0);
	while (sent < claim->sent) {
		size_t n = claim->sent - sent < sizeof block ? claim->sent - sent : sizeof block;

		ck_assert_int_eq(send(fd, block, n, 0), (ssize_t)n);
		sent += n;
		fixture_turn(&f);
	}
	TURN_UNTIL(&f, gh_conn_kept(conn) == sent);
	ck_assert_uint_eq(seen.packets, 0);
	ck_assert_uint_le(conn->kept->size, claim->most);
	close(fd);
	TURN_UNTIL(&f, seen.closed);
	fixture_done(&f);
}
END_TEST

START_TEST(large_packet_then_small_ones)
{
	struct fixture f;
	struct seen seen = { .no_expect = _i };
	struct gh_conn *conn;
	size_t n = 3 << 20, sent = 0;
	uint8_t *p = gh_alloc(n + 4 + 3 * 5);
	int fd;

	fixture_init(&f, &no_rooms, 1);
	conn = fixture_conn(&f, &handler, &seen, &fd);
	memset(p, 'L', n + 4);
	p[0] = 0, p[1] = 0x30, p[2] = 0, p[3] = 0;
	for (int i = 0; i < 3; i++)
		memcpy(p + n + 4 + 5 * i, "\0\0\0\1s", 5);
	while (sent < n + 4 + 15) {
		ssize_t got = send(fd, p + sent, n + 4 + 15 - sent, MSG_DONTWAIT);

		if (got > 0)
			sent += (size_t)got;
		fixture_turn(&f);
	}
	TURN_UNTIL(&f, seen.packets == 4);
	ck_assert_uint_eq(seen.largest, n);
	ck_assert_int_eq(seen.last_byte, 's');
	ck_assert_ptr_null(conn->kept);
	if (!_i) /* told how long it is: a call for its beginning, one for the whole */
		ck_assert_uint_le(seen.inputs, 4);
	free(p);
	close(fd);
	TURN_UNTIL(&f, seen.closed);
	fixture_done(&f);
}
END_TEST

START_TEST(pausing_keeps_and_resuming_feeds)
{
	struct fixture f;
	struct seen seen = { .pause_at = 1 };
	struct gh_conn *conn;
	int fd;

	fixture_init(&f, &no_rooms, 1);
	conn = fixture_conn(&f, &handler, &seen, &fd);
	for (uint8_t i = 1; i <= 50; i++)
		put_packet(fd, 200, i);
	for (unsigned i = 1; i <= 50; i++) {
		TURN_UNTIL(&f, seen.packets == i);
		fixture_turn(&f);
		fixture_turn(&f);
		ck_assert_uint_eq(seen.packets, i);
		ck_assert_int_eq(seen.last_byte, (int)i);
		/* Two reasons: both must go. Resuming calls nothing by itself. */
		gh_conn_pause(conn, GH_PAUSE_RATE);
		gh_conn_resume(conn, GH_PAUSE_TICKET);
		fixture_turn(&f);
		ck_assert_uint_eq(seen.packets, i);
		gh_conn_resume(conn, GH_PAUSE_RATE);
		ck_assert_uint_eq(seen.packets, i);
	}
	seen.pause_at = 0;
	fixture_turn(&f);
	put_packet(fd, 1, 99);
	TURN_UNTIL(&f, seen.packets == 51);
	close(fd);
	TURN_UNTIL(&f, seen.closed);
	fixture_done(&f);
}
END_TEST

START_TEST(paused_takes_no_more_than_the_socket_holds)
{
	struct fixture f;
	struct seen seen = { .pause_at = 1 };
	struct gh_conn *conn;
	uint8_t block[4096];
	uint64_t reads;
	int fd;

	memset(block, 1, sizeof block);
	fixture_init(&f, &no_rooms, 1);
	conn = fixture_conn(&f, &handler, &seen, &fd);
	put_packet(fd, 10, 'x');
	TURN_UNTIL(&f, seen.packets == 1);
	while (send(fd, block, sizeof block, MSG_DONTWAIT) > 0)
		fixture_turn(&f);
	fixture_turn(&f);
	ck_assert_uint_eq(gh_conn_kept(conn), 0);
	/* And the loop sleeps: readiness that nobody wants doesn't keep it awake. */
	reads = gh_counter_get(&f.worker->reads);
	for (int i = 0; i < 10; i++)
		fixture_turn(&f);
	ck_assert_uint_eq(gh_counter_get(&f.worker->reads), reads);
	ck_assert_uint_eq(gh_conn_watched(conn), 0);
	close(fd);
	gh_conn_resume(conn, GH_PAUSE_TICKET);
	TURN_UNTIL(&f, seen.closed);
	fixture_done(&f);
}
END_TEST

START_TEST(one_write_a_turn)
{
	struct fixture f;
	struct seen seen = { 0 };
	struct gh_conn *conn;
	uint8_t got[8192];
	int fd;

	fixture_init(&f, &no_rooms, 1);
	conn = fixture_conn(&f, &handler, &seen, &fd);
	for (int i = 0; i < 500; i++) {
		uint8_t *p = gh_conn_reserve(conn, 100);

		memset(p, i & 0xff, 10);
		gh_conn_commit(conn, 10);
	}
	ck_assert_uint_eq(gh_conn_pending(conn), 5000);
	ck_assert_int_eq(recv(fd, got, sizeof got, MSG_DONTWAIT), -1);
	fixture_turn(&f);
	ck_assert_uint_eq(gh_conn_pending(conn), 0);
	ck_assert_uint_eq(gh_counter_get(&f.worker->writes), 1);
	ck_assert_int_eq(recv(fd, got, sizeof got, 0), 5000);
	for (int i = 0; i < 5000; i++)
		ck_assert_int_eq(got[i], (i / 10) & 0xff);
	ck_assert_ptr_null(conn->first);
	close(fd);
	TURN_UNTIL(&f, seen.closed);
	fixture_done(&f);
}
END_TEST

static void count_release(void *arg)
{
	++*(unsigned *)arg;
}

START_TEST(references_are_released_once)
{
	struct fixture f;
	struct seen seen = { 0 };
	struct gh_conn *conn;
	unsigned released = 0;
	uint8_t *payload = gh_zalloc(1 << 20), *got = gh_alloc(1 << 21);
	size_t n = 0;
	int fd;

	fixture_init(&f, &no_rooms, 1);
	conn = fixture_conn(&f, &handler, &seen, &fd);
	for (size_t i = 0; i < 1 << 20; i++)
		payload[i] = (uint8_t)(i * 7);
	gh_conn_write(conn, "head", 4);
	gh_conn_write_ref(conn, payload, 1 << 20, count_release, &released);
	gh_conn_write(conn, "tail", 4);
	ck_assert_uint_eq(gh_conn_pending(conn), (1 << 20) + 8);
	while (n < (1 << 20) + 8) {
		ssize_t part = recv(fd, got + n, (1 << 21) - n, MSG_DONTWAIT);

		if (part > 0)
			n += (size_t)part;
		fixture_turn(&f);
	}
	ck_assert_uint_eq(released, 1);
	ck_assert(!memcmp(got, "head", 4) && !memcmp(got + 4, payload, 1 << 20));
	ck_assert(!memcmp(got + 4 + (1 << 20), "tail", 4));
	/* Unsent at the end, and after the end. */
	gh_conn_write_ref(conn, payload, 1 << 20, count_release, &released);
	gh_conn_close(conn, 0);
	gh_conn_write_ref(conn, payload, 1 << 20, count_release, &released);
	ck_assert_uint_eq(released, 2);
	TURN_UNTIL(&f, seen.closed);
	ck_assert_uint_eq(released, 3);
	ck_assert_uint_eq(gh_counter_get(&f.worker->cut), 1);
	free(payload);
	free(got);
	close(fd);
	fixture_done(&f);
}
END_TEST

START_TEST(room_is_told_once_per_wish)
{
	struct fixture f;
	struct seen seen = { 0 };
	struct gh_conn *conn;
	uint8_t *block = gh_zalloc(1 << 20);
	int fd;

	fixture_init(&f, &no_rooms, 1);
	conn = fixture_conn(&f, &handler, &seen, &fd);
	gh_conn_write(conn, block, 1 << 20);
	gh_conn_want_room(conn);
	ck_assert_uint_eq(seen.writable, 0);
	for (int i = 0; i < 5; i++)
		fixture_turn(&f);
	ck_assert_uint_eq(seen.writable, 0); /* nobody has read yet */
	while (!seen.writable) {
		drain(fd);
		fixture_turn(&f);
	}
	drain(fd);
	fixture_turn(&f);
	ck_assert_uint_eq(seen.writable, 1);
	gh_conn_want_room(conn); /* with nothing to send as well */
	fixture_turn(&f);
	ck_assert_uint_eq(seen.writable, 2);
	free(block);
	close(fd);
	TURN_UNTIL(&f, seen.closed);
	fixture_done(&f);
}
END_TEST

/* ---- packets of any size, cut anywhere, paused anywhere: the same packets come out ---- */

struct dice {
	uint64_t state;
};

static uint32_t roll(struct dice *dice, uint32_t below)
{
	dice->state = dice->state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(dice->state >> 33) % below;
}

struct stream {
	struct seen seen;
	struct dice sizes, pauses; /* `sizes` rolls what the sender rolled */
	bool ticket;
};

#define STREAM_PACKETS 400

static uint32_t packet_size(struct dice *dice)
{
	static const uint32_t most[] = { 10, 10, 200, 200, 5000, 30000, 300000 };

	return 1 + roll(dice, most[roll(dice, sizeof most / sizeof *most)]);
}

static void check_packet(struct gh_conn *conn, struct seen *seen)
{
	struct stream *stream = gh_container(seen, struct stream, seen);
	size_t before = seen->bytes;

	ck_assert_uint_eq(before, packet_size(&stream->sizes));
	ck_assert_uint_eq(seen->last_byte, seen->packets & 0xff);
	seen->bytes = 0;
	if (!roll(&stream->pauses, 4)) {
		gh_conn_pause(conn, GH_PAUSE_TICKET);
		stream->ticket = true;
	}
}

static void feed_some(int fd, const uint8_t *p, size_t *sent, size_t n, struct dice *dice)
{
	uint32_t part = 1 + roll(dice, roll(dice, 3) ? 100 : 200000);
	ssize_t got = send(fd, p + *sent, n - *sent < part ? n - *sent : part,
			   MSG_DONTWAIT | MSG_NOSIGNAL);

	if (got > 0)
		*sent += (size_t)got;
}

START_TEST(any_cut_gives_the_same_packets)
{
	struct dice dice = { (uint64_t)_i + 1 }, cuts = { (uint64_t)_i + 100 };
	struct stream stream = { .seen = { .act = check_packet, .no_expect = _i % 2 } };
	struct gh_buf all = { 0 };
	struct fixture f;
	struct gh_conn *conn;
	size_t sent = 0;
	int fd;

	stream.sizes = dice;
	stream.pauses.state = (uint64_t)_i + 1000;
	for (uint32_t i = 1; i <= STREAM_PACKETS; i++) {
		uint32_t n = packet_size(&dice);

		gh_buf_u32(&all, n);
		memset(gh_buf_reserve(&all, n), (int)(i & 0xff), n);
		all.n += n;
	}
	fixture_init(&f, &no_rooms, 1);
	conn = fixture_conn(&f, &handler, &stream.seen, &fd);
	while (stream.seen.packets < STREAM_PACKETS) {
		if (sent < all.n)
			feed_some(fd, all.p, &sent, all.n, &cuts);
		fixture_turn(&f);
		if (stream.ticket && !roll(&cuts, 2)) {
			stream.ticket = false;
			gh_conn_resume(conn, GH_PAUSE_TICKET);
		}
	}
	fixture_turn(&f);
	ck_assert_uint_eq(gh_conn_kept(conn), 0);
	gh_conn_close(conn, 0);
	TURN_UNTIL(&f, stream.seen.closed);
	close(fd);
	gh_buf_done(&all);
	fixture_done(&f);
}
END_TEST

/* A transport that reads eight bytes at a time out of a larger read of its own. */
struct hoard {
	uint8_t p[64];
	size_t n, taken;
};

static ssize_t hoard_read(void **state, int fd, void *p, size_t n)
{
	struct hoard *hoard = *state ? *state : (*state = gh_zalloc(sizeof *hoard));
	size_t part;

	if (hoard->taken == hoard->n) {
		ssize_t got = recv(fd, hoard->p, sizeof hoard->p, MSG_DONTWAIT);

		if (got <= 0)
			return got ? -errno : 0;
		hoard->n = (size_t)got;
		hoard->taken = 0;
	}
	part = hoard->n - hoard->taken < 8 ? hoard->n - hoard->taken : 8;
	ck_assert_uint_le(part, n);
	memcpy(p, hoard->p + hoard->taken, part);
	hoard->taken += part;
	return (ssize_t)part;
}

static size_t hoard_pending(void *state)
{
	struct hoard *hoard = state;

	return hoard ? hoard->n - hoard->taken : 0;
}

static void hoard_close(void **state)
{
	free(*state);
	*state = NULL;
}

START_TEST(what_a_transport_holds_is_read)
{
	struct fixture f;
	struct seen seen = { .pause_at = 2 };
	struct gh_transport_ops ops = gh_transport_unix;
	struct gh_conn *conn;
	int fd;

	ops.read = hoard_read;
	ops.pending = hoard_pending;
	ops.close = hoard_close;
	fixture_init(&f, &no_rooms, 1);
	conn = fixture_conn(&f, &handler, &seen, &fd);
	conn->ops = &ops;
	for (int i = 0; i < 5; i++)
		put_packet(fd, 6, 'x');
	TURN_UNTIL(&f, seen.packets == 2);
	for (int i = 0; i < 10; i++)
		fixture_turn(&f);
	ck_assert_uint_eq(seen.packets, 2);
	seen.pause_at = 0;
	gh_conn_resume(conn, GH_PAUSE_TICKET);
	TURN_UNTIL(&f, seen.packets == 5);
	close(fd);
	TURN_UNTIL(&f, seen.closed);
	fixture_done(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/conn");
	TCase *tcase = tcase_create("net/conn");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, packets_come_whole);
	tcase_add_test(tcase, many_packets_of_one_read);
	tcase_add_loop_test(tcase, claims_cost_nothing, 0, 4);
	tcase_add_loop_test(tcase, large_packet_then_small_ones, 0, 2);
	tcase_add_test(tcase, pausing_keeps_and_resuming_feeds);
	tcase_add_test(tcase, paused_takes_no_more_than_the_socket_holds);
	tcase_add_test(tcase, one_write_a_turn);
	tcase_add_test(tcase, references_are_released_once);
	tcase_add_test(tcase, room_is_told_once_per_wish);
	tcase_add_loop_test(tcase, any_cut_gives_the_same_packets, 0, 8);
	tcase_add_test(tcase, what_a_transport_holds_is_read);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
