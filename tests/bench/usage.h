/* SPDX-License-Identifier: Apache-2.0 */
/* What broker and generator have used: processor time of all threads, and memory. */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <stdint.h>
#include <sys/types.h>

/* A moment: take one before and one after, and compare. */
struct usage {
	uint64_t ns;     /* the time */
	double broker_s; /* processor time so far, ended threads included */
	double own_s;
	uint64_t broker_kb; /* memory; only of usage_take_all() */
};

/*
 * With broker 0 there is none, and its figures are 0. They end the program when the process
 * has gone.
 */
void usage_take(struct usage *usage, pid_t broker);

/* Memory too, which takes the kernel some time and stops the broker meanwhile. */
void usage_take_all(struct usage *usage, pid_t broker);

/* a / b, or 0 when b is 0: what a figure shows that couldn't be measured. */
double ratio(double a, double b);

/*
 * For each of count things that happened between two moments: the broker's microseconds, its
 * bytes.
 */
double usage_us(const struct usage *from, const struct usage *to, double count);
double usage_bytes(const struct usage *from, const struct usage *to, double count);

/* Share of a core that broker and generator kept busy between two moments. */
double usage_broker_busy(const struct usage *from, const struct usage *to);
double usage_own_busy(const struct usage *from, const struct usage *to);

#endif
