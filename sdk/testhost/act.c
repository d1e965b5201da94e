/* SPDX-License-Identifier: Apache-2.0 */
/* What a module asks the broker to do: written down instead. */
#include "priv.h"

#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>

void gh_act_free(struct gh_act **act)
{
	struct gh_act *gone = *act;

	*act = NULL;
	if (!gone)
		return;
	free((char *)gone->subject.text);
	free(gone->text);
	free((void *)gone->topic.p);
	free((void *)gone->payload.p);
	free((void *)gone->properties.p);
	free(gone);
}

static struct gh_act *act_new(struct gh_testhost *host, enum gh_act_kind kind)
{
	struct gh_act *act = gh_new(sizeof(*act));

	act->kind = kind;
	act->wall_us = gh_clock_wall(&host->clock);
	return act;
}

/* A copy that is there even where n is 0. */
static struct gh_bytes bytes_of(const void *p, size_t n)
{
	return (struct gh_bytes){ gh_copy_n(p, n), n };
}

int gh_busy(struct gh_testhost *host, enum gh_act_kind kind)
{
	int rc;

	pthread_mutex_lock(&host->lock);
	rc = host->busy[kind];
	pthread_mutex_unlock(&host->lock);
	return rc;
}

static int record(struct gh_testhost *host, struct gh_act *act)
{
	int rc;

	pthread_mutex_lock(&host->lock);
	rc = host->busy[act->kind];
	if (!rc) {
		*host->acts_end = act;
		host->acts_end = &act->next;
	}
	pthread_mutex_unlock(&host->lock);
	if (rc)
		gh_act_free(&act);
	return rc;
}

struct gh_act *gh_testhost_act(struct gh_testhost *host)
{
	struct gh_act *act;

	pthread_mutex_lock(&host->lock);
	act = host->acts;
	if (act)
		host->acts = act->next;
	if (!host->acts)
		host->acts_end = &host->acts;
	pthread_mutex_unlock(&host->lock);
	return act;
}

void gh_testhost_busy(struct gh_testhost *host, enum gh_act_kind kind, int code)
{
	pthread_mutex_lock(&host->lock);
	host->busy[kind] = code;
	pthread_mutex_unlock(&host->lock);
}

void gh_testhost_class(struct gh_testhost *host, const char *name)
{
	pthread_mutex_lock(&host->lock);
	host->classes = gh_grow(host->classes, host->class_count + 1, sizeof(*host->classes));
	host->classes[host->class_count++] = gh_copy(name);
	pthread_mutex_unlock(&host->lock);
}

/* ---- what the module calls ---- */

static bool subject_valid(struct gh_instance *instance, const char *call,
			  const struct gh_subject *subject)
{
	bool valid = subject->kind >= GH_CONNECTION && subject->kind <= GH_EVERYONE;

	if (valid && subject->kind == GH_CONNECTION)
		valid = subject->number;
	else if (valid && subject->kind != GH_EVERYONE)
		valid = subject->text && *subject->text;
	if (!valid)
		gh_misuse(instance, "%s: no subject", call);
	return valid;
}

static struct gh_act *about(struct gh_instance *instance, enum gh_act_kind kind,
			    const struct gh_subject *subject, const char *text)
{
	struct gh_act *act = act_new(instance->host, kind);

	act->subject = *subject;
	act->subject.text = subject->kind == GH_CONNECTION || subject->kind == GH_EVERYONE
				    ? NULL
				    : gh_copy(subject->text);
	act->text = gh_copy(text);
	return act;
}

int gh_host_inject(struct gh_host *theirs, const struct gh_message *message, uint32_t expiry_s)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	struct gh_act *act;

	if (!gh_topic_name_valid(message->topic) || !gh_utf8(message->topic.p, message->topic.n) ||
	    message->qos > 2) {
		gh_misuse(instance, "gh_inject(): no topic that may be published to, or no QoS");
		return GH_EINVAL;
	}
	act = act_new(instance->host, GH_ACT_INJECT);
	act->topic = bytes_of(message->topic.p, message->topic.n);
	act->payload = bytes_of(message->payload.p, message->payload.n);
	act->properties = bytes_of(message->properties.p, message->properties.n);
	act->qos = message->qos;
	act->retain = message->retain;
	act->seconds = expiry_s;
	return record(instance->host, act);
}

int gh_host_disconnect(struct gh_host *theirs, struct gh_subject subject, uint8_t reason,
		       const char *why)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	struct gh_act *act;

	if (!subject_valid(instance, "gh_disconnect()", &subject))
		return GH_EINVAL;
	act = about(instance, GH_ACT_DISCONNECT, &subject, why);
	act->reason = reason;
	return record(instance->host, act);
}

int gh_host_ban(struct gh_host *theirs, struct gh_subject subject, uint32_t seconds, const char *why)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	struct gh_act *act;

	if (!subject_valid(instance, "gh_ban()", &subject))
		return GH_EINVAL;
	if (subject.kind == GH_CONNECTION || subject.kind == GH_EVERYONE) {
		gh_misuse(instance, "gh_ban(): an address, client id or principal is banned");
		return GH_EINVAL;
	}
	act = about(instance, GH_ACT_BAN, &subject, why);
	act->seconds = seconds;
	return record(instance->host, act);
}

static bool class_exists(struct gh_testhost *host, const char *name)
{
	bool exists = !name;

	pthread_mutex_lock(&host->lock);
	for (size_t i = 0; i < host->class_count; i++)
		exists = exists || strcmp(host->classes[i], name) == 0;
	pthread_mutex_unlock(&host->lock);
	return exists;
}

int gh_host_set_class(struct gh_host *theirs, struct gh_subject subject, const char *name,
		      uint32_t seconds)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	struct gh_act *act;

	if (!subject_valid(instance, "gh_set_class()", &subject))
		return GH_EINVAL;
	if (!class_exists(instance->host, name))
		return GH_ENOENT;
	act = about(instance, GH_ACT_CLASS, &subject, name);
	act->seconds = seconds;
	return record(instance->host, act);
}

int gh_host_recheck(struct gh_host *theirs, struct gh_subject subject)
{
	struct gh_instance *instance = gh_instance_of(theirs);

	if (!subject_valid(instance, "gh_recheck()", &subject))
		return GH_EINVAL;
	return record(instance->host, about(instance, GH_ACT_RECHECK, &subject, NULL));
}

/* ---- words ---- */

static void add_subject(const struct gh_subject *subject, struct gh_facts *facts)
{
	static const char *const keys[] = { "",          "connection", "client",
					    "principal", "address",    "everyone" };

	if (subject->kind == GH_CONNECTION)
		gh_facts_print(facts, "connection", "%llu", (unsigned long long)subject->number);
	else
		gh_facts_text(facts, keys[subject->kind], subject->text ? subject->text : "yes");
}

static void add_message(const struct gh_act *act, struct gh_facts *facts)
{
	gh_facts_bytes(facts, "topic", act->topic.p, act->topic.n);
	gh_facts_bytes(facts, "payload", act->payload.p, act->payload.n);
	gh_facts_print(facts, "qos", "%u", act->qos);
	if (act->retain)
		gh_facts_text(facts, "retain", "yes");
	if (act->properties.n)
		gh_facts_bytes(facts, "properties", act->properties.p, act->properties.n);
	gh_facts_print(facts, "expiry", "%u", act->seconds);
}

void gh_act_facts(const struct gh_act *act, struct gh_facts *facts)
{
	static const char *const words[] = { "", "inject", "disconnect", "ban", "class", "recheck" };

	gh_facts_word(facts, words[act->kind]);
	if (act->kind == GH_ACT_INJECT) {
		add_message(act, facts);
		return;
	}
	add_subject(&act->subject, facts);
	if (act->kind == GH_ACT_CLASS)
		gh_facts_text(facts, "name", act->text);
	if (act->kind == GH_ACT_BAN || act->kind == GH_ACT_CLASS)
		gh_facts_print(facts, "seconds", "%u", act->seconds);
	if (act->kind == GH_ACT_DISCONNECT)
		gh_facts_print(facts, "reason", "%u", act->reason);
	if (act->kind == GH_ACT_DISCONNECT || act->kind == GH_ACT_BAN)
		gh_facts_text(facts, "why", act->text);
}
