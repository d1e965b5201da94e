/* SPDX-License-Identifier: Apache-2.0 */
/* The words that core and modules share: views, verdicts, who a client is. Read plugin.h first. */
#ifndef GATEHOUSE_TYPES_H
#define GATEHOUSE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define GH_EXPORT __attribute__((visibility("default")))
#define GH_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define GH_UNUSED __attribute__((unused))
#else
#define GH_EXPORT
#define GH_PRINTF(fmt, args)
#define GH_UNUSED
#endif

/*
 * Views. Borrowed: valid until the hook that got them returns, whatever it returns. p may be NULL
 * only when n is 0. A gh_str is UTF-8 as MQTT allows it (no NUL inside) and NOT terminated; where
 * the ABI has const char * it is. These three are frozen: they never grow, so arrays of them need
 * no stride.
 */
struct gh_str {
	const char *p;
	size_t n;
};
struct gh_bytes {
	const void *p;
	size_t n;
};
struct gh_pair {
	const char *name, *value;
};

/* Results of host calls and of what returns int: 0 or one of these. Never a verdict. */
enum gh_error_code {
	GH_LATER = 1, /* commands, subject, barrier, fetch: not finished; the end will be told */
	GH_EINVAL = -1, /* a wrong argument, or a call where it isn't allowed */
	GH_ENOENT = -2, /* no such client, metric, limits class */
	GH_EBUSY = -3,  /* a bounded queue is full: answer GH_ERROR, don't retry in the hook */
	GH_EIO = -4,    /* a file or a backend failed */
	GH_ENOTSUP = -5 /* not by this instance's flags, in an isolated one, or there is no store */
};

/* 0 is no verdict: what forgets to answer, answers GH_ERROR. So does a value the core doesn't know. */
enum gh_verdict {
	GH_PASS = 1,    /* not mine: ask the next. PASS by all: a grant is denied, a veto isn't made */
	GH_ALLOW = 2,
	GH_DENY = 3,
	GH_ERROR = 4,   /* I should know, but can't. Denies, unless the instance has `on-error: next` */
	GH_PENDING = 5, /* the ticket got with gh_pend() will be answered */
	GH_CONTINUE = 6 /* exchange only: send gh_answer_auth_data() and wait for the next AUTH */
};

/* Why a login failed, for machines (audit, metrics); never told to the client. Unknown: as OTHER. */
enum gh_cause {
	GH_CAUSE_OTHER = 0,
	GH_CAUSE_UNKNOWN_USER,
	GH_CAUSE_BAD_SECRET,
	GH_CAUSE_DISABLED,
	GH_CAUSE_EXPIRED,
	GH_CAUSE_NOT_YET_VALID,
	GH_CAUSE_REVOKED,
	GH_CAUSE_NOT_FROM_HERE,
	GH_CAUSE_CLIENT_ID,
	GH_CAUSE_UNTRUSTED,
	GH_CAUSE_FORGED,
	GH_CAUSE_BACKEND,
	GH_CAUSE_TIMEOUT,
	GH_CAUSE_LIMIT,
	GH_CAUSE_POLICY
};

enum gh_transport { GH_TCP = 1, GH_UNIX };

/* What TLS established. */
struct gh_tls {
	uint32_t size;
	uint32_t version;           /* 0x0303 is TLS 1.2, 0x0304 is TLS 1.3 */
	const char *cipher, *group; /* as GnuTLS names them: for people */
	const char *sni, *alpn;     /* NULL: not offered */
	const char *psk_identity;   /* NULL: no PSK */
	const char *psk_source;     /* the instance that gave its key */
	bool verified; /* the chain leads to a configured CA and no CRL names it; without one: false */
	bool resumed;
	uint8_t fingerprint[32]; /* SHA-256 of the peer's certificate; zero without one */
	/* The peer's chain, DER, leaf first. Kept until CONNACK only (then chain_length is 0): what
	 * must be known later, a serial or an issuer, goes into the identity's attributes. */
	const struct gh_bytes *chain;
	size_t chain_length;
};

/*
 * Who the client is. Immutable; made by the core out of the answers of the authenticate list. A
 * principal is (realm, name): two modules that both know a "joe" mean two people.
 */
struct gh_identity {
	uint32_t size;
	const char *principal; /* the name; never empty, "anonymous" for the built-in of that name */
	const char *realm;     /* `realm:` of the instance that named it (its name, if not given) */
	const char *source;    /* the instance that named the principal */
	int64_t expires;       /* Unix seconds, 0 never: the connection ends in that second */
	const char *const *groups;
	size_t group_count;
	const struct gh_pair *attributes; /* at most 32 and 8 KiB, kept with the session */
	size_t attribute_count;
	/* In force: of the login, or what gh_set_class() said. NULL: the listener's own limits hold. */
	const char *limits_class;
};

/*
 * Facts of one client: an immutable snapshot. A re-authentication or another limits class makes a new
 * one, so what a hook reads never changes under it. Never keep the pointer: keep `connection`, or copy.
 */
struct gh_client {
	uint32_t size;
	uint32_t protocol;                  /* 3, 4 or 5; 0 before CONNECT */
	uint64_t connection;                /* serial, never used twice; 0: offline or hypothetical */
	const char *client_id;              /* NULL before CONNECT; assigned ones included */
	const struct gh_identity *identity; /* NULL before authentication has succeeded */
	const char *listener;               /* its name in the configuration */
	const char *address;                /* text for people: "192.0.2.7", "unix:1000" */
	uint8_t ip[16];                     /* IPv6, or IPv4 as ::ffff:a.b.c.d; zero for UNIX sockets */
	uint16_t port;
	uint8_t transport;                  /* enum gh_transport */
	bool local;                         /* loopback or UNIX socket */
	const struct gh_tls *tls;           /* NULL: not encrypted by us */
	int64_t connected_at;               /* Unix seconds */
	/* The client id belongs to the identity: a module or the listener's `client-id:` rule says so.
	 * False: any user of the listener may take any id, so no right may hang on it. */
	bool client_id_bound;
};

/*
 * A published message. `properties` are the MQTT 5 properties as encoded on the wire, without their
 * length; n is 0 for 3.1.1.
 */
struct gh_message {
	uint32_t size;
	uint8_t qos;
	bool retain, duplicate;
	struct gh_str topic;
	struct gh_bytes payload, properties;
	const char *origin; /* the instance that injected it; NULL: a client published it */
};

/* Whom an act of the host concerns. Frozen. */
enum gh_subject_kind {
	GH_CONNECTION = 1, /* number: gh_client.connection */
	GH_CLIENT_ID,      /* text */
	GH_PRINCIPAL,      /* text: the name, of whichever realm */
	GH_ADDRESS,        /* text: "192.0.2.7", "2001:db8::/64" */
	GH_EVERYONE
};
struct gh_subject {
	uint32_t kind; /* enum gh_subject_kind */
	uint64_t number;
	const char *text;
};
static inline GH_UNUSED struct gh_subject gh_subject_of(enum gh_subject_kind kind, const char *text)
{
	struct gh_subject s;

	s.kind = (uint32_t)kind;
	s.number = 0;
	s.text = text;
	return s;
}
static inline GH_UNUSED struct gh_subject gh_subject_connection(uint64_t connection)
{
	struct gh_subject s;

	s.kind = (uint32_t)GH_CONNECTION;
	s.number = connection;
	s.text = NULL;
	return s;
}

/* Opaque. */
struct gh_answer; /* the answer being built; for the call, or between gh_answer_begin and _end */
struct gh_error;  /* why create failed */
struct gh_reply;  /* the output of a command; for the call, or between gh_reply_begin and _end */
struct gh_sink;   /* where a store's records go; for the call, or between gh_sink_begin and _end */
struct gh_host;   /* the broker as one instance sees it: from create until destroy returns */

/*
 * Handles are values, checked by generation: one that is late, answered already, orphaned or
 * invented is ignored and counted. They may be copied and kept by any thread. id 0 is none. Frozen.
 */
struct gh_ticket {
	uint64_t id;
};
struct gh_barrier {
	uint64_t id;
};
struct gh_timer {
	uint64_t id;
};
struct gh_watch {
	uint64_t id;
};
struct gh_metric {
	uint64_t id;
};

#ifdef __cplusplus
}
#endif
#endif
