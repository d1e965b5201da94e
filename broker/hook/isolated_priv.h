/* SPDX-License-Identifier: Apache-2.0 */
/* The process of an isolated instance, for its own files: this room's machinery with one instance, one asker and one loop. */
#ifndef GH_HOOK_ISOLATED_PRIV_H
#define GH_HOOK_ISOLATED_PRIV_H

#include "base/table.h"
#include "hook/carry.h"
#include "hook/instance_priv.h"
#include "hook/isolate.h"
#include "hook/link.h"

/* All of its one thread's, but what has a lock: its loop's thread is the worker and the control thread at once. */
struct gh_isolated {
	struct gh_loop *loop;
	struct gh_inbox *inbox;
	struct gh_io *io;
	struct gh_hooks hooks;
	struct gh_asker *asker; /* as a worker */
	struct gh_settings *settings;
	struct gh_runtime *runtime;
	struct gh_instance *instance;
	struct gh_chain *chain; /* of the instance alone */
	struct gh_host_api api;
	bool created, started;
	atomic_bool runtime_idle, instance_idle;           /* nobody holds it any more */
	struct gh_table clients, exchanges, asks, errands; /* isolated_ask.c */
	struct gh_ticket_stats told;                       /* of ignored answers */
	struct gh_timeout tell;
	struct gh_node kept; /* what CREATE has brought, until create has returned; isolated_host.c */
	bool keeps;          /* there is a store */
	pthread_t thread;

	pthread_mutex_t lock; /* of what goes out: any thread of the module's may act */
	struct gh_link link;
};

/* Any thread. It goes at the end of the turn, in one piece with what has come together. False: too much waits, it is gone. must:
 * however much waits. */
bool gh_isolated_put(struct gh_isolated *isolated, struct gh_buf *frame, bool must);

/* isolated_ask.c: frames about what is asked and told. */
void gh_isolated_client(struct gh_isolated *isolated, struct gh_unpack *in);
void gh_isolated_forget(struct gh_isolated *isolated, struct gh_unpack *in);
void gh_isolated_ask(struct gh_isolated *isolated, struct gh_unpack *in);
void gh_isolated_cancel(struct gh_isolated *isolated, struct gh_unpack *in);
void gh_isolated_exchange_end(struct gh_isolated *isolated, struct gh_unpack *in);
void gh_isolated_event(struct gh_isolated *isolated, struct gh_unpack *in);
void gh_isolated_lost(struct gh_isolated *isolated, struct gh_unpack *in);
void gh_isolated_barrier(struct gh_isolated *isolated, struct gh_unpack *in);
void gh_isolated_errand(struct gh_isolated *isolated, struct gh_unpack *in);
/* Nobody waits any more, nobody is known any more. */
void gh_isolated_ask_end(struct gh_isolated *isolated);

/* isolated_host.c: what the module calls that isn't done in this process. */
extern const struct gh_acts gh_isolated_acts;
void gh_isolated_api_init(struct gh_isolated *isolated);
void gh_isolated_log(void *isolated, enum gh_level level, const char *fmt, va_list ap)
	GH_PRINTF(3, 0);
void gh_isolated_kept(struct gh_isolated *isolated, struct gh_unpack *in);
void gh_isolated_kept_done(struct gh_isolated *isolated);

#endif
