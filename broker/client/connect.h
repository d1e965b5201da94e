/* SPDX-License-Identifier: Apache-2.0 */
/* From CONNECT to the session's worker: decoding, identity, client id, the will's right, the move. */
#ifndef GH_CLIENT_CONNECT_H
#define GH_CLIENT_CONNECT_H

#include "client/channel.h"

/*
 *   accepting worker   decode -> authenticate (or exchange) -> client-id rule -> authorize WILL -> move
 *   session's worker   attach.h: owner, takeover, resume -> CONNACK
 *
 * Whatever is refused on the way leaves nothing behind: no will, no session, no takeover.
 */
struct gh_login {
	struct gh_mail mail; /* first: the move */
	struct gh_channel *channel;
	struct gh_buf packet; /* body of the CONNECT; the views below point into it. Wiped when freed */
	struct gh_packet_connect connect;
	char *username;               /* terminated; NULL: none */
	char *client_id;              /* terminated; the one in force */
	struct gh_authenticate asked; /* what the modules are told of the CONNECT */
	struct gh_message will;
	struct gh_ask *ask;
	struct gh_exchange_run *exchange;
	void *auth_data; /* for CONNACK */
	size_t auth_data_size;
	struct gh_timeout refusal; /* a refused login waits before it is told so */
	enum gh_reason refused;
	uint32_t generation; /* of the policy it is judged by */
	uint32_t rechecks;   /* that had been asked for when it began */
	uint64_t imposed_until; /* monotonic ms: a module has put it into a limits class; 0: none has */
	bool client_id_assigned;
};

enum gh_next gh_connect_begin(struct gh_channel *channel, const struct gh_frame *frame);

/* The modules have said who it is, or that it may not. Consumes what decision owns. Returns whether to read on. */
enum gh_next gh_connect_judged(struct gh_login *login, struct gh_decision *decision);

/* What a module wants to be shown instead of the user name, from now on. */
void gh_connect_show_user(struct gh_channel *channel, const char *name);

/* CONNACK with the reason (where its version has a code for it), and the end. The reason may be told later only: a guesser
 * waits. decision: who refused, for the log; NULL: the core itself. */
enum gh_next gh_connect_refuse(struct gh_login *login, enum gh_reason reason,
			       const struct gh_decision *decision, const char *why);

/* What the core asks of a CONNECT by these limits, observers told where one is met. NULL: nothing is wrong. */
const char *gh_connect_unacceptable(const struct gh_login *login, const struct gh_limits *limits,
				    enum gh_reason *reason_r);

/* True: somebody has banned it, and it has been refused. */
bool gh_connect_banned(struct gh_login *login);

/* CONNECT, or all of the login, took too long. */
void gh_connect_timeout(struct gh_channel *channel);

enum gh_next gh_connect_disconnect(struct gh_channel *channel, const struct gh_frame *frame);

/* channel->login from now on, with a copy of the packet's body; refuses later by its own timeout. */
struct gh_login *gh_login_new(struct gh_channel *channel, const struct gh_frame *frame);
void gh_login_free(struct gh_login **login);
/* Its connection ends: told, unless it has been refused. */
void gh_login_undecided(struct gh_login *login, const char *why);

#endif
