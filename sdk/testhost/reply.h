/* SPDX-License-Identifier: Apache-2.0 */
/* What a command or subject answers. */
#ifndef GH_TESTHOST_REPLY_H
#define GH_TESTHOST_REPLY_H

#include "text.h"
#include "ticket.h"

#include <gatehouse/plugin.h>

struct gh_instance;

struct gh_reply {
	const struct gh_host_api *api; /* first: modules see a gh_object */
	struct gh_instance *instance;
	struct gh_bytes secret;
	struct gh_ticket ticket; /* id 0: none */
	bool late;               /* between gh_reply_begin() and gh_reply_end() */
	bool fresh;              /* the row has no field yet */
	bool pending;
	int rc;
	char *message;
	unsigned row, fields;
	struct gh_facts rows; /* "1.name" */
};
void gh_reply_free(struct gh_reply **reply); /* wipes the secret */
/* "ok rows=1 1.name=joe", "error code=EIO message=..." or "pending". */
void gh_reply_facts(const struct gh_reply *reply, struct gh_facts *facts);
const char *gh_code_word(int code);

/* As the host's table names them. */
void gh_host_reply_field(struct gh_reply *reply, const char *name, const char *fmt, va_list ap)
	GH_PRINTF(3, 0);
void gh_host_reply_row(struct gh_reply *reply);
struct gh_bytes gh_host_reply_secret(struct gh_reply *reply);
struct gh_ticket gh_host_reply_pend(struct gh_reply *reply);
struct gh_reply *gh_host_reply_begin(struct gh_host *host, struct gh_ticket ticket);
void gh_host_reply_end(struct gh_reply *reply, int rc, const char *message);

#endif
