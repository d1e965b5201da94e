/* SPDX-License-Identifier: Apache-2.0 */
/* Setting the traffic up and letting it run. */
#include "traffic_priv.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

enum { BURST_MAX = 256, OUTPUT_SIZE = 256 * 1024, IDLE_TURN_MS = 10, RATE_TURN_MS = 1 };

static const uint64_t quiet_ns = 2000000000u;

uint64_t traffic_deadline(const struct traffic *t)
{
	return now_ns() + (uint64_t)(t->options->timeout * 1e9);
}

static void make_subscribers(struct traffic *t)
{
	t->subscriber = must_alloc(t->subscribers, sizeof(*t->subscriber));
	for (unsigned i = 0; i < t->subscribers; i++) {
		struct subscriber *s = &t->subscriber[i];

		s->client = (struct client){ .events = &subscriber_events, .role = 's', .number = i };
		s->next_seq = must_alloc(t->publishers, sizeof(*s->next_seq));
		t->clients[i] = &s->client;
	}
}

static void make_publishers(struct traffic *t)
{
	t->publisher = must_alloc(t->publishers, sizeof(*t->publisher));
	for (unsigned i = 0; i < t->publishers; i++) {
		struct publisher *p = &t->publisher[i];

		p->client = (struct client){ .events = &publisher_events, .role = 'p', .number = i };
		p->random = 0x9e3779b97f4a7c15u * (i + 1);
		t->clients[t->subscribers + i] = &p->client;
	}
}

static void make_buffers(struct traffic *t)
{
	unsigned packet_max = t->options->payload + TOPIC_MAX + MQ_PUBLISH_OVERHEAD;

	t->burst = OUTPUT_SIZE / packet_max;
	if (t->burst > BURST_MAX)
		t->burst = BURST_MAX;
	t->output = must_alloc(1, OUTPUT_SIZE);
	t->payload = must_alloc(1, t->options->payload);
	memset(t->payload, 'x', t->options->payload);
}

static void check_pace(const struct options *options)
{
	if (!options->window && !options->qos && options->total_rate <= 0)
		die("--window 0: nothing bounds the publishers, give --total-rate or --qos");
}

void traffic_open(struct traffic *t, const struct options *options, const struct plan *plan,
		  unsigned copies)
{
	unsigned clients = options->publishers + options->subscribers;

	*t = (struct traffic){ .options = options,
			       .plan = plan,
			       .copies = copies,
			       .publishers = options->publishers,
			       .subscribers = options->subscribers };
	if (t->publishers)
		check_pace(options);
	if (options->total_rate > 0)
		t->step_ns = 1e9 * t->publishers / options->total_rate;
	loop_init(&t->loop, options->port, options->sources);
	t->clients = must_alloc(clients, sizeof(struct client *));
	make_subscribers(t);
	make_publishers(t);
	make_buffers(t);
	if (!loop_connect_all(&t->loop, t->clients, clients, options->batch, traffic_deadline(t)))
		die("only %u of %u clients could connect to port %u", (unsigned)t->loop.connected,
		    clients, options->port);
}

void traffic_close(struct traffic *t)
{
	for (unsigned i = 0; i < t->publishers + t->subscribers; i++)
		client_close(t->clients[i], true);
	for (unsigned i = 0; i < t->subscribers; i++)
		free(t->subscriber[i].next_seq);
	loop_done(&t->loop);
	free(t->clients);
	free(t->subscriber);
	free(t->publisher);
	free(t->payload);
	free(t->output);
}

void traffic_turn(struct traffic *t)
{
	bool more = t->producing && publishers_serve(t);

	loop_turn(&t->loop, more ? 0 : t->step_ns > 0 ? RATE_TURN_MS : IDLE_TURN_MS);
}

void traffic_subscribe(struct traffic *t)
{
	uint64_t end = traffic_deadline(t);

	for (unsigned i = 0; i < t->subscribers; i++)
		subscriber_subscribe(&t->subscriber[i]);
	while (t->subscribed < t->subscribers && now_ns() < end && !t->loop.closed)
		traffic_turn(t);
	if (t->subscribed < t->subscribers || t->tally.refused)
		die("only %u of %u subscribers got their filters, %u filters refused, %u connections lost",
		    t->subscribed, t->subscribers, (unsigned)t->tally.refused,
		    (unsigned)t->loop.closed);
}

void traffic_start(struct traffic *t, uint64_t budget)
{
	uint64_t now = now_ns();

	t->producing = true;
	for (unsigned i = 0; i < t->publishers; i++) {
		struct publisher *p = &t->publisher[i];

		p->ready = true;
		p->budget = budget > UINT64_MAX - p->sent ? UINT64_MAX : p->sent + budget;
		p->due_ns = now + (uint64_t)(t->step_ns * i / t->publishers);
	}
}

void traffic_run_until(struct traffic *t, uint64_t deadline_ns)
{
	while (now_ns() < deadline_ns)
		traffic_turn(t);
}

static bool settled(const struct traffic *t)
{
	return t->tally.received >= t->tally.sent * t->copies &&
	       (!t->options->qos || t->tally.acked >= t->tally.sent);
}

void traffic_drain(struct traffic *t)
{
	uint64_t moved = now_ns(), before = 0;

	t->producing = false;
	while (!settled(t) && now_ns() - moved < quiet_ns) {
		if (t->tally.received + t->tally.acked != before) {
			before = t->tally.received + t->tally.acked;
			moved = now_ns();
		}
		traffic_turn(t);
	}
}
