/* SPDX-License-Identifier: Apache-2.0 */
/* What modules do to clients and sessions. */
#include "client/acts.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "client/author.h"
#include "client/ban.h"
#include "client/class.h"
#include "client/connect.h"
#include "client/inject.h"
#include "client/limit.h"
#include "client/recheck.h"
#include "client/replay.h"
#include "client/round.h"

#include <stdlib.h>

/* One act; its mails to the workers share it. */
struct act {
	atomic_uint refs;
	struct gh_broker *broker;
	void (*run)(struct gh_shard *shard, struct act *act);
	struct gh_whom whom;
	uint8_t reason, refusal; /* for those who are connected, and for logins */
	uint32_t seconds;
	uint64_t until_ms;    /* of a class; 0: until the connection ends */
	const char *by, *why; /* behind the struct, as the text of whom */
	char text[];
};

struct act_mail {
	struct gh_mail mail;
	struct act *act;
};

/* As fields of the log. */
static const char *const subject_names[] = {
	[GH_CONNECTION] = "connection", [GH_CLIENT_ID] = "client",  [GH_PRINCIPAL] = "user",
	[GH_ADDRESS] = "address",       [GH_EVERYONE] = "everyone",
};

/* ---- posting: any thread ---- */

void gh_acts_open(struct gh_broker *broker)
{
	pthread_rwlock_wrlock(&broker->acting.lock);
	broker->acting.open = true;
	pthread_rwlock_unlock(&broker->acting.lock);
}

void gh_acts_close(struct gh_broker *broker)
{
	pthread_rwlock_wrlock(&broker->acting.lock);
	broker->acting.open = false;
	pthread_rwlock_unlock(&broker->acting.lock);
}

bool gh_acts_enter(struct gh_broker *broker)
{
	pthread_rwlock_rdlock(&broker->acting.lock);
	if (broker->acting.open)
		return true;
	pthread_rwlock_unlock(&broker->acting.lock);
	return false;
}

void gh_acts_leave(struct gh_broker *broker)
{
	pthread_rwlock_unlock(&broker->acting.lock);
}

static const char *put(char **at, const char *text)
{
	char *to = *at;
	size_t n = strlen(text) + 1;

	memcpy(to, text, n);
	*at += n;
	return to;
}

/* NULL: too many wait. Held once. */
static struct act *act_new(struct gh_broker *broker, const struct gh_whom *whom, const char *by,
			   const char *why)
{
	struct act *act;
	char *at;

	if (atomic_fetch_add(&broker->acting.waiting, 1) >= GH_ACTS_MAX) {
		atomic_fetch_sub(&broker->acting.waiting, 1);
		return NULL;
	}
	act = gh_alloc(sizeof(*act) + strlen(whom->text) + strlen(by) + strlen(why) + 3);
	*act = (struct act){ .broker = broker, .whom = *whom };
	atomic_init(&act->refs, 1);
	at = act->text;
	act->whom.text = put(&at, whom->text);
	act->by = put(&at, by);
	act->why = put(&at, why);
	return act;
}

static void act_unref(struct act *act)
{
	if (atomic_fetch_sub(&act->refs, 1) != 1)
		return;
	atomic_fetch_sub(&act->broker->acting.waiting, 1);
	free(act);
}

static void on_act(struct gh_mail *mail, void *owner)
{
	struct act_mail *m = (struct act_mail *)(void *)mail;

	if (owner)
		m->act->run(gh_shard_of(owner), m->act);
	act_unref(m->act);
	free(m);
}

static void post_to(struct act *act, struct gh_worker *worker)
{
	struct act_mail *m = gh_zalloc(sizeof(*m));

	atomic_fetch_add(&act->refs, 1);
	m->act = act;
	m->mail.deliver = on_act;
	gh_worker_post(worker, GH_LANE_CONTROL, &m->mail);
}

static int post(struct act *act)
{
	struct gh_broker *broker = act->broker;
	bool open = gh_acts_enter(broker);

	if (open) {
		for (unsigned i = 0; i < broker->worker_count; i++)
			post_to(act, gh_workers_at(broker->workers, i));
		gh_acts_leave(broker);
	}
	act_unref(act);
	return open ? 0 : GH_EBUSY;
}

/* ---- a table that is full ---- */

static void run_full(struct gh_shard *shard, struct act *act)
{
	gh_tell_limit_of(shard, act->by, "bans");
}

/* Always on the same worker: it is folded there. */
static void tell_full(struct act *act)
{
	struct gh_broker *broker = act->broker;

	act->run = run_full;
	if (gh_acts_enter(broker)) {
		post_to(act, gh_workers_at(broker->workers, 0));
		gh_acts_leave(broker);
	}
	act_unref(act);
}

/* ---- upon many, on each worker ---- */

struct act_errand {
	struct gh_visit visit;
	struct act *act;
};

static void errand_done(struct gh_visit *visit)
{
	struct act_errand *e = gh_container(visit, struct act_errand, visit);

	act_unref(e->act);
	free(e);
}

static void upon_sessions(struct gh_shard *shard, struct act *act,
			  bool (*visit)(struct gh_visit *, struct gh_shard *, struct gh_session *))
{
	struct act_errand *e = gh_zalloc(sizeof(*e));

	atomic_fetch_add(&act->refs, 1);
	e->act = act;
	e->visit.whom = act->whom;
	e->visit.visit = visit;
	e->visit.done = errand_done;
	gh_round_join(shard, &e->visit);
}

/* They stand at the end of the list, behind those that are connected. */
static void upon_logins(struct gh_shard *shard, struct act *act,
			void (*visit)(struct gh_channel *, const struct act *))
{
	struct gh_node *head = &shard->channels, *prev;

	for (struct gh_node *it = head->prev; it != head; it = prev) {
		struct gh_channel *channel = gh_container(it, struct gh_channel, in_shard);

		prev = it->prev;
		if (channel->state == GH_CHANNEL_CONNECTED)
			break;
		if (channel->state != GH_CHANNEL_ENDED &&
		    gh_whom_is(&act->whom, gh_channel_client(channel)))
			visit(channel, act);
	}
}

/* ---- disconnect ---- */

static const char *shown(const char *why)
{
	return why[0] ? why : "disconnected by a module";
}

static void log_disconnect(const struct gh_channel *channel, const struct act *act)
{
	const struct gh_log_field fields[] = { GH_FIELD("module", act->by),
					       GH_FIELD("reason", shown(act->why)) };

	gh_channel_log(channel, GH_LOG_NOTICE, fields, 2, "disconnected by a module");
}

static bool disconnect_session(struct gh_visit *visit, struct gh_shard *shard,
			       struct gh_session *session)
{
	const struct act *act = gh_container(visit, struct act_errand, visit)->act;
	struct gh_channel *channel = session->channel;

	(void)shard;
	if (!channel)
		return true;
	visit->over = act->whom.kind == GH_CONNECTION;
	log_disconnect(channel, act);
	gh_channel_end_by(channel, act->reason, shown(act->why), gh_reason_text(act->reason));
	return false;
}

/* What a CONNACK can't say is told as "not authorized". */
static enum gh_reason refusal(uint8_t reason)
{
	switch (reason) {
	case GH_REASON_BANNED:
	case GH_REASON_SERVER_BUSY:
	case GH_REASON_QUOTA_EXCEEDED:
	case GH_REASON_USE_ANOTHER_SERVER:
	case GH_REASON_SERVER_MOVED:
	case GH_REASON_CONNECTION_RATE_EXCEEDED: return reason;
	case GH_REASON_SERVER_SHUTTING_DOWN: return GH_REASON_SERVER_UNAVAILABLE;
	default: return GH_REASON_NOT_AUTHORIZED;
	}
}

static void disconnect_login(struct gh_channel *channel, const struct act *act)
{
	if (channel->state == GH_CHANNEL_LOGIN && !channel->has_end) {
		gh_ask_cancel(&channel->login->ask);
		gh_connect_refuse(channel->login, act->refusal, NULL, shown(act->why));
		return;
	}
	log_disconnect(channel, act);
	gh_channel_end(channel, act->reason, shown(act->why));
}

static void run_disconnect(struct gh_shard *shard, struct act *act)
{
	upon_logins(shard, act, disconnect_login);
	upon_sessions(shard, act, disconnect_session);
}

static int act_disconnect(void *arg, const struct gh_instance *by, const struct gh_whom *whom,
			  uint8_t reason, const char *why)
{
	struct act *act = act_new(arg, whom, gh_instance_name(by), why);

	if (!act)
		return GH_EBUSY;
	act->reason = reason;
	act->refusal = (uint8_t)refusal(reason);
	act->run = run_disconnect;
	return post(act);
}

/* ---- ban ---- */

static void tell_ban(struct gh_shard *shard, const struct act *act)
{
	const struct gh_subject subject = { .kind = (uint32_t)act->whom.kind, .text = act->whom.text };
	struct gh_event event = { .kind = GH_EV_BAN,
				  .code = act->seconds == 0,
				  .module = act->by,
				  .text = act->why,
				  .count = act->seconds,
				  .subject = &subject };

	gh_event_tell(shard->runtime, &event);
}

/* One worker tells it: always the same for a subject, so that it is told in order. */
static bool tells(const struct gh_shard *shard, const struct act *act)
{
	const char *text = act->whom.text;

	return gh_siphash(&shard->broker->key, text, strlen(text)) % shard->broker->worker_count ==
	       shard->index;
}

static void run_ban(struct gh_shard *shard, struct act *act)
{
	if (tells(shard, act)) {
		gh_ban_tell(shard->broker);
		tell_ban(shard, act);
	}
	if (act->seconds > 0)
		run_disconnect(shard, act);
}

static void log_ban(const struct act *act)
{
	const struct gh_log_field fields[] = {
		GH_FIELD(subject_names[act->whom.kind], act->whom.text), GH_FIELD("module", act->by),
		GH_FIELD_NUMBER("seconds", act->seconds), GH_FIELD("reason", act->why)
	};

	gh_log_line(GH_LOG_NOTICE, fields, 4, act->seconds ? "banned" : "ban lifted");
}

static struct gh_term_key key_of(const struct gh_whom *whom)
{
	return (struct gh_term_key){ .kind = whom->kind, .prefix = whom->prefix, .text = whom->text };
}

static int act_ban(void *arg, const struct gh_instance *by, const struct gh_whom *whom,
		   uint32_t seconds, const char *why)
{
	struct gh_broker *broker = arg;
	struct act *act = act_new(broker, whom, gh_instance_name(by), why);
	const struct gh_term_key key = key_of(whom);
	bool changed;
	int rc;

	if (!act)
		return GH_EBUSY;
	act->seconds = seconds;
	act->reason = GH_REASON_ADMINISTRATIVE_ACTION;
	act->refusal = GH_REASON_BANNED;
	act->run = run_ban;
	rc = gh_ban_change(broker, &key, seconds, why, &changed);
	if (rc) {
		tell_full(act);
		return rc;
	}
	if (!changed) {
		act_unref(act);
		return 0;
	}
	log_ban(act);
	return post(act);
}

/* ---- limits classes ---- */

/* It holds for whoever connects again, too. */
static bool by_subject(const struct act *act)
{
	return act->seconds > 0 && act->whom.kind != GH_CONNECTION && act->whom.kind != GH_EVERYONE;
}

static bool class_session(struct gh_visit *visit, struct gh_shard *shard, struct gh_session *session)
{
	const struct act *act = gh_container(visit, struct act_errand, visit)->act;

	if (by_subject(act) || !act->why[0] || !session->channel)
		gh_class_resolve(shard, session);
	else
		gh_class_impose(shard, session, act->why, act->until_ms);
	visit->over = act->whom.kind == GH_CONNECTION;
	return true;
}

static void run_class(struct gh_shard *shard, struct act *act)
{
	upon_sessions(shard, act, class_session);
}

static void log_class(const struct act *act)
{
	const struct gh_whom *whom = &act->whom;
	const char *kind = subject_names[whom->kind];
	const struct gh_log_field fields[] = { whom->kind == GH_CONNECTION
						       ? GH_FIELD_NUMBER(kind, (int64_t)whom->number)
						       : GH_FIELD(kind, whom->text),
					       GH_FIELD("module", act->by),
					       GH_FIELD_NUMBER("seconds", act->seconds),
					       GH_FIELD("class", act->why) };

	gh_log_line(GH_LOG_INFO, fields, 4,
		    act->why[0] ? "put into a limits class" : "back to its own limits class");
}

/* What holds by subject from now on; the workers look there. */
static int change_imposed(struct gh_terms *imposed, const struct act *act)
{
	const struct gh_term_key key = key_of(&act->whom);

	if (act->why[0] && by_subject(act))
		return gh_terms_put(imposed, &key, act->seconds, act->why, gh_clock_ms());
	if (act->whom.kind == GH_EVERYONE && !act->why[0])
		gh_terms_lift_all(imposed);
	else if (act->whom.kind != GH_EVERYONE && act->whom.kind != GH_CONNECTION)
		gh_terms_lift(imposed, &key, gh_clock_ms());
	return 0;
}

static int act_set_class(void *arg, const struct gh_instance *by, const struct gh_whom *whom,
			 const char *name, uint32_t seconds)
{
	struct gh_broker *broker = arg;
	struct act *act = act_new(broker, whom, gh_instance_name(by), name ? name : "");
	int rc;

	if (!act)
		return GH_EBUSY;
	act->seconds = seconds;
	act->until_ms = seconds ? gh_clock_ms() + seconds * 1000ull : 0;
	act->run = run_class;
	rc = change_imposed(broker->imposed, act);
	if (rc) {
		tell_full(act);
		return rc;
	}
	log_class(act);
	return post(act);
}

/* ---- recheck ---- */

static void run_recheck(struct gh_shard *shard, struct act *act)
{
	gh_author_policy_changed(shard);
	gh_recheck_ask(shard, &act->whom);
}

static void on_recheck_everyone(struct gh_mail *mail, void *owner)
{
	static const struct gh_whom everyone = { .kind = GH_EVERYONE, .text = "" };

	if (owner) {
		struct gh_shard *shard = gh_shard_of(owner);
		struct gh_acting *acting = &shard->broker->acting;

		atomic_store(&acting->told[shard->index], false);
		shard->rechecks_of_everyone = atomic_load(&acting->rechecks_of_everyone);
		gh_author_policy_changed(shard);
		gh_recheck_ask(shard, &everyone);
	}
	free(mail);
}

/* A worker that has mail that says so needn't be told again. */
static int recheck_everyone(struct gh_broker *broker)
{
	if (!gh_acts_enter(broker))
		return GH_EBUSY;
	atomic_fetch_add(&broker->acting.rechecks_of_everyone, 1);
	for (unsigned i = 0; i < broker->worker_count; i++) {
		struct gh_mail *mail;

		if (atomic_exchange(&broker->acting.told[i], true))
			continue;
		mail = gh_zalloc(sizeof(*mail));
		mail->deliver = on_recheck_everyone;
		gh_worker_post(gh_workers_at(broker->workers, i), GH_LANE_CONTROL, mail);
	}
	gh_acts_leave(broker);
	return 0;
}

static int act_recheck(void *arg, const struct gh_whom *whom)
{
	struct gh_broker *broker = arg;
	struct act *act;

	atomic_fetch_add(&broker->acting.rechecks, 1);
	if (whom->kind == GH_EVERYONE)
		return recheck_everyone(broker);
	act = act_new(broker, whom, "", "");
	if (!act)
		return GH_EBUSY;
	act->run = run_recheck;
	return post(act);
}

const struct gh_acts gh_client_acts = {
	.inject = gh_inject_message,
	.disconnect = act_disconnect,
	.recheck = act_recheck,
	.ban = act_ban,
	.set_class = act_set_class,
	.replay = gh_replay_to,
};
