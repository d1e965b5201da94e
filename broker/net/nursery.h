/* SPDX-License-Identifier: Apache-2.0 */
/* Where a worker's connections live until their session's worker is known: an epoll set of
 * their own. */
#ifndef GH_NET_NURSERY_H
#define GH_NET_NURSERY_H

#include "net/loop.h"

/*
 * libev never takes a descriptor out of its epoll set; it relies on close(2). A descriptor that
 * leaves for another worker stays open, so the old set would go on reporting it, and when its
 * number comes back libev rebuilds the whole set. Here it is taken out explicitly.
 */
struct gh_nursery;
typedef void gh_nursery_fn(void *ptr, unsigned events);

/* NULL when the kernel gives no descriptor. fn may set any descriptor of this nursery; a ptr
 * that was removed in the same turn may still be called: it must stay allocated until the
 * turn ends and know by itself. */
struct gh_nursery *gh_nursery_new(struct gh_loop *loop, gh_nursery_fn *fn);
void gh_nursery_free(struct gh_nursery **nursery);

/* From the events watched so far (0: not in it) to others; 0 takes it out. GH_EIO when the
 * kernel refuses. */
int gh_nursery_set(struct gh_nursery *nursery, int fd, unsigned before, unsigned events, void *ptr);

#endif
