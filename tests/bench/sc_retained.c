/* SPDX-License-Identifier: Apache-2.0 */
/* Many retained messages are set, one a topic, then one subscriber gets them all. */
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "scenario.h"
#include "usage.h"
#include "util.h"

enum { SHELVES = 1000 };

struct retained {
	struct traffic traffic;
	bool *seen; /* by message number */
};

/* Message numbers are dealt to the publishers in turn, so publisher and sequence tell the topic. */
static uint64_t message_number(const struct options *options, uint64_t publisher, uint64_t seq)
{
	return publisher + seq * options->publishers;
}

static char *put_name(char *end, uint64_t number)
{
	end = put_text(put_number(put_text(end, "bench/r/"), number % SHELVES), "/");
	return put_number(end, number);
}

static char *put_topic(char *end, const struct options *options, struct publisher *publisher)
{
	return put_name(end, message_number(options, publisher->client.number, publisher->sent));
}

static char *put_filter(char *end, const struct options *options, unsigned subscriber, unsigned nth)
{
	(void)options;
	(void)subscriber;
	(void)nth;
	return put_text(end, "bench/r/#");
}

/* Topics may come in any order, each once. */
static void check(struct traffic *traffic, struct subscriber *subscriber,
		  const struct mq_publish *publish, const struct stamp *stamp)
{
	struct retained *retained = container_of(traffic, struct retained, traffic);
	uint64_t number = message_number(traffic->options, stamp->publisher, stamp->seq);
	char expected[TOPIC_MAX];
	size_t len = (size_t)(put_name(expected, number) - expected);

	if (!publish->retain || publish->topic_len != len || memcmp(publish->topic, expected, len))
		traffic->tally.misrouted++;
	(void)subscriber;
	if (retained->seen[number])
		traffic->tally.duplicates++;
	retained->seen[number] = true;
}

static const struct plan plan = {
	.put_filter = put_filter, .put_topic = put_topic, .check = check, .retain = true
};

static void set_all(struct traffic *t, struct result *result)
{
	uint64_t end = traffic_deadline(t), topics = t->options->topics;
	pid_t broker = (pid_t)t->options->pid;
	struct usage before, after;

	usage_take_all(&before, broker);
	traffic_start(t, topics / t->publishers);
	while (t->tally.acked < topics && now_ns() < end && !t->loop.closed)
		traffic_turn(t);
	usage_take_all(&after, broker);
	result_add(result, "topics", (double)topics, 0, NULL);
	result_add(result, "set_cpu_us", usage_us(&before, &after, (double)topics), 3, "");
	result_add(result, "set_bytes", usage_bytes(&before, &after, (double)topics), 1, "");
	result_must_be_zero(result, "unacknowledged", (double)(topics - t->tally.acked));
}

static void get_all(struct traffic *t, struct result *result)
{
	pid_t broker = (pid_t)t->options->pid;
	struct usage before, after;

	usage_take(&before, broker);
	traffic_subscribe(t);
	traffic_drain(t);
	usage_take(&after, broker);
	result_add(result, "get_cpu_us", usage_us(&before, &after, (double)t->tally.received), 3, "");
	result_add(result, "get_seconds", (double)(after.ns - before.ns) / 1e9, 3, "");
	measure_faults(t, (double)t->tally.sent - (double)t->tally.received, result);
}

void scenario_retained(const struct options *options, struct result *result)
{
	struct options acked = *options;
	struct retained retained = { .seen = must_alloc(options->topics, sizeof(bool)) };

	if (!options->qos)
		die("--qos 0: retained messages are set with acknowledgements, expected 1 or 2");
	if (options->topics % options->publishers)
		die("--topics %u: expected a multiple of --publishers %u", options->topics,
		    options->publishers);
	acked.window = 0;
	acked.subscribers = 1;
	traffic_open(&retained.traffic, &acked, &plan, 1);
	set_all(&retained.traffic, result);
	get_all(&retained.traffic, result);
	traffic_close(&retained.traffic);
	free(retained.seen);
}
