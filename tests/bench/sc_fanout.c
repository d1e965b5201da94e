/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every publisher sends to all subscribers: what a delivery costs when parsing and matching
 * are shared by many.
 */
#include "measure.h"
#include "scenario.h"
#include "util.h"

static char *put_filter(char *end, const struct options *options, unsigned subscriber, unsigned nth)
{
	(void)options;
	(void)subscriber;
	(void)nth;
	return put_text(end, "bench/out");
}

static char *put_topic(char *end, const struct options *options, struct publisher *publisher)
{
	(void)options;
	(void)publisher;
	return put_text(end, "bench/out");
}

static const struct plan plan = { .put_filter = put_filter,
				  .put_topic = put_topic,
				  .check = check_gapless };

void scenario_fanout(const struct options *options, struct result *result)
{
	struct traffic traffic;

	traffic_open(&traffic, options, &plan, options->subscribers);
	traffic_subscribe(&traffic);
	measure_traffic(&traffic, result);
	traffic_close(&traffic);
}
