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
 * given. Each may be called on any thread, unless it says: [hook] inside a hook only; [create] in
 * create only. Elsewhere it returns GH_EINVAL (or a handle of id 0) and is logged once.
 */
enum gh_level {
	GH_LOG_ERROR = 1,
	GH_LOG_WARNING,
	GH_LOG_NOTICE,
	GH_LOG_INFO,
	GH_LOG_DEBUG
};

enum gh_metric_kind { GH_COUNTER = 1, GH_GAUGE, GH_HISTOGRAM };

/* Keys of gh_answer_*: use the functions below. */
enum gh_answer_key {
	GH_A_FILE = 1,
	GH_A_LINE,
	GH_A_CAUSE,
	GH_A_REASON,
	GH_A_PRINCIPAL,
	GH_A_GROUP,
	GH_A_ATTRIBUTE,
	GH_A_EXPIRES,
	GH_A_CLIENT_ID,
	GH_A_SHOWN_USER,
	GH_A_AUTH_DATA,
	GH_A_MAX_QOS,
	GH_A_MAX_SIZE,
	GH_A_NO_RETAIN,
	GH_A_COVERS,
	GH_A_DISCONNECT
};

/* Only appended to. A module never looks at size: a broker older than its header refuses to load it. */
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
};
/* Host, answer and error each begin with the table; the rest is the broker's. */
struct gh_object {
	const struct gh_host_api *api;
};
#define GH_API(x) (((const struct gh_object *)(const void *)(x))->api)
#define GH_FN static inline GH_UNUSED

/* ---- log, time, place -------------------------------------------------------------------------- */
/* One line, no newline; the core adds the instance's name and escapes what isn't printable. */
GH_FN GH_PRINTF(3, 4) void gh_log(struct gh_host *h, enum gh_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	GH_API(h)->log(h, (int)level, fmt, ap);
	va_end(ap);
}
/* Monotonic nanoseconds, and Unix seconds. A test host simulates both: ask no other clock. */
GH_FN uint64_t gh_now(struct gh_host *h)
{
	return GH_API(h)->now(h);
}
GH_FN int64_t gh_wall(struct gh_host *h)
{
	return GH_API(h)->wall(h);
}
/* What thread_start made for the calling thread; NULL on the control thread and the module's own. */
GH_FN void *gh_local(struct gh_host *h)
{
	return GH_API(h)->local(h);
}
/* The instance's name (key of its section). Lives as long as the instance. */
GH_FN const char *gh_name(struct gh_host *h)
{
	return GH_API(h)->name(h);
}
/* [create] Why it fails. With an option's name ("servers.0.url") the core adds where its value stands. */
GH_FN GH_PRINTF(3, 4) void gh_fail(struct gh_error *e, const char *option, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	GH_API(e)->error(e, option, fmt, ap);
	va_end(ap);
}
/* [create] The kinds of event wanted (GH_EV_...); none else is delivered. */
GH_FN int gh_observe(struct gh_host *h, uint64_t mask)
{
	return GH_API(h)->observe(h, mask);
}

/* ---- the answer of a hook: each call copies ---------------------------------------------------- */
#define GH_TEXT(name, key)                                                                           \
	GH_FN void gh_answer_##name(struct gh_answer *a, const char *s)                              \
	{                                                                                            \
		size_t n = 0;                                                                        \
		while (s && s[n])                                                                    \
			n++;                                                                         \
		GH_API(a)->answer_bytes(a, key, s, n);                                               \
	}
#define GH_NUMBER(name, key)                                                                         \
	GH_FN void gh_answer_##name(struct gh_answer *a, int64_t v)                                  \
	{                                                                                            \
		GH_API(a)->answer_number(a, key, v);                                                 \
	}
#define GH_FLAG(name, key)                                                                           \
	GH_FN void gh_answer_##name(struct gh_answer *a)                                             \
	{                                                                                            \
		GH_API(a)->answer_number(a, key, 1);                                                 \
	}

/* Any hook: for people (audit, explain). On ALLOW and PASS only worth it under GH_EXPLAIN. */
GH_FN GH_PRINTF(2, 3) void gh_answer_why(struct gh_answer *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	GH_API(a)->answer_why(a, fmt, ap);
	va_end(ap);
}
/* Any hook: where it is written, and the MQTT 5 reason code of a denial (the core's own else). */
GH_TEXT(file, GH_A_FILE)
GH_NUMBER(line, GH_A_LINE)
GH_NUMBER(reason, GH_A_REASON)
/*
 * Logins. The principal is named once: another module of the list naming another one denies. Groups
 * and attributes add up; the earliest expiry (Unix seconds) holds. A client_id also holds with PASS.
 * shown_user replaces the CONNECT's user name in logs and events when that may be a secret; "" hides
 * it. auth_data: exchange, with CONTINUE and ALLOW.
 */
GH_NUMBER(cause, GH_A_CAUSE)
GH_TEXT(principal, GH_A_PRINCIPAL)
GH_TEXT(group, GH_A_GROUP)
GH_FN void gh_answer_attribute(struct gh_answer *a, const char *name, const char *value)
{
	GH_API(a)->answer_pair(a, GH_A_ATTRIBUTE, name, value);
}
GH_NUMBER(expires, GH_A_EXPIRES)
GH_TEXT(client_id, GH_A_CLIENT_ID)
GH_TEXT(shown_user, GH_A_SHOWN_USER)
GH_FN void gh_answer_auth_data(struct gh_answer *a, const void *p, size_t n)
{
	GH_API(a)->answer_bytes(a, GH_A_AUTH_DATA, p, n);
}
/*
 * authorize. The limits are part of an ALLOW; the least of all modules asked holds: max_qos (a
 * SUBSCRIBE is granted less, a PUBLISH above it denied), max_size (bytes of payload), no_retain.
 * covers(): with PASS or ALLOW to SUBSCRIBE: "so I would answer every delivery under that filter",
 * until the policy or the client's identity changes. It speaks for this module alone: RECEIVE is
 * skipped only when every module asked has said it.
 * disconnect(): with DENY: the client is disconnected too.
 */
GH_NUMBER(max_qos, GH_A_MAX_QOS)
GH_NUMBER(max_size, GH_A_MAX_SIZE)
GH_FLAG(no_retain, GH_A_NO_RETAIN)
GH_FLAG(covers, GH_A_COVERS)
GH_FLAG(disconnect, GH_A_DISCONNECT)
#undef GH_TEXT
#undef GH_NUMBER
#undef GH_FLAG

/* ---- tickets ----------------------------------------------------------------------------------- */
/* [hook] Then return GH_PENDING; with any other verdict the ticket is void. id 0: refused, say ERROR. */
GH_FN struct gh_ticket gh_pend(struct gh_answer *a)
{
	return GH_API(a)->pend(a);
}
/* Milliseconds until the core denies by itself. */
GH_FN uint32_t gh_time_left(struct gh_answer *a)
{
	return GH_API(a)->time_left(a);
}
/*
 * NULL: too late, answered, client gone, or never given: nothing to do. Else fill it and end it, on
 * the same thread. What is never answered costs nothing but the client's wait: the core closes it at
 * the deadline. An answer given before the hook returned takes effect after it.
 */
GH_FN struct gh_answer *gh_answer_begin(struct gh_host *h, struct gh_ticket t)
{
	return GH_API(h)->answer_begin(h, t);
}
GH_FN void gh_answer_end(struct gh_answer *a, enum gh_verdict v)
{
	GH_API(a)->answer_end(a, v);
}
/* A hint: does anybody still wait? (before a retransmission) */
GH_FN bool gh_ticket_open(struct gh_host *h, struct gh_ticket t)
{
	return GH_API(h)->ticket_open(h, t);
}

/* ---- metrics ----------------------------------------------------------------------------------- */
/* [create] Shown as gatehouse_<module>_<name>{instance="..."}; lives on over a reload. labels:
 * `kind="x"` or NULL. A histogram is of seconds. id 0: refused (logged). */
GH_FN struct gh_metric gh_metric_new(struct gh_host *h, enum gh_metric_kind kind, const char *name,
				     const char *labels, const char *help)
{
	return GH_API(h)->metric(h, (uint32_t)kind, name, labels, help);
}
GH_FN void gh_metric_add(struct gh_host *h, struct gh_metric m, double v)
{
	GH_API(h)->metric_add(h, m, v);
}

#ifdef __cplusplus
}
#endif
#endif
