/* SPDX-License-Identifier: Apache-2.0 */
/* Where the records of a store go: those of a load, or those of a fetch. */
#ifndef GH_HOOK_SINK_H
#define GH_HOOK_SINK_H

#include "hook/host.h"

#include <gatehouse/hooks.h>

/* A copy that owns its bytes; from malloc, one block. */
struct gh_record_copy {
	struct gh_record record;
	uint8_t bytes[];
};
/* In this broker's shape, whatever size the module's has. */
struct gh_record_copy *gh_record_copy_new(const struct gh_record *record);

/* { 0 } is empty. */
struct gh_record_list {
	struct gh_record_copy **at;
	size_t count;
};
/* Takes it over. */
void gh_record_list_add(struct gh_record_list *list, struct gh_record_copy *record);
void gh_record_list_done(struct gh_record_list *list);

/* 0, or an error, which is the module's too: it is to stop. */
typedef int gh_sink_fn(struct gh_sink *sink, const struct gh_record *record);

/* Never shared: a thread has it, then the mail. */
struct gh_sink {
	const struct gh_host_api *api; /* first: modules see a gh_object */
	gh_sink_fn *take;
	struct gh_instance *instance;
	int rc; /* the first error of what was put */
	struct gh_record_list records;
	/* of a fetch */
	struct gh_mail mail;
	struct gh_ticket ticket;
	bool late, pended;
};

/* The host's table. */
int gh_sink_take(struct gh_sink *sink, const struct gh_record *record);
struct gh_ticket gh_sink_ticket(struct gh_sink *sink);
struct gh_sink *gh_sink_claim(struct gh_host *host, struct gh_ticket ticket);
void gh_sink_finish(struct gh_sink *sink, int rc);

/* Of a fetch: what is put is gathered, at most GH_FETCH_MAX. */
struct gh_sink *gh_sink_new(struct gh_instance *instance, struct gh_ticket ticket);
void gh_sink_free(struct gh_sink **sink);

#endif
