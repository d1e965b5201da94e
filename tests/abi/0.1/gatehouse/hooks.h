/* SPDX-License-Identifier: Apache-2.0 */
/* Every hook point: its argument, its type, how answers fold, where it runs. Read plugin.h first. */
#ifndef GATEHOUSE_HOOKS_H
#define GATEHOUSE_HOOKS_H

#include <gatehouse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Three kinds.
 *   veto     every module of the list is asked in order until one says DENY or ERROR; ALLOW is PASS,
 *            PASS by all means yes.
 *   grant    asked in order until one says ALLOW or DENY; PASS by all means no. `required` modules of
 *            the list must ALLOW besides, and are asked even after another's ALLOW.
 *   observe  told, after the fact; nothing is answered.
 * The list is the listener's `authenticate:` (accept to lookup) or `authorize:` (authorize).
 */

/* Flags of an argument. Unknown bits: ignore. */
#define GH_EXPLAIN 0x1u      /* somebody reads the why, of ALLOW and PASS too: worth formatting it */
#define GH_HYPOTHETICAL 0x2u /* `gatehousectl explain`: change, count and learn nothing */
#define GH_RECHECK 0x4u      /* granted before; asked again because the policy or client changed */
#define GH_REAUTH 0x8u       /* a connected client authenticates again; client->identity is the old */

/*
 * accept: veto. The thread that accepts, after the core's limits and before a byte is read. Never
 * PENDING. client: address, ip, port, transport, listener and local only.
 */
typedef enum gh_verdict gh_accept_fn(void *instance, const struct gh_client *client,
				     struct gh_answer *out);

/*
 * authenticate: grant. Accepting worker, once a CONNECT without method; also of a `required` module
 * without exchange. May be PENDING. ALLOW needs gh_answer_principal(), unless an earlier module of
 * the list has named it.
 */
struct gh_authenticate {
	uint32_t size, flags;
	const struct gh_client *client;
	const struct gh_identity *so_far; /* what earlier modules granted; NULL: nothing yet */
	const char *username;             /* NULL: absent */
	struct gh_bytes password;         /* binary; p NULL: absent. Wiped after the list was asked */
	const struct gh_message *will;    /* NULL: none */
	struct gh_bytes properties;       /* CONNECT's */
	uint32_t session_expiry;
	uint16_t keep_alive;
	bool clean_start, client_id_assigned;
};
typedef enum gh_verdict gh_authenticate_fn(void *instance, const struct gh_authenticate *in,
					   struct gh_answer *out);

/*
 * exchange: grant, in steps. The module that first says CONTINUE keeps the exchange to its end, even
 * when its instance is replaced meanwhile. Unknown method: PASS. May be PENDING. Steps of one
 * exchange never overlap.
 */
struct gh_exchange {
	uint32_t size, flags;                  /* GH_REAUTH */
	const struct gh_client *client;
	const struct gh_authenticate *connect; /* NULL in a re-authentication */
	struct gh_str method;
	struct gh_bytes data;
	uint32_t step;                         /* 0, 1, ... */
	void **state; /* the module's, NULL at step 0; given to exchange_end exactly once if set */
	struct gh_bytes channel_binding;       /* TLS exporter, 32 bytes; n 0: no TLS */
};
typedef enum gh_verdict gh_exchange_fn(void *instance, const struct gh_exchange *in,
				       struct gh_answer *out);
typedef void gh_exchange_end_fn(void *instance, void *state);

/*
 * lookup: what authenticate would say of this user today, without a credential. Asked of each module
 * whose ALLOW made the identity, for live sessions after a policy change (DENY ends the session;
 * ALLOW replaces what this module gave; PASS, or no such hook, leaves it; ERROR and a timeout leave
 * it for `recheck-grace`), and for `explain`. The core paces it. May be PENDING.
 */
struct gh_lookup {
	uint32_t size, flags;
	const struct gh_client *client; /* live (RECHECK) or made up (HYPOTHETICAL) */
	const char *principal;
};
typedef enum gh_verdict gh_lookup_fn(void *instance, const struct gh_lookup *in,
				     struct gh_answer *out);

/*
 * authorize: grant. On the worker that owns the session. An action the module doesn't know: PASS.
 * PUBLISH may be PENDING (the packet is parked). SUBSCRIBE may: all filters of a packet are asked
 * before any is waited for. WILL may, at CONNECT and again (RECHECK) when it fires. PUBLISH with
 * RECHECK and an offline client: may the author of this retained message still publish there?
 * RECEIVE may not be PENDING: a GH_BLOCKING instance isn't asked it and must say gh_answer_covers()
 * with an ALLOW to SUBSCRIBE, which without it is an ERROR (its PASS covers).
 */
enum gh_action {
	GH_PUBLISH = 1,
	GH_SUBSCRIBE, /* topic is the filter, inside $share/group/ the filter in it */
	GH_RECEIVE,   /* live, queued and retained deliveries alike */
	GH_WILL       /* publish, by a will */
};
struct gh_authorize {
	uint32_t size, flags;
	const struct gh_client *client;
	uint32_t action;            /* enum gh_action */
	uint8_t qos;                /* asked for */
	bool retain;
	struct gh_str topic;
	struct gh_str share;        /* group of a shared subscription; n 0: none */
	size_t payload_size;        /* 0 for SUBSCRIBE */
	struct gh_bytes properties; /* of the PUBLISH or SUBSCRIBE */
	const char *author;         /* RECEIVE: principal of the publisher; NULL: unknown */
	const char *author_realm;   /* and its realm */
};
typedef enum gh_verdict gh_authorize_fn(void *instance, const struct gh_authorize *in,
					struct gh_answer *out);

/*
 * event: observe. On the thread where it happened, in order for one connection and for one client
 * id. Never blocks: copy and leave. Only kinds named to gh_observe() come. A field that a kind
 * doesn't have is NULL or 0.
 */
#define GH_EV_ACCEPT (1ull << 0)      /* client; verdict, module */
#define GH_EV_AUTH (1ull << 2)        /* every end of a login: verdict, cause, module, why, username */
#define GH_EV_CONNECT (1ull << 3)     /* session attached; code 1: resumed, 2: taken over */
#define GH_EV_DISCONNECT (1ull << 4)  /* reason, text, duration_ms, received and sent */
#define GH_EV_DENY (1ull << 5)        /* any authorize that wasn't allowed */
#define GH_EV_SUBSCRIBE (1ull << 6)   /* topic, share, qos granted; code 1: restored */
#define GH_EV_UNSUBSCRIBE (1ull << 7) /* also by session end; code 1: revoked */
#define GH_EV_PUBLISH (1ull << 8)     /* accepted: topic, qos, retain, bytes, message */
#define GH_EV_DROP (1ull << 9)        /* a delivery given up: topic, reason, count */
#define GH_EV_LIMIT (1ull << 10)      /* text: which, count */
#define GH_EV_SESSION (1ull << 12)    /* code 0: created, 1: expired, 2: cleaned, 3: refused */
#define GH_EV_IDENTITY (1ull << 13)   /* re-authenticated, looked up again, expired */
#define GH_EV_PROTOCOL (1ull << 14)   /* malformed or forbidden packet: reason, text */
#define GH_EV_RELOAD (1ull << 15)     /* text; code 1: refused */
#define GH_EV_MODULE (1ull << 16)     /* module; code 0: loaded, 1: replaced, 2: unloaded, 3: failed */
#define GH_EV_ADMIN (1ull << 17)      /* a gatehousectl command: text, username is the peer's */
struct gh_traffic {
	uint64_t messages, bytes;
};
struct gh_event {
	uint32_t size;
	uint32_t code;
	uint64_t kind;                  /* one GH_EV_ bit */
	int64_t time_us;                /* Unix microseconds */
	const struct gh_client *client; /* NULL: none */
	const char *username;           /* as claimed; NULL where it may be a secret */
	const char *module;             /* instance that decided */
	const char *why, *rule;         /* rule: "/etc/gatehouse/acl:12" */
	const char *text;
	const struct gh_message *message;
	struct gh_str topic, share;
	uint32_t action, verdict, cause;
	uint32_t reason;                /* MQTT 5 reason code */
	uint8_t qos;
	bool retain;
	uint64_t bytes, count, duration_ms;
	struct gh_traffic received, sent; /* from and to the client */
};
typedef void gh_event_fn(void *instance, const struct gh_event *event);

#ifdef __cplusplus
}
#endif
#endif
