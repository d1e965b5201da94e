/* SPDX-License-Identifier: Apache-2.0 */
/* What one worker has, from its start to its end. */
#include "client/shard.h"

#include "base/mem.h"
#include "client/channel.h"
#include "client/class.h"
#include "client/drop.h"
#include "client/hold.h"
#include "client/persist.h"
#include "client/recheck.h"
#include "client/review.h"
#include "client/round.h"
#include "client/subscribe.h"
#include "client/usage.h"
#include "client/will.h"
#include "hook/barrier.h"
#include "hook/storage.h"

#include <stdlib.h>

uint64_t gh_shard_subject(const struct gh_shard *shard, const struct gh_client *client)
{
	if (!client)
		return 0;
	if (client->connection || !client->client_id)
		return client->connection;
	return gh_registry_hash(&shard->broker->key, gh_str(client->client_id)) | 1ull << 63;
}

/* ---- start and stop ---- */

static void post(void *arg, struct gh_mail *mail)
{
	gh_worker_post(arg, GH_LANE_CONTROL, mail);
}

/* What has expired is given to nobody, but takes room until somebody goes by: a slice a second. */
#define SWEEP_MS     1000u
#define SWEEP_PLACES 4096u

static void on_sweep(struct gh_timeout *timeout)
{
	struct gh_shard *shard = gh_container(timeout, struct gh_shard, sweep);
	struct gh_retained_list list = { 0 };

	if (!gh_retained_walk(shard->broker->retained, &shard->swept, SWEEP_PLACES,
			      gh_shard_now(shard), &list))
		shard->swept = (struct gh_retained_cursor){ 0 };
	gh_retained_list_done(&list);
	gh_loop_timeout(shard->loop, &shard->sweep, SWEEP_MS);
}

static void start(struct gh_worker *worker, void *arg)
{
	struct gh_shard *shard = gh_zalloc(sizeof(*shard));
	struct gh_broker *broker = arg;
	bool alone = broker->worker_count == 1;

	shard->broker = broker;
	shard->worker = worker;
	shard->loop = gh_worker_loop(worker);
	shard->index = gh_worker_index(worker);
	shard->asker = gh_asker_enter(broker->askers, shard->index, shard->loop, post, worker);
	shard->runtime = broker->first;
	shard->policy_at = broker->first->built_ms;
	shard->sessions = gh_registry_new(&broker->key);
	shard->filters = gh_index_new(&broker->key, alone ? NULL : broker->interest, shard->index);
	gh_match_init(&shard->match, shard->filters);
	shard->groups = gh_shared_new(&broker->key, shard->filters, shard->index);
	gh_list_init(&shard->channels);
	gh_list_init(&shard->wills);
	shard->stores = gh_storage_instance(broker->hooks.storage) != NULL;
	gh_list_init(&shard->classes);
	gh_hold_start(shard);
	gh_worker_set_user(worker, shard);
	gh_runtime_worker_start(shard->runtime, shard->asker);
	gh_usage_set(shard);
	gh_timeout_init(&shard->sweep, on_sweep);
	if (shard->index == 0)
		gh_loop_timeout(shard->loop, &shard->sweep, SWEEP_MS);
}

static void discard_session(struct gh_shard *shard, struct gh_session *session)
{
	gh_session_unwatch(session);
	gh_drops_flush(session);
	gh_loop_timeout_cancel(shard->loop, &session->expiry);
	gh_persist_leave(session);
	gh_will_session_ends(shard, session);
	gh_list_each(&session->subscriptions, it, next)
		gh_index_remove(shard->filters, gh_container(it, struct gh_subscriber, in_session));
	gh_registry_remove(shard->sessions, session);
	gh_session_free(&session);
}

static void discard_sessions(struct gh_shard *shard)
{
	struct gh_registry_walk walk;
	struct gh_session *session;

	gh_registry_walk_begin(shard->sessions, &walk);
	while ((session = gh_registry_walk_next(shard->sessions, &walk)))
		discard_session(shard, session);
}

static void stop(struct gh_worker *worker)
{
	struct gh_shard *shard = gh_shard_of(worker);

	shard->stopping = true;
	gh_loop_timeout_cancel(shard->loop, &shard->sweep);
	gh_recheck_cancel(shard);
	gh_round_cancel(shard);
	gh_usage_cancel(shard);
	gh_wills_cancel(shard);
	gh_hold_stop(shard);
	discard_sessions(shard);
	gh_drops_stop(shard);
	gh_match_done(&shard->match);
	gh_shared_free(&shard->groups);
	gh_index_free(&shard->filters);
	gh_registry_free(&shard->sessions);
	gh_instances_worker_stop(shard->asker);
	gh_runtime_worker_leave(shard->runtime, shard->asker);
	gh_asker_leave(shard->asker);
	gh_buf_done(&shard->value);
	gh_buf_done(&shard->scratch);
	gh_worker_set_user(worker, NULL);
	free(shard);
}

static void turn_end(struct gh_worker *worker)
{
	gh_hold_turn_end(gh_shard_of(worker));
}

const struct gh_worker_fn gh_shard_fn = {
	.start = start, .accepted = gh_channel_accept, .turn_end = turn_end, .stop = stop
};

/* ---- another runtime ---- */

struct swap {
	struct gh_mail mail;
	struct gh_runtime *runtime;
	gh_shard_left_fn *left;
	void *arg;
};

/* At once, not when they next say something: what they point to goes with the old runtime. */
static void refresh_channels(struct gh_shard *shard)
{
	gh_list_each(&shard->channels, it, next)
		gh_channel_refresh(gh_container(it, struct gh_channel, in_shard));
}

static void on_swap(struct gh_mail *mail, void *owner)
{
	struct swap *swap = (struct swap *)(void *)mail;

	if (owner) {
		struct gh_shard *shard = gh_shard_of(owner);
		struct gh_runtime *old = shard->runtime;

		gh_runtime_worker_start(swap->runtime, shard->asker);
		shard->runtime = swap->runtime;
		gh_barriers_swap(shard->barriers, swap->runtime);
		shard->policy_at = swap->runtime->built_ms;
		refresh_channels(shard);
		gh_class_refresh(shard);
		gh_runtime_worker_leave(old, shard->asker);
		swap->left(swap->arg, old, shard->index);
		gh_recheck_begin(shard);
		gh_usage_set(shard);
	}
	free(swap);
}

void gh_shard_swap(struct gh_worker *worker, struct gh_runtime *runtime, gh_shard_left_fn *left,
		   void *arg)
{
	struct swap *swap = gh_alloc(sizeof(*swap));

	*swap = (struct swap){ .mail.deliver = on_swap, .runtime = runtime, .left = left, .arg = arg };
	gh_worker_post(worker, GH_LANE_CONTROL, &swap->mail);
}

struct instance_stop {
	struct gh_mail mail;
	struct gh_instance *instance;
	gh_shard_stopped_fn *stopped;
	void *arg;
};

static void on_stop_instance(struct gh_mail *mail, void *owner)
{
	struct instance_stop *stop = (struct instance_stop *)(void *)mail;

	if (owner) {
		struct gh_shard *shard = gh_shard_of(owner);

		gh_instance_worker_stop(stop->instance, shard->asker);
		stop->stopped(stop->arg, stop->instance, shard->index);
	}
	free(stop);
}

void gh_shard_stop_instance(struct gh_worker *worker, struct gh_instance *instance,
			    gh_shard_stopped_fn *stopped, void *arg)
{
	struct instance_stop *stop = gh_alloc(sizeof(*stop));

	*stop = (struct instance_stop){
		.mail.deliver = on_stop_instance, .instance = instance, .stopped = stopped, .arg = arg
	};
	gh_worker_post(worker, GH_LANE_CONTROL, &stop->mail);
}

/* ---- the end of the broker ---- */

static void on_shutdown(struct gh_mail *mail, void *owner)
{
	if (owner) {
		struct gh_shard *shard = gh_shard_of(owner);

		shard->stopping = true;
		gh_list_each(&shard->channels, it, next)
			gh_channel_end(gh_container(it, struct gh_channel, in_shard),
				       GH_REASON_SERVER_SHUTTING_DOWN, "broker shuts down");
	}
	free(mail);
}

void gh_shard_shutdown(struct gh_worker *worker)
{
	struct gh_mail *mail = gh_zalloc(sizeof(*mail));

	mail->deliver = on_shutdown;
	gh_worker_post(worker, GH_LANE_DATA, mail); /* behind the messages that are on their way to it */
}
