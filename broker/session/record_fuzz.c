/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: values of a store. The first byte chooses the kind, and whether the clocks went on, stand or went back. */
#include "base/str.h"
#include "hook/snapshot.h"
#include "mqtt/topic.h"
#include "session/record.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
	if (!truth)
		abort();
}

/* Each reads a value and writes what it has read to *out. */
typedef int again_cb(struct gh_bytes value, const struct gh_record_clock *clock, struct gh_buf *out,
		     struct gh_error *error);

static int session(struct gh_bytes value, const struct gh_record_clock *clock, struct gh_buf *out,
		   struct gh_error *error)
{
	struct gh_stored_session session = { 0 };
	const struct gh_client *client;

	(void)clock;
	if (gh_record_get_session(value, &session, error) < 0) {
		must(!session.identity);
		return GH_EINVAL;
	}
	client = gh_snapshot_client(session.identity);
	must(session.version >= 3 && session.version <= 5 && session.created_at >= 0);
	must(client->connection == 0 && !client->tls);
	must(gh_str_is(session.principal, client->identity->principal));
	must(!client->identity->limits_class || *client->identity->limits_class);
	gh_record_put_session(out, &session);
	gh_snapshot_unref(&session.identity);
	return 0;
}

static int subscription(struct gh_bytes value, const struct gh_record_clock *clock,
			struct gh_buf *out, struct gh_error *error)
{
	struct gh_stored_subscription subscription;

	(void)clock;
	if (gh_record_get_subscription(value, &subscription, error) < 0)
		return GH_EINVAL;
	must(subscription.qos <= 2 && subscription.retain_handling <= 2);
	gh_record_put_subscription(out, &subscription);
	return 0;
}

static int inflight(struct gh_bytes value, const struct gh_record_clock *clock, struct gh_buf *out,
		    struct gh_error *error)
{
	struct gh_stored_inflight inflight;

	(void)clock;
	if (gh_record_get_inflight(value, &inflight, error) < 0)
		return GH_EINVAL;
	must(!inflight.released || inflight.order == 0);
	gh_record_put_inflight(out, &inflight);
	return 0;
}

static void check_message(const struct gh_publication *message, const struct gh_record_clock *clock)
{
	must(message->qos <= 2 && gh_topic_name_valid(gh_publication_topic(message)));
	must((gh_record_expires(message, clock) != 0) == (message->expires_at != 0));
}

static int delivery(struct gh_bytes value, const struct gh_record_clock *clock, struct gh_buf *out,
		    struct gh_error *error)
{
	struct gh_delivery delivery = { 0 };

	if (gh_record_get_delivery(value, clock, &delivery, error) < 0) {
		must(!delivery.publication && !delivery.id_count);
		return GH_EINVAL;
	}
	must(delivery.group == 0 && delivery.covered == 0 && delivery.qos <= 2);
	for (size_t i = 0; i < delivery.id_count; i++)
		must(gh_delivery_ids(&delivery)[i] > 0);
	check_message(delivery.publication, clock);
	gh_record_put_delivery(out, &delivery, clock);
	gh_delivery_drop(&delivery);
	return 0;
}

static int will(struct gh_bytes value, const struct gh_record_clock *clock, struct gh_buf *out,
		struct gh_error *error)
{
	struct gh_stored_will will = { 0 };

	if (gh_record_get_will(value, &will, error) < 0) {
		must(!will.publication);
		return GH_EINVAL;
	}
	must(will.publication->expires_at == 0);
	check_message(will.publication, clock);
	gh_record_put_will(out, &will);
	gh_publication_unref(&will.publication);
	return 0;
}

static int publication(struct gh_bytes value, const struct gh_record_clock *clock,
		       struct gh_buf *out, struct gh_error *error)
{
	struct gh_publication *publication = NULL;

	if (gh_record_get_publication(value, clock, &publication, error) < 0) {
		must(!publication);
		return GH_EINVAL;
	}
	check_message(publication, clock);
	gh_record_put_publication(out, publication, clock);
	gh_publication_unref(&publication);
	return 0;
}

static const struct {
	again_cb *again;
	bool timed; /* it may hold what is left of an expiry */
} kinds[] = { { session, false }, { subscription, false }, { inflight, false },
	      { delivery, true }, { will, false },         { publication, true } };

static const struct gh_record_clock clocks[] = {
	{ 5000, 1700000000000 },
	{ 1, INT64_MIN },
	{ UINT64_MAX, INT64_MAX },
	{ 5000000, 1600000000000 },
};

#define KINDS  (sizeof(kinds) / sizeof(*kinds))
#define CLOCKS (sizeof(clocks) / sizeof(*clocks))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gh_buf first = { 0 }, second = { 0 };
	const struct gh_record_clock *clock;
	struct gh_error error = { 0 };
	size_t kind;

	if (!size)
		return 0;
	kind = data[0] % KINDS;
	clock = &clocks[data[0] / KINDS % CLOCKS];
	data++;
	size--;
	if (kinds[kind].again((struct gh_bytes){ data, size }, clock, &first, &error) < 0) {
		must(*error.text && !first.n);
		return 0;
	}
	if (!kinds[kind].timed && *data == *first.p) /* else it was of an earlier form */
		must(first.n == size && memcmp(first.p, data, size) == 0);
	must(kinds[kind].again((struct gh_bytes){ first.p, first.n }, clock, &second, &error) == 0);
	must(second.n == first.n && memcmp(second.p, first.p, first.n) == 0 && !*error.text);
	gh_buf_done(&first);
	gh_buf_done(&second);
	return 0;
}
