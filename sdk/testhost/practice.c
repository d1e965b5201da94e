/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor, the life, and the hooks that decide about a client's acts. */
#include "practice.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is(struct gh_str text, const char *s)
{
	return text.n == strlen(s) && memcmp(text.p, s, text.n) == 0;
}

static enum gh_verdict accept_client(void *instance, const struct gh_client *client,
				     struct gh_answer *out)
{
	(void)instance;
	if (client->port == 1)
		return gh_pend(out).id ? GH_PENDING : GH_ERROR;
	if (client->port == 2)
		return GH_PENDING;
	if (strcmp(client->address, "198.51.100.66") != 0 || client->client_id || client->identity)
		return GH_PASS;
	gh_answer_why(out, "%s may not come", client->address);
	return GH_DENY;
}

static enum gh_verdict handshake(void *instance, const struct gh_client *client, struct gh_answer *out)
{
	if (client->port == 1)
		return practice_pend(instance, out);
	if (client->port == 2)
		return GH_PENDING;
	if (client->port == 3)
		return GH_ERROR;
	if (!client->tls || !client->tls->verified) {
		gh_answer_cause(out, GH_CAUSE_UNTRUSTED);
		return GH_DENY;
	}
	gh_answer_why(out, "TLS %#x, %zu certificates, fingerprint %02x", client->tls->version,
		      client->tls->chain_length, client->tls->fingerprint[0]);
	return GH_PASS;
}

static enum gh_verdict psk(void *instance, const struct gh_psk *in, struct gh_answer *out)
{
	(void)instance;
	if (is(in->identity, "later"))
		return gh_pend(out).id ? GH_PENDING : GH_ERROR;
	if (is(in->identity, "ticketless"))
		return GH_PENDING;
	if (is(in->identity, "broken"))
		return GH_ERROR;
	if (is(in->identity, "known"))
		gh_answer_psk_key(out, "\x01\x02k", 3);
	else if (!is(in->identity, "keyless"))
		return GH_PASS;
	return GH_ALLOW;
}

static enum gh_verdict lookup(void *instance, const struct gh_lookup *in, struct gh_answer *out)
{
	(void)instance;
	if (strcmp(in->principal, "gone") == 0)
		return GH_DENY;
	gh_answer_group(out, "looked-up");
	return GH_ALLOW;
}

/* The second level of the topic says what to do. */
static enum gh_verdict authorize(void *instance, const struct gh_authorize *in, struct gh_answer *out)
{
	(void)instance;
	if (in->action > GH_WILL)
		return GH_PASS;
	if (is(in->topic, "limits/1")) {
		gh_answer_max_qos(out, 1);
		gh_answer_max_size(out, 100);
		gh_answer_no_retain(out);
		gh_answer_cache(out, 60);
		return GH_ALLOW;
	}
	if (is(in->topic, "covers/#"))
		gh_answer_covers(out);
	if (is(in->topic, "disconnect"))
		gh_answer_disconnect(out);
	if (is(in->topic, "principal"))
		gh_answer_principal(out, "nobody");
	if (in->action == GH_RECEIVE && is(in->topic, "later"))
		return gh_pend(out).id ? GH_PENDING : GH_ERROR;
	if (in->author)
		gh_answer_why(out, "of %s", in->author);
	return in->topic.n && in->topic.p[0] == 'd' ? GH_DENY : GH_ALLOW;
}

static enum gh_verdict publish(void *instance, const struct gh_publish *in, struct gh_answer *out)
{
	(void)instance;
	if (is(in->message->topic, "drop")) {
		gh_answer_reason(out, 0);
		return GH_DENY;
	}
	if (is(in->message->topic, "wrong"))
		gh_answer_topic(out, "a/+", 3);
	if (!is(in->message->topic, "edit"))
		return GH_PASS;
	gh_answer_topic(out, "edited/topic", 12);
	gh_answer_payload(out, "a\0b", 3);
	gh_answer_property(out, "by", "practice");
	gh_answer_property(out, "secret", NULL);
	return GH_ALLOW;
}

static int subject(void *instance, const struct gh_subject_request *in, struct gh_reply *reply)
{
	(void)instance;
	if (in->forget)
		return 0;
	gh_reply_field(reply, "kept", "%s", in->subject.text);
	gh_reply_field(reply, "kind", "%u", in->subject.kind);
	return 0;
}

/* ---- life ---- */

/* As often as `number` says. */
static void tick(void *instance, void *arg)
{
	struct practice *practice = instance;

	practice->ticks++;
	gh_log(practice->host, GH_LOG_INFO, "%s %lld at %lld", (const char *)arg,
	       (long long)practice->ticks, (long long)gh_wall(practice->host));
	if (practice->ticks == practice->config->number)
		gh_timer_stop(practice->host, practice->timer);
}

static void prepare(struct practice *practice)
{
	struct gh_host *host = practice->host;

	gh_observe(host, ~(uint64_t)GH_EV_USAGE);
	practice->events = gh_metric_new(host, GH_COUNTER, "events_total", NULL, "Events told.");
	practice->seconds =
		gh_metric_new(host, GH_HISTOGRAM, "call_seconds", "kind=\"event\"", "How long.");
	if (practice->config->period)
		practice->timer = gh_timer_start(host, (uint32_t)practice->config->period,
						 (uint32_t)practice->config->period, tick, "tick");
}

static void recalled(void *arg, struct gh_bytes key, struct gh_bytes value)
{
	struct gh_host *host = arg;
	struct gh_bytes last = { "recalled", 8 };

	gh_log(host, GH_LOG_INFO, "recalled %.*s=%.*s", (int)key.n, (const char *)key.p,
	       (int)value.n, (const char *)value.p);
	gh_keep(host, last, key);
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	const struct config *c = config;
	struct practice *practice;

	if (c->fail && strcmp(c->fail, "silently") == 0)
		return GH_EIO;
	if (c->fail) {
		gh_fail(error, "entries.0.weight", "%s", c->fail);
		return GH_EINVAL;
	}
	practice = calloc(1, sizeof(*practice));
	if (!practice)
		return GH_EIO;
	practice->host = host;
	practice->config = c;
	practice->pipe[0] = practice->pipe[1] = -1;
	prepare(practice);
	gh_log(host, GH_LOG_INFO, "%s: create%s", gh_name(host), previous ? " again" : "");
	gh_log(host, GH_LOG_INFO, "recall: %d", gh_recall(host, recalled, host));
	*instance_r = practice;
	return 0;
}

static int alone(void *instance, struct gh_error *error)
{
	struct practice *practice = instance;

	gh_log(practice->host, GH_LOG_INFO, "alone");
	if (practice->config->alone_fails) {
		gh_fail(error, NULL, "%s", practice->config->alone_fails);
		return GH_EIO;
	}
	return gh_replay(practice->host, GH_EV_CONNECT | GH_EV_SUBSCRIBE);
}

static void *thread_start(void *instance)
{
	gh_log(((struct practice *)instance)->host, GH_LOG_INFO, "thread start");
	return instance;
}

static void thread_stop(void *instance, void *local)
{
	gh_log(((struct practice *)instance)->host, GH_LOG_INFO, "thread stop%s",
	       local == instance ? "" : " of another");
}

static void destroy(void *instance)
{
	struct practice *practice = instance;

	if (practice->threaded)
		pthread_join(practice->thread, NULL);
	gh_log(practice->host, GH_LOG_INFO, "destroy");
	for (unsigned i = 0; i < 2; i++)
		if (practice->pipe[i] >= 0)
			close(practice->pipe[i]);
	free(practice);
}

static void exchange_end(void *instance, void *state)
{
	gh_log(((struct practice *)instance)->host, GH_LOG_INFO, "exchange end");
	free(state);
}

#ifdef PRACTICE_BLOCKING
GH_PLUGIN(practice_blocking) = {
	GH_HEAD,
	.flags = GH_BLOCKING | GH_CONCURRENT,
	.name = "practice-blocking",
#else
GH_PLUGIN(practice) = {
	GH_HEAD,
	.flags = GH_CONCURRENT,
	.name = "practice",
#endif
	.version = "1",
	.summary = "does what it is asked to",
	.config_size = sizeof(struct config),
	.options = practice_options,
	.create = create,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.destroy = destroy,
	.accept = accept_client,
	.authenticate = practice_authenticate,
	.exchange = practice_exchange,
	.exchange_end = exchange_end,
	.lookup = lookup,
	.authorize = authorize,
	.event = practice_event,
	.commands = practice_commands,
	.alone = alone,
	.handshake = handshake,
	.psk = psk,
	.publish = publish,
	.subject = subject,
};
