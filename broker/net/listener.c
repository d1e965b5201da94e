/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets as a set that changes as a whole. */
#include "net/listener_priv.h"

#include "base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void socket_close(struct gh_listening *listening)
{
	struct stat st;

	gh_io_free(&listening->io);
	if (listening->fd >= 0)
		close(listening->fd);
	/* Unless somebody else has put another there. */
	if (listening->path && !lstat(listening->path, &st) && st.st_ino == listening->inode)
		unlink(listening->path);
	free(listening->path);
	free(listening);
}

static void listener_free(struct gh_listener *listener)
{
	for (size_t i = 0; i < listener->count; i++)
		socket_close(listener->sockets[i]);
	free(listener->name);
	free(listener->address);
	free(listener);
}

static void socket_note_path(struct gh_listening *listening, const char *path)
{
	struct stat st;

	if (!path[0] || lstat(path, &st))
		return;
	listening->path = gh_strdup(path);
	listening->inode = st.st_ino;
}

static int open_one(struct gh_listener *listener, const struct gh_address *address,
		    struct gh_error *error)
{
	struct gh_listening *listening;
	int fd, rc = gh_address_listen(address, listener->mode, &fd, error);

	if (rc || fd < 0)
		return rc;
	listening = gh_zalloc(sizeof *listening);
	listening->listener = listener;
	listening->fd = fd;
	socket_note_path(listening, gh_address_path(address));
	listener->sockets[listener->count++] = listening;
	return 0;
}

static int open_all(struct gh_listener *listener, struct gh_error *error)
{
	struct gh_address addresses[GH_ADDRESS_MAX];
	size_t count = 0;
	int rc = gh_address_resolve(listener->address, addresses, &count, error);

	for (size_t i = 0; !rc && i < count; i++)
		rc = open_one(listener, &addresses[i], error);
	if (rc)
		gh_error_prefix(error, "listener '%s', address '%s'", listener->name,
				listener->address);
	return rc;
}

static struct gh_listener *find(struct gh_listeners *listeners, const char *address)
{
	gh_list_each(&listeners->list, node, next)
	{
		struct gh_listener *listener = gh_container(node, struct gh_listener, node);

		if (!strcmp(listener->address, address))
			return listener;
	}
	return NULL;
}

static void want_kept(struct gh_listener *listener, const struct gh_listener_want *want)
{
	listener->wanted = true;
	listener->next_user = want->user;
	listener->next_mode = want->mode;
	free(listener->next_name);
	listener->next_name = gh_strdup(want->name);
}

static int prepare_one(struct gh_listeners *listeners, const struct gh_listener_want *want,
		       struct gh_error *error)
{
	struct gh_listener *listener = find(listeners, want->address);

	if (listener && listener->wanted)
		return gh_error_set(error, GH_EINVAL,
				    "listener '%s': address '%s' is listener '%s' already",
				    want->name, want->address, listener->next_name);
	if (listener) {
		want_kept(listener, want);
		return 0;
	}
	listener = gh_zalloc(sizeof *listener);
	listener->set = listeners;
	listener->fresh = true;
	listener->name = gh_strdup(want->name);
	listener->address = gh_strdup(want->address);
	listener->mode = want->mode;
	gh_list_append(&listeners->list, &listener->node);
	want_kept(listener, want);
	return open_all(listener, error);
}

int gh_listeners_prepare(struct gh_listeners *listeners, const struct gh_listener_want *wants,
			 size_t count, struct gh_error *error)
{
	for (size_t i = 0; i < count; i++) {
		int rc = prepare_one(listeners, &wants[i], error);

		if (rc) {
			gh_listeners_abandon(listeners);
			return rc;
		}
	}
	return 0;
}

static void forget_wish(struct gh_listener *listener)
{
	listener->wanted = listener->fresh = false;
	free(listener->next_name);
	listener->next_name = NULL;
}

static void drop(struct gh_listener *listener)
{
	gh_list_remove(&listener->node);
	free(listener->next_name);
	listener_free(listener);
}

static void change_mode(struct gh_listener *listener)
{
	if (listener->mode == listener->next_mode)
		return;
	listener->mode = listener->next_mode;
	for (size_t i = 0; i < listener->count; i++)
		if (listener->sockets[i]->path)
			chmod(listener->sockets[i]->path, listener->mode);
}

static void commit_one(struct gh_listener *listener)
{
	free(listener->name);
	listener->name = listener->next_name;
	listener->next_name = NULL;
	listener->user = listener->next_user;
	change_mode(listener);
	for (size_t i = 0; listener->fresh && i < listener->count; i++)
		gh_listening_start(listener->sockets[i]);
	forget_wish(listener);
}

void gh_listeners_commit(struct gh_listeners *listeners)
{
	gh_list_each(&listeners->list, node, next)
	{
		struct gh_listener *listener = gh_container(node, struct gh_listener, node);

		if (listener->wanted)
			commit_one(listener);
		else
			drop(listener);
	}
}

void gh_listeners_abandon(struct gh_listeners *listeners)
{
	gh_list_each(&listeners->list, node, next)
	{
		struct gh_listener *listener = gh_container(node, struct gh_listener, node);

		if (listener->fresh)
			drop(listener);
		else
			forget_wish(listener);
	}
}

struct gh_listeners *gh_listeners_new(struct gh_loop *loop, struct gh_workers *workers,
				      struct gh_total *total, gh_admit_fn *admit, void *arg)
{
	struct gh_listeners *listeners = gh_zalloc(sizeof *listeners);

	listeners->loop = loop;
	listeners->workers = workers;
	listeners->total = total;
	listeners->admit = admit;
	listeners->arg = arg;
	gh_list_init(&listeners->list);
	gh_accepting_init(listeners);
	return listeners;
}

void gh_listeners_close(struct gh_listeners *listeners)
{
	gh_list_each(&listeners->list, node, next)
	{
		drop(gh_container(node, struct gh_listener, node));
	}
}

void gh_listeners_free(struct gh_listeners **listeners_)
{
	struct gh_listeners *listeners = *listeners_;

	if (!listeners)
		return;
	gh_listeners_close(listeners);
	gh_accepting_done(listeners);
	free(listeners);
	*listeners_ = NULL;
}

bool gh_listeners_bound(const struct gh_listeners *listeners, size_t index, const char **name_r,
			char address_r[GH_LISTENER_TEXT])
{
	gh_list_each(&listeners->list, node, next)
	{
		struct gh_listener *listener = gh_container(node, struct gh_listener, node);

		if (index >= listener->count) {
			index -= listener->count;
			continue;
		}
		*name_r = listener->name;
		gh_address_text(listener->sockets[index]->fd, address_r);
		return true;
	}
	return false;
}

void gh_listeners_stats(const struct gh_listeners *listeners, struct gh_listeners_stats *stats_r)
{
	*stats_r = listeners->stats;
}
