/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as they go out, several at once, and as they come in, in pieces. */
#include "hook/link.h"

#include "base/mem.h"

#include <gatehouse/lib.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define HEAD     5u /* length and kind */
#define AT_ONCE  64 /* frames that one call sends */
#define IN_FIRST (64u << 10)

struct gh_link_frame {
	struct gh_link_frame *next;
	struct gh_buf bytes;
	size_t sent;
};

struct gh_buf gh_link_begin(enum gh_link_kind kind)
{
	struct gh_buf frame = { 0 };

	gh_buf_u32(&frame, 0);
	gh_buf_u8(&frame, (uint8_t)kind);
	return frame;
}

void gh_link_discard(struct gh_buf *frame)
{
	if (frame->n)
		gh_wipe(frame->p, frame->n);
	gh_buf_done(frame);
}

void gh_link_init(struct gh_link *link, int fd)
{
	*link = (struct gh_link){ .fd = fd, .max = GH_LINK_FRAME_MAX };
	link->end = &link->first;
}

static void drop_first(struct gh_link *link)
{
	struct gh_link_frame *gone = link->first;

	link->first = gone->next;
	if (!link->first)
		link->end = &link->first;
	gh_link_discard(&gone->bytes);
	free(gone);
}

static void free_in(struct gh_link *link)
{
	if (link->in)
		gh_wipe(link->in, link->in_n);
	free(link->in);
	link->in = NULL;
	link->in_n = link->in_size = 0;
}

void gh_link_done(struct gh_link *link)
{
	while (link->first)
		drop_first(link);
	free_in(link);
	if (link->fd >= 0)
		close(link->fd);
	gh_link_init(link, -1);
}

/* ---- out ---- */

void gh_link_put(struct gh_link *link, struct gh_buf *frame)
{
	struct gh_link_frame *last = gh_zalloc(sizeof(*last));
	uint32_t n = (uint32_t)(frame->n - HEAD);

	frame->p[0] = (uint8_t)(n >> 24);
	frame->p[1] = (uint8_t)(n >> 16);
	frame->p[2] = (uint8_t)(n >> 8);
	frame->p[3] = (uint8_t)n;
	last->bytes = *frame;
	*frame = (struct gh_buf){ 0 };
	*link->end = last;
	link->end = &last->next;
	link->queued += last->bytes.n;
}

static ssize_t send_some(const struct gh_link *link)
{
	struct iovec parts[AT_ONCE];
	struct msghdr message = { .msg_iov = parts };

	for (struct gh_link_frame *it = link->first; it && message.msg_iovlen < AT_ONCE; it = it->next)
		parts[message.msg_iovlen++] =
			(struct iovec){ it->bytes.p + it->sent, it->bytes.n - it->sent };
	return sendmsg(link->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void sent(struct gh_link *link, size_t n)
{
	link->queued -= n;
	while (n > 0) {
		struct gh_link_frame *first = link->first;
		size_t rest = first->bytes.n - first->sent;

		if (n < rest) {
			first->sent += n;
			return;
		}
		n -= rest;
		drop_first(link);
	}
}

bool gh_link_send(struct gh_link *link)
{
	while (link->first) {
		ssize_t n = send_some(link);

		if (n > 0)
			sent(link, (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			return true;
		else if (n == 0 || errno != EINTR)
			return false;
	}
	return true;
}

/* ---- in ---- */

static size_t length_of(const uint8_t *p)
{
	return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

/* Twice as large, but never as large as only claimed; the old place is wiped. */
static void grow(struct gh_link *link)
{
	size_t size = link->in_size ? 2 * link->in_size : IN_FIRST;
	uint8_t *in = gh_alloc(size);

	if (link->in_n)
		memcpy(in, link->in, link->in_n);
	if (link->in)
		gh_wipe(link->in, link->in_n);
	free(link->in);
	link->in = in;
	link->in_size = size;
}

/* Gives the whole ones; what is left moves to the front. */
static bool give(struct gh_link *link, gh_link_take_fn *take, void *arg)
{
	size_t at = 0;

	while (link->in_n - at >= HEAD) {
		const uint8_t *head = link->in + at;
		size_t n = length_of(head);

		if (n > link->max)
			return false;
		if (link->in_n - at < HEAD + n)
			break;
		at += HEAD + n;
		if (!take(arg, (enum gh_link_kind)head[HEAD - 1], (struct gh_bytes){ head + HEAD, n }))
			return false;
	}
	link->in_n -= at;
	memmove(link->in, link->in + at, link->in_n);
	gh_wipe(link->in + link->in_n, at);
	return true;
}

bool gh_link_receive(struct gh_link *link, gh_link_take_fn *take, void *arg)
{
	ssize_t n;

	if (link->in_n == link->in_size)
		grow(link);
	do
		n = recv(link->fd, link->in + link->in_n, link->in_size - link->in_n, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN;
	if (n == 0)
		return false;
	link->in_n += (size_t)n;
	if (!give(link, take, arg))
		return false;
	/* What a large one needed isn't kept. */
	if (link->in_n == 0 && link->in_size > 16 * IN_FIRST)
		free_in(link);
	return true;
}
