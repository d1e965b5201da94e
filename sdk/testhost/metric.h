/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of the module, and those of the core that a script makes up. */
#ifndef GH_TESTHOST_METRIC_H
#define GH_TESTHOST_METRIC_H

#include <pthread.h>
#include <gatehouse/host.h>

enum { GH_METRICS_MOST = 256 };

/* They live on over a reload. Any thread. */
struct gh_metrics {
	pthread_mutex_t lock;
	struct gh_series *series[GH_METRICS_MOST];
	unsigned count;
};
void gh_metrics_init(struct gh_metrics *metrics);
void gh_metrics_done(struct gh_metrics *metrics);

/* module NULL: a figure of the core's, by its whole name. Returns its number from 1 on; 0: the name
 * isn't one, it is there with another kind, or there are too many. */
unsigned gh_metrics_add(struct gh_metrics *metrics, const char *module, uint32_t kind,
			const char *name, const char *labels, const char *help);
/* False: no such, or a counter would go back. */
bool gh_metrics_put(struct gh_metrics *metrics, unsigned number, double value);
void gh_metrics_walk(struct gh_metrics *metrics, gh_sample_fn *fn, void *arg);
/* labels NULL: the first of that name. */
bool gh_metrics_find(struct gh_metrics *metrics, const char *name, const char *labels,
		     struct gh_sample *sample_r);

#endif
