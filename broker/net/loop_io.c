/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and signals of a loop. */
#include "net/loop_priv.h"

#include "base/mem.h"

#include <stdlib.h>

struct gh_io {
	ev_io watcher;
	struct gh_loop *loop;
	gh_io_fn *fn;
	void *arg;
};

static int to_ev(unsigned events)
{
	return (events & GH_IO_READ ? EV_READ : 0) | (events & GH_IO_WRITE ? EV_WRITE : 0);
}

static void on_io(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct gh_io *io = watcher->data;

	(void)ev;
	io->fn(io, (events & EV_READ ? GH_IO_READ : 0) | (events & EV_WRITE ? GH_IO_WRITE : 0),
	       io->arg);
}

struct gh_io *gh_io_new(struct gh_loop *loop, int fd, unsigned events, gh_io_fn *fn, void *arg)
{
	struct gh_io *io = gh_zalloc(sizeof *io);

	io->loop = loop;
	io->fn = fn;
	io->arg = arg;
	ev_io_init(&io->watcher, on_io, fd, 0);
	io->watcher.data = io;
	gh_io_set(io, events);
	return io;
}

void gh_io_set(struct gh_io *io, unsigned events)
{
	int wanted = to_ev(events);

	if (ev_is_active(&io->watcher) && (io->watcher.events & (EV_READ | EV_WRITE)) == wanted)
		return;
	ev_io_stop(io->loop->ev, &io->watcher);
	ev_io_set(&io->watcher, io->watcher.fd, wanted);
	if (wanted)
		ev_io_start(io->loop->ev, &io->watcher);
}

int gh_io_fd(const struct gh_io *io)
{
	return io->watcher.fd;
}

void gh_io_free(struct gh_io **io_)
{
	struct gh_io *io = *io_;

	if (!io)
		return;
	ev_io_stop(io->loop->ev, &io->watcher);
	free(io);
	*io_ = NULL;
}

struct gh_signal {
	ev_signal watcher;
	struct gh_loop *loop;
	gh_signal_fn *fn;
	void *arg;
};

static void on_signal(struct ev_loop *ev, ev_signal *watcher, int events)
{
	struct gh_signal *sig = watcher->data;

	(void)ev, (void)events;
	sig->fn(watcher->signum, sig->arg);
}

struct gh_signal *gh_signal_new(struct gh_loop *loop, int number, gh_signal_fn *fn, void *arg)
{
	struct gh_signal *sig = gh_zalloc(sizeof *sig);

	sig->loop = loop;
	sig->fn = fn;
	sig->arg = arg;
	ev_signal_init(&sig->watcher, on_signal, number);
	sig->watcher.data = sig;
	ev_signal_start(loop->ev, &sig->watcher);
	return sig;
}

void gh_signal_free(struct gh_signal **sig_)
{
	struct gh_signal *sig = *sig_;

	if (!sig)
		return;
	ev_signal_stop(sig->loop->ev, &sig->watcher);
	free(sig);
	*sig_ = NULL;
}
