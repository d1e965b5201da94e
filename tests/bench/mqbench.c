/* SPDX-License-Identifier: Apache-2.0 */
/* mqbench: a load generator for MQTT brokers on loopback that checks what it gets back. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "options.h"
#include "result.h"
#include "scenario.h"
#include "util.h"

/* Exit statuses; 2 is die()'s. */
enum { RUN_COUNTS = 0, RUN_VOID = 1, RUN_NOT_MADE = 2 };

struct scenario {
	const char *name;
	scenario_run *run;
	const char *summary;
	struct options defaults;
};

/* What the scenarios have in common. */
#define COMMON \
	.port = 1883, .payload = 64, .inflight = 20, .filters = 100000, .matches = 4, \
	.batch = 100, .warmup = 0.5, .timeout = 60

static const struct scenario scenarios[] = {
	{ "pairs",
	  scenario_pairs,
	  "publisher N to subscriber N, --publishers pairs",
	  { COMMON, .publishers = 100, .window = 16, .sources = 1, .seconds = 2 } },
	{ "fanout",
	  scenario_fanout,
	  "every publisher to all subscribers",
	  { COMMON, .publishers = 1, .subscribers = 1000, .window = 2, .sources = 1, .seconds = 2 } },
	{ "wild",
	  scenario_wild,
	  "random topics among --filters, --matches of them match",
	  { COMMON, .publishers = 100, .subscribers = 400, .window = 2, .sources = 1, .seconds = 2 } },
	{ "subs",
	  scenario_subs,
	  "the subscribing of wild alone",
	  { COMMON, .subscribers = 400, .sources = 1 } },
	{ "churn",
	  scenario_churn,
	  "connect, CONNACK, close, over and over, --connections at a time",
	  { COMMON, .connections = 20, .sources = 20, .seconds = 2 } },
	{ "idle",
	  scenario_idle,
	  "--connections that do nothing",
	  { COMMON, .connections = 10000, .sources = 4, .seconds = 1 } },
	{ "retained",
	  scenario_retained,
	  "set --topics retained messages, get them by one filter",
	  { COMMON, .publishers = 10, .sources = 1, .qos = 1, .topics = 100000 } },
};

#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static int usage(void)
{
	puts("usage: mqbench SCENARIO [OPTION VALUE]...\n\nscenarios:");
	for (size_t i = 0; i < SCENARIOS; i++)
		printf("  %-10s %s\n", scenarios[i].name, scenarios[i].summary);
	puts("\noptions:");
	options_help();
	puts("\nexit status: 0 the run counts, 1 it is void, 2 it couldn't be made");
	return RUN_NOT_MADE;
}

static const struct scenario *find(const char *name)
{
	for (size_t i = 0; i < SCENARIOS; i++)
		if (!strcmp(scenarios[i].name, name))
			return &scenarios[i];
	return NULL;
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	const struct scenario *scenario = argc > 1 ? find(argv[1]) : NULL;
	struct options options;
	struct result result = { 0 };

	if (!scenario)
		return usage();
	options = scenario->defaults;
	options_parse(&options, argc - 2, argv + 2);
	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	result.scenario = scenario->name;
	scenario->run(&options, &result);
	result_print(&result, options.json);
	return *result.void_because ? RUN_VOID : RUN_COUNTS;
}
