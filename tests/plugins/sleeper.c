/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sleeper: a module that blocks. User "sleep-200" waits 200 ms, then is let in with the right
 * password; so do rights on topics "sleep/200/...". A message is asked about by its first level:
 * "nap/200/...", "no/...", "broken/...", "edit/..."; the others pass.
 */
#include <gatehouse/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct config {
	const char *password, *denied, *denied_while;
};

static void sleep_ms(long ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) != 0)
		;
}

static void sleep_as(const char *text, size_t n, const char *prefix)
{
	size_t at = strlen(prefix);
	long ms = 0;

	if (n <= at || memcmp(text, prefix, at) != 0)
		return;
	for (; at < n && text[at] >= '0' && text[at] <= '9' && ms < 100000; at++)
		ms = ms * 10 + (text[at] - '0');
	sleep_ms(ms);
}

static enum gh_verdict authenticate(void *instance, const struct gh_authenticate *in,
				    struct gh_answer *out)
{
	const struct config *config = instance;

	if (!in->username)
		return GH_PASS;
	sleep_as(in->username, strlen(in->username), "sleep-");
	if (in->password.n != strlen(config->password) ||
	    memcmp(in->password.p, config->password, in->password.n) != 0) {
		gh_answer_cause(out, GH_CAUSE_BAD_SECRET);
		return GH_DENY;
	}
	gh_answer_principal(out, in->username);
	return GH_ALLOW;
}

static enum gh_verdict authorize(void *instance, const struct gh_authorize *in, struct gh_answer *out)
{
	const struct config *config = instance;

	sleep_as(in->topic.p, in->topic.n, "sleep/");
	gh_answer_covers(out);
	if (config->denied && strcmp(config->denied, in->client->client_id) == 0 &&
	    access(config->denied_while, F_OK) == 0)
		return GH_DENY;
	return GH_ALLOW;
}

static bool begins(struct gh_str topic, const char *prefix)
{
	return topic.n >= strlen(prefix) && memcmp(topic.p, prefix, strlen(prefix)) == 0;
}

static enum gh_verdict publish(void *instance, const struct gh_publish *in, struct gh_answer *out)
{
	static const char words[] = "slept over";
	struct gh_str topic = in->message->topic;

	(void)instance;
	sleep_as(topic.p, topic.n, "nap/");
	if (begins(topic, "broken/"))
		return GH_ERROR;
	if (begins(topic, "edit/")) {
		gh_answer_topic(out, topic.p + 5, topic.n - 5);
		gh_answer_payload(out, words, sizeof(words) - 1);
	}
	return begins(topic, "no/") ? GH_DENY : GH_PASS;
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	(void)host, (void)previous, (void)error;
	*instance_r = (void *)config; /* nothing but what it was told */
	return 0;
}

static void destroy(void *instance)
{
	(void)instance;
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, password, GH_STRING, "everybody's", .standard = "secret"),
	GH_OPTION(struct config, denied, GH_STRING, "a client id that has no right"),
	GH_OPTION(struct config, denied_while, GH_PATH, "while this file is there"),
	{ 0 }
};

GH_PLUGIN(sleeper) = {
	GH_HEAD,
	.flags = GH_BLOCKING | GH_CONCURRENT,
	.name = "sleeper",
	.version = "1",
	.summary = "blocks as long as the user name says",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.destroy = destroy,
	.authenticate = authenticate,
	.authorize = authorize,
	.publish = publish,
};
