/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenge: method "CHALLENGE". CONNECT's data is the user name; the broker sends "challenge-N";
 * the client answers "challenge-N:PASSWORD"; the last data from the broker is "welcome". For user
 * "slow" the second answer comes from a thread of the module's own, for "never" none comes, "error"
 * can't be told.
 */
#include <gatehouse/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config {
	const char *password;
};

struct challenge {
	struct gh_host *host;
	const struct config *config;
	atomic_uint number;
	struct gh_metric states;
};

struct state {
	char user[64], expected[160];
};

struct answer {
	struct gh_host *host;
	struct gh_ticket ticket;
	char user[64];
};

static void welcome(struct gh_answer *out, const char *user)
{
	gh_answer_principal(out, user);
	gh_answer_auth_data(out, "welcome", 7);
}

static void *answer_main(void *arg)
{
	struct answer *answer = arg;
	struct gh_answer *out = gh_answer_begin(answer->host, answer->ticket);

	if (out) {
		welcome(out, answer->user);
		gh_answer_end(out, GH_ALLOW);
	}
	free(answer);
	return NULL;
}

static enum gh_verdict answer_by_thread(struct challenge *challenge, const struct state *state,
					struct gh_answer *out)
{
	struct answer *answer = calloc(1, sizeof(*answer));
	pthread_t thread;

	if (!answer)
		return GH_ERROR;
	answer->host = challenge->host;
	answer->ticket = gh_pend(out);
	memcpy(answer->user, state->user, sizeof(answer->user));
	if (pthread_create(&thread, NULL, answer_main, answer) != 0) {
		free(answer);
		return GH_ERROR;
	}
	pthread_detach(thread);
	return GH_PENDING;
}

static enum gh_verdict begin(struct challenge *challenge, const struct gh_exchange *in,
			     struct gh_answer *out)
{
	struct state *state;
	char text[64];
	int n;

	if (!in->data.n || in->data.n >= sizeof(state->user)) {
		gh_answer_cause(out, GH_CAUSE_UNKNOWN_USER);
		return GH_DENY;
	}
	state = calloc(1, sizeof(*state));
	if (!state)
		return GH_ERROR;
	memcpy(state->user, in->data.p, in->data.n);
	n = snprintf(text, sizeof(text), "challenge-%u", atomic_fetch_add(&challenge->number, 1) + 1);
	snprintf(state->expected, sizeof(state->expected), "%s:%s", text,
		 challenge->config->password);
	*in->state = state;
	gh_metric_add(challenge->host, challenge->states, 1);
	gh_answer_auth_data(out, text, (size_t)n);
	return GH_CONTINUE;
}

static enum gh_verdict exchange(void *instance, const struct gh_exchange *in, struct gh_answer *out)
{
	struct challenge *challenge = instance;
	const struct state *state = *in->state;

	if (in->method.n != 9 || memcmp(in->method.p, "CHALLENGE", 9) != 0)
		return GH_PASS;
	if (in->step == 0)
		return begin(challenge, in, out);
	if (in->data.n != strlen(state->expected) ||
	    memcmp(in->data.p, state->expected, in->data.n) != 0) {
		gh_answer_cause(out, GH_CAUSE_BAD_SECRET);
		return GH_DENY;
	}
	if (strcmp(state->user, "error") == 0)
		return GH_ERROR;
	if (strcmp(state->user, "never") == 0)
		return gh_pend(out).id ? GH_PENDING : GH_ERROR;
	if (strcmp(state->user, "slow") == 0)
		return answer_by_thread(challenge, state, out);
	welcome(out, state->user);
	return GH_ALLOW;
}

static void exchange_end(void *instance, void *state)
{
	struct challenge *challenge = instance;

	gh_metric_add(challenge->host, challenge->states, -1);
	free(state);
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct challenge *challenge = calloc(1, sizeof(*challenge));

	(void)previous, (void)error;
	if (!challenge)
		return GH_EIO;
	challenge->host = host;
	challenge->config = config;
	challenge->states =
		gh_metric_new(host, GH_GAUGE, "states", NULL, "Exchanges that have not ended.");
	*instance_r = challenge;
	return 0;
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, password, GH_STRING, "everybody's", .standard = "secret"), { 0 }
};

GH_PLUGIN(challenge) = {
	GH_HEAD,
	.flags = GH_CONCURRENT,
	.name = "challenge",
	.version = "1",
	.summary = "a method of two steps",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.destroy = free,
	.exchange = exchange,
	.exchange_end = exchange_end,
};
