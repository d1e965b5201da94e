/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of series: a sorted array of them, each with a cell for each slot. */
#include "hook/metrics.h"

#include "base/mem.h"
#include "base/str.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Numbers of one slot: [0] the value or the sum, then a histogram's buckets. A multiple of a cache
 * line apart. */
typedef _Atomic double cell;
#define LINE 64u

struct gh_series {
	char *name, *labels;
	const char *help; /* of the registry's first series of that name */
	char *own_help;
	enum gh_metric_kind kind;
	unsigned slots, stride; /* in cells */
	cell *cells;
};

struct gh_metrics {
	pthread_mutex_t lock; /* of the array: series themselves are never moved or freed */
	unsigned slots;
	struct gh_series **series; /* by name, then labels */
	size_t count;
	pthread_mutex_t reading; /* of these, and held while it runs */
	void (*on_read)(void *arg);
	void *on_read_arg;
};

static _Thread_local unsigned own_slot;

struct gh_metrics *gh_metrics_new(unsigned slots)
{
	struct gh_metrics *metrics = gh_zalloc(sizeof(*metrics));

	pthread_mutex_init(&metrics->lock, NULL);
	pthread_mutex_init(&metrics->reading, NULL);
	metrics->slots = slots;
	return metrics;
}

static void series_free(struct gh_series *series)
{
	free(series->name);
	free(series->labels);
	free(series->own_help);
	free(series->cells);
	free(series);
}

void gh_metrics_free(struct gh_metrics **metrics)
{
	struct gh_metrics *gone = *metrics;

	*metrics = NULL;
	if (!gone)
		return;
	for (size_t i = 0; i < gone->count; i++)
		series_free(gone->series[i]);
	free(gone->series);
	pthread_mutex_destroy(&gone->lock);
	pthread_mutex_destroy(&gone->reading);
	free(gone);
}

void gh_metrics_enter(unsigned slot)
{
	own_slot = slot;
}

/* ---- finding and making ---- */

static bool name_ok(const char *s)
{
	if (!s || !((*s >= 'a' && *s <= 'z') || *s == '_'))
		return false;
	while ((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '_')
		s++;
	return *s == 0;
}

static int compare(const struct gh_series *series, const char *name, const char *labels)
{
	int order = strcmp(series->name, name);

	return order ? order : strcmp(series->labels, labels);
}

/* The first that isn't before (name, labels). */
static size_t lower_bound(const struct gh_metrics *metrics, const char *name, const char *labels)
{
	size_t low = 0, high = metrics->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(metrics->series[middle], name, labels) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct gh_series *series_new(unsigned slots, enum gh_metric_kind kind, const char *name,
				    const char *labels, const char *help)
{
	struct gh_series *series = gh_zalloc(sizeof(*series));
	size_t cells = kind == GH_HISTOGRAM ? 1 + GH_METRIC_BUCKETS : 1;
	size_t bytes = (cells * sizeof(cell) + LINE - 1) / LINE * LINE;

	series->name = gh_strdup(name);
	series->labels = gh_strdup(labels);
	series->help = series->own_help = gh_strdup(help ? help : "");
	series->kind = kind;
	series->slots = slots;
	series->stride = (unsigned)(bytes / sizeof(cell));
	if (posix_memalign((void **)&series->cells, LINE, bytes * slots) != 0)
		abort();
	for (size_t i = 0; i < (size_t)series->stride * slots; i++)
		atomic_init(&series->cells[i], 0.0);
	return series;
}

/* A neighbour of that name, which must be of this kind. */
static bool kind_ok(const struct gh_metrics *metrics, size_t at, enum gh_metric_kind kind,
		    const char *name, const char **help_r)
{
	for (size_t i = at ? at - 1 : 0; i < metrics->count && i <= at; i++) {
		if (strcmp(metrics->series[i]->name, name) != 0)
			continue;
		if (help_r)
			*help_r = metrics->series[i]->help;
		return metrics->series[i]->kind == kind;
	}
	return true;
}

static struct gh_series *find_or_make(struct gh_metrics *metrics, enum gh_metric_kind kind,
				      const char *name, const char *labels, const char *help)
{
	size_t at = lower_bound(metrics, name, labels);
	struct gh_series *series;

	if (!kind_ok(metrics, at, kind, name, &help))
		return NULL;
	if (at < metrics->count && compare(metrics->series[at], name, labels) == 0)
		return metrics->series[at];
	series = series_new(metrics->slots, kind, name, labels, help);
	metrics->series =
		gh_realloc_array(metrics->series, metrics->count + 1, sizeof(struct gh_series *));
	memmove(metrics->series + at + 1, metrics->series + at,
		(metrics->count - at) * sizeof(struct gh_series *));
	metrics->series[at] = series;
	metrics->count++;
	return series;
}

struct gh_series *gh_metrics_series(struct gh_metrics *metrics, enum gh_metric_kind kind,
				    const char *name, const char *labels, const char *help)
{
	struct gh_series *series;

	if (!name_ok(name) || kind < GH_COUNTER || kind > GH_HISTOGRAM)
		return NULL;
	pthread_mutex_lock(&metrics->lock);
	series = find_or_make(metrics, kind, name, labels ? labels : "", help);
	pthread_mutex_unlock(&metrics->lock);
	return series;
}

void gh_metrics_label(struct gh_buf *buf, const char *name, const char *value)
{
	gh_buf_printf(buf, "%s%s=\"", buf->n ? "," : "", name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			gh_buf_u8(buf, '\\');
		if (*value == '\n')
			gh_buf_add(buf, "\\n", 2);
		else
			gh_buf_u8(buf, (uint8_t)*value);
	}
	gh_buf_u8(buf, '"');
}

/* ---- adding ---- */

static void cell_add(cell *at, double v, bool shared)
{
	double old = atomic_load_explicit(at, memory_order_relaxed);

	if (!shared) {
		atomic_store_explicit(at, old + v, memory_order_relaxed);
		return;
	}
	while (!atomic_compare_exchange_weak_explicit(at, &old, old + v, memory_order_relaxed,
						      memory_order_relaxed))
		;
}

static cell *own_cells(struct gh_series *series, bool *shared_r)
{
	unsigned slot = own_slot < series->slots ? own_slot : 0;

	*shared_r = slot == 0;
	return series->cells + (size_t)slot * series->stride;
}

void gh_series_count(struct gh_series *series)
{
	bool shared;
	cell *cells = own_cells(series, &shared);

	cell_add(cells, 1, shared);
}

void gh_series_add(struct gh_series *series, double v)
{
	bool shared;
	cell *cells = own_cells(series, &shared);

	if (!(series->kind == GH_COUNTER && v < 0) && isfinite(v))
		cell_add(cells, v, shared);
}

void gh_series_set(struct gh_series *series, double v)
{
	atomic_store_explicit(series->cells, v, memory_order_relaxed);
}

static unsigned bucket_of(double seconds)
{
	double bound = 1e-6;
	unsigned i = 0;

	while (i < GH_METRIC_BUCKETS - 1 && seconds > bound) {
		bound *= 2;
		i++;
	}
	return i;
}

void gh_series_observe(struct gh_series *series, double seconds)
{
	bool shared;
	cell *cells = own_cells(series, &shared);

	if (series->kind != GH_HISTOGRAM || !(seconds >= 0) || !isfinite(seconds))
		return;
	cell_add(cells, seconds, shared);
	cell_add(cells + 1 + bucket_of(seconds), 1, shared);
}

void gh_series_put(struct gh_series *series, double v)
{
	if (series->kind == GH_HISTOGRAM)
		gh_series_observe(series, v);
	else
		gh_series_add(series, v);
}

/* ---- reading ---- */

static double sum(const struct gh_series *series, unsigned index)
{
	double total = 0;

	for (unsigned slot = 0; slot < series->slots; slot++)
		total += atomic_load_explicit(series->cells + (size_t)slot * series->stride + index,
					      memory_order_relaxed);
	return total;
}

double gh_series_value(const struct gh_series *series)
{
	double count = 0;

	if (series->kind != GH_HISTOGRAM)
		return sum(series, 0);
	for (unsigned i = 0; i < GH_METRIC_BUCKETS; i++)
		count += sum(series, 1 + i);
	return count;
}

void gh_metrics_on_read(struct gh_metrics *metrics, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&metrics->reading);
	metrics->on_read = fn;
	metrics->on_read_arg = arg;
	pthread_mutex_unlock(&metrics->reading);
}

static void sample_of(const struct gh_series *series, struct gh_metric_sample *sample)
{
	*sample = (struct gh_metric_sample){ .name = series->name,
					     .labels = series->labels,
					     .help = series->help,
					     .kind = series->kind,
					     .value = sum(series, 0) };
	for (unsigned i = 0; series->kind == GH_HISTOGRAM && i < GH_METRIC_BUCKETS; i++) {
		sample->buckets[i] = (uint64_t)sum(series, 1 + i);
		sample->count += sample->buckets[i];
	}
}

/* The list is copied under the lock; series live as long as the registry, so fn may make new
 * ones. */
static struct gh_series **snapshot(struct gh_metrics *metrics, size_t *count_r)
{
	struct gh_series **copy;

	pthread_mutex_lock(&metrics->lock);
	*count_r = metrics->count;
	copy = gh_alloc_array(metrics->count, sizeof(struct gh_series *));
	if (metrics->count)
		memcpy(copy, metrics->series, metrics->count * sizeof(struct gh_series *));
	pthread_mutex_unlock(&metrics->lock);
	return copy;
}

void gh_metrics_walk(struct gh_metrics *metrics, gh_metric_sample_fn *fn, void *arg)
{
	struct gh_metric_sample sample;
	struct gh_series **series;
	size_t count;

	pthread_mutex_lock(&metrics->reading);
	if (metrics->on_read)
		metrics->on_read(metrics->on_read_arg);
	pthread_mutex_unlock(&metrics->reading);
	series = snapshot(metrics, &count);
	for (size_t i = 0; i < count; i++) {
		sample_of(series[i], &sample);
		fn(arg, &sample);
	}
	free(series);
}

/* ---- Prometheus ---- */

struct text {
	struct gh_buf *out;
	const char *family; /* whose head is written */
};

static void write_head(struct text *text, const struct gh_metric_sample *sample)
{
	static const char *const kinds[] = { "", "counter", "gauge", "histogram" };

	if (text->family && strcmp(text->family, sample->name) == 0)
		return;
	text->family = sample->name;
	gh_buf_printf(text->out, "# HELP %s ", sample->name);
	for (const char *s = sample->help; *s; s++) {
		if (*s == '\n' || *s == '\\')
			gh_buf_add(text->out, *s == '\n' ? "\\n" : "\\\\", 2);
		else
			gh_buf_u8(text->out, (uint8_t)*s);
	}
	gh_buf_printf(text->out, "\n# TYPE %s %s\n", sample->name, kinds[sample->kind]);
}

static void write_labels(struct gh_buf *out, const char *labels, const char *more)
{
	if (*labels || *more)
		gh_buf_printf(out, "{%s%s%s}", labels, *labels && *more ? "," : "", more);
}

static void write_histogram(struct gh_buf *out, const struct gh_metric_sample *sample)
{
	uint64_t below = 0;
	double bound = 1e-6;
	char le[40];

	for (unsigned i = 0; i < GH_METRIC_BUCKETS; i++, bound *= 2) {
		below += sample->buckets[i];
		if (i < GH_METRIC_BUCKETS - 1)
			snprintf(le, sizeof(le), "le=\"%.9g\"", bound);
		else
			snprintf(le, sizeof(le), "le=\"+Inf\"");
		gh_buf_printf(out, "%s_bucket", sample->name);
		write_labels(out, sample->labels, le);
		gh_buf_printf(out, " %llu\n", (unsigned long long)below);
	}
	gh_buf_printf(out, "%s_sum", sample->name);
	write_labels(out, sample->labels, "");
	gh_buf_printf(out, " %.9g\n%s_count", sample->value, sample->name);
	write_labels(out, sample->labels, "");
	gh_buf_printf(out, " %llu\n", (unsigned long long)sample->count);
}

static void write_sample(void *arg, const struct gh_metric_sample *sample)
{
	struct text *text = arg;

	write_head(text, sample);
	if (sample->kind == GH_HISTOGRAM) {
		write_histogram(text->out, sample);
		return;
	}
	gh_buf_printf(text->out, "%s", sample->name);
	write_labels(text->out, sample->labels, "");
	gh_buf_printf(text->out, " %.17g\n", sample->value);
}

void gh_metrics_prometheus(struct gh_metrics *metrics, struct gh_buf *out)
{
	struct text text = { .out = out };

	gh_metrics_walk(metrics, write_sample, &text);
}
