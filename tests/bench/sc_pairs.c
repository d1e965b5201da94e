/* SPDX-License-Identifier: Apache-2.0 */
/* Publisher N sends to subscriber N: what one message costs from socket to socket. */
#include "measure.h"
#include "scenario.h"
#include "util.h"

static char *put_own_topic(char *end, unsigned number)
{
	return put_number(put_text(end, "bench/p/"), number);
}

static char *put_filter(char *end, const struct options *options, unsigned subscriber, unsigned nth)
{
	(void)options;
	(void)nth;
	return put_own_topic(end, subscriber);
}

static char *put_topic(char *end, const struct options *options, struct publisher *publisher)
{
	(void)options;
	return put_own_topic(end, publisher->client.number);
}

static void check(struct traffic *traffic, struct subscriber *subscriber,
		  const struct mq_publish *publish, const struct stamp *stamp)
{
	if (stamp->publisher != subscriber->client.number)
		traffic->tally.misrouted++;
	else
		check_gapless(traffic, subscriber, publish, stamp);
}

static const struct plan plan = { .put_filter = put_filter, .put_topic = put_topic, .check = check };

void scenario_pairs(const struct options *options, struct result *result)
{
	struct options paired = *options;
	struct traffic traffic;

	paired.subscribers = paired.publishers;
	traffic_open(&traffic, &paired, &plan, 1);
	traffic_subscribe(&traffic);
	measure_traffic(&traffic, result);
	traffic_close(&traffic);
}
