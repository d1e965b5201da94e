/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines use the monotonic clock; certificates, tokens, expiry and log lines the wall clock. */
#ifndef GH_BASE_CLOCK_H
#define GH_BASE_CLOCK_H

#include <stdint.h>

uint64_t gh_clock_ns(void);     /* CLOCK_MONOTONIC */
uint64_t gh_clock_ms(void);     /* the same in milliseconds; never 0 */
int64_t gh_clock_wall_us(void); /* Unix microseconds */

#endif
