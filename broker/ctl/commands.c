/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the control socket. */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "ctl/control_priv.h"
#include "hook/event.h"

#include <stdio.h>
#include <string.h>

typedef void command_fn(struct gh_ctl_client *client, const struct gh_words *words);

static void reply_rows(struct gh_ctl_client *client, struct gh_buf *rows)
{
	gh_ctl_rows(client, gh_str_n((const char *)rows->p, rows->n));
	gh_buf_done(rows);
}

/* ---- status ---- */

static void on_status(struct gh_ctl_client *client, const struct gh_words *words)
{
	const struct gh_daemon *daemon = client->control->daemon;
	const struct gh_broker *broker = &daemon->broker;
	struct gh_buf rows = { 0 };
	struct gh_json json;

	(void)words;
	gh_json_init(&json, &rows);
	gh_json_object(&json, NULL);
	gh_json_str(&json, "version", gh_str(PACKAGE_VERSION));
	gh_json_str(&json, "configuration",
		    gh_str(daemon->options.file ? daemon->options.file : "(none)"));
	gh_json_number(&json, "generation", (int64_t)daemon->runtime->generation);
	gh_json_number(&json, "uptime", gh_clock_wall_us() / 1000000 - broker->started_at);
	gh_json_number(&json, "workers", broker->worker_count);
	gh_json_number(&json, "connections", gh_total_used(&broker->total));
	gh_json_number(&json, "connections-max", gh_total_max(&broker->total));
	gh_json_number(&json, "clients", (int64_t)atomic_load(&broker->channels));
	gh_json_number(&json, "sessions", (int64_t)atomic_load(&broker->sessions));
	gh_json_number(&json, "subscriptions", (int64_t)atomic_load(&broker->subscriptions));
	gh_json_number(&json, "retained", (int64_t)gh_retained_count(broker->retained));
	gh_json_end_object(&json);
	reply_rows(client, &rows);
}

/* ---- clients, disconnect ---- */

static void clients_gathered(struct gh_ctl_client *client, struct gh_str rows, size_t count,
			     struct gh_snapshot *who)
{
	(void)count;
	(void)who;
	gh_ctl_rows(client, rows);
}

static void on_clients(struct gh_ctl_client *client, const struct gh_words *words)
{
	(void)words;
	gh_ctl_gather(client, gh_inspect_clients, NULL, clients_gathered);
}

static void disconnected(struct gh_ctl_client *client, struct gh_str rows, size_t count,
			 struct gh_snapshot *who)
{
	(void)rows;
	(void)who;
	if (count > 0)
		gh_ctl_text(client, gh_str("disconnected\n"));
	else
		gh_ctl_fail(client, "not-found", "no client of this id is connected");
}

static void on_disconnect(struct gh_ctl_client *client, const struct gh_words *words)
{
	gh_ctl_gather(client, gh_inspect_disconnect, words->word[1], disconnected);
}

/* ---- metrics ---- */

static void metric_row(void *arg, const struct gh_metric_sample *sample)
{
	struct gh_json *json = arg;

	gh_json_object(json, NULL);
	gh_json_str(json, "name", gh_str(sample->name));
	gh_json_str(json, "labels", gh_str(sample->labels));
	gh_json_float(json, "value", sample->value);
	if (sample->kind == GH_HISTOGRAM)
		gh_json_number(json, "count", (int64_t)sample->count);
	gh_json_end_object(json);
}

static void on_metrics(struct gh_ctl_client *client, const struct gh_words *words)
{
	struct gh_metrics *metrics = client->control->daemon->broker.metrics;
	struct gh_buf out = { 0 };
	struct gh_json json;

	if (words->count > 1 && strcmp(words->word[1], "prometheus") == 0) {
		gh_metrics_prometheus(metrics, &out);
		gh_ctl_text(client, gh_str_n((const char *)out.p, out.n));
		gh_buf_done(&out);
		return;
	}
	gh_json_init(&json, &out);
	gh_json_array(&json, NULL);
	gh_metrics_walk(metrics, metric_row, &json);
	gh_ctl_rows(client, gh_str_n((const char *)out.p + 1, out.n - 1));
	gh_buf_done(&out);
}

/* ---- all of them ---- */

static const struct {
	const char *name;
	size_t words_min, words_max;
	command_fn *run;
	bool changes; /* told to observers and the log */
} commands[] = {
	{ "status", 1, 1, on_status, false },
	{ "clients", 1, 1, on_clients, false },
	{ "plugins", 1, 1, gh_ctl_plugins, false },
	{ "metrics", 1, 2, on_metrics, false },
	{ "explain", 2, GH_WIRE_WORDS, gh_ctl_explain, false },
	{ "export", 3, 3, gh_ctl_subject, false },
	{ "forget", 3, 3, gh_ctl_subject, true },
	{ "reload", 1, 1, gh_ctl_reload, true },
	{ "plugin", 3, 3, gh_ctl_plugin, true },
	{ "disconnect", 2, 2, on_disconnect, true },
};

void gh_ctl_tell(const struct gh_ctl_client *client, const struct gh_words *words)
{
	struct gh_runtime *runtime = client->control->daemon->runtime;
	struct gh_event event = { .kind = GH_EV_ADMIN };
	struct gh_buf text = { 0 };
	char user[32];

	for (size_t i = 0; i < words->count; i++)
		gh_buf_printf(&text, "%s%s", i ? " " : "", words->word[i]);
	gh_buf_u8(&text, 0);
	snprintf(user, sizeof(user), "uid %u", client->uid);
	gh_log_line(GH_LOG_NOTICE,
		    (const struct gh_log_field[]){ GH_FIELD_NUMBER("uid", client->uid),
						   GH_FIELD_NUMBER("pid", client->pid),
						   GH_FIELD("command", (const char *)text.p) },
		    3, "control command");
	event.text = (const char *)text.p;
	event.username = user;
	if (gh_event_wanted(runtime, GH_EV_ADMIN))
		gh_event_tell(runtime, &event);
	gh_buf_done(&text);
}

void gh_ctl_command(struct gh_ctl_client *client, const struct gh_words *words)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(words->word[0], commands[i].name) != 0)
			continue;
		if (words->count < commands[i].words_min || words->count > commands[i].words_max) {
			gh_ctl_fail(client, "usage", "%s: wrong number of arguments",
				    commands[i].name);
			return;
		}
		if (commands[i].changes)
			gh_ctl_tell(client, words);
		commands[i].run(client, words);
		return;
	}
	if (!gh_ctl_instance(client, words))
		gh_ctl_fail(client, "usage", "no such command, nor an instance of that name");
}
