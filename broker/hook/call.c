/* SPDX-License-Identifier: Apache-2.0 */
/* Calling a module's functions. */
#include "hook/call.h"

#include "base/clock.h"
#include "hook/host.h"

/* Of the calls that come with each message, one in so many is timed: two looks at the clock cost
 * more than the call. */
#define TIMED_EACH 64u

/* ---- the lock ---- */

static void enter(struct gh_instance *instance)
{
	if (instance->serialized)
		pthread_mutex_lock(&instance->lock);
}

static void leave(struct gh_instance *instance)
{
	if (instance->serialized)
		pthread_mutex_unlock(&instance->lock);
}

/* ---- what is asked for a verdict ---- */

bool gh_call_has(const struct gh_instance *instance, enum gh_hook_point point)
{
	const struct gh_plugin *plugin = instance->plugin;

	switch (point) {
	case GH_HOOK_ACCEPT: return plugin->accept;
	case GH_HOOK_AUTHENTICATE: return plugin->authenticate;
	case GH_HOOK_EXCHANGE: return plugin->exchange;
	case GH_HOOK_LOOKUP: return plugin->lookup;
	case GH_HOOK_AUTHORIZE: return plugin->authorize;
	case GH_HOOK_PUBLISH: return plugin->publish;
	default: return plugin->event;
	}
}

static enum gh_verdict dispatch(struct gh_instance *instance, enum gh_hook_point point,
				const void *in, struct gh_answer *out)
{
	const struct gh_plugin *plugin = instance->plugin;

	switch (point) {
	case GH_HOOK_ACCEPT: return plugin->accept(instance->self, in, out);
	case GH_HOOK_AUTHENTICATE: return plugin->authenticate(instance->self, in, out);
	case GH_HOOK_EXCHANGE: return plugin->exchange(instance->self, in, out);
	case GH_HOOK_LOOKUP: return plugin->lookup(instance->self, in, out);
	case GH_HOOK_AUTHORIZE: return plugin->authorize(instance->self, in, out);
	case GH_HOOK_PUBLISH: return plugin->publish(instance->self, in, out);
	default: return GH_ERROR;
	}
}

static enum gh_verdict check(enum gh_hook_point point, enum gh_verdict verdict, struct gh_answer *out)
{
	switch (verdict) {
	case GH_PASS:
	case GH_ALLOW:
	case GH_DENY: return verdict;
	case GH_ERROR:
		gh_answer_explain(out, GH_CAUSE_BACKEND, "it could not tell");
		return verdict;
	case GH_PENDING:
		if (out->ticket.id && out->fold)
			return verdict;
		gh_answer_explain(out, GH_CAUSE_BACKEND,
				  "it wanted to answer later, which it may not here");
		return GH_ERROR;
	case GH_CONTINUE:
		if (point == GH_HOOK_EXCHANGE)
			return verdict;
		break;
	default: break;
	}
	gh_answer_explain(out, GH_CAUSE_BACKEND, "it answered %d, which is no verdict here",
			  (int)verdict);
	return GH_ERROR;
}

enum gh_verdict gh_call(struct gh_instance *instance, enum gh_hook_point point, const void *in,
			struct gh_answer *out)
{
	const char *off = gh_off(instance);
	bool often = point == GH_HOOK_AUTHORIZE || point == GH_HOOK_PUBLISH;
	bool timed = !often || instance->blocking || gh_here()->tick++ % TIMED_EACH == 0;
	enum gh_verdict verdict;
	uint64_t began;

	out->called = true;
	if (off) {
		gh_answer_explain(out, GH_CAUSE_BACKEND, "%s", off);
		return GH_ERROR;
	}
	began = timed ? gh_clock_ns() : 0;
	enter(instance);
	verdict = dispatch(instance, point, in, out);
	leave(instance);
	verdict = check(point, verdict, out);
	if (timed && !out->hypothetical)
		gh_series_observe(instance->latency, (double)(gh_clock_ns() - began) / 1e9);
	return verdict;
}

enum gh_verdict gh_call_later(enum gh_verdict verdict, struct gh_answer *out)
{
	return check(GH_HOOK_EXCHANGE, verdict, out);
}

/* ---- the rest ---- */

void gh_call_event(struct gh_instance *instance, const struct gh_event *event)
{
	gh_series_count(instance->told);
	enter(instance);
	instance->plugin->event(instance->self, event);
	leave(instance);
}

bool gh_call_has_barrier(const struct gh_instance *instance)
{
	return instance->plugin->barrier;
}

/* Nothing is confirmed without one that is off: it can't say that it is safe. */
int gh_call_barrier(struct gh_instance *instance, struct gh_barrier barrier)
{
	int rc;

	if (gh_off(instance))
		return GH_EIO;
	gh_series_count(instance->barriers);
	enter(instance);
	rc = instance->plugin->barrier(instance->self, barrier);
	leave(instance);
	return rc;
}

int gh_call_store_load(struct gh_instance *instance, struct gh_sink *sink)
{
	int rc;

	if (gh_off(instance))
		return GH_EIO;
	gh_series_count(instance->store[GH_STORE_LOAD]);
	enter(instance);
	rc = instance->plugin->store->load(instance->self, sink);
	leave(instance);
	return rc;
}

int gh_call_store_put(struct gh_instance *instance, const struct gh_record *record)
{
	int rc;

	if (gh_off(instance))
		return GH_EIO;
	gh_series_count(instance->store[GH_STORE_PUT]);
	enter(instance);
	rc = instance->plugin->store->put(instance->self, record);
	leave(instance);
	return rc;
}

int gh_call_store_erase(struct gh_instance *instance, const struct gh_record *record)
{
	int rc;

	if (gh_off(instance))
		return GH_EIO;
	gh_series_count(instance->store[GH_STORE_ERASE]);
	enter(instance);
	rc = instance->plugin->store->erase(instance->self, record);
	leave(instance);
	return rc;
}

int gh_call_store_fetch(struct gh_instance *instance, const struct gh_record *after, uint32_t limit,
			struct gh_sink *sink)
{
	int rc;

	if (gh_off(instance))
		return GH_EIO;
	gh_series_count(instance->store[GH_STORE_FETCH]);
	enter(instance);
	rc = instance->plugin->store->fetch(instance->self, after, limit, sink);
	leave(instance);
	return rc;
}

int gh_call_alone(struct gh_instance *instance, struct gh_error *error)
{
	int rc;

	enter(instance);
	rc = instance->plugin->alone(instance->self, error);
	leave(instance);
	return rc;
}

void gh_call_free(struct gh_instance *instance, gh_free_fn *fn, void *data)
{
	enter(instance);
	fn(data);
	leave(instance);
}

void gh_call_exchange_end(struct gh_instance *instance, void *state)
{
	if (!instance->plugin->exchange_end)
		return;
	enter(instance);
	instance->plugin->exchange_end(instance->self, state);
	leave(instance);
}

void gh_call_work(struct gh_instance *instance, gh_work_fn *fn, void *arg)
{
	enter(instance);
	fn(instance->self, arg);
	leave(instance);
}

void gh_call_watch(struct gh_instance *instance, gh_watch_fn *fn, void *arg, int fd, unsigned events)
{
	enter(instance);
	fn(instance->self, arg, fd, events);
	leave(instance);
}

int gh_call_command(struct gh_instance *instance, const struct gh_command *command, size_t count,
		    const char *const *arguments, struct gh_reply *reply)
{
	int rc;

	enter(instance);
	rc = command->run(instance->self, count, arguments, reply);
	leave(instance);
	return rc;
}

int gh_call_subject(struct gh_instance *instance, const struct gh_subject_request *request,
		    struct gh_reply *reply)
{
	int rc;

	enter(instance);
	rc = instance->plugin->subject(instance->self, request, reply);
	leave(instance);
	return rc;
}

void gh_call_offloaded(struct gh_instance *instance, gh_work_fn *fn, void *arg)
{
	fn(instance->self, arg);
}
