/* SPDX-License-Identifier: Apache-2.0 */
/* What is so now, as gauges of the registry: filled in when somebody reads it. */
#ifndef GH_CTL_FIGURES_H
#define GH_CTL_FIGURES_H

#include "ctl/daemon.h"

/* Once, when the workers run. The names are in gatehousectl(8). */
struct gh_figures *gh_figures_new(struct gh_daemon *daemon);
void gh_figures_free(struct gh_figures **figures);

#endif
