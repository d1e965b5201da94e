/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of mqbench. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>

struct options {
	unsigned port;
	unsigned pid; /* of the broker; 0: nothing is measured there */
	unsigned publishers, subscribers;
	unsigned qos;
	unsigned payload;  /* bytes, at least a stamp */
	unsigned window;   /* undelivered messages a publisher; 0: no such bound */
	unsigned inflight; /* unacknowledged messages a publisher */
	unsigned filters, matches;
	unsigned connections, batch, sources;
	unsigned topics;
	double total_rate; /* messages a second of all publishers; 0: as fast as the window lets */
	double seconds, warmup, timeout;
	bool json;
};

/* Reads argv over the scenario's defaults; ends the program with a message at the first mistake. */
void options_parse(struct options *options, int argc, char *const *argv);

/* One line an option: name, bounds, meaning. */
void options_help(void);

#endif
