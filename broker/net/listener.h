/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets: opened and kept by address, accepting on the control thread, handing
 * connections to the workers. */
#ifndef GH_NET_LISTENER_H
#define GH_NET_LISTENER_H

#include "net/worker.h"

struct gh_listeners;

/* One that the configuration wants. Strings are copied. */
struct gh_listener_want {
	const char *name; /* for messages */
	/*
	 * "192.0.2.7:1883", "[::1]:1883", "broker.example:1883" (all its addresses), "*:1883"
	 * (0.0.0.0 and [::]), or "unix:/path". An IPv6 socket takes no IPv4.
	 */
	const char *address;
	unsigned mode; /* of a UNIX socket's file, 0: 0660 */
	void *user;    /* gh_accepted.listener */
};

/*
 * Asked on the control thread for each accepted socket, after the total was checked: false
 * closes it at once. May log.
 */
typedef bool gh_admit_fn(void *arg, void *listener, const struct gh_peer *peer);

/* All on the control thread. `admit` may be NULL. */
struct gh_listeners *gh_listeners_new(struct gh_loop *loop, struct gh_workers *workers,
				      struct gh_total *total, gh_admit_fn *admit, void *arg);
/* Closes all; removes the files of UNIX sockets. */
void gh_listeners_free(struct gh_listeners **listeners);

/*
 * A change is a transaction. prepare() opens what isn't open yet and changes nothing else; on
 * failure it has undone itself, the error naming listener, address and reason (GH_EINVAL: not an
 * address, or the same one twice; GH_EIO: the system said no). Then exactly one of: commit()
 * begins to accept on the new ones, closes those no longer wanted, and gives `user` anew to the
 * kept, whose sockets (and connections waiting in them) stay; abandon() closes what was opened.
 */
int gh_listeners_prepare(struct gh_listeners *listeners, const struct gh_listener_want *wants,
			 size_t count, struct gh_error *error);
void gh_listeners_commit(struct gh_listeners *listeners);
void gh_listeners_abandon(struct gh_listeners *listeners);

/* Stops accepting for good: closes all sockets (shutdown). */
void gh_listeners_close(struct gh_listeners *listeners);

/* Walks the bound sockets: false at the end. address_r: "127.0.0.1:1883", "[::1]:1883",
 * "unix:/path" (the port is the real one where 0 was asked for). */
#define GH_LISTENER_TEXT 136
bool gh_listeners_bound(const struct gh_listeners *listeners, size_t index, const char **name_r,
			char address_r[GH_LISTENER_TEXT]);

/* Counters since the start. */
struct gh_listeners_stats {
	uint64_t accepted;
	uint64_t refused_total; /* total connections reached */
	uint64_t refused_admit;
	uint64_t no_descriptor; /* EMFILE, ENFILE, ENOBUFS, ENOMEM */
};
void gh_listeners_stats(const struct gh_listeners *listeners, struct gh_listeners_stats *stats_r);

#endif
