/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to listen on: from text to open sockets. For listener.c. */
#ifndef GH_NET_ADDRESS_H
#define GH_NET_ADDRESS_H

#include "base/error.h"

#include <sys/socket.h>

/* One socket address. */
struct gh_address {
	struct sockaddr_storage sa;
	socklen_t n;
	bool optional; /* the IPv6 half of "*:PORT": left out on hosts without IPv6 */
};

#define GH_ADDRESS_MAX  16
#define GH_ADDRESS_TEXT 136

/* What listener.h says an address looks like. Names are looked up, which may block: control
 * thread, start and reload only. GH_EINVAL: not an address; GH_EIO: the name has none. */
int gh_address_resolve(const char *text, struct gh_address addresses_r[GH_ADDRESS_MAX],
		       size_t *count_r, struct gh_error *error);

/*
 * A listening, non-blocking socket. *fd_r is -1 (and 0 is returned) for an optional one that the
 * host can't have. The file of a UNIX socket that nobody listens on any more is replaced, one
 * that somebody does is an error; `mode` is the file's.
 */
int gh_address_listen(const struct gh_address *address, unsigned mode, int *fd_r,
		      struct gh_error *error);

/* "127.0.0.1:1883", "[::1]:1883", "unix:/path": of the socket, with its real port. */
void gh_address_text(int fd, char text[GH_ADDRESS_TEXT]);
/* The path of a UNIX socket's address, "" for others. */
const char *gh_address_path(const struct gh_address *address);

#endif
