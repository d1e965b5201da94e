/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that modules publish. */
#include "client/inject.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/acts.h"
#include "client/route.h"
#include "hook/host.h"

#include <stdlib.h>
#include <string.h>

struct injected {
	struct gh_mail mail;
	struct gh_publication *publication;
	char by[];
};

static void tell(struct gh_shard *shard, const struct gh_publication_facts *facts, const char *by)
{
	struct gh_message message = { .size = sizeof(message),
				      .qos = facts->qos,
				      .retain = facts->retain,
				      .topic = facts->topic,
				      .payload = facts->payload,
				      .properties = facts->properties,
				      .origin = by };
	struct gh_event event = { .kind = GH_EV_PUBLISH,
				  .message = &message,
				  .topic = facts->topic,
				  .qos = facts->qos,
				  .retain = facts->retain,
				  .bytes = facts->payload.n };

	gh_event_tell_others(shard->runtime, &event, by);
}

static void arrive(struct gh_mail *mail, void *owner)
{
	struct injected *injected = (struct injected *)(void *)mail;
	struct gh_transit transit;

	if (owner) {
		struct gh_shard *shard = gh_shard_of(owner);

		gh_transit_of(&transit, injected->publication);
		if (gh_route(shard, &transit, NULL) != GH_ROUTED_REFUSED)
			tell(shard, &transit.facts, injected->by);
		gh_transit_done(&transit);
	}
	gh_publication_unref(&injected->publication);
	free(injected);
}

/* The origin is for no-local and compared with client ids: none begins with a zero byte. */
static struct gh_publication *publication_of(const struct gh_injection *injection, const char *by)
{
	const struct gh_message *message = injection->message;
	char origin[256] = "";
	size_t n = strnlen(by, sizeof(origin) - 1);
	struct gh_publication_facts facts = { .topic = message->topic,
					      .payload = message->payload,
					      .properties = message->properties,
					      .origin = { origin, n + 1 },
					      .forward_n = injection->forward_n,
					      .qos = message->qos,
					      .retain = message->retain,
					      .is_text = injection->is_text };

	memcpy(origin + 1, by, n);
	if (injection->expiry)
		facts.expires_at = gh_clock_ms() + injection->expiry * 1000ull;
	return gh_publication_new(&facts);
}

static unsigned worker_for(const struct gh_broker *broker, struct gh_str topic)
{
	const struct gh_here *here = gh_here();

	if (here->asker && !gh_asker_is_control(here->asker))
		return gh_asker_index(here->asker);
	return (unsigned)(gh_siphash(&broker->key, topic.p, topic.n) % broker->worker_count);
}

/* Nobody can be held back: so it is refused while one of those that it would go to is behind. */
static bool crowded(const struct gh_broker *broker, struct gh_str topic, unsigned worker)
{
	uint64_t to = 1ull << worker;

	if (broker->worker_count > 1)
		to |= gh_interest_lookup(broker->interest, topic);
	for (unsigned i = 0; i < broker->worker_count; i++)
		if (to >> i & 1 && gh_worker_crowded(gh_workers_at(broker->workers, i)))
			return true;
	return false;
}

static int post(struct gh_broker *broker, const char *by, const struct gh_injection *injection)
{
	unsigned worker = worker_for(broker, injection->message->topic);
	struct injected *injected;
	struct gh_publication *publication;

	if (crowded(broker, injection->message->topic, worker))
		return GH_EBUSY;
	publication = publication_of(injection, by);
	if (!publication)
		return GH_EBUSY;
	injected = gh_alloc(sizeof(*injected) + strlen(by) + 1);
	*injected = (struct injected){ .publication = publication };
	injected->mail.deliver = arrive;
	injected->mail.weight =
		(uint32_t)(sizeof(*injected) + gh_publication_cost(publication) + strlen(by));
	memcpy(injected->by, by, strlen(by) + 1);
	gh_worker_post(gh_workers_at(broker->workers, worker), GH_LANE_DATA, &injected->mail);
	return 0;
}

int gh_inject_message(void *arg, const struct gh_instance *by, const struct gh_injection *injection)
{
	struct gh_broker *broker = arg;
	int rc;

	if (!gh_acts_enter(broker))
		return GH_EBUSY;
	rc = post(broker, gh_instance_name(by), injection);
	gh_acts_leave(broker);
	return rc;
}
