/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a client before it has said anything, whether modules want it at all, and the client id that it may take. */
#ifndef GH_CLIENT_ADMIT_H
#define GH_CLIENT_ADMIT_H

#include "client/broker.h"
#include "net/peer.h"

/* Fills a gh_client of a fresh connection; address: GH_PEER_TEXT bytes of the caller's that *client_r points to. */
void gh_client_facts(const struct gh_peer *peer, const char *listener, char *address,
		     struct gh_client *client_r);

/* The bans, then the accept hooks of the listener's authenticate list; who is refused is logged and told. Any thread that asks
 * modules. */
bool gh_admit(struct gh_broker *broker, struct gh_runtime *runtime, const char *listener,
	      const struct gh_peer *peer);

/* By its address, client id or principal, as far as they are known; counted. ban_r: until when, and what the module said. */
bool gh_banned(struct gh_broker *broker, const struct gh_client *client, struct gh_term *ban_r);

/* The listener's `client-id:` rule, once it is known who it is. from_module: a module has said which id is this identity's, and
 * it is this one. */
bool gh_client_id_fits(const struct gh_listener_settings *listener, const struct gh_client *client,
		       bool from_module);

#endif
