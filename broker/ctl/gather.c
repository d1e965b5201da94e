/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the workers on behalf of a control client. */
#include "base/mem.h"
#include "base/str.h"
#include "ctl/control_priv.h"

#include <stdlib.h>

struct gh_gathering {
	struct gh_ctl_client *client; /* NULL: it has gone */
	gh_gathered_fn *done;
	struct gh_buf rows;
	struct gh_snapshot *who;
	size_t count;
	unsigned open;
};

static void gathering_free(struct gh_gathering *gathering)
{
	gh_buf_done(&gathering->rows);
	gh_snapshot_unref(&gathering->who);
	free(gathering);
}

void gh_ctl_gathering_orphan(struct gh_ctl_client *client)
{
	if (client->gathering)
		client->gathering->client = NULL;
	client->gathering = NULL;
}

/* The question's buffer is an array that isn't ended: its first byte is the bracket. */
static void add(struct gh_gathering *gathering, struct gh_question *question)
{
	if (question->out.n > 1) {
		if (gathering->rows.n > 0)
			gh_buf_u8(&gathering->rows, ',');
		gh_buf_add(&gathering->rows, question->out.p + 1, question->out.n - 1);
	}
	gathering->count += question->count;
	if (question->who) {
		gathering->who = question->who;
		question->who = NULL;
	}
}

static void answered(struct gh_question *question, bool in_time)
{
	struct gh_gathering *gathering = question->arg;
	struct gh_ctl_client *client = gathering->client;

	add(gathering, question);
	gh_question_free(&question);
	if (--gathering->open > 0)
		return;
	if (client && in_time) {
		client->gathering = NULL;
		gathering->done(client, gh_str_n((const char *)gathering->rows.p, gathering->rows.n),
				gathering->count, gathering->who);
	}
	gathering_free(gathering);
}

void gh_ctl_gather(struct gh_ctl_client *client, void (*run)(struct gh_shard *, struct gh_question *),
		   const char *client_id, gh_gathered_fn *done)
{
	struct gh_daemon *daemon = client->control->daemon;
	struct gh_broker *broker = &daemon->broker;
	struct gh_gathering *gathering = gh_zalloc(sizeof(*gathering));

	gathering->client = client;
	gathering->done = done;
	gathering->open = client_id ? 1 : broker->worker_count;
	client->gathering = gathering;
	for (unsigned i = 0; i < (client_id ? 1 : broker->worker_count); i++) {
		struct gh_question *question =
			gh_question_new(daemon->inbox, run, answered, gathering);

		if (client_id)
			question->client_id = gh_strdup(client_id);
		gh_question_ask(question, client_id ? gh_broker_worker(broker, gh_str(client_id))
						    : gh_workers_at(broker->workers, i));
	}
}
