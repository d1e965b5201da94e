/* SPDX-License-Identifier: Apache-2.0 */
/* What modules do for a control client, each at once, and the one reply to it. */
#include "base/mem.h"
#include "base/str.h"
#include "ctl/control_priv.h"
#include "hook/errand.h"
#include "hook/reply.h"

#include <stdlib.h>

/* A module has so long; then the client has its own time to read. */
#define ERRAND_MS 30000u

struct part {
	struct gh_errands *all;
	struct gh_errand *errand; /* NULL: ended */
	char *instance;
	struct gh_buf rows;
	char *message; /* of an error */
	int rc;
};

struct gh_errands {
	struct gh_ctl_client *client;
	bool named;
	size_t count, open;
	struct part parts[];
};

void gh_errands_free(struct gh_errands **errands)
{
	struct gh_errands *gone = *errands;

	*errands = NULL;
	for (size_t i = 0; gone && i < gone->count; i++) {
		struct part *part = &gone->parts[i];

		gh_errand_cancel(&part->errand);
		free(part->instance);
		free(part->message);
		gh_buf_done(&part->rows);
	}
	free(gone);
}

static const char *code_of(const struct gh_errands *errands)
{
	if (!errands->named && errands->parts[0].rc == GH_EINVAL)
		return "usage";
	return !errands->named && errands->parts[0].rc == GH_ENOENT ? "not-found" : "refused";
}

static void gather(const struct gh_errands *errands, struct gh_buf *rows, struct gh_buf *wrong)
{
	for (size_t i = 0; i < errands->count; i++) {
		const struct part *part = &errands->parts[i];

		if (part->rows.n > 0 && rows->n > 0)
			gh_buf_u8(rows, ',');
		gh_buf_add(rows, part->rows.p, part->rows.n);
		if (part->rc == 0)
			continue;
		if (errands->named)
			gh_buf_printf(wrong, "%s%s: ", wrong->n > 0 ? "; " : "", part->instance);
		gh_buf_printf(wrong, "%s", part->message);
	}
}

static void reply(struct gh_errands *errands)
{
	struct gh_ctl_client *client = errands->client;
	struct gh_buf rows = { 0 }, wrong = { 0 };
	struct gh_str text;

	gather(errands, &rows, &wrong);
	text = gh_str_n((const char *)rows.p, rows.n);
	if (wrong.n == 0)
		gh_ctl_rows(client, text);
	else
		gh_ctl_fail_rows(client, code_of(errands), gh_str_n((const char *)wrong.p, wrong.n),
				 text);
	gh_buf_done(&rows);
	gh_buf_done(&wrong);
	gh_errands_free(&client->errands);
}

static void on_done(void *arg, const struct gh_errand_result *result)
{
	struct part *part = arg;
	struct gh_errands *errands = part->all;

	part->errand = NULL;
	part->rc = result->rc;
	part->message = result->rc ? gh_strdup(result->message) : NULL;
	gh_reply_rows(&part->rows, result->rows, errands->named ? part->instance : NULL);
	if (--errands->open == 0)
		reply(errands);
}

void gh_ctl_errands(struct gh_ctl_client *client, struct gh_instance *const *instances,
		    size_t count, const struct gh_errand_task *task, bool named)
{
	struct gh_daemon *daemon = client->control->daemon;
	struct gh_errands *errands = gh_zalloc(sizeof(*errands) + count * sizeof(errands->parts[0]));

	errands->client = client;
	errands->named = named;
	errands->count = errands->open = count;
	client->errands = errands;
	gh_loop_timeout(daemon->loop, &client->deadline, ERRAND_MS + GH_CTL_DEADLINE_MS);
	for (size_t i = 0; i < count; i++) {
		struct part *part = &errands->parts[i];
		struct gh_errand_call call = { daemon->asker, ERRAND_MS, on_done, part };

		part->all = errands;
		part->instance = gh_strdup(gh_instance_name(instances[i]));
		part->errand = gh_errand_start(&call, instances[i], task);
	}
	if (count == 0)
		reply(errands);
}
