/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker tells of its clients and sessions, and does to them, when the control thread asks. */
#ifndef GH_CLIENT_INSPECT_H
#define GH_CLIENT_INSPECT_H

#include "base/json.h"
#include "client/shard.h"

/*
 * A question to one worker: run() on its thread fills `out` (JSON elements) and the two answers; then it comes back as
 * mail to the inbox of who asked.
 */
struct gh_question {
	struct gh_mail mail; /* first */
	void (*run)(struct gh_shard *shard, struct gh_question *question);
	void (*answered)(struct gh_question *question,
			 bool in_time); /* on the asking thread; false: it is gone */
	struct gh_inbox *from;
	void *arg;
	char *client_id;     /* owned; what it is about. NULL: all */
	struct gh_json json; /* of `out` */
	struct gh_buf out;
	struct gh_snapshot *who; /* gh_inspect_find: facts of the client, a reference */
	size_t count;            /* how many it was true of, or done to */
};

struct gh_question *gh_question_new(struct gh_inbox *from,
				    void (*run)(struct gh_shard *, struct gh_question *),
				    void (*answered)(struct gh_question *, bool), void *arg);
void gh_question_free(struct gh_question **question);
void gh_question_ask(struct gh_question *question, struct gh_worker *worker);

/* run() functions. clients: a row for each connection. find: `who` of a client id. disconnect: ends it (0x98). */
void gh_inspect_clients(struct gh_shard *shard, struct gh_question *question);
void gh_inspect_find(struct gh_shard *shard, struct gh_question *question);
void gh_inspect_disconnect(struct gh_shard *shard, struct gh_question *question);

#endif
