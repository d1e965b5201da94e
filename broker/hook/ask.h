/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a list of modules: the fold of their answers into one decision, at once or later. */
#ifndef GH_HOOK_ASK_H
#define GH_HOOK_ASK_H

#include "hook/asker.h"
#include "hook/chain.h"
#include "hook/snapshot.h"

#include <gatehouse/hooks.h>

/*
 * Every function here is called on the asker's own thread. It returns NULL when all is decided:
 * *decision_r is filled. Or a gh_ask that waits: `done` is called once on the same thread, later,
 * never from inside the call; unless it is cancelled. While it waits it holds copies of the
 * arguments, a reference of the snapshot and of the runtime: the caller's may go.
 *
 * Arguments: `size` is filled here, `client` must be of gh_snapshot_client() (but accept's). The
 * chain's runtime must be held by the caller during the call: as the worker's current one, or by
 * gh_runtime_ref().
 *
 * Fold of a grant (authenticate, exchange, authorize), in the order of the list: who isn't required
 * is asked until one has ALLOWed; who is required is always asked and must ALLOW; DENY or ERROR
 * ends it. Granted if every required one has ALLOWed and, where the list has others, one of those.
 * ERROR (also: no verdict, an unknown one, PENDING where it may not be, more than max-pending open,
 * no answer within hook-timeout) counts as PASS for an instance of `on-error: next` that isn't
 * required. hook-timeout counts for each module asked; two of them at most for an authorize or a
 * step of an exchange. The whole of a login is the caller's to bound (gh_ask_cancel).
 */
struct gh_ask;
struct gh_edited;

#define GH_WHY_MAX     256
#define GH_FILE_MAX    256
#define GH_NO_MAX_SIZE UINT64_MAX

/* Which entries of the authorize list have said that they'd answer every delivery so: a bit by
 * index. */
struct gh_cover {
	bool whole; /* all that were asked said so: RECEIVE needn't be asked */
	uint32_t pass, allow;
	uint32_t seconds; /* it holds so long, 0: until the policy or the identity changes */
};

/* The outcome. Only heads of texts are initialised: it may live on the stack uncleared. */
struct gh_decision {
	/* GH_ALLOW or GH_DENY; exchange: GH_CONTINUE too. Accept: ALLOW where nobody refused */
	enum gh_verdict verdict;
	uint8_t reason;  /* of a DENY, as the module set it; 0: none said */
	bool reason_set; /* it said one, which may be 0 */
	/* denied because of ERROR or timeout: with RECHECK what was granted stays for now */
	bool failed;
	uint32_t cause; /* enum gh_cause; where all PASS the first that isn't OTHER */
	const char *module; /* the instance that decided, "anonymous", "anyone"; "" where all passed. Lives as the chain */
	/* authorize, of an ALLOW */
	uint8_t max_qos; /* 0..2 */
	bool no_retain;
	bool disconnect; /* of a DENY */
	bool uncovered; /* RECEIVE, of a DENY: only because one that can't be asked has not covered its filter */
	bool beyond; /* a DENY by the core: beyond the limits of what was an ALLOW */
	/* Every module asked said that it depends on client, action and topic alone: it may be kept for
	 * keep_s seconds, 0: until the policy or the identity changes */
	bool keep;
	uint32_t keep_s;
	uint64_t max_size;     /* bytes of payload; GH_NO_MAX_SIZE: no limit */
	struct gh_cover cover; /* SUBSCRIBE */
	uint32_t line;         /* 0: none */
	char why[GH_WHY_MAX],
		file[GH_FILE_MAX]; /* terminated; "" where none; cut at a character when longer */
	/* publish, of an ALLOW: what the modules have made of the message; NULL: as it was. Owned like
	 * the rest */
	struct gh_edited *edited;
	/* logins; owned by the decision: gh_decision_done(), or taken by setting them NULL */
	struct gh_shared_identity *identity; /* of an ALLOW (lookup: also where nothing changed) */
	char *client_id;                     /* NULL: as it is */
	void *auth_data;                     /* CONTINUE and ALLOW */
	size_t auth_data_size;
};
/* nothing to do after authorize and accept, but harmless */
void gh_decision_done(struct gh_decision *decision);
/* "file:line", "file" or "" into buf; returns buf. */
const char *gh_decision_rule(const struct gh_decision *decision, char *buf, size_t size);

/* decision is the engine's: done() may take what it owns; gh_decision_done() follows. The gh_ask is
 * dead already. */
typedef void gh_ask_done_fn(void *arg, struct gh_decision *decision);

/* publish: what one module of the list said, before its `on-error` is looked at. Borrowed for the call. */
struct gh_told {
	const char *module;
	enum gh_verdict verdict;
	const char *why;
	bool edited;         /* it has changed the message */
	struct gh_str topic; /* as it is now, where that isn't the first one; else empty */
};
typedef void gh_ask_told_fn(void *arg, const struct gh_told *told);

/* A login: what stands for its user name in logs and events from now on, "": nothing. Called where a module says it, once, before
 * the end; borrowed for the call. */
typedef void gh_ask_shown_fn(void *arg, const char *name);

struct gh_asking {
	struct gh_asker *asker;
	const struct gh_chain *chain;
	gh_ask_done_fn *done; /* NULL: it may not wait: PENDING and blocking instances are ERROR */
	gh_ask_told_fn *told; /* NULL: nobody wants it; called before the end, in the order of the list */
	gh_ask_shown_fn *shown; /* NULL: nobody shows a user name */
	void *arg;
};

/* Veto by the entries that have the hook. Never waits. Any thread that has entered an asker. */
void gh_ask_accept(const struct gh_chain *chain, const struct gh_client *client,
		   struct gh_decision *decision_r);

/* CONNECT without an authentication method. ALLOW: identity is set (the anonymous one too). */
struct gh_ask *gh_ask_authenticate(const struct gh_asking *asking, const struct gh_authenticate *in,
				   struct gh_decision *decision_r);

/*
 * An exchange: CONNECT with a method, or a re-authentication (flags GH_REAUTH, connect NULL). It
 * stays with the runtime of its chain and, once one module has said CONTINUE, with that module.
 * Freed after the final verdict or when the connection ends: exchange_end runs then (or once a
 * running job has let go of it). `in`: size, step and state are filled here. Re-authentication:
 * required modules without exchange keep what they gave to the old identity; another principal than
 * before is a DENY.
 */
struct gh_exchange_run;
struct gh_exchange_run *gh_exchange_run_new(const struct gh_chain *chain);
/* no ask of it may be open: cancel first */
void gh_exchange_run_free(struct gh_exchange_run **run);
/* First CONNECT's data, then that of each AUTH after a CONTINUE. asking->chain is ignored: it is
 * the run's. */
struct gh_ask *gh_ask_exchange(const struct gh_asking *asking, struct gh_exchange_run *run,
			       const struct gh_exchange *in, struct gh_decision *decision_r);

/*
 * GH_RECHECK: each instance that ALLOWed at the login of client->identity is asked, by name, in the
 * chain of today. DENY, or one that is no longer in the list, or an anonymous one where the list
 * isn't open any more: DENY. Else ALLOW with the identity as it is now; `failed` then says that
 * some module gave no answer: try again later. GH_HYPOTHETICAL: what would this principal be? A
 * grant over all entries that have lookup.
 */
struct gh_ask *gh_ask_lookup(const struct gh_asking *asking, const struct gh_lookup *in,
			     struct gh_decision *decision_r);

/*
 * The hot path: one ALLOW at once allocates nothing and, with GH_CONCURRENT, locks nothing. RECEIVE
 * never waits. covered: for RECEIVE what the SUBSCRIBE's decision said (its entries count as
 * answered), else NULL. SUBSCRIBE: an instance that blocks must cover with ALLOW, else it is an
 * ERROR; with PASS it covers by itself.
 */
struct gh_ask *gh_ask_authorize(const struct gh_asking *asking, const struct gh_authorize *in,
				const struct gh_cover *covered, struct gh_decision *decision_r);

/*
 * What is published, shown to the message list: a veto, in order, each seeing what those before it
 * made of it. DENY or ERROR ends it (ERROR counts as PASS for an instance of `on-error: next` that
 * isn't required), so does an edit that the core can't take; else ALLOW. Without an edit nothing is
 * allocated.
 */
struct gh_ask *gh_ask_publish(const struct gh_asking *asking, const struct gh_publish *in,
			      struct gh_decision *decision_r);

/* Nobody waits any more: done() isn't called; tickets are orphaned, jobs not begun are dropped.
 * NULL is fine. */
void gh_ask_cancel(struct gh_ask **ask);

#endif
