/* SPDX-License-Identifier: Apache-2.0 */
/* The limit of open descriptors, and how many connections that allows. */
#ifndef GH_LIMIT_NOFILE_H
#define GH_LIMIT_NOFILE_H

#include "base/error.h"

/* Raises the soft RLIMIT_NOFILE to the hard one; *limit_r is what holds then (at most INT_MAX). */
int gh_nofile_raise(unsigned *limit_r, struct gh_error *error);

/*
 * How many connections fit into `nofile` descriptors. Kept back: 64 for listeners, logs, the
 * control socket and what is opened at start, 8 for each worker, and a thirty-second of the rest
 * for what modules open. At least 1.
 */
unsigned gh_nofile_connections(unsigned nofile, unsigned workers);

#endif
