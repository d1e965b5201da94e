/* SPDX-License-Identifier: Apache-2.0 */
/* The limit of open descriptors, and how many connections that allows. */
#ifndef GH_LIMIT_NOFILE_H
#define GH_LIMIT_NOFILE_H

#include "base/error.h"

/* Raises the soft RLIMIT_NOFILE to the hard one; *limit_r is what holds then (never more than INT_MAX). */
int gh_nofile_raise(unsigned *limit_r, struct gh_error *error);

/*
 * Connections that fit into `nofile` descriptors: what the broker itself may need is kept back (8 a worker, 64 for
 * modules, logs, listeners and the control socket, and 1/64 of all for what modules open); at least 1. `wanted` 0: as many as fit; else
 * the lesser of both.
 */
unsigned gh_nofile_connections(unsigned nofile, unsigned workers, unsigned wanted);

#endif
