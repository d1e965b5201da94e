/* SPDX-License-Identifier: Apache-2.0 */
/* Limits classes of sessions: given by logins, imposed by modules, looked up again after a change. */
#include "client/class.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/connect.h"

#include <stdio.h>
#include <stdlib.h>

/* A module has put it into a class. */
struct imposed {
	struct gh_session *session;
	bool of_connection; /* it ends with the connection; else it is in the table */
	struct gh_timeout timeout;
};

static const char *in_force(const struct gh_snapshot *who)
{
	const struct gh_identity *identity = gh_snapshot_client(who)->identity;

	return identity ? identity->limits_class : NULL;
}

/* ---- the objects ---- */

static struct gh_class *find(const struct gh_shard *shard, const char *listener, const char *name)
{
	gh_list_each(&shard->classes, it, next)
	{
		struct gh_class *class = gh_container(it, struct gh_class, in_shard);

		if (strcmp(class->name, name) == 0 && strcmp(class->listener, listener) == 0)
			return class;
	}
	return NULL;
}

static const struct gh_limits *configured(const struct gh_shard *shard, const char *listener,
					  const char *name)
{
	const struct gh_listener_settings *settings =
		gh_settings_listener(gh_shard_settings(shard), listener);

	return settings ? gh_settings_class(settings, name) : NULL;
}

/* NULL: it is neither configured nor anybody's. */
static struct gh_class *obtain(struct gh_shard *shard, const char *listener, const char *name)
{
	struct gh_class *class = find(shard, listener, name);
	const struct gh_limits *limits = class ? NULL : configured(shard, listener, name);
	size_t n = strlen(listener) + 1, name_n = strlen(name) + 1;

	if (!limits)
		return class;
	class = gh_alloc(sizeof(*class) + n + name_n);
	*class = (struct gh_class){ .limits = *limits };
	class->listener = memcpy(class->text, listener, n);
	class->name = memcpy(class->text + n, name, name_n);
	gh_list_append(&shard->classes, &class->in_shard);
	return class;
}

static void set_class(struct gh_session *session, struct gh_class *class)
{
	struct gh_class *old = session->limits_class;

	if (class)
		class->holders++;
	session->limits_class = class;
	if (!old || --old->holders > 0)
		return;
	gh_list_remove(&old->in_shard);
	free(old);
}

const struct gh_limits *gh_session_limits(const struct gh_shard *shard,
					  const struct gh_session *session)
{
	const struct gh_class *class = session->limits_class;
	const struct gh_channel *channel = session->channel;
	const struct gh_listener_settings *listener;

	if (class)
		return &class->limits;
	listener = channel ? channel->listener
			   : gh_settings_listener(gh_shard_settings(shard),
						  gh_snapshot_client(session->identity)->listener);
	return listener ? &listener->limits : &gh_shard_settings(shard)->limits;
}

static void warn(const struct gh_session *session, const char *name)
{
	const struct gh_client *client = gh_snapshot_client(session->identity);
	const struct gh_log_field fields[] = { GH_FIELD_STR("client", gh_session_client_id(session)),
					       GH_FIELD("listener", client->listener),
					       GH_FIELD("class", name) };

	gh_log_line(GH_LOG_WARNING, fields, 3,
		    "no such limits class any more, the limits stay as they are");
}

void gh_class_follow(struct gh_shard *shard, struct gh_session *session)
{
	const char *name = in_force(session->identity);
	struct gh_class *class = NULL;

	if (name) {
		class = obtain(shard, gh_snapshot_client(session->identity)->listener, name);
		if (!class) {
			warn(session, name);
			return;
		}
	}
	set_class(session, class);
}

static void refresh(struct gh_shard *shard, struct gh_class *class)
{
	const struct gh_limits *limits = configured(shard, class->listener, class->name);
	const struct gh_log_field fields[] = { GH_FIELD("class", class->name),
					       GH_FIELD("listener", class->listener),
					       GH_FIELD_NUMBER("sessions", class->holders) };
	bool gone = class->gone;

	class->gone = !limits;
	if (limits)
		class->limits = *limits;
	else if (!gone)
		gh_log_line(
			GH_LOG_WARNING, fields, 3,
			"limits class is not configured any more, who has it keeps its last limits");
}

void gh_class_refresh(struct gh_shard *shard)
{
	gh_list_each(&shard->classes, it, next)
		refresh(shard, gh_container(it, struct gh_class, in_shard));
}

/* ---- what is imposed ---- */

static void on_over(struct gh_timeout *timeout)
{
	struct imposed *imposed = gh_container(timeout, struct imposed, timeout);

	gh_class_resolve(imposed->session->keeper, imposed->session);
}

static void forget(struct gh_session *session)
{
	struct gh_shard *shard = session->keeper;
	struct imposed *imposed = session->imposed;

	if (!imposed)
		return;
	session->imposed = NULL;
	gh_loop_timeout_cancel(shard->loop, &imposed->timeout);
	free(imposed);
}

/* until_ms 0: it has no end of its own. */
static void remember(struct gh_session *session, uint64_t until_ms, bool of_connection)
{
	struct gh_shard *shard = session->keeper;
	struct imposed *imposed;

	forget(session);
	imposed = session->imposed = gh_zalloc(sizeof(*imposed));
	imposed->session = session;
	imposed->of_connection = of_connection;
	gh_timeout_init(&imposed->timeout, on_over);
	if (until_ms)
		gh_loop_timeout_at(shard->loop, &imposed->timeout, until_ms);
}

/* It is the same person: what modules have attached and what they have said stays. */
static void replace_snapshot(struct gh_session *session, const char *name)
{
	struct gh_channel *channel = session->channel;
	struct gh_snapshot *with = gh_snapshot_with_class(session->identity, name);

	gh_session_set_identity(session, with);
	if (channel) {
		gh_snapshot_unref(&channel->author);
		gh_channel_set_who(channel, gh_snapshot_ref(with));
	}
	gh_snapshot_unref(&with);
}

static void tell(struct gh_shard *shard, const struct gh_session *session)
{
	struct gh_event event = { .kind = GH_EV_IDENTITY, .text = "class changed" };

	if (!gh_event_wanted(shard->runtime, GH_EV_IDENTITY))
		return;
	event.client = gh_snapshot_client(session->identity);
	gh_event_tell(shard->runtime, &event);
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* NULL: back to its own. True: it is another one than before. */
static bool change(struct gh_shard *shard, struct gh_session *session, const char *name)
{
	struct gh_snapshot *before = gh_snapshot_ref(session->identity);
	const char *listener = gh_snapshot_client(before)->listener;
	bool changed;

	if (name && !obtain(shard, listener, name)) {
		warn(session, name);
		gh_snapshot_unref(&before);
		return false;
	}
	replace_snapshot(session, name);
	gh_class_follow(shard, session);
	changed = !same(in_force(before), in_force(session->identity));
	gh_snapshot_unref(&before);
	return changed;
}

void gh_class_impose(struct gh_shard *shard, struct gh_session *session, const char *name,
		     uint64_t until_ms)
{
	remember(session, until_ms, true);
	if (change(shard, session, name))
		tell(shard, session);
}

static bool resolve(struct gh_shard *shard, struct gh_session *session)
{
	struct gh_term term;

	if (gh_terms_find(shard->broker->imposed, gh_snapshot_client(session->identity),
			  gh_shard_now(shard), &term)) {
		remember(session, term.until_ms, false);
		return change(shard, session, term.text);
	}
	if (!session->imposed)
		return false;
	forget(session);
	return change(shard, session, NULL);
}

void gh_class_resolve(struct gh_shard *shard, struct gh_session *session)
{
	if (resolve(shard, session))
		tell(shard, session);
}

/* ---- from login to end ---- */

/* Within the limits of its class? NULL: a class that there isn't. */
static bool admit(struct gh_login *login, const char *name, const struct gh_limits *limits)
{
	char text[GH_TERM_TEXT + 64];
	enum gh_reason reason;
	const char *problem;

	if (!limits) {
		snprintf(text, sizeof(text), "there is no limits class '%s'", name);
		gh_connect_refuse(login, GH_REASON_NOT_AUTHORIZED, NULL, text);
		return false;
	}
	problem = gh_connect_unacceptable(login, limits, &reason);
	if (problem)
		gh_connect_refuse(login, reason, NULL, problem);
	return !problem;
}

bool gh_class_admit(struct gh_login *login)
{
	struct gh_channel *channel = login->channel;
	struct gh_term term;
	const char *name;

	login->imposed_until = 0;
	if (gh_terms_find(channel->shard->broker->imposed, gh_channel_client(channel),
			  gh_clock_ms(), &term)) {
		login->imposed_until = term.until_ms;
		gh_channel_set_who(channel, gh_snapshot_with_class(channel->who, term.text));
	}
	name = in_force(channel->who);
	return !name || admit(login, name, gh_settings_class(channel->listener, name));
}

void gh_class_enter(struct gh_login *login)
{
	struct gh_channel *channel = login->channel;
	struct gh_session *session = channel->session;

	if (login->imposed_until)
		remember(session, login->imposed_until, false);
	else
		forget(session);
	gh_class_follow(channel->shard, session);
}

void gh_class_detach(struct gh_shard *shard, struct gh_session *session)
{
	const struct imposed *imposed = session->imposed;

	if (imposed && imposed->of_connection)
		resolve(shard, session);
}

void gh_class_leave(struct gh_session *session)
{
	forget(session);
	set_class(session, NULL);
}
