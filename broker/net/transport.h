/* SPDX-License-Identifier: Apache-2.0 */
/* What carries the bytes of a connection: a table of functions, one file each. */
#ifndef GH_NET_TRANSPORT_H
#define GH_NET_TRANSPORT_H

#include <gatehouse/types.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * All calls are made on the connection's worker, on a non-blocking descriptor. `state` is the
 * connection's slot for what the transport keeps: NULL at first, the transport's to allocate.
 */
struct gh_transport_ops {
	const char *name; /* for logs: "tcp", "unix" */
	/* > 0: bytes; 0: the peer has finished; -EAGAIN: nothing now; else -errno. One system
	 * call. */
	ssize_t (*read)(void **state, int fd, void *p, size_t n);
	/* Bytes taken, maybe fewer than given; -EAGAIN or -errno. One system call. Never
	 * raises SIGPIPE. */
	ssize_t (*write)(void **state, int fd, const struct iovec *iov, int count);
	/* No more is written: tells the peer so. */
	void (*finish)(void **state, int fd);
	/* Bytes that were read from the kernel and wait inside the transport: readiness of
	 * the descriptor won't tell. */
	size_t (*pending)(void *state);
	/* Frees the state. The descriptor is closed by the caller afterwards. */
	void (*close)(void **state);
};

extern const struct gh_transport_ops gh_transport_tcp;
extern const struct gh_transport_ops gh_transport_unix;

#endif
