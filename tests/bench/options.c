/* SPDX-License-Identifier: Apache-2.0 */
/* Every option but --json takes a number between bounds; one table parses and explains them. */
#include "options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stamp.h"
#include "util.h"

struct row {
	const char *name;
	size_t offset;
	double min, max;
	bool whole;
	const char *summary;
};

#define WHOLE(name, field, min, max, summary) \
	{ \
		name, offsetof(struct options, field), min, max, true, summary \
	}
#define REAL(name, field, min, max, summary) \
	{ \
		name, offsetof(struct options, field), min, max, false, summary \
	}

static const struct row rows[] = {
	WHOLE("port", port, 1, 65535, "of the broker, on 127.0.0.1"),
	WHOLE("pid", pid, 1, 4194304, "of the broker: measure its processor time and memory"),
	WHOLE("publishers", publishers, 1, 100000, "number of publishing clients"),
	WHOLE("subscribers", subscribers, 1, 100000, "number of subscribing clients"),
	WHOLE("qos", qos, 0, 2, "of messages and subscriptions"),
	WHOLE("payload", payload, STAMP_LEN, 65536, "bytes a message"),
	WHOLE("window", window, 0, 65535, "messages a publisher may have undelivered; 0: any number"),
	WHOLE("inflight", inflight, 1, 65535,
	      "messages a publisher may have unacknowledged (QoS 1, 2)"),
	REAL("total-rate", total_rate, 1, 1e8, "messages a second of all publishers together"),
	REAL("seconds", seconds, 0.1, 600, "to measure"),
	REAL("warmup", warmup, 0, 60, "seconds of the same before"),
	REAL("timeout", timeout, 1, 600, "seconds for connecting, subscribing and the like"),
	WHOLE("filters", filters, 4, 1e7, "subscriptions in all (wild, subs)"),
	WHOLE("matches", matches, 1, 4, "subscriptions that a message matches (wild, subs)"),
	WHOLE("connections", connections, 1, 60000, "idle ones, or those in turn (churn)"),
	WHOLE("batch", batch, 1, 10000, "connections being opened at a time"),
	WHOLE("sources", sources, 1, 250, "source addresses 127.0.0.1 to 127.0.0.N"),
	WHOLE("topics", topics, 1, 1e7, "retained messages"),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

void options_help(void)
{
	for (size_t i = 0; i < ROWS; i++)
		printf("  --%-14s %s (%g to %g)\n", rows[i].name, rows[i].summary, rows[i].min,
		       rows[i].max);
	puts("  --json           one JSON object instead of a line for people");
}

static const struct row *find(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

static double number(const struct row *row, const char *text)
{
	char *end;
	double value = strtod(text ? text : "", &end);

	if (!text || end == text || *end || !(value >= row->min && value <= row->max) ||
	    (row->whole && value != (double)(long)value))
		die("--%s '%s': expected %s from %g to %g", row->name, text ? text : "",
		    row->whole ? "a whole number" : "a number", row->min, row->max);
	return value;
}

static void set(struct options *options, const struct row *row, double value)
{
	void *field = (char *)options + row->offset;

	if (row->whole)
		*(unsigned *)field = (unsigned)value;
	else
		*(double *)field = value;
}

void options_parse(struct options *options, int argc, char *const *argv)
{
	for (int i = 0; i < argc; i++) {
		const struct row *row;

		if (!strcmp(argv[i], "--json")) {
			options->json = true;
			continue;
		}
		row = strncmp(argv[i], "--", 2) ? NULL : find(argv[i] + 2);
		if (!row)
			die("'%s': no such option, see mqbench without arguments", argv[i]);
		i++;
		set(options, row, number(row, i < argc ? argv[i] : NULL));
	}
}
