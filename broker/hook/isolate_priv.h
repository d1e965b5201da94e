/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's side of an isolated instance, for its own files. */
#ifndef GH_HOOK_ISOLATE_PRIV_H
#define GH_HOOK_ISOLATE_PRIV_H

#include "conf/arena.h"
#include "hook/carry.h"
#include "hook/handle.h"
#include "hook/instance_priv.h"
#include "hook/isolate.h"
#include "hook/link.h"

/* What may wait to be sent: events beyond it are lost and counted, questions are errors. */
#define GH_ISOLATE_QUEUE   (4u << 20)
#define GH_ISOLATE_METRICS GH_INSTANCE_METRICS_MAX

enum gh_isolate_stage {
	GH_ISOLATE_DOWN, /* there is no process */
	GH_ISOLATE_LOADING,
	GH_ISOLATE_LOADED, /* at first: create is the caller's to order */
	GH_ISOLATE_CREATING,
	GH_ISOLATE_SERVING,
	GH_ISOLATE_FAILED, /* at first: `error` says why, and there is no other attempt */
	GH_ISOLATE_ENDING
};

/* What a hook of the process is, in LOADED: bits. */
enum gh_isolate_hook {
	GH_ISOLATE_AUTHENTICATE = 1 << 0,
	GH_ISOLATE_EXCHANGE = 1 << 1,
	GH_ISOLATE_LOOKUP = 1 << 2,
	GH_ISOLATE_AUTHORIZE = 1 << 3,
	GH_ISOLATE_PUBLISH = 1 << 4,
	GH_ISOLATE_EVENT = 1 << 5,
	GH_ISOLATE_BARRIER = 1 << 6,
	GH_ISOLATE_SUBJECT = 1 << 7,
	GH_ISOLATE_ALONE = 1 << 8,
	GH_ISOLATE_HOOKS = (1 << 9) - 1
};

struct gh_isolate {
	struct gh_instance *instance;
	struct gh_loop *loop; /* of the thread, as all up to the lock */
	struct gh_inbox *inbox;
	struct gh_io *io;
	struct gh_timeout back_off, look;
	pid_t pid;
	uint64_t began_ms; /* the process */
	uint32_t wait_ms;  /* before the next one */
	struct gh_series *metrics[GH_ISOLATE_METRICS];
	unsigned metric_count;
	pthread_t thread;
	/* set by the first process, the same in all that follow it */
	struct gh_plugin plugin;
	struct gh_arena arena; /* of its texts */
	const char *file;
	struct gh_bytes descriptor; /* as the first has told it */
	uint32_t hooks;             /* enum gh_isolate_hook */
	uint64_t events;

	pthread_mutex_t lock;   /* of all below */
	pthread_cond_t changed; /* stage */
	enum gh_isolate_stage stage;
	struct gh_error error;
	struct gh_link link;    /* what comes in is the thread's */
	uint64_t epoch;         /* counts processes */
	struct gh_handles open; /* struct gh_isolate_question */
	struct gh_node asked;   /* the same, the oldest first */
	uint64_t lost;          /* events, since it was told */
	bool served;            /* the first has been created: the next ones are ours to start */
	bool create, start, alone, end; /* what was ordered */
	bool alone_open;                /* and wasn't answered */
	_Atomic uint64_t names;         /* of clients and exchanges; 0 and 1 are none */
	_Atomic pid_t shown_pid;
};

/* What the process will answer. */
enum gh_isolate_kind { GH_ISOLATE_ANSWER, GH_ISOLATE_BARRIER_END, GH_ISOLATE_REPLY };
struct gh_isolate_question {
	struct gh_node node;
	enum gh_isolate_kind kind;
	uint64_t id;
	uint64_t due_ms; /* nobody waits any more; UINT64_MAX: somebody always does */
	struct gh_ticket ticket;
	struct gh_barrier barrier;
};

/* Any thread. Which process it is now: what one was told, the next doesn't know. */
uint64_t gh_isolate_epoch(struct gh_isolate *isolate);
/* Any thread. False: that process isn't there any more, or too much waits; the frame is gone in any case. must: however much waits. */
bool gh_isolate_put(struct gh_isolate *isolate, uint64_t epoch, struct gh_buf *frame, bool must);
/* For what may be lost and needn't go at once: the thread sends what has come together. */
void gh_isolate_put_event(struct gh_isolate *isolate, uint64_t epoch, struct gh_buf *frame);
/* A question and its number, which the frame is to begin with. */
uint64_t gh_isolate_open(struct gh_isolate *isolate, const struct gh_isolate_question *question);
/* It is answered, or couldn't be sent. False: it isn't open (any more). */
bool gh_isolate_close(struct gh_isolate *isolate, uint64_t id, enum gh_isolate_kind kind,
		      struct gh_isolate_question *question_r);
/* The answer to a question comes from nowhere. */
void gh_isolate_fail(struct gh_isolate *isolate, const struct gh_isolate_question *question,
		     const char *why);

/* isolate_ask.c: the hooks that stand for the module's. */
void gh_isolate_set_hooks(struct gh_plugin *plugin, uint32_t hooks);
/* Runs whatever command the reply is of. */
int gh_isolate_run(void *isolate, size_t count, const char *const *arguments, struct gh_reply *reply);

/* isolate_take.c, on the thread: a frame of the process. False: it makes no sense, whoever sent it isn't what we started. */
bool gh_isolate_take(void *isolate, enum gh_link_kind kind, struct gh_bytes body);
/* isolate.c, for it. */
void gh_isolate_loaded(struct gh_isolate *isolate);
void gh_isolate_created(struct gh_isolate *isolate);
void gh_isolate_refused(struct gh_isolate *isolate, const char *text);
void gh_isolate_was_alone(struct gh_isolate *isolate, const char *failure); /* NULL: all is well */

#endif
