/* SPDX-License-Identifier: Apache-2.0 */
/* Watches: all of one thread, but that create may make them on another before they are in force. */
#include "hook/watch.h"

#include "base/mem.h"
#include "hook/asker_priv.h"
#include "hook/call.h"
#include "hook/host.h"

#include <fcntl.h>
#include <stdlib.h>

#define EVENTS (GH_READABLE | GH_WRITABLE)

struct watch {
	struct gh_node node; /* in the instance's place */
	struct gh_asker *asker;
	struct gh_instance *instance;
	struct gh_io *io; /* NULL: it waits */
	uint64_t id;
	int fd;
	unsigned events;
	gh_watch_fn *fn;
	void *arg;
};

static unsigned to_io(unsigned events)
{
	return (events & GH_READABLE ? GH_IO_READ : 0) | (events & GH_WRITABLE ? GH_IO_WRITE : 0);
}

static void on_io(struct gh_io *io, unsigned events, void *arg)
{
	const struct watch *watch = arg;
	unsigned theirs =
		(events & GH_IO_READ ? GH_READABLE : 0) | (events & GH_IO_WRITE ? GH_WRITABLE : 0);

	(void)io;
	gh_call_watch(watch->instance, watch->fn, watch->arg, watch->fd, theirs);
}

static bool is_open(int fd)
{
	return fd >= 0 && fcntl(fd, F_GETFD) >= 0;
}

/* ---- its own thread ---- */

static void begin(struct watch *watch)
{
	if (is_open(watch->fd))
		watch->io =
			gh_io_new(watch->asker->loop, watch->fd, to_io(watch->events), on_io, watch);
}

static void drop(struct watch *watch)
{
	struct gh_asker *asker = watch->asker;

	pthread_mutex_lock(&asker->lock);
	gh_handle_drop(&asker->watches, watch->id);
	gh_list_remove(&watch->node);
	pthread_mutex_unlock(&asker->lock);
	gh_io_free(&watch->io);
	free(watch);
}

void gh_watches_start(struct gh_instance *instance, struct gh_asker *asker)
{
	struct gh_node *watches = &instance->places[asker->index].watches;

	gh_list_each(watches, it, next)
	{
		struct watch *watch = gh_container(it, struct watch, node);

		if (!watch->io)
			begin(watch);
	}
}

void gh_watches_end(struct gh_instance *instance, struct gh_asker *asker)
{
	struct gh_node *watches = &instance->places[asker->index].watches;

	gh_list_each(watches, it, next) drop(gh_container(it, struct watch, node));
}

void gh_watches_leave(struct gh_asker *asker)
{
	struct watch *watch;

	while ((watch = gh_handles_any(&asker->watches)))
		drop(watch);
}

/* ---- the module's calls ---- */

static const char *refusal(const struct gh_instance *instance, const struct gh_asker *asker, int fd,
			   unsigned events, gh_watch_fn *fn)
{
	if (instance->blocking)
		return "with GH_BLOCKING";
	if (!asker)
		return "on a thread without a loop";
	if (!fn || events & ~EVENTS)
		return fn ? "for unknown events" : "without a function";
	return is_open(fd) ? NULL : "for a descriptor that isn't open";
}

/* False: the place is shut, or there are too many; nothing has happened. */
static bool enter(struct watch *watch, enum gh_place_state *state_r)
{
	struct gh_asker *asker = watch->asker;
	struct gh_place *place = &watch->instance->places[asker->index];

	pthread_mutex_lock(&asker->lock);
	*state_r = place->state;
	if (place->state != GH_PLACE_SHUT)
		watch->id = gh_handle_new(&asker->watches, watch);
	if (watch->id)
		gh_list_append(&place->watches, &watch->node);
	pthread_mutex_unlock(&asker->lock);
	return watch->id;
}

struct gh_watch gh_watch_new(struct gh_instance *instance, int fd, unsigned events, gh_watch_fn *fn,
			     void *arg)
{
	struct gh_asker *asker = gh_work_asker(instance);
	const char *why = refusal(instance, asker, fd, events, fn);
	enum gh_place_state state;
	struct watch *watch;

	if (why) {
		gh_host_refused(instance, GH_CALL_WATCH_START, why);
		return (struct gh_watch){ 0 };
	}
	watch = gh_zalloc(sizeof(*watch));
	*watch = (struct watch){
		.asker = asker, .instance = instance, .fd = fd, .events = events, .fn = fn, .arg = arg
	};
	if (!enter(watch, &state)) {
		free(watch);
		return (struct gh_watch){ 0 };
	}
	if (state == GH_PLACE_OPEN)
		begin(watch);
	return (struct gh_watch){ watch->id };
}

/* The watch, if this is the thread that started it. */
static struct watch *find(struct gh_instance *instance, struct gh_watch handle,
			  enum gh_host_call called, int *error_r)
{
	struct gh_askers *askers = instance->hooks->askers;
	struct gh_asker *asker = gh_work_asker(instance);
	unsigned owner = gh_handle_owner(handle.id);
	struct watch *watch;

	*error_r = GH_ENOENT;
	if (owner >= askers->count)
		return NULL;
	*error_r = GH_EINVAL;
	if (asker != &askers->at[owner]) {
		gh_host_refused(instance, called, "on another thread than that of the watch");
		return NULL;
	}
	pthread_mutex_lock(&asker->lock);
	watch = gh_handle_get(&asker->watches, handle.id);
	pthread_mutex_unlock(&asker->lock);
	if (watch && watch->instance == instance)
		return watch;
	if (watch)
		gh_host_refused(instance, called, "for a watch of another instance");
	else
		*error_r = GH_ENOENT;
	return NULL;
}

int gh_watch_set(struct gh_instance *instance, struct gh_watch handle, unsigned events)
{
	int error;
	struct watch *watch = find(instance, handle, GH_CALL_WATCH_CHANGE, &error);

	if (!watch || events & ~EVENTS)
		return watch ? GH_EINVAL : error;
	watch->events = events;
	if (watch->io)
		gh_io_set(watch->io, to_io(events));
	return 0;
}

void gh_watch_end(struct gh_instance *instance, struct gh_watch handle)
{
	int error;
	struct watch *watch = find(instance, handle, GH_CALL_WATCH_STOP, &error);

	if (watch)
		drop(watch);
}
