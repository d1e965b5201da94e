/* SPDX-License-Identifier: Apache-2.0 */
/* Moments, and the figures between them. */
#include "measure.h"

#include "usage.h"
#include "util.h"

struct moment {
	struct usage usage;
	struct tally tally;
};

static void take(struct moment *moment, const struct traffic *traffic)
{
	usage_take(&moment->usage, (pid_t)traffic->options->pid);
	moment->tally = traffic->tally;
}

void measure_subscribe(struct traffic *traffic, struct result *result)
{
	pid_t broker = (pid_t)traffic->options->pid;
	struct usage before, after;
	double count;

	usage_take_all(&before, broker);
	traffic_subscribe(traffic);
	usage_take_all(&after, broker);
	count = (double)traffic->tally.granted;
	result_add(result, "subscriptions", count, 0, NULL);
	result_add(result, "subscribe_cpu_us", usage_us(&before, &after, count), 3, "");
	result_add(result, "subscribe_bytes", usage_bytes(&before, &after, count), 1, "");
}

void measure_latency(const struct hist *latency, struct result *result)
{
	result_add(result, "p50_us", hist_us(latency, 0.5), 0, "");
	result_add(result, "p95_us", hist_us(latency, 0.95), 0, NULL);
	result_add(result, "p99_us", hist_us(latency, 0.99), 0, "");
	result_add(result, "p999_us", hist_us(latency, 0.999), 0, NULL);
	result_add(result, "max_us", (double)latency->max / 1000, 0, "");
}

void measure_faults(const struct traffic *traffic, double lost, struct result *result)
{
	result_must_be_zero(result, "lost", lost);
	result_must_be_zero(result, "out_of_order", (double)traffic->tally.out_of_order);
	result_must_be_zero(result, "duplicates", (double)traffic->tally.duplicates);
	result_must_be_zero(result, "misrouted", (double)traffic->tally.misrouted);
	result_must_be_zero(result, "closed", (double)traffic->loop.closed);
}

static void add_conditions(const struct traffic *t, struct result *result)
{
	result_add(result, "publishers", t->publishers, 0, NULL);
	result_add(result, "subscribers", t->subscribers, 0, NULL);
	result_add(result, "qos", t->options->qos, 0, NULL);
	result_add(result, "payload", t->options->payload, 0, NULL);
	result_add(result, "window", t->options->window, 0, NULL);
	result_add(result, "rate_wanted", t->options->total_rate, 0, NULL);
}

/* Cost counts up to the end of the draining: what was sent has been paid for only then. */
static void add_cost(const struct moment *from, const struct moment *stop, const struct moment *end,
		     struct result *result)
{
	double seconds = (double)(stop->usage.ns - from->usage.ns) / 1e9;
	double received = (double)(end->tally.received - from->tally.received);
	double sent = (double)(end->tally.sent - from->tally.sent);

	result_add(result, "cpu_us", usage_us(&from->usage, &end->usage, received), 3, "");
	result_add(result, "cpu_us_published", usage_us(&from->usage, &end->usage, sent), 3, NULL);
	result_add(result, "broker_busy", usage_broker_busy(&from->usage, &end->usage), 2, "");
	result_add(result, "generator_busy", usage_own_busy(&from->usage, &end->usage), 2, "");
	result_add(result, "sent_per_s",
		   ratio((double)(stop->tally.sent - from->tally.sent), seconds), 0, NULL);
	result_add(result, "received_per_s",
		   ratio((double)(stop->tally.received - from->tally.received), seconds), 0, "");
}

void measure_traffic(struct traffic *t, struct result *result)
{
	const struct options *options = t->options;
	struct moment from, stop, end;

	traffic_start(t, UINT64_MAX);
	traffic_run_until(t, now_ns() + (uint64_t)(options->warmup * 1e9));
	hist_reset(&t->latency);
	take(&from, t);
	traffic_run_until(t, from.usage.ns + (uint64_t)(options->seconds * 1e9));
	take(&stop, t);
	traffic_drain(t);
	take(&end, t);
	add_conditions(t, result);
	add_cost(&from, &stop, &end, result);
	measure_latency(&t->latency, result);
	result_add(result, "sent", (double)t->tally.sent, 0, NULL);
	result_add(result, "received", (double)t->tally.received, 0, NULL);
	measure_faults(t, (double)t->tally.sent * t->copies - (double)t->tally.received, result);
	if (options->qos)
		result_must_be_zero(result, "unacknowledged",
				    (double)(t->tally.sent - t->tally.acked));
}
