/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that does one thing at a time, for somebody who waits for it. */
#ifndef GH_TESTHOST_LANE_H
#define GH_TESTHOST_LANE_H

struct gh_lane;
typedef void gh_lane_fn(void *arg);

/* begin and end run on the thread, first and last; NULL: nothing does. */
struct gh_lane *gh_lane_new(gh_lane_fn *begin, gh_lane_fn *end, void *arg);
void gh_lane_free(struct gh_lane **lane); /* NULL is fine */
/* Returns when fn has; what doesn't return within a minute of real time ends the program, with a
 * word about it. */
void gh_lane_run(struct gh_lane *lane, gh_lane_fn *fn, void *arg);

#endif
