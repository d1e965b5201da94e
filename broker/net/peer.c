/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of peers: one form for IPv4, IPv6 and UNIX sockets. */
#include "net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

bool gh_peer_is_ipv4(const struct gh_peer *peer)
{
	return !memcmp(peer->ip, mapped, sizeof mapped);
}

static void from_ipv4(const struct sockaddr_in *address, struct gh_peer *peer)
{
	memcpy(peer->ip, mapped, sizeof mapped);
	memcpy(peer->ip + 12, &address->sin_addr, 4);
	peer->port = ntohs(address->sin_port);
}

static void from_ipv6(const struct sockaddr_in6 *address, struct gh_peer *peer)
{
	memcpy(peer->ip, &address->sin6_addr, 16);
	peer->port = ntohs(address->sin6_port);
}

static int from_unix(int fd, struct gh_peer *peer)
{
	struct ucred cred;
	socklen_t n = sizeof cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n))
		return GH_EIO;
	peer->uid = cred.uid;
	peer->transport = GH_UNIX;
	peer->local = true;
	return 0;
}

static bool is_loopback(const struct gh_peer *peer)
{
	static const uint8_t ipv6[16] = { [15] = 1 };

	return gh_peer_is_ipv4(peer) ? peer->ip[12] == 127 : !memcmp(peer->ip, ipv6, sizeof ipv6);
}

int gh_peer_from(int fd, const struct sockaddr *address, struct gh_peer *peer_r)
{
	struct gh_peer peer = { .transport = GH_TCP };

	switch (address->sa_family) {
	case AF_INET: from_ipv4((const void *)address, &peer); break;
	case AF_INET6: from_ipv6((const void *)address, &peer); break;
	case AF_UNIX:
		if (from_unix(fd, &peer))
			return GH_EIO;
		break;
	default: return GH_EIO;
	}
	if (peer.transport == GH_TCP)
		peer.local = is_loopback(&peer);
	*peer_r = peer;
	return 0;
}

int gh_peer_of(int fd, struct gh_peer *peer_r)
{
	struct sockaddr_storage address = { 0 };
	socklen_t n = sizeof address;

	if (getpeername(fd, (struct sockaddr *)&address, &n))
		return GH_EIO;
	return gh_peer_from(fd, (struct sockaddr *)&address, peer_r);
}

void gh_peer_text(const struct gh_peer *peer, char text[GH_PEER_TEXT])
{
	if (peer->transport == GH_UNIX)
		snprintf(text, GH_PEER_TEXT, "unix:%u", peer->uid);
	else if (gh_peer_is_ipv4(peer))
		inet_ntop(AF_INET, peer->ip + 12, text, GH_PEER_TEXT);
	else
		inet_ntop(AF_INET6, peer->ip, text, GH_PEER_TEXT);
}

bool gh_peer_parse(const char *text, struct gh_peer *peer_r)
{
	struct gh_peer peer = { .transport = GH_TCP };

	if (inet_pton(AF_INET, text, peer.ip + 12) == 1)
		memcpy(peer.ip, mapped, sizeof mapped);
	else if (inet_pton(AF_INET6, text, peer.ip) != 1)
		return false;
	peer.local = is_loopback(&peer);
	*peer_r = peer;
	return true;
}
