/* SPDX-License-Identifier: Apache-2.0 */
/* What a module may ask of the broker. Read plugin.h first. */
#ifndef GATEHOUSE_HOST_H
#define GATEHOUSE_HOST_H

#include <gatehouse/types.h>
#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Promise: no call here waits for another thread, for I/O or for the network. Each copies what it is
 * given. Each may be called on any thread, unless it says: [hook] inside a hook only; [loop] on a
 * thread with a loop, a worker (thread_start, hooks) or the control thread (create, alone, commands);
 * [create], [alone] in that only. Elsewhere it returns GH_EINVAL (or a handle of id 0) and is logged.
 */
enum gh_level { GH_LOG_ERROR = 1, GH_LOG_WARNING, GH_LOG_NOTICE, GH_LOG_INFO, GH_LOG_DEBUG };
enum gh_metric_kind { GH_COUNTER = 1, GH_GAUGE, GH_HISTOGRAM };

/* Keys of gh_answer_*: use the functions below. */
/* clang-format off */
enum gh_answer_key {
	GH_A_FILE = 1, GH_A_LINE, GH_A_CAUSE, GH_A_REASON, GH_A_PRINCIPAL, GH_A_GROUP,
	GH_A_ATTRIBUTE, GH_A_EXPIRES, GH_A_CLIENT_ID, GH_A_SHOWN_USER, GH_A_AUTH_DATA,
	GH_A_MAX_QOS, GH_A_MAX_SIZE, GH_A_NO_RETAIN, GH_A_COVERS, GH_A_DISCONNECT, GH_A_CLASS,
	GH_A_PSK_KEY, GH_A_CACHE, GH_A_TOPIC, GH_A_PAYLOAD, GH_A_PROPERTY
};
/* clang-format on */

#define GH_READABLE 1u /* gh_watch_start() */
#define GH_WRITABLE 2u
struct gh_record; /* hooks.h */
/* One figure of the registry, core's and modules'. */
struct gh_sample {
	uint32_t size, kind; /* enum gh_metric_kind */
	const char *name;    /* "gatehouse_publish_received_total" */
	const char *labels;  /* `instance="acl"` or "" */
	const char *help;
	double value; /* of a histogram: the sum */
	uint64_t count; /* of a histogram */
};

typedef void gh_work_fn(void *instance, void *arg);
typedef void gh_watch_fn(void *instance, void *arg, int fd, unsigned events);
typedef void gh_free_fn(void *data);
typedef void gh_sample_fn(void *arg, const struct gh_sample *sample);
typedef void gh_recall_fn(void *arg, struct gh_bytes key, struct gh_bytes value);

/* Only appended to. A module never looks at size: an older broker refuses to load it. */
struct gh_host_api {
	uint32_t size, abi;
	void (*log)(struct gh_host *, int level, const char *fmt, va_list ap);
	uint64_t (*now)(struct gh_host *);
	int64_t (*wall)(struct gh_host *);
	void *(*local)(struct gh_host *);
	const char *(*name)(struct gh_host *);
	void (*error)(struct gh_error *, const char *option, const char *fmt, va_list ap);
	int (*observe)(struct gh_host *, uint64_t mask);
	void (*answer_bytes)(struct gh_answer *, uint32_t key, const void *p, size_t n);
	void (*answer_pair)(struct gh_answer *, uint32_t key, const char *name, const char *value);
	void (*answer_number)(struct gh_answer *, uint32_t key, int64_t value);
	void (*answer_why)(struct gh_answer *, const char *fmt, va_list ap);
	struct gh_ticket (*pend)(struct gh_answer *);
	uint32_t (*time_left)(struct gh_answer *);
	struct gh_answer *(*answer_begin)(struct gh_host *, struct gh_ticket);
	void (*answer_end)(struct gh_answer *, enum gh_verdict);
	bool (*ticket_open)(struct gh_host *, struct gh_ticket);
	struct gh_metric (*metric)(struct gh_host *, uint32_t kind, const char *name,
				   const char *labels, const char *help);
	void (*metric_add)(struct gh_host *, struct gh_metric, double);
	/* ABI 0.2 */
	const char *(*directory)(struct gh_host *);
	int (*replay)(struct gh_host *, uint64_t mask);
	int (*offload)(struct gh_host *, gh_work_fn *, void *arg);
	struct gh_timer (*timer)(struct gh_host *, uint32_t first_ms, uint32_t repeat_ms, gh_work_fn *,
				 void *arg);
	void (*timer_stop)(struct gh_host *, struct gh_timer);
	struct gh_watch (*watch)(struct gh_host *, int fd, unsigned events, gh_watch_fn *, void *arg);
	int (*watch_change)(struct gh_host *, struct gh_watch, unsigned events);
	void (*watch_stop)(struct gh_host *, struct gh_watch);
	int (*inject)(struct gh_host *, const struct gh_message *, uint32_t expiry_s);
	int (*disconnect)(struct gh_host *, struct gh_subject, uint8_t reason, const char *why);
	int (*ban)(struct gh_host *, struct gh_subject, uint32_t seconds, const char *why);
	int (*set_class)(struct gh_host *, struct gh_subject, const char *name, uint32_t seconds);
	int (*recheck)(struct gh_host *, struct gh_subject);
	int (*attach)(struct gh_host *, const struct gh_client *, void *data, gh_free_fn *);
	void *(*attached)(struct gh_host *, const struct gh_client *);
	int (*metrics_each)(struct gh_host *, gh_sample_fn *, void *arg);
	void (*reply_field)(struct gh_reply *, const char *name, const char *fmt, va_list ap);
	void (*reply_row)(struct gh_reply *);
	struct gh_bytes (*reply_secret)(struct gh_reply *);
	struct gh_ticket (*reply_pend)(struct gh_reply *);
	struct gh_reply *(*reply_begin)(struct gh_host *, struct gh_ticket);
	void (*reply_end)(struct gh_reply *, int rc, const char *message);
	void (*barrier_end)(struct gh_host *, struct gh_barrier, int rc);
	int (*keep)(struct gh_host *, struct gh_bytes key, struct gh_bytes value);
	int (*recall)(struct gh_host *, gh_recall_fn *, void *arg);
	int (*sink_put)(struct gh_sink *, const struct gh_record *);
	struct gh_ticket (*sink_pend)(struct gh_sink *);
	struct gh_sink *(*sink_begin)(struct gh_host *, struct gh_ticket);
	void (*sink_end)(struct gh_sink *, int rc);
};
/* Host, answer, reply, sink and error begin with the table; the rest is the broker's. */
struct gh_object {
	const struct gh_host_api *api;
};
#define GH_API(x) (((const struct gh_object *)(const void *)(x))->api)
#define GH_FN static inline GH_UNUSED

/* clang-format off */
/* ---- log, time, place -------------------------------------------------------------------------- */
/* One line, no newline; the core adds the instance's name and escapes what isn't printable. */
GH_FN GH_PRINTF(3, 4) void gh_log(struct gh_host *h, enum gh_level level, const char *fmt, ...)
{ va_list ap; va_start(ap, fmt); GH_API(h)->log(h, (int)level, fmt, ap); va_end(ap); }
/* Monotonic nanoseconds, and Unix seconds. A test host simulates both: ask no other clock. */
GH_FN uint64_t gh_now(struct gh_host *h) { return GH_API(h)->now(h); }
GH_FN int64_t gh_wall(struct gh_host *h) { return GH_API(h)->wall(h); }
/* What thread_start made for this thread; NULL: control thread, gh_offload(), the module's own. */
GH_FN void *gh_local(struct gh_host *h) { return GH_API(h)->local(h); }
/* The instance's name (key of its section), and a directory of its own to write in, absolute, made by
 * the first who asks, 0700. Both live as long as the instance. NULL: it can't be made (logged). While
 * a configuration is only checked (--check-config) it is named and not made: look before you read. */
GH_FN const char *gh_name(struct gh_host *h) { return GH_API(h)->name(h); }
GH_FN const char *gh_directory(struct gh_host *h) { return GH_API(h)->directory(h); }
/* [create, alone] Why it fails. With an option's name ("servers.0.url") the core adds its place. */
GH_FN GH_PRINTF(3, 4) void gh_fail(struct gh_error *e, const char *option, const char *fmt, ...)
{ va_list ap; va_start(ap, fmt); GH_API(e)->error(e, option, fmt, ap); va_end(ap); }
/* [create] The kinds of event wanted (GH_EV_...). */
GH_FN int gh_observe(struct gh_host *h, uint64_t mask) { return GH_API(h)->observe(h, mask); }
/* [alone] What is true already, told as events of these kinds: CONNECT and SUBSCRIBE, code 1. Worker
 * by worker; what comes live meanwhile may be told too, so take it as a set. */
GH_FN int gh_replay(struct gh_host *h, uint64_t mask) { return GH_API(h)->replay(h, mask); }

/* ---- the answer of a hook: each call copies ---------------------------------------------------- */#define GH_TEXT(name, key) \
GH_FN void gh_answer_##name(struct gh_answer *a, const char *s) \
{ size_t n = 0; while (s && s[n]) n++; GH_API(a)->answer_bytes(a, key, s, n); }
#define GH_BYTES(name, key) \
GH_FN void gh_answer_##name(struct gh_answer *a, const void *p, size_t n) \
{ GH_API(a)->answer_bytes(a, key, p, n); }
#define GH_NUMBER(name, key) \
GH_FN void gh_answer_##name(struct gh_answer *a, int64_t v) { GH_API(a)->answer_number(a, key, v); }
#define GH_FLAG(name, key) \
GH_FN void gh_answer_##name(struct gh_answer *a) { GH_API(a)->answer_number(a, key, 1); }
#define GH_PAIR(name, key) \
GH_FN void gh_answer_##name(struct gh_answer *a, const char *n, const char *v) \
{ GH_API(a)->answer_pair(a, key, n, v); }

/* Any hook: for people (audit, explain). On ALLOW and PASS only worth it under GH_EXPLAIN. */
GH_FN GH_PRINTF(2, 3) void gh_answer_why(struct gh_answer *a, const char *fmt, ...)
{ va_list ap; va_start(ap, fmt); GH_API(a)->answer_why(a, fmt, ap); va_end(ap); }
/* Any hook: where it is written, and the MQTT 5 reason code of a denial (the core's own else). */
GH_TEXT(file, GH_A_FILE)
GH_NUMBER(line, GH_A_LINE)
GH_NUMBER(reason, GH_A_REASON)
/*
 * Logins. The principal is named once: another module of the list naming another one denies. Groups
 * and attributes add up; the earliest expiry (Unix seconds) and the first limits class hold; a class
 * that isn't configured makes the ALLOW an ERROR. A client_id also holds with PASS. shown_user, with
 * any verdict, replaces the CONNECT's user name in logs and events when that may be a secret; "" hides
 * it. auth_data: exchange, with CONTINUE and ALLOW. psk_key: psk.
 */
GH_NUMBER(cause, GH_A_CAUSE)
GH_TEXT(principal, GH_A_PRINCIPAL)
GH_TEXT(group, GH_A_GROUP)
GH_PAIR(attribute, GH_A_ATTRIBUTE)
GH_NUMBER(expires, GH_A_EXPIRES)
GH_TEXT(limits_class, GH_A_CLASS)
GH_TEXT(client_id, GH_A_CLIENT_ID)
GH_TEXT(shown_user, GH_A_SHOWN_USER)
GH_BYTES(auth_data, GH_A_AUTH_DATA)
GH_BYTES(psk_key, GH_A_PSK_KEY)
/*
 * authorize. Limits are part of an ALLOW, the least of all modules asked holds: max_qos (a SUBSCRIBE
 * is granted less, a PUBLISH above it denied), max_size (bytes of payload), no_retain.
 * cache(s): this answer (PASS, ALLOW or DENY) depends on nothing but client, action and topic, and
 * holds for s seconds, 0: until the policy or the client's identity changes, which ends it always. A
 * verdict is kept if every module asked said so, for the least of the times.
 * covers(): with PASS or ALLOW to SUBSCRIBE: "so I would answer every delivery under that filter", as
 * long as cache() says, without it until the policy or the identity changes. RECEIVE is skipped only
 * when every module asked has said it. disconnect(): with DENY: the client is disconnected too.
 */
GH_NUMBER(max_qos, GH_A_MAX_QOS)
GH_NUMBER(max_size, GH_A_MAX_SIZE)
GH_FLAG(no_retain, GH_A_NO_RETAIN)
GH_NUMBER(cache, GH_A_CACHE)
GH_FLAG(covers, GH_A_COVERS)
GH_FLAG(disconnect, GH_A_DISCONNECT)
/* publish. property: a user property, the first of its name is replaced, or added; NULL: all are removed. */
GH_BYTES(topic, GH_A_TOPIC)
GH_BYTES(payload, GH_A_PAYLOAD)
GH_PAIR(property, GH_A_PROPERTY)
#undef GH_TEXT
#undef GH_BYTES
#undef GH_NUMBER
#undef GH_FLAG
#undef GH_PAIR

/* ---- tickets ----------------------------------------------------------------------------------- */
/* [hook] Then return GH_PENDING; with any other verdict the ticket is void. id 0: refused, say ERROR. */
GH_FN struct gh_ticket gh_pend(struct gh_answer *a) { return GH_API(a)->pend(a); }
/* Milliseconds until the core denies by itself. */
GH_FN uint32_t gh_time_left(struct gh_answer *a) { return GH_API(a)->time_left(a); }
/*
 * NULL: too late, answered, client gone, or never given: nothing to do. Else fill it and end it, on
 * the same thread. What is never answered costs nothing but the client's wait: the core closes it at
 * the deadline. An answer given before the hook returned takes effect after it.
 */
GH_FN struct gh_answer *gh_answer_begin(struct gh_host *h, struct gh_ticket t)
{ return GH_API(h)->answer_begin(h, t); }
GH_FN void gh_answer_end(struct gh_answer *a, enum gh_verdict v) { GH_API(a)->answer_end(a, v); }
/* A hint: does anybody still wait? (before a retransmission) */
GH_FN bool gh_ticket_open(struct gh_host *h, struct gh_ticket t) { return GH_API(h)->ticket_open(h, t); }

/* ---- work -------------------------------------------------------------------------------------- */
/* fn runs once, always, on a thread that all instances share, beside hooks whatever the flags: touch
 * arg and what you lock. In create: once that has returned (instance NULL: it failed). GH_EBUSY: 1,024
 * wait already, or the instance is at its end: nothing waits for it any more. */
GH_FN int gh_offload(struct gh_host *h, gh_work_fn *fn, void *arg) { return GH_API(h)->offload(h, fn, arg); }
/* [loop; with GH_BLOCKING any thread of the core's] fn runs on this thread as a hook does (with
 * GH_BLOCKING on a thread of the instance). repeat_ms 0: once. Those made in create start when it is
 * in force, or never, if the configuration is refused. What was missed isn't made up for; a firing on
 * a thread of the instance waits for the one before. id 0: refused. gh_timer_stop: any thread; on the
 * timer's own it never fires again. */
GH_FN struct gh_timer gh_timer_start(struct gh_host *h, uint32_t first_ms, uint32_t repeat_ms, gh_work_fn *fn, void *arg)
{ return GH_API(h)->timer(h, first_ms, repeat_ms, fn, arg); }
GH_FN void gh_timer_stop(struct gh_host *h, struct gh_timer t) { GH_API(h)->timer_stop(h, t); }
/* [loop] A descriptor of the module's, level-triggered (GH_READABLE, GH_WRITABLE); stop, then close
 * it. Change and stop: on the thread that started it. Made in create: as timers are. */
GH_FN struct gh_watch gh_watch_start(struct gh_host *h, int fd, unsigned events, gh_watch_fn *fn, void *arg)
{ return GH_API(h)->watch(h, fd, events, fn, arg); }
GH_FN int gh_watch_change(struct gh_host *h, struct gh_watch w, unsigned events) { return GH_API(h)->watch_change(h, w, events); }
GH_FN void gh_watch_stop(struct gh_host *h, struct gh_watch w) { GH_API(h)->watch_stop(h, w); }

/* ---- acts: posted to who owns the subject; 0: posted, which isn't done ------------------------- */
/* As this instance: not authorized, not given to publish hooks, not told to this instance; RECEIVE is
 * asked. Topic, qos, retain, payload and properties count. expiry_s 0: never. GH_EBUSY: not sent. */
GH_FN int gh_inject(struct gh_host *h, const struct gh_message *m, uint32_t expiry_s) { return GH_API(h)->inject(h, m, expiry_s); }
GH_FN int gh_disconnect(struct gh_host *h, struct gh_subject s, uint8_t reason, const char *why) { return GH_API(h)->disconnect(h, s, reason, why); }
/* Who is banned is disconnected and refused: an address or prefix at accept, a client id or principal
 * at CONNECT. seconds 0 lifts it. GH_EBUSY: the table is full. */
GH_FN int gh_ban(struct gh_host *h, struct gh_subject s, uint32_t seconds, const char *why) { return GH_API(h)->ban(h, s, seconds, why); }
/* Another class of limits (`limits: classes:`) for whoever is connected now; with a client id, principal
 * or address and seconds, also for whoever connects as that in this time. It comes before the class of
 * the login. seconds 0: until the connection ends. NULL: what holds by this subject is lifted, and it is
 * back to its own; everyone: all of it. What CONNACK said stays; nothing is asked again because of it.
 * Told as GH_EV_IDENTITY, "class changed". GH_ENOENT: no such class. GH_EBUSY: the table is full. */
GH_FN int gh_set_class(struct gh_host *h, struct gh_subject s, const char *name, uint32_t seconds) { return GH_API(h)->set_class(h, s, name, seconds); }
/* The policy changed for these: verdicts are dropped, lookup and live rights asked again. Cheap. */
GH_FN int gh_recheck(struct gh_host *h, struct gh_subject s) { return GH_API(h)->recheck(h, s); }

/* ---- per connection, metrics ------------------------------------------------------------------- */
/* [hook, on the client's worker] One slot a connection and instance. A cache: it can be rebuilt from
 * the identity; freed on the worker when the connection, the identity or the instance ends, or by
 * attaching again. GH_ENOENT: the client is offline or hypothetical. */
GH_FN int gh_attach(struct gh_host *h, const struct gh_client *c, void *data, gh_free_fn *fn) { return GH_API(h)->attach(h, c, data, fn); }
GH_FN void *gh_attached(struct gh_host *h, const struct gh_client *c) { return GH_API(h)->attached(h, c); }
/* [create] Shown as gatehouse_<module>_<name>{instance="..."}; lives on over a reload. labels:
 * `kind="x"` or NULL. A histogram is of seconds. id 0: refused (logged). */
GH_FN struct gh_metric gh_metric_new(struct gh_host *h, enum gh_metric_kind kind, const char *name, const char *labels, const char *help)
{ return GH_API(h)->metric(h, (uint32_t)kind, name, labels, help); }
GH_FN void gh_metric_add(struct gh_host *h, struct gh_metric m, double v) { GH_API(h)->metric_add(h, m, v); }
/* Every figure of the registry, now. fn is called before it returns. Isolated: GH_ENOTSUP. */
GH_FN int gh_metrics_each(struct gh_host *h, gh_sample_fn *fn, void *arg) { return GH_API(h)->metrics_each(h, fn, arg); }

/* ---- replies of commands and subject ----------------------------------------------------------- */
/* Rows of named fields: a table for people, JSON for --json. gh_reply_row() begins the next one. */
GH_FN GH_PRINTF(3, 4) void gh_reply_field(struct gh_reply *r, const char *name, const char *fmt, ...)
{ va_list ap; va_start(ap, fmt); GH_API(r)->reply_field(r, name, fmt, ap); va_end(ap); }
GH_FN void gh_reply_row(struct gh_reply *r) { GH_API(r)->reply_row(r); }
/* [in the command] What was typed or piped in for GH_CMD_SECRET: one line, without its end. Gone and
 * wiped when the command returns. */
GH_FN struct gh_bytes gh_reply_secret(struct gh_reply *r) { return GH_API(r)->reply_secret(r); }
/* In the command: then return GH_LATER. Later, on any thread: begin (NULL: too late, or ended), rows, end
 * on the same thread. message: of an error, else NULL; without GH_LATER: of the error then returned. */
GH_FN struct gh_ticket gh_reply_pend(struct gh_reply *r) { return GH_API(r)->reply_pend(r); }
GH_FN struct gh_reply *gh_reply_begin(struct gh_host *h, struct gh_ticket t) { return GH_API(h)->reply_begin(h, t); }
GH_FN void gh_reply_end(struct gh_reply *r, int rc, const char *message) { GH_API(r)->reply_end(r, rc, message); }

/* ---- what lasts -------------------------------------------------------------------------------- */
/* After GH_LATER of barrier: rc 0, or below 0: it isn't safe, refuse. Late and double ones are ignored. */
GH_FN void gh_barrier_end(struct gh_host *h, struct gh_barrier b, int rc) { GH_API(h)->barrier_end(h, b, rc); }
/* A few bytes in the store, under the instance's name: key 1 to 256 bytes, value.n 0 erases. Beyond 1,024
 * keys or 256 KiB in all: GH_EBUSY. Without a store, in its own instance: GH_ENOTSUP. GH_EIO: not kept. */
GH_FN int gh_keep(struct gh_host *h, struct gh_bytes key, struct gh_bytes value) { return GH_API(h)->keep(h, key, value); }
/* [create] Each of them, by their keys' order; fn is called before it returns. */
GH_FN int gh_recall(struct gh_host *h, gh_recall_fn *fn, void *arg) { return GH_API(h)->recall(h, fn, arg); }
/* A store's load and fetch: copies. An error: there is too much of it, or it can't be: stop. */
GH_FN int gh_sink_put(struct gh_sink *s, const struct gh_record *r) { return GH_API(s)->sink_put(s, r); }
/* In fetch: then return GH_LATER. Later, as with replies: begin (NULL: nobody waits), puts, end. */
GH_FN struct gh_ticket gh_sink_pend(struct gh_sink *s) { return GH_API(s)->sink_pend(s); }
GH_FN struct gh_sink *gh_sink_begin(struct gh_host *h, struct gh_ticket t) { return GH_API(h)->sink_begin(h, t); }
GH_FN void gh_sink_end(struct gh_sink *s, int rc) { GH_API(s)->sink_end(s, rc); }
/* clang-format on */

#ifdef __cplusplus
}
#endif
#endif
