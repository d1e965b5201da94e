/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiving side: subscribing in packets of bounded size, acknowledging, and the checks on
 * what arrives.
 */
#include "traffic_priv.h"

#include <string.h>

#include "util.h"

enum { FILTERS_MAX = 500, SUBSCRIBE_MAX = 40000, REFUSED = 0x80 };

static struct subscriber *subscriber_of(struct client *client)
{
	return container_of(client, struct subscriber, client);
}

static struct traffic *traffic_of(const struct client *client)
{
	return container_of(client->loop, struct traffic, loop);
}

static uint8_t *put_filters(uint8_t *end, const uint8_t *limit, struct subscriber *s, unsigned filters)
{
	const struct traffic *t = traffic_of(&s->client);

	for (s->asked = 0; s->next_filter < filters && s->asked < FILTERS_MAX; s->asked++) {
		char filter[TOPIC_MAX];
		char *filter_end;

		if (limit - end < TOPIC_MAX + 3)
			break;
		filter_end =
			t->plan->put_filter(filter, t->options, s->client.number, s->next_filter++);
		end = mq_put_string(end, filter, (size_t)(filter_end - filter));
		*end++ = (uint8_t)t->options->qos;
	}
	return end;
}

void subscriber_subscribe(struct subscriber *s)
{
	struct traffic *t = traffic_of(&s->client);
	unsigned filters = t->plan->filters ? t->plan->filters(t->options, s->client.number) : 1;
	uint8_t body[SUBSCRIBE_MAX], packet[SUBSCRIBE_MAX + 5], *body_end, *end;

	if (s->next_filter == filters) {
		t->subscribed++;
		return;
	}
	body_end = mq_put_u16(body, s->next_filter % UINT16_MAX + 1);
	body_end = put_filters(body_end, body + sizeof(body), s, filters);
	end = mq_put_header(packet, MQ_SUBSCRIBE, 2, (size_t)(body_end - body));
	memcpy(end, body, (size_t)(body_end - body));
	end += body_end - body;
	client_send(&s->client, packet, (size_t)(end - packet));
}

static void on_suback(struct client *client, const struct mq_packet *packet)
{
	struct subscriber *s = subscriber_of(client);
	struct tally *tally = &traffic_of(client)->tally;

	if (packet->len != 2 + s->asked) {
		client_fail(client);
		return;
	}
	for (unsigned i = 0; i < s->asked; i++)
		if (packet->body[2 + i] < REFUSED)
			tally->granted++;
		else
			tally->refused++;
	subscriber_subscribe(s);
}

void check_gapless(struct traffic *traffic, struct subscriber *s, const struct mq_publish *publish,
		   const struct stamp *stamp)
{
	uint32_t *next = &s->next_seq[stamp->publisher];

	(void)publish;
	if (stamp->seq + 1 == *next)
		traffic->tally.duplicates++;
	else if (stamp->seq != *next)
		traffic->tally.out_of_order++;
	*next = stamp->seq + 1;
}

void check_increasing(struct traffic *traffic, struct subscriber *s,
		      const struct mq_publish *publish, const struct stamp *stamp)
{
	uint32_t *next = &s->next_seq[stamp->publisher];

	(void)publish;
	if (stamp->seq + 1 == *next)
		traffic->tally.duplicates++;
	else if (stamp->seq < *next)
		traffic->tally.out_of_order++;
	*next = stamp->seq + 1;
}

static void credit(struct traffic *t, struct publisher *p)
{
	p->copies++;
	if (t->options->window && publisher_outstanding(t, p) * 2 <= t->options->window)
		p->ready = true;
}

static void on_message(struct client *client, const struct mq_publish *publish)
{
	struct traffic *t = traffic_of(client);
	struct stamp stamp;

	t->tally.received++;
	if (publish->payload_len != t->options->payload) {
		t->tally.misrouted++;
		return;
	}
	memcpy(&stamp, publish->payload, sizeof(stamp));
	if (stamp.publisher >= t->publishers || stamp.seq >= t->publisher[stamp.publisher].sent) {
		t->tally.misrouted++;
		return;
	}
	hist_add(&t->latency,
		 client->loop->now > stamp.sent_ns ? client->loop->now - stamp.sent_ns : 0);
	t->plan->check(t, subscriber_of(client), publish, &stamp);
	credit(t, &t->publisher[stamp.publisher]);
}

static void on_publish(struct client *client, const struct mq_packet *packet)
{
	struct mq_publish publish;

	if (mq_parse_publish(packet, &publish) || publish.qos > traffic_of(client)->options->qos) {
		client_fail(client);
		return;
	}
	on_message(client, &publish);
	if (publish.qos)
		client_answer(client, publish.qos == 1 ? MQ_PUBACK : MQ_PUBREC, publish.packet_id);
}

static void on_packet(struct client *client, const struct mq_packet *packet)
{
	switch (packet->type) {
	case MQ_PUBLISH: on_publish(client, packet); break;
	case MQ_PUBREL: client_answer(client, MQ_PUBCOMP, mq_u16(packet, 0)); break;
	case MQ_SUBACK: on_suback(client, packet); break;
	default: client_fail(client);
	}
}

const struct client_events subscriber_events = { .packet = on_packet };
