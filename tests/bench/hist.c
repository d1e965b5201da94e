/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets: one a nanosecond below HIST_STEPS, then HIST_STEPS of them for each power of two. */
#include "hist.h"

#include <string.h>

enum { STEP_BITS = 6 };

void hist_reset(struct hist *hist)
{
	memset(hist, 0, sizeof(*hist));
}

static unsigned bucket_of(uint64_t ns)
{
	unsigned shift, bucket;

	if (ns < HIST_STEPS)
		return (unsigned)ns;
	shift = 63u - (unsigned)__builtin_clzll(ns) - STEP_BITS;
	bucket = (shift + 1) * HIST_STEPS + (unsigned)(ns >> shift & (HIST_STEPS - 1));
	return bucket < HIST_BUCKETS ? bucket : HIST_BUCKETS - 1;
}

static double middle_of(unsigned bucket)
{
	unsigned shift = bucket / HIST_STEPS;

	if (!shift)
		return bucket;
	shift--;
	return ((double)(HIST_STEPS + bucket % HIST_STEPS) + 0.5) * (double)(1ull << shift);
}

void hist_add(struct hist *hist, uint64_t ns)
{
	hist->bucket[bucket_of(ns)]++;
	hist->count++;
	if (ns > hist->max)
		hist->max = ns;
}

double hist_us(const struct hist *hist, double share)
{
	uint64_t want = (uint64_t)(share * (double)hist->count), seen = 0;

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += hist->bucket[i];
		if (seen > want)
			return middle_of(i) / 1000;
	}
	return (double)hist->max / 1000;
}
