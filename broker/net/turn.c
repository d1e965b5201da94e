/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does before it sleeps: feeds who was resumed, flushes every written
 * connection once, posts its mail. */
#include "net/conn_priv.h"

#include "base/mem.h"

#include <string.h>

void gh_conn_array_add(struct gh_conn_array *array, struct gh_conn *conn)
{
	if (array->n == array->size) {
		array->size = array->size ? 2 * array->size : 64;
		array->p = gh_realloc_array(array->p, array->size, sizeof(struct gh_conn *));
	}
	array->p[array->n++] = conn;
}

static bool take_flag(struct gh_conn *conn, unsigned flag)
{
	bool was = conn->flags & flag;

	conn->flags &= (uint16_t)~flag;
	return was;
}

/* Feeding one may write to, resume or end others: the array grows and gets holes meanwhile. */
static void feed_all(struct gh_worker *worker)
{
	for (size_t i = 0; i < worker->attention.n; i++) {
		struct gh_conn *conn = worker->attention.p[i];

		if (conn && take_flag(conn, CONN_FEED))
			gh_conn_feed(conn);
		conn = worker->attention.p[i];
		if (conn && take_flag(conn, CONN_READ_MORE))
			gh_conn_read(conn);
	}
}

static void flush_one(struct gh_conn *conn)
{
	gh_conn_flush(conn);
	if (conn->flags & CONN_ENDED)
		return;
	if (conn->flags & CONN_CLOSING) {
		gh_conn_closing_step(conn);
		return;
	}
	if (conn->pending <= GH_CONN_LOW && take_flag(conn, CONN_WANT_ROOM) && conn->fn->writable)
		conn->fn->writable(conn);
	if (conn->flags & (CONN_FEED | CONN_READ_MORE))
		gh_conn_attend(conn, 0);
}

/* Who asks for attention meanwhile has it in the next turn, so a fast reader of a long queue
 * doesn't starve the others. */
static void flush_all(struct gh_worker *worker)
{
	struct gh_conn_array *array = &worker->attention;
	size_t count = array->n;

	for (size_t i = 0; i < count; i++) {
		struct gh_conn *conn = array->p[i];

		if (!conn)
			continue;
		array->p[i] = NULL;
		conn->attention = 0;
		flush_one(conn);
	}
	array->n -= count;
	for (size_t i = 0; i < array->n; i++) {
		array->p[i] = array->p[i + count];
		if (array->p[i])
			array->p[i]->attention = (uint32_t)i + 1;
	}
	if (array->n)
		gh_loop_again(worker->loop);
}

static void post_all(struct gh_worker *worker)
{
	uint64_t used = worker->outbox_used;

	worker->outbox_used = 0;
	worker->sent |= used != 0;
	for (; used; used &= used - 1) {
		int to = __builtin_ctzll(used);
		struct gh_inbox *inbox = worker->peers->workers[to]->inbox;

		for (int lane = 0; lane < GH_LANES; lane++)
			gh_inbox_post_run(inbox, (enum gh_lane)lane, &worker->outbox[to][lane]);
	}
}

static void free_ended(struct gh_worker *worker)
{
	for (size_t i = 0; i < worker->ended.n; i++)
		gh_conn_free(worker->ended.p[i]);
	worker->ended.n = 0;
}

static void stop_when_over(struct gh_worker *worker)
{
	if (worker->stopping && !worker->idle && !atomic_load(&worker->connections)) {
		post_all(worker);
		gh_workers_idle(worker);
	}
	if (!worker->over)
		return;
	worker->stopped = true;
	if (worker->peers->fn->stop)
		worker->peers->fn->stop(worker);
	gh_loop_stop(worker->loop);
}

void gh_worker_turn_end(void *worker_)
{
	struct gh_worker *worker = worker_;

	if (!worker->stopped) {
		feed_all(worker);
		if (worker->peers->fn->turn_end)
			worker->peers->fn->turn_end(worker);
		post_all(worker); /* first: what a client sees acknowledged is on its way to the others */
		flush_all(worker);
		stop_when_over(worker);
	}
	post_all(worker);
	free_ended(worker);
}
