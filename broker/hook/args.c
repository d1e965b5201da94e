/* SPDX-License-Identifier: Apache-2.0 */
/* Deep copies of arguments: counted first, then copied into one block. */
#include "hook/args.h"

#include "base/mem.h"

#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>

/* Both passes run the same code: with `at` NULL it only counts. */
struct copier {
	char *at;
	size_t size;
};

static const void *copy(struct copier *copier, const void *p, size_t n)
{
	char *to = copier->at;

	copier->size += n;
	if (!to || !p)
		return p;
	if (n)
		memcpy(to, p, n);
	copier->at += n;
	return to;
}

static void copy_str(struct copier *copier, struct gh_str *s)
{
	s->p = copy(copier, s->p, s->n);
}

static void copy_bytes(struct copier *copier, struct gh_bytes *bytes)
{
	bytes->p = copy(copier, bytes->p, bytes->n);
}

static void copy_text(struct copier *copier, const char **s)
{
	if (*s)
		*s = copy(copier, *s, strlen(*s) + 1);
}

static const struct gh_message *copy_message(struct copier *copier, const struct gh_message *from,
					     struct gh_message *to)
{
	*to = *from;
	copy_str(copier, &to->topic);
	copy_bytes(copier, &to->payload);
	copy_bytes(copier, &to->properties);
	return to;
}

static void copy_authenticate(struct copier *copier, struct gh_authenticate *in,
			      struct gh_message *will)
{
	in->so_far = NULL; /* the fold's to say, for each module anew */
	copy_text(copier, &in->username);
	copy_bytes(copier, &in->password);
	copy_bytes(copier, &in->properties);
	if (in->will)
		in->will = copy_message(copier, in->will, will);
}

static void copy_exchange(struct copier *copier, struct gh_exchange *in,
			  struct gh_authenticate *connect, struct gh_message *will)
{
	copy_str(copier, &in->method);
	copy_bytes(copier, &in->data);
	copy_bytes(copier, &in->channel_binding);
	if (!in->connect)
		return;
	*connect = *in->connect;
	in->connect = connect;
	connect->client = in->client;
	copy_authenticate(copier, connect, will);
}

static void copy_authorize(struct copier *copier, struct gh_authorize *in)
{
	copy_str(copier, &in->topic);
	copy_str(copier, &in->share);
	copy_bytes(copier, &in->properties);
	copy_text(copier, &in->author);
	copy_text(copier, &in->author_realm);
}

static void copy_in(struct copier *copier, enum gh_hook_point point, union gh_args_in *in,
		    struct gh_authenticate *connect, struct gh_message *message)
{
	if (point == GH_HOOK_AUTHENTICATE)
		copy_authenticate(copier, &in->authenticate, message);
	else if (point == GH_HOOK_EXCHANGE)
		copy_exchange(copier, &in->exchange, connect, message);
	else if (point == GH_HOOK_PUBLISH)
		in->publish.message = copy_message(copier, in->publish.message, message);
	else if (point == GH_HOOK_LOOKUP)
		copy_text(copier, &in->lookup.principal);
	else
		copy_authorize(copier, &in->authorize);
}

static const struct gh_client *take(enum gh_hook_point point, const void *in, union gh_args_in *to)
{
	switch (point) {
	case GH_HOOK_AUTHENTICATE:
		to->authenticate = *(const struct gh_authenticate *)in;
		return to->authenticate.client;
	case GH_HOOK_EXCHANGE:
		to->exchange = *(const struct gh_exchange *)in;
		return to->exchange.client;
	case GH_HOOK_PUBLISH:
		to->publish = *(const struct gh_publish *)in;
		return to->publish.client;
	case GH_HOOK_LOOKUP: to->lookup = *(const struct gh_lookup *)in; return to->lookup.client;
	default: to->authorize = *(const struct gh_authorize *)in; return to->authorize.client;
	}
}

struct gh_args *gh_args_new(enum gh_hook_point point, const void *in)
{
	struct copier counter = { NULL, 0 }, copier;
	struct gh_authenticate connect;
	struct gh_message message;
	union gh_args_in counted;
	struct gh_args *args;

	take(point, in, &counted);
	copy_in(&counter, point, &counted, &connect, &message);
	args = gh_alloc(sizeof(*args) + counter.size);
	atomic_init(&args->refs, 1);
	args->point = point;
	args->text_size = counter.size;
	args->snapshot = gh_snapshot_ref(gh_snapshot_of(take(point, in, &args->in)));
	copier = (struct copier){ args->text, 0 };
	copy_in(&copier, point, &args->in, &args->connect, &args->message);
	return args;
}

struct gh_args *gh_args_ref(struct gh_args *args)
{
	atomic_fetch_add_explicit(&args->refs, 1, memory_order_relaxed);
	return args;
}

void gh_args_unref(struct gh_args **args)
{
	struct gh_args *gone = *args;

	*args = NULL;
	if (!gone || atomic_fetch_sub_explicit(&gone->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (gone->point != GH_HOOK_AUTHORIZE && gone->point != GH_HOOK_PUBLISH)
		gh_wipe(gone->text, gone->text_size);
	gh_snapshot_unref(&gone->snapshot);
	free(gone);
}
