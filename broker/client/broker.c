/* SPDX-License-Identifier: Apache-2.0 */
/* What all workers share. */
#include "client/broker.h"

#include "base/clock.h"
#include "session/registry.h"

static const struct {
	const char *name, *labels, *help;
} counters[GH_COUNTERS] = {
	[GH_COUNT_CONNECTS] = { "gatehouse_connects_total", NULL, "Logins that succeeded" },
	[GH_COUNT_LOGIN_FAILURES] = { "gatehouse_login_failures_total", NULL,
				      "Logins that were refused" },
	[GH_COUNT_DISCONNECTS] = { "gatehouse_disconnects_total", NULL,
				   "Connections that ended after a login" },
	[GH_COUNT_TAKEOVERS] = { "gatehouse_takeovers_total", NULL,
				 "Connections replaced by a newer one of their client id" },
	[GH_COUNT_PACKETS_IN] = { "gatehouse_packets_received_total", NULL,
				  "MQTT packets from clients" },
	[GH_COUNT_PUBLISH_IN] = { "gatehouse_publish_received_total", NULL,
				  "PUBLISH packets from clients" },
	[GH_COUNT_PUBLISH_OUT] = { "gatehouse_publish_sent_total", NULL,
				   "PUBLISH packets to clients" },
	[GH_COUNT_PUBLISH_DENIED] = { "gatehouse_denied_total", "action=\"publish\"",
				      "Actions that authorize refused" },
	[GH_COUNT_SUBSCRIBE_DENIED] = { "gatehouse_denied_total", "action=\"subscribe\"", NULL },
	[GH_COUNT_RECEIVE_DENIED] = { "gatehouse_denied_total", "action=\"receive\"", NULL },
	[GH_COUNT_DROP_QUEUE] = { "gatehouse_dropped_total", "reason=\"queue full\"",
				  "Deliveries that were given up" },
	[GH_COUNT_DROP_OUTPUT] = { "gatehouse_dropped_total", "reason=\"slow reader\"", NULL },
	[GH_COUNT_DROP_SIZE] = { "gatehouse_dropped_total", "reason=\"too large for the client\"",
				 NULL },
	[GH_COUNT_DROP_EXPIRED] = { "gatehouse_dropped_total", "reason=\"expired\"", NULL },
	[GH_COUNT_DROP_SHARED] = { "gatehouse_dropped_total", "reason=\"no member\"", NULL },
	[GH_COUNT_DROP_MEMORY] = { "gatehouse_dropped_total", "reason=\"out of memory\"", NULL },
	[GH_COUNT_DROP_AUTHOR] = { "gatehouse_dropped_total", "reason=\"author\"", NULL },
	[GH_COUNT_RETAINED_REFUSED] = { "gatehouse_retained_refused_total", NULL,
					"Messages not retained because of a limit" },
	[GH_COUNT_PROTOCOL_ERRORS] = { "gatehouse_protocol_errors_total", NULL,
				       "Connections closed for what they sent" },
	[GH_COUNT_RECHECK_FAILED] = { "gatehouse_recheck_failures_total", NULL,
				      "Questions after a policy change that no module could answer" },
	[GH_COUNT_WILLS] = { "gatehouse_wills_total", NULL, "Wills that were published" },
	[GH_COUNT_BANNED] = { "gatehouse_banned_total", NULL,
			      "Connections and logins refused because of a ban" },
};

void gh_broker_init(struct gh_broker *broker, const struct gh_retained_limits *retained,
		    const struct gh_penalty_settings *penalty)
{
	gh_hash_key_init(&broker->key);
	broker->started_at = gh_clock_wall_us() / 1000000;
	broker->metrics = gh_metrics_new(broker->worker_count + 1);
	broker->askers = gh_askers_new(broker->worker_count + 1);
	broker->retained = gh_retained_new(&broker->key, retained);
	broker->interest = gh_interest_new(&broker->key, broker->worker_count);
	broker->penalties = gh_penalties_new(penalty);
	pthread_rwlock_init(&broker->acting.lock, NULL);
	pthread_mutex_init(&broker->banning.lock, NULL);
	for (int i = 0; i < GH_COUNTERS; i++)
		broker->counters[i] = gh_metrics_series(broker->metrics, GH_COUNTER, counters[i].name,
							counters[i].labels, counters[i].help);
}

void gh_broker_done(struct gh_broker *broker)
{
	gh_terms_free(&broker->imposed);
	gh_terms_free(&broker->bans);
	gh_penalties_free(&broker->penalties);
	pthread_mutex_destroy(&broker->banning.lock);
	pthread_rwlock_destroy(&broker->acting.lock);
	gh_interest_free(&broker->interest);
	gh_retained_free(&broker->retained);
	gh_askers_free(&broker->askers);
	gh_metrics_free(&broker->metrics);
}

struct gh_worker *gh_broker_worker(const struct gh_broker *broker, struct gh_str client_id)
{
	return gh_workers_at(broker->workers, (unsigned)(gh_registry_hash(&broker->key, client_id) %
							 broker->worker_count));
}
