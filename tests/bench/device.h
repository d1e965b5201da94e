/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many filters of which each message matches a few. Device D publishes to bench/d/(D mod
 * 100)/D/sD and is watched in up to four ways, each by another client:
 *
 *     bench/d/42/1042/s1042    bench/d/42/1042/+    bench/d/42/+/s1042    bench/d/42/1042/#
 *
 * --filters counts all filters, --matches the ways.
 */
#ifndef BENCH_DEVICE_H
#define BENCH_DEVICE_H

#include "options.h"

unsigned device_count(const struct options *options);

/*
 * How many of the subscribers' filters this one has. The first 1/matches of the subscribers
 * watch in the first way, and so on.
 */
unsigned device_filters(const struct options *options, unsigned subscriber);
char *device_put_filter(char *end, const struct options *options, unsigned subscriber, unsigned nth);
char *device_put_topic(char *end, unsigned device);

#endif
