/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection: its ends, moving to another worker, what it costs when idle. */
#include "net/packets.h"

#include <errno.h>

static void goodbye(struct gh_conn *conn, struct seen *seen)
{
	gh_conn_write(conn, "bye", 3);
	gh_conn_close(conn, 5000);
	ck_assert_uint_eq(seen->closed, 0);
}

/* The peer has sent more than was read, and still gets the last words: no reset eats them. */
START_TEST(last_words_arrive)
{
	struct fixture f;
	struct seen seen = { .act = goodbye };
	uint8_t got[16];
	int fd;

	fixture_init(&f, &no_rooms, 1);
	if (_i)
		fixture_tcp(&f, &handler, &seen, &fd);
	else
		fixture_conn(&f, &handler, &seen, &fd);
	for (int i = 0; i < 30; i++)
		put_packet(fd, 1000, 'x');
	TURN_UNTIL(&f, seen.closed);
	ck_assert_int_eq(seen.why, GH_CONN_LOCAL);
	ck_assert_uint_eq(seen.packets, 1);
	ck_assert_uint_eq(gh_total_used(&f.total), 1); /* it still drains */
	put_packet(fd, 1000, 'x');
	fixture_turn(&f);
	put_packet(fd, 1000, 'x');
	ck_assert_int_eq(recv(fd, got, sizeof got, 0), 3);
	ck_assert(!memcmp(got, "bye", 3));
	ck_assert_int_eq(recv(fd, got, sizeof got, 0), 0);
	close(fd);
	TURN_UNTIL(&f, gh_total_used(&f.total) == 0);
	ck_assert_uint_eq(seen.closed, 1);
	ck_assert_uint_eq(gh_counter_get(&f.worker->cut), 0);
	fixture_done(&f);
}
END_TEST

START_TEST(who_does_not_drain_is_cut)
{
	struct fixture f;
	struct seen seen = { 0 };
	struct gh_conn *conn;
	uint8_t *block = gh_zalloc(4 << 20);
	uint64_t began = gh_clock_ms();
	int fd;

	fixture_init(&f, &no_rooms, 1);
	conn = fixture_conn(&f, &handler, &seen, &fd);
	gh_conn_write(conn, block, 4 << 20);
	gh_conn_close(conn, 100);
	gh_conn_close(conn, 60000);
	TURN_UNTIL(&f, gh_total_used(&f.total) == 0);
	ck_assert_uint_ge(gh_clock_ms(), began + 100);
	ck_assert_uint_eq(seen.closed, 1);
	ck_assert_uint_eq(gh_counter_get(&f.worker->cut), 1);
	free(block);
	close(fd);
	fixture_done(&f);
}
END_TEST

START_TEST(half_closed_peer_gets_its_answer)
{
	struct fixture f;
	struct seen seen = { .echo = true };
	uint8_t got[16];
	int fd;

	fixture_init(&f, &no_rooms, 1);
	fixture_conn(&f, &handler, &seen, &fd);
	put_packet(fd, 2, 'x');
	shutdown(fd, SHUT_WR);
	TURN_UNTIL(&f, seen.closed);
	ck_assert_int_eq(seen.why, GH_CONN_EOF);
	ck_assert_int_eq(recv(fd, got, sizeof got, MSG_DONTWAIT), 6);
	close(fd);
	fixture_done(&f);
}
END_TEST

START_TEST(broken_pipe_is_a_reset)
{
	struct fixture f;
	struct seen seen = { 0 };
	struct gh_conn *conn;
	int fd;

	fixture_init(&f, &no_rooms, 1);
	conn = fixture_conn(&f, &handler, &seen, &fd);
	gh_conn_pause(conn, GH_PAUSE_RATE);
	close(fd);
	gh_conn_write(conn, "x", 1);
	TURN_UNTIL(&f, seen.closed);
	ck_assert_int_eq(seen.why, GH_CONN_RESET);
	fixture_done(&f);
}
END_TEST

struct moving {
	struct gh_mail mail;
	struct gh_conn *conn;
	struct seen *seen;
	struct gh_worker *to;
	bool refuse;
	unsigned delivered;
};

static void moved_deliver(struct gh_mail *mail, void *owner)
{
	struct moving *moving = gh_container(mail, struct moving, mail);

	moving->delivered++;
	if (!owner || moving->refuse) {
		gh_conn_discard(moving->conn);
		return;
	}
	ck_assert_ptr_eq(owner, moving->to);
	gh_conn_adopt(moving->conn, owner);
	gh_conn_bind(moving->conn, &handler, moving->seen);
	ck_assert_uint_eq(moving->seen->packets, 0);
}

struct first_side {
	struct seen seen;
	struct moving moving;
};

static void move_at_packet(struct gh_conn *conn, struct seen *seen)
{
	struct first_side *side = gh_container(seen, struct first_side, seen);

	gh_conn_write(conn, "moved", 5);
	gh_conn_pause(conn, GH_PAUSE_INBOX | GH_PAUSE_TICKET);
	ck_assert(gh_conn_move(conn, side->moving.to, &side->moving.mail));
}

/* Inside input(), with more bytes behind the packet: to another worker (0) and to its own (1). */
START_TEST(moves_with_all_it_has)
{
	struct fixture f;
	struct seen after = { .echo = true };
	struct first_side side = { .seen = { .act = move_at_packet } };
	uint8_t got[64];
	int fd;

	fixture_init(&f, &no_rooms, 2);
	side.moving = (struct moving){ .mail = { .deliver = moved_deliver }, .seen = &after };
	side.moving.to = f.workers.workers[_i ? 0 : 1];
	side.moving.conn = fixture_conn(&f, &handler, &side.seen, &fd);
	put_packet(fd, 1, 'c');
	put_packet(fd, 2, '1');
	put_packet(fd, 3, '2');
	send(fd, "\0\0", 2, 0);
	TURN_UNTIL(&f, side.moving.delivered);
	fixture_turn(&f);
	ck_assert_uint_eq(side.seen.packets, 1);
	ck_assert_uint_eq(after.packets, 0); /* the ticket's reason went with it */
	ck_assert_uint_eq(gh_conn_paused(side.moving.conn), GH_PAUSE_TICKET);
	gh_conn_resume(side.moving.conn, GH_PAUSE_TICKET);
	TURN_UNTIL(&f, after.packets == 2);
	send(fd, "\0\1z", 3, 0);
	TURN_UNTIL(&f, after.packets == 3);
	fixture_turn(&f);
	ck_assert_int_eq(recv(fd, got, sizeof got, MSG_DONTWAIT), 5 + 6 + 7 + 5);
	ck_assert(!memcmp(got, "moved\0\0\0\2", 9));
	ck_assert_uint_eq(atomic_load(&side.moving.to->connections), 1);
	ck_assert(!(side.moving.conn->flags & CONN_YOUNG));
	/* Only once. */
	ck_assert(!gh_conn_move(side.moving.conn, side.moving.to, &side.moving.mail));
	close(fd);
	TURN_UNTIL(&f, after.closed);
	ck_assert_uint_eq(side.seen.closed, 0);
	ck_assert_uint_eq(gh_total_used(&f.total), 0);
	fixture_done(&f);
}
END_TEST

/* Turned away on the other side (0), or the other side is gone (1). */
START_TEST(moving_may_fail)
{
	struct fixture f;
	struct seen seen = { 0 };
	struct moving moving = { .mail = { .deliver = moved_deliver }, .seen = &seen, .refuse = true };
	uint8_t byte;
	int fd;

	fixture_init(&f, &no_rooms, 2);
	moving.to = f.workers.workers[1];
	moving.conn = fixture_conn(&f, &handler, &seen, &fd);
	put_packet(fd, 2, 'x');
	ck_assert(gh_conn_move(moving.conn, moving.to, &moving.mail));
	if (_i)
		gh_loop_poll(f.worker->loop); /* posts */
	else
		TURN_UNTIL(&f, moving.delivered);
	fixture_done(&f);
	ck_assert_uint_eq(moving.delivered, 1);
	ck_assert_uint_eq(seen.packets + seen.closed, 0);
	ck_assert_uint_eq(gh_total_used(&f.total), 0);
	ck_assert_int_le(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
	ck_assert_int_ne(errno, EAGAIN);
	close(fd);
}
END_TEST

START_TEST(closing_one_does_not_move)
{
	struct fixture f;
	struct seen seen = { 0 };
	struct moving moving = { .mail = { .deliver = moved_deliver }, .seen = &seen };
	struct gh_conn *conn;
	int fd;

	fixture_init(&f, &no_rooms, 2);
	conn = fixture_conn(&f, &handler, &seen, &fd);
	gh_conn_close(conn, 0);
	ck_assert(!gh_conn_move(conn, f.workers.workers[1], &moving.mail));
	TURN_UNTIL(&f, seen.closed);
	ck_assert_uint_eq(moving.delivered, 0);
	close(fd);
	fixture_done(&f);
}
END_TEST

START_TEST(idle_one_is_small)
{
	struct fixture f;
	struct seen seen = { .echo = true };
	struct gh_conn *conn;
	int fd;

	ck_assert_uint_le(sizeof(struct gh_conn), 200);
	fixture_init(&f, &no_rooms, 1);
	conn = fixture_conn(&f, &handler, &seen, &fd);
	put_packet(fd, 100, 'x');
	TURN_UNTIL(&f, seen.packets == 1);
	fixture_turn(&f);
	ck_assert_ptr_null(conn->kept);
	ck_assert_ptr_null(conn->first);
	ck_assert_ptr_null(conn->linger);
	close(fd);
	TURN_UNTIL(&f, seen.closed);
	fixture_done(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/conn_life");
	TCase *tcase = tcase_create("net/conn_life");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, last_words_arrive, 0, 2);
	tcase_add_test(tcase, who_does_not_drain_is_cut);
	tcase_add_test(tcase, half_closed_peer_gets_its_answer);
	tcase_add_test(tcase, broken_pipe_is_a_reset);
	tcase_add_loop_test(tcase, moves_with_all_it_has, 0, 2);
	tcase_add_loop_test(tcase, moving_may_fail, 0, 2);
	tcase_add_test(tcase, closing_one_does_not_move);
	tcase_add_test(tcase, idle_one_is_small);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
