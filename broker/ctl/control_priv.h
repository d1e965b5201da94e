/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the control socket. */
#ifndef GH_CTL_CONTROL_PRIV_H
#define GH_CTL_CONTROL_PRIV_H

#include "base/json.h"
#include "client/inspect.h"
#include "ctl/control.h"
#include "ctl/wire.h"

/* One that neither asks nor reads is cut. */
#define GH_CTL_DEADLINE_MS 30000u

struct gh_errands;
struct gh_gathering;
struct gh_explaining;

/* One connection of gatehousectl: a request, a reply, the end. */
struct gh_ctl_client {
	struct gh_node in_control;
	struct gh_control *control;
	struct gh_io *io;
	struct gh_timeout deadline;
	struct gh_buf in, out;
	size_t sent;
	uint32_t uid;
	long pid;
	struct gh_gathering *gathering;   /* workers are asked */
	struct gh_explaining *explaining; /* modules are asked */
	bool waits;                       /* gh_ctl_wait() */
	struct gh_errands *errands;       /* modules do something */
};

struct gh_control {
	struct gh_daemon *daemon;
	struct gh_io *io;
	char *path;
	struct gh_node clients;
	unsigned client_count;
	int reserve; /* a descriptor for one client when all others are in use; -1: that client is there */
	struct gh_timeout rearm;
};

/* Replies: each ends the request; the client is freed when it has been sent. */
void gh_ctl_fail(struct gh_ctl_client *client, const char *code, const char *fmt, ...)
	GH_PRINTF(3, 4);
void gh_ctl_text(struct gh_ctl_client *client, struct gh_str text);
/* rows: JSON elements, commas between them, without brackets. */
void gh_ctl_rows(struct gh_ctl_client *client, struct gh_str rows);

/* A change of what is in force is under way for it, which may take longer than a client may. */
void gh_ctl_wait(struct gh_ctl_client *client, bool waits);
/* A failure with what there is nevertheless. */
void gh_ctl_fail_rows(struct gh_ctl_client *client, const char *code, struct gh_str text,
		      struct gh_str rows);

/* A whole request has come. */
void gh_ctl_command(struct gh_ctl_client *client, const struct gh_words *words);
void gh_ctl_explain(struct gh_ctl_client *client, const struct gh_words *words);
void gh_ctl_reload(struct gh_ctl_client *client, const struct gh_words *words);
void gh_ctl_plugin(struct gh_ctl_client *client, const struct gh_words *words);
void gh_ctl_plugins(struct gh_ctl_client *client, const struct gh_words *words);
void gh_ctl_subject(struct gh_ctl_client *client, const struct gh_words *words);
/* False: no instance in force has the name of the first word. */
bool gh_ctl_instance(struct gh_ctl_client *client, const struct gh_words *words);
/* For what changes something, before it does: to observers and the log. */
void gh_ctl_tell(const struct gh_ctl_client *client, const struct gh_words *words);

/*
 * Does the task on each of these instances (of the runtime in force) at once, and replies when all have ended: their rows in
 * this order. named: each row begins with its instance, and so does what is said of a failure.
 */
struct gh_errand_task;
struct gh_instance;
void gh_ctl_errands(struct gh_ctl_client *client, struct gh_instance *const *instances,
		    size_t count, const struct gh_errand_task *task, bool named);

/*
 * Asks every worker, or the one of client_id (not NULL); done() once all have answered, with all their elements joined. It
 * replies. Nothing comes if the client has gone meanwhile.
 */
typedef void gh_gathered_fn(struct gh_ctl_client *client, struct gh_str rows, size_t count,
			    struct gh_snapshot *who);
void gh_ctl_gather(struct gh_ctl_client *client, void (*run)(struct gh_shard *, struct gh_question *),
		   const char *client_id, gh_gathered_fn *done);

/* The client has gone: what is under way has nobody to tell. */
void gh_ctl_gathering_orphan(struct gh_ctl_client *client);
void gh_explaining_free(struct gh_explaining **explaining);
void gh_errands_free(struct gh_errands **errands);

#endif
