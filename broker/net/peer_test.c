/* SPDX-License-Identifier: Apache-2.0 */
/* Peers: texts, the mapped form, what is local. */
#include "net/peer.h"

#include "base/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct row {
	const char *address, *text;
	bool ipv4, local;
};

static const struct row rows[] = {
	{ "192.0.2.7", "192.0.2.7", true, false },
	{ "127.0.0.1", "127.0.0.1", true, true },
	{ "127.9.9.9", "127.9.9.9", true, true },
	{ "128.0.0.1", "128.0.0.1", true, false },
	{ "::1", "::1", false, true },
	{ "::2", "::2", false, false },
	{ "2001:db8::42", "2001:db8::42", false, false },
	{ "::ffff:192.0.2.7", "192.0.2.7", true, false },
	{ "::ffff:127.0.0.1", "127.0.0.1", true, true },
};

START_TEST(addresses)
{
	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(1234) };
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(1234) };
		const struct sockaddr *sa = (const void *)&in;
		struct gh_peer peer;
		char text[GH_PEER_TEXT];

		if (inet_pton(AF_INET, rows[i].address, &in.sin_addr) != 1) {
			ck_assert_int_eq(inet_pton(AF_INET6, rows[i].address, &in6.sin6_addr), 1);
			sa = (const void *)&in6;
		}
		ck_assert_int_eq(gh_peer_from(-1, sa, &peer), 0);
		gh_peer_text(&peer, text);
		ck_assert_str_eq(text, rows[i].text);
		ck_assert(gh_peer_is_ipv4(&peer) == rows[i].ipv4);
		ck_assert(peer.local == rows[i].local);
		ck_assert_uint_eq(peer.port, 1234);
		ck_assert_uint_eq(peer.transport, GH_TCP);
	}
}
END_TEST

START_TEST(unix_socket)
{
	static const uint8_t none[16];
	struct gh_peer peer;
	char text[GH_PEER_TEXT], expected[GH_PEER_TEXT];
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(gh_peer_of(fds[0], &peer), 0);
	gh_peer_text(&peer, text);
	snprintf(expected, sizeof expected, "unix:%u", (unsigned)getuid());
	ck_assert_str_eq(text, expected);
	ck_assert(peer.local);
	ck_assert_uint_eq(peer.uid, getuid());
	ck_assert_uint_eq(peer.transport, GH_UNIX);
	ck_assert(!memcmp(peer.ip, none, 16));
	close(fds[0]);
	close(fds[1]);
	ck_assert_int_eq(gh_peer_of(fds[0], &peer), GH_EIO);
}
END_TEST

START_TEST(parsing)
{
	static const char *const bad[] = { "",       "x",     "192.0.2", "192.0.2.256",
					   "::1%lo", "[::1]", "1::2::3" };
	struct gh_peer peer = { .port = 7 };

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		char text[GH_PEER_TEXT];

		ck_assert(gh_peer_parse(rows[i].address, &peer));
		gh_peer_text(&peer, text);
		ck_assert_str_eq(text, rows[i].text);
		ck_assert(peer.local == rows[i].local);
	}
	peer.port = 7;
	for (size_t i = 0; i < GH_COUNT(bad); i++)
		ck_assert(!gh_peer_parse(bad[i], &peer));
	ck_assert_uint_eq(peer.port, 7);
}
END_TEST

GH_TEST_MAIN("net/peer", addresses, unix_socket, parsing)
