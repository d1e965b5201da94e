/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a script and does what it says, line by line. */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ANSWERS = 1, MUST = 2 }; /* it has an answer; one that must be ok if nothing is expected */

static const struct {
	const char *name;
	gh_command_fn *fn;
	int flags;
} commands[] = {
	{ "accept", gh_do_accept, ANSWERS },
	{ "act", gh_do_act, ANSWERS },
	{ "advance", gh_do_advance, 0 },
	{ "authenticate", gh_do_authenticate, ANSWERS },
	{ "authorize", gh_do_authorize, ANSWERS },
	{ "barrier", gh_do_barrier, ANSWERS },
	{ "barriers", gh_do_barriers, ANSWERS },
	{ "busy", gh_do_busy, 0 },
	{ "class", gh_do_class, 0 },
	{ "client", gh_do_client, 0 },
	{ "clock", gh_do_clock, 0 },
	{ "command", gh_do_command, ANSWERS },
	{ "create", gh_do_create, ANSWERS | MUST },
	{ "destroy", gh_do_destroy, 0 },
	{ "directory", gh_do_directory, 0 },
	{ "draining", gh_do_draining, ANSWERS },
	{ "drop", gh_do_drop, 0 },
	{ "erase", gh_do_erase, ANSWERS },
	{ "event", gh_do_event, ANSWERS },
	{ "exchange", gh_do_exchange, ANSWERS },
	{ "expect", gh_do_expect, ANSWERS },
	{ "fetch", gh_do_fetch, ANSWERS },
	{ "figure", gh_do_figure, 0 },
	{ "gone", gh_do_gone, 0 },
	{ "handshake", gh_do_handshake, ANSWERS },
	{ "keep", gh_do_keep, ANSWERS | MUST },
	{ "kept", gh_do_kept, ANSWERS },
	{ "loaded", gh_do_loaded, ANSWERS },
	{ "log", gh_do_log, ANSWERS },
	{ "lookup", gh_do_lookup, ANSWERS },
	{ "metric", gh_do_metric, ANSWERS },
	{ "name", gh_do_name, 0 },
	{ "option", gh_do_option, 0 },
	{ "present", gh_do_present, 0 },
	{ "psk", gh_do_psk, ANSWERS },
	{ "publish", gh_do_publish, ANSWERS },
	{ "put", gh_do_put, ANSWERS },
	{ "realm", gh_do_realm, 0 },
	{ "reload", gh_do_reload, ANSWERS | MUST },
	{ "show", gh_do_show, 0 },
	{ "storeless", gh_do_storeless, 0 },
	{ "subject", gh_do_subject, ANSWERS },
	{ "tickets", gh_do_tickets, ANSWERS },
	{ "timeout", gh_do_timeout, 0 },
	{ "wait", gh_do_wait, ANSWERS | MUST },
	{ "wait-barriers", gh_do_wait_barriers, ANSWERS | MUST },
	{ "wait-log", gh_do_wait_log, ANSWERS | MUST },
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

void gh_script_wrong(struct gh_script *script, const char *fmt, ...)
{
	va_list ap;

	if (script->problem)
		return;
	va_start(ap, fmt);
	script->problem = gh_format_list(fmt, ap);
	va_end(ap);
}

bool gh_script_right(struct gh_script *script)
{
	const struct gh_word *word = gh_line_unused(script->line);

	if (word && word->key)
		gh_script_wrong(script, "'%s' has no %.*s=", script->line->words[0].p,
				(int)word->key, word->p);
	else if (word)
		gh_script_wrong(script, "'%s' isn't expected there", word->p);
	return !script->problem;
}

/* ---- words ---- */

const char *gh_script_word(struct gh_script *script, size_t index, const char *what)
{
	const struct gh_word *word = gh_line_word(script->line, index);

	if (!word)
		gh_script_wrong(script, "%s is missing", what);
	return word ? word->p : "";
}

const char *gh_script_text(struct gh_script *script, const char *key)
{
	struct gh_bytes value = gh_line_value(script->line, key);

	if (value.p && strlen(value.p) != value.n)
		gh_script_wrong(script, "%s= is text, without \\x00", key);
	return value.p;
}

uint64_t gh_read_number(struct gh_script *script, const char *what, const char *text, uint64_t most)
{
	bool hex = text[0] == '0' && text[1] == 'x';
	char *end;
	unsigned long long value = strtoull(text, &end, hex ? 16 : 10);

	if (*text < '0' || *text > '9' || *end || value > most)
		gh_script_wrong(script, "%s: expected a number up to %llu, found '%s'", what,
				(unsigned long long)most, text);
	return value;
}

uint64_t gh_script_number(struct gh_script *script, const char *key, uint64_t most, uint64_t standard)
{
	const char *text = gh_script_text(script, key);

	return text ? gh_read_number(script, key, text, most) : standard;
}

bool gh_read_flag(struct gh_script *script, const char *what, const char *text)
{
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		gh_script_wrong(script, "%s: expected yes or no, found '%s'", what, text);
	return strcmp(text, "yes") == 0;
}

bool gh_script_flag(struct gh_script *script, const char *key, bool standard)
{
	const char *text = gh_script_text(script, key);

	return text ? gh_read_flag(script, key, text) : standard;
}

uint64_t gh_script_duration(struct gh_script *script, const char *text)
{
	uint64_t ms = 0;

	if (!gh_duration_read(text, &ms))
		gh_script_wrong(script, "expected a duration such as 500ms, 10s or 2h, found '%s'",
				text);
	return ms;
}

uint32_t gh_word_index(const char *const *words, const char *text)
{
	uint32_t i = 0;

	while (words[i] && strcmp(words[i], text) != 0)
		i++;
	return i;
}

uint32_t gh_read_index(struct gh_script *script, const char *what, const char *const *words,
		       const char *text)
{
	struct gh_text known = { 0 };
	uint32_t index = gh_word_index(words, text);

	if (words[index])
		return index;
	for (uint32_t i = 0; words[i]; i++)
		if (*words[i])
			gh_text_print(&known, "%s%s", known.n ? ", " : "", words[i]);
	gh_script_wrong(script, "%s: expected one of %s, found '%s'", what, known.p, text);
	gh_text_done(&known);
	return 0;
}

int64_t gh_read_time(struct gh_script *script, const char *text)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (end && !*end)
		return timegm(&tm);
	if (*text && !text[strspn(text, "0123456789")])
		return (int64_t)gh_read_number(script, "time", text, INT64_MAX / 1000000);
	gh_script_wrong(script,
			"expected a time such as 2026-01-01T00:00:00Z or Unix seconds, found '%s'",
			text);
	return 0;
}

/* ---- running ---- */

static void complain(const struct gh_script *script, const char *text)
{
	fflush(stdout);
	fprintf(stderr, "%s:%u: %s\n", script->file, script->number, text);
}

static bool is_good(const struct gh_facts *facts)
{
	return facts->word && (strcmp(facts->word, "ok") == 0 || strcmp(facts->word, "yes") == 0);
}

static void compare(struct gh_script *script, const struct gh_facts *facts, int flags)
{
	struct gh_line *line = script->line;
	struct gh_text found = { 0 };
	char *text;

	bool fits = script->judged  ? script->fits
		    : line->expects ? gh_line_fits(line, facts)
				    : !(flags & MUST) || is_good(facts);

	gh_facts_line(facts, &found);
	if (fits) {
		if (!line->expects && !(flags & MUST) && found.n)
			printf("%s:%u: %s\n", script->file, script->number, found.p);
	} else {
		text = gh_format("expected '%s', found '%s'",
				 line->expects ? line->expected_text : "ok", found.p);
		complain(script, text);
		free(text);
		script->failures++;
		/* Without an instance the rest says nothing. */
		script->over = script->over || !line->expects;
	}
	gh_text_done(&found);
}

static void run_line(struct gh_script *script)
{
	struct gh_facts facts = { 0 };
	const char *name = gh_script_word(script, 0, "command");
	size_t i = 0;

	while (i < COMMANDS && strcmp(commands[i].name, name) != 0)
		i++;
	if (i == COMMANDS)
		gh_script_wrong(script, "there is no command '%s'", name);
	else if (script->line->expects && !(commands[i].flags & ANSWERS))
		gh_script_wrong(script, "'%s' has no answer that could be expected", name);
	else
		commands[i].fn(script, &facts);
	if (!script->problem) {
		gh_testhost_settle(script->host);
		gh_waiters_settle(script);
	}
	if (!script->problem && (commands[i].flags & ANSWERS))
		compare(script, &facts, commands[i].flags);
	gh_facts_done(&facts);
}

/* False: not a line that could be understood. */
static bool do_line(struct gh_script *script, const char *text)
{
	struct gh_line *line = &script->current;
	const char *problem;
	size_t column;
	bool right;

	if (gh_line_parse(text, line, &problem, &column) != 0) {
		fprintf(stderr, "%s:%u:%zu: %s\n", script->file, script->number, column, problem);
		return false;
	}
	script->line = line;
	script->judged = false;
	if (line->count)
		run_line(script);
	if (script->problem)
		complain(script, script->problem);
	right = !script->problem;
	free(script->problem);
	script->problem = NULL;
	gh_line_done(line);
	return right;
}

static void script_done(struct gh_script *script)
{
	gh_waiters_drop(script, NULL);
	gh_actors_free(script);
	gh_testhost_destroy(script->host);
	for (size_t i = 0; i < script->present_count; i++)
		gh_line_done(&script->present[i]);
	free(script->present);
	gh_lent_end(&script->replayed);
	free(script->realm);
}

int gh_script_run(struct gh_testhost *host, const char *file, const char *text)
{
	struct gh_script script = { .host = host, .file = file };
	bool right = true;

	gh_testhost_replay(host, gh_replay_present, &script);
	while (right && !script.over && *text) {
		size_t n = strcspn(text, "\n");
		char *line = gh_copy_n(text, n);

		script.number++;
		right = do_line(&script, line);
		free(line);
		text += n + (text[n] == '\n');
	}
	script_done(&script);
	fflush(stdout);
	return !right ? 2 : script.failures ? 1 : 0;
}
