/* SPDX-License-Identifier: Apache-2.0 */
/* The commands about instances, and those that change what is in force. */
#include "base/str.h"
#include "ctl/change.h"
#include "ctl/control_priv.h"
#include "ctl/retire.h"
#include "hook/instance.h"

#include <string.h>

/* ---- plugins ---- */

static void figures(struct gh_json *json, const struct gh_instance *instance)
{
	struct gh_instance_stats stats = { 0 };
	uint64_t calls;

	if (instance)
		gh_instance_stats(instance, &stats);
	calls = stats.barriers;
	for (unsigned i = 0; i < GH_HOOK_POINTS; i++)
		calls += stats.calls[i];
	for (unsigned i = 0; i < GH_STORE_CALLS; i++)
		calls += stats.store[i];
	gh_json_number(json, "calls", (int64_t)calls);
	gh_json_number(json, "allow", (int64_t)stats.verdicts[GH_ALLOW]);
	gh_json_number(json, "deny", (int64_t)stats.verdicts[GH_DENY]);
	gh_json_number(json, "pass", (int64_t)stats.verdicts[GH_PASS]);
	gh_json_number(json, "error", (int64_t)stats.verdicts[GH_ERROR]);
	gh_json_number(json, "timeouts", (int64_t)stats.timeouts);
	gh_json_number(json, "pending", stats.pending);
	gh_json_number(json, "queued", stats.queued);
	gh_json_number(json, "running", stats.running);
	gh_json_number(json, "threads", stats.threads);
}

static void row(struct gh_json *json, const struct gh_retiring_view *view, const char *state)
{
	const char *off = view->instance ? gh_instance_off(view->instance) : NULL;

	gh_json_object(json, NULL);
	gh_json_str(json, "instance", gh_str(view->name));
	gh_json_str(json, "module", gh_str(view->module));
	gh_json_str(json, "version", gh_str(view->version));
	gh_json_str(json, "state", gh_str(state));
	gh_json_number(json, "since", view->since);
	figures(json, view->instance);
	if (view->instance && gh_instance_pid(view->instance) >= 0)
		gh_json_number(json, "pid", gh_instance_pid(view->instance));
	gh_json_str(json, "file", gh_str(view->file));
	gh_json_str(json, "reason", gh_str(off ? off : ""));
	gh_json_end_object(json);
}

static void row_in_force(struct gh_json *json, const struct gh_instance *instance)
{
	struct gh_retiring_view view = { .name = gh_instance_name(instance),
					 .module = gh_instance_plugin(instance)->name,
					 .version = gh_instance_plugin(instance)->version,
					 .file = gh_instance_file(instance),
					 .since = gh_instance_since(instance),
					 .instance = instance };

	if (gh_instance_disabled(instance))
		row(json, &view, "disabled");
	else
		row(json, &view, gh_instance_off(instance) ? "failed" : "in force");
}

void gh_ctl_plugins(struct gh_ctl_client *client, const struct gh_words *words)
{
	const struct gh_daemon *daemon = client->control->daemon;
	struct gh_retiring_view view;
	struct gh_buf rows = { 0 };
	struct gh_json json;

	(void)words;
	gh_json_init(&json, &rows);
	gh_json_array(&json, NULL);
	for (size_t i = 0; i < daemon->runtime->instance_count; i++)
		row_in_force(&json, daemon->runtime->instances[i]);
	for (size_t i = 0; gh_retiring(daemon, i, &view); i++)
		if (view.file[0]) /* else it was disabled, and there is nothing to wait for */
			row(&json, &view, "draining");
	gh_ctl_rows(client, gh_str_n((const char *)rows.p + 1, rows.n - 1)); /* without the bracket */
	gh_buf_done(&rows);
}

/* ---- changes ---- */

static void answer(struct gh_ctl_client *client, int rc, const struct gh_error *error,
		   const char *text)
{
	gh_ctl_wait(client, false);
	if (rc < 0)
		gh_ctl_fail(client, "refused", "%s", error->text);
	else
		gh_ctl_text(client, gh_str(text));
}

static void changed(void *arg, int rc, const struct gh_error *error)
{
	answer(arg, rc, error, "done\n");
}

static void reloaded(void *arg, int rc, const struct gh_error *error)
{
	answer(arg, rc, error, "reloaded\n");
}

void gh_ctl_reload(struct gh_ctl_client *client, const struct gh_words *words)
{
	struct gh_daemon *daemon = client->control->daemon;

	(void)words;
	if (!daemon->options.file) {
		gh_ctl_fail(client, "refused", "the broker runs without a configuration file");
		return;
	}
	gh_ctl_wait(client, true);
	gh_change_reload(daemon, reloaded, client);
}

static enum gh_runtime_change verb_of(const char *word)
{
	static const char *const words[] = { "", "disable", "enable", "reload", "replace" };

	for (unsigned i = GH_CHANGE_DISABLE; i <= GH_CHANGE_REPLACE; i++)
		if (strcmp(word, words[i]) == 0)
			return (enum gh_runtime_change)i;
	return GH_CHANGE_NONE;
}

/* plugin VERB NAME */
void gh_ctl_plugin(struct gh_ctl_client *client, const struct gh_words *words)
{
	struct gh_daemon *daemon = client->control->daemon;
	enum gh_runtime_change change = verb_of(words->word[1]);
	struct gh_error error;

	if (change == GH_CHANGE_NONE) {
		gh_ctl_fail(client, "usage",
			    "plugin: one of disable, enable, reload and replace is wanted");
	} else if (gh_runtime_find(daemon->runtime, words->word[2], &error) < 0) {
		gh_ctl_fail(client, "not-found", "%s", error.text);
	} else {
		gh_ctl_wait(client, true);
		gh_change_plugin(daemon, words->word[2], change, changed, client);
	}
}
