/* SPDX-License-Identifier: Apache-2.0 */
/* Plain sockets: TCP and UNIX. */
#include "net/transport.h"

#include <errno.h>
#include <sys/socket.h>

static ssize_t plain_read(void **state, int fd, void *p, size_t n)
{
	ssize_t got = recv(fd, p, n, MSG_DONTWAIT);

	(void)state;
	if (got >= 0)
		return got;
	return errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
}

static ssize_t send_all(int fd, const struct iovec *iov, int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count };

	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Mostly it is one piece: that needs no header for the kernel to copy. */
static ssize_t plain_write(void **state, int fd, const struct iovec *iov, int count)
{
	ssize_t sent = count == 1
			       ? send(fd, iov->iov_base, iov->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL)
			       : send_all(fd, iov, count);

	(void)state;
	if (sent >= 0)
		return sent;
	return errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
}

static void plain_finish(void **state, int fd)
{
	(void)state;
	shutdown(fd, SHUT_WR);
}

static size_t plain_pending(void *state)
{
	(void)state;
	return 0;
}

static void plain_close(void **state)
{
	(void)state;
}

const struct gh_transport_ops gh_transport_tcp = {
	.name = "tcp",
	.read = plain_read,
	.write = plain_write,
	.finish = plain_finish,
	.pending = plain_pending,
	.close = plain_close,
};

const struct gh_transport_ops gh_transport_unix = {
	.name = "unix",
	.read = plain_read,
	.write = plain_write,
	.finish = plain_finish,
	.pending = plain_pending,
	.close = plain_close,
};
