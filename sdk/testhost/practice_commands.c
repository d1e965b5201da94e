/* SPDX-License-Identifier: Apache-2.0 */
/* Options of every type, and commands that do the rest. */
#include "practice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct gh_option entry_options[] = {
	GH_OPTION(struct entry, name, GH_STRING, "its name", .flags = GH_REQUIRED),
	GH_OPTION(struct entry, weight, GH_INT, "how much", .standard = "1", .max = "9"),
	{ 0 }
};

const struct gh_option practice_options[] = {
	GH_OPTION(struct config, flag, GH_BOOL, "a flag", .standard = "no"),
	GH_OPTION(struct config, number, GH_INT, "a number", .standard = "4", .min = "-1",
		  .max = "64", .flags = GH_UNLIMITED),
	GH_OPTION(struct config, mode, GH_ENUM, "a word", .standard = "deny", .unit = "deny|next"),
	GH_OPTION(struct config, size, GH_SIZE, "a size", .standard = "64k", .max = "1M"),
	GH_OPTION(struct config, period, GH_DURATION, "a time", .standard = "0"),
	GH_OPTION(struct config, ratio, GH_FLOAT, "a ratio", .standard = "0.5", .max = "1"),
	GH_OPTION(struct config, text, GH_STRING, "a text", .max = "8"),
	GH_OPTION(struct config, file, GH_PATH, "a path"),
	GH_OPTION(struct config, url, GH_URL, "a URL"),
	GH_OPTION(struct config, fail, GH_STRING, "create fails with this text"),
	GH_OPTION(struct config, alone_fails, GH_STRING, "alone does"),
	GH_OPTION(struct config, key, GH_SECRET, "a secret"),
	GH_OPTION(struct config, words, GH_STRINGS, "words", .standard = "one, two", .max = "3"),
	GH_OPTION(struct config, entries, GH_TABLE, "entries", .rows = entry_options,
		  .row_size = sizeof(struct entry)),
	{ 0 }
};

static int options(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	const struct config *c = ((struct practice *)instance)->config;
	const char *const *words = c->words.items;
	const struct entry *entries = c->entries.items;

	(void)count, (void)arguments;
	gh_reply_field(reply, "flag", "%d", c->flag);
	gh_reply_field(reply, "number", "%lld", (long long)c->number);
	gh_reply_field(reply, "mode", "%lld", (long long)c->mode);
	gh_reply_field(reply, "size", "%llu", (unsigned long long)c->size);
	gh_reply_field(reply, "period", "%llu", (unsigned long long)c->period);
	gh_reply_field(reply, "ratio", "%g", c->ratio);
	gh_reply_field(reply, "text", "%s", c->text ? c->text : "(none)");
	gh_reply_field(reply, "file", "%s", c->file ? c->file : "(none)");
	gh_reply_field(reply, "url", "%s", c->url ? c->url : "(none)");
	gh_reply_field(reply, "key", "%.*s", (int)c->key.n, (const char *)c->key.p);
	for (size_t i = 0; i < c->words.count; i++)
		gh_reply_field(reply, "word", "%s", words[i]);
	for (size_t i = 0; i < c->entries.count; i++) {
		gh_reply_row(reply);
		gh_reply_field(reply, "name", "%s", entries[i].name);
		gh_reply_field(reply, "weight", "%lld", (long long)entries[i].weight);
	}
	return 0;
}

/* Answers the tickets that were kept, in their order. */
static int answer(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct practice *practice = instance;
	unsigned open = 0, begun = 0;

	for (unsigned i = 0; i < practice->ticket_count; i++) {
		struct gh_answer *out;

		open += gh_ticket_open(practice->host, practice->tickets[i]);
		out = gh_answer_begin(practice->host, practice->tickets[i]);
		if (!out)
			continue;
		begun++;
		gh_answer_principal(out, count ? arguments[0] : "later");
		gh_answer_end(out, GH_ALLOW);
	}
	gh_reply_field(reply, "open", "%u", open);
	gh_reply_field(reply, "answered", "%u", begun);
	return 0;
}

static int forget_tickets(void *instance, size_t count, const char *const *arguments,
			  struct gh_reply *reply)
{
	(void)count, (void)arguments, (void)reply;
	((struct practice *)instance)->ticket_count = 0;
	return 0;
}

static void end_reply(void *instance, void *arg)
{
	struct practice *practice = instance;
	struct gh_reply *reply = gh_reply_begin(practice->host, practice->reply);

	if (!reply)
		return;
	gh_reply_field(reply, "by", "%s", (const char *)arg);
	gh_reply_end(reply, 0, NULL);
}

static int offload(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct practice *practice = instance;

	(void)count, (void)arguments;
	practice->reply = gh_reply_pend(reply);
	return gh_offload(practice->host, end_reply, "offload") == 0 ? GH_LATER : GH_EBUSY;
}

static int later(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct practice *practice = instance;

	(void)count, (void)arguments;
	practice->reply = gh_reply_pend(reply);
	gh_timer_start(practice->host, 1000, 0, end_reply, "timer");
	return GH_LATER;
}

static int never(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	(void)count, (void)arguments;
	((struct practice *)instance)->reply = gh_reply_pend(reply);
	return GH_LATER;
}

static int unticketed(void *instance, size_t count, const char *const *arguments,
		      struct gh_reply *reply)
{
	(void)instance, (void)count, (void)arguments, (void)reply;
	return GH_LATER;
}

static int fail(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	(void)instance;
	gh_reply_end(reply, GH_ENOENT, count ? arguments[0] : "no reason");
	return GH_ENOENT;
}

static int secret(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct gh_bytes bytes = gh_reply_secret(reply);

	(void)instance, (void)count, (void)arguments;
	gh_reply_field(reply, "length", "%zu", bytes.n);
	gh_reply_field(reply, "first", "%c", bytes.n ? *(const char *)bytes.p : '-');
	return 0;
}

static void readable(void *instance, void *arg, int fd, unsigned events)
{
	struct practice *practice = instance;
	char byte;

	(void)arg;
	if (read(fd, &byte, 1) == 1)
		gh_log(practice->host, GH_LOG_INFO, "read %c, events %u, local %d", byte, events,
		       gh_local(practice->host) != NULL);
	gh_watch_change(practice->host, practice->watch, 0);
	gh_watch_stop(practice->host, practice->watch);
}

static int watch(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct practice *practice = instance;

	(void)count, (void)arguments;
	if (practice->pipe[0] < 0 && pipe(practice->pipe) != 0)
		return GH_EIO;
	practice->watch =
		gh_watch_start(practice->host, practice->pipe[0], GH_READABLE, readable, NULL);
	gh_reply_field(reply, "watched", "%d", practice->watch.id != 0);
	return write(practice->pipe[1], "x", 1) == 1 ? 0 : GH_EIO;
}

static int directory(void *instance, size_t count, const char *const *arguments,
		     struct gh_reply *reply)
{
	struct practice *practice = instance;
	const char *path = gh_directory(practice->host);

	(void)count, (void)arguments;
	gh_reply_field(reply, "path", "%s", path ? path : "(none)");
	gh_reply_field(reply, "writable", "%d", path && access(path, W_OK) == 0);
	return 0;
}

/* What may not be done here. */
static int misuse(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct practice *practice = instance;
	struct gh_client client = { .size = sizeof(client), .connection = 1 };

	(void)count, (void)arguments;
	gh_reply_field(reply, "observe", "%d", gh_observe(practice->host, 1));
	gh_reply_field(reply, "replay", "%d", gh_replay(practice->host, 1));
	gh_reply_field(reply, "recall", "%d", gh_recall(practice->host, NULL, NULL));
	gh_reply_field(reply, "metric", "%d",
		       gh_metric_new(practice->host, GH_GAUGE, "late", NULL, "").id != 0);
	gh_reply_field(reply, "attach", "%d", gh_attach(practice->host, &client, NULL, NULL));
	gh_metric_add(practice->host, practice->events, -1);
	return 0;
}

static int keep(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct gh_host *host = ((struct practice *)instance)->host;
	struct gh_bytes key = { "", 0 }, value = { "", 0 };

	if (count > 0)
		key = (struct gh_bytes){ arguments[0], strlen(arguments[0]) };
	if (count > 1)
		value = (struct gh_bytes){ arguments[1], strlen(arguments[1]) };
	gh_reply_field(reply, "code", "%d", gh_keep(host, key, value));
	return 0;
}

/* Until it may not any more: keys of so many bytes, with values of so many. */
static int keep_many(void *instance, size_t count, const char *const *arguments,
		     struct gh_reply *reply)
{
	struct gh_host *host = ((struct practice *)instance)->host;
	static char key[300], value[70000];
	struct gh_bytes k = { key, 0 }, v = { value, 0 };
	unsigned kept = 0;
	int rc = 0;

	if (count != 2)
		return GH_EINVAL;
	k.n = strtoul(arguments[0], NULL, 10);
	v.n = strtoul(arguments[1], NULL, 10);
	for (; !rc && kept < 2000 && k.n <= sizeof(key) && v.n <= sizeof(value); kept += !rc) {
		snprintf(key, sizeof(key), "%04u", kept);
		rc = gh_keep(host, k, v);
	}
	gh_reply_field(reply, "kept", "%u", kept);
	gh_reply_field(reply, "code", "%d", rc);
	return 0;
}

static void add_figure(void *arg, const struct gh_sample *sample)
{
	if (strcmp(sample->name, "gatehouse_sessions") == 0)
		gh_reply_field(arg, "sessions", "%g", sample->value);
	if (strcmp(sample->name, "gatehouse_practice_events_total") == 0)
		gh_reply_field(arg, "events", "%g", sample->value);
}

static int figures(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	(void)count, (void)arguments;
	return gh_metrics_each(((struct practice *)instance)->host, add_figure, reply);
}

/* For AddressSanitizer: what was lent isn't there any more. */
static int read_kept(void *instance, size_t count, const char *const *arguments,
		     struct gh_reply *reply)
{
	(void)count, (void)arguments;
	gh_reply_field(reply, "kept", "%.4s", ((struct practice *)instance)->kept);
	return 0;
}

const struct gh_command practice_commands[] = {
	{ .name = "options", .usage = "", .help = "what is configured", .run = options },
	{ .name = "answer", .usage = "[PRINCIPAL]", .help = "answer tickets", .run = answer },
	{ .name = "forget tickets", .usage = "", .help = "forget them", .run = forget_tickets },
	{ .name = "offload", .usage = "", .help = "end by offloaded work", .run = offload },
	{ .name = "later", .usage = "", .help = "end by a timer", .run = later },
	{ .name = "never", .usage = "", .help = "never end", .run = never },
	{ .name = "unticketed", .usage = "", .help = "later, without ticket", .run = unticketed },
	{ .name = "fail", .usage = "[MESSAGE]", .help = "fail", .run = fail },
	{ .name = "secret", .usage = "", .help = "take one", .flags = GH_CMD_SECRET, .run = secret },
	{ .name = "watch", .usage = "", .help = "watch a pipe", .run = watch },
	{ .name = "directory", .usage = "", .help = "its directory", .run = directory },
	{ .name = "misuse", .usage = "", .help = "what may not be", .run = misuse },
	{ .name = "figures", .usage = "", .help = "the registry", .run = figures },
	{ .name = "keep", .usage = "KEY [VALUE]", .help = "keep it", .run = keep },
	{ .name = "keep many",
	  .usage = "KEY-BYTES VALUE-BYTES",
	  .help = "as much as there may be",
	  .run = keep_many },
	{ .name = "read kept", .usage = "", .help = "what was freed", .run = read_kept },
	{ 0 }
};
