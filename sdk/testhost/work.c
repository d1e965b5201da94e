/* SPDX-License-Identifier: Apache-2.0 */
/* Timers on the simulated clock, descriptors and offloaded work in real time. */
#include "priv.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

enum {
	ROUNDS_MOST = 100,    /* of a descriptor that is always ready */
	STILL_MOST = 1000000, /* timers that run without a tick */
	SLICE_MS = 5
};

static bool on_loop(const struct gh_instance *instance, const char *call)
{
	const struct gh_here *here = gh_here();
	bool blocking = gh_instance_blocks(instance);
	bool allowed = here->instance == instance &&
		       ((here->place >= GH_IN_CREATE && here->place <= GH_IN_COMMAND) ||
			(blocking && here->place == GH_IN_JOB));

	if (!allowed)
		gh_misuse((struct gh_instance *)instance, "%s on a thread without a loop", call);
	return allowed;
}

/* ---- timers ---- */

struct gh_timer gh_host_timer(struct gh_host *theirs, uint32_t first_ms, uint32_t repeat_ms,
			      gh_work_fn *fn, void *arg)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	struct gh_due due = { instance, fn, arg };

	if (!fn || !on_loop(instance, "gh_timer_start()"))
		return (struct gh_timer){ 0 };
	return (struct gh_timer){ gh_clock_start(
		&instance->host->clock, &due, (uint64_t)first_ms * GH_NS_PER_MS,
		(uint64_t)repeat_ms * GH_NS_PER_MS, !instance->in_force) };
}

void gh_host_timer_stop(struct gh_host *theirs, struct gh_timer timer)
{
	struct gh_instance *instance = gh_instance_of(theirs);

	gh_clock_stop(&instance->host->clock, timer.id, instance);
}

static void run_timer(void *arg)
{
	const struct gh_due *due = arg;
	struct gh_instance *instance = due->owner;

	due->fn(instance->self, due->arg);
}

bool gh_testhost_advance(struct gh_testhost *host, uint64_t ns)
{
	uint64_t until = gh_clock_now(&host->clock) + ns, last = 0;
	unsigned still = 0;
	struct gh_due due;

	while (gh_clock_next(&host->clock, until, &due)) {
		still = gh_clock_now(&host->clock) == last ? still + 1 : 0;
		last = gh_clock_now(&host->clock);
		if (still > STILL_MOST)
			return false;
		if (due.owner == host)
			due.fn(host, due.arg);
		else
			gh_instance_run(due.owner, GH_IN_LOOP, run_timer, &due);
		if (host->job_count || host->fds || host->old)
			gh_testhost_settle(host);
	}
	return true;
}

uint64_t gh_testhost_now(struct gh_testhost *host)
{
	return gh_clock_now(&host->clock);
}

int64_t gh_testhost_wall(struct gh_testhost *host)
{
	return gh_clock_wall(&host->clock);
}

/* ---- descriptors ---- */

struct gh_watch gh_host_watch(struct gh_host *theirs, int fd, unsigned events, gh_watch_fn *fn,
			      void *arg)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	struct gh_testhost *host = instance->host;
	struct gh_fd *watch;

	if (gh_instance_blocks(instance)) {
		gh_misuse(instance, "gh_watch_start(): not with GH_BLOCKING");
		return (struct gh_watch){ 0 };
	}
	if (fd < 0 || !fn || (events & ~(GH_READABLE | GH_WRITABLE)) ||
	    !on_loop(instance, "gh_watch_start()"))
		return (struct gh_watch){ 0 };
	watch = gh_new(sizeof(*watch));
	*watch = (struct gh_fd){ .next = host->fds,
				 .id = ++host->fd_ids,
				 .instance = instance,
				 .fd = fd,
				 .events = events,
				 .fn = fn,
				 .arg = arg };
	host->fds = watch;
	return (struct gh_watch){ watch->id };
}

static struct gh_fd *watch_of(struct gh_instance *instance, struct gh_watch watch, const char *call)
{
	struct gh_fd *at;

	if (!gh_here()->worker || gh_here()->instance != instance) {
		gh_misuse(instance, "%s on another thread than gh_watch_start()", call);
		return NULL;
	}
	at = instance->host->fds;
	while (at && (at->id != watch.id || at->instance != instance || at->stopped))
		at = at->next;
	return at;
}

int gh_host_watch_change(struct gh_host *theirs, struct gh_watch watch, unsigned events)
{
	struct gh_fd *at = watch_of(gh_instance_of(theirs), watch, "gh_watch_change()");

	if (!at || (events & ~(GH_READABLE | GH_WRITABLE)))
		return GH_EINVAL;
	at->events = events;
	return 0;
}

void gh_host_watch_stop(struct gh_host *theirs, struct gh_watch watch)
{
	struct gh_fd *at = watch_of(gh_instance_of(theirs), watch, "gh_watch_stop()");

	if (at)
		at->stopped = true;
}

static void free_stopped(struct gh_testhost *host)
{
	struct gh_fd **at = &host->fds, *gone;

	while ((gone = *at)) {
		if (!gone->stopped) {
			at = &gone->next;
			continue;
		}
		*at = gone->next;
		free(gone);
	}
}

void gh_work_stop(struct gh_instance *instance)
{
	gh_clock_stop_all(&instance->host->clock, instance);
	for (struct gh_fd *at = instance->host->fds; at; at = at->next)
		if (at->instance == instance)
			at->stopped = true;
	free_stopped(instance->host);
}

struct readiness {
	struct gh_fd *watch;
	unsigned events;
};

static void tell_ready(void *arg)
{
	const struct readiness *ready = arg;
	struct gh_fd *watch = ready->watch;

	watch->fn(watch->instance->self, watch->arg, watch->fd, ready->events);
}

static bool tell(struct gh_fd *watch, short revents)
{
	struct readiness ready = { watch, 0 };

	if (revents & POLLNVAL) {
		gh_misuse(watch->instance, "descriptor %d was closed before gh_watch_stop()",
			  watch->fd);
		watch->stopped = true;
	}
	if (revents & (POLLIN | POLLHUP | POLLERR))
		ready.events |= GH_READABLE;
	if (revents & (POLLOUT | POLLHUP | POLLERR))
		ready.events |= GH_WRITABLE;
	ready.events &= watch->events;
	if (!ready.events || watch->stopped)
		return false;
	gh_instance_run(watch->instance, GH_IN_LOOP, tell_ready, &ready);
	return true;
}

/* True: some were ready. */
static bool poll_once(struct gh_testhost *host, int ms)
{
	struct pollfd *polled = NULL;
	struct gh_fd **watches = NULL;
	size_t count = 0;
	bool any = false;

	for (struct gh_fd *at = host->fds; at; at = at->next) {
		if (!at->instance->in_force || at->stopped)
			continue;
		polled = gh_grow(polled, count + 1, sizeof(*polled));
		watches = gh_grow(watches, count + 1, sizeof(struct gh_fd *));
		polled[count] = (struct pollfd){
			.fd = at->fd,
			.events = (short)((at->events & GH_READABLE ? POLLIN : 0) |
					  (at->events & GH_WRITABLE ? POLLOUT : 0)),
		};
		watches[count++] = at;
	}
	if (poll(polled, count, ms) > 0)
		for (size_t i = 0; i < count; i++)
			any = (!watches[i]->stopped && tell(watches[i], polled[i].revents)) || any;
	free(polled);
	free(watches);
	free_stopped(host);
	return any;
}

/* ---- offloaded work ---- */

int gh_host_offload(struct gh_host *theirs, gh_work_fn *fn, void *arg)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	struct gh_testhost *host = instance->host;
	struct gh_job *job = gh_new(sizeof(*job));
	int rc;

	*job = (struct gh_job){ NULL, instance, fn, arg };
	pthread_mutex_lock(&host->lock);
	rc = host->job_count >= OFFLOAD_MOST ? GH_EBUSY : host->busy[GH_ACT_OFFLOAD];
	if (!rc) {
		*host->jobs_end = job;
		host->jobs_end = &job->next;
		host->job_count++;
		instance->jobs++;
	}
	pthread_mutex_unlock(&host->lock);
	if (rc)
		free(job);
	return rc;
}

static struct gh_job *next_job(struct gh_testhost *host)
{
	struct gh_job *job;

	pthread_mutex_lock(&host->lock);
	job = host->jobs;
	if (job) {
		host->jobs = job->next;
		host->job_count--;
	}
	if (!host->jobs)
		host->jobs_end = &host->jobs;
	pthread_mutex_unlock(&host->lock);
	return job;
}

static void run_job(void *arg)
{
	struct gh_job *job = arg;

	*gh_here() = (struct gh_here){ .instance = job->instance, .place = GH_IN_JOB };
	job->fn(job->instance->self, job->arg);
	*gh_here() = (struct gh_here){ 0 };
}

bool gh_work_jobs(struct gh_testhost *host)
{
	struct gh_job *job;
	bool any = false;

	while ((job = next_job(host))) {
		if (!host->offload)
			host->offload = gh_lane_new(NULL, NULL, NULL);
		gh_lane_run(host->offload, run_job, job);
		job->instance->jobs--;
		free(job);
		any = true;
	}
	return any;
}

/* ---- both ---- */

void gh_testhost_settle(struct gh_testhost *host)
{
	bool any = true;

	for (unsigned round = 0; any && round < ROUNDS_MOST; round++) {
		any = gh_work_jobs(host);
		any = (host->fds && poll_once(host, 0)) || any;
	}
	if (host->old)
		gh_life_drain(host);
}

static uint64_t real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

bool gh_testhost_wait(struct gh_testhost *host, struct gh_ticket ticket, unsigned ms)
{
	uint64_t until = real_ms() + ms;

	for (;;) {
		gh_testhost_settle(host);
		if (gh_tickets_wait(&host->tickets, ticket, host->fds ? 0 : SLICE_MS))
			return true;
		if (real_ms() >= until)
			return false;
		if (host->fds)
			poll_once(host, SLICE_MS);
	}
}
