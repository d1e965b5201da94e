/* SPDX-License-Identifier: Apache-2.0 */
/* Options of `gatehouse-acl test`: a client and what it wants to do. */
#include <gatehouse/lib.h>
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "question.h"

enum option_value {
	CLIENT = 256,
	BOUND,
	USER,
	REALM,
	GROUP,
	ATTRIBUTE,
	ADDRESS,
	LISTENER,
	TLS,
	PUBLISH,
	WILL,
	SUBSCRIBE,
	RECEIVE,
	QOS,
	RETAIN,
	SIZE
};

static const struct option longs[] = {
	{ "client", required_argument, NULL, CLIENT },
	{ "bound", no_argument, NULL, BOUND },
	{ "user", required_argument, NULL, USER },
	{ "realm", required_argument, NULL, REALM },
	{ "group", required_argument, NULL, GROUP },
	{ "attr", required_argument, NULL, ATTRIBUTE },
	{ "address", required_argument, NULL, ADDRESS },
	{ "listener", required_argument, NULL, LISTENER },
	{ "tls", no_argument, NULL, TLS },
	{ "publish", required_argument, NULL, PUBLISH },
	{ "will", required_argument, NULL, WILL },
	{ "subscribe", required_argument, NULL, SUBSCRIBE },
	{ "receive", required_argument, NULL, RECEIVE },
	{ "qos", required_argument, NULL, QOS },
	{ "retain", no_argument, NULL, RETAIN },
	{ "size", required_argument, NULL, SIZE },
	{ NULL, 0, NULL, 0 },
};

static bool action(struct acl_question *question, uint32_t action, const char *topic)
{
	if (question->in.action) {
		acl_say("found a second thing to do, expected one of --publish, --will, --subscribe and --receive");
		return false;
	}
	question->in.action = action;
	question->in.topic = (struct gh_str){ topic, strlen(topic) };
	return true;
}

static bool number(const char *text, unsigned long most, unsigned long *number_r)
{
	char *end;

	errno = 0;
	*number_r = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && *number_r <= most)
		return true;
	acl_say("found '%s', expected a number from 0 to %lu", text, most);
	return false;
}

static bool qos(struct acl_question *question, const char *text)
{
	unsigned long value;

	if (!number(text, 2, &value))
		return false;
	question->in.qos = (uint8_t)value;
	return true;
}

static bool size(struct acl_question *question, const char *text)
{
	unsigned long value;

	if (!number(text, 268435455, &value))
		return false;
	question->in.payload_size = value;
	return true;
}

static bool address(struct acl_question *question, const char *text)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct gh_client *client = &question->client;

	memcpy(client->ip, mapped, sizeof(mapped));
	client->transport = GH_TCP;
	client->address = text;
	if (inet_pton(AF_INET, text, client->ip + 12) == 1 ||
	    inet_pton(AF_INET6, text, client->ip) == 1)
		return true;
	acl_say("found '%s', expected an IPv4 or IPv6 address", text);
	return false;
}

static bool group(struct acl_question *question, const char *text)
{
	struct gh_identity *identity = &question->identity;

	if (identity->group_count == ACL_GROUPS_MAX) {
		acl_say("found more than %d groups", ACL_GROUPS_MAX);
		return false;
	}
	question->groups[identity->group_count++] = text;
	return true;
}

static bool attribute(struct acl_question *question, char *text)
{
	struct gh_identity *identity = &question->identity;
	char *equals = strchr(text, '=');

	if (!equals || equals == text || identity->attribute_count == ACL_ATTRIBUTES_MAX) {
		acl_say("found '%s', expected NAME=VALUE, at most %d times", text,
			ACL_ATTRIBUTES_MAX);
		return false;
	}
	*equals = '\0';
	question->attributes[identity->attribute_count++] = (struct gh_pair){ text, equals + 1 };
	return true;
}

/* Only whether there is one is ever asked. */
static const struct gh_tls *some_tls(void)
{
	static const char established;

	return (const struct gh_tls *)(const void *)&established;
}

static bool option(struct acl_question *question, int value)
{
	switch (value) {
	case CLIENT: question->client.client_id = optarg; return true;
	case BOUND: return question->client.client_id_bound = true;
	case USER: question->identity.principal = optarg; return true;
	case REALM: question->identity.realm = optarg; return true;
	case GROUP: return group(question, optarg);
	case ATTRIBUTE: return attribute(question, optarg);
	case ADDRESS: return address(question, optarg);
	case LISTENER: question->client.listener = optarg; return true;
	case TLS: question->client.tls = some_tls(); return true;
	case PUBLISH: return action(question, GH_PUBLISH, optarg);
	case WILL: return action(question, GH_WILL, optarg);
	case SUBSCRIBE: return action(question, GH_SUBSCRIBE, optarg);
	case RECEIVE: return action(question, GH_RECEIVE, optarg);
	case QOS: return qos(question, optarg);
	case RETAIN: return question->in.retain = true;
	case SIZE: return size(question, optarg);
	default: return false;
	}
}

/* What the broker asks for "$share/GROUP/FILTER" is the filter. */
static bool unshare(struct gh_authorize *in)
{
	struct gh_str rest = in->topic, level;

	if (in->action != GH_SUBSCRIBE || in->topic.n < 7 || memcmp(in->topic.p, "$share/", 7) != 0)
		return true;
	gh_topic_level(&rest, &level);
	gh_topic_level(&rest, &in->share);
	in->topic = rest;
	return in->share.n && rest.p && !memchr(in->share.p, '+', in->share.n) &&
	       !memchr(in->share.p, '#', in->share.n);
}

static bool complete(struct acl_question *question)
{
	struct gh_authorize *in = &question->in;

	if (!in->action || !question->client.client_id) {
		acl_say("expected --client and one of --publish, --will, --subscribe and --receive");
		return false;
	}
	if (!question->identity.principal &&
	    (question->identity.realm || question->identity.group_count ||
	     question->identity.attribute_count)) {
		acl_say("found --realm, --group or --attr without --user: clients without a user have none");
		return false;
	}
	if (!unshare(in) || !(in->action == GH_SUBSCRIBE ? gh_topic_filter_valid(in->topic)
							 : gh_topic_name_valid(in->topic))) {
		acl_say("found '%.*s', expected a valid topic%s", (int)in->topic.n,
			in->topic.p ? in->topic.p : "",
			in->action == GH_SUBSCRIBE ? " filter" : " without wildcards");
		return false;
	}
	return true;
}

/* A realm that is named nowhere: what asks for one by name doesn't match. */
static void fill(struct acl_question *question)
{
	struct gh_identity *identity = &question->identity;
	bool anonymous = !identity->principal;

	identity->size = sizeof(*identity);
	identity->source = anonymous ? "anonymous" : "gatehouse-acl";
	if (anonymous)
		identity->principal = "anonymous";
	if (anonymous || !identity->realm)
		identity->realm = anonymous ? "" : "?";
	identity->groups = question->groups;
	identity->attributes = question->attributes;
	question->client.size = sizeof(question->client);
	question->client.identity = identity;
	question->in.size = sizeof(question->in);
	question->in.client = &question->client;
}

bool acl_question_options(int argc, char **argv, struct acl_question *question)
{
	int value;

	memset(question, 0, sizeof(*question));
	question->client.listener = question->client.address = "";
	question->client.transport = GH_UNIX;
	while ((value = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (!option(question, value))
			return false;
	if (!complete(question))
		return false;
	fill(question);
	return true;
}
