/* SPDX-License-Identifier: Apache-2.0 */
/* A histogram of nanoseconds with a relative error below 1 %. */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>

#define HIST_STEPS   64u /* a power of two is cut into this many buckets */
#define HIST_BUCKETS (40u * HIST_STEPS)

struct hist {
	uint64_t count;
	uint64_t max;
	uint32_t bucket[HIST_BUCKETS];
};

void hist_reset(struct hist *hist);
void hist_add(struct hist *hist, uint64_t ns);
/* The value below which this share (0..1) of what was added lies, in microseconds. */
double hist_us(const struct hist *hist, double share);

#endif
