/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a connection, for this folder only. */
#ifndef GH_NET_CONN_PRIV_H
#define GH_NET_CONN_PRIV_H

#include "net/worker_priv.h"

/* What is kept up to this size goes through the worker's buffer once more; above, reading
 * goes on behind it. */
#define GH_CONN_SMALL (4u << 10)

enum conn_flag {
	CONN_YOUNG = 1 << 0,   /* watched by the nursery, not by libev */
	CONN_READ_ON = 1 << 1, /* what is watched now */
	CONN_WRITE_ON = 1 << 2,
	CONN_IN_INPUT = 1 << 3,
	CONN_MOVING = 1 << 4,     /* between move and adopt */
	CONN_CLOSING = 1 << 5,    /* gh_conn_close() was called */
	CONN_TOLD = 1 << 6,       /* closed() was called */
	CONN_FINISHED = 1 << 7,   /* all is sent, waiting for the peer's end */
	CONN_ENDED = 1 << 8,      /* no descriptor any more */
	CONN_FEED = 1 << 9,       /* kept bytes are to be given to input() */
	CONN_READ_MORE = 1 << 10, /* the transport has bytes that no readiness will tell */
	CONN_WANT_ROOM = 1 << 11,
	CONN_CORKED = 1 << 12
};

/* Bytes of an unfinished packet, or that came before a pause: p[start..start+n). */
struct gh_kept {
	size_t start, n, size;
	size_t expect; /* how long the packet will be, 0: unknown */
	bool secret;   /* of before the login: wiped when it goes */
	uint8_t p[];
};

/* Only while it drains. */
struct gh_linger {
	struct gh_timeout timeout;
	struct gh_conn *conn;
};

struct gh_conn {
	const struct gh_conn_fn *fn;
	void *arg;
	struct gh_worker *worker;
	const struct gh_transport_ops *ops;
	void *state;
	ev_io io; /* holds the descriptor, in the nursery too */
	struct gh_kept *kept;
	struct gh_segment *first, *last;
	size_t pending;
	struct gh_linger *linger;
	struct gh_node node;
	struct gh_peer peer;
	uint32_t attention; /* 1 + index in the worker's array */
	uint16_t flags;
	uint8_t paused;
	uint8_t why; /* enum gh_conn_end, once it is closing */
	int error;
};

/* In the nursery of `worker`. The descriptor is taken over; the slot of the total is taken
 * already. */
struct gh_conn *gh_conn_new(struct gh_worker *worker, int fd, const struct gh_transport_ops *ops,
			    const struct gh_peer *peer);

/* ---- conn.c ---- */
void gh_conn_watch(struct gh_conn *conn, unsigned events);
unsigned gh_conn_watched(const struct gh_conn *conn);
/* To be looked at when the turn ends. */
void gh_conn_attend(struct gh_conn *conn, unsigned flag);
/* Ends it now; calls closed() if that is still due. */
void gh_conn_finish(struct gh_conn *conn, enum gh_conn_end why);
/* GH_CONN_STOP; one that drains already may take linger_ms from now for that. */
void gh_conn_stop(struct gh_conn *conn, uint32_t linger_ms);
/* Readiness, from libev and from the nursery. */
void gh_conn_ready(struct gh_conn *conn, unsigned events);
void gh_conn_closing_step(struct gh_conn *conn);
void gh_conn_free(struct gh_conn *conn);

/* ---- conn_in.c ---- */
void gh_conn_read(struct gh_conn *conn);
void gh_conn_feed(struct gh_conn *conn);

/* ---- conn_out.c ---- */
void gh_conn_flush(struct gh_conn *conn);
void gh_conn_drop_output(struct gh_conn *conn);

/* ---- turn.c ---- */
void gh_conn_array_add(struct gh_conn_array *array, struct gh_conn *conn);

static inline int gh_conn_fd(const struct gh_conn *conn)
{
	return conn->io.fd;
}

#endif
