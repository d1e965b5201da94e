/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of one module to one question, as the gh_answer_ calls fill it. */
#ifndef GH_HOOK_ANSWER_H
#define GH_HOOK_ANSWER_H

#include "hook/ask.h"
#include "hook/edited.h"

#include <stdarg.h>

struct gh_ask;

/* What only logins have; made with the first setter that needs it. */
struct gh_login_answer {
	struct gh_grant grant;
	char *client_id, *shown_user;
	void *auth_data;
	size_t auth_data_size;
	const char *bad; /* a client id that the core can't take */
};

struct gh_answer {
	const struct gh_host_api *api; /* first: modules see a gh_object */
	struct gh_instance *instance;
	/* inside a hook on the asker's thread, where it may be PENDING; NULL elsewhere */
	struct gh_fold *fold;
	struct gh_ticket ticket; /* got by gh_pend(), or the one that is answered; id 0: none */
	uint64_t due_ms;         /* the core's patience, monotonic */
	bool called;             /* the module was asked: its answer counts in its figures */
	bool hypothetical;       /* explain: nothing is counted */
	bool late;               /* between gh_answer_begin() and gh_answer_end() */
	bool login;              /* the setters of logins have an effect */
	bool reason_set, no_retain, covers, disconnect, cache;
	uint8_t reason, max_qos;
	uint32_t cause, line;
	uint32_t cache_s; /* of `cache`: seconds, 0: until something changes */
	uint64_t max_size;
	struct gh_login_answer *in;              /* NULL: nothing set */
	struct gh_edits *edits;                  /* publish; NULL: nothing set */
	char why[GH_WHY_MAX], file[GH_FILE_MAX]; /* only their first byte is initialised */
};

void gh_answer_init(struct gh_answer *answer, struct gh_instance *instance, bool login,
		    uint64_t due_ms);
void gh_answer_done(struct gh_answer *answer); /* wipes auth_data */

/* The setters, as the host's table names them. */
void gh_answer_set_bytes(struct gh_answer *answer, uint32_t key, const void *p, size_t n);
void gh_answer_set_pair(struct gh_answer *answer, uint32_t key, const char *name, const char *value);
void gh_answer_set_number(struct gh_answer *answer, uint32_t key, int64_t value);
void gh_answer_set_why(struct gh_answer *answer, const char *fmt, va_list ap) GH_PRINTF(2, 0);

/* The core's own words in a module's place; a why that is there stays. */
void gh_answer_explain(struct gh_answer *answer, enum gh_cause cause, const char *fmt, ...)
	GH_PRINTF(3, 4);

/* It has named this principal at the login; where it doesn't name one now, it means the same. */
void gh_answer_name_again(struct gh_answer *answer, const char *principal);

/* Copies a text into an array that it may not fit: cut at a character. */
void gh_text_cut(char *to, size_t size, const char *p, size_t n);

#endif
