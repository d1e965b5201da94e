/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers. Only the thread whose loop a timer is on sets, cancels and drops it; others mark it and
 * send it mail.
 */
#include "hook/timer.h"

#include "base/mem.h"
#include "hook/asker_priv.h"
#include "hook/call.h"
#include "hook/host.h"
#include "hook/pool.h"

#include <stdlib.h>
#include <string.h>

/* The instance's queue is full: one that fires once is tried again after this long. */
#define RETRY_MS 100u

struct timer {
	struct gh_job job;   /* held by the table, by mail on its way, and by a firing */
	struct gh_mail mail; /* it was stopped, or is to be started, by another thread */
	struct gh_timeout timeout;
	struct gh_node node; /* in the instance's place */
	struct gh_asker *asker;
	struct gh_instance *instance;
	uint64_t due_ms;
	uint32_t first_ms, repeat_ms;
	gh_work_fn *fn;
	void *arg;
	/* under the asker's lock */
	uint64_t id; /* 0: dropped */
	bool stopped, mailed;
	bool firing; /* a job of it is queued, or runs */
};

static void timer_unref(struct timer *timer)
{
	struct gh_job *job = &timer->job;

	gh_job_unref(&job);
}

/* The thread that sent mail has marked it: stopped, or to be started. Locked. */
static void send(struct timer *timer)
{
	if (timer->mailed || !timer->asker->post)
		return;
	timer->mailed = true;
	atomic_fetch_add_explicit(&timer->job.refs, 1, memory_order_relaxed);
	timer->asker->post(timer->asker->arg, &timer->mail);
}

/* ---- on its own thread ---- */

static void arm(struct timer *timer)
{
	struct gh_loop *loop = timer->asker->loop;

	timer->due_ms = gh_loop_now_ms(loop) + timer->first_ms;
	gh_loop_timeout_at(loop, &timer->timeout, timer->due_ms);
}

/* The next time in step with the last; those that were missed don't come at once. */
static void arm_again(struct timer *timer)
{
	struct gh_loop *loop = timer->asker->loop;
	uint64_t now_ms = gh_loop_now_ms(loop);

	timer->due_ms += timer->repeat_ms;
	if (timer->due_ms <= now_ms)
		timer->due_ms = now_ms + timer->repeat_ms;
	gh_loop_timeout_at(loop, &timer->timeout, timer->due_ms);
}

static void drop(struct timer *timer)
{
	struct gh_asker *asker = timer->asker;
	uint64_t id;

	pthread_mutex_lock(&asker->lock);
	id = timer->id;
	timer->id = 0;
	timer->stopped = true;
	if (id) {
		gh_handle_drop(&asker->timers, id);
		gh_list_remove(&timer->node);
	}
	pthread_mutex_unlock(&asker->lock);
	if (!id)
		return;
	if (timer->timeout.due)
		gh_loop_timeout_cancel(asker->loop, &timer->timeout);
	if (timer->instance->pool)
		gh_pool_withdraw(timer->instance->pool, &timer->job);
	timer_unref(timer);
}

static void deliver(struct gh_mail *mail, void *owner)
{
	struct timer *timer = gh_container(mail, struct timer, mail);
	bool stopped;

	pthread_mutex_lock(&timer->asker->lock);
	timer->mailed = false;
	stopped = timer->stopped;
	pthread_mutex_unlock(&timer->asker->lock);
	if (owner && stopped)
		drop(timer);
	else if (owner)
		arm(timer);
	timer_unref(timer);
}

static void submit(struct timer *timer)
{
	uint8_t source[16] = { 0 };

	memcpy(source, &timer->id, sizeof(timer->id)); /* each in its turn */
	if (gh_pool_submit(timer->instance->pool, GH_POOL_TIMERS, source, &timer->job))
		return;
	pthread_mutex_lock(&timer->asker->lock);
	timer->firing = false;
	pthread_mutex_unlock(&timer->asker->lock);
	if (!timer->repeat_ms)
		gh_loop_timeout(timer->asker->loop, &timer->timeout, RETRY_MS);
}

static void call(struct timer *timer)
{
	struct gh_instance *instance = timer->instance;
	gh_work_fn *fn = timer->fn;
	void *arg = timer->arg;

	if (!timer->repeat_ms)
		drop(timer);
	gh_call_work(instance, fn, arg); /* it may stop the timer */
}

static void on_timeout(struct gh_timeout *timeout)
{
	struct timer *timer = gh_container(timeout, struct timer, timeout);
	bool stopped, fires;

	pthread_mutex_lock(&timer->asker->lock);
	stopped = timer->stopped;
	fires = !stopped && !timer->firing;
	if (fires && timer->instance->blocking)
		timer->firing = true;
	pthread_mutex_unlock(&timer->asker->lock);
	if (stopped)
		return; /* its mail drops it */
	if (timer->repeat_ms)
		arm_again(timer);
	if (!fires)
		return;
	if (timer->instance->blocking)
		submit(timer);
	else
		call(timer);
}

void gh_timers_start(struct gh_instance *instance, struct gh_asker *asker)
{
	struct gh_node *timers = &instance->places[asker->index].timers;

	pthread_mutex_lock(&asker->lock);
	gh_list_each(timers, it, next)
	{
		struct timer *timer = gh_container(it, struct timer, node);

		if (!timer->stopped && !timer->mailed && !timer->timeout.due)
			arm(timer);
	}
	pthread_mutex_unlock(&asker->lock);
}

static struct timer *first_of(struct gh_asker *asker, const struct gh_node *timers)
{
	struct timer *timer = NULL;

	pthread_mutex_lock(&asker->lock);
	if (!gh_list_empty(timers))
		timer = gh_container(timers->next, struct timer, node);
	pthread_mutex_unlock(&asker->lock);
	return timer;
}

void gh_timers_end(struct gh_instance *instance, struct gh_asker *asker)
{
	const struct gh_node *timers = &instance->places[asker->index].timers;
	struct timer *timer;

	while ((timer = first_of(asker, timers)))
		drop(timer);
}

static struct timer *any_of(struct gh_asker *asker)
{
	struct timer *timer;

	pthread_mutex_lock(&asker->lock);
	timer = gh_handles_any(&asker->timers);
	pthread_mutex_unlock(&asker->lock);
	return timer;
}

void gh_timers_leave(struct gh_asker *asker)
{
	struct timer *timer;

	while ((timer = any_of(asker)))
		drop(timer);
}

/* ---- on a thread of a blocking instance ---- */

static void job_run(struct gh_job *job)
{
	struct timer *timer = gh_container(job, struct timer, job);
	struct gh_asker *asker = timer->asker;
	bool runs;

	pthread_mutex_lock(&asker->lock);
	runs = !timer->stopped;
	if (runs && !timer->repeat_ms) {
		timer->stopped = true;
		send(timer);
	}
	pthread_mutex_unlock(&asker->lock);
	if (runs)
		gh_call_work(timer->instance, timer->fn, timer->arg);
	pthread_mutex_lock(&asker->lock);
	timer->firing = false;
	pthread_mutex_unlock(&asker->lock);
}

static void job_free(struct gh_job *job)
{
	free(gh_container(job, struct timer, job));
}

/* ---- on any thread ---- */

static struct timer *timer_new(struct gh_instance *instance, struct gh_asker *asker)
{
	struct timer *timer = gh_zalloc(sizeof(*timer));

	gh_job_init(&timer->job, job_run, job_free);
	gh_timeout_init(&timer->timeout, on_timeout);
	timer->mail.deliver = deliver;
	timer->asker = asker;
	timer->instance = instance;
	return timer;
}

/* The state of the place: where it is shut, nothing has happened. */
static enum gh_place_state enter(struct timer *timer, uint64_t *id_r)
{
	struct gh_asker *asker = timer->asker;
	struct gh_place *place = &timer->instance->places[asker->index];
	enum gh_place_state state;

	pthread_mutex_lock(&asker->lock);
	state = place->state;
	if (state != GH_PLACE_SHUT)
		timer->id = gh_handle_new(&asker->timers, timer);
	*id_r = timer->id;
	if (timer->id) {
		gh_list_append(&place->timers, &timer->node);
		if (state == GH_PLACE_OPEN && gh_here()->asker != asker)
			send(timer);
	}
	pthread_mutex_unlock(&asker->lock);
	return state;
}

struct gh_timer gh_timer_new(struct gh_instance *instance, uint32_t first_ms, uint32_t repeat_ms,
			     gh_work_fn *fn, void *arg)
{
	struct gh_asker *asker = gh_work_asker(instance);
	enum gh_place_state state;
	struct timer *timer;
	uint64_t id;

	if (!asker || !fn) {
		gh_host_refused(instance, GH_CALL_TIMER_START,
				asker ? "without a function" : "on a thread without a loop");
		return (struct gh_timer){ 0 };
	}
	timer = timer_new(instance, asker);
	timer->first_ms = first_ms;
	timer->repeat_ms = repeat_ms;
	timer->fn = fn;
	timer->arg = arg;
	state = enter(timer, &id);
	if (!id)
		timer_unref(timer);
	else if (state == GH_PLACE_OPEN && gh_here()->asker == asker)
		arm(timer);
	return (struct gh_timer){ id };
}

void gh_timer_end(struct gh_instance *instance, struct gh_timer handle)
{
	struct gh_askers *askers = instance->hooks->askers;
	unsigned owner = gh_handle_owner(handle.id);
	bool here, others, ends = false;
	struct gh_asker *asker;
	struct timer *timer;

	if (owner >= askers->count)
		return;
	asker = &askers->at[owner];
	here = gh_here()->asker == asker;
	pthread_mutex_lock(&asker->lock);
	timer = gh_handle_get(&asker->timers, handle.id);
	others = timer && timer->instance != instance;
	if (timer && !others && !timer->stopped) {
		ends = timer->stopped = true;
		if (!here)
			send(timer);
	}
	pthread_mutex_unlock(&asker->lock);
	if (ends && here)
		drop(timer);
	if (others)
		gh_host_refused(instance, GH_CALL_TIMER_STOP, "for a timer of another instance");
}
