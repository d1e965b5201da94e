/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets: a table of slots for each asker, whose generation makes old handles harmless. */
#include "hook/ticket.h"

#include "base/clock.h"
#include "base/mem.h"
#include "hook/asker_priv.h"
#include "hook/instance_priv.h"

enum slot_state { FREE, OPEN, CLAIMED, ANSWERED };

struct gh_ticket_slot {
	uint32_t generation; /* of the ticket that is open, or of the next one */
	uint32_t next_free;
	enum slot_state state;
	enum gh_ticket_end last; /* how the one before ended */
	struct gh_instance *instance;
	enum gh_ticket_kind kind;
	void *waiter;
	uint64_t due_ms;
};

#define SLOT_BITS 24u
#define SLOTS_MAX (1u << SLOT_BITS)

static struct gh_ticket ticket_of(const struct gh_asker *asker, uint32_t slot)
{
	return (struct gh_ticket){ (uint64_t)asker->slots[slot].generation << 32 |
				   (uint64_t)slot << 8 | (asker->index + 1) };
}

static uint32_t slot_of(struct gh_ticket ticket)
{
	return (uint32_t)(ticket.id >> 8) & (SLOTS_MAX - 1);
}

static uint32_t generation_of(struct gh_ticket ticket)
{
	return (uint32_t)(ticket.id >> 32);
}

struct gh_asker *gh_ticket_asker(struct gh_askers *askers, struct gh_ticket ticket)
{
	unsigned number = ticket.id & 0xff;

	return number >= 1 && number <= askers->count ? &askers->at[number - 1] : NULL;
}

static void grow(struct gh_asker *asker)
{
	uint32_t old = asker->slot_count, count = old ? old * 2 : 16;

	asker->slots = gh_realloc_array(asker->slots, count, sizeof(*asker->slots));
	for (uint32_t i = count; i-- > old;) {
		asker->slots[i] =
			(struct gh_ticket_slot){ .generation = 1, .next_free = asker->free };
		asker->free = i;
	}
	asker->slot_count = count;
}

struct gh_ticket gh_ticket_open_for(struct gh_asker *asker, struct gh_instance *instance,
				    enum gh_ticket_kind kind, void *waiter, uint64_t due_ms)
{
	struct gh_ticket ticket = { 0 };
	struct gh_ticket_slot *slot;

	pthread_mutex_lock(&asker->lock);
	if (asker->free == UINT32_MAX && asker->slot_count < SLOTS_MAX)
		grow(asker);
	if (asker->free != UINT32_MAX) {
		ticket = ticket_of(asker, asker->free);
		slot = &asker->slots[asker->free];
		asker->free = slot->next_free;
		slot->state = OPEN;
		slot->instance = instance;
		slot->kind = kind;
		slot->waiter = waiter;
		slot->due_ms = due_ms;
		asker->stats.opened++;
	}
	pthread_mutex_unlock(&asker->lock);
	if (ticket.id) {
		atomic_fetch_add_explicit(&instance->pending, 1, memory_order_relaxed);
		gh_series_add(instance->open, 1);
	}
	return ticket;
}

/* The slot while the ticket is its present one; NULL else, counted as what it is. Locked. */
static struct gh_ticket_slot *present(struct gh_asker *asker, const struct gh_instance *instance,
				      struct gh_ticket ticket)
{
	uint32_t index = slot_of(ticket);
	struct gh_ticket_slot *slot = index < asker->slot_count ? &asker->slots[index] : NULL;

	if (slot && slot->state != FREE && slot->generation == generation_of(ticket) &&
	    (!instance || slot->instance == instance))
		return slot;
	if (!slot || generation_of(ticket) >= slot->generation)
		asker->stats.invented++;
	else if (generation_of(ticket) + 1 == slot->generation && slot->last == GH_TICKET_ANSWERED)
		asker->stats.doubled++;
	else
		asker->stats.orphaned++;
	return NULL;
}

void gh_ticket_close(struct gh_asker *asker, struct gh_ticket ticket, enum gh_ticket_end end)
{
	struct gh_instance *instance;
	struct gh_ticket_slot *slot;

	if (!ticket.id)
		return;
	pthread_mutex_lock(&asker->lock);
	slot = &asker->slots[slot_of(ticket)];
	instance = slot->instance;
	slot->generation++;
	slot->state = FREE;
	slot->last = end;
	slot->instance = NULL;
	slot->waiter = NULL;
	/* A slot whose generations are used up is retired: a handle never comes back. */
	if (slot->generation != UINT32_MAX) {
		slot->next_free = asker->free;
		asker->free = slot_of(ticket);
	}
	asker->stats.answered += end == GH_TICKET_ANSWERED;
	asker->stats.timed_out += end == GH_TICKET_TIMED_OUT;
	pthread_mutex_unlock(&asker->lock);
	atomic_fetch_sub_explicit(&instance->pending, 1, memory_order_relaxed);
	gh_series_add(instance->open, -1);
}

/* ---- any thread ---- */

static void count_invented(struct gh_askers *askers)
{
	pthread_mutex_lock(&askers->at[0].lock);
	askers->at[0].stats.invented++;
	pthread_mutex_unlock(&askers->at[0].lock);
}

bool gh_ticket_claim(struct gh_askers *askers, const struct gh_instance *instance,
		     enum gh_ticket_kind kind, struct gh_ticket ticket, uint64_t *due_ms_r)
{
	struct gh_asker *asker = gh_ticket_asker(askers, ticket);
	struct gh_ticket_slot *slot;
	bool claimed = false;

	if (!asker) {
		count_invented(askers);
		return false;
	}
	pthread_mutex_lock(&asker->lock);
	slot = present(asker, instance, ticket);
	if (slot && kind != slot->kind) {
		asker->stats.invented++;
	} else if (slot && slot->state != OPEN) {
		asker->stats.doubled++;
	} else if (slot && gh_clock_ms() > slot->due_ms) {
		asker->stats.orphaned++;
	} else if (slot) {
		slot->state = CLAIMED;
		*due_ms_r = slot->due_ms;
		claimed = true;
	}
	pthread_mutex_unlock(&asker->lock);
	return claimed;
}

bool gh_ticket_post(struct gh_askers *askers, struct gh_ticket ticket, struct gh_mail *mail)
{
	struct gh_asker *asker = gh_ticket_asker(askers, ticket);
	struct gh_ticket_slot *slot;
	bool posted = false;

	pthread_mutex_lock(&asker->lock);
	slot = present(asker, NULL, ticket);
	if (slot && slot->state == CLAIMED && asker->post) {
		slot->state = ANSWERED;
		/* Under the lock: the asker can't leave before its mail is in the box. */
		asker->post(asker->arg, mail);
		posted = true;
	}
	pthread_mutex_unlock(&asker->lock);
	return posted;
}

bool gh_ticket_waits(struct gh_askers *askers, const struct gh_instance *instance,
		     struct gh_ticket ticket)
{
	struct gh_asker *asker = gh_ticket_asker(askers, ticket);
	const struct gh_ticket_slot *slot;
	bool waits;

	if (!asker)
		return false;
	pthread_mutex_lock(&asker->lock);
	slot = slot_of(ticket) < asker->slot_count ? &asker->slots[slot_of(ticket)] : NULL;
	waits = slot && slot->state == OPEN && slot->generation == generation_of(ticket) &&
		slot->instance == instance && gh_clock_ms() <= slot->due_ms;
	pthread_mutex_unlock(&asker->lock);
	return waits;
}

void *gh_ticket_waiter(struct gh_asker *asker, struct gh_ticket ticket)
{
	struct gh_ticket_slot *slot;
	void *waiter;

	pthread_mutex_lock(&asker->lock);
	slot = present(asker, NULL, ticket);
	waiter = slot ? slot->waiter : NULL;
	pthread_mutex_unlock(&asker->lock);
	return waiter;
}
