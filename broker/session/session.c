/* SPDX-License-Identifier: Apache-2.0 */
/* What a client id has, connected or not. */
#include "session/session.h"

#include "base/mem.h"
#include "base/str.h"
#include "hook/snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct gh_session_will *gh_session_will_new(struct gh_publication *publication)
{
	struct gh_session_will *will = gh_zalloc(sizeof(*will));

	will->publication = publication;
	return will;
}

void gh_session_will_free(struct gh_session_will **will)
{
	if (!*will)
		return;
	assert((*will)->timeout.due == 0);
	gh_publication_unref(&(*will)->publication);
	free(*will);
	*will = NULL;
}

static char *put_text(char *at, struct gh_str text)
{
	if (text.n)
		memcpy(at, text.p, text.n);
	at[text.n] = '\0';
	return at + text.n + 1;
}

struct gh_session *gh_session_new(struct gh_str client_id, const struct gh_session_owner *owner)
{
	size_t text = client_id.n + 1 + owner->realm.n + 1 + owner->principal.n + 1;
	struct gh_session *session = gh_zalloc(sizeof(*session) + text);

	session->client_id_n = (uint16_t)client_id.n;
	session->realm_n = (uint16_t)owner->realm.n;
	session->principal_n = (uint16_t)owner->principal.n;
	put_text(put_text(put_text(session->text, client_id), owner->realm), owner->principal);
	gh_list_init(&session->in_registry.node);
	gh_list_init(&session->subscriptions);
	gh_list_init(&session->unsure);
	return session;
}

void gh_session_free(struct gh_session **session)
{
	struct gh_session *s = *session;

	if (!s)
		return;
	assert(!s->channel && !s->lasting && s->expiry.due == 0);
	assert(gh_list_empty(&s->in_registry.node) && gh_list_empty(&s->subscriptions) &&
	       gh_list_empty(&s->unsure));
	gh_window_done(&s->window);
	gh_inbound_done(&s->inbound);
	gh_queue_done(&s->queue);
	gh_backlog_done(&s->backlog);
	gh_session_will_free(&s->will);
	gh_snapshot_unref(&s->identity);
	free(s);
	*session = NULL;
}

void gh_session_set_identity(struct gh_session *session, struct gh_snapshot *identity)
{
	struct gh_snapshot *old = session->identity;

	session->identity = gh_snapshot_ref(identity);
	gh_snapshot_unref(&old);
}

bool gh_session_owned_by(const struct gh_session *session, const struct gh_session_owner *owner)
{
	return gh_str_equal(gh_session_realm(session), owner->realm) &&
	       gh_str_equal(gh_session_principal(session), owner->principal);
}

void gh_session_trim(struct gh_session *session)
{
	gh_window_trim(&session->window);
	gh_queue_trim(&session->queue);
}

size_t gh_session_cost(const struct gh_session *s)
{
	size_t text = s->client_id_n + s->realm_n + s->principal_n + 3u;
	size_t cost = sizeof(*s) + text + s->subscription_count * sizeof(struct gh_subscriber);

	cost += s->window.size * sizeof(struct gh_window_entry) + s->window.size / 8;
	cost += s->inbound.is_map ? 8192 : 0;
	cost += s->queue.size * sizeof(struct gh_delivery);
	cost += s->backlog.count * sizeof(struct gh_publication *);
	return cost + (s->will ? sizeof(*s->will) : 0);
}
