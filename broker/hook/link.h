/* SPDX-License-Identifier: Apache-2.0 */
/* Frames between the broker and the process of an isolated instance, over a socket that never makes anybody wait. */
#ifndef GH_HOOK_LINK_H
#define GH_HOOK_LINK_H

#include "base/buf.h"

/*
 * A frame: its length (4 bytes, of what follows), its kind, its body. One side sends them in the order of gh_link_put(); who has
 * several threads has a lock around each call. What has been sent or read is wiped: there are passwords in it.
 */
enum gh_link_kind {
	/* to the process */
	GH_LINK_LOAD =
		1, /* settings of the instance, the modules' directory: answered LOADED or FAILED */
	GH_LINK_CREATE, /* what it has kept: METRIC..., then CREATED or FAILED */
	GH_LINK_START,  /* it is in force */
	GH_LINK_ALONE,  /* answered WAS_ALONE */
	GH_LINK_CLIENT, /* a snapshot that others name by its number */
	GH_LINK_FORGET, /* none will */
	GH_LINK_ASK,    /* a hook: answered ANSWER */
	GH_LINK_CANCEL, /* a hook or an errand: nobody waits for it any more */
	GH_LINK_EXCHANGE_END,
	GH_LINK_EVENT,
	GH_LINK_LOST,    /* so many events didn't fit */
	GH_LINK_BARRIER, /* answered BARRIER_END */
	GH_LINK_ERRAND,  /* a command, or the subject hook: answered REPLY */
	GH_LINK_DESTROY, /* the end; answered by the end of the process */
	/* from it */
	GH_LINK_LOADED,
	GH_LINK_CREATED,
	GH_LINK_FAILED,
	GH_LINK_WAS_ALONE,
	GH_LINK_ANSWER,
	GH_LINK_BARRIER_END,
	GH_LINK_REPLY,
	GH_LINK_LOG,
	GH_LINK_METRIC,
	GH_LINK_ADD,
	GH_LINK_IGNORED, /* answers of the module's that were: too late, a second time, to nothing */
	GH_LINK_INJECT,
	GH_LINK_DISCONNECT,
	GH_LINK_BAN,
	GH_LINK_CLASS,
	GH_LINK_RECHECK,
	GH_LINK_REPLAY,
	GH_LINK_KEEP
};

/* An empty one, for gh_pack_ calls: its body follows. */
struct gh_buf gh_link_begin(enum gh_link_kind kind);
/* One that isn't sent: wiped and freed. Again: nothing. */
void gh_link_discard(struct gh_buf *frame);

struct gh_link {
	int fd;     /* -1: there is none */
	size_t max; /* of a frame that comes; at first GH_LINK_FRAME_MAX */
	struct gh_link_frame *first, **end;
	size_t queued; /* bytes that haven't been sent */
	uint8_t *in;   /* what has come and isn't a whole frame */
	size_t in_n, in_size;
};

void gh_link_init(struct gh_link *link, int fd);
/* Closes it; what was on its way is wiped. */
void gh_link_done(struct gh_link *link);

/* Takes the frame. Nothing is sent. */
void gh_link_put(struct gh_link *link, struct gh_buf *frame);
/* Sends what goes. False: the other side is gone. */
bool gh_link_send(struct gh_link *link);

/* Reads once and gives what is whole. False: the other side is gone, a frame is longer than max, or take() has said so. */
#define GH_LINK_FRAME_MAX (300u << 20) /* the longest packet there is, and something around it */
typedef bool gh_link_take_fn(void *arg, enum gh_link_kind kind, struct gh_bytes body);
bool gh_link_receive(struct gh_link *link, gh_link_take_fn *take, void *arg);

#endif
