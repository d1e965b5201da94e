/* SPDX-License-Identifier: Apache-2.0 */
/* What every payload begins with, and the checks that stand on it. */
#ifndef BENCH_STAMP_H
#define BENCH_STAMP_H

#include <stdint.h>

/* In the machine's own byte order: sender and receiver are one process. */
struct stamp {
	uint64_t sent_ns; /* when it was sent, or was due if that was earlier */
	uint32_t publisher;
	uint32_t seq; /* from 0, for each publisher */
};

#define STAMP_LEN 16

#endif
