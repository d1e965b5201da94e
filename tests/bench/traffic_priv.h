/* SPDX-License-Identifier: Apache-2.0 */
/* The two ends of the traffic. */
#ifndef BENCH_TRAFFIC_PRIV_H
#define BENCH_TRAFFIC_PRIV_H

#include "traffic.h"

extern const struct client_events publisher_events;
extern const struct client_events subscriber_events;

/* Messages that were sent and not delivered to all who should get them. */
uint64_t publisher_outstanding(const struct traffic *traffic, const struct publisher *publisher);

/* Lets every publisher that may send do so once. True: some could go on at once. */
bool publishers_serve(struct traffic *traffic);

void subscriber_subscribe(struct subscriber *subscriber);

#endif
