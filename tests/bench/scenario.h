/* SPDX-License-Identifier: Apache-2.0 */
/* The scenarios; each fills a result. README.md says what they measure. */
#ifndef BENCH_SCENARIO_H
#define BENCH_SCENARIO_H

#include "options.h"
#include "result.h"

typedef void scenario_run(const struct options *options, struct result *result);

scenario_run scenario_pairs, scenario_fanout, scenario_wild, scenario_subs, scenario_churn,
	scenario_idle, scenario_retained;

#endif
