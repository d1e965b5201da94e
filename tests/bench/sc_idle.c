/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that do nothing: what one costs in memory. */
#include <stdlib.h>

#include "loop.h"
#include "scenario.h"
#include "usage.h"
#include "util.h"

/* The broker gets this long to put its last connections in order before its memory is read. */
static const uint64_t settle_ns = 500000000u;

static const struct client_events events = { .ready = NULL };

static void measure(struct loop *loop, struct client **clients, const struct options *options,
		    struct result *result)
{
	pid_t broker = (pid_t)options->pid;
	struct usage before, connected, settled, after;

	usage_take_all(&before, broker);
	if (!loop_connect_all(loop, clients, options->connections, options->batch,
			      before.ns + (uint64_t)(options->timeout * 1e9)))
		die("only %u of %u clients could connect to port %u", (unsigned)loop->connected,
		    options->connections, options->port);
	usage_take(&connected, broker);
	loop_until(loop, connected.ns + settle_ns);
	usage_take_all(&settled, broker);
	loop_until(loop, settled.ns + (uint64_t)(options->seconds * 1e9));
	usage_take(&after, broker);
	result_add(result, "connections", (double)loop->connected, 0, "");
	result_add(result, "connection_bytes", usage_bytes(&before, &settled, options->connections),
		   1, "");
	result_add(result, "connect_cpu_us", usage_us(&before, &connected, options->connections), 2,
		   "");
	result_add(result, "broker_idle_busy", usage_broker_busy(&settled, &after), 4, "");
	result_must_be_zero(result, "closed", (double)loop->closed);
}

void scenario_idle(const struct options *options, struct result *result)
{
	struct client *client = must_alloc(options->connections, sizeof(*client));
	struct client **clients = must_alloc(options->connections, sizeof(*clients));
	struct loop loop;

	for (unsigned i = 0; i < options->connections; i++) {
		client[i] = (struct client){ .events = &events, .role = 'i', .number = i };
		clients[i] = &client[i];
	}
	loop_init(&loop, options->port, options->sources);
	measure(&loop, clients, options, result);
	for (unsigned i = 0; i < options->connections; i++)
		client_close(&client[i], true);
	loop_done(&loop);
	free(clients);
	free(client);
}
