/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts: what they are made of, and what their commands share. gatehouse-testhost(1) is their
 * description. */
#ifndef GH_TESTHOST_SCRIPT_H
#define GH_TESTHOST_SCRIPT_H

#include "lend.h"
#include "line.h"
#include "options.h"
#include "testhost.h"

/* A client as the script has it. */
struct gh_actor {
	struct gh_actor *next;
	char *name;
	struct gh_facts facts; /* as written: "id", "address", ...; of "group" there may be several */
	uint64_t connection;
	struct gh_run run; /* an exchange that isn't over */
};

/* An answer that is waited for. */
enum gh_waits { GH_WAITS_ANSWER, GH_WAITS_REPLY, GH_WAITS_FETCH };
struct gh_waiter {
	struct gh_waiter *next;
	char *name; /* NULL: not named */
	struct gh_actor *actor;
	struct gh_ticket ticket;
	uint32_t point; /* of an answer */
	enum gh_waits what;
	bool over;
};

struct gh_script {
	struct gh_testhost *host;
	const char *file;
	char *realm;
	unsigned number;               /* of the line */
	struct gh_line current, *line; /* line: current, or one of those that are present */
	char *problem;                 /* of the line; NULL: none */
	struct gh_actor *actors;
	struct gh_waiter *waiters;
	uint64_t connections;
	struct gh_line *present; /* events that are true already */
	size_t present_count;
	struct gh_lent replayed;
	unsigned failures;
	bool judged, fits; /* by the command itself: the answer is as expected, or not */
	bool over;
};

/* 0: as expected; 1: not; 2: the script is wrong. text: the whole script. */
int gh_script_run(struct gh_testhost *host, const char *file, const char *text);

/* ---- for the commands ---- */
typedef void gh_command_fn(struct gh_script *script, struct gh_facts *facts);

/* The first problem of a line ends the script. */
void gh_script_wrong(struct gh_script *script, const char *fmt, ...) GH_PRINTF(2, 3);
/* False: a word that nobody has used, or another problem: don't go on. */
bool gh_script_right(struct gh_script *script);

/* Words of the line. They tell what is wrong, and return something. */
const char *gh_script_word(struct gh_script *script, size_t index, const char *what);
const char *gh_script_text(struct gh_script *script, const char *key); /* NULL: not given */
uint64_t gh_script_number(struct gh_script *script, const char *key, uint64_t most,
			  uint64_t standard);
bool gh_script_flag(struct gh_script *script, const char *key, bool standard);
uint64_t gh_script_duration(struct gh_script *script, const char *text); /* ms */
uint64_t gh_read_number(struct gh_script *script, const char *what, const char *text, uint64_t most);
bool gh_read_flag(struct gh_script *script, const char *what, const char *text);
/* The place of a word in a list that NULL ends; its length: it isn't one. */
uint32_t gh_word_index(const char *const *words, const char *text);
uint32_t gh_read_index(struct gh_script *script, const char *what, const char *const *words,
		       const char *text);
int64_t gh_read_time(struct gh_script *script, const char *text); /* Unix seconds */

/* script_client.c */
enum gh_view {
	GH_VIEW_ADDRESS, /* accept */
	GH_VIEW_TLS,     /* handshake, psk */
	GH_VIEW_CONNECT, /* before it is known who it is */
	GH_VIEW_WHOLE
};
struct gh_actor *gh_actor_named(struct gh_script *script, const char *name); /* or a problem */
const struct gh_client *gh_actor_lend(struct gh_script *script, const struct gh_actor *actor,
				      enum gh_view view, uint32_t flags, struct gh_lent *lent);
const struct gh_identity *gh_actor_identity(struct gh_script *script, const struct gh_actor *actor,
					    struct gh_lent *lent); /* NULL: unknown */
/* An ALLOW to a login: who it is from now on. */
void gh_actor_become(struct gh_script *script, struct gh_actor *actor,
		     const struct gh_answer *answer);
void gh_actors_free(struct gh_script *script);
gh_command_fn gh_do_client, gh_do_gone;

/* script_ask.c */
struct gh_message;
const struct gh_message *gh_script_message(struct gh_script *script, struct gh_bytes topic,
					   struct gh_lent *lent);
gh_command_fn gh_do_accept, gh_do_handshake, gh_do_psk, gh_do_authenticate, gh_do_exchange,
	gh_do_lookup, gh_do_authorize, gh_do_publish;

/* script_later.c */
void gh_waiter_add(struct gh_script *script, struct gh_actor *actor, struct gh_ticket ticket,
		   uint32_t point, enum gh_waits what);
bool gh_waiter_waits(struct gh_script *script, const struct gh_actor *actor, uint32_t point);
void gh_waiters_drop(struct gh_script *script, const struct gh_actor *actor); /* NULL: of all */
void gh_waiters_settle(struct gh_script *script);
/* What follows from an answer: the identity, the end of an exchange. */
void gh_script_answered(struct gh_script *script, struct gh_actor *actor, uint32_t point,
			const struct gh_answer *answer);
gh_command_fn gh_do_expect, gh_do_wait, gh_do_wait_log, gh_do_drop, gh_do_tickets, gh_do_barriers,
	gh_do_wait_barriers;

/* script_store.c */
gh_command_fn gh_do_loaded, gh_do_put, gh_do_erase, gh_do_fetch, gh_do_keep, gh_do_kept,
	gh_do_storeless;

/* script_event.c */
bool gh_replay_present(void *script, size_t index, struct gh_event *event_r);
gh_command_fn gh_do_event, gh_do_present;

/* script_host.c */
gh_command_fn gh_do_name, gh_do_realm, gh_do_clock, gh_do_timeout, gh_do_directory, gh_do_class,
	gh_do_figure, gh_do_option, gh_do_show, gh_do_create, gh_do_reload, gh_do_destroy,
	gh_do_draining, gh_do_advance, gh_do_metric, gh_do_log, gh_do_act, gh_do_busy,
	gh_do_command, gh_do_subject, gh_do_barrier;

#endif
