/* SPDX-License-Identifier: Apache-2.0 */
/* The set of listeners, shared by listener.c (which ones) and accept.c (what comes in). */
#ifndef GH_NET_LISTENER_PRIV_H
#define GH_NET_LISTENER_PRIV_H

#include "net/address.h"
#include "net/listener.h"

/* One socket. */
struct gh_listening {
	struct gh_listener *listener;
	struct gh_io *io; /* NULL: not accepting yet */
	int fd;
	char *path; /* of a UNIX socket's file */
	uint64_t inode;
};

struct gh_listener {
	struct gh_node node;
	struct gh_listeners *set;
	char *name, *address;
	unsigned mode;
	void *user;
	struct gh_listening *sockets[GH_ADDRESS_MAX];
	size_t count;

	/* Between prepare and commit or abandon. */
	bool wanted, fresh;
	char *next_name;
	unsigned next_mode;
	void *next_user;
};

/* A kind of trouble that is logged at most once a second. */
struct gh_seldom {
	uint64_t at_ms, more;
};

struct gh_listeners {
	struct gh_loop *loop;
	struct gh_workers *workers;
	struct gh_total *total;
	gh_admit_fn *admit;
	void *arg;
	struct gh_node list;
	int reserve;             /* given up to be able to refuse when descriptors are out */
	struct gh_timeout rearm; /* set: accepting rests */
	struct gh_seldom no_descriptor, full;
	struct gh_listeners_stats stats;
};

/* ---- accept.c ---- */
void gh_accepting_init(struct gh_listeners *listeners);
void gh_accepting_done(struct gh_listeners *listeners);
void gh_listening_start(struct gh_listening *listening);

#endif
