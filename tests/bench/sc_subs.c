/* SPDX-License-Identifier: Apache-2.0 */
/* Subscribing alone: what a subscription costs in time and memory. */
#include "device.h"
#include "measure.h"
#include "scenario.h"
#include "util.h"

static const struct plan plan = { .filters = device_filters, .put_filter = device_put_filter };

void scenario_subs(const struct options *options, struct result *result)
{
	struct options silent = *options;
	struct traffic traffic;

	if (options->subscribers < options->matches)
		die("--subscribers %u: expected at least --matches", options->subscribers);
	silent.publishers = 0;
	traffic_open(&traffic, &silent, &plan, 1);
	measure_subscribe(&traffic, result);
	result_must_be_zero(result, "closed", (double)traffic.loop.closed);
	traffic_close(&traffic);
}
