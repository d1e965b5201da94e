/* SPDX-License-Identifier: Apache-2.0 */
/* Input of a connection: one read a readiness into the worker's buffer; only what is
 * unfinished is kept. */
#include "net/conn_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Growth of a kept packet: at most doubled, and by no more than this beyond what it needs. */
#define KEPT_STEP (16u << 10)

static bool input_stopped(const struct gh_conn *conn)
{
	return conn->paused || conn->flags & (CONN_CLOSING | CONN_MOVING | CONN_ENDED);
}

/* What comes before a login may be its password: it isn't left lying about. */
static void release(struct gh_kept *kept)
{
	if (kept && kept->secret)
		explicit_bzero(kept->p, kept->size);
	free(kept);
}

static void kept_free(struct gh_conn *conn)
{
	release(conn->kept);
	conn->kept = NULL;
}

/* realloc(), which would leave a copy behind. */
static struct gh_kept *resize(struct gh_kept *kept, size_t size)
{
	struct gh_kept *larger;

	if (!kept || !kept->secret)
		return realloc(kept, sizeof *kept + size);
	larger = malloc(sizeof *larger + size);
	if (!larger)
		return NULL;
	memcpy(larger, kept, sizeof *kept + kept->start + kept->n);
	release(kept);
	return larger;
}

/* Room for `room` bytes behind what is kept. False: no memory. */
static bool kept_reserve(struct gh_conn *conn, size_t room)
{
	struct gh_kept *kept = conn->kept, *larger;

	if (kept && kept->size - kept->start - kept->n >= room)
		return true;
	if (kept && kept->start) {
		memmove(kept->p, kept->p + kept->start, kept->n);
		kept->start = 0;
		if (kept->size - kept->n >= room)
			return true;
	}
	/* A peer caused it: its refusal ends the connection, not the broker. */
	larger = resize(kept, (kept ? kept->n : 0) + room);
	if (!larger)
		return false;
	if (!kept)
		*larger = (struct gh_kept){ .secret = conn->flags & CONN_YOUNG };
	larger->size = larger->n + room;
	conn->kept = larger;
	return true;
}

/* p[0..n) isn't inside what is kept. */
static bool kept_set(struct gh_conn *conn, const uint8_t *p, size_t n)
{
	if (!n) {
		kept_free(conn);
		return true;
	}
	if (conn->kept)
		conn->kept->start = conn->kept->n = 0;
	if (!kept_reserve(conn, n))
		return false;
	memcpy(conn->kept->p, p, n);
	conn->kept->n = n;
	return true;
}

/* A large buffer isn't held on to for the few bytes behind the packet it was for. */
static bool kept_consume(struct gh_conn *conn, size_t used)
{
	struct gh_kept *kept = conn->kept;

	kept->start += used;
	kept->n -= used;
	if (kept->n > GH_CONN_SMALL || kept->size <= 4 * GH_CONN_SMALL) {
		if (!kept->n)
			kept_free(conn);
		return true;
	}
	conn->kept = NULL;
	if (!kept_set(conn, kept->p + kept->start, kept->n)) {
		conn->kept = kept;
		return false;
	}
	release(kept);
	return true;
}

static size_t call_input(struct gh_conn *conn, const uint8_t *p, size_t n)
{
	size_t used;

	conn->worker->expect = 0;
	conn->flags |= CONN_IN_INPUT;
	used = conn->fn->input(conn, p, n);
	conn->flags &= (uint16_t)~CONN_IN_INPUT;
	assert(used <= n);
	return used;
}

/* After input() has returned and the rest is kept. */
static void settle(struct gh_conn *conn, bool rest_kept)
{
	struct gh_worker *worker = conn->worker;

	if (conn->kept)
		conn->kept->expect = worker->expect > conn->kept->n ? worker->expect : 0;
	if (conn->flags & CONN_MOVING) {
		struct gh_worker *from = worker, *to = from->move_to;

		conn->worker = to;
		if (!rest_kept) /* the other side finds it broken */
			conn->error = ENOMEM;
		gh_worker_send(from, to, GH_LANE_CONTROL, from->move_mail);
		return;
	}
	if (conn->flags & CONN_CLOSING)
		kept_free(conn);
	else if (!rest_kept)
		gh_conn_finish(conn, GH_CONN_NOMEM);
}

static void input_from_buffer(struct gh_conn *conn, uint8_t *p, size_t n)
{
	bool young = conn->flags & CONN_YOUNG, rest_kept;
	size_t used = 0;

	if (!conn->kept || n >= conn->kept->expect)
		used = call_input(conn, p, n);
	else
		conn->worker->expect = conn->kept->expect;
	rest_kept = kept_set(conn, p + used, n - used);
	if (young)
		explicit_bzero(p, n);
	settle(conn, rest_kept);
}

static void input_from_kept(struct gh_conn *conn)
{
	struct gh_kept *kept = conn->kept;

	if (kept->n < kept->expect)
		return;
	settle(conn, kept_consume(conn, call_input(conn, kept->p + kept->start, kept->n)));
}

/* A last try for what the peer may still want to read: it may have closed only its own side. */
static void input_ends(struct gh_conn *conn, ssize_t got)
{
	if (got == -EAGAIN)
		return;
	if (got == 0) {
		gh_conn_flush(conn);
		if (!(conn->flags & CONN_ENDED))
			gh_conn_finish(conn, GH_CONN_EOF);
		return;
	}
	conn->error = (int)-got;
	gh_conn_finish(conn, GH_CONN_RESET);
}

static size_t read_size(const struct gh_conn *conn)
{
	return conn->flags & CONN_YOUNG ? GH_CONN_YOUNG_READ : GH_CONN_READ;
}

static ssize_t transport_read(struct gh_conn *conn, uint8_t *p, size_t n)
{
	struct gh_worker *worker = conn->worker;
	ssize_t got = conn->ops->read(&conn->state, gh_conn_fd(conn), p, n);

	gh_counter_add(&worker->reads, 1);
	if (got > 0)
		gh_counter_add(&worker->bytes_in, (uint64_t)got);
	if (conn->ops->pending(conn->state))
		gh_conn_attend(conn, CONN_READ_MORE);
	return got;
}

static void read_into_buffer(struct gh_conn *conn)
{
	uint8_t *p = conn->worker->read_buffer;
	size_t n = conn->kept ? conn->kept->n : 0;
	ssize_t got;

	if (n)
		memcpy(p, conn->kept->p + conn->kept->start, n);
	got = transport_read(conn, p + n, read_size(conn));
	if (got > 0)
		input_from_buffer(conn, p, n + (size_t)got);
	else
		input_ends(conn, got);
}

static size_t growth(const struct gh_kept *kept)
{
	size_t missing = kept->expect > kept->n ? kept->expect - kept->n : 0;
	size_t most = kept->n > KEPT_STEP ? kept->n : KEPT_STEP;

	if (missing < KEPT_STEP)
		missing = KEPT_STEP;
	return missing < most ? missing : most;
}

static bool kept_has_room(const struct gh_kept *kept)
{
	size_t room = kept->size - kept->start - kept->n;

	return room >= KEPT_STEP || (kept->n < kept->expect && kept->n + room >= kept->expect);
}

static void read_behind_kept(struct gh_conn *conn)
{
	struct gh_kept *kept;
	size_t room;
	ssize_t got;

	if (!kept_has_room(conn->kept) && !kept_reserve(conn, growth(conn->kept))) {
		gh_conn_finish(conn, GH_CONN_NOMEM);
		return;
	}
	kept = conn->kept;
	room = kept->size - kept->start - kept->n;
	if (room > read_size(conn))
		room = read_size(conn);
	got = transport_read(conn, kept->p + kept->start + kept->n, room);
	if (got <= 0) {
		input_ends(conn, got);
		return;
	}
	kept->n += (size_t)got;
	input_from_kept(conn);
}

/* After close: what the peer still sends is thrown away, its end is what is waited for. */
static void read_and_discard(struct gh_conn *conn)
{
	ssize_t got = transport_read(conn, conn->worker->read_buffer, read_size(conn));

	if (got != -EAGAIN && got <= 0)
		gh_conn_finish(conn, GH_CONN_LOCAL);
}

void gh_conn_read(struct gh_conn *conn)
{
	if (conn->flags & CONN_FINISHED)
		read_and_discard(conn);
	else if (input_stopped(conn))
		gh_conn_watch(conn, gh_conn_watched(conn) & ~(unsigned)GH_IO_READ);
	else if (conn->kept && conn->kept->n > GH_CONN_SMALL)
		read_behind_kept(conn);
	else
		read_into_buffer(conn);
}

void gh_conn_feed(struct gh_conn *conn)
{
	if (input_stopped(conn))
		return;
	if (conn->kept)
		input_from_kept(conn);
	if (input_stopped(conn))
		return;
	gh_conn_watch(conn, gh_conn_watched(conn) | GH_IO_READ);
	if (conn->ops->pending(conn->state))
		gh_conn_attend(conn, CONN_READ_MORE);
}

void gh_conn_expect(struct gh_conn *conn, size_t total)
{
	conn->worker->expect = total;
}

size_t gh_conn_kept(const struct gh_conn *conn)
{
	return conn->kept ? conn->kept->n : 0;
}

void gh_conn_pause(struct gh_conn *conn, unsigned reason)
{
	conn->paused |= (uint8_t)reason;
}

void gh_conn_resume(struct gh_conn *conn, unsigned reason)
{
	bool was = conn->paused;

	conn->paused &= (uint8_t)~reason;
	if (was && !conn->paused)
		gh_conn_attend(conn, CONN_FEED);
}

void gh_conn_yield(struct gh_conn *conn)
{
	gh_conn_attend(conn, CONN_FEED);
}

unsigned gh_conn_paused(const struct gh_conn *conn)
{
	return conn->paused;
}

bool gh_conn_hold(struct gh_conn *conn, const struct gh_worker *to)
{
	struct gh_worker *from = conn->worker;
	struct gh_mail_run *run = &from->outbox[to->index][GH_LANE_DATA];

	if (!gh_inbox_crowded(to->inbox, run->weight) || conn->flags & CONN_MOVING)
		return false;
	/* What is collected counts only once it is posted: else nobody would call when it has
	 * been worked off. */
	gh_inbox_post_run(to->inbox, GH_LANE_DATA, run);
	if (!gh_inbox_await(to->inbox, from->index))
		return false;
	gh_conn_pause(conn, GH_PAUSE_INBOX);
	gh_list_remove(&conn->node);
	gh_list_append(&from->held[to->index], &conn->node);
	gh_counter_add(&from->held_count, 1);
	return true;
}
