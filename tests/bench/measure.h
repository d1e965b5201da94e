/* SPDX-License-Identifier: Apache-2.0 */
/* What a stretch of traffic cost the broker, and whether it was right. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "result.h"
#include "traffic.h"

/* Subscribes, and adds what a subscription costs. */
void measure_subscribe(struct traffic *traffic, struct result *result);

/* Warms up, measures for --seconds, drains, checks, and adds all figures of the traffic. */
void measure_traffic(struct traffic *traffic, struct result *result);

/* Adds the percentiles of a latency. */
void measure_latency(const struct hist *latency, struct result *result);

/* Adds the counts of what must not happen. */
void measure_faults(const struct traffic *traffic, double lost, struct result *result);

#endif
