/* SPDX-License-Identifier: Apache-2.0 */
/* A registry as the broker has one, without its buckets. */
#include "metric.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

struct gh_series {
	char *name, *labels, *help;
	const char *shown; /* in name, what the module calls it */
	uint32_t kind;
	double value;
	uint64_t count;
};

void gh_metrics_init(struct gh_metrics *metrics)
{
	memset(metrics, 0, sizeof(*metrics));
	pthread_mutex_init(&metrics->lock, NULL);
}

void gh_metrics_done(struct gh_metrics *metrics)
{
	for (unsigned i = 0; i < metrics->count; i++) {
		free(metrics->series[i]->name);
		free(metrics->series[i]->labels);
		free(metrics->series[i]->help);
		free(metrics->series[i]);
	}
	pthread_mutex_destroy(&metrics->lock);
}

static bool name_valid(const char *name)
{
	return name && *name &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:")];
}

static char *full_name(const char *module, const char *name)
{
	char *full = module ? gh_format("gatehouse_%s_%s", module, name) : gh_copy(name);

	for (char *p = full; *p; p++)
		if (*p == '-')
			*p = '_';
	return full;
}

/* Locked. */
static unsigned find(const struct gh_metrics *metrics, const char *name, const char *labels)
{
	for (unsigned i = 0; i < metrics->count; i++)
		if ((strcmp(metrics->series[i]->name, name) == 0 ||
		     strcmp(metrics->series[i]->shown, name) == 0) &&
		    (!labels || strcmp(metrics->series[i]->labels, labels) == 0))
			return i + 1;
	return 0;
}

unsigned gh_metrics_add(struct gh_metrics *metrics, const char *module, uint32_t kind,
			const char *name, const char *labels, const char *help)
{
	struct gh_series *series;
	unsigned number;
	char *full;

	if (!name_valid(name) || kind < GH_COUNTER || kind > GH_HISTOGRAM)
		return 0;
	full = full_name(module, name);
	pthread_mutex_lock(&metrics->lock);
	number = find(metrics, full, labels ? labels : "");
	if (number && metrics->series[number - 1]->kind != kind)
		number = 0;
	else if (!number && metrics->count < GH_METRICS_MOST) {
		series = gh_new(sizeof(*series));
		series->name = full;
		series->shown = full + strlen(full) - strlen(name);
		series->labels = gh_copy(labels ? labels : "");
		series->help = gh_copy(help ? help : "");
		series->kind = kind;
		full = NULL;
		metrics->series[metrics->count++] = series;
		number = metrics->count;
	}
	pthread_mutex_unlock(&metrics->lock);
	free(full);
	return number;
}

bool gh_metrics_put(struct gh_metrics *metrics, unsigned number, double value)
{
	struct gh_series *series;
	bool taken;

	pthread_mutex_lock(&metrics->lock);
	series = number && number <= metrics->count ? metrics->series[number - 1] : NULL;
	taken = series && !(series->kind == GH_COUNTER && value < 0);
	if (taken) {
		series->value += value;
		series->count++;
	}
	pthread_mutex_unlock(&metrics->lock);
	return taken;
}

static struct gh_sample sample_of(const struct gh_series *series)
{
	return (struct gh_sample){ .size = sizeof(struct gh_sample),
				   .kind = series->kind,
				   .name = series->name,
				   .labels = series->labels,
				   .help = series->help,
				   .value = series->value,
				   .count = series->kind == GH_HISTOGRAM ? series->count : 0 };
}

void gh_metrics_walk(struct gh_metrics *metrics, gh_sample_fn *fn, void *arg)
{
	struct gh_sample samples[GH_METRICS_MOST];
	unsigned count;

	/* Not under the lock: fn may call the host. */
	pthread_mutex_lock(&metrics->lock);
	count = metrics->count;
	for (unsigned i = 0; i < count; i++)
		samples[i] = sample_of(metrics->series[i]);
	pthread_mutex_unlock(&metrics->lock);
	for (unsigned i = 0; i < count; i++)
		fn(arg, &samples[i]);
}

bool gh_metrics_find(struct gh_metrics *metrics, const char *name, const char *labels,
		     struct gh_sample *sample_r)
{
	unsigned number;

	pthread_mutex_lock(&metrics->lock);
	number = find(metrics, name, labels);
	if (number)
		*sample_r = sample_of(metrics->series[number - 1]);
	pthread_mutex_unlock(&metrics->lock);
	return number;
}
