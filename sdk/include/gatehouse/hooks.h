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
 * The list is the listener's `authenticate:` (accept to lookup), `authorize:` (authorize) or
 * `message:` (publish). Events, barriers, commands, subject and the store need none.
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
 * handshake: veto. Accepting worker, when TLS is established (by a resumed session too), before
 * CONNECT is read; client->tls is set, with the chain. May be PENDING.
 */
typedef enum gh_verdict gh_handshake_fn(void *instance, const struct gh_client *client,
					struct gh_answer *out);

/*
 * psk: grant; PASS by all is answered with a key that nobody has, so that unknown and wrong look
 * alike. Accepting worker, inside the handshake: from memory, never PENDING. ALLOW needs
 * gh_answer_psk_key().
 */
struct gh_psk {
	uint32_t size, flags;
	const struct gh_client *client;
	struct gh_str identity;
};
typedef enum gh_verdict gh_psk_fn(void *instance, const struct gh_psk *in, struct gh_answer *out);

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
 * RECEIVE may not be PENDING: one that is GH_BLOCKING or isolated isn't asked it and must say gh_answer_covers()
 * with an ALLOW to SUBSCRIBE, which without it is an ERROR (its PASS covers); while a filter is judged
 * anew, what comes under it waits in the session's queue.
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
 * publish: veto, and may edit (gh_answer_topic, _payload, _property). The client's worker, after
 * authorize allowed; each module sees what those before it made of it. A changed topic is authorized
 * again, and the list isn't run again. DENY with gh_answer_reason(out, 0) acknowledges and drops.
 * Wills pass it when they fire; what is retained is the edited message; what gh_inject() publishes
 * doesn't pass it. May be PENDING.
 */
struct gh_publish {
	uint32_t size, flags;
	const struct gh_client *client;
	const struct gh_message *message; /* an empty payload with retain clears what is retained */
};
typedef enum gh_verdict gh_publish_fn(void *instance, const struct gh_publish *in,
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
#define GH_EV_DENY (1ull << 5)        /* each authorize or publish that wasn't allowed */
#define GH_EV_SUBSCRIBE (1ull << 6)   /* topic, share, qos granted; code 1: replayed */
#define GH_EV_UNSUBSCRIBE (1ull << 7) /* also by session end; code 1: revoked */
#define GH_EV_PUBLISH (1ull << 8)     /* accepted: topic, qos, retain, bytes, message */
#define GH_EV_DROP (1ull << 9)        /* deliveries given up: text: why, count; the first's topic */
#define GH_EV_LIMIT (1ull << 10)      /* text: the limit's key, count: since it was last told */
#define GH_EV_BAN (1ull << 11)        /* subject, text: why, count: seconds; code 1: lifted */
#define GH_EV_SESSION (1ull << 12)    /* code 0: created, 1: expired, 2: cleaned, 3: refused */
#define GH_EV_IDENTITY (1ull << 13)   /* re-authenticated, looked up again, expired, class changed */
#define GH_EV_PROTOCOL (1ull << 14)   /* malformed or forbidden packet: reason, text */
#define GH_EV_RELOAD (1ull << 15)     /* text; code 1: refused */
#define GH_EV_MODULE (1ull << 16)     /* module; code 0: loaded, 1: replaced, 2: unloaded, 3: failed, 4: isolated one died */
#define GH_EV_ADMIN (1ull << 17)      /* a gatehousectl command: text, username is the peer's */
#define GH_EV_USAGE (1ull << 18)      /* each second of a client with traffic: received, sent in it */
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
	const struct gh_subject *subject;
};
typedef void gh_event_fn(void *instance, const struct gh_event *event);

/*
 * barrier: on a worker, at the end of a loop turn in which it has acknowledgements to send (CONNACK,
 * PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK): once a turn, never once a packet. 0: let them go.
 * GH_LATER: all of them wait for gh_barrier_end(), from any thread. An error: they become refusals.
 * Several may be open at a time; what waits is released in order. There is no deadline: what isn't
 * safe isn't acknowledged, however long it takes; deliveries go on. Of an instance that has failed, or
 * left its place a hook-timeout ago, what is open is refused.
 */
typedef int gh_barrier_fn(void *instance, struct gh_barrier barrier);

/*
 * subject: everything that this instance keeps about one client id or principal, told (export, as
 * rows of the reply) or erased (forget). A thread as commands have it. 0, GH_LATER or an error.
 */
struct gh_subject_request {
	uint32_t size;
	bool forget;
	struct gh_subject subject; /* GH_CLIENT_ID or GH_PRINCIPAL */
};
typedef int gh_subject_fn(void *instance, const struct gh_subject_request *in,
			  struct gh_reply *reply);

/*
 * store: a plain, durable, ordered set of records: what outlives the broker's process. At most one
 * instance has one; it is chosen at start, and changing it needs a restart. The core makes keys and
 * values and versions them itself: a kind that the store doesn't know is kept like any other.
 * (kind, owner, key) names a record; within (kind, owner) keys sort by their bytes.
 */
enum gh_record_kind {
	GH_REC_SESSION = 1,
	GH_REC_SUBSCRIPTION,
	GH_REC_QUEUED,   /* a message for a session: waiting, or sent and not yet acknowledged */
	GH_REC_INFLIGHT, /* a packet id of ours that the client hasn't acknowledged to the end */
	GH_REC_INBOUND,  /* a packet id of the client's that it hasn't released */
	GH_REC_WILL,     /* owner n 0: one that fires, until it is published or refused */
	GH_REC_RETAINED,
	GH_REC_BAN,
	GH_REC_MODULE    /* gh_keep() */
};
struct gh_record {
	uint32_t size, kind;
	struct gh_str owner;   /* client id, GH_REC_MODULE: instance name, n 0: the broker. Groups what is
	                        * erased together; may have a cipher key of its own */
	struct gh_bytes key, value; /* key.n may be 0 */
	int64_t expires;       /* Unix seconds, 0 never: from then on it needn't be kept nor told */
	uint64_t count, bytes; /* load, GH_REC_QUEUED: see there */
};
/*
 * put and erase: on the thread where something changes, a worker mostly; for one owner in the order
 * in which they must hold. They copy, queue and return. An error: what depends on it is refused.
 * A worker's barrier is a commit point: after a crash the store holds for each worker all up to one of
 * its barriers, and nothing after it; of other threads what was put a second ago. Without a barrier hook
 * each call is one. Where there is a store, what is to be acknowledged waits for the barriers of all
 * workers that it was sent to (not of a third one that a shared subscription's worker hands it on to).
 */
struct gh_store {
	uint32_t size;
	/*
	 * Once, at start: after its own create, before any other instance's, on that thread. What is
	 * exclusive is taken here, not in alone. Every record by gh_sink_put(); of GH_REC_QUEUED
	 * only one an owner: the last key, no value, count: how many there are, bytes: of all their
	 * values. May block. An error, with a gh_log(): the broker doesn't start.
	 */
	int (*load)(void *instance, struct gh_sink *sink);
	int (*put)(void *instance, const struct gh_record *record); /* replaces one of that name */
	/* key.n 0: all of that kind and owner; kind 0: of every kind. What isn't there: 0. */
	int (*erase)(void *instance, const struct gh_record *record);
	/* On a worker: the first `limit` records of after->kind and ->owner behind after->key; fewer:
	 * there are no more. 0: gh_sink_put() was called for each. GH_LATER: will be, within
	 * `hook-timeout`, see gh_sink_pend(). An error of gh_sink_put() is that of the whole call. */
	int (*fetch)(void *instance, const struct gh_record *after, uint32_t limit,
		     struct gh_sink *sink);
};

#ifdef __cplusplus
}
#endif
#endif
