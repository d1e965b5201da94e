/* SPDX-License-Identifier: Apache-2.0 */
/* The epoll set of connections that may leave, nested in the loop's. */
#include "net/nursery.h"

#include "base/mem.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Events taken a turn; what is left over comes in the next. */
#define GH_NURSERY_BATCH 64

struct gh_nursery {
	int fd;
	struct gh_io *io;
	gh_nursery_fn *fn;
};

static unsigned from_epoll(uint32_t events)
{
	return (events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? GH_IO_READ : 0) |
	       (events & (EPOLLOUT | EPOLLHUP | EPOLLERR) ? GH_IO_WRITE : 0);
}

static void on_ready(struct gh_io *io, unsigned events, void *arg)
{
	struct gh_nursery *nursery = arg;
	struct epoll_event ready[GH_NURSERY_BATCH];
	int n = epoll_wait(nursery->fd, ready, GH_NURSERY_BATCH, 0);

	(void)io, (void)events;
	for (int i = 0; i < n; i++)
		nursery->fn(ready[i].data.ptr, from_epoll(ready[i].events));
}

struct gh_nursery *gh_nursery_new(struct gh_loop *loop, gh_nursery_fn *fn)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct gh_nursery *nursery;

	if (fd < 0)
		return NULL;
	nursery = gh_zalloc(sizeof *nursery);
	nursery->fd = fd;
	nursery->fn = fn;
	nursery->io = gh_io_new(loop, fd, GH_IO_READ, on_ready, nursery);
	return nursery;
}

void gh_nursery_free(struct gh_nursery **nursery_)
{
	struct gh_nursery *nursery = *nursery_;

	if (!nursery)
		return;
	gh_io_free(&nursery->io);
	close(nursery->fd);
	free(nursery);
	*nursery_ = NULL;
}

int gh_nursery_set(struct gh_nursery *nursery, int fd, unsigned before, unsigned events, void *ptr)
{
	struct epoll_event event = { .data.ptr = ptr };
	int op = !before ? EPOLL_CTL_ADD : events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;

	if (before == events)
		return 0;
	event.events = (events & GH_IO_READ ? EPOLLIN : 0) | (events & GH_IO_WRITE ? EPOLLOUT : 0);
	return epoll_ctl(nursery->fd, op, fd, &event) ? GH_EIO : 0;
}
