/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker tells of its clients and sessions, and does to them. */
#include "client/inspect.h"

#include "base/mem.h"
#include "base/str.h"
#include "client/channel.h"
#include "client/unread.h"

#include <stdlib.h>

struct gh_question *gh_question_new(struct gh_inbox *from,
				    void (*run)(struct gh_shard *, struct gh_question *),
				    void (*answered)(struct gh_question *, bool), void *arg)
{
	struct gh_question *question = gh_zalloc(sizeof(*question));

	question->from = from;
	question->run = run;
	question->answered = answered;
	question->arg = arg;
	gh_json_init(&question->json, &question->out);
	gh_json_array(&question->json, NULL);
	return question;
}

void gh_question_free(struct gh_question **question)
{
	struct gh_question *q = *question;

	if (!q)
		return;
	gh_buf_done(&q->out);
	gh_snapshot_unref(&q->who);
	free(q->client_id);
	free(q);
	*question = NULL;
}

static void on_answer(struct gh_mail *mail, void *owner)
{
	struct gh_question *question = (struct gh_question *)(void *)mail;

	question->answered(question, owner != NULL);
}

static void on_question(struct gh_mail *mail, void *owner)
{
	struct gh_question *question = (struct gh_question *)(void *)mail;

	if (owner)
		question->run(gh_shard_of(owner), question);
	question->mail.deliver = on_answer;
	gh_inbox_post(question->from, GH_LANE_CONTROL, &question->mail);
}

void gh_question_ask(struct gh_question *question, struct gh_worker *worker)
{
	question->mail.deliver = on_question;
	gh_worker_post(worker, GH_LANE_CONTROL, &question->mail);
}

static void session_row(struct gh_json *json, const struct gh_session *session)
{
	gh_json_number(json, "subscriptions", session->subscription_count);
	gh_json_number(json, "queued", (int64_t)(session->queue.count + gh_unread_count(session)));
	gh_json_number(json, "inflight", session->window.count);
}

static void client_row(struct gh_shard *shard, struct gh_json *json, const struct gh_channel *channel)
{
	const struct gh_client *client = gh_channel_client(channel);
	const struct gh_identity *identity = client->identity;

	gh_json_object(json, NULL);
	gh_json_str(json, "client", gh_str(client->client_id));
	gh_json_str(json, "user", gh_str(identity->principal));
	gh_json_str(json, "realm", gh_str(identity->realm));
	gh_json_str(json, "address", gh_str(client->address));
	gh_json_number(json, "port", client->port);
	gh_json_str(json, "listener", gh_str(client->listener));
	if (identity->limits_class)
		gh_json_str(json, "class", gh_str(identity->limits_class));
	gh_json_number(json, "protocol", client->protocol);
	gh_json_number(json, "keepalive", channel->keep_alive);
	gh_json_number(json, "since", client->connected_at);
	gh_json_number(json, "worker", shard->index);
	session_row(json, channel->session);
	gh_json_number(json, "received", (int64_t)channel->received.messages);
	gh_json_number(json, "sent", (int64_t)channel->sent.messages);
	gh_json_end_object(json);
}

void gh_inspect_clients(struct gh_shard *shard, struct gh_question *question)
{
	gh_list_each(&shard->channels, it, next)
	{
		const struct gh_channel *channel = gh_container(it, struct gh_channel, in_shard);

		if (channel->state != GH_CHANNEL_CONNECTED)
			continue;
		client_row(shard, &question->json, channel);
		question->count++;
	}
}

static struct gh_session *find(struct gh_shard *shard, const struct gh_question *question)
{
	return gh_registry_find(shard->sessions, gh_str(question->client_id));
}

void gh_inspect_find(struct gh_shard *shard, struct gh_question *question)
{
	struct gh_session *session = find(shard, question);

	if (session) {
		question->who = gh_snapshot_ref(session->identity);
		question->count = 1;
	}
}

void gh_inspect_disconnect(struct gh_shard *shard, struct gh_question *question)
{
	struct gh_session *session = find(shard, question);

	if (session && session->channel) {
		gh_channel_end(session->channel, GH_REASON_ADMINISTRATIVE_ACTION,
			       "disconnected by the administrator");
		question->count = 1;
	}
}
