/* SPDX-License-Identifier: Apache-2.0 */
/* The commands about the host: its settings, the module's life, time, and what the module did. */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- settings ---- */

static const char *only_word(struct gh_script *script, const char *what)
{
	const char *word = gh_script_word(script, 1, what);

	return gh_script_right(script) ? word : NULL;
}

/* What an instance has been told already doesn't change under it. */
static bool before_create(struct gh_script *script)
{
	if (gh_testhost_works(script->host))
		gh_script_wrong(script, "'%s' comes before create", script->line->words[0].p);
	return !script->problem;
}

void gh_do_name(struct gh_script *script, struct gh_facts *facts)
{
	const char *name = only_word(script, "the instance's name");

	(void)facts;
	if (name && (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")]))
		gh_script_wrong(script,
				"a name is of lower case letters, digits and '-', found '%s'", name);
	if (!script->problem && before_create(script))
		gh_testhost_name(script->host, name);
}

void gh_do_realm(struct gh_script *script, struct gh_facts *facts)
{
	const char *realm = only_word(script, "the realm");

	(void)facts;
	if (!realm)
		return;
	free(script->realm);
	script->realm = gh_copy(realm);
}

void gh_do_clock(struct gh_script *script, struct gh_facts *facts)
{
	const char *time = only_word(script, "the time");
	int64_t seconds = time ? gh_read_time(script, time) : 0;

	(void)facts;
	if (time && before_create(script))
		gh_testhost_clock(script->host, seconds * 1000000);
}

void gh_do_timeout(struct gh_script *script, struct gh_facts *facts)
{
	const char *text = only_word(script, "the time");
	uint64_t ms = text ? gh_script_duration(script, text) : 0;

	(void)facts;
	if (!script->problem)
		gh_testhost_timeout(script->host, ms);
}

void gh_do_directory(struct gh_script *script, struct gh_facts *facts)
{
	const char *path = only_word(script, "the directory");

	(void)facts;
	if (path && *path != '/')
		gh_script_wrong(script, "expected an absolute path, found '%s'", path);
	if (!script->problem && before_create(script))
		gh_testhost_directory(script->host, path);
}

void gh_do_class(struct gh_script *script, struct gh_facts *facts)
{
	const char *name = only_word(script, "the class");

	(void)facts;
	if (name)
		gh_testhost_class(script->host, name);
}

void gh_do_figure(struct gh_script *script, struct gh_facts *facts)
{
	const char *name = gh_script_word(script, 1, "the figure's name"),
		   *value = gh_script_word(script, 2, "the value"),
		   *labels = gh_script_text(script, "labels");
	char *end;
	double number = strtod(value, &end);

	(void)facts;
	if (*end)
		gh_script_wrong(script, "expected a number, found '%s'", value);
	if (gh_script_right(script))
		gh_testhost_figure(script->host, name, labels, number);
}

void gh_do_option(struct gh_script *script, struct gh_facts *facts)
{
	const char *path = gh_script_word(script, 1, "the option's name"), **words;
	size_t count = script->line->count > 2 ? script->line->count - 2 : 0;
	char *place = gh_format("%s:%u", script->file, script->number);

	(void)facts;
	words = gh_new((count + 1) * sizeof(*words));
	/* A '=' has no meaning here. */
	for (size_t i = 0; i < count; i++) {
		words[i] = script->line->words[i + 2].p;
		script->line->words[i + 2].used = true;
		if (strlen(words[i]) != script->line->words[i + 2].n)
			gh_script_wrong(script, "an option is text, without \\x00");
	}
	if (gh_script_right(script))
		gh_testhost_option(script->host, path, words, count, place);
	free(words);
	free(place);
}

void gh_do_show(struct gh_script *script, struct gh_facts *facts)
{
	static const char *const levels[] = { "nothing", "error", "warning", "notice",
					      "info",    "debug", NULL };
	const char *word = only_word(script, "the level");
	uint32_t level = word ? gh_read_index(script, "show", levels, word) : 0;

	(void)facts;
	if (!script->problem)
		gh_testhost_show(script->host, (int)level);
}

/* ---- life ---- */

static void tell_life(struct gh_script *script, int rc, const struct gh_error *error,
		      struct gh_facts *facts)
{
	const char *failure = gh_testhost_failure(script->host);

	if (rc) {
		gh_facts_word(facts, "error");
		gh_facts_text(facts, "code", gh_code_word(rc));
		if (error->option[0])
			gh_facts_text(facts, "option", error->option);
		gh_facts_text(facts, "why", error->text);
	} else if (failure) {
		gh_facts_word(facts, "failed");
		gh_facts_text(facts, "why", failure);
	} else {
		gh_facts_word(facts, "ok");
	}
}

void gh_do_create(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_error error = { 0 };

	if (gh_script_right(script) && before_create(script))
		tell_life(script, gh_testhost_create(script->host, &error), &error, facts);
}

void gh_do_reload(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_error error = { 0 };

	if (gh_script_right(script))
		tell_life(script, gh_testhost_reload(script->host, &error), &error, facts);
}

void gh_do_destroy(struct gh_script *script, struct gh_facts *facts)
{
	(void)facts;
	if (!gh_script_right(script))
		return;
	for (struct gh_actor *actor = script->actors; actor; actor = actor->next)
		gh_testhost_exchange_end(script->host, &actor->run);
	gh_testhost_destroy(script->host);
}

void gh_do_draining(struct gh_script *script, struct gh_facts *facts)
{
	if (!gh_script_right(script))
		return;
	gh_testhost_settle(script->host);
	gh_facts_word(facts, gh_testhost_drains(script->host) ? "yes" : "no");
}

void gh_do_advance(struct gh_script *script, struct gh_facts *facts)
{
	const char *text = only_word(script, "how far");
	uint64_t ms = text ? gh_script_duration(script, text) : 0;

	(void)facts;
	if (ms > UINT64_MAX / 2000000)
		gh_script_wrong(script, "that is too far");
	if (!script->problem && !gh_testhost_advance(script->host, ms * 1000000))
		gh_script_wrong(script, "timers that start again at once don't let the time go on");
}

/* ---- what it did ---- */

void gh_do_metric(struct gh_script *script, struct gh_facts *facts)
{
	const char *name = gh_script_word(script, 1, "the metric's name"),
		   *labels = gh_script_text(script, "labels");
	struct gh_sample sample;
	char *value;

	if (!gh_script_right(script))
		return;
	if (!gh_testhost_metric(script->host, name, labels, &sample)) {
		gh_facts_word(facts, "none");
		return;
	}
	value = gh_format("%.15g", sample.value);
	gh_facts_word(facts, value);
	free(value);
	if (sample.kind == GH_HISTOGRAM)
		gh_facts_print(facts, "count", "%llu", (unsigned long long)sample.count);
	if (*sample.labels)
		gh_facts_text(facts, "labels", sample.labels);
}

/* What is expected is looked for: "log warning -> TEXT", "log -> no TEXT". */
static void look_in_log(struct gh_script *script, int level, struct gh_facts *facts)
{
	const struct gh_line *line = script->line;
	bool no = line->expected_count > 1 && !line->expected[0].quoted &&
		  strcmp(line->expected[0].p, "no") == 0;

	script->judged = script->fits = true;
	for (size_t i = no; i < line->expected_count; i++)
		if (gh_testhost_logged(script->host, level, line->expected[i].p) == no)
			script->fits = false;
	gh_facts_word(facts, no ? "it is in the log" : "it isn't in the log");
}

void gh_do_log(struct gh_script *script, struct gh_facts *facts)
{
	static const char *const levels[] = { "clear", "error", "warning", "notice",
					      "info",  "debug", NULL };
	struct gh_line *line = script->line;
	const struct gh_word *word = gh_line_word(line, 1);
	uint32_t level = word ? gh_read_index(script, "log", levels, word->p) : 0;

	if (!gh_script_right(script))
		return;
	if (word && !level) {
		gh_testhost_log_clear(script->host);
		return;
	}
	if (line->expects)
		look_in_log(script, (int)level, facts);
	else
		gh_script_wrong(script, "expected -> and what must be in the log");
}

void gh_do_act(struct gh_script *script, struct gh_facts *facts)
{
	const struct gh_word *word = gh_line_word(script->line, 1);
	struct gh_act *act;

	if (word && strcmp(word->p, "clear") != 0)
		gh_script_wrong(script, "expected act, or act clear");
	if (!gh_script_right(script))
		return;
	while (word && (act = gh_testhost_act(script->host)))
		gh_act_free(&act);
	if (word)
		return;
	act = gh_testhost_act(script->host);
	if (act)
		gh_act_facts(act, facts);
	else
		gh_facts_word(facts, "none");
	gh_act_free(&act);
}

void gh_do_busy(struct gh_script *script, struct gh_facts *facts)
{
	static const char *const acts[] = { "",        "inject",  "disconnect", "ban",  "class",
					    "recheck", "offload", "keep",       "sink", NULL };
	const char *name = gh_script_word(script, 1, "the act");
	const struct gh_word *word = gh_line_word(script->line, 2);
	uint32_t kind = gh_read_index(script, "busy", acts, name);

	(void)facts;
	if (word && strcmp(word->p, "no") != 0)
		gh_script_wrong(script, "expected busy ACT, or busy ACT no");
	if (gh_script_right(script) && kind)
		gh_testhost_busy(script->host, (enum gh_act_kind)kind, word ? 0 : GH_EBUSY);
}

/* ---- commands and subject ---- */

static void tell_reply(struct gh_script *script, struct gh_reply *reply,
		       const struct gh_error *error, struct gh_facts *facts)
{
	if (!reply) {
		gh_script_wrong(script, "%s", error->text);
		return;
	}
	gh_reply_facts(reply, facts);
	if (reply->pending)
		gh_waiter_add(script, NULL, reply->ticket, 0, GH_WAITS_REPLY);
	gh_reply_free(&reply);
}

void gh_do_command(struct gh_script *script, struct gh_facts *facts)
{
	const char *name = gh_script_word(script, 1, "the command");
	struct gh_bytes secret = gh_line_value(script->line, "secret");
	struct gh_error error = { 0 };
	struct gh_lent lent = { 0 };
	const char **arguments = gh_new((script->line->count + 1) * sizeof(*arguments));
	const struct gh_word *word;
	struct gh_reply *reply;
	size_t count = 0;

	while ((word = gh_line_word(script->line, count + 2)))
		arguments[count++] = gh_lend_text(&lent, word->p);
	if (gh_script_right(script)) {
		reply = gh_testhost_command(script->host, name, count,
					    gh_lend(&lent, arguments, count * sizeof(*arguments)),
					    secret, &error);
		tell_reply(script, reply, &error, facts);
	}
	gh_lent_end(&lent);
	free(arguments);
}

void gh_do_subject(struct gh_script *script, struct gh_facts *facts)
{
	static const char *const acts[] = { "export", "forget", NULL }, *const kinds[] = {
		"", "connection", "client", "principal", NULL
	};
	const char *act = gh_script_word(script, 1, "export or forget"),
		   *kind = gh_script_word(script, 2, "client or principal"),
		   *name = gh_script_word(script, 3, "the name");
	struct gh_subject subject = { .kind = gh_read_index(script, "subject", kinds, kind) };
	bool forget = gh_read_index(script, "subject", acts, act);
	struct gh_error error = { 0 };
	struct gh_lent lent = { 0 };

	if (subject.kind < GH_CLIENT_ID)
		gh_script_wrong(script, "subject: expected client or principal");
	if (!gh_script_right(script))
		return;
	subject.text = gh_lend_text(&lent, name);
	tell_reply(script, gh_testhost_subject(script->host, forget, subject, &error), &error, facts);
	gh_lent_end(&lent);
}

void gh_do_barrier(struct gh_script *script, struct gh_facts *facts)
{
	struct gh_error error = { 0 };
	int rc;

	if (!gh_script_right(script))
		return;
	rc = gh_testhost_barrier(script->host, &error);
	if (error.text[0]) {
		gh_script_wrong(script, "%s", error.text);
		return;
	}
	gh_facts_word(facts, rc == 0 ? "ok" : rc == GH_LATER ? "later" : "error");
	if (rc < 0)
		gh_facts_text(facts, "code", gh_code_word(rc));
}
