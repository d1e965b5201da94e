/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processor time comes from the process' CPU clock: nanoseconds, where /proc/PID/stat has
 * ticks and schedstat forgets threads that ended. Memory is Pss, which the kernel counts page
 * by page; VmRSS is a sum of per-CPU counters and may be some hundred KiB off, which is much
 * when it's divided by 10,000 connections.
 */
#include "usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util.h"

static double cpu_s(pid_t pid)
{
	clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
	struct timespec ts;

	if ((pid && clock_getcpuclockid(pid, &clock)) || clock_gettime(clock, &ts))
		die("process %ld: no such process to measure", (long)pid);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static uint64_t field_kb(pid_t pid, const char *file, const char *name)
{
	char path[64], line[256];
	uint64_t kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (!kb && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			kb = strtoull(line + strlen(name), NULL, 10);
	fclose(f);
	return kb;
}

static uint64_t memory_kb(pid_t pid)
{
	uint64_t kb = field_kb(pid, "smaps_rollup", "Pss:");

	return kb ? kb : field_kb(pid, "status", "VmRSS:");
}

void usage_take(struct usage *usage, pid_t broker)
{
	*usage = (struct usage){ .ns = now_ns(),
				 .broker_s = broker ? cpu_s(broker) : 0,
				 .own_s = cpu_s(0) };
}

void usage_take_all(struct usage *usage, pid_t broker)
{
	usage_take(usage, broker);
	usage->broker_kb = broker ? memory_kb(broker) : 0;
}

double ratio(double a, double b)
{
	return b > 0 ? a / b : 0;
}

double usage_us(const struct usage *from, const struct usage *to, double count)
{
	return ratio(1e6 * (to->broker_s - from->broker_s), count);
}

double usage_bytes(const struct usage *from, const struct usage *to, double count)
{
	return ratio(1024 * ((double)to->broker_kb - (double)from->broker_kb), count);
}

double usage_broker_busy(const struct usage *from, const struct usage *to)
{
	return ratio(1e9 * (to->broker_s - from->broker_s), (double)(to->ns - from->ns));
}

double usage_own_busy(const struct usage *from, const struct usage *to)
{
	return ratio(1e9 * (to->own_s - from->own_s), (double)(to->ns - from->ns));
}
