/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end of a socket. */
#ifndef GH_NET_PEER_H
#define GH_NET_PEER_H

#include <gatehouse/types.h>

struct gh_peer {
	uint8_t ip[16];    /* IPv6, or IPv4 as ::ffff:a.b.c.d; zero for UNIX sockets */
	uint16_t port;     /* host order; 0 for UNIX sockets */
	uint8_t transport; /* enum gh_transport: GH_TCP or GH_UNIX */
	bool local;        /* loopback (127/8, ::1) or UNIX socket */
	uint32_t uid;      /* of the process that connected; UNIX sockets only */
};

/* Asks the kernel (getpeername, SO_PEERCRED). 0 or GH_EIO: the peer is gone already. */
int gh_peer_of(int fd, struct gh_peer *peer_r);
/* The same from the address that accept(2) told. */
struct sockaddr;
int gh_peer_from(int fd, const struct sockaddr *address, struct gh_peer *peer_r);

/* "192.0.2.7", "2001:db8::1", "unix:1000"; the mapped form of IPv4 is never shown. Terminated. */
#define GH_PEER_TEXT 48
void gh_peer_text(const struct gh_peer *peer, char text[GH_PEER_TEXT]);

/* A peer made up of "192.0.2.7" or "2001:db8::1", port 0; false: not an address. */
bool gh_peer_parse(const char *text, struct gh_peer *peer_r);

/* IPv4 as its mapped form. */
bool gh_peer_is_ipv4(const struct gh_peer *peer);

#endif
