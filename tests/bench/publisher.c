/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sending side: how many messages a publisher may send now, their writing, and the
 * acknowledgements.
 */
#include "traffic_priv.h"

#include <string.h>

#include "util.h"

/*
 * Later than this, a message with a rate carries the time when it was due: waiting in the
 * generator is latency too.
 */
enum { LATE_NS = 2000000 };

static struct publisher *publisher_of(struct client *client)
{
	return container_of(client, struct publisher, client);
}

static struct traffic *traffic_of(const struct client *client)
{
	return container_of(client->loop, struct traffic, loop);
}

uint64_t publisher_outstanding(const struct traffic *traffic, const struct publisher *publisher)
{
	return publisher->sent - publisher->copies / traffic->copies;
}

static uint64_t at_most(uint64_t count, uint64_t limit, uint64_t used)
{
	uint64_t room = limit > used ? limit - used : 0;

	return count < room ? count : room;
}

static uint64_t allowance(const struct traffic *t, const struct publisher *p, uint64_t now)
{
	uint64_t count = at_most(t->burst, p->budget, p->sent);

	if (t->options->window)
		count = at_most(count, t->options->window, publisher_outstanding(t, p));
	if (t->options->qos)
		count = at_most(count, t->options->inflight, p->inflight);
	if (t->step_ns > 0)
		count = now < p->due_ns
				? 0
				: at_most(count,
					  1 + (uint64_t)((double)(now - p->due_ns) / t->step_ns), 0);
	return count;
}

static uint64_t stamp_time(struct traffic *t, struct publisher *p, uint64_t now)
{
	uint64_t due = p->due_ns;

	if (t->step_ns <= 0)
		return now;
	p->due_ns += (uint64_t)t->step_ns;
	return now > due + LATE_NS ? due : now;
}

static uint16_t next_packet_id(struct publisher *p)
{
	if (!++p->packet_id)
		p->packet_id = 1;
	return p->packet_id;
}

static uint8_t *put_message(struct traffic *t, struct publisher *p, uint8_t *end, uint64_t now)
{
	struct stamp stamp = { .sent_ns = stamp_time(t, p, now),
			       .publisher = p->client.number,
			       .seq = (uint32_t)p->sent };
	char topic[TOPIC_MAX];
	struct mq_publish publish = { .qos = t->options->qos,
				      .retain = t->plan->retain,
				      .topic = topic,
				      .topic_len = (size_t)(t->plan->put_topic(topic, t->options, p) -
							    topic),
				      .payload = t->payload,
				      .payload_len = t->options->payload };

	if (publish.qos)
		publish.packet_id = next_packet_id(p);
	memcpy(t->payload, &stamp, sizeof(stamp));
	p->sent++;
	return mq_put_publish(end, &publish);
}

static bool produce(struct traffic *t, struct publisher *p, uint64_t now)
{
	uint64_t count = allowance(t, p, now);
	uint8_t *end = t->output;

	p->ready = count == t->burst;
	for (uint64_t i = 0; i < count; i++)
		end = put_message(t, p, end, now);
	if (!count)
		return false;
	t->tally.sent += count;
	if (t->options->qos)
		p->inflight += (unsigned)count;
	client_send(&p->client, t->output, (size_t)(end - t->output));
	return p->ready;
}

bool publishers_serve(struct traffic *t)
{
	uint64_t now = now_ns();
	bool more = false;

	for (unsigned i = 0; i < t->publishers; i++) {
		struct publisher *p = &t->publisher[i];

		if ((p->ready || t->step_ns > 0) && p->client.state == CLIENT_READY &&
		    !client_has_unsent(&p->client))
			more |= produce(t, p, now);
	}
	return more;
}

static void on_acknowledged(struct client *client)
{
	struct publisher *publisher = publisher_of(client);

	traffic_of(client)->tally.acked++;
	if (publisher->inflight)
		publisher->inflight--;
	publisher->ready = true;
}

static void on_packet(struct client *client, const struct mq_packet *packet)
{
	switch (packet->type) {
	case MQ_PUBACK:
	case MQ_PUBCOMP: on_acknowledged(client); break;
	case MQ_PUBREC: client_answer(client, MQ_PUBREL, mq_u16(packet, 0)); break;
	default: client_fail(client);
	}
}

static void on_drained(struct client *client)
{
	publisher_of(client)->ready = true;
}

const struct client_events publisher_events = { .packet = on_packet, .drained = on_drained };
