/* SPDX-License-Identifier: Apache-2.0 */
/* INSTANCE VERB ARGUMENT...: commands of modules. */
#include "base/str.h"
#include "ctl/control_priv.h"
#include "hook/command.h"
#include "hook/errand.h"

#include <stdio.h>
#include <string.h>

/* A row each: how it is called, and what for. */
static void describe(const struct gh_command *commands, struct gh_buf *rows)
{
	struct gh_json json;

	gh_json_init(&json, rows);
	for (const struct gh_command *command = commands; command->name; command++) {
		gh_json_object(&json, NULL);
		gh_json_str(&json, "command", gh_str(command->name));
		gh_json_str(&json, "arguments", gh_str(command->usage ? command->usage : ""));
		gh_json_str(&json, "help", gh_str(command->help));
		gh_json_end_object(&json);
	}
}

static void list(struct gh_ctl_client *client, const struct gh_command *commands, const char *wrong)
{
	struct gh_buf rows = { 0 };
	struct gh_str text;

	describe(commands, &rows);
	text = gh_str_n((const char *)rows.p, rows.n);
	if (wrong)
		gh_ctl_fail_rows(client, "usage", gh_str(wrong), text);
	else
		gh_ctl_rows(client, text);
	gh_buf_done(&rows);
}

static void run(struct gh_ctl_client *client, const struct gh_words *words,
		struct gh_instance *instance, const struct gh_command *command, size_t used)
{
	struct gh_errand_task task = { .command = command,
				       .argument_count = words->count - 1 - used,
				       .arguments = words->word + 1 + used };

	if (command->flags & GH_CMD_SECRET) {
		if (!words->secret) {
			gh_ctl_fail(client, "secret-wanted", "a secret is wanted");
			return;
		}
		task.secret = (struct gh_bytes){ words->secret, words->secret_size };
	}
	if (command->flags & GH_CMD_WRITE)
		gh_ctl_tell(client, words);
	gh_ctl_errands(client, &instance, 1, &task, false);
}

bool gh_ctl_instance(struct gh_ctl_client *client, const struct gh_words *words)
{
	struct gh_instance *instance =
		gh_runtime_instance(client->control->daemon->runtime, words->word[0]);
	const struct gh_command *commands, *command;
	char wrong[200];
	size_t used;

	if (!instance)
		return false;
	if (gh_instance_off(instance)) {
		gh_ctl_fail(client, "refused", "%s: %s", words->word[0], gh_instance_off(instance));
		return true;
	}
	commands = gh_instance_plugin(instance)->commands;
	command = gh_command_find(commands, words->count - 1, words->word + 1, &used);
	if (command) {
		run(client, words, instance, command, used);
	} else if (!commands || !commands->name) {
		gh_ctl_fail(client, "usage", "%s: its module has no commands", words->word[0]);
	} else if (words->count == 1 || strcmp(words->word[1], "help") == 0) {
		list(client, commands, NULL);
	} else {
		snprintf(wrong, sizeof(wrong), "%s: no command '%s'; there are:", words->word[0],
			 words->word[1]);
		list(client, commands, wrong);
	}
	return true;
}
