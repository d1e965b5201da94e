/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are closed as soon as CONNACK comes, and opened again. */
#include <stdlib.h>

#include "hist.h"
#include "loop.h"
#include "measure.h"
#include "scenario.h"
#include "usage.h"
#include "util.h"

enum { TURN_MS = 10 };

struct churn {
	struct loop loop;
	struct client *clients;
	unsigned count;
	struct hist latency;
};

static void on_ready(struct client *client)
{
	struct churn *churn = container_of(client->loop, struct churn, loop);
	uint8_t packet[2], *end = mq_put_header(packet, MQ_DISCONNECT, 0, 0);

	hist_add(&churn->latency, client->loop->now - client->started_ns);
	client_send(client, packet, (size_t)(end - packet));
	client_close(client, true);
}

static const struct client_events events = { .ready = on_ready };

static void run_until(struct churn *churn, uint64_t deadline_ns)
{
	while (now_ns() < deadline_ns) {
		for (unsigned i = 0; i < churn->count; i++)
			if (churn->clients[i].state == CLIENT_NEW ||
			    churn->clients[i].state == CLIENT_CLOSED)
				loop_connect(&churn->loop, &churn->clients[i]);
		loop_turn(&churn->loop, TURN_MS);
	}
}

static struct churn *churn_new(const struct options *options)
{
	struct churn *churn = must_alloc(1, sizeof(*churn));

	loop_init(&churn->loop, options->port, options->sources);
	churn->count = options->connections;
	churn->clients = must_alloc(churn->count, sizeof(*churn->clients));
	for (unsigned i = 0; i < churn->count; i++)
		churn->clients[i] = (struct client){ .events = &events, .role = 'c', .number = i };
	return churn;
}

static void churn_free(struct churn *churn)
{
	for (unsigned i = 0; i < churn->count; i++)
		client_close(&churn->clients[i], true);
	loop_done(&churn->loop);
	free(churn->clients);
	free(churn);
}

void scenario_churn(const struct options *options, struct result *result)
{
	struct churn *churn = churn_new(options);
	struct usage from, to;
	double before, count;

	run_until(churn, now_ns() + (uint64_t)(options->warmup * 1e9));
	hist_reset(&churn->latency);
	before = (double)churn->loop.connected;
	usage_take(&from, (pid_t)options->pid);
	run_until(churn, from.ns + (uint64_t)(options->seconds * 1e9));
	usage_take(&to, (pid_t)options->pid);
	count = (double)churn->loop.connected - before;
	result_add(result, "connect_cpu_us", usage_us(&from, &to, count), 2, "");
	result_add(result, "broker_busy", usage_broker_busy(&from, &to), 2, "");
	result_add(result, "generator_busy", usage_own_busy(&from, &to), 2, "");
	result_add(result, "connects_per_s", ratio(count, (double)(to.ns - from.ns) / 1e9), 0, "");
	measure_latency(&churn->latency, result);
	result_must_be_zero(result, "failed", (double)churn->loop.failed);
	churn_free(churn);
}
