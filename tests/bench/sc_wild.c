/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to random topics among many filters, wildcards among them: what matching costs. */
#include "device.h"
#include "measure.h"
#include "scenario.h"
#include "util.h"

static unsigned choose(uint64_t *random, unsigned below)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (unsigned)(*random % below);
}

static char *put_topic(char *end, const struct options *options, struct publisher *publisher)
{
	return device_put_topic(end, choose(&publisher->random, device_count(options)));
}

static const struct plan plan = { .filters = device_filters,
				  .put_filter = device_put_filter,
				  .put_topic = put_topic,
				  .check = check_increasing };

void scenario_wild(const struct options *options, struct result *result)
{
	struct traffic traffic;

	if (options->subscribers < options->matches)
		die("--subscribers %u: expected at least --matches", options->subscribers);
	traffic_open(&traffic, options, &plan, options->matches);
	measure_subscribe(&traffic, result);
	measure_traffic(&traffic, result);
	traffic_close(&traffic);
}
