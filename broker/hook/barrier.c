/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds of acknowledgements, each waiting for the modules that said so; released from the oldest on. */
#include "hook/barrier.h"

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "hook/asker_priv.h"
#include "hook/call.h"

#include <stdlib.h>

/* How long the oldest may wait before somebody is told, and told again. */
#define TELL_MS 5000u
/* How often it is looked whether who is waited for is still there. */
#define LOOK_MS 1000u

struct round {
	struct gh_node node;
	struct gh_runtime *runtime; /* held while it waits */
	void *what;
	uint32_t number;
	uint32_t waits;   /* a bit for each that is to end it: see instance_at() */
	uint32_t left;    /* of these: who isn't in force any more, */
	uint64_t left_ms; /* since then */
	int rc;
	uint64_t since_ms;
};

struct gh_barriers {
	struct gh_asker *asker;
	gh_barrier_passed_fn *passed;
	void *owner;
	struct gh_node rounds; /* the oldest first */
	uint32_t raised;
	uint64_t failed_ms; /* when a failure was told; 0: never */
	uint64_t told_ms;   /* when it was told that the oldest waits */
	struct gh_timeout look;
};

/* ---- who waits for whom ---- */

/* By their order in the runtime: one instance may stand in several, each time at another place. */
static struct gh_instance *instance_at(const struct gh_runtime *runtime, unsigned index)
{
	for (size_t i = 0; i < runtime->instance_count; i++)
		if (gh_call_has_barrier(runtime->instances[i]) && index-- == 0)
			return runtime->instances[i];
	return NULL;
}

static void wait_for(struct round *round, unsigned index)
{
	round->waits |= 1u << index;
	gh_series_add(instance_at(round->runtime, index)->barriers_open, 1);
}

static void wait_no_more(struct round *round, unsigned index)
{
	round->waits &= ~(1u << index);
	gh_series_add(instance_at(round->runtime, index)->barriers_open, -1);
}

static bool is_in(const struct gh_runtime *runtime, const struct gh_instance *instance)
{
	for (size_t i = 0; i < runtime->instance_count; i++)
		if (runtime->instances[i] == instance)
			return true;
	return false;
}

/* The oldest always waits; for one of those at least. */
static const char *oldest_waits(const struct gh_barriers *barriers, uint64_t *since_ms_r)
{
	const struct round *oldest = gh_container(barriers->rounds.next, struct round, node);

	*since_ms_r = oldest->since_ms;
	return instance_at(oldest->runtime, (unsigned)__builtin_ctz(oldest->waits))->name;
}

static void tell_waiting(struct gh_barriers *barriers)
{
	uint64_t now = gh_loop_now_ms(barriers->asker->loop), since_ms;
	const char *name = oldest_waits(barriers, &since_ms);

	if (now - since_ms < TELL_MS || now - barriers->told_ms < TELL_MS)
		return;
	barriers->told_ms = now;
	gh_log_warning(
		"acknowledgements wait for module '%s' since %llu s: nothing is confirmed meanwhile",
		name, (unsigned long long)(now - since_ms) / 1000);
}

static void pass(struct gh_barriers *barriers, struct round *round)
{
	struct gh_runtime *runtime = round->runtime;
	void *what = round->what;
	int rc = round->rc;

	gh_list_remove(&round->node);
	free(round);
	if (gh_list_empty(&barriers->rounds))
		gh_loop_timeout_cancel(barriers->asker->loop, &barriers->look);
	barriers->passed(barriers->owner, what, rc);
	gh_runtime_unref(runtime);
}

static void release(struct gh_barriers *barriers)
{
	while (!gh_list_empty(&barriers->rounds)) {
		struct round *oldest = gh_container(barriers->rounds.next, struct round, node);

		if (oldest->waits)
			return;
		pass(barriers, oldest);
	}
}

/* A line a second at most: there may be thousands of turns. */
static void fail(struct gh_barriers *barriers, struct round *round,
		 const struct gh_instance *instance, int rc)
{
	uint64_t now = gh_loop_now_ms(barriers->asker->loop);

	if (!barriers->failed_ms || now - barriers->failed_ms >= 1000) {
		barriers->failed_ms = now;
		gh_log_error(
			"module '%s' can't make safe what is to be acknowledged (%d): it is refused",
			instance->name, rc);
	}
	round->rc = rc < 0 ? rc : GH_EIO;
}

/* ---- who doesn't end it any more ---- */

static bool will_not_end(const struct round *round, unsigned index, uint64_t now)
{
	bool over = now - round->left_ms >= round->runtime->settings->limits.hook_timeout;

	return gh_off(instance_at(round->runtime, index)) || (round->left & 1u << index && over);
}

static void give_up(struct gh_barriers *barriers, struct round *round)
{
	uint64_t now = gh_loop_now_ms(barriers->asker->loop);

	for (uint32_t waits = round->waits; waits; waits &= waits - 1) {
		unsigned index = (unsigned)__builtin_ctz(waits);

		if (!will_not_end(round, index, now))
			continue;
		wait_no_more(round, index);
		fail(barriers, round, instance_at(round->runtime, index), GH_EIO);
	}
}

static void on_look(struct gh_timeout *timeout)
{
	struct gh_barriers *barriers = gh_container(timeout, struct gh_barriers, look);

	gh_list_each(&barriers->rounds, it, next)
		give_up(barriers, gh_container(it, struct round, node));
	release(barriers);
	if (gh_list_empty(&barriers->rounds))
		return;
	tell_waiting(barriers);
	gh_loop_timeout(barriers->asker->loop, timeout, LOOK_MS);
}

void gh_barriers_swap(struct gh_barriers *barriers, const struct gh_runtime *runtime)
{
	gh_list_each(&barriers->rounds, it, next)
	{
		struct round *round = gh_container(it, struct round, node);

		for (uint32_t waits = round->waits & ~round->left; waits; waits &= waits - 1) {
			unsigned index = (unsigned)__builtin_ctz(waits);

			if (is_in(runtime, instance_at(round->runtime, index)))
				continue;
			round->left |= 1u << index;
			round->left_ms = gh_loop_now_ms(barriers->asker->loop);
		}
	}
}

/* ---- raising ---- */

static void ask(struct gh_barriers *barriers, struct round *round, unsigned index)
{
	struct gh_instance *instance = instance_at(round->runtime, index);
	struct gh_barrier handle = { (uint64_t)round->number << 32 | (uint64_t)index << 8 |
				     (gh_asker_index(barriers->asker) + 1) };
	int rc = gh_call_barrier(instance, handle);

	if (rc == GH_LATER)
		wait_for(round, index);
	else if (rc != 0)
		fail(barriers, round, instance, rc);
}

void gh_barriers_raise(struct gh_barriers *barriers, struct gh_runtime *runtime, void *what, int rc)
{
	struct round *round = gh_zalloc(sizeof(*round));

	round->runtime = gh_runtime_ref(runtime);
	round->what = what;
	round->rc = rc;
	round->number = ++barriers->raised;
	round->since_ms = gh_loop_now_ms(barriers->asker->loop);
	if (gh_list_empty(&barriers->rounds))
		gh_loop_timeout(barriers->asker->loop, &barriers->look, LOOK_MS);
	gh_list_append(&barriers->rounds, &round->node);
	for (unsigned i = 0; i < runtime->barrier_count; i++)
		ask(barriers, round, i);
	release(barriers);
}

bool gh_barriers_open(const struct gh_barriers *barriers)
{
	return !gh_list_empty(&barriers->rounds);
}

bool gh_barriers_needed(const struct gh_barriers *barriers, const struct gh_runtime *runtime)
{
	return runtime->barrier_count || gh_barriers_open(barriers);
}

/* ---- the end, from any thread ---- */

/* The instance isn't held: it may be in its destroy, which waits for the thread that ends this. It is looked into only if one waits
 * for it, which holds it. */
struct ending {
	struct gh_mail mail;
	struct gh_asker *asker;
	const struct gh_instance *instance;
	struct gh_barrier barrier;
	int rc;
};

static struct round *find(struct gh_barriers *barriers, uint32_t number)
{
	gh_list_each(&barriers->rounds, it, next)
	{
		struct round *round = gh_container(it, struct round, node);

		if (round->number == number)
			return round;
	}
	return NULL;
}

/* What is late, double or invented changes nothing. */
static void end(const struct ending *ending)
{
	struct gh_barriers *barriers = ending->asker->barriers;
	unsigned index = (unsigned)(ending->barrier.id >> 8) & 0xff;
	struct round *round = barriers ? find(barriers, (uint32_t)(ending->barrier.id >> 32)) : NULL;

	if (!round || index >= GH_BARRIER_INSTANCES || !(round->waits & 1u << index) ||
	    instance_at(round->runtime, index) != ending->instance) {
		gh_log_debug("a module ends a barrier that isn't open: ignored");
		return;
	}
	wait_no_more(round, index);
	if (ending->rc != 0)
		fail(barriers, round, ending->instance, ending->rc);
	release(barriers);
}

static void on_end(struct gh_mail *mail, void *owner)
{
	struct ending *ending = gh_container(mail, struct ending, mail);

	if (owner)
		end(ending);
	free(ending);
}

void gh_barriers_end(struct gh_instance *instance, struct gh_barrier barrier, int rc)
{
	struct gh_askers *askers = instance->hooks->askers;
	unsigned number = (unsigned)(barrier.id & 0xff);
	struct gh_asker *asker =
		number >= 1 && number <= askers->count ? &askers->at[number - 1] : NULL;
	struct ending *ending;

	if (!asker)
		return;
	pthread_mutex_lock(&asker->lock);
	if (asker->post) {
		ending = gh_zalloc(sizeof(*ending));
		*ending = (struct ending){ { .deliver = on_end }, asker, instance, barrier, rc };
		asker->post(asker->arg, &ending->mail);
	}
	pthread_mutex_unlock(&asker->lock);
}

/* ---- the whole ---- */

static void tell_given_up(const struct gh_barriers *barriers)
{
	uint64_t since_ms;

	if (!gh_list_empty(&barriers->rounds))
		gh_log_warning(
			"acknowledgements that wait for module '%s' aren't sent: the broker ends first",
			oldest_waits(barriers, &since_ms));
}

struct gh_barriers *gh_barriers_new(struct gh_asker *asker, gh_barrier_passed_fn *passed, void *owner)
{
	struct gh_barriers *barriers = gh_zalloc(sizeof(*barriers));

	barriers->asker = asker;
	barriers->passed = passed;
	barriers->owner = owner;
	gh_list_init(&barriers->rounds);
	gh_timeout_init(&barriers->look, on_look);
	asker->barriers = barriers;
	return barriers;
}

void gh_barriers_free(struct gh_barriers **barriers)
{
	struct gh_barriers *gone = *barriers;

	*barriers = NULL;
	if (!gone)
		return;
	gone->asker->barriers = NULL;
	tell_given_up(gone);
	gh_list_each(&gone->rounds, it, next)
	{
		struct round *round = gh_container(it, struct round, node);

		while (round->waits)
			wait_no_more(round, (unsigned)__builtin_ctz(round->waits));
		round->rc = GH_EIO;
		pass(gone, round);
	}
	free(gone);
}
