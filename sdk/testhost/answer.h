/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of a hook: as the gh_answer_ calls fill it, judged as the broker judges it. */
#ifndef GH_TESTHOST_ANSWER_H
#define GH_TESTHOST_ANSWER_H

#include "text.h"
#include "ticket.h"

#include <gatehouse/plugin.h>

enum gh_point {
	GH_AT_ACCEPT = 1,
	GH_AT_HANDSHAKE,
	GH_AT_PSK,
	GH_AT_AUTHENTICATE,
	GH_AT_EXCHANGE,
	GH_AT_LOOKUP,
	GH_AT_AUTHORIZE,
	GH_AT_PUBLISH
};

struct gh_instance;

struct gh_answer {
	const struct gh_host_api *api; /* first: modules see a gh_object */
	struct gh_instance *instance;
	struct gh_question about;
	enum gh_verdict verdict; /* judged */
	bool may_wait;           /* inside a hook that may be PENDING */
	bool late;               /* between gh_answer_begin() and gh_answer_end() */
	struct gh_ticket ticket; /* got by gh_pend(), or the one that is answered; id 0: none */
	pthread_t thread;        /* that began it */
	uint64_t set;            /* bits of enum gh_answer_key */
	/* Values that the core can't take: of any answer but a denial, and of what an ALLOW grants. */
	const char *bad, *bad_grant;
	char *why;
	struct gh_bytes bytes[GH_A_PROPERTY + 1]; /* owned copies, by key */
	int64_t numbers[GH_A_PROPERTY + 1];
	struct gh_fact *pairs; /* groups, attributes, properties in their order; value NULL: removed */
	uint32_t *pair_keys;
	size_t pair_count, pair_bytes;
};

struct gh_answer *gh_answer_new(struct gh_instance *instance, const struct gh_host_api *api,
				const struct gh_question *about);
void gh_answer_free(struct gh_answer **answer); /* wipes */

bool gh_answer_has(const struct gh_answer *answer, enum gh_answer_key key);
/* Of a key that is text or bytes; p NULL: not set. */
struct gh_bytes gh_answer_of(const struct gh_answer *answer, enum gh_answer_key key);

/* The setters, as the host's table names them. */
void gh_answer_set_bytes(struct gh_answer *answer, uint32_t key, const void *p, size_t n);
void gh_answer_set_pair(struct gh_answer *answer, uint32_t key, const char *name, const char *value);
void gh_answer_set_number(struct gh_answer *answer, uint32_t key, int64_t value);
void gh_answer_set_why(struct gh_answer *answer, const char *fmt, va_list ap) GH_PRINTF(2, 0);

/* What the core makes of a verdict: GH_ERROR with a why for what it can't take. */
void gh_answer_judge(struct gh_answer *answer, enum gh_verdict verdict);
/* The core's own end of a question. */
void gh_answer_refuse(struct gh_answer *answer, enum gh_cause cause, const char *why);

/* The words of a script for it. */
void gh_answer_facts(const struct gh_answer *answer, struct gh_facts *facts);
const char *gh_verdict_word(uint32_t verdict);
const char *gh_point_word(enum gh_point point);
const char *gh_cause_word(uint32_t cause); /* NULL: no such cause */

#endif
