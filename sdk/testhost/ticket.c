/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets: a slot each, never used again, so that every late answer is known for what it is. */
#include "ticket.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Upper half of a handle: small numbers that a module makes up are none. */
#define MARK 0x67680000u

struct gh_ticket_slot {
	enum gh_ticket_state state;
	bool was_answered;
	const void *owner;
	struct gh_question about;
	void *result;
};

void gh_tickets_init(struct gh_tickets *tickets)
{
	pthread_condattr_t monotonic;

	memset(tickets, 0, sizeof(*tickets));
	pthread_mutex_init(&tickets->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&tickets->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

void gh_tickets_done(struct gh_tickets *tickets)
{
	pthread_mutex_destroy(&tickets->lock);
	pthread_cond_destroy(&tickets->changed);
	free(tickets->slots);
}

struct gh_ticket gh_ticket_numbered(uint32_t number)
{
	return (struct gh_ticket){ (uint64_t)(MARK ^ (number & 0xffff)) << 32 | number };
}

/* Locked. NULL: no such ticket. */
static struct gh_ticket_slot *slot_of(struct gh_tickets *tickets, struct gh_ticket ticket)
{
	uint32_t number = (uint32_t)ticket.id;

	if (!number || ticket.id != gh_ticket_numbered(number).id || number > tickets->count)
		return NULL;
	return &tickets->slots[number - 1];
}

static bool waits(const struct gh_ticket_slot *slot)
{
	return slot->state == GH_TICKET_OPEN || slot->state == GH_TICKET_CLAIMED;
}

struct gh_ticket gh_tickets_open(struct gh_tickets *tickets, const void *owner,
				 const struct gh_question *about)
{
	uint32_t index;

	pthread_mutex_lock(&tickets->lock);
	index = tickets->count++;
	if ((index & (index + 1)) == 0)
		tickets->slots =
			gh_grow(tickets->slots, 2 * ((size_t)index + 1), sizeof(*tickets->slots));
	tickets->slots[index] =
		(struct gh_ticket_slot){ .state = GH_TICKET_OPEN, .owner = owner, .about = *about };
	tickets->counts.open++;
	pthread_mutex_unlock(&tickets->lock);
	return gh_ticket_numbered(index + 1);
}

enum gh_ticket_state gh_tickets_state(struct gh_tickets *tickets, struct gh_ticket ticket)
{
	const struct gh_ticket_slot *slot;
	enum gh_ticket_state state;

	pthread_mutex_lock(&tickets->lock);
	slot = slot_of(tickets, ticket);
	state = slot ? slot->state : GH_TICKET_DROPPED;
	pthread_mutex_unlock(&tickets->lock);
	return state;
}

static void count_failure(struct gh_tickets *tickets, const struct gh_ticket_slot *slot)
{
	if (!slot)
		tickets->counts.invented++;
	else if (slot->was_answered || slot->state == GH_TICKET_CLAIMED)
		tickets->counts.doubled++;
	else if (slot->state == GH_TICKET_TIMED_OUT)
		tickets->counts.late++;
	else
		tickets->counts.orphaned++;
}

bool gh_tickets_claim(struct gh_tickets *tickets, const void *owner, struct gh_ticket ticket,
		      struct gh_question *about_r)
{
	struct gh_ticket_slot *slot;
	bool claimed;

	pthread_mutex_lock(&tickets->lock);
	slot = slot_of(tickets, ticket);
	if (slot && slot->owner != owner)
		slot = NULL;
	claimed = slot && slot->state == GH_TICKET_OPEN;
	if (claimed) {
		slot->state = GH_TICKET_CLAIMED;
		*about_r = slot->about;
	} else {
		count_failure(tickets, slot);
	}
	pthread_mutex_unlock(&tickets->lock);
	return claimed;
}

bool gh_tickets_answer(struct gh_tickets *tickets, struct gh_ticket ticket, void *result)
{
	struct gh_ticket_slot *slot;
	bool answered;

	pthread_mutex_lock(&tickets->lock);
	slot = slot_of(tickets, ticket);
	answered = slot && slot->state == GH_TICKET_CLAIMED;
	if (answered) {
		slot->state = GH_TICKET_ANSWERED;
		slot->was_answered = true;
		slot->result = result;
		tickets->counts.answered++;
		tickets->counts.open--;
		pthread_cond_broadcast(&tickets->changed);
	} else {
		count_failure(tickets, slot);
	}
	pthread_mutex_unlock(&tickets->lock);
	return answered;
}

static void *close_slot(struct gh_tickets *tickets, struct gh_ticket ticket,
			enum gh_ticket_state state, bool answered_only)
{
	struct gh_ticket_slot *slot;
	void *result = NULL;

	pthread_mutex_lock(&tickets->lock);
	slot = slot_of(tickets, ticket);
	if (slot && (slot->state == GH_TICKET_ANSWERED || (waits(slot) && !answered_only))) {
		if (waits(slot)) {
			tickets->counts.open--;
			tickets->counts.timed_out += state == GH_TICKET_TIMED_OUT;
		}
		slot->state = state;
		result = slot->result;
		slot->result = NULL;
		pthread_cond_broadcast(&tickets->changed);
	}
	pthread_mutex_unlock(&tickets->lock);
	return result;
}

void *gh_tickets_take(struct gh_tickets *tickets, struct gh_ticket ticket)
{
	return close_slot(tickets, ticket, GH_TICKET_TAKEN, true);
}

void *gh_tickets_close(struct gh_tickets *tickets, struct gh_ticket ticket, enum gh_ticket_state state)
{
	return close_slot(tickets, ticket, state, false);
}

struct gh_ticket gh_tickets_any(struct gh_tickets *tickets, const void *owner)
{
	struct gh_ticket ticket = { 0 };

	pthread_mutex_lock(&tickets->lock);
	for (uint32_t i = 0; i < tickets->count && !ticket.id; i++)
		if (tickets->slots[i].owner == owner && tickets->slots[i].state < GH_TICKET_TAKEN)
			ticket = gh_ticket_numbered(i + 1);
	pthread_mutex_unlock(&tickets->lock);
	return ticket;
}

static struct timespec in_ms(unsigned ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

bool gh_tickets_wait(struct gh_tickets *tickets, struct gh_ticket ticket, unsigned ms)
{
	struct timespec until = in_ms(ms);
	struct gh_ticket_slot *slot;
	bool over;

	pthread_mutex_lock(&tickets->lock);
	for (;;) {
		slot = slot_of(tickets, ticket); /* the table may have moved */
		over = !slot || !waits(slot);
		if (over || pthread_cond_timedwait(&tickets->changed, &tickets->lock, &until))
			break;
	}
	slot = slot_of(tickets, ticket);
	over = !slot || !waits(slot);
	pthread_mutex_unlock(&tickets->lock);
	return over;
}

struct gh_ticket_counts gh_tickets_counts(struct gh_tickets *tickets)
{
	struct gh_ticket_counts counts;

	pthread_mutex_lock(&tickets->lock);
	counts = tickets->counts;
	pthread_mutex_unlock(&tickets->lock);
	return counts;
}
