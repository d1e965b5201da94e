/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a client before it has said anything, whether modules want it at all, and the client id that it may take. */
#include "client/admit.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "hook/ask.h"
#include "hook/event.h"

#include <gatehouse/lib.h>
#include <stdio.h>
#include <string.h>

void gh_client_facts(const struct gh_peer *peer, const char *listener, char *address,
		     struct gh_client *client_r)
{
	gh_peer_text(peer, address);
	*client_r = (struct gh_client){ .size = sizeof(*client_r),
					.listener = listener,
					.address = address,
					.port = peer->port,
					.transport = peer->transport,
					.local = peer->local,
					.connected_at = gh_clock_wall_us() / 1000000 };
	memcpy(client_r->ip, peer->ip, sizeof(client_r->ip));
}

static void tell(struct gh_runtime *runtime, const struct gh_client *client,
		 const struct gh_decision *decision)
{
	struct gh_event event = { .kind = GH_EV_ACCEPT,
				  .client = client,
				  .verdict = decision->verdict,
				  .module = decision->module,
				  .why = decision->why };

	if (gh_event_wanted(runtime, GH_EV_ACCEPT))
		gh_event_tell(runtime, &event);
}

bool gh_banned(struct gh_broker *broker, const struct gh_client *client, struct gh_term *ban_r)
{
	bool banned = gh_terms_find(broker->bans, client, gh_clock_ms(), ban_r);

	if (banned)
		gh_count(broker, GH_COUNT_BANNED);
	return banned;
}

static bool refuse(struct gh_runtime *runtime, const struct gh_client *client,
		   const struct gh_decision *decision, enum gh_level level)
{
	tell(runtime, client, decision);
	gh_log_line(level,
		    (const struct gh_log_field[]){ GH_FIELD("address", client->address),
						   GH_FIELD("listener", client->listener),
						   GH_FIELD("module", decision->module),
						   GH_FIELD("reason", decision->why) },
		    4, "connection refused");
	return false;
}

bool gh_admit(struct gh_broker *broker, struct gh_runtime *runtime, const char *listener,
	      const struct gh_peer *peer)
{
	const struct gh_policy *policy = gh_runtime_policy(runtime, listener);
	struct gh_decision decision = { .verdict = GH_DENY, .module = "core" };
	char address[GH_PEER_TEXT];
	struct gh_client client;
	struct gh_term ban;

	if (!policy)
		return false;
	gh_client_facts(peer, listener, address, &client);
	if (gh_banned(broker, &client, &ban)) {
		snprintf(decision.why, sizeof(decision.why), "banned: %s", ban.text);
		return refuse(runtime, &client, &decision, GH_LOG_INFO); /* it may come very often */
	}
	gh_ask_accept(policy->authenticate, &client, &decision);
	if (decision.verdict == GH_DENY)
		return refuse(runtime, &client, &decision, GH_LOG_NOTICE);
	tell(runtime, &client, &decision);
	return true;
}

static bool matches_template(const struct gh_template *tmpl, const struct gh_client *client)
{
	const struct gh_identity *identity = client->identity;
	struct gh_template_values values = { .username = identity->principal,
					     .attributes = identity->attributes,
					     .attribute_count = identity->attribute_count };
	size_t groups = identity->group_count ? identity->group_count : 1;
	char text[1024];
	size_t n;

	for (size_t i = 0; i < groups; i++) {
		values.group = identity->group_count ? identity->groups[i] : NULL;
		if (gh_template_expand(tmpl, &values, text, sizeof(text), &n) &&
		    gh_str_equal(gh_str_n(text, n), gh_str(client->client_id)))
			return true;
	}
	return false;
}

bool gh_client_id_fits(const struct gh_listener_settings *listener, const struct gh_client *client,
		       bool from_module)
{
	switch (listener->client_id) {
	case GH_CLIENT_ID_ANY: return true;
	case GH_CLIENT_ID_BOUND: return from_module;
	case GH_CLIENT_ID_TEMPLATE: break;
	}
	return matches_template(listener->client_id_template, client);
}
