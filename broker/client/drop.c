/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries that are given up: what would be told too often waits for the end of the second. */
#include "client/drop.h"

#include "base/mem.h"

#include <stdlib.h>

#define TICK_MS 1000u

/* Those of one reason that wait. */
struct waiting {
	uint64_t count;
	struct gh_buf topic; /* of the first of them */
	bool told;           /* within this second one was told: others wait */
};

#define FIRST GH_COUNT_DROP_QUEUE
#define KINDS (GH_COUNT_DROP_AUTHOR - FIRST + 1)

/* There while something was dropped in the last second. */
struct gh_drops {
	struct gh_shard *shard;
	struct gh_session *session; /* NULL: nobody's in particular */
	struct gh_timeout timeout;  /* the end of the second */
	struct waiting of[KINDS];
};

static const char *drop_text(enum gh_counter why)
{
	switch (why) {
	case GH_COUNT_DROP_QUEUE: return "queue full";
	case GH_COUNT_DROP_OUTPUT: return "slow reader";
	case GH_COUNT_DROP_SIZE: return "too large for the client";
	case GH_COUNT_DROP_EXPIRED: return "expired";
	case GH_COUNT_DROP_SHARED: return "no member of the shared subscription may have it";
	case GH_COUNT_DROP_AUTHOR: return "its author may no longer publish it";
	default: return "out of memory";
	}
}

static void tell(const struct gh_drops *drops, enum gh_counter why, struct gh_str topic,
		 uint64_t count)
{
	const struct gh_session *session = drops->session;
	struct gh_event event = {
		.kind = GH_EV_DROP, .topic = topic, .text = drop_text(why), .count = count
	};

	if (session && session->identity)
		event.client = gh_snapshot_client(session->identity);
	gh_event_tell(drops->shard->runtime, &event);
}

/* True: there was something to tell. */
static bool tell_waiting(struct gh_drops *drops)
{
	bool any = false;

	for (unsigned i = 0; i < KINDS; i++) {
		struct waiting *w = &drops->of[i];

		w->told = w->count > 0;
		any |= w->told;
		if (w->told)
			tell(drops, FIRST + i, gh_str_n((const char *)w->topic.p, w->topic.n),
			     w->count);
		w->count = 0;
		w->topic.n = 0;
	}
	return any;
}

static void drops_free(struct gh_drops *drops)
{
	if (drops->session)
		drops->session->drops = NULL;
	else
		drops->shard->drops = NULL;
	gh_loop_timeout_cancel(drops->shard->loop, &drops->timeout);
	for (unsigned i = 0; i < KINDS; i++)
		gh_buf_done(&drops->of[i].topic);
	free(drops);
}

static void on_tick(struct gh_timeout *timeout)
{
	struct gh_drops *drops = gh_container(timeout, struct gh_drops, timeout);

	if (tell_waiting(drops))
		gh_loop_timeout(drops->shard->loop, timeout, TICK_MS);
	else
		drops_free(drops);
}

static struct gh_drops *drops_of(struct gh_shard *shard, struct gh_session *session)
{
	struct gh_drops *drops = session ? session->drops : shard->drops;

	if (drops)
		return drops;
	drops = gh_zalloc(sizeof(*drops));
	drops->shard = shard;
	drops->session = session;
	if (session)
		session->drops = drops;
	else
		shard->drops = drops;
	gh_timeout_init(&drops->timeout, on_tick);
	gh_loop_timeout(shard->loop, &drops->timeout, TICK_MS);
	return drops;
}

void gh_tell_dropped(struct gh_shard *shard, struct gh_session *session, struct gh_str topic,
		     enum gh_counter why)
{
	struct gh_drops *drops;
	struct waiting *w;

	gh_count(shard->broker, why);
	if (!gh_event_wanted(shard->runtime, GH_EV_DROP))
		return;
	drops = drops_of(shard, session);
	w = &drops->of[why - FIRST];
	if (!w->told) {
		w->told = true;
		tell(drops, why, topic, 1);
		return;
	}
	if (w->count++ == 0)
		gh_buf_add(&w->topic, topic.p, topic.n);
}

static void flush(struct gh_drops *drops)
{
	if (!drops)
		return;
	tell_waiting(drops);
	drops_free(drops);
}

void gh_drops_flush(struct gh_session *session)
{
	flush(session->drops);
}

void gh_drops_stop(struct gh_shard *shard)
{
	flush(shard->drops);
}
