/* SPDX-License-Identifier: Apache-2.0 */
/* What all workers share: made once by main, outlives them. */
#ifndef GH_CLIENT_BROKER_H
#define GH_CLIENT_BROKER_H

#include "base/siphash.h"
#include "hook/asker.h"
#include "hook/metrics.h"
#include "hook/runtime.h"
#include "hook/sink.h"
#include "limit/penalty.h"
#include "limit/term.h"
#include "limit/total.h"
#include "net/worker.h"
#include "route/interest.h"
#include "route/retained.h"

#include <pthread.h>
#include <stdatomic.h>

/* Counters of the core; each has its labels in broker.c. Added to by gh_count(). */
enum gh_counter {
	GH_COUNT_CONNECTS,       /* logins that ended in CONNACK 0 */
	GH_COUNT_LOGIN_FAILURES, /* refused, for whatever reason */
	GH_COUNT_DISCONNECTS,
	GH_COUNT_TAKEOVERS,
	GH_COUNT_PACKETS_IN,
	GH_COUNT_PUBLISH_IN,
	GH_COUNT_PUBLISH_OUT,
	GH_COUNT_PUBLISH_DENIED, /* by authorize */
	GH_COUNT_SUBSCRIBE_DENIED,
	GH_COUNT_RECEIVE_DENIED,
	GH_COUNT_DROP_QUEUE, /* deliveries given up, by why */
	GH_COUNT_DROP_OUTPUT,
	GH_COUNT_DROP_SIZE,
	GH_COUNT_DROP_EXPIRED,
	GH_COUNT_DROP_SHARED, /* no member of a shared group may have it */
	GH_COUNT_DROP_MEMORY,
	GH_COUNT_DROP_AUTHOR, /* retained or will, whose author lost the right */
	GH_COUNT_RETAINED_REFUSED,
	GH_COUNT_PROTOCOL_ERRORS,
	GH_COUNT_RECHECK_FAILED, /* questions after a policy change that nobody could answer */
	GH_COUNT_WILLS,
	GH_COUNT_BANNED, /* refused because of a ban, at accept or later */
	GH_COUNTERS
};

/* Acts of modules on their way to the workers: client/acts.h. */
struct gh_acting {
	pthread_rwlock_t lock; /* of open: who posts holds it, so that no worker goes meanwhile */
	bool open;             /* the workers are there */
	atomic_uint waiting;   /* acts that are not done yet */
	/* How often a re-check was asked for: of anybody, of everyone. */
	atomic_uint rechecks, rechecks_of_everyone;
	atomic_bool told[GH_WORKERS_MAX]; /* the worker has mail that says so */
};

/* Bans on their way to the store: client/ban.c. */
struct gh_banning {
	pthread_mutex_t lock; /* held from the table to here */
	struct gh_record_list untold;
	bool telling; /* somebody is at it */
};

struct gh_restoring;

struct gh_broker {
	struct gh_hash_key key;
	struct gh_hooks hooks;
	struct gh_metrics *metrics;
	struct gh_askers *askers;
	struct gh_retained *retained;
	struct gh_interest *interest;
	struct gh_penalties *penalties;
	struct gh_terms *bans;
	struct gh_terms *imposed; /* limits classes that modules gave for a time */
	struct gh_total total;
	struct gh_workers *workers;
	struct gh_runtime *first; /* what workers begin with; held by the control thread */
	unsigned worker_count;
	atomic_uint_fast64_t connections;        /* serials given out */
	atomic_uint_fast64_t sessions, channels; /* that there are now; gauges */
	atomic_uint_fast64_t subscriptions;
	int64_t started_at; /* Unix seconds */
	struct gh_series *counters[GH_COUNTERS];
	struct gh_acting acting;
	struct gh_banning banning;
	struct gh_restoring *restoring; /* what was loaded and isn't restored yet: client/restore.h */
};

/* Fills metrics and counters, retained store and interest table of a zeroed broker; worker_count is set. */
void gh_broker_init(struct gh_broker *broker, const struct gh_retained_limits *retained,
		    const struct gh_penalty_settings *penalty);
void gh_broker_done(struct gh_broker *broker);

static inline void gh_count(struct gh_broker *broker, enum gh_counter counter)
{
	gh_series_add(broker->counters[counter], 1);
}

/* The worker of a client id's session. */
struct gh_worker *gh_broker_worker(const struct gh_broker *broker, struct gh_str client_id);

#endif
