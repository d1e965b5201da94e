/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: in pieces, many at once, beyond their bound, and what becomes of what isn't sent. */
#include "hook/link.h"

#include "base/mem.h"
#include "base/pack.h"
#include "base/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct gh_link ours, theirs;
static struct {
	unsigned count;
	enum gh_link_kind kind;
	struct gh_buf body;
	bool refuses;
} took;

static void begin(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	gh_link_init(&ours, pair[0]);
	gh_link_init(&theirs, pair[1]);
	memset(&took, 0, sizeof(took));
}

static void end(void)
{
	gh_link_done(&ours);
	gh_link_done(&theirs);
	gh_buf_done(&took.body);
}

static bool take(void *arg, enum gh_link_kind kind, struct gh_bytes body)
{
	ck_assert_ptr_eq(arg, &took);
	took.count++;
	took.kind = kind;
	took.body.n = 0;
	gh_buf_add(&took.body, body.p, body.n);
	return !took.refuses;
}

static void put(enum gh_link_kind kind, const void *p, size_t n)
{
	struct gh_buf frame = gh_link_begin(kind);

	gh_buf_add(&frame, p, n);
	gh_link_put(&ours, &frame);
	ck_assert_ptr_null(frame.p);
}

static bool receive(void)
{
	return gh_link_receive(&theirs, take, &took);
}

START_TEST(whole_and_empty)
{
	begin();
	put(GH_LINK_START, NULL, 0);
	put(GH_LINK_LOG, "abc", 3);
	ck_assert_uint_eq(ours.queued, 5 + 8);
	ck_assert(gh_link_send(&ours));
	ck_assert_uint_eq(ours.queued, 0);
	ck_assert(receive());
	ck_assert_uint_eq(took.count, 2);
	ck_assert_int_eq(took.kind, GH_LINK_LOG);
	ck_assert_uint_eq(took.body.n, 3);
	ck_assert(receive()); /* nothing there is no end */
	ck_assert_uint_eq(took.count, 2);
	end();
}
END_TEST

/* Byte by byte: nothing is given before it is whole. */
START_TEST(in_pieces)
{
	static const uint8_t bytes[] = { 0,   0, 0, 2, GH_LINK_ADD, 'x',
					 'y', 0, 0, 0, 0,           GH_LINK_START };

	begin();
	for (size_t i = 0; i < sizeof(bytes); i++) {
		ck_assert_int_eq(write(ours.fd, &bytes[i], 1), 1);
		ck_assert(receive());
		ck_assert_uint_eq(took.count, (i >= 6) + (i >= 11));
	}
	ck_assert_int_eq(took.kind, GH_LINK_START);
	end();
}
END_TEST

/* More than a socket takes at once: the rest waits, in order. */
START_TEST(large)
{
	size_t n = 3u << 20;
	uint8_t *much = gh_alloc(n);
	unsigned turns = 0;

	begin();
	for (size_t i = 0; i < n; i++)
		much[i] = (uint8_t)(i * 31);
	put(GH_LINK_EVENT, much, n);
	put(GH_LINK_FORGET, "z", 1);
	ck_assert(gh_link_send(&ours));
	ck_assert_uint_gt(ours.queued, 0);
	for (; took.count == 0; turns++) {
		ck_assert(receive());
		ck_assert(gh_link_send(&ours));
	}
	ck_assert_uint_gt(turns, 1);
	if (took.count == 1) {
		ck_assert_uint_eq(took.body.n, n);
		ck_assert_int_eq(memcmp(took.body.p, much, n), 0);
		ck_assert(receive());
	}
	ck_assert_int_eq(took.kind, GH_LINK_FORGET);
	ck_assert_uint_le(theirs.in_size, 1u << 20); /* what the large one needed is given back */
	free(much);
	end();
}
END_TEST

/* What is only claimed takes no memory, and beyond the bound is refused. */
START_TEST(claims)
{
	static const uint8_t largest[] = { 0x12, 0xc0, 0, 0, GH_LINK_LOG };
	static const uint8_t beyond[] = { 0x12, 0xc0, 0, 1, GH_LINK_LOG };

	begin();
	ck_assert_int_eq(write(ours.fd, largest, sizeof(largest)), sizeof(largest));
	ck_assert(receive());
	ck_assert_uint_le(theirs.in_size, 64u << 10);
	end();
	begin();
	ck_assert_int_eq(write(ours.fd, beyond, sizeof(beyond)), sizeof(beyond));
	ck_assert(!receive());
	ck_assert_uint_eq(took.count, 0);
	end();
}
END_TEST

START_TEST(refused_by_the_reader)
{
	begin();
	took.refuses = true;
	put(GH_LINK_START, NULL, 0);
	put(GH_LINK_START, NULL, 0);
	ck_assert(gh_link_send(&ours));
	ck_assert(!receive());
	ck_assert_uint_eq(took.count, 1);
	end();
}
END_TEST

START_TEST(gone)
{
	begin();
	put(GH_LINK_START, NULL, 0);
	gh_link_done(&theirs);
	ck_assert(!gh_link_send(&ours));
	end();
	begin();
	put(GH_LINK_START, NULL, 0);
	ck_assert(gh_link_send(&ours));
	gh_link_done(&ours);
	ck_assert(receive()); /* what it had said before */
	ck_assert_uint_eq(took.count, 1);
	ck_assert(!receive());
	end();
}
END_TEST

GH_TEST_MAIN("hook/link", whole_and_empty, in_pieces, large, claims, refused_by_the_reader, gone)
