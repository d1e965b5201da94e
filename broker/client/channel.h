/* SPDX-License-Identifier: Apache-2.0 */
/* One client's connection as MQTT sees it, from accept to its end. */
#ifndef GH_CLIENT_CHANNEL_H
#define GH_CLIENT_CHANNEL_H

#include "client/alias.h"
#include "client/shard.h"
#include "mqtt/decode.h"
#include "mqtt/encode.h"
#include "mqtt/reason.h"

struct gh_login;
struct gh_parked;
struct gh_subscribing;
struct gh_author_answer;
struct gh_reauth;
struct gh_verdicts;
struct gh_channel_usage;

enum gh_channel_state {
	GH_CHANNEL_YOUNG, /* CONNECT hasn't come */
	GH_CHANNEL_LOGIN, /* modules are asked; an enhanced authentication may wait for the client's AUTH */
	GH_CHANNEL_CONNECTED, /* CONNACK 0 was sent; it has a session */
	GH_CHANNEL_ENDED      /* nothing is read or sent any more; closed() will come */
};

/* What is sent to this client. */
struct gh_channel_traffic {
	uint64_t messages, bytes;
};

struct gh_channel {
	struct gh_node in_shard;
	struct gh_shard *shard;
	struct gh_conn *conn;
	struct gh_session *session; /* CONNECTED only */
	struct gh_snapshot *who; /* facts of the client; before the login those of the connection */
	struct gh_attachments *attached; /* what modules have attached; NULL: nothing yet */
	struct gh_snapshot *author;   /* the same as the author of messages; NULL: not made yet */
	struct gh_verdicts *verdicts; /* that modules let us keep; NULL: none */
	struct gh_login *login;       /* from CONNECT to CONNACK, else NULL */
	struct gh_parked *parked;     /* a PUBLISH whose authorization waits */
	struct gh_subscribing *subscribing; /* a SUBSCRIBE likewise */
	struct gh_reauth *reauth;           /* a re-authentication under way */
	struct gh_author_answer *author_answer; /* is the author of a retained message still entitled? */

	/* Of the listener as configured now: gh_channel_refresh(). */
	const struct gh_listener_settings *listener;
	const struct gh_policy *policy;
	uint64_t refreshed; /* generation of the two */

	struct gh_timeout timeout; /* CONNECT deadline, then keep alive and the credential's end */
	uint64_t heard_at;         /* monotonic ms: the last whole packet */
	char *auth_method;         /* of CONNECT; NULL: none */
	char *shown_user; /* for logs: the user name, or what a module says instead; NULL: none */

	struct gh_receiver receiver; /* version, problem information, maximum packet size */
	uint32_t filters_asked;      /* since other clients had their turn */
	uint16_t keep_alive;         /* seconds in force, 0: off */
	uint32_t packet_size; /* ours, as CONNACK said: neither a reload nor a class takes them back */
	uint16_t receive_maximum, alias_maximum; /* likewise */
	uint8_t state;                           /* enum gh_channel_state */
	uint8_t end_reason;                      /* ENDED: why, as an MQTT 5 code */
	bool clean_end;                          /* DISCONNECT 0 came: no will */
	bool has_end;                            /* end_reason is set */
	bool response_info;

	struct gh_node held; /* hold.c's: acknowledgements that wait for a barrier */
	uint32_t held_count;

	struct gh_alias_in alias_in;
	struct gh_alias_out *alias_out; /* NULL: none is used */
	struct gh_channel_traffic received, sent;
	struct gh_channel_usage *usage; /* what of it was told; NULL: nothing */
};

/* A connection that was accepted: reads from it until it ends. */
void gh_channel_accept(struct gh_worker *worker, const struct gh_accepted *accepted);

/* A packet was understood: go on with the next, or stop reading what is in the buffer (paused, ended or moved). */
enum gh_next { GH_GO_ON, GH_STOP_HERE };

/* Looks up listener and policy of the present runtime again; false: the listener is gone, the client has been sent away. */
bool gh_channel_refresh(struct gh_channel *channel);

/*
 * The broker ends it: MQTT 5 clients that are connected get a DISCONNECT with the reason. The session is detached at once
 * (with its will, unless the client itself said goodbye); the channel is freed when its connection has gone. `text` is for log
 * and reason string. A second call is ignored. Returns GH_STOP_HERE.
 */
enum gh_next gh_channel_end(struct gh_channel *channel, enum gh_reason reason, const char *text);

/* The same where the client isn't told all: `shown` is its reason string. */
enum gh_next gh_channel_end_by(struct gh_channel *channel, enum gh_reason reason, const char *text,
			       const char *shown);

/* A packet that breaks the protocol: counted, told, ended. */
enum gh_next gh_channel_malformed(struct gh_channel *channel, const struct gh_malformed *why);

/* The client ended it by DISCONNECT. */
void gh_channel_goodbye(struct gh_channel *channel, uint8_t reason);

/* Waits for a hook: nothing is read, clocks stand still. */
void gh_channel_wait(struct gh_channel *channel);
void gh_channel_go_on(struct gh_channel *channel);

/* (Re)arms the timeout for what comes first: keep alive, or the end of the credential. */
void gh_channel_arm(struct gh_channel *channel);

/* Its login has succeeded: it stands before those that haven't. */
void gh_channel_settle(struct gh_channel *channel);

/* Takes it out of this worker, to be moved; and in again, at its new one. */
void gh_channel_uproot(struct gh_channel *channel);
void gh_channel_plant(struct gh_channel *channel, struct gh_shard *shard);

/* Cancels all it waits for, frees it; its connection is gone or was never bound. */
void gh_channel_free(struct gh_channel **channel);

/* Its facts from now on; takes the reference over. */
void gh_channel_set_who(struct gh_channel *channel, struct gh_snapshot *who);

static inline const struct gh_client *gh_channel_client(const struct gh_channel *channel)
{
	return gh_snapshot_client(channel->who);
}

/* One line with address, client id, user, listener and protocol, and up to 4 fields more. */
void gh_channel_log(const struct gh_channel *channel, enum gh_level level,
		    const struct gh_log_field *more, size_t count, const char *message);

/* What an ask of this channel is made with. */
static inline struct gh_asking gh_channel_asking(struct gh_channel *channel,
						 const struct gh_chain *chain, gh_ask_done_fn *done,
						 void *arg)
{
	return (struct gh_asking){
		.asker = channel->shard->asker, .chain = chain, .done = done, .arg = arg
	};
}

#endif
