/* SPDX-License-Identifier: Apache-2.0 */
/* A connection as a stream of bytes: reads whole packets for the room above, gathers and
 * flushes what it writes. */
#ifndef GH_NET_CONN_H
#define GH_NET_CONN_H

#include "net/inbox.h"
#include "net/peer.h"
#include "net/transport.h"

/*
 * A connection belongs to one worker at a time; every call is made on that worker's thread.
 * Life:
 *
 *   accepted() of the worker's table        gets it on the accepting worker, in the nursery
 *     gh_conn_bind                          says whose it is
 *   input() ... gh_conn_write ...           CONNECT, authentication
 *   gh_conn_move -> mail -> gh_conn_adopt   once, to the worker of its session (maybe the same one)
 *     gh_conn_bind
 *   input() ... writable() ...
 *   closed()                                exactly once; the pointer is dead when it returns
 *
 * Handlers are never called from inside a gh_conn_ function: always by the loop. So a caller may
 * walk its own lists while it writes, closes, pauses and resumes.
 */
struct gh_conn;
struct gh_worker;

/* Why it ended. */
enum gh_conn_end {
	GH_CONN_EOF = 1, /* the peer closed it */
	GH_CONN_RESET,   /* the network failed it: gh_conn_error() has the errno */
	GH_CONN_LOCAL,   /* gh_conn_close() */
	GH_CONN_NOMEM,   /* no memory for a packet the peer was sending */
	GH_CONN_STOP     /* the worker stops */
};

struct gh_conn_fn {
	/*
	 * Bytes from the peer, from the beginning of a packet on. Returns how many are done
	 * with: whole packets; the rest is kept and comes again, at the front, with what arrives
	 * later. p is valid during the call. Returns as soon as the connection is paused or
	 * closed, or has been moved (what it had consumed so far counts).
	 */
	size_t (*input)(struct gh_conn *conn, const uint8_t *p, size_t n);
	/* Asked for by gh_conn_want_room(): pending output is at most GH_CONN_LOW. May be NULL. */
	void (*writable)(struct gh_conn *conn);
	/* The end. After gh_conn_close() too, at the end of that turn: output may still be
	 * draining then, without you. */
	void (*closed)(struct gh_conn *conn, enum gh_conn_end why);
};

#define GH_CONN_LOW        (64u << 10)
/* One read takes at most this much; in the nursery, before anyone is authenticated,
 * GH_CONN_YOUNG_READ. */
#define GH_CONN_READ       (256u << 10)
#define GH_CONN_YOUNG_READ (16u << 10)

/* Who handles it; `arg` is gh_conn_arg(). fn must outlive the connection. */
void gh_conn_bind(struct gh_conn *conn, const struct gh_conn_fn *fn, void *arg);
void *gh_conn_arg(const struct gh_conn *conn);
struct gh_worker *gh_conn_worker(const struct gh_conn *conn);
const struct gh_peer *gh_conn_peer(const struct gh_conn *conn);
const struct gh_transport_ops *gh_conn_transport(const struct gh_conn *conn);
int gh_conn_error(const struct gh_conn *conn);

/* ---- input ---- */
/* Called inside input(): the unfinished packet will be `total` bytes long. Saves calls and
 * copies; memory still grows only with what has really come. Forgotten when those bytes are
 * there. */
void gh_conn_expect(struct gh_conn *conn, size_t total);

/* Reasons not to read; it reads when none is left. While paused no input() is called; what
 * was kept is fed again at the end of the turn in which the last reason goes, or in the next.
 * Setting or clearing a bit twice is once. */
enum gh_pause {
	GH_PAUSE_TICKET = 1, /* a hook answers later */
	GH_PAUSE_RATE = 2,   /* a limit */
	GH_PAUSE_INBOX = 4,  /* another worker is crowded: gh_conn_hold() only */
	GH_PAUSE_OUTPUT = 8, /* the client doesn't read its answers */
	GH_PAUSE_SHUTDOWN = 16,
	GH_PAUSE_BARRIER = 32, /* what it asked for isn't confirmed yet */
	GH_PAUSE_STORE = 64    /* what it has in flight is being read */
};
void gh_conn_pause(struct gh_conn *conn, unsigned reason);
void gh_conn_resume(struct gh_conn *conn, unsigned reason);
/* Inside input(), before it returns with bytes left over: it is called for them once others have had their turn. */
void gh_conn_yield(struct gh_conn *conn);
unsigned gh_conn_paused(const struct gh_conn *conn); /* the mask of reasons */
/* Bytes kept of unfinished or unread packets. */
size_t gh_conn_kept(const struct gh_conn *conn);

/* Back-pressure: what this connection sends goes to `to`. If that worker's inbox is crowded
 * (what is collected for it in this turn included), pauses (GH_PAUSE_INBOX) until it has
 * drained, and returns true. */
bool gh_conn_hold(struct gh_conn *conn, const struct gh_worker *to);

/* ---- output ---- */
/* Nothing is sent before the end of the turn: then all of it by one system call. The memory
 * isn't bounded here: ask gh_conn_pending() before writing what can be dropped or queued.
 * After close all of these do nothing. */
void gh_conn_write(struct gh_conn *conn, const void *p, size_t n); /* copies */
/* n bytes in one piece to be filled by the caller, then commit what was used (at most n)
 * before any other call for this connection. Never NULL. */
uint8_t *gh_conn_reserve(struct gh_conn *conn, size_t n);
void gh_conn_commit(struct gh_conn *conn, size_t n);
/* References p until release(arg) is called: when it is sent or the connection ended, on the
 * thread of whichever worker has it then. For payloads of at least GH_CONN_REF_MIN bytes;
 * below copying is faster. */
typedef void gh_release_fn(void *arg);
#define GH_CONN_REF_MIN (8u << 10)
void gh_conn_write_ref(struct gh_conn *conn, const void *p, size_t n, gh_release_fn *release,
		       void *arg);
/* Bytes written and not yet taken by the kernel. */
size_t gh_conn_pending(const struct gh_conn *conn);
/* Nothing that is written goes out before uncork; a connection that is closed meanwhile loses it. */
void gh_conn_cork(struct gh_conn *conn);
void gh_conn_uncork(struct gh_conn *conn);
/* One call of writable(), as soon as pending output is at most GH_CONN_LOW: never in this
 * turn's work, at the earliest after its flush. */
void gh_conn_want_room(struct gh_conn *conn);

/* ---- the end, and moving ---- */
/* No input any more. Output so far is flushed; within linger_ms the peer may take it and
 * close; then it is cut. 0: one attempt to send, then closed at once. A second call is
 * ignored. */
void gh_conn_close(struct gh_conn *conn, uint32_t linger_ms);
bool gh_conn_closing(const struct gh_conn *conn);

/*
 * Hands a connection of the nursery over, with kept bytes and unsent output, and posts `mail`
 * (control lane) to `to`, which may be its own worker. From here on it is no longer yours: no
 * handler is called, nothing may be called on it until mail's deliver() on the other side does
 * gh_conn_adopt(conn, worker) + gh_conn_bind(), or gh_conn_discard() when the owner is NULL or
 * doesn't want it. Kept bytes are fed at the end of the turn of adoption. The reasons for a
 * pause go with it, except GH_PAUSE_INBOX. May be called inside input(). False: it is closing or
 * has ended; closed() comes or came, the mail stays the caller's.
 */
bool gh_conn_move(struct gh_conn *conn, struct gh_worker *to, struct gh_mail *mail);
void gh_conn_adopt(struct gh_conn *conn, struct gh_worker *worker);
/* In transit only: closes and frees at once, without closed(). */
void gh_conn_discard(struct gh_conn *conn);

#endif
