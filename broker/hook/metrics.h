/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, gauges and histograms that core and modules use: added to without a lock, summed when
 * read. */
#ifndef GH_HOOK_METRICS_H
#define GH_HOOK_METRICS_H

#include "base/buf.h"
#include "base/error.h"

#include <gatehouse/host.h>

/*
 * Each series has a cell (a cache line) for each slot. A thread that has entered a slot of its own
 * adds by a plain load and store; all others share slot 0 and add by compare-and-swap. A reader
 * sums the cells: never torn, maybe a moment old. A series lives as long as the registry, so its
 * value outlives the instance or reload that made it.
 */
struct gh_metrics;
struct gh_series;

/* slots: 1 (shared) + one for each worker. */
struct gh_metrics *gh_metrics_new(unsigned slots);
void gh_metrics_free(struct gh_metrics **metrics);

/* The calling thread owns this slot from now on (1..slots-1, one thread each; 0: the shared one
 * again). */
void gh_metrics_enter(unsigned slot);

/*
 * Finds or makes the series. name: [a-z_][a-z0-9_]*, for counters ending in _total, for histograms
 * in _seconds. labels: `a="b",c="d"`, NULL or "": none; values escaped by gh_metrics_label(). help:
 * of all series of the name, the first given counts. Any thread (locked). NULL: bad name, or the
 * name exists with another kind.
 */
struct gh_series *gh_metrics_series(struct gh_metrics *metrics, enum gh_metric_kind kind,
				    const char *name, const char *labels, const char *help);
/* Appends `name="value"` with a comma before it where buf isn't empty; value escaped. */
void gh_metrics_label(struct gh_buf *buf, const char *name, const char *value);

/* Counters: v >= 0. Gauges: may be negative. Any thread. */
void gh_series_add(struct gh_series *series, double v);
/* A counter's next one, where it happens often. */
void gh_series_count(struct gh_series *series);
/* What the kind wants: adds, or observes. */
void gh_series_put(struct gh_series *series, double v);
/* Gauges that one thread alone sets and nobody adds to. */
void gh_series_set(struct gh_series *series, double v);
/* Histograms: one observation, in seconds. */
void gh_series_observe(struct gh_series *series, double seconds);
double gh_series_value(const struct gh_series *series); /* histograms: the number of observations */

/* Upper bound of bucket i: 2^i microseconds; the last one is without bound. */
#define GH_METRIC_BUCKETS 25u

/* What a reader sees; borrowed for the call. */
struct gh_metric_sample {
	const char *name, *labels, *help; /* labels "" where none */
	enum gh_metric_kind kind;
	double value;                        /* histograms: the sum of seconds */
	uint64_t count;                      /* histograms: observations */
	uint64_t buckets[GH_METRIC_BUCKETS]; /* histograms: observations in each, not cumulated */
};
typedef void gh_metric_sample_fn(void *arg, const struct gh_metric_sample *sample);
/* Called with `arg` before each walk: the place to gh_series_set() gauges that are computed.
 * One
 * reader at a time, any thread; it may not read itself. NULL: once this returns, no call comes. */
void gh_metrics_on_read(struct gh_metrics *metrics, void (*fn)(void *arg), void *arg);
/* Any thread. In the order of name, then of labels. */
void gh_metrics_walk(struct gh_metrics *metrics, gh_metric_sample_fn *fn, void *arg);
/* All of it in Prometheus' text format (version 0.0.4). */
void gh_metrics_prometheus(struct gh_metrics *metrics, struct gh_buf *out);

#endif
