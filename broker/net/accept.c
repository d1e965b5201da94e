/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting: in batches, within the total, with an answer for the moment when descriptors run
 * out. */
#include "net/listener_priv.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Connections taken from one socket a turn. */
#define ACCEPT_BATCH   64
/* How long accepting rests when the kernel has no descriptor for us. */
#define ACCEPT_REST_MS 250
#define SELDOM_MS      1000

/* Whether to log now; *more_r: how often it was kept back since. */
static bool seldom(struct gh_seldom *seldom, uint64_t now_ms, uint64_t *more_r)
{
	if (seldom->at_ms && now_ms < seldom->at_ms + SELDOM_MS) {
		seldom->more++;
		return false;
	}
	*more_r = seldom->more;
	*seldom = (struct gh_seldom){ .at_ms = now_ms };
	return true;
}

static void set_accepting(struct gh_listeners *listeners, bool on)
{
	gh_list_each(&listeners->list, node, next)
	{
		struct gh_listener *listener = gh_container(node, struct gh_listener, node);

		for (size_t i = 0; i < listener->count; i++)
			if (listener->sockets[i]->io)
				gh_io_set(listener->sockets[i]->io, on ? GH_IO_READ : 0);
	}
}

static void on_rearm(struct gh_timeout *timeout)
{
	set_accepting(gh_container(timeout, struct gh_listeners, rearm), true);
}

/* Whoever waits longest gets a close instead of silence. */
static void refuse_one(struct gh_listeners *listeners, int fd)
{
	int refused;

	if (listeners->reserve >= 0) {
		close(listeners->reserve);
		refused = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (refused >= 0)
			close(refused);
	}
	listeners->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void rest(struct gh_listeners *listeners, int fd, int reason)
{
	uint64_t more;

	listeners->stats.no_descriptor++;
	refuse_one(listeners, fd);
	set_accepting(listeners, false);
	gh_loop_timeout(listeners->loop, &listeners->rearm, ACCEPT_REST_MS);
	if (seldom(&listeners->no_descriptor, gh_loop_now_ms(listeners->loop), &more))
		gh_log_error("can't accept connections: %s (%llu more before)", strerror(reason),
			     (unsigned long long)more);
}

static void log_full(struct gh_listeners *listeners, const struct gh_listener *listener,
		     const struct gh_peer *peer)
{
	char text[GH_PEER_TEXT];
	uint64_t more;

	if (!seldom(&listeners->full, gh_loop_now_ms(listeners->loop), &more))
		return;
	gh_peer_text(peer, text);
	gh_log_line(GH_LOG_WARNING,
		    (struct gh_log_field[]){ GH_FIELD("address", text),
					     GH_FIELD("listener", listener->name) },
		    2, "connection refused: all %u connections are in use (%llu more before)",
		    gh_total_max(listeners->total), (unsigned long long)more);
}

static void take_in(struct gh_listener *listener, int fd, const struct gh_peer *peer)
{
	struct gh_listeners *listeners = listener->set;

	listeners->stats.accepted++;
	if (!gh_total_take(listeners->total)) {
		listeners->stats.refused_total++;
		log_full(listeners, listener, peer);
		close(fd);
		return;
	}
	if (listeners->admit && !listeners->admit(listeners->arg, listener->user, peer)) {
		listeners->stats.refused_admit++;
		gh_total_give(listeners->total);
		close(fd);
		return;
	}
	gh_worker_hand_over(gh_workers_least_loaded(listeners->workers), fd, peer, listener->user,
			    gh_loop_now_ms(listeners->loop));
}

/* Of the connection, not of ours: the next one may be fine. */
static bool passing(int reason)
{
	static const int list[] = { EINTR,       ECONNABORTED, EPROTO,       EPERM,      ENETDOWN,
				    ENOPROTOOPT, EHOSTDOWN,    EHOSTUNREACH, ENETUNREACH };

	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (list[i] == reason)
			return true;
	return false;
}

/* False: no more for now. */
static bool accept_one(struct gh_listening *listening)
{
	struct sockaddr_storage address = { 0 };
	socklen_t n = sizeof address;
	struct gh_peer peer;
	int fd = accept4(listening->fd, (struct sockaddr *)&address, &n,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return false;
		if (passing(errno))
			return true;
		rest(listening->listener->set, listening->fd, errno);
		return false;
	}
	if (gh_peer_from(fd, (struct sockaddr *)&address, &peer))
		close(fd);
	else
		take_in(listening->listener, fd, &peer);
	return true;
}

static void on_acceptable(struct gh_io *io, unsigned events, void *arg)
{
	(void)io, (void)events;
	for (int i = 0; i < ACCEPT_BATCH && accept_one(arg); i++)
		;
}

void gh_listening_start(struct gh_listening *listening)
{
	struct gh_listeners *listeners = listening->listener->set;

	listening->io = gh_io_new(listeners->loop, listening->fd,
				  listeners->rearm.due ? 0 : GH_IO_READ, on_acceptable, listening);
}

void gh_accepting_init(struct gh_listeners *listeners)
{
	listeners->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	gh_timeout_init(&listeners->rearm, on_rearm);
}

void gh_accepting_done(struct gh_listeners *listeners)
{
	gh_loop_timeout_cancel(listeners->loop, &listeners->rearm);
	if (listeners->reserve >= 0)
		close(listeners->reserve);
}
