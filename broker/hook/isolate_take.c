/* SPDX-License-Identifier: Apache-2.0 */
/* What the process of an isolated instance says: answers, and acts as any module's. */
#include "base/log.h"
#include "base/str.h"
#include "hook/host.h"
#include "hook/isolate_priv.h"
#include "hook/reply.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX     (64u << 10)
#define COMMANDS_MAX 1000u

static struct gh_host *host_of(const struct gh_isolate *isolate)
{
	return (struct gh_host *)(void *)isolate->instance;
}

/* A module's own words: terminated, and of whatever bytes. */
static struct gh_str words(struct gh_unpack *in, const char *field)
{
	struct gh_bytes bytes = gh_unpack_bytes(in, field, TEXT_MAX);

	if (bytes.n && memchr(bytes.p, 0, bytes.n))
		gh_unpack_fail(in, "'%s' has a NUL in it", field);
	return in->rc ? gh_str("") : gh_str_n(bytes.p ? bytes.p : "", bytes.n);
}

static const char *kept(struct gh_isolate *isolate, struct gh_unpack *in, const char *field)
{
	struct gh_str text = words(in, field);

	return gh_arena_strndup(&isolate->arena, text.p, text.n);
}

/* ---- LOADED ---- */

static void take_commands(struct gh_isolate *isolate, struct gh_unpack *in)
{
	uint64_t count = gh_unpack_number(in, "commands", 0, COMMANDS_MAX);
	struct gh_command *rows = gh_arena_alloc(&isolate->arena, (count + 1) * sizeof(*rows));

	for (uint64_t i = 0; i < count && !in->rc; i++) {
		rows[i].name = kept(isolate, in, "command");
		rows[i].usage = kept(isolate, in, "usage");
		rows[i].help = kept(isolate, in, "help");
		rows[i].flags = (uint32_t)gh_unpack_number(in, "flags", 0, UINT32_MAX);
		rows[i].run = gh_isolate_run;
	}
	isolate->plugin.commands = count ? rows : NULL;
}

static void take_first(struct gh_isolate *isolate, struct gh_unpack *in, uint32_t hooks)
{
	struct gh_plugin *plugin = &isolate->plugin;

	plugin->size = sizeof(*plugin);
	plugin->abi = GH_ABI;
	plugin->flags = GH_CONCURRENT;
	isolate->hooks = hooks;
	gh_isolate_set_hooks(plugin, hooks);
	plugin->name = kept(isolate, in, "name");
	plugin->version = kept(isolate, in, "version");
	plugin->summary = kept(isolate, in, "summary");
	isolate->file = kept(isolate, in, "file");
	take_commands(isolate, in);
}

/* One that follows another must be the same module to the last word: hooks and commands are known by what the first has said. */
static bool is_the_same(const struct gh_isolate *isolate, struct gh_bytes body)
{
	const char *name = isolate->instance->name;

	if (body.n == isolate->descriptor.n && memcmp(body.p, isolate->descriptor.p, body.n) == 0)
		return true;
	gh_log_error(
		"module '%s': its file is another one by now: 'gatehousectl plugin replace %s' takes it",
		name, name);
	return false;
}

static bool loaded(struct gh_isolate *isolate, struct gh_bytes body, struct gh_unpack *in)
{
	if (isolate->served && !is_the_same(isolate, body))
		return false;
	if (!isolate->served) {
		isolate->descriptor.p = gh_arena_strndup(&isolate->arena, body.p, body.n);
		isolate->descriptor.n = body.n;
		take_first(isolate, in, (uint32_t)gh_unpack_number(in, "hooks", 0, GH_ISOLATE_HOOKS));
		if (gh_unpack_end(in))
			return false;
	}
	gh_isolate_loaded(isolate);
	return true;
}

/* ---- what was asked ---- */

static void reply(struct gh_isolate *isolate, struct gh_unpack *in)
{
	uint64_t id = gh_unpack_number(in, "id", 1, UINT64_MAX);
	int rc = -(int)gh_unpack_number(in, "rc", 0, 0xffff);
	struct gh_str message = words(in, "message");
	struct gh_bytes rows = gh_unpack_bytes(in, "rows", GH_LINK_FRAME_MAX);
	struct gh_isolate_question question;
	struct gh_reply *late;
	char *text;

	if (gh_unpack_end(in) || !gh_isolate_close(isolate, id, GH_ISOLATE_REPLY, &question))
		return;
	late = gh_reply_begin(host_of(isolate), question.ticket);
	if (!late)
		return;
	if (!gh_reply_adopt(late, rows))
		gh_unpack_fail(in, "'rows' aren't any");
	text = gh_str_dup(message);
	gh_reply_end(late, in->rc ? GH_EIO : rc, in->rc ? "its rows aren't any" : text);
	free(text);
}

static void answer(struct gh_isolate *isolate, struct gh_unpack *in)
{
	uint64_t id = gh_unpack_number(in, "id", 1, UINT64_MAX);
	struct gh_isolate_question question;
	struct gh_answer *late;
	enum gh_verdict verdict;

	if (in->rc || !gh_isolate_close(isolate, id, GH_ISOLATE_ANSWER, &question))
		return;
	late = gh_answer_begin(host_of(isolate), question.ticket);
	if (!late)
		return;
	verdict = gh_carried_answer(in, late);
	if (gh_unpack_end(in)) {
		gh_answer_explain(late, GH_CAUSE_BACKEND, "its process answered what makes no sense");
		verdict = GH_ERROR;
	}
	gh_answer_end(late, verdict);
}

static void barrier_end(struct gh_isolate *isolate, struct gh_unpack *in)
{
	uint64_t id = gh_unpack_number(in, "id", 1, UINT64_MAX);
	int rc = -(int)gh_unpack_number(in, "rc", 0, 0xffff);
	struct gh_isolate_question question;

	if (gh_unpack_end(in) == 0 && gh_isolate_close(isolate, id, GH_ISOLATE_BARRIER_END, &question))
		gh_barrier_end(host_of(isolate), question.barrier, rc);
}

/* ---- log and figures ---- */

static void log_line(struct gh_isolate *isolate, struct gh_unpack *in)
{
	struct gh_log_field field = GH_FIELD("module", isolate->instance->name);
	uint64_t level = gh_unpack_number(in, "level", GH_LOG_ERROR, GH_LOG_DEBUG);
	struct gh_bytes text = gh_unpack_bytes(in, "text", TEXT_MAX);

	if (gh_unpack_end(in) == 0)
		gh_log_line((enum gh_level)level, &field, 1, "%.*s", (int)text.n,
			    (const char *)text.p);
}

static void metric(struct gh_isolate *isolate, struct gh_unpack *in)
{
	uint64_t kind = gh_unpack_number(in, "kind", GH_COUNTER, GH_HISTOGRAM);
	char *name = gh_str_dup(words(in, "name"));
	char *labels = gh_str_dup(words(in, "labels"));
	char *help = gh_str_dup(words(in, "help"));

	if (gh_unpack_end(in) == 0 && isolate->metric_count < GH_ISOLATE_METRICS)
		isolate->metrics[isolate->metric_count++] = gh_host_series(
			isolate->instance, (enum gh_metric_kind)kind, name, labels, help);
	free(name);
	free(labels);
	free(help);
}

static void add(struct gh_isolate *isolate, struct gh_unpack *in)
{
	uint64_t index = gh_unpack_number(in, "metric", 0, GH_ISOLATE_METRICS - 1);
	struct gh_bytes bits = gh_unpack_run(in, "value", sizeof(double));
	double value;

	if (gh_unpack_end(in) || index >= isolate->metric_count || !isolate->metrics[index])
		return;
	memcpy(&value, bits.p, sizeof(value));
	gh_series_put(isolate->metrics[index], value);
}

static void ignored(struct gh_isolate *isolate, struct gh_unpack *in)
{
	struct gh_ticket_stats more = { .orphaned = gh_unpack_number(in, "orphaned", 0, UINT32_MAX),
					.doubled = gh_unpack_number(in, "doubled", 0, UINT32_MAX),
					.invented = gh_unpack_number(in, "invented", 0, UINT32_MAX) };

	if (gh_unpack_end(in) == 0)
		gh_askers_count(isolate->instance->hooks->askers, &more);
}

/* ---- acts ---- */

/* It was checked there, and isn't waited for: what can't be done now isn't done. */
static void judge(const struct gh_isolate *isolate, const char *call, int rc)
{
	if (rc)
		gh_log_warning("module '%s': its %s was not done: %s", isolate->instance->name,
			       call, rc == GH_EBUSY ? "too much waits already" : "it can't be");
}

static void inject(struct gh_isolate *isolate, struct gh_unpack *in)
{
	struct gh_carried carried = { 0 };
	uint32_t expiry_s = (uint32_t)gh_unpack_number(in, "expiry", 0, UINT32_MAX);
	const struct gh_message *message = gh_carried_message(in, &carried);

	if (gh_unpack_end(in) == 0)
		judge(isolate, "gh_inject", gh_inject(host_of(isolate), message, expiry_s));
	gh_carried_done(&carried);
}

/* disconnect, ban, class and recheck: whom, a number and a text. */
static void act(struct gh_isolate *isolate, enum gh_link_kind kind, struct gh_unpack *in)
{
	struct gh_host *host = host_of(isolate);
	struct gh_carried carried = { 0 };
	const struct gh_subject *whom = gh_carried_subject(in, &carried);
	uint32_t number = (uint32_t)gh_unpack_number(in, "number", 0, UINT32_MAX);
	bool there = gh_unpack_number(in, "there", 0, 1);
	struct gh_str text = words(in, "text");
	char *s = there ? gh_str_dup(text) : NULL;

	if (gh_unpack_end(in))
		;
	else if (kind == GH_LINK_DISCONNECT)
		judge(isolate, "gh_disconnect", gh_disconnect(host, *whom, (uint8_t)number, s));
	else if (kind == GH_LINK_BAN)
		judge(isolate, "gh_ban", gh_ban(host, *whom, number, s));
	else if (kind == GH_LINK_CLASS)
		judge(isolate, "gh_set_class", gh_set_class(host, *whom, s, number));
	else
		judge(isolate, "gh_recheck", gh_recheck(host, *whom));
	free(s);
	gh_carried_done(&carried);
}

static void replay(struct gh_isolate *isolate, struct gh_unpack *in)
{
	uint64_t mask = gh_unpack_number(in, "mask", 1, UINT64_MAX);

	if (gh_unpack_end(in) == 0)
		judge(isolate, "gh_replay", gh_replay(host_of(isolate), mask));
}

static void keep(struct gh_isolate *isolate, struct gh_unpack *in)
{
	struct gh_bytes key = gh_unpack_bytes(in, "key", TEXT_MAX);
	struct gh_bytes value = gh_unpack_bytes(in, "value", GH_LINK_FRAME_MAX);

	if (gh_unpack_end(in) == 0)
		judge(isolate, "gh_keep", gh_keep(host_of(isolate), key, value));
}

/* ---- all of them ---- */

static void refused(struct gh_isolate *isolate, struct gh_unpack *in)
{
	char *text = gh_str_dup(words(in, "text"));

	if (gh_unpack_end(in) == 0)
		gh_isolate_refused(isolate, text);
	free(text);
}

static void was_alone(struct gh_isolate *isolate, struct gh_unpack *in)
{
	uint64_t failed = gh_unpack_number(in, "failed", 0, 1);
	char *text = gh_str_dup(words(in, "text"));

	if (gh_unpack_end(in) == 0)
		gh_isolate_was_alone(isolate, failed ? text : NULL);
	free(text);
}

static void created(struct gh_isolate *isolate, struct gh_unpack *in)
{
	uint64_t events = gh_unpack_number(in, "events", 0, UINT64_MAX);

	if (gh_unpack_end(in))
		return;
	if (!isolate->served)
		isolate->events = events;
	gh_isolate_created(isolate);
}

bool gh_isolate_take(void *arg, enum gh_link_kind kind, struct gh_bytes body)
{
	struct gh_isolate *isolate = arg;
	struct gh_error error = { 0 };
	struct gh_unpack in = gh_unpack(body, &error);

	switch (kind) {
	case GH_LINK_LOADED:
		return isolate->stage == GH_ISOLATE_LOADING && loaded(isolate, body, &in) && !in.rc;
	case GH_LINK_CREATED:
		if (isolate->stage != GH_ISOLATE_CREATING)
			return false;
		created(isolate, &in);
		break;
	case GH_LINK_FAILED: refused(isolate, &in); break;
	case GH_LINK_WAS_ALONE: was_alone(isolate, &in); break;
	case GH_LINK_ANSWER: answer(isolate, &in); break;
	case GH_LINK_BARRIER_END: barrier_end(isolate, &in); break;
	case GH_LINK_REPLY: reply(isolate, &in); break;
	case GH_LINK_LOG: log_line(isolate, &in); break;
	case GH_LINK_METRIC: metric(isolate, &in); break;
	case GH_LINK_ADD: add(isolate, &in); break;
	case GH_LINK_IGNORED: ignored(isolate, &in); break;
	case GH_LINK_INJECT: inject(isolate, &in); break;
	case GH_LINK_DISCONNECT:
	case GH_LINK_BAN:
	case GH_LINK_CLASS:
	case GH_LINK_RECHECK: act(isolate, kind, &in); break;
	case GH_LINK_REPLAY: replay(isolate, &in); break;
	case GH_LINK_KEEP: keep(isolate, &in); break;
	default: return false;
	}
	if (in.rc)
		gh_log_error("module '%s': its process said what makes no sense: %s",
			     isolate->instance->name, error.text);
	return !in.rc;
}
