/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: answers what its configuration says, and writes events, calls and its own life into a
 * file.
 *
 *   plugins:
 *     probe:
 *       file: /tmp/probe.jsonl
 *       events: [auth, connect]         # none: all
 *       calls: yes                      # a line for each call of a hook
 *       answers:                        # the first that fits; PASS where none does
 *         - { hook: authenticate, user: joe, answer: allow, principal: joe, group: staff }
 *         - { hook: authorize, action: publish, topic: a/b, answer: deny, how: later, delay: 50ms }
 *
 * how: now; later (a ticket, answered by a thread after `delay`, and not before the file `until` is
 * there); twice (answered a second time, with the opposite); never; early (before the hook returns);
 * made-up (later, after answers to tickets that nobody gave); void (answered now, beside a ticket that
 * a thread answers with the opposite); dies (the process is aborted, as by `fail: dies` in create);
 * babbles (isolated: the broker is sent what is no frame, with a delay: one of no kind). A delay beyond
 * hook-timeout is an answer that comes too late.
 *
 * As probe-exchange it has the hook exchange too: the client's data is the user of a rule. As ...-apart it can be isolated: it has
 * no hook accept.
 */
#include "probe.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum how { NOW, LATER, TWICE, NEVER, EARLY, MADE_UP, VOID, DIES, BABBLES };
enum point { ANY, ACCEPT, AUTHENTICATE, EXCHANGE, LOOKUP, AUTHORIZE, PUBLISH };

struct rule {
	int64_t hook, action, answer, how;
	const char *user, *client, *topic; /* NULL: any. user: the CONNECT's, or the principal */
	uint64_t delay;
	const char *while_exists, *until;
	const char *principal, *group, *client_id, *shown_user, *limits_class, *why, *file,
		*attribute;
	const char *new_topic, *new_payload, *property;
	int64_t line, cause, reason, expires_in, max_qos, max_size, cache;
	bool covers, no_retain, disconnect;
};

struct config {
	const char *file;
	struct gh_list events, answers;
	bool calls;
	const char *fail;
};

struct probe {
	struct gh_host *host;
	const struct config *config;
	struct probe_later *later;
	struct gh_metric answered, exchanges;
	int fd;
};

static void life(const struct probe *probe, const char *word)
{
	struct probe_line line;

	probe_line_begin(&line, word);
	probe_line_string(&line, "name", gh_name(probe->host));
	probe_line_end(&line, probe->fd);
}

/* ---- answering ---- */

static void fill_login(const struct rule *rule, struct gh_answer *out, struct gh_host *host)
{
	char name[64];
	const char *equals;

	if (rule->principal)
		gh_answer_principal(out, rule->principal);
	if (rule->group)
		gh_answer_group(out, rule->group);
	if (rule->client_id)
		gh_answer_client_id(out, rule->client_id);
	if (rule->shown_user)
		gh_answer_shown_user(out, strcmp(rule->shown_user, "-") == 0 ? "" : rule->shown_user);
	if (rule->limits_class)
		gh_answer_limits_class(out, rule->limits_class);
	if (rule->cause)
		gh_answer_cause(out, rule->cause);
	if (rule->expires_in && host)
		gh_answer_expires(out, gh_wall(host) + rule->expires_in);
	equals = rule->attribute ? strchr(rule->attribute, '=') : NULL;
	if (equals && (size_t)(equals - rule->attribute) < sizeof(name)) {
		memcpy(name, rule->attribute, (size_t)(equals - rule->attribute));
		name[equals - rule->attribute] = 0;
		gh_answer_attribute(out, name, equals + 1);
	}
}

static void fill_message(const struct rule *rule, struct gh_answer *out)
{
	const char *equals = rule->property ? strchr(rule->property, '=') : NULL;
	char name[64] = "";

	if (rule->new_topic)
		gh_answer_topic(out, rule->new_topic, strlen(rule->new_topic));
	if (rule->new_payload)
		gh_answer_payload(out, rule->new_payload, strlen(rule->new_payload));
	if (equals && (size_t)(equals - rule->property) < sizeof(name))
		memcpy(name, rule->property, (size_t)(equals - rule->property));
	if (rule->property)
		gh_answer_property(out, equals ? name : rule->property, equals ? equals + 1 : NULL);
}

static void fill_from(const struct rule *rule, struct gh_answer *out, struct gh_host *host)
{
	fill_login(rule, out, host);
	fill_message(rule, out);
	if (rule->why)
		gh_answer_why(out, "%s", rule->why);
	if (rule->file)
		gh_answer_file(out, rule->file);
	if (rule->line)
		gh_answer_line(out, rule->line);
	if (rule->reason >= 0)
		gh_answer_reason(out, rule->reason);
	if (rule->max_qos >= 0)
		gh_answer_max_qos(out, rule->max_qos);
	if (rule->max_size >= 0)
		gh_answer_max_size(out, rule->max_size);
	if (rule->no_retain)
		gh_answer_no_retain(out);
	if (rule->covers)
		gh_answer_covers(out);
	if (rule->cache >= 0)
		gh_answer_cache(out, rule->cache);
	if (rule->disconnect)
		gh_answer_disconnect(out);
}

static void fill_later(void *rule, struct gh_answer *out)
{
	fill_from(rule, out, NULL);
}

static enum gh_verdict verdict_of(const struct rule *rule)
{
	static const enum gh_verdict verdicts[] = { GH_PASS,     GH_ALLOW,           GH_DENY,
						    GH_ERROR,    (enum gh_verdict)0, GH_PENDING,
						    GH_CONTINUE, (enum gh_verdict)99 };

	return verdicts[rule->answer];
}

static bool same(const char *pattern, const char *s, size_t n)
{
	return !pattern || (s && strlen(pattern) == n && memcmp(pattern, s, n) == 0);
}

static struct rule *find(const struct probe *probe, enum point point, const char *user,
			 const struct gh_client *client, uint32_t action, struct gh_str topic)
{
	const struct rule *rules = probe->config->answers.items;
	const char *id = client->client_id;

	for (size_t i = 0; i < probe->config->answers.count; i++) {
		const struct rule *rule = &rules[i];

		if ((rule->hook == ANY || rule->hook == (int64_t)point) &&
		    (!rule->action || rule->action == (int64_t)action) &&
		    same(rule->user, user, user ? strlen(user) : 0) &&
		    same(rule->client, id, id ? strlen(id) : 0) &&
		    same(rule->topic, topic.p, topic.n) &&
		    (!rule->while_exists || access(rule->while_exists, F_OK) == 0))
			return (struct rule *)rule;
	}
	return NULL;
}

static void write_call(const struct probe *probe, enum point point, const char *user,
		       const struct gh_client *client, uint32_t action, struct gh_str topic,
		       uint32_t flags)
{
	static const char *const names[] = { "",       "accept",    "authenticate", "exchange",
					     "lookup", "authorize", "publish" };
	struct probe_line line;

	if (!probe->config->calls)
		return;
	probe_line_begin(&line, "call");
	probe_line_string(&line, "hook", names[point]);
	probe_line_string(&line, "user", user);
	probe_line_string(&line, "client", client->client_id);
	probe_line_string(&line, "address", client->address);
	if (topic.n)
		probe_line_text(&line, "topic", topic.p, topic.n);
	probe_line_number(&line, "action", action);
	probe_line_number(&line, "flags", flags);
	probe_line_number(&line, "local", gh_local(probe->host) != NULL);
	probe_line_end(&line, probe->fd);
}

static void answer_early(struct probe *probe, struct gh_ticket ticket, const struct rule *rule)
{
	struct gh_answer *out = gh_answer_begin(probe->host, ticket);

	if (!out)
		return;
	fill_from(rule, out, probe->host);
	gh_answer_end(out, verdict_of(rule));
}

/* Of no asker, of one that isn't there, of slots never used, of another time. */
static void answer_made_up(struct probe *probe, struct gh_ticket ticket)
{
	const uint64_t ids[] = { 0,
				 UINT64_MAX,
				 ticket.id & ~0xffull,
				 ticket.id | 0xff,
				 ticket.id | 0xffffff00ull,
				 ticket.id + (1ull << 32),
				 ticket.id - (1ull << 32) };

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		struct gh_answer *out = gh_answer_begin(probe->host, (struct gh_ticket){ ids[i] });

		if (!out)
			continue;
		life(probe, "a made-up ticket was taken");
		gh_answer_end(out, GH_ALLOW);
	}
}

/* In another way than now. */
static enum gh_verdict answer_ticket(struct probe *probe, struct rule *rule, struct gh_answer *out)
{
	struct probe_due due = { .ticket = gh_pend(out),
				 .delay_ms = rule->delay,
				 .until = rule->until,
				 .rule = rule,
				 .verdict = verdict_of(rule),
				 .twice = rule->how == TWICE };

	if (!due.ticket.id) {
		life(probe, "no ticket");
		return GH_ERROR;
	}
	if (rule->how == EARLY)
		answer_early(probe, due.ticket, rule);
	if (rule->how == MADE_UP)
		answer_made_up(probe, due.ticket);
	if (rule->how == VOID)
		due.verdict = due.verdict == GH_ALLOW ? GH_DENY : GH_ALLOW;
	if (rule->how != NEVER && rule->how != EARLY)
		probe_later_add(probe->later, &due);
	if (rule->how != VOID)
		return GH_PENDING;
	fill_from(rule, out, probe->host);
	return verdict_of(rule);
}

/* To where an isolated one speaks with the broker. */
static void babble(const char *p, size_t n)
{
	if (write(STDERR_FILENO + 1, p, n) < 0)
		abort();
}

static enum gh_verdict answer(struct probe *probe, enum point point, const char *user,
			      const struct gh_client *client, uint32_t action, struct gh_str topic,
			      uint32_t flags, struct gh_answer *out)
{
	struct rule *rule = find(probe, point, user, client, action, topic);

	write_call(probe, point, user, client, action, topic, flags);
	if (!rule)
		return GH_PASS;
	gh_metric_add(probe->host, probe->answered, 1);
	if (rule->how == DIES)
		abort();
	if (rule->how == BABBLES && rule->delay)
		babble("\0\0\0\1\xff", 6); /* a frame of no kind, empty but for a NUL */
	else if (rule->how == BABBLES)
		babble("\xff\xff\xff\xff\x12", 5); /* one of 4 GiB */
	if (rule->how == NOW) {
		fill_from(rule, out, probe->host);
		return verdict_of(rule);
	}
	return answer_ticket(probe, rule, out);
}

static const struct gh_str no_topic;

#ifndef PROBE_APART
static enum gh_verdict accept_client(void *instance, const struct gh_client *in, struct gh_answer *out)
{
	return answer(instance, ACCEPT, NULL, in, 0, no_topic, 0, out);
}
#endif

static enum gh_verdict authenticate(void *instance, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	return answer(instance, AUTHENTICATE, in->username, in->client, 0, no_topic, in->flags, out);
}

static enum gh_verdict lookup(void *instance, const struct gh_lookup *in, struct gh_answer *out)
{
	return answer(instance, LOOKUP, in->principal, in->client, 0, no_topic, in->flags, out);
}

static enum gh_verdict authorize(void *instance, const struct gh_authorize *in, struct gh_answer *out)
{
	const struct gh_identity *identity = in->client->identity;

	return answer(instance, AUTHORIZE, identity ? identity->principal : NULL, in->client,
		      in->action, in->topic, in->flags, out);
}

static enum gh_verdict publish(void *instance, const struct gh_publish *in, struct gh_answer *out)
{
	const struct gh_identity *identity = in->client->identity;

	return answer(instance, PUBLISH, identity ? identity->principal : NULL, in->client, 0,
		      in->message->topic, in->flags, out);
}

#ifdef PROBE_EXCHANGE
static enum gh_verdict exchange(void *instance, const struct gh_exchange *in, struct gh_answer *out)
{
	struct probe *probe = instance;
	char user[128];

	if (in->data.n >= sizeof(user))
		return GH_ERROR;
	memcpy(user, in->data.p, in->data.n);
	user[in->data.n] = 0;
	if (!*in->state)
		gh_metric_add(probe->host, probe->exchanges, 1);
	*in->state = probe;
	return answer(probe, EXCHANGE, user, in->client, 0, no_topic, in->flags, out);
}

static void exchange_end(void *instance, void *state)
{
	struct probe *probe = instance;

	if (state == probe)
		gh_metric_add(probe->host, probe->exchanges, -1);
}
#endif

static void event(void *instance, const struct gh_event *event)
{
	probe_write_event(event, ((struct probe *)instance)->fd);
}

/* ---- life ---- */

static void destroy(void *instance)
{
	struct probe *probe = instance;

	if (probe->later)
		probe_later_free(probe->later);
	life(probe, "destroy");
	if (probe->fd >= 0)
		close(probe->fd);
	free(probe);
}

static int prepare(struct probe *probe, struct gh_error *error)
{
	const struct config *config = probe->config;

	if (config->file)
		probe->fd = open(config->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (config->file && probe->fd < 0) {
		gh_fail(error, "file", "'%s' can't be opened", config->file);
		return GH_EIO;
	}
	if (config->fail && strcmp(config->fail, "dies") == 0)
		abort();
	if (config->fail) {
		gh_fail(error, "fail", "%s", config->fail);
		return GH_EINVAL;
	}
	probe->later = probe_later_new(probe->host, fill_later);
	return probe->later ? 0 : GH_EIO;
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	int rc;

	if (!probe)
		return GH_EIO;
	probe->host = host;
	probe->config = config;
	probe->fd = -1;
	rc = prepare(probe, error);
	if (rc) {
		destroy(probe);
		return rc;
	}
	gh_observe(host, probe->config->file ? probe_event_mask(&probe->config->events) : 0);
	probe->answered =
		gh_metric_new(host, GH_COUNTER, "answers_total", NULL, "Answers given by a rule.");
	probe->exchanges =
		gh_metric_new(host, GH_GAUGE, "exchanges", NULL, "Exchanges that have not ended.");
	life(probe, previous ? "create again" : "create");
	*instance_r = probe;
	return 0;
}

static void *thread_start(void *instance)
{
	life(instance, "thread start");
	return instance;
}

static void thread_stop(void *instance, void *local)
{
	life(instance, local == instance ? "thread stop" : "thread stop with another's local");
}

static const struct gh_option rule_options[] = {
	GH_OPTION(struct rule, hook, GH_ENUM, "which hook", .standard = "any",
		  .unit = "any|accept|authenticate|exchange|lookup|authorize|publish"),
	GH_OPTION(struct rule, action, GH_ENUM, "which action", .standard = "any",
		  .unit = "any|publish|subscribe|receive|will"),
	GH_OPTION(struct rule, user, GH_STRING, "user name or principal"),
	GH_OPTION(struct rule, client, GH_STRING, "client id"),
	GH_OPTION(struct rule, topic, GH_STRING, "topic or filter, as it is"),
	GH_OPTION(struct rule, while_exists, GH_PATH, "a file: the rule counts while it is there"),
	GH_OPTION(struct rule, answer, GH_ENUM, "the verdict", .flags = GH_REQUIRED,
		  .unit = "pass|allow|deny|error|nothing|pending|continue|unknown"),
	GH_OPTION(struct rule, how, GH_ENUM, "when", .standard = "now",
		  .unit = "now|later|twice|never|early|made-up|void|dies|babbles"),
	GH_OPTION(struct rule, delay, GH_DURATION, "how much later", .standard = "0"),
	GH_OPTION(struct rule, until, GH_PATH, "a file: not before it is there"),
	GH_OPTION(struct rule, principal, GH_STRING, "who it is"),
	GH_OPTION(struct rule, group, GH_STRING, "a group"),
	GH_OPTION(struct rule, attribute, GH_STRING, "name=value"),
	GH_OPTION(struct rule, client_id, GH_STRING, "the client id it must have"),
	GH_OPTION(struct rule, shown_user, GH_STRING, "the name in logs; '-' hides it"),
	GH_OPTION(struct rule, limits_class, GH_STRING, "its limits class"),
	GH_OPTION(struct rule, why, GH_STRING, "the reason, for people"),
	GH_OPTION(struct rule, file, GH_STRING, "where the rule stands"),
	GH_OPTION(struct rule, line, GH_INT, "and its line", .standard = "0"),
	GH_OPTION(struct rule, cause, GH_INT, "enum gh_cause", .standard = "0"),
	GH_OPTION(struct rule, reason, GH_INT, "MQTT reason code", .standard = "-1"),
	GH_OPTION(struct rule, expires_in, GH_INT, "seconds", .standard = "0"),
	GH_OPTION(struct rule, max_qos, GH_INT, "limit", .standard = "-1"),
	GH_OPTION(struct rule, max_size, GH_INT, "limit", .standard = "-1"),
	GH_OPTION(struct rule, new_topic, GH_STRING, "the topic it gets"),
	GH_OPTION(struct rule, new_payload, GH_STRING, "the payload it gets"),
	GH_OPTION(struct rule, property, GH_STRING, "name=value, or a name: removed"),
	GH_OPTION(struct rule, cache, GH_INT, "seconds it may be kept, 0: until a change",
		  .standard = "-1"),
	GH_OPTION(struct rule, covers, GH_BOOL, "covers deliveries", .standard = "no"),
	GH_OPTION(struct rule, no_retain, GH_BOOL, "limit", .standard = "no"),
	GH_OPTION(struct rule, disconnect, GH_BOOL, "with deny", .standard = "no"),
	{ 0 }
};

static const struct gh_option options[] = {
	GH_OPTION(struct config, file, GH_PATH, "where it writes"),
	GH_OPTION(struct config, events, GH_STRINGS, "kinds of event"),
	GH_OPTION(struct config, calls, GH_BOOL, "write calls too", .standard = "no"),
	GH_OPTION(struct config, fail, GH_STRING, "fail with this text"),
	GH_OPTION(struct config, answers, GH_TABLE, "what it answers", .rows = rule_options,
		  .row_size = sizeof(struct rule)),
	{ 0 }
};

#define PLUGIN(symbol) GH_PLUGIN(symbol) /* the macro's own name first */
PLUGIN(PROBE_SYMBOL) = {
	GH_HEAD,
	.name = PROBE_NAME,
#ifdef PROBE_EXCHANGE
	.exchange = exchange,
	.exchange_end = exchange_end,
#endif
#ifndef PROBE_APART
	.accept = accept_client,
#endif
	.flags = PROBE_FLAGS,
	.version = "1",
	.summary = "answers what it is told to, and writes down what it sees",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.destroy = destroy,
	.authenticate = authenticate,
	.lookup = lookup,
	.authorize = authorize,
	.event = event,
	.publish = publish,
};
