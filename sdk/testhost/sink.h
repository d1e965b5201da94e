/* SPDX-License-Identifier: Apache-2.0 */
/* What a store tells, in load or to a fetch. */
#ifndef GH_TESTHOST_SINK_H
#define GH_TESTHOST_SINK_H

#include "text.h"
#include "ticket.h"

#include <gatehouse/plugin.h>

struct gh_instance;

/* What may be told. Owner and after are its own. */
struct gh_asked {
	uint32_t kind; /* 0: everything, in load */
	struct gh_str owner;
	struct gh_bytes after;
	uint32_t limit;
};

struct gh_sink {
	const struct gh_host_api *api; /* first: modules see a gh_object */
	struct gh_instance *instance;
	struct gh_asked asked;
	struct gh_ticket ticket; /* id 0: none */
	pthread_t thread;        /* that began it */
	bool may_wait;           /* inside fetch */
	bool late;               /* between gh_sink_begin() and gh_sink_end() */
	bool pending;
	int rc;                    /* the first error of what was put holds */
	const char *wrong;         /* in what was put for a fetch; NULL: nothing */
	const char *why;           /* the host's own; NULL: none */
	struct gh_record *records; /* its own */
	size_t count;
};
void gh_sink_free(struct gh_sink **sink);
/* The module's end of it. */
void gh_sink_judge(struct gh_sink *sink, int rc);
/* "ok records=1 1.kind=session 1.owner=dev1 ...", "error code=EIO" or "pending". */
void gh_sink_facts(const struct gh_sink *sink, struct gh_facts *facts);

/* Their words by their numbers, NULL at the end; 0 is "any". */
extern const char *const gh_record_kinds[];

/* As the host's table names them. */
int gh_host_sink_put(struct gh_sink *sink, const struct gh_record *record);
struct gh_ticket gh_host_sink_pend(struct gh_sink *sink);
struct gh_sink *gh_host_sink_begin(struct gh_host *host, struct gh_ticket ticket);
void gh_host_sink_end(struct gh_sink *sink, int rc);

#endif
