/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core of gatehouse-testhost: one module at work without a broker, on a clock that only its user
 * moves. What reads scripts is above it (script.h); what replays recorded events by the million uses
 * this header alone.
 *
 *   gh_testhost_open("auth-file.so", &host, &error);
 *   gh_testhost_option(host, "file", NULL, "users", "script:1", &error);
 *   gh_testhost_create(host, &error);
 *   gh_testhost_ask(host, GH_AT_AUTHORIZE, &in, &answer);
 *   gh_testhost_event(host, &event);
 *   gh_testhost_advance(host, 1000000000);
 *   gh_testhost_free(&host);
 *
 * One thread uses it, and is worker and control thread to the module; a blocking instance and
 * gh_offload() have one thread each, which is waited for: so that whatever happens, happens in one
 * order. The module's own threads may call the host at any time, as in the broker.
 */
#ifndef GH_TESTHOST_H
#define GH_TESTHOST_H

#include "answer.h"
#include "reply.h"
#include "sink.h"

struct gh_testhost;

/* Why something failed. */
struct gh_error {
	const struct gh_host_api *api; /* first: modules see a gh_object */
	char option[128];
	char text[512];
};
int gh_error_set(struct gh_error *error, int code, const char *fmt, ...) GH_PRINTF(3, 4);

/* ---- life ---- */
/* file: NAME.so. 0; or an error with the true reason. */
int gh_testhost_open(const char *file, struct gh_testhost **host_r, struct gh_error *error);
/* Destroys what is at work. The module stays mapped: reports of leaks can name its functions. */
void gh_testhost_free(struct gh_testhost **host);
const struct gh_plugin *gh_testhost_plugin(const struct gh_testhost *host);

/* Before create; each is copied. */
void gh_testhost_name(struct gh_testhost *host, const char *name); /* the module's, if not given */
const char *gh_testhost_named(const struct gh_testhost *host);
void gh_testhost_directory(struct gh_testhost *host,
			   const char *path); /* below which gh_directory() is */
void gh_testhost_clock(struct gh_testhost *host, int64_t wall_us); /* 2026-01-01 00:00, if not given */
void gh_testhost_timeout(struct gh_testhost *host, uint64_t ms); /* of a question; 5 s */
void gh_testhost_show(struct gh_testhost *host,
		      int level); /* the log to stderr; warnings, if not given */

/*
 * An option, for the instances made from now on. path: "file", "answers.0.user"; place: where it is
 * written, for messages; base: what relative paths are relative to. A list takes several words;
 * count 0 takes the option away again.
 */
void gh_testhost_option(struct gh_testhost *host, const char *path, const char *const *words,
			size_t count, const char *place);
void gh_testhost_base(struct gh_testhost *host, const char *directory);
char *gh_testhost_path(const struct gh_testhost *host, const char *path); /* to be freed */

/* create, a store's load, thread_start and alone. An error is create's or load's: where alone fails,
 * the instance is left, and answers GH_ERROR to all. */
int gh_testhost_create(struct gh_testhost *host, struct gh_error *error);
/* Another one takes the place of the one at work, which is destroyed as soon as nothing of it is
 * open; then the new one is alone. On an error of create the old one stays. A store isn't replaced. */
int gh_testhost_reload(struct gh_testhost *host, struct gh_error *error);
void gh_testhost_destroy(struct gh_testhost *host);
const char *gh_testhost_failure(const struct gh_testhost *host); /* why alone failed; NULL: it didn't */
bool gh_testhost_works(const struct gh_testhost *host);          /* there is one */
unsigned gh_testhost_drains(const struct gh_testhost *host);     /* old ones that are still there */
/* What it is told by gh_replay(): event by event, until false. */
typedef bool gh_replay_fn(void *arg, size_t index, struct gh_event *event_r);
void gh_testhost_replay(struct gh_testhost *host, gh_replay_fn *fn, void *arg);

/* ---- time ---- */
uint64_t gh_testhost_now(struct gh_testhost *host); /* ns */
int64_t gh_testhost_wall(struct gh_testhost *host); /* Unix microseconds */
/* Timers run and deadlines pass on the way, in order. False: a timer doesn't let the time go on. */
bool gh_testhost_advance(struct gh_testhost *host, uint64_t ns);
/* What waits to be done now: offloaded work, descriptors, the end of old instances. */
void gh_testhost_settle(struct gh_testhost *host);

/* ---- hooks ---- */
bool gh_testhost_has(const struct gh_testhost *host, enum gh_point point);
/* in: the hook's argument; of accept and handshake the client. NULL: it has no such hook, or isn't
 * asked. The caller frees the answer; PENDING has its ticket. */
struct gh_answer *gh_testhost_ask(struct gh_testhost *host, enum gh_point point, const void *in);
/* False: not a kind that it observes. The event is given as it is, without a copy. */
bool gh_testhost_event(struct gh_testhost *host, const struct gh_event *event);

/* An exchange stays with the instance that it began at. { 0 } before its first step; in->step and
 * in->state are filled in. */
struct gh_run {
	struct gh_instance *instance;
	void *state;
	uint32_t step;
};
struct gh_answer *gh_testhost_exchange(struct gh_testhost *host, struct gh_run *run,
				       struct gh_exchange *in);
void gh_testhost_exchange_end(struct gh_testhost *host, struct gh_run *run);

/* NULL: not answered yet. Once there is an answer, the ticket is closed by this. */
struct gh_answer *gh_testhost_take(struct gh_testhost *host, struct gh_ticket ticket);
/* Nobody has answered it yet, and somebody waits. */
bool gh_testhost_waits(struct gh_testhost *host, struct gh_ticket ticket);
/* Nobody waits for it any more. */
void gh_testhost_drop(struct gh_testhost *host, struct gh_ticket ticket);
/* Real time: until a thread of the module's, a descriptor or offloaded work has answered. */
bool gh_testhost_wait(struct gh_testhost *host, struct gh_ticket ticket, unsigned ms);
struct gh_ticket_counts gh_testhost_tickets(struct gh_testhost *host);

/* 0, GH_LATER or an error; GH_ENOENT with error->text: the module has no such hook. */
int gh_testhost_barrier(struct gh_testhost *host, struct gh_error *error);
struct gh_barrier_counts {
	unsigned open;
	uint64_t raised, passed, refused;
	uint64_t ignored; /* ended twice, by another instance, or never raised */
};
struct gh_barrier_counts gh_testhost_barriers(struct gh_testhost *host);

/* ---- store ---- */
/* What it told when it was loaded; NULL: no store was. */
const struct gh_sink *gh_testhost_loaded(const struct gh_testhost *host);
/* 0 or an error; GH_ENOENT with error->text: there is no store. */
int gh_testhost_put(struct gh_testhost *host, const struct gh_record *record, struct gh_error *error);
int gh_testhost_erase(struct gh_testhost *host, const struct gh_record *record,
		      struct gh_error *error);
/* limit: 64 at most. What it told, freed by the caller; pending, and then the ticket. NULL: there is
 * no store. */
struct gh_sink *gh_testhost_fetch(struct gh_testhost *host, const struct gh_record *after,
				  uint32_t limit, struct gh_error *error);
struct gh_sink *gh_testhost_take_fetch(struct gh_testhost *host, struct gh_ticket ticket);
void gh_testhost_drop_fetch(struct gh_testhost *host, struct gh_ticket ticket);

/* What gh_keep() has kept, or is to find again: 0, GH_EINVAL, or GH_EBUSY beyond its bounds. */
int gh_testhost_keep(struct gh_testhost *host, struct gh_bytes key, struct gh_bytes value);
/* To be freed; p NULL: nothing is. */
struct gh_bytes gh_testhost_kept(struct gh_testhost *host, struct gh_bytes key);
size_t gh_testhost_kept_count(struct gh_testhost *host);
/* From now on there is no store that it would be in. */
void gh_testhost_storeless(struct gh_testhost *host);

/* The connection ended: what was attached is freed. */
void gh_testhost_gone(struct gh_testhost *host, uint64_t connection);

/* ---- commands and subject ---- */
/* The reply: "ok" or "error" with rows; "pending", and then the ticket. */
struct gh_reply *gh_testhost_command(struct gh_testhost *host, const char *name, size_t count,
				     const char *const *arguments, struct gh_bytes secret,
				     struct gh_error *error);
struct gh_reply *gh_testhost_subject(struct gh_testhost *host, bool forget,
				     struct gh_subject subject, struct gh_error *error);
struct gh_reply *gh_testhost_take_reply(struct gh_testhost *host, struct gh_ticket ticket);
void gh_testhost_drop_reply(struct gh_testhost *host, struct gh_ticket ticket);

/* ---- what the module did ---- */
enum gh_act_kind {
	GH_ACT_INJECT = 1,
	GH_ACT_DISCONNECT,
	GH_ACT_BAN,
	GH_ACT_CLASS,
	GH_ACT_RECHECK,
	GH_ACT_OFFLOAD, /* this and the next for gh_testhost_busy() only */
	GH_ACT_KEEP,
	GH_ACT_SINK /* gh_sink_put() */
};
struct gh_act {
	struct gh_act *next;
	enum gh_act_kind kind;
	int64_t wall_us;
	struct gh_subject subject; /* text is its own */
	char *text;                /* why, or the class */
	uint32_t seconds;
	uint8_t reason, qos;
	bool retain;
	struct gh_bytes topic, payload, properties; /* its own */
};
/* The oldest; NULL: none. Freed by the caller. */
struct gh_act *gh_testhost_act(struct gh_testhost *host);
void gh_act_free(struct gh_act **act);
void gh_act_facts(const struct gh_act *act, struct gh_facts *facts);
/* From now on such calls return this code (GH_EBUSY); 0: they don't. */
void gh_testhost_busy(struct gh_testhost *host, enum gh_act_kind kind, int code);
void gh_testhost_class(struct gh_testhost *host, const char *name); /* one that there is */

/* A line of the log of this level (0: any), with this in it. */
bool gh_testhost_logged(struct gh_testhost *host, int level, const char *text);
void gh_testhost_log_clear(struct gh_testhost *host);

/* A figure of the core's, for gh_metrics_each(). */
void gh_testhost_figure(struct gh_testhost *host, const char *name, const char *labels, double value);
/* By its short name ("answers_total") or the whole one. False: no such. */
bool gh_testhost_metric(struct gh_testhost *host, const char *name, const char *labels,
			struct gh_sample *sample_r);

#endif
