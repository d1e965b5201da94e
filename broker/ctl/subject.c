/* SPDX-License-Identifier: Apache-2.0 */
/* export and forget: what all modules keep about a client id or principal. */
#include "base/mem.h"
#include "ctl/control_priv.h"
#include "hook/errand.h"

#include <stdlib.h>
#include <string.h>

static bool take_kind(const char *word, uint32_t *kind_r)
{
	if (strcmp(word, "client") == 0)
		*kind_r = GH_CLIENT_ID;
	else if (strcmp(word, "principal") == 0)
		*kind_r = GH_PRINCIPAL;
	else
		return false;
	return true;
}

void gh_ctl_subject(struct gh_ctl_client *client, const struct gh_words *words)
{
	const struct gh_runtime *runtime = client->control->daemon->runtime;
	struct gh_subject_request request = { .size = sizeof(request),
					      .forget = strcmp(words->word[0], "forget") == 0,
					      .subject.text = words->word[2] };
	struct gh_errand_task task = { .request = &request };
	struct gh_instance **asked;
	size_t count = 0;

	if (!take_kind(words->word[1], &request.subject.kind) || !*words->word[2]) {
		gh_ctl_fail(client, "usage", "%s: expected client ID or principal NAME",
			    words->word[0]);
		return;
	}
	asked = gh_alloc_array(runtime->instance_count, sizeof(struct gh_instance *));
	for (size_t i = 0; i < runtime->instance_count; i++)
		if (gh_instance_plugin(runtime->instances[i])->subject)
			asked[count++] = runtime->instances[i];
	gh_ctl_errands(client, asked, count, &task, true);
	free(asked);
}
