/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the core share. */
#ifndef GH_TESTHOST_PRIV_H
#define GH_TESTHOST_PRIV_H

#include "clock.h"
#include "lane.h"
#include "metric.h"
#include "options.h"
#include "testhost.h"

enum { LOG_MOST = 10000, OFFLOAD_MOST = 1024 };

struct gh_log_line {
	int level;
	char *text;
};

struct gh_job {
	struct gh_job *next;
	struct gh_instance *instance;
	gh_work_fn *fn;
	void *arg;
};

struct gh_fd {
	struct gh_fd *next;
	uint64_t id;
	struct gh_instance *instance;
	int fd;
	unsigned events;
	gh_watch_fn *fn;
	void *arg;
	bool stopped; /* freed when nobody walks the list */
};

struct gh_slot { /* what is attached to a connection */
	struct gh_slot *next;
	uint64_t connection;
	struct gh_instance *instance;
	void *data;
	gh_free_fn *free;
};

struct gh_testhost {
	/* Set before create, or used by one thread. */
	char *file, *name, *base, *directory;
	bool own_directory;
	uint64_t timeout_ms;
	struct gh_plugin plugin;
	struct gh_store store; /* the plugin's, if it has one */
	struct gh_option *options;
	struct gh_command *commands; /* NULL: none */
	struct gh_setting settings;
	gh_replay_fn *replay;
	void *replay_arg;
	struct gh_instance *instance; /* at work; NULL: none */
	struct gh_instance *old;      /* those that drain */
	struct gh_fd *fds;
	uint64_t fd_ids;
	struct gh_slot **slots; /* a table by connection */
	size_t slot_buckets, slot_count;
	struct gh_lane *offload;
	struct gh_sink *loaded; /* NULL: nothing yet */
	bool storeless;

	struct gh_clock clock;
	struct gh_tickets tickets;
	struct gh_metrics metrics;

	/* Any thread. */
	pthread_mutex_t lock;
	struct gh_log_line *log;
	size_t log_count, log_first;
	int show;
	struct gh_act *acts, **acts_end;
	int busy[GH_ACT_SINK + 1];
	char **classes;
	size_t class_count;
	struct gh_raised *raised; /* barriers that are open */
	struct gh_barrier_counts barriers;
	struct gh_fetch *fetches; /* whose tickets are open */
	struct gh_kept *kept;     /* by the order of their keys */
	size_t kept_count;
	struct gh_job *jobs, **jobs_end;
	_Atomic unsigned job_count;
};

/* It begins as a gh_host does. */
struct gh_instance {
	const struct gh_host_api *api;
	struct gh_testhost *host;
	struct gh_instance *next;
	void *self;
	struct gh_config *config;
	void *local, *lane_local; /* of the worker, and of its own thread */
	char *directory;
	struct gh_lane *lane; /* GH_BLOCKING: its thread */
	uint64_t events, replay;
	bool created, in_force, is_alone, failed, threads;
	char failed_why[512];
	char replies, sinks; /* their addresses own the tickets of replies and of fetches */
	_Atomic unsigned jobs, exchanges, barriers; /* that are open */
};

/* ---- where a thread is ---- */
enum gh_place {
	GH_ELSEWHERE,
	GH_IN_CREATE,
	GH_IN_ALONE,
	GH_IN_HOOK,
	GH_IN_LOOP, /* a timer or a descriptor */
	GH_IN_COMMAND,
	GH_IN_JOB,
	GH_IN_END /* thread_start, thread_stop, destroy, exchange_end, freeing */
};
struct gh_here {
	struct gh_instance *instance;
	enum gh_place place;
	void *local;
	bool worker; /* not a thread of the instance's */
};
struct gh_here *gh_here(void);

extern const struct gh_host_api gh_testhost_api;

struct gh_instance *gh_instance_of(struct gh_host *host);
bool gh_instance_blocks(const struct gh_instance *instance);
/* On the thread where the instance is called for this; _here: on this one. */
void gh_instance_run_here(struct gh_instance *instance, enum gh_place place, void (*fn)(void *),
			  void *arg);
void gh_instance_run(struct gh_instance *instance, enum gh_place place, void (*fn)(void *),
		     void *arg);

/* log.c. A call that the broker refuses: told to the module's author. */
void gh_log_line(struct gh_testhost *host, const char *name, int level, const char *fmt, ...)
	GH_PRINTF(4, 5);
void gh_misuse(struct gh_instance *instance, const char *fmt, ...) GH_PRINTF(2, 3);
void gh_host_log(struct gh_host *host, int level, const char *fmt, va_list ap) GH_PRINTF(3, 0);
void gh_log_done(struct gh_testhost *host);

/* module.c */
int gh_module_load(struct gh_testhost *host, struct gh_error *error);

/* ask.c */
void gh_ticket_expires(void *host, void *number); /* a timer of the host's own */
struct gh_ticket gh_host_pend(struct gh_answer *answer);
uint32_t gh_host_time_left(struct gh_answer *answer);
struct gh_answer *gh_host_answer_begin(struct gh_host *host, struct gh_ticket ticket);
void gh_host_answer_end(struct gh_answer *answer, enum gh_verdict verdict);
bool gh_host_ticket_open(struct gh_host *host, struct gh_ticket ticket);

/* barrier.c */
void gh_host_barrier_end(struct gh_host *host, struct gh_barrier barrier, int rc);
void gh_barriers_done(struct gh_testhost *host);

/* sink.c, store.c */
enum { GH_FETCH_MOST = 64 };
struct gh_sink *gh_sink_new(struct gh_instance *instance, const struct gh_asked *asked);
void gh_fetch_forget(struct gh_testhost *host, struct gh_ticket ticket); /* id 0: all */
int gh_store_load(struct gh_instance *instance, struct gh_error *error); /* 0 without a store too */

/* keep.c */
int gh_host_keep(struct gh_host *host, struct gh_bytes key, struct gh_bytes value);
int gh_host_recall(struct gh_host *host, gh_recall_fn *fn, void *arg);
void gh_kept_done(struct gh_testhost *host);

/* act.c */
int gh_busy(struct gh_testhost *host, enum gh_act_kind kind); /* 0: it isn't */
int gh_host_inject(struct gh_host *host, const struct gh_message *message, uint32_t expiry_s);
int gh_host_disconnect(struct gh_host *host, struct gh_subject subject, uint8_t reason,
		       const char *why);
int gh_host_ban(struct gh_host *host, struct gh_subject subject, uint32_t seconds, const char *why);
int gh_host_set_class(struct gh_host *host, struct gh_subject subject, const char *name,
		      uint32_t seconds);
int gh_host_recheck(struct gh_host *host, struct gh_subject subject);

/* work.c: timers, descriptors, offloaded work */
int gh_host_offload(struct gh_host *host, gh_work_fn *fn, void *arg);
struct gh_timer gh_host_timer(struct gh_host *host, uint32_t first_ms, uint32_t repeat_ms,
			      gh_work_fn *fn, void *arg);
void gh_host_timer_stop(struct gh_host *host, struct gh_timer timer);
struct gh_watch gh_host_watch(struct gh_host *host, int fd, unsigned events, gh_watch_fn *fn,
			      void *arg);
int gh_host_watch_change(struct gh_host *host, struct gh_watch watch, unsigned events);
void gh_host_watch_stop(struct gh_host *host, struct gh_watch watch);
void gh_work_stop(struct gh_instance *instance); /* its timers and descriptors */
bool gh_work_jobs(struct gh_testhost *host);     /* there were some */

/* attach.c */
int gh_host_attach(struct gh_host *host, const struct gh_client *client, void *data,
		   gh_free_fn *free_data);
void *gh_host_attached(struct gh_host *host, const struct gh_client *client);
void gh_attached_free(struct gh_instance *instance); /* all of it */

/* life.c */
void gh_life_drain(struct gh_testhost *host);

#endif
